//! `sim-aws`: EC2, CloudWatch and STS for tests and for trying out.

mod power;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use ccm_ports::{Clock as _, SharedClock, SystemClock};
use ccm_sim_aws::{Options, serve};
use ccm_testkit::clock::FastClock;
use ccm_testkit::cloud::{Cloud, Faults};
use ccm_testkit::fleet::{FleetOptions, SimFleet};
use clap::Parser;
use tokio::net::TcpListener;

/// EC2, CloudWatch and STS on one address; any credentials do, the signature's region counts.
#[derive(Debug, Parser)]
#[command(name = "sim-aws", disable_version_flag = true)]
struct Args {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:4566")]
    listen: SocketAddr,
    /// How many instances to begin with, in two regions.
    #[arg(long, default_value_t = 12)]
    workers: usize,
    /// How many times faster than real time everything goes.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// TOML file of faults, with the keys of `POST /_sim/faults`.
    #[arg(long)]
    faults: Option<PathBuf>,
    /// A `sim-cml` (http) that is told which instances have power.
    #[arg(long, value_name = "URL")]
    cml: Option<String>,
    /// What ids, names and delays follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let cloud = cloud(&args)?;
    let cml = args.cml.as_deref().map(power::Follower::new).transpose()?;
    let listener = ccm_runtime::listen(args.listen)?;
    announce(&listener, &cloud)?;
    let followed = async {
        match cml {
            Some(follower) => follower.follow(&cloud).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        served = serve(listener, Arc::clone(&cloud), Options::default(), stopped()) => served?,
        () = followed => {}
    }
    Ok(())
}

fn cloud(args: &Args) -> anyhow::Result<Arc<Cloud>> {
    anyhow::ensure!(args.speed > 0.0, "--speed must be greater than 0");
    let clock: SharedClock = Arc::new(FastClock::new(SystemClock.now(), args.speed));
    let options =
        FleetOptions { workers: args.workers, seed: args.seed, mishaps: false, people: false };
    let cloud = Arc::clone(SimFleet::build(clock, &options).cloud());
    if let Some(path) = &args.faults {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let wanted: Faults =
            toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        cloud.faults(|faults| *faults = wanted);
    }
    Ok(cloud)
}

/// Says on stdout what is there and, last, where it listens, so that a script can wait for that line.
fn announce(listener: &TcpListener, cloud: &Cloud) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for (scope, machine) in cloud.all() {
        writeln!(out, "instance: {} {}", machine.instance.id, scope.region)?;
    }
    writeln!(out, "listening: http://{}", listener.local_addr()?)?;
    out.flush()?;
    Ok(())
}

/// Ends when the process is asked to end.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
