using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using NativeDl.IO;
using NativeDl.Tests.Data;
using NUnit.Framework;

namespace NativeDl.Tests.IO;

public sealed class SafetensorsTests
{
    private const string Json = "{}[]\",:0123456789-eE.\\u ";

    private static Dictionary<string, Tensor> Sample() => new()
    {
        ["b.weight"] = Tensor.FromArray(new float[,] { { 1, 2, 3 }, { 4, 5, float.NaN } }),
        ["a.count"] = Tensor.Scalar(7L),
        ["bytes"] = Tensor.FromArray(new byte[] { 1, 2, 3 }),
        ["halves ü \"\\"] = Tensor.FromArray(new[] { (Half)1.5, Half.NegativeInfinity }),
        ["brain"] = Tensor.FromArray(new[] { (BFloat16)1.5f }),
        ["doubles"] = Tensor.FromArray(new[] { Math.PI }),
        ["ints"] = Tensor.FromArray(new[] { int.MinValue, 3 }),
        ["signed"] = Tensor.FromArray(new sbyte[] { -1 }),
        ["empty"] = Tensor.Zeros([2, 0, 3]),
    };

    private static byte[] Bytes(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = new MemoryStream();
        Safetensors.Save(stream, tensors, metadata);
        return stream.ToArray();
    }

