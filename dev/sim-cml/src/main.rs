//! `sim-cml`: CML controllers for tests and for trying out.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ccm_domain::InstanceId;
use ccm_ports::{Clock as _, SystemClock};
use ccm_sim_cml::{Options, Switches, faults::FaultsFile, serve, tls::Certificates};
use ccm_testkit::clock::FastClock;
use ccm_testkit::lab_host::{HostOptions, LabHosts};
use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Controllers have been up for this long when the simulator starts.
const UP_FOR: Duration = Duration::from_secs(3_600);

/// N CML controllers, one per path prefix; user `admin`, password `admin`.
#[derive(Debug, Parser)]
#[command(name = "sim-cml", disable_version_flag = true)]
struct Args {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Serve https with a certificate of an authority of our own.
    #[arg(long)]
    tls: bool,
    /// Where to write the authority's certificate; a temporary file when left out.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// How many controllers to begin with; others appear when their instance id is asked for.
    #[arg(long, default_value_t = 3)]
    workers: u32,
    /// How many times faster than real time the controllers live.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// CML version that they show.
    #[arg(long, default_value = "2.9.0")]
    version: String,
    /// Seconds that a token counts.
    #[arg(long, default_value_t = 86_400)]
    token_life: i64,
    /// Let nobody use the controllers by themselves.
    #[arg(long)]
    no_people: bool,
    /// TOML file of faults.
    #[arg(long)]
    faults: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    let (world, switches) = world(&args)?;
    let certificates = args.tls.then(|| Certificates::generate(address.ip())).transpose()?;
    let mut out = std::io::stdout();
    if let Some(certificates) = &certificates {
        let path = args.ca_file.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!("sim-cml-{}-ca.pem", address.port()))
        });
        std::fs::write(&path, certificates.ca_pem())
            .with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "ca file: {}", path.display())?;
    }
    let scheme = if args.tls { "https" } else { "http" };
    for id in world.ids() {
        writeln!(out, "worker: {scheme}://{address}/{id}")?;
    }
    writeln!(out, "listening: {scheme}://{address}")?;
    out.flush()?;
    let stop = CancellationToken::new();
    let options = Options {
        token_life_secs: args.token_life,
        switches: Some(switches),
        certificates: certificates.map(Arc::new),
    };
    tokio::select! {
        served = serve(listener, Arc::new(world), options, stop.clone()) => served?,
        _ = tokio::signal::ctrl_c() => stop.cancel(),
        () = terminated() => stop.cancel(),
    }
    Ok(())
}

/// Ends when the process is asked to end.
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

fn world(args: &Args) -> anyhow::Result<(LabHosts, Arc<Switches>)> {
    anyhow::ensure!(args.speed > 0.0, "--speed must be greater than 0");
    let now = SystemClock.now();
    let clock = Arc::new(FastClock::new(now, args.speed));
    let switches = Arc::new(Switches::on_since(now.minus(UP_FOR)));
    let options = HostOptions {
        version: args.version.clone(),
        people: !args.no_people,
        ..HostOptions::default()
    };
    let power = Arc::clone(&switches);
    let world = LabHosts::new(clock, power, options);
    for number in 1..=args.workers {
        let id: InstanceId = format!("i-0{number:016x}").parse()?;
        world.visit(&id, |_, _| ());
    }
    if let Some(path) = &args.faults {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        FaultsFile::parse(&text)?.plan(&world)?;
    }
    Ok((world, switches))
}
