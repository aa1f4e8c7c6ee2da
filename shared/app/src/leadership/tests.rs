//! Elections between processes that are cut off, hang, sleep and die; time moves only when all wait.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::anyhow;
use ccm_bus::LocalBus;
use ccm_ports::LeaseRecord;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::*;

const ROLE: LeaseRole = LeaseRole::Scheduler;

/// The store that all processes share.
type Table = Arc<Mutex<Option<LeaseRecord>>>;

/// What is wrong between one process and the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Well,
    Refused,
    /// Neither request nor answer arrive.
    Silent,
    /// Requests arrive, answers do not.
    AnswersLost,
    /// Answers take this long.
    Slow(Duration),
}

/// One process's way to the store.
struct Link {
    table: Table,
    fault: Mutex<Fault>,
}

impl Link {
    fn new(table: &Table) -> Arc<Self> {
        Arc::new(Self { table: Arc::clone(table), fault: Mutex::new(Fault::Well) })
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    async fn call<T>(
        &self,
        act: impl FnOnce(&mut Option<LeaseRecord>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::Well => act(&mut self.table.lock().unwrap()),
            Fault::Refused => Err(StoreError::Unavailable(anyhow!("connection refused"))),
            Fault::Silent => std::future::pending().await,
            Fault::AnswersLost => {
                let _ = act(&mut self.table.lock().unwrap());
                std::future::pending().await
            }
            Fault::Slow(by) => {
                let answer = act(&mut self.table.lock().unwrap());
                sleep(by).await;
                answer
            }
        }
    }
}

#[async_trait]
impl LeaseStore for Link {
    async fn read(&self, _: LeaseRole) -> Result<Option<LeaseRecord>, StoreError> {
        self.call(|table| Ok(table.clone())).await
    }

    async fn take(
        &self,
        role: LeaseRole,
        seen: Option<&LeaseRecord>,
        holder: &str,
    ) -> Result<Epoch, StoreError> {
        self.call(|table| {
            let state = |record: &LeaseRecord| (record.epoch, record.renewals);
            if table.as_ref().map(state) != seen.map(state) {
                return Err(StoreError::Conflict);
            }
            let epoch = Epoch(seen.map_or(1, |record| record.epoch.0 + 1));
            let holder = holder.to_owned();
            *table = Some(LeaseRecord { role, epoch, holder, renewals: 0, released: false });
            Ok(epoch)
        })
        .await
    }

    async fn renew(&self, _: LeaseRole, epoch: Epoch) -> Result<(), StoreError> {
        self.held(epoch, |record| record.renewals += 1).await
    }

    async fn release(&self, _: LeaseRole, epoch: Epoch) -> Result<(), StoreError> {
        self.held(epoch, |record| record.released = true).await
    }