    /// <summary>A file with this header and so many bytes of data.</summary>
    private static byte[] File(string header, int dataBytes = 0, ulong? length = null)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + text.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length ?? (ulong)text.Length);
        text.CopyTo(bytes, 8);
        return bytes;
    }

    private static byte[] RawBytes(Tensor tensor)
    {
        var bytes = new byte[tensor.FlattenedLength * tensor.DType.ElementSize()];
        tensor.ReadBytes(0, bytes);
        return bytes;
    }

    [Test]
    public void RoundTrip_KeepsBitsShapesAndTexts()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "w.safetensors");
        var sample = Sample();
        Safetensors.Save(path, sample, new Dictionary<string, string> { ["made by"] = "test <é>" });
        using var file = Safetensors.Load(path);
        Assert.That(file.Metadata, Is.EquivalentTo(new Dictionary<string, string> { ["made by"] = "test <é>" }));
        Assert.That(file.Tensors.Keys, Is.EquivalentTo(sample.Keys));
        foreach (var (name, tensor) in sample)
        {
            Assert.That(file.Tensors[name].DType, Is.EqualTo(tensor.DType), name);
            Assert.That(file.Tensors[name].Shape, Is.EqualTo(tensor.Shape), name);
            Assert.That(RawBytes(file.Tensors[name]), Is.EqualTo(RawBytes(tensor)), name);
        }
        var (entries, _) = Safetensors.Inspect(path);
        Assert.That(entries.Select(e => e.Offset % e.DType.ElementSize()), Is.All.Zero, "aligned");
        Assert.That(Directory.GetFiles(scratch.Path), Has.Length.EqualTo(1), "no temporary file stays");
    }

    [Test]
    public void Save_GivesTheSameBytes_WhateverTheOrder()
    {
        var sample = Sample();
        var reversed = sample.Reverse().ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.That(SHA256.HashData(Bytes(reversed)), Is.EqualTo(SHA256.HashData(Bytes(sample))));
        Assert.That(BinaryPrimitives.ReadInt64LittleEndian(Bytes(sample)) % 8, Is.Zero, "the data are aligned");
    }

    [Test]
    public void Save_LargeTensor_IsReadBack()
    {
        var values = new float[1_000_003];
        new Random(1).NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        using var stream = new MemoryStream();
        Safetensors.Save(stream, new Dictionary<string, Tensor> { ["x"] = Tensor.FromArray(values) });
        using var file = Safetensors.Load(stream);
        Assert.That(RawBytes(file.Tensors["x"]), Is.EqualTo(RawBytes(Tensor.FromArray(values))));
    }

    [TestCase("", 0, TestName = "Load_EmptyHeader")]
    [TestCase("[]", 0, TestName = "Load_NoObject")]
    [TestCase(" {}", 0, TestName = "Load_BlankFirst")]
    [TestCase("{}x", 0, TestName = "Load_TextBehindObject")]
    [TestCase("{", 0, TestName = "Load_UnclosedObject")]
    [TestCase("{}", 1, TestName = "Load_TrailingData")]
    [TestCase("""{"a":1}""", 0, TestName = "Load_EntryIsNumber")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1]}}""", 0, TestName = "Load_NoOffsets")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, TestName = "Load_OneOffset")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}""", 4, TestName = "Load_ThreeOffsets")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", 4, TestName = "Load_UnknownField")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}""", 4, TestName = "Load_FieldTwice")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}""", 8, TestName = "Load_TooManyBytes")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, TestName = "Load_TooFewBytes")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, TestName = "Load_OffsetsReversed")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, TestName = "Load_Truncated")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, TestName = "Load_HoleAtStart")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, TestName = "Load_SharedBytes")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[2,10]}}""", 10, TestName = "Load_Overlap")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, TestName = "Load_NameTwice")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, TestName = "Load_NameTwiceEscaped")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", 4, TestName = "Load_FractionInShape")]
    [TestCase("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, TestName = "Load_NegativeDimension")]
    [TestCase("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, TestName = "Load_TextInShape")]
    [TestCase("""{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", 4, TestName = "Load_NestedShape")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}""", 4, TestName = "Load_RankNine")]
    [TestCase("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4, TestName = "Load_NumberTooGreat")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904,16],"data_offsets":[0,0]}}""", 0, TestName = "Load_ShapeOverflows")]
    [TestCase("""{"a":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}}""", 0, TestName = "Load_EmptyShapeOverflows")]
    [TestCase("""{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, TestName = "Load_UnknownDType")]
    [TestCase("""{"a":{"dtype":null,"shape":[1],"data_offsets":[0,8]}}""", 8, TestName = "Load_DTypeNull")]
    [TestCase("""{"a\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, TestName = "Load_HalfSurrogate")]
    [TestCase("""{"__metadata__":{"a":1}}""", 0, TestName = "Load_MetadataNumber")]
    [TestCase("""{"__metadata__":{"a":"1","a":"2"}}""", 0, TestName = "Load_MetadataTwice")]
    [TestCase("""{"__metadata__":{"a":{"b":"1"}}}""", 0, TestName = "Load_MetadataNested")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}/**/}""", 4, TestName = "Load_Comment")]
    public void InvalidFile_IsTyped(string header, int dataBytes)
    {
        var error = Assert.Throws<WeightFormatException>(
            () => Safetensors.Load(new MemoryStream(File(header, dataBytes)), "model.safetensors"));
        Assert.That(error!.Message, Does.StartWith("model.safetensors"));
        Assert.That(error.Remedy, Is.Not.Empty);
    }

    [TestCase(0UL)]
    [TestCase(3UL)]
    [TestCase(100_000_001UL)]
    [TestCase(1UL << 63)]
    [TestCase(ulong.MaxValue)]
    public void Load_HeaderLengthIsWrong_IsTyped(ulong length) =>
        Assert.Throws<WeightFormatException>(() => Safetensors.Load(new MemoryStream(File("{}", 0, length))));

    [Test]
    public void Load_InvalidUtf8_IsTyped()
    {
        var bytes = File("""{"a?":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4);
        bytes[Array.IndexOf(bytes, (byte)'?')] = 0xFF;
        Assert.Throws<WeightFormatException>(() => Safetensors.Load(new MemoryStream(bytes)));
    }

    [Test]
    public void Load_NamesTheTensor()
    {
        var error = Assert.Throws<WeightFormatException>(() => Safetensors.Load(new MemoryStream(
            File("""{"conv.weight":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}}""", 1)), "f"));
        Assert.That(error!.Tensor, Is.EqualTo("conv.weight"));
        Assert.That(error.Path, Is.EqualTo("f"));
        Assert.That(error.Message, Does.Contain("F8_E5M2").And.Contain("Convert"));
    }

    [Test]
    public void Fuzz_MutatedFiles_LoadOrAreTyped()
    {
        var original = Bytes(Sample(), new Dictionary<string, string> { ["k"] = "v" });
        var headerEnd = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(original);
        var random = new Random(20240607);
        var refused = 0;
        for (var round = 0; round < 2000; round++)
        {
            var bytes = original.ToArray();
            switch (random.Next(5))
            {
                case 0:
                    Array.Resize(ref bytes, random.Next(bytes.Length));
                    break;
                case 1:
                    bytes = [.. bytes, .. new byte[random.Next(1, 20)]];
                    break;
                case 2: // bits anywhere in the header
                    for (var flips = random.Next(1, 4); flips > 0; flips--)
                        bytes[random.Next(headerEnd)] ^= (byte)(1 << random.Next(8));
                    break;
                case 3: // another character of JSON
                    bytes[random.Next(8, headerEnd)] = (byte)Json[random.Next(Json.Length)];
                    break;
                default: // a piece moved elsewhere
                    var length = random.Next(1, 40);
                    bytes.AsSpan(random.Next(bytes.Length - length), length).ToArray()
                        .CopyTo(bytes.AsSpan(random.Next(bytes.Length - length)));
                    break;
            }
            try
            {
                Safetensors.Load(new MemoryStream(bytes)).Dispose();
            }
            catch (WeightFormatException)
            {
                refused++;
            }
        }
        Assert.That(refused, Is.GreaterThan(1000));
    }

    [Test]
    public void Save_Fails_OldFileStays()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "w.safetensors");
        Safetensors.Save(path, Sample());
        var before = System.IO.File.ReadAllBytes(path);
        foreach (var room in new[] { 0, 5, 200, before.Length - 1 })
        {
            Assert.Throws<IOException>(() => AtomicFile.Write(
                path, stream => Safetensors.Save(new FullDisk(stream, room), Sample())));
            Assert.That(System.IO.File.ReadAllBytes(path), Is.EqualTo(before));
            Assert.That(Directory.GetFiles(scratch.Path), Has.Length.EqualTo(1), "no temporary file stays");
        }
    }

    [Test, Platform("Linux")]
    public void Save_DeviceIsFull_IsAnIOException() =>
        Assert.Throws<IOException>(() =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
            Safetensors.Save(full, Sample());
            full.Flush();
        });

    [Test]
    public void Save_ThroughLink_KeepsTheLink()
    {
        using var scratch = new ScratchFolder();
        var (target, link) = (Path.Combine(scratch.Path, "target"), Path.Combine(scratch.Path, "link"));
        System.IO.File.WriteAllText(target, "old");
        System.IO.File.CreateSymbolicLink(link, target);
        Safetensors.Save(link, Sample());
        Assert.That(new FileInfo(link).LinkTarget, Is.EqualTo(target));
        Safetensors.Load(target).Dispose();
    }

    [Test]
    public void Save_NoSuchFolder_IsAnIOException() =>
        Assert.Throws<DirectoryNotFoundException>(
            () => Safetensors.Save(Path.Combine(Path.GetTempPath(), "no-such-folder-" + Guid.NewGuid(), "w"), Sample()));

    [Test]
    public void Save_ReservedName_IsRefused() =>
        Assert.Throws<InvalidArgumentException>(() => Safetensors.Save(
            new MemoryStream(), new Dictionary<string, Tensor> { ["__metadata__"] = Tensor.Scalar(1f) }));

    /// <summary>Takes so many bytes, then fails as a full disk does.</summary>
    private sealed class FullDisk(Stream inner, long room) : Stream
    {
        private long _room = room;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => inner.Length;
        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (count > _room)
                throw new IOException("No space left on device");
            _room -= count;
            inner.Write(buffer, offset, count);
        }
    }
}
