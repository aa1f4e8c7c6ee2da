//! One leader goes, another comes: nothing is lost, nothing is done twice.

use std::sync::Arc;
use std::time::Duration;

use ccm_app::leadership::{LeaseTimes, Standing};
use ccm_config::section::DrainSection;
use ccm_domain::{Epoch, RunState, WorkerState};
use ccm_events::Kind;
use ccm_ports::{Clock, LeaseRole, SystemClock};
use ccm_runtime::Shell;
use ccm_scheduler::config::JobsSection;
use ccm_scheduler::{Deps, Scheduler, SchedulerConfig, start};
use ccm_testkit::clock::FastClock;
use ccm_testkit::fleet::{FleetOptions, SimFleet};

use crate::unruly::{Mood, Unruly};
use crate::world::{World, jobs, person, until};

const OBSERVE_ONLY: &str = r#"{
    "collect_measurements": {"enabled": false}, "refresh_labs": {"enabled": false},
    "detect_activity": {"enabled": false}, "reconcile_workers": {"enabled": false},
    "prune": {"enabled": false}
}"#;

fn scheduler(world: &World, name: &str) -> (Scheduler, Shell) {
    let shell = Shell::for_testing();
    let deps = Deps {
        fleet: world.fleet.clone(),
        remotes: world.remotes.clone(),
        holder: name.to_owned(),
    };
    let mut config = SchedulerConfig::new(JobsSection::default(), DrainSection::for_testing());
    config.lease = LeaseTimes::default();
    (start(deps, config, &shell), shell)
}

fn one_region() -> (World, Arc<Unruly>) {
    let (mut world, ec2) = World::quiet(1).unruly();
    world.remotes.scopes.truncate(1);
    (world, ec2)
}

async fn leads(scheduler: &mut Scheduler) -> Epoch {
    let leading = scheduler.standing.wait_for(|s| matches!(s, Standing::Leading(_)));
    match *tokio::time::timeout(Duration::from_secs(10), leading).await.unwrap().unwrap() {
        Standing::Leading(epoch) => epoch,
        not @ (Standing::Candidate | Standing::Sealing(_)) => panic!("{not:?}"),
    }
}

#[tokio::test]
async fn a_run_whose_leader_is_lost_is_done_again_once() {
    let (world, ec2) = one_region();
    ec2.will(&[Mood::Hangs, Mood::Well]);
    let first = world.leader_with(1, jobs(OBSERVE_ONLY)).await;
    first.engine.tick().await.unwrap();
    ec2.hangs().await;
    first.crash().await;

    let second = world.leader_with(2, jobs(OBSERVE_ONLY)).await;
    second.settle().await;

    let runs = world.runs_of("observe_instances").await;
    assert_eq!(runs.len(), 1, "{runs:#?}");
    let run = &runs[0];
    assert_eq!((run.state, run.starts, run.attempt), (RunState::Succeeded, 2, 1));
    assert_eq!((run.crashes, run.epoch), (1, Some(Epoch(2))));
}

#[tokio::test]
async fn a_deposed_leader_writes_neither_the_end_of_its_run_nor_the_slot() {
    let (world, ec2) = one_region();
    ec2.will(&[Mood::Hangs, Mood::Well]);
    let old = world.leader_with(1, jobs(OBSERVE_ONLY)).await;
    old.engine.tick().await.unwrap();
    ec2.hangs().await;
    let before = world.runs_of("observe_instances").await.remove(0);
    world.fleet.stores.leases.seal(Epoch(2)).await.unwrap();

    // It wakes up behind the seal and means to give its run back.
    old.stop.cut.cancel();
    old.engine.idle().await;

    assert_eq!(world.run(before.id.as_str()).await, before);
    let new = world.leader_with(2, jobs(OBSERVE_ONLY)).await;
    new.settle().await;
    assert_eq!(world.run(before.id.as_str()).await.state, RunState::Succeeded);
    let metrics = world.metrics.render().unwrap();
    let fenced = metrics.lines().find(|line| line.starts_with("ccm_fenced_writes_total")).unwrap();
    assert!(!fenced.ends_with(" 0"), "{fenced}");
}

#[tokio::test]
async fn a_leader_that_leaves_hands_its_runs_back_and_neither_attempt_nor_crash_is_counted() {
    let (world, ec2) = one_region();
    ec2.will(&[Mood::Hangs, Mood::Well]);
    let first = world.leader_with(1, jobs(OBSERVE_ONLY)).await;
    first.engine.tick().await.unwrap();
    ec2.hangs().await;

    first.stop.cut.cancel();
    first.leave().await;

    let run = world.runs_of("observe_instances").await.remove(0);
    assert_eq!((run.state, run.attempt, run.crashes), (RunState::Queued, 0, 0));
    let second = world.leader_with(2, jobs(OBSERVE_ONLY)).await;
    second.settle().await;
    let run = world.run(run.id.as_str()).await;
    assert_eq!((run.state, run.attempt, run.starts), (RunState::Succeeded, 1, 2));
}

#[tokio::test]
async fn calls_to_aws_are_timed_by_how_they_ended() {
    let mut world = World::quiet(3);
    world.fleet.clock = Arc::new(SystemClock);
    let (mut one, shell) = scheduler(&world, "one");
    leads(&mut one).await;

    until("a sweep was timed", async || {
        let text = shell.metrics.render().unwrap();
        let swept = "ccm_remote_call_seconds_count{api=\"ec2\",call=\"sweep\",outcome=\"ok\"}";
        text.contains(swept)
    })
    .await;
    shell.stop(&DrainSection::for_testing()).await.unwrap();
}

