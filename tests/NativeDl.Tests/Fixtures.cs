using NativeDl.Tests.Driver;
using NUnit.Framework;

/// <summary>
/// Around the whole suite. With NATIVEDL_TEST_GC_STORM=1 it runs beside a thread that collects and finalizes without
/// pause: what the library does not keep alive to the end of a native call is then freed under it.
/// </summary>
[SetUpFixture]
public sealed class Fixtures
{
    internal static readonly bool BesideStorm = Environment.GetEnvironmentVariable("NATIVEDL_TEST_GC_STORM") == "1";

    private volatile bool _stopping;
    private Thread? _storm;

    [OneTimeSetUp]
    public void Start()
    {
        if (!BesideStorm)
            return;
        _storm = new Thread(Storm) { IsBackground = true, Name = "GC storm" };
        _storm.Start();
    }

    [OneTimeTearDown]
    public void Stop()
    {
        _stopping = true;
        _storm?.Join();
        RejectedTable.WriteIfUpdating();
    }

    private void Storm()
    {
        while (!_stopping)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
