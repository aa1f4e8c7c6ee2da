//! What most tests begin and end with: a cluster at work, browsers that look on, people who ask; and the
//! verdict over all that was seen.

use std::time::Duration;

use crate::asking::Asking;
use crate::checker::{self, EventLog, Findings, Promises};
use crate::cluster::{Cluster, Kind, Plan};
use crate::place::seed;
use crate::sse::{Browsers, Diary, Manners};
use crate::waiting::{PATIENCE, eventually, within};

/// How long operations may take that were begun while something was broken.
const LONGEST_OPERATION: Duration = Duration::from_secs(150);
/// How long it may take until everybody is told everything once nothing is broken any more.
const CATCH_UP: Duration = Duration::from_secs(30);

/// A cluster at work.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) cluster: Cluster,
    pub(crate) browsers: Browsers,
    asking: Option<Asking>,
    promises: Promises,
    seed: u64,
}

/// Everything that was seen, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) log: EventLog,
    pub(crate) diaries: Vec<Diary>,
    pub(crate) findings: Findings,
}

impl Scene {
    /// Starts a cluster, opens browsers, and imports the world's instances.
    pub(crate) async fn open(plan: Plan, browsers: usize, manners: &Manners) -> Self {
        let seed = seed();
        let cluster = plan.start().await;
        let browsers = cluster.browsers(browsers, manners, seed);
        browsers.all_open().await;
        cluster.import().await;
        let promises = Promises::default();
        Self { cluster, browsers, asking: None, promises, seed }
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Lets people ask, all the time.
    pub(crate) fn let_people_ask(&mut self, people: usize, pace: Duration) {
        assert!(self.asking.is_none(), "they ask already");
        self.asking = Some(Asking::start(&self.cluster.rest, people, pace, self.seed));
    }

    /// Ends the asking.
    pub(crate) async fn enough(&mut self) {
        let Some(asking) = self.asking.take() else { return };
        let oddities = asking.oddities();
        assert!(oddities.is_empty(), "answers that are not the product's: {oddities:#?}");
        let promises = asking.enough().await;
        self.promises.names.extend(promises.names);
        self.promises.operations.extend(promises.operations);
    }

    /// Asks for a new worker on behalf of the test itself.
    pub(crate) async fn create(&mut self, name: &str) {
        let begun = self.cluster.create(name).await;
        self.promises.names.push(name.to_owned());
        self.promises.operations.push(begun);
    }

    /// Waits until so many more operations were promised and so many more events told.
    pub(crate) async fn goes_on(&self, operations: usize, events: u64) {
        let asking = self.asking.as_ref().expect("people ask");
        let (promised, head) = (asking.promised(), self.cluster.head().await);
        within(PATIENCE * 2, "work goes on", async || {
            let now = (asking.promised(), self.cluster.head().await);
            let goes_on = now.0 >= promised + operations && now.1 >= head + events;
            if goes_on { Ok(()) } else { Err((now, (promised, head))) }
        })
        .await;
    }

    /// Waits until a schedule has run in so many more slots.
    pub(crate) async fn runs_on(&self, schedule: &str, slots: usize) {
        let path = format!("/runs?schedule={schedule}&state=succeeded");
        let before = self.cluster.rest.list(&path).await.len();
        eventually(&format!("{schedule} runs {slots} times"), async || {
            let now = self.cluster.rest.list(&path).await.len();
            if now >= before + slots { Ok(()) } else { Err((before, now)) }
        })
        .await;
    }

    /// Ends the asking, waits for the end of what was begun, and looks at everything.
    pub(crate) async fn judge(mut self) -> (Verdict, Cluster) {
        self.enough().await;
        self.cluster.all_ready().await;
        for kind in [Kind::Scheduler, Kind::Relay] {
            self.cluster.leader(kind).await;
        }
        let rest = self.cluster.rest.clone();
        for operation in &self.promises.operations {
            operation.ends(&rest, LONGEST_OPERATION).await;
        }
        self.cluster.everything_told(CATCH_UP).await;
        let log = EventLog::read(&rest, 0).await;
        self.browsers.reach(log.head(), CATCH_UP).await;
        let diaries = self.browsers.close().await;
        let mut findings = Findings::default();
        checker::check_log(&log, &mut findings);
        checker::check_browsers(&diaries, &log, &mut findings);
        let runs = checker::check_slots(&rest, &log, &diaries, &mut findings).await;
        checker::check_starts(&runs, &mut findings);
        checker::check_effects(&rest, &self.cluster.aws, &self.promises, &mut findings).await;
        checker::check_operations(&rest, &self.promises, &mut findings).await;
        checker::check_told_state(&rest, &mut findings).await;
        let (redis, namespace) = (self.cluster.redis_address, &self.cluster.namespace);
        checker::check_stream(redis, namespace, &log, &mut findings).await;
        (Verdict { log, diaries, findings }, self.cluster)
    }

    /// The same, and insists that nothing is wrong and nobody had to read again; ends the cluster.
    pub(crate) async fn must_be_flawless(self) -> EventLog {
        let (verdict, cluster) = self.judge().await;
        let resyncs: Vec<_> = verdict.diaries.iter().flat_map(Diary::resyncs).collect();
        assert!(resyncs.is_empty(), "browsers had to read again: {resyncs:?}");
        verdict.findings.must_be_none();
        cluster.end().await;
        verdict.log
    }
}
