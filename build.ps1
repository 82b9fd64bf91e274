# Builds, tests and runs NativeDl; build.sh has the same verbs. How things are built stands in CMakePresets.json
# and the MSBuild files, not here. The compiler is MinGW's g++ (winget, or MSYS2, which has GoogleTest, too).
$ErrorActionPreference = 'Stop'
$root = $PSScriptRoot
$results = Join-Path $root 'build/results'
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'

function Show-Usage {
@'
usage: ./build.ps1 VERB

  setup                            check the tools and install what is missing
  build [release|debug|asan|tsan]  build the native library and its tests; release, the default: the solution too
  test                             run the native and the managed tests
  demo                             run the command-line tool's demo
  bench [ARGS...]                  run the benchmarks; --help says which there are
  bindings                         write bindings/Generated anew from the C headers (needs CppSharp)
  nativedl ARGS...                 run the command-line tool
  clean                            remove everything that was built
'@
}

# Runs a program; its failure ends the script with the program's exit code.
function Invoke-Tool([string] $program, [object[]] $arguments) {
    & $program @arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Test-Command([string] $name) { $null -ne (Get-Command $name -ErrorAction SilentlyContinue) }

function Test-Compiles([string[]] $lines) {
    if (-not (Test-Command 'g++')) { return $false }
    ($lines -join "`n") | & g++ -std=c++20 -x c++ -fsyntax-only - 2>$null | Out-Null
    return $LASTEXITCODE -eq 0
}

function Test-Tool([string] $tool) {
    switch ($tool) {
        'cmake' { (Test-Command 'cmake') -and ([version]((& cmake --version)[0] -replace '[^0-9.]') -ge [version]'3.25') }
        'c++' { Test-Compiles @('#if !defined(__clang__) && __GNUC__ < 12', '#error', '#endif', '#include <span>') }
        'gtest' { Test-Compiles @('#include <gtest/gtest.h>') }
        'dotnet' { (Test-Command 'dotnet') -and [bool](& dotnet --list-sdks | Where-Object { $_ -match '^10\.' }) }
        default { Test-Command $tool }
    }
}

$packages = @{
    'cmake' = 'Kitware.CMake'; 'ninja' = 'Ninja-build.Ninja'; 'c++' = 'BrechtSanders.WinLibs.POSIX.UCRT'
    'dotnet' = 'Microsoft.DotNet.SDK.10'
}

# Installs those of the tools named that are missing, or says how to; prints nothing where all are there.
function Install-Tools([string[]] $tools) {
    foreach ($tool in $tools) {
        if (Test-Tool $tool) { continue }
        $command = 'pacman -S mingw-w64-ucrt-x86_64-gtest   (in MSYS2)'
        if ($packages.ContainsKey($tool)) {
            $command = "winget install --exact --id $($packages[$tool])"
            if (Test-Command 'winget') {
                & winget install --exact --id $packages[$tool] --disable-interactivity --accept-package-agreements --accept-source-agreements | Out-Host
                if (Test-Tool $tool) { continue }
            }
        }
        [Console]::Error.WriteLine("error: $tool is missing (needed: cmake >= 3.25, ninja, g++ >= 12 or clang, GoogleTest, .NET 10 SDK).")
        [Console]::Error.WriteLine("Install it with: $command, then open a new terminal.")
        exit 1
    }
}

function Build-Native([string] $preset, [string[]] $arguments) {
    Install-Tools @('cmake', 'ninja', 'c++')
    Push-Location $root
    try {
        if (-not (Test-Path "build/$preset/build.ninja")) { Invoke-Tool cmake @('--preset', $preset) }
        Invoke-Tool cmake (@('--build', '--preset', $preset) + $arguments)
    } finally { Pop-Location }
}

function Build-Managed([string] $project) {
    Install-Tools @('dotnet')
    Invoke-Tool dotnet @('msbuild', $project, '-restore', '-property:Configuration=Release', '-verbosity:quiet', '-nologo')
}

function Build-All([string] $preset) {
    Install-Tools @('gtest')
    Build-Native $preset @()
    if ($preset -eq 'release') { Build-Managed (Join-Path $root 'NativeDl.sln') }
}

# Runs a project of managed/ on the release build; what building says goes to stderr, stdout is the program's.
function Start-Project([string] $name, [object[]] $arguments) {
    $project = Join-Path $root "managed/$name"
    & { Build-Native 'release' @('--target', 'nativedl'); Build-Managed $project } | ForEach-Object { [Console]::Error.WriteLine($_) }
    & dotnet run -c Release --no-build --project $project -- @arguments
    exit $LASTEXITCODE
}

# The peers of the benchmarks that are installed now, perhaps since the last build.
function Build-Peers {
    Install-Tools @('cmake', 'ninja', 'c++')
    Push-Location $root
    try {
        & { Invoke-Tool cmake @('--preset', 'release'); Invoke-Tool cmake @('--build', '--preset', 'release', '--target', 'peers') } |
            ForEach-Object { [Console]::Error.WriteLine($_) }
    } finally { Pop-Location }
}

function Invoke-Tests {
    Install-Tools @('cmake', 'ninja', 'c++', 'gtest', 'dotnet')
    Build-All 'release'
    if (Test-Path $results) { Remove-Item -Recurse -Force $results }
    New-Item -ItemType Directory $results | Out-Null
    $broken = @()
    Push-Location $root
    & ctest --preset release --output-junit (Join-Path $results 'native.xml')
    if ($LASTEXITCODE -ne 0) { $broken += 'native' }
    Pop-Location
    foreach ($file in Get-ChildItem (Join-Path $root 'tests/*/*.csproj')) {
        & dotnet test $file.DirectoryName -c Release --no-build --results-directory $results --logger "trx;LogFileName=$($file.BaseName).trx"
        if ($LASTEXITCODE -ne 0) { $broken += $file.BaseName }
    }
    if ($broken.Count -gt 0) { Set-Content (Join-Path $results 'broken') $broken }
    & cmake "-DRESULTS=$results" -P (Join-Path $root 'cmake/TestSummary.cmake')
    if ($broken.Count -gt 0) { exit 1 }
}

function Update-Bindings {
    $generator = Join-Path $root 'bindings/Generator'
    Install-Tools @('dotnet')
    & dotnet restore $generator --verbosity quiet
    if ($LASTEXITCODE -ne 0) {
        $version = (Select-String -Path "$generator/*.csproj" -Pattern 'Include="CppSharp" Version="([^"]*)"').Matches[0].Groups[1].Value
        [Console]::Error.WriteLine("error: CppSharp, which writes the bindings, is not to be had: NuGet found no package CppSharp $version. Use a NuGet source that has it, or set NATIVEDL_CPPSHARP_DIR to a folder with CppSharp's assemblies, its native parser (CppSharp.CppParser.dll, Std-symbols.dll) and clang's headers (lib/clang/19/include). bindings/Generated/NativeDl.g.cs is committed: only a change of native/include needs this.")
        exit 1
    }
    Invoke-Tool dotnet @('run', '--no-restore', '--project', $generator, '--', '--root', $root)
}

$verb, $rest = $args
$rest = @($rest | Where-Object { $null -ne $_ })
switch ($verb) {
    'setup' { Install-Tools @('cmake', 'ninja', 'c++', 'gtest', 'dotnet') }
    'build' { Build-All $(if ($rest.Count -gt 0) { $rest[0] } else { 'release' }) }
    'test' { Invoke-Tests }
    'demo' { Start-Project 'NativeDl.Tool' (@('demo') + $rest) }
    'bench' { Build-Peers; Start-Project 'NativeDl.Bench' $rest }
    'bindings' { Update-Bindings }
    'nativedl' { Start-Project 'NativeDl.Tool' $rest }
    'clean' { @("build") + ("managed", "tests", "bindings" | ForEach-Object { "$_/*/bin", "$_/*/obj" }) | ForEach-Object { Remove-Item -Recurse -Force -ErrorAction SilentlyContinue "$root/$_" } }
    default { Show-Usage; exit 2 }
}
