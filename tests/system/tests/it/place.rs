//! Where the binaries and the servers are, and ports that are free.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::net::TcpSocket;

/// Below the ports that the system hands out by itself, so that a port given to a process that is down for a
/// while is not taken by somebody's outgoing connection.
const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 18_000;

/// Returns a variable that the suite sets; who starts a test by hand is told which one is missing.
pub(crate) fn variable(name: &str) -> String {
    optional(name).unwrap_or_else(|| {
        panic!("{name} is not set: run `make system`, or see docs/TESTING.md for what it holds")
    })
}

/// Returns a variable if it is there and not empty.
#[expect(clippy::disallowed_methods, reason = "what the suite gives to a test is no configuration")]
pub(crate) fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the path of a binary as just built.
pub(crate) fn binary(name: &str) -> PathBuf {
    let path = PathBuf::from(variable("CCM_TEST_BIN_DIR")).join(name);
    assert!(path.is_file(), "{} is not there: build the workspace first", path.display());
    path
}

/// Returns a loopback address with a port that nobody listens on and that no other test was given.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() % u32::from(PORTS);
    for _ in 0..PORTS {
        let nth = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST_PORT + u16::try_from((start + nth) % u32::from(PORTS)).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Bound only: a listener would live on for a moment in a process that is just being started.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port between {FIRST_PORT} and {} is free", FIRST_PORT + PORTS);
}

/// Returns the seed of a test that leaves things to chance, and prints it: `CCM_TEST_SEED` repeats a run.
pub(crate) fn seed() -> u64 {
    let given =
        optional("CCM_TEST_SEED").map(|seed| seed.parse().expect("CCM_TEST_SEED is a number"));
    let seed = given.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    println!("seed: CCM_TEST_SEED={seed}");
    seed
}