    async fn seal(&self, _: Epoch) -> Result<u64, StoreError> {
        unreachable!("the duty seals")
    }
}

impl Link {
    async fn held(
        &self,
        epoch: Epoch,
        act: impl FnOnce(&mut LeaseRecord),
    ) -> Result<(), StoreError> {
        self.call(|table| match table {
            Some(record) if record.epoch == epoch => {
                act(record);
                Ok(())
            }
            Some(_) | None => Err(StoreError::Stale),
        })
        .await
    }
}

/// A clock that also counts the time in which the machine slept and timers stood still.
#[derive(Debug, Default)]
struct SleepyTime {
    awake: TimerTime,
    slept_ms: AtomicU64,
}

impl Monotonic for SleepyTime {
    fn elapsed(&self) -> Duration {
        self.awake.elapsed() + Duration::from_millis(self.slept_ms.load(Ordering::Relaxed))
    }
}

/// What all processes did, in order.
#[derive(Default)]
struct Ledger {
    lines: Mutex<Vec<String>>,
    serving: AtomicUsize,
    most_serving: AtomicUsize,
}

impl Ledger {
    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// Serves until it may not, and takes `lag` to end when it leaves.
struct Work {
    name: &'static str,
    ledger: Arc<Ledger>,
    lag: Duration,
    seal_fails: AtomicUsize,
}

/// Counts a duty that is served; dropped with it.
struct Serving(Arc<Ledger>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.serving.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Duty for Work {
    async fn seal(&self, epoch: Epoch) -> Result<(), StoreError> {
        if self.seal_fails.load(Ordering::SeqCst) > 0 {
            self.seal_fails.fetch_sub(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable(anyhow!("not now")));
        }
        self.ledger.write(format!("{} seals {epoch}", self.name));
        Ok(())
    }

    async fn serve(&self, term: Term) -> anyhow::Result<()> {
        let now = self.ledger.serving.fetch_add(1, Ordering::SeqCst) + 1;
        self.ledger.most_serving.fetch_max(now, Ordering::SeqCst);
        let _serving = Serving(Arc::clone(&self.ledger));
        self.ledger.write(format!("{} leads {}", self.name, term.epoch));
        term.leaving.cancelled().await;
        sleep(self.lag).await;
        self.ledger.write(format!("{} ends {}", self.name, term.epoch));
        Ok(())
    }
}

/// A process in the election.
struct Process {
    link: Arc<Link>,
    clock: Arc<SleepyTime>,
    leave: CancellationToken,
    standing: watch::Receiver<Standing>,
    running: JoinHandle<()>,
}

/// All that the processes share.
#[derive(Default)]
struct World {
    table: Table,
    bus: LocalBus,
    ledger: Arc<Ledger>,
}

impl World {
    fn start(&self, name: &'static str) -> Process {
        self.start_with(name, Duration::ZERO, 0)
    }

    #[expect(clippy::disallowed_methods, reason = "a process that a test can kill")]
    fn start_with(&self, name: &'static str, lag: Duration, seal_fails: usize) -> Process {
        let link = Link::new(&self.table);
        let clock = Arc::new(SleepyTime::default());
        let leave = CancellationToken::new();
        let leadership =
            Leadership::new(ROLE, name, Arc::clone(&link) as _, Arc::new(self.bus.clone()))
                .with_clock(Arc::clone(&clock) as _);
        let standing = leadership.standing();
        let ledger = Arc::clone(&self.ledger);
        let work = Work { name, ledger, lag, seal_fails: AtomicUsize::new(seal_fails) };
        let left = leave.clone();
        let running = tokio::spawn(async move { leadership.lead(&left, &work).await });
        Process { link, clock, leave, standing, running }
    }
}

impl Process {
    async fn leads(&mut self) -> Epoch {
        let leading = |standing: &Standing| matches!(standing, Standing::Leading(_));
        match *self.standing.wait_for(leading).await.unwrap() {
            Standing::Leading(epoch) => epoch,
            Standing::Candidate | Standing::Sealing(_) => unreachable!("waited for a leader"),
        }
    }

    async fn leads_no_more(&mut self) {
        self.standing.wait_for(|standing| *standing == Standing::Candidate).await.unwrap();
    }
}

/// Two processes, of which the first leads.
async fn leader_and_candidate(world: &World) -> (Process, Process) {
    let mut leader = world.start("a");
    leader.leads().await;
    let candidate = world.start("b");
    // Long enough for a few renewals and looks.
    sleep(Duration::from_secs(10)).await;
    assert_eq!(*candidate.standing.borrow(), Standing::Candidate);
    (leader, candidate)
}

#[tokio::test(start_paused = true)]
async fn a_lone_process_leads_at_once_and_seals_first() {
    let world = World::default();
    let began = Instant::now();

    let epoch = world.start("a").leads().await;

    assert_eq!(epoch, Epoch(1));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(world.ledger.lines()[0], "a seals 1");
}

#[tokio::test(start_paused = true)]
async fn a_leader_stays_leader_as_long_as_it_renews() {
    let world = World::default();
    let (leader, candidate) = leader_and_candidate(&world).await;

    sleep(Duration::from_secs(3600)).await;

    assert_eq!(*leader.standing.borrow(), Standing::Leading(Epoch(1)));
    assert_eq!(*candidate.standing.borrow(), Standing::Candidate);
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_is_replaced_within_eight_seconds() {
    let world = World::default();
    let (leader, mut candidate) = leader_and_candidate(&world).await;
    let killed = Instant::now();

    leader.running.abort();
    let epoch = candidate.leads().await;

    assert_eq!(epoch, Epoch(2));
    // Its last renewal was up to two seconds before, and the lease stands still for six.
    let taken = killed.elapsed();
    assert!(taken <= Duration::from_secs(8) && taken >= Duration::from_secs(4), "{taken:?}");
    assert_eq!(world.ledger.lines()[2..], ["b seals 2", "b leads 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_finishes_its_work_and_hands_over_within_a_second() {
    let world = World::default();
    let mut leader = world.start_with("a", Duration::from_secs(15), 0);
    leader.leads().await;
    let mut candidate = world.start("b");
    sleep(Duration::from_secs(3)).await;

    leader.leave.cancel();
    leader.running.await.unwrap();
    let released = Instant::now();
    candidate.leads().await;

    assert!(released.elapsed() <= Duration::from_secs(1), "{:?}", released.elapsed());
    let expected = ["a seals 1", "a leads 1", "a ends 1", "b seals 2", "b leads 2"];
    assert_eq!(world.ledger.lines(), expected);
    assert_eq!(world.ledger.most_serving.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_stops_before_anybody_else_may_begin() {
    for fault in [Fault::Refused, Fault::Silent] {
        let world = World::default();
        let (mut leader, mut candidate) = leader_and_candidate(&world).await;
        let cut = Instant::now();

        leader.link.set(fault);
        leader.leads_no_more().await;
        let stopped = cut.elapsed();
        candidate.leads().await;

        assert!(stopped <= Duration::from_secs(4), "{fault:?}: stopped after {stopped:?}");
        let replaced = cut.elapsed();
        assert!(replaced <= Duration::from_secs(8), "{fault:?}: replaced after {replaced:?}");
        assert_eq!(world.ledger.most_serving.load(Ordering::SeqCst), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_answers_get_lost_stops_trusting_itself() {
    let world = World::default();
    let (mut leader, _) = leader_and_candidate(&world).await;
    let cut = Instant::now();

    leader.link.set(Fault::AnswersLost);
    leader.leads_no_more().await;

    assert!(cut.elapsed() <= Duration::from_secs(4), "{:?}", cut.elapsed());
}

#[tokio::test(start_paused = true)]
async fn trust_counts_from_before_the_renewal_was_sent() {
    let term = Term::new(Epoch(1), CancellationToken::new(), Arc::new(TimerTime::default()));
    let table = Table::default();
    let link = Link::new(&table);
    link.take(ROLE, None, "a").await.unwrap();
    link.set(Fault::Slow(Duration::from_millis(1500)));
    term.trust_until(Duration::from_secs(4));

    // Sent after two seconds, answered after three and a half, trusted from two seconds on.
    let kept = term.keep(&*link, ROLE, LeaseTimes::default());
    assert!(timeout(Duration::from_millis(3501), kept).await.is_err());

    assert_eq!(term.trusted(), Duration::from_millis(2 * 1000 + 4 * 1000 - 3501));
}

#[tokio::test(start_paused = true)]
async fn a_deposed_leader_stops_at_its_next_renewal() {
    let world = World::default();
    let (mut leader, _) = leader_and_candidate(&world).await;

    let now = world.table.lock().unwrap().clone();
    Link::new(&world.table).take(ROLE, now.as_ref(), "c").await.unwrap();
    let deposed = Instant::now();
    leader.leads_no_more().await;

    assert!(deposed.elapsed() <= Duration::from_secs(2), "{:?}", deposed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_does_not_trust_itself_when_it_wakes() {
    let world = World::default();
    let (mut leader, mut candidate) = leader_and_candidate(&world).await;
    let woke = Instant::now();

    leader.clock.slept_ms.fetch_add(60_000, Ordering::Relaxed);
    leader.leads_no_more().await;

    assert!(woke.elapsed() <= Duration::from_millis(250), "{:?}", woke.elapsed());
    // It could still reach the store, so it gave the lease back.
    candidate.leads().await;
    assert!(woke.elapsed() <= Duration::from_secs(1), "{:?}", woke.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_served_before_the_seal_is_complete() {
    let world = World::default();

    world.start_with("a", Duration::ZERO, 3).leads().await;
    world.start("b");
    sleep(Duration::from_secs(1)).await;

    assert_eq!(world.ledger.lines(), ["a seals 1", "a leads 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_seal_keeps_the_lease_and_does_not_serve() {
    let world = World::default();
    let leader = world.start_with("a", Duration::ZERO, usize::MAX);

    sleep(Duration::from_secs(60)).await;

    assert_eq!(*leader.standing.borrow(), Standing::Sealing(Epoch(1)));
    assert!(world.ledger.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn processes_with_the_same_name_are_told_apart() {
    let world = World::default();
    let mut processes = [world.start("twin"), world.start("twin"), world.start("twin")];

    sleep(Duration::from_secs(30)).await;

    let leading = processes.iter_mut().filter(|one| *one.standing.borrow() != Standing::Candidate);
    assert_eq!(leading.count(), 1);
    assert_eq!(world.ledger.most_serving.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn under_random_faults_never_two_lead_and_soon_after_them_one_does() {
    for seed in 0..10 {
        let world = World::default();
        let mut chance = StdRng::seed_from_u64(seed);
        let mut processes = [world.start("a"), world.start("b"), world.start("c")];
        for _ in 0..100 {
            sleep(Duration::from_millis(chance.random_range(0..5_000))).await;
            let nth = chance.random_range(0..processes.len());
            match chance.random_range(0..8) {
                0 => processes[nth].link.set(Fault::Refused),
                1 => processes[nth].link.set(Fault::Silent),
                2 => processes[nth].link.set(Fault::AnswersLost),
                3 => processes[nth]
                    .link
                    .set(Fault::Slow(Duration::from_millis(chance.random_range(0..3_000)))),
                4 => {
                    processes[nth].running.abort();
                    processes[nth] = world.start("again");
                }
                5 => processes[nth].leave.cancel(),
                _ => processes[nth] = replace(&world, &processes[nth]),
            }
        }
        for process in &mut processes {
            *process = replace(&world, process);
        }
        sleep(Duration::from_secs(15)).await;

        let leading =
            processes.iter().filter(|one| matches!(*one.standing.borrow(), Standing::Leading(_)));
        assert_eq!(leading.count(), 1, "seed {seed}");
        assert_eq!(world.ledger.most_serving.load(Ordering::SeqCst), 1, "seed {seed}");
        let lines = world.ledger.lines();
        let epochs: Vec<u64> = lines.iter().filter_map(|line| led(line)).collect();
        assert!(epochs.is_sorted_by(|a, b| a < b), "seed {seed}: {lines:?}");
        assert!(epochs.len() > 5, "seed {seed}: {lines:?}");
    }
}

/// Kills the process and starts another one that is well.
fn replace(world: &World, process: &Process) -> Process {
    process.running.abort();
    world.start("again")
}

fn led(line: &str) -> Option<u64> {
    line.split_once(" leads ")?.1.parse().ok()
}