#[tokio::test]
async fn of_two_schedulers_one_leads_and_the_other_takes_over_at_once_when_it_leaves() {
    let mut world = World::quiet(3);
    world.fleet.clock = Arc::new(SystemClock);
    let (mut one, shell_one) = scheduler(&world, "one");
    assert_eq!(leads(&mut one).await, Epoch(1));
    let leading = shell_one.metrics.render().unwrap();
    assert!(leading.contains("ccm_leader_epoch{role=\"scheduler\"} 1"), "{leading}");
    let (mut two, shell_two) = scheduler(&world, "two");

    shell_one.stop(&DrainSection::for_testing()).await.unwrap();
    let left = tokio::time::Instant::now();
    assert_eq!(leads(&mut two).await, Epoch(2));
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());

    until("both terms are told", async || world.told(Kind::SystemLeaderChanged).await.len() >= 2)
        .await;
    let leader = world.fleet.stores.leaders.get(LeaseRole::Scheduler.name()).await.unwrap();
    assert_eq!((leader.epoch, leader.holder.as_str()), (Epoch(2), "two"));
    let told = world.told(Kind::SystemLeaderChanged).await;
    let epochs: Vec<_> =
        told.iter().map(|change| change.data.value()["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs, [1, 2]);
    shell_two.stop(&DrainSection::for_testing()).await.unwrap();
}

#[tokio::test]
async fn a_scheduler_that_stops_while_a_job_hangs_hands_it_back_within_its_time() {
    let (mut world, ec2) = one_region();
    world.fleet.clock = Arc::new(SystemClock);
    ec2.will(&[Mood::Hangs]);
    let (mut one, shell) = scheduler(&world, "one");
    leads(&mut one).await;
    ec2.hangs().await;

    shell.stop(&DrainSection::for_testing()).await.unwrap();

    let run = world.runs_of("observe_instances").await.remove(0);
    assert_eq!((run.state, run.crashes), (RunState::Queued, 0));
    let lease = world.fleet.stores.leases.read(LeaseRole::Scheduler).await.unwrap().unwrap();
    assert!(lease.released, "{lease:?}");
}

#[tokio::test]
async fn a_change_of_a_schedule_is_in_force_within_a_second_even_when_the_bell_is_lost() {
    let mut world = World::quiet(1);
    world.fleet.clock = Arc::new(SystemClock);
    let (mut one, shell) = scheduler(&world, "one");
    leads(&mut one).await;
    until("the first run has ended", async || {
        world.runs_of("prune").await.len() == 1 && world.schedule("prune").await.open.is_none()
    })
    .await;

    let mut schedule = world.schedule("prune").await;
    schedule.trigger(&crate::world::author(), world.fleet.now());
    schedule.rev += 1;
    world.fleet.stores.schedules.put(&schedule, &[], ccm_ports::Writer::Intent).await.unwrap();

    let written = tokio::time::Instant::now();

    until("it runs", async || world.runs_of("prune").await.len() == 2).await;

    assert!(written.elapsed() < Duration::from_millis(1_500), "{:?}", written.elapsed());
    shell.stop(&DrainSection::for_testing()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_fast_clock_a_forgotten_fleet_is_found_watched_and_paused_all_by_itself() {
    let mut world = World::quiet(3);
    world.import_everything().await;
    let clock: Arc<dyn Clock> = Arc::new(FastClock::new(world.now(), 300.0));
    let options = FleetOptions { workers: 3, seed: 1, mishaps: false, people: false };
    world.sim = SimFleet::build(Arc::clone(&clock), &options);
    world.remotes.compute = world.sim.compute();
    world.remotes.measure = world.sim.measure();
    world.remotes.cml = world.sim.cml();
    world.fleet.clock = clock;
    let shell = Shell::for_testing();
    let deps = Deps {
        fleet: world.fleet.clone(),
        remotes: world.remotes.clone(),
        holder: "alone".to_owned(),
    };
    let jobs = jobs(r#"{"import_instances": {"enabled": true}}"#);
    start(deps, SchedulerConfig::new(jobs, DrainSection::for_testing()), &shell);

    // An hour of silence takes 12 s.
    until("idle workers are paused", async || {
        let auto = |w: &ccm_domain::Worker| w.status.power.auto_pauses > 0;
        world.workers().await.iter().filter(|w| auto(w)).count() >= 2
    })
    .await;

    shell.stop(&DrainSection::for_testing()).await.unwrap();
}

#[tokio::test]
async fn a_wish_whose_bell_is_lost_is_taken_up_within_a_second_or_two() {
    let world = World::furnished(1).await;
    let worker = world.serving().await;
    let unheard =
        ccm_app::Fleet { bell: Arc::new(ccm_bus::LocalBus::default()), ..world.fleet.clone() };
    for schedule in ["reconcile_workers", "observe_instances"] {
        world.fleet.pause_schedule(&person(), schedule).await.unwrap();
    }
    let (mut one, shell) = scheduler(&world, "one");
    leads(&mut one).await;
    let which = ccm_app::WorkerRef::Id(worker.id);
    world.fleet.request_stop(&person(), &which, world.fleet.new_operation_id()).await.unwrap();
    until("it is stopped, and nothing is followed any more", async || {
        world.clock.advance(Duration::from_secs(1));
        let seen = world.worker(worker.id).await;
        seen.state() == WorkerState::Stopped && seen.open_power().is_none()
    })
    .await;

    let asked = tokio::time::Instant::now();
    unheard.request_start(&person(), &which, unheard.new_operation_id()).await.unwrap();
    until("the start is on its way", async || {
        world.worker(worker.id).await.state() == WorkerState::Starting
    })
    .await;

    assert!(asked.elapsed() < Duration::from_millis(2_500), "{:?}", asked.elapsed());
    shell.stop(&DrainSection::for_testing()).await.unwrap();
}
