#!/usr/bin/env bash
# Builds, tests and runs NativeDl; build.ps1 has the same verbs. How things are built stands in CMakePresets.json
# and the MSBuild files, not here.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=$root/build/results
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

usage() {
  cat <<'EOT'
usage: ./build.sh VERB

  setup                            check the tools and install what is missing
  build [release|debug|asan|tsan]  build the native library and its tests; release, the default: the solution too
  test                             run the native and the managed tests
  demo                             run the command-line tool's demo
  bench [ARGS...]                  run the benchmarks; --help says which there are
  bindings                         write bindings/Generated anew from the C headers (needs CppSharp)
  nativedl ARGS...                 run the command-line tool
  clean                            remove everything that was built
EOT
}

have() { command -v "$1" >/dev/null 2>&1; }
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
compiles() { printf '%s\n' "$@" | "${CXX:-c++}" -std=c++20 -x c++ -fsyntax-only - >/dev/null 2>&1; }

is_there() {
  case $1 in
    cmake) have cmake && at_least "$(cmake --version | sed -n '1s/[^0-9.]//gp')" 3.25 ;;
    c++) compiles '#if !defined(__clang__) && __GNUC__ < 12' '#error' '#endif' '#include <span>' ;;
    gtest) compiles '#include <gtest/gtest.h>' ;;
    dotnet) have dotnet && dotnet --list-sdks | grep -q '^10\.' ;;
    *) have "$1" ;;
  esac
}

package() {  # name of tool $2 under package manager $1
  case $1:$2 in
    apt-get:ninja | dnf:ninja) echo ninja-build ;;
    apt-get:c++) echo g++ ;;
    apt-get:gtest) echo libgtest-dev ;;
    dnf:c++) echo gcc-c++ ;;
    dnf:gtest) echo gtest-devel ;;
    brew:c++) echo llvm ;;
    brew:gtest) echo googletest ;;
    brew:dotnet) echo dotnet ;;
    *:dotnet) echo dotnet-sdk-10.0 ;;
    *) echo "$2" ;;
  esac
}

# Installs those of the tools named that are missing, or says how to; prints nothing where all are there.
setup() {
  local tool manager='' sudo='' missing='' packages='' commands=''
  for tool in "$@"; do is_there "$tool" || missing+=" $tool"; done
  [ -n "$missing" ] || return 0
  for tool in apt-get dnf brew; do if have $tool; then manager=$tool && break; fi; done
  if [ -n "$manager" ]; then
    for tool in $missing; do packages+=" $(package "$manager" "$tool")"; done
    if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then sudo='sudo '; fi
    commands="$sudo$manager install$([ "$manager" = brew ] || echo ' -y')$packages"
    if [ "$manager" = apt-get ]; then commands="${sudo}apt-get update && $commands"; fi
    if [ -z "$sudo" ] || { have sudo && sudo -n true 2>/dev/null; }; then
      echo "missing:$missing; running: $commands" >&2
      DEBIAN_FRONTEND=noninteractive bash -c "$commands" </dev/null >&2 || true
    fi
  fi
  for tool in $missing; do
    is_there "$tool" && continue
    echo "error: $tool is missing (needed: cmake >= 3.25, ninja, g++ >= 12 or clang, GoogleTest, .NET 10 SDK)." >&2
    if [ -n "$commands" ]; then echo "Install it with: $commands" >&2; fi
    if [ "$tool" = dotnet ]; then echo "Or get the SDK from https://dotnet.microsoft.com/download" >&2; fi
    return 1
  done
}

native() {  # preset, then arguments of cmake --build
  local preset=$1
  shift
  setup cmake ninja c++
  cd "$root"
  if [ ! -e "build/$preset/build.ninja" ]; then cmake --preset "$preset"; fi
  cmake --build --preset "$preset" "$@"
}

managed() {
  setup dotnet
  dotnet msbuild "$@" -restore -property:Configuration=Release -verbosity:quiet -nologo
}

build() {
  local preset=${1:-release}
  setup gtest
  native "$preset"
  if [ "$preset" = release ]; then managed "$root/NativeDl.sln"; fi
}

# Runs a project of managed/ on the release build; what building says goes to stderr, stdout is the program's.
run() {
  local project=$root/managed/$1
  shift
  (
    native release --target nativedl
    managed "$project"
  ) >&2
  exec dotnet run -c Release --no-build --project "$project" -- "$@"
}

# The peers of the benchmarks that are installed now, perhaps since the last build.
peers() {
  (
    setup cmake ninja c++
    cd "$root"
    cmake --preset release
    cmake --build --preset release --target peers
  ) >&2
}

run_tests() {
  local project
  setup cmake ninja c++ gtest dotnet
  build release
  rm -rf "$results" && mkdir -p "$results"
  ctest --preset release -LE gtest --output-junit "$results/abi.xml" || echo abi >>"$results/broken"
  build/release/tests/nativedl_tests --gtest_brief=1 --gtest_output="xml:$results/native.xml" || echo native >>"$results/broken"
  for project in "$root"/tests/*/*.csproj; do
    project=$(basename "$project" .csproj)
    dotnet test "$root/tests/$project" -c Release --no-build --results-directory "$results" \
      --logger "trx;LogFileName=$project.trx" || echo "$project" >>"$results/broken"
  done
  cmake -DRESULTS="$results" -P "$root/cmake/TestSummary.cmake"
  [ ! -e "$results/broken" ]
}

bindings() {
  local generator=$root/bindings/Generator version
  setup dotnet
  if ! dotnet restore "$generator" --verbosity quiet; then
    version=$(sed -n 's/.*Include="CppSharp" Version="\([^"]*\)".*/\1/p' "$generator"/*.csproj)
    cat >&2 <<EOT
error: CppSharp, which writes the bindings, is not to be had: NuGet found no package CppSharp $version. Use a NuGet source that has it, or set NATIVEDL_CPPSHARP_DIR to a folder with CppSharp's assemblies, its native parser (libCppSharp.CppParser.so, libStd-symbols.so) and clang's headers (lib/clang/19/include). bindings/Generated/NativeDl.g.cs is committed: only a change of native/include needs this.
EOT
    return 1
  fi
  dotnet run --no-restore --project "$generator" -- --root "$root"
}

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  setup) setup cmake ninja c++ gtest dotnet ;;
  build) build "$@" ;;
  test) run_tests ;;
  demo) run NativeDl.Tool demo "$@" ;;
  bench) peers && run NativeDl.Bench "$@" ;;
  bindings) bindings ;;
  nativedl) run NativeDl.Tool "$@" ;;
  clean) rm -rf "$root"/build "$root"/{managed,tests,bindings}/*/{bin,obj} ;;
  *) usage >&2 && exit 2 ;;
esac
