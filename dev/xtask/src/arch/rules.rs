//! Who may depend on whom. A new arrow is a line here, and a sentence in the review.

/// What one crate of ours may name.
pub(super) struct Allowed {
    pub(super) name: &'static str,
    /// Crates of ours, as normal or build dependencies.
    pub(super) ours: &'static [&'static str],
    /// Crates of ours that only its tests may name, beside [`FOR_TESTS`].
    pub(super) tests: &'static [&'static str],
}

/// A dependency from outside that only some crates may name.
pub(super) struct Fence {
    /// Name of the dependency; a trailing `*` stands for anything.
    pub(super) dependency: &'static str,
    pub(super) only: &'static [&'static str],
    pub(super) reason: &'static str,
}

/// A dependency that must not be reachable from a crate, over any number of arrows.
pub(super) struct OutOfReach {
    pub(super) from: &'static str,
    pub(super) dependency: &'static str,
    pub(super) reason: &'static str,
}

const DOMAIN: &str = "ccm-domain";
const EVENTS: &str = "ccm-events";
const PORTS: &str = "ccm-ports";
const APP: &str = "ccm-app";
const STORE: &str = "ccm-store";
const BUS: &str = "ccm-bus";
const BACKPLANE: &str = "ccm-backplane";
const FANOUT: &str = "ccm-fanout";
const INBOUND: &str = "ccm-inbound";
const CML: &str = "ccm-cml";
const AWS: &str = "ccm-aws";
const CONFIG: &str = "ccm-config";
const TELEMETRY: &str = "ccm-telemetry";
const RUNTIME: &str = "ccm-runtime";
const TESTKIT: &str = "ccm-testkit";
const API: &str = "ccm-api";
const SCHEDULER: &str = "ccm-scheduler";
const RELAY: &str = "ccm-relay";
const STANDALONE: &str = "ccm-standalone";
const SIM_AWS: &str = "ccm-sim-aws";
const SIM_CML: &str = "ccm-sim-cml";
const BENCH: &str = "ccm-bench";

/// What tests of any crate above the ports may name: models and embedded adapters.
pub(super) const FOR_TESTS: &[&str] =
    &[DOMAIN, EVENTS, PORTS, STORE, BUS, TESTKIT, CONFIG, TELEMETRY, RUNTIME, SIM_AWS, SIM_CML];

/// Crates below the adapters: their tests name nothing but what they may name anyway.
pub(super) const PURE: &[&str] = &[DOMAIN, EVENTS, PORTS, FANOUT, CONFIG, TELEMETRY, RUNTIME];

/// Every crate of the workspace and what it may name.
pub(super) const ALLOWED: &[Allowed] = &[
    Allowed { name: DOMAIN, ours: &[], tests: &[] },
    Allowed { name: EVENTS, ours: &[DOMAIN], tests: &[] },
    Allowed { name: PORTS, ours: &[DOMAIN, EVENTS], tests: &[] },
    // Of telemetry the trace context alone: what is committed says which request or run caused it.
    Allowed { name: APP, ours: &[DOMAIN, EVENTS, PORTS, TELEMETRY], tests: &[] },
    Allowed { name: STORE, ours: &[DOMAIN, EVENTS, PORTS], tests: &[] },
    Allowed { name: BUS, ours: &[DOMAIN, EVENTS, PORTS], tests: &[] },
    // What the processes of one installation share, for the `wiring.rs` of each.
    Allowed { name: BACKPLANE, ours: &[PORTS, APP, STORE, BUS, CONFIG, RUNTIME], tests: &[] },
    Allowed { name: FANOUT, ours: &[DOMAIN, EVENTS], tests: &[] },
    // The two ports that take events from outside do it alike.
    Allowed { name: INBOUND, ours: &[EVENTS, PORTS, APP, CONFIG, TELEMETRY], tests: &[] },
    Allowed { name: CML, ours: &[DOMAIN, PORTS], tests: &[] },
    Allowed { name: AWS, ours: &[DOMAIN, PORTS], tests: &[] },
    Allowed { name: CONFIG, ours: &[], tests: &[] },
    Allowed { name: TELEMETRY, ours: &[CONFIG], tests: &[] },
    Allowed { name: RUNTIME, ours: &[CONFIG, TELEMETRY], tests: &[] },
    Allowed { name: TESTKIT, ours: &[DOMAIN, EVENTS, PORTS], tests: &[] },
    Allowed {
        name: API,
        ours: &[DOMAIN, EVENTS, PORTS, APP, FANOUT, INBOUND, BACKPLANE, CONFIG, TELEMETRY, RUNTIME],
        tests: &[],
    },
    Allowed {
        name: SCHEDULER,
        ours: &[DOMAIN, EVENTS, PORTS, APP, BACKPLANE, CML, AWS, CONFIG, TELEMETRY, RUNTIME],
        tests: &[],
    },
    Allowed {
        name: RELAY,
        ours: &[DOMAIN, EVENTS, PORTS, APP, INBOUND, BACKPLANE, CONFIG, TELEMETRY, RUNTIME],
        tests: &[],
    },
    Allowed {
        name: STANDALONE,
        ours: &[
            DOMAIN, EVENTS, PORTS, APP, STORE, BUS, FANOUT, CML, AWS, CONFIG, TELEMETRY, RUNTIME,
            TESTKIT, API, SCHEDULER, RELAY,
        ],
        tests: &[],
    },
    Allowed {
        name: SIM_AWS,
        ours: &[DOMAIN, PORTS, TESTKIT, CONFIG, TELEMETRY, RUNTIME],
        tests: &[AWS],
    },
    Allowed {
        name: SIM_CML,
        ours: &[DOMAIN, PORTS, TESTKIT, CONFIG, TELEMETRY, RUNTIME],
        tests: &[CML],
    },
    // See the product from outside only; the system tests also do to a store what time does.
    Allowed { name: BENCH, ours: &[], tests: &[] },
    Allowed { name: "ccm-system-tests", ours: &[], tests: &[] },
    Allowed { name: "xtask", ours: &[], tests: &[] },
];

