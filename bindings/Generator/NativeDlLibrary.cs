using CppSharp;
using CppSharp.AST;
using CppSharp.AST.Extensions;
using CppSharp.Generators;
using CppSharp.Parser;
using CppSharp.Passes;
using ASTContext = CppSharp.AST.ASTContext;
using Parameter = CppSharp.AST.Parameter;
using Type = CppSharp.AST.Type;

namespace NativeDl.Bindings.Generator;

/// <summary>Tells CppSharp what to read and how to name what it writes; keeps the text it generates.</summary>
internal sealed class NativeDlLibrary(string includeDirectory) : ILibrary
{
    private const string LibraryName = "nativedl";

    public string? Code { get; private set; }

    public void Setup(Driver driver)
    {
        var parser = driver.ParserOptions;
        parser.LanguageVersion = LanguageVersion.C99;
        // One fixed target and clang's own stdint.h instead of the host's: the output is the same on every
        // machine. (The underlying type of an enum, for one, differs between Windows and Linux.)
        parser.TargetTriple = "x86_64-pc-linux-gnu";
        parser.MicrosoftMode = false;
        parser.NoStandardIncludes = true;
        parser.NoBuiltinIncludes = true;
        parser.AddSystemIncludeDirs(parser.BuiltinsDir);
        parser.AddArguments("-ffreestanding");

        var options = driver.Options;
        options.GeneratorKind = GeneratorKind.CSharp;
        options.GenerationOutputMode = GenerationOutputMode.FilePerModule;
        options.OutputNewLineType = NewLineType.LF;
        // The class is otherwise named after each header.
        options.GenerateFreeStandingFunctionsClassName = _ => "NativeMethods";
        options.Quiet = true;

        var module = options.AddModule(LibraryName);
        module.OutputNamespace = "NativeDl.Bindings";
        module.IncludeDirs.Add(includeDirectory);
        module.Headers.Add("nativedl/nativedl.h");
    }

    public void Preprocess(Driver driver, ASTContext context)
    {
        // CppSharp reads no macros unless told to; an enum is the form it can give them.
        var constants = context.GenerateEnumFromMacros("Constants", "NDL_ABI_VERSION", "NDL_MAX_RANK");
        constants.Type = constants.BuiltinType = new BuiltinType(PrimitiveType.Int);
        foreach (var @class in context.TranslationUnits.SelectMany(unit => unit.Classes))
            @class.Type = ClassType.ValueType;
    }

    public void SetupPasses(Driver driver)
    {
        driver.AddTranslationUnitPass(new RawCharPointerPass());
        driver.AddTranslationUnitPass(new CSharpNamePass());
    }

    public void Postprocess(Driver driver, ASTContext context)
    {
        // CppSharp takes an enum for one of flags when its values happen to be powers of two; the ABI has no flags.
        foreach (var @enum in context.TranslationUnits.SelectMany(unit => unit.Enums))
            @enum.Modifiers &= ~Enumeration.EnumModifiers.Flags;
    }

    public void GenerateCode(Driver driver, List<GeneratorOutput> outputs)
    {
        var generator = outputs.Single(output => output.TranslationUnit.Module.LibraryName == LibraryName).Outputs[0];
        // Only the __Internal structs and imports are wanted. The convenience layer around them would copy structs
        // and so lose what a function writes to them.
        foreach (var kind in (BlockKind[])[BlockKind.Field, BlockKind.Method, BlockKind.Property, BlockKind.Function])
        {
            foreach (var block in generator.FindBlocks(kind))
                block.CheckGenerate = () => block.Parent.Kind == BlockKind.InternalsClass;
        }

        Code = generator.Generate();
        // Nothing is left for CppSharp to save: neither this, nor the Std.cs it would put beside it.
        outputs.Clear();
    }

    /// <summary>Renames what the headers declare, after C#'s habits.</summary>
    private sealed class CSharpNamePass()
        : RenamePass(RenameTargets.Class | RenameTargets.Enum | RenameTargets.EnumItem | RenameTargets.Function)
    {
        public override bool Rename(Declaration declaration, out string newName)
        {
            newName = declaration is Enumeration.Item item
                ? CSharpName.OfItem(item.Namespace.OriginalName, item.OriginalName)
                : CSharpName.Of(declaration.OriginalName);
            return true;
        }
    }

    /// <summary>
    /// Drops the const of <c>const char*</c> parameters and fields, which CppSharp would make strings, marshalled
    /// with the help of CppSharp.Runtime. They stay raw pointers.
    /// </summary>
    private sealed class RawCharPointerPass : TranslationUnitPass
    {
        public override bool VisitParameterDecl(Parameter parameter)
        {
            DropConst(parameter.Type);
            return base.VisitParameterDecl(parameter);
        }

        public override bool VisitFieldDecl(Field field)
        {
            DropConst(field.Type);
            return base.VisitFieldDecl(field);
        }

        private static void DropConst(Type type)
        {
            if (type is PointerType pointer && pointer.Pointee.IsPrimitiveType(PrimitiveType.Char))
                pointer.QualifiedPointee.Qualifiers = default;
        }
    }
}
