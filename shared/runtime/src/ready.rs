//! Latches and probes behind `/readyz`.
//!
//! Liveness never looks here: a dependency that is away makes a pod *not ready*, it does not
//! restart it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ccm_telemetry::{KeyValue, Meter};
use serde::Serialize;

/// A probe that answers later than this counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

type Probe =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Whether the process can serve. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Ready(Arc<Mutex<Parts>>);

#[derive(Default)]
struct Parts {
    leaving: bool,
    latches: BTreeMap<&'static str, State>,
    probes: BTreeMap<&'static str, Probe>,
    /// How each probe ended last, and how long it took.
    answers: BTreeMap<&'static str, (bool, Duration)>,
}

#[derive(Clone, Debug)]
struct State {
    required: bool,
    problem: Option<String>,
}

/// One named part of readiness that its owner opens and closes.
#[derive(Clone, Debug)]
pub struct Latch {
    name: &'static str,
    ready: Ready,
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether the process wants requests.
    pub ready: bool,
    /// Whether the process is stopping.
    pub leaving: bool,
    /// Every part: `ok` or what is wrong.
    pub parts: BTreeMap<&'static str, String>,
}

impl Ready {
    /// Returns readiness without parts, which is ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part without which the process is not ready. Starts closed.
    #[must_use]
    pub fn latch(&self, name: &'static str) -> Latch {
        self.add(name, true)
    }

    /// Adds a part that is shown, but whose absence only degrades. Starts closed.
    #[must_use]
    pub fn advisory(&self, name: &'static str) -> Latch {
        self.add(name, false)
    }

    /// Adds a part that is asked each time; `Err` says what is wrong.
    pub fn probe<F, Fut>(&self, name: &'static str, probe: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.lock().probes.insert(name, Arc::new(move || Box::pin(probe())));
    }

    /// Makes the process not ready for good: it is stopping.
    pub fn leave(&self) {
        self.lock().leaving = true;
    }

    /// Asks every part.
    pub async fn check(&self) -> Readiness {
        let (leaving, latches, probes) = {
            let parts = self.lock();
            (parts.leaving, parts.latches.clone(), parts.probes.clone())
        };
        let mut ready = !leaving;
        let mut parts = BTreeMap::new();
        for (name, state) in latches {
            ready &= !state.required || state.problem.is_none();
            parts.insert(name, state.problem.unwrap_or_else(|| "ok".to_owned()));
        }
        let answers = probes.into_iter().map(|(name, probe)| async move {
            let asked = Instant::now();
            let answer = tokio::time::timeout(PROBE_TIMEOUT, probe()).await;
            let answer = answer.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            (name, answer, asked.elapsed())
        });
        for (name, answer, took) in futures_util::future::join_all(answers).await {
            ready &= answer.is_ok();
            self.lock().answers.insert(name, (answer.is_ok(), took));
            parts.insert(name, answer.err().unwrap_or_else(|| "ok".to_owned()));
        }
        Readiness { ready, leaving, parts }
    }

    /// Lets the meter tell of every part, as it was known last.
    pub(crate) fn measure(&self, meter: &Meter) {
        let ready = self.clone();
        let _up = meter
            .u64_observable_gauge("ccm_part_up")
            .with_description(
                "Whether a part of the process that /readyz tells of is well, by part",
            )
            .with_callback(move |gauge| {
                let parts = ready.lock();
                let latches =
                    parts.latches.iter().map(|(name, state)| (*name, state.problem.is_none()));
                let probes = parts.answers.iter().map(|(name, (is_well, _))| (*name, *is_well));
                for (name, is_well) in latches.chain(probes) {
                    gauge.observe(is_well.into(), &[KeyValue::new("part", name)]);
                }
            })
            .build();
        let ready = self.clone();
        let _took = meter
            .f64_observable_gauge("ccm_probe_seconds")
            .with_description("How long the last sign of life of a part took, by part")
            .with_callback(move |gauge| {
                for (name, (_, took)) in &ready.lock().answers {
                    gauge.observe(took.as_secs_f64(), &[KeyValue::new("part", *name)]);
                }
            })
            .build();
    }

    fn add(&self, name: &'static str, required: bool) -> Latch {
        let state = State { required, problem: Some("not yet".to_owned()) };
        self.lock().latches.insert(name, state);
        Latch { name, ready: self.clone() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Latch {
    /// Says that this part is well.
    pub fn open(&self) {
        self.set(None);
    }

    /// Says that this part is away, and why, in a few words.
    pub fn close(&self, problem: impl Into<String>) {
        self.set(Some(problem.into()));
    }

    fn set(&self, problem: Option<String>) {
        if let Some(state) = self.ready.lock().latches.get_mut(self.name) {
            state.problem = problem;
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("leaving", &self.leaving)
            .field("latches", &self.latches)
            .field("probes", &self.probes.keys())
            .finish()
    }
}