/// Drivers and frameworks, each behind its one crate.
pub(super) const FENCES: &[Fence] = &[
    Fence { dependency: "aws-config", only: &[AWS], reason: "AWS is behind one adapter" },
    Fence { dependency: "aws-sdk-*", only: &[AWS], reason: "AWS is behind one adapter" },
    Fence { dependency: "aws-smithy-*", only: &[AWS], reason: "AWS is behind one adapter" },
    Fence { dependency: "aws-types", only: &[AWS], reason: "AWS is behind one adapter" },
    Fence { dependency: "aws-credential-types", only: &[AWS], reason: "AWS is behind one adapter" },
    Fence { dependency: "rusqlite", only: &[STORE], reason: "the store alone knows how it stores" },
    Fence {
        dependency: "mongodb",
        only: &[STORE, TESTKIT],
        reason: "the store alone knows how it stores; the testkit cleans up",
    },
    Fence { dependency: "bson", only: &[STORE, TESTKIT], reason: "goes with mongodb" },
    Fence {
        dependency: "redis",
        only: &[BUS, TESTKIT],
        reason: "the bus alone knows how it carries; the testkit cleans up",
    },
    Fence { dependency: "deadpool-redis", only: &[BUS], reason: "goes with redis" },
    Fence {
        dependency: "opentelemetry-otlp",
        only: &[TELEMETRY],
        reason: "traces have one way out",
    },
    Fence { dependency: "apalis", only: &[SCHEDULER], reason: "the scheduler's executor" },
    Fence { dependency: "apalis-*", only: &[SCHEDULER], reason: "the scheduler's executor" },
];

/// Runtimes, drivers and clocks that the pure crates must not name.
pub(super) const NOT_IN_DOMAIN: &[&str] = &[
    "tokio",
    "tokio-*",
    "futures",
    "futures-*",
    "async-trait",
    "axum",
    "reqwest",
    "hyper",
    "rusqlite",
    "mongodb",
    "redis",
    "rand",
    "tracing",
    "anyhow",
];

/// What must not be linked, even indirectly.
pub(super) const OUT_OF_REACH: &[OutOfReach] = &[
    OutOfReach { from: API, dependency: "aws-*", reason: "API pods have no cloud client" },
    OutOfReach { from: API, dependency: CML, reason: "API pods have no CML client" },
    OutOfReach { from: API, dependency: "apalis", reason: "API pods have no job code" },
    OutOfReach { from: RELAY, dependency: "aws-*", reason: "the relay has no cloud client" },
    OutOfReach { from: FANOUT, dependency: "axum", reason: "how bytes reach a socket may change" },
    OutOfReach { from: FANOUT, dependency: "redis", reason: "the registry of clients is local" },
    OutOfReach { from: DOMAIN, dependency: "tokio", reason: "the domain is synchronous" },
];

/// Names that start like the cloud SDK but are the cryptography everybody shares.
pub(super) const NOT_CLOUD: &[&str] = &["aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys"];

/// Services, in whose sources only `wiring.rs` names an adapter.
pub(super) const SERVICES: &[&str] = &["api", "scheduler", "relay", "standalone"];

/// Adapters, as Rust sources name them.
pub(super) const ADAPTERS: &[&str] =
    &["ccm_store", "ccm_bus", "ccm_backplane", "ccm_aws", "ccm_cml"];

/// Whether `name` is meant by `pattern`, which may end in `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start) && !NOT_CLOUD.contains(&name),
        None => pattern == name,
    }
}
