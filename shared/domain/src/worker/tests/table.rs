//! Transitions, one by one.

use super::*;
use crate::DomainError;

#[test]
fn a_worker_that_was_asked_for_is_launched_then_followed_until_it_serves() {
    let mut worker = created();
    assert_eq!(decide(&worker, at(0)), Next::Launch);

    see(&mut worker, InstanceState::Pending, at(1));
    assert_eq!((worker.state(), decide(&worker, at(1))), (WorkerState::Starting, Next::Look));

    see(&mut worker, InstanceState::Running, at(30));
    assert_eq!(decide(&worker, at(30)), Next::Probe);
    assert_eq!(
        worker.open_power().and_then(|o| o.step().map(str::to_owned)).as_deref(),
        Some("service")
    );

    worker.observe_controller(&silent(), at(60));
    assert_eq!(worker.status.service, Service::Starting);
    worker.observe_controller(&ready(), at(400));

    assert_eq!(worker.status.service, Service::Available);
    assert_eq!(worker.operations[0].state, OperationState::Succeeded);
    assert_eq!(decide(&worker, at(400)), Next::Rest);
}

#[test]
fn wishes_that_are_so_or_under_way_begin_nothing() {
    let mut running = imported(InstanceState::Running);
    assert_eq!(running.request_start(op(2), ada(), at(1)), Ok(Wish::AlreadySo));

    assert_eq!(running.request_stop(op(3), ada(), at(2)), Ok(Wish::Begun(op(3))));
    assert_eq!(running.request_stop(op(4), ada(), at(3)), Ok(Wish::UnderWay(op(3))));
    assert_eq!(running.operations.len(), 1);

    let mut stopped = imported(InstanceState::Stopped);
    assert_eq!(stopped.request_stop(op(5), ada(), at(1)), Ok(Wish::AlreadySo));
}

#[test]
fn a_launch_cannot_be_stopped_half_way() {
    let mut worker = created();

    let refused = worker.request_stop(op(2), ada(), at(1)).unwrap_err();

    assert_eq!(refused.code(), "operation_under_way");
    assert_eq!(worker.request_start(op(3), ada(), at(1)), Ok(Wish::UnderWay(op(1))));
    assert_eq!(decide(&worker, at(1)), Next::Launch);
}

#[test]
fn a_later_wish_cancels_an_open_one() {
    let mut worker = imported(InstanceState::Stopped);
    worker.request_start(op(2), ada(), at(1)).unwrap();

    worker.request_stop(op(3), ada(), at(2)).unwrap();

    assert_eq!(worker.operation(op(2)).unwrap().state, OperationState::Canceled);
    assert_eq!(worker.open_power().unwrap().id, op(3));
    assert_eq!(worker.spec.power, Power::Off);
}

#[test]
fn a_worker_that_is_gone_cannot_be_started_or_stopped() {
    let mut worker = imported(InstanceState::Running);
    see(&mut worker, InstanceState::Terminated, at(5));

    for refused in
        [worker.request_start(op(2), ada(), at(6)), worker.request_stop(op(3), ada(), at(6))]
    {
        assert_eq!(refused.unwrap_err().code(), "terminated");
    }
    assert_eq!(worker.request_terminate(op(4), false, ada(), at(6)), Ok(Wish::AlreadySo));
}

#[test]
fn a_stop_from_outside_is_a_pause_by_external_with_awss_reason_and_drift() {
    let mut worker = imported(InstanceState::Running);
    let mut outside = instance(InstanceState::Stopping);
    outside.state_reason = Some("User initiated (2026-01-31 12:00:00 GMT)".to_owned());

    worker.observe_instance(&outside, None, at(60));

    let pause = worker.status.power.paused.clone().unwrap();
    assert_eq!(pause.reason, PowerReason::External);
    assert_eq!(pause.by, "User initiated (2026-01-31 12:00:00 GMT)");
    assert_eq!(worker.status.drift.as_ref().map(|d| d.what.as_str()), Some("state"));
    assert!(worker.take_facts().contains(&WorkerFact::Paused(pause)));
    assert_eq!(worker.status.power.external_pauses, 1);
}

#[test]
fn stopping_then_stopped_is_one_pause() {
    let mut worker = imported(InstanceState::Running);
    worker.request_stop(op(2), ada(), at(1)).unwrap();

    see(&mut worker, InstanceState::Stopping, at(2));
    see(&mut worker, InstanceState::Stopped, at(30));

    assert_eq!(worker.status.power.manual_pauses, 1);
    assert_eq!(worker.operation(op(2)).unwrap().state, OperationState::Succeeded);
}

#[test]
fn an_idle_pause_is_counted_as_one() {
    let mut worker = imported(InstanceState::Running);
    let policy = Author { kind: ActorKind::Policy, name: "idle_timeout".to_owned() };
    worker.request_stop(op(2), policy, at(1)).unwrap();

    see(&mut worker, InstanceState::Stopping, at(2));

    assert_eq!(worker.status.power.auto_pauses, 1);
    assert_eq!(worker.status.power.paused.unwrap().reason, PowerReason::IdleTimeout);
}

#[test]
fn an_instance_that_is_not_shown_is_missing_then_terminated() {
    let mut worker = imported(InstanceState::Running);
    let late = 3_600;

    worker.observe_absent(at(late));
    assert_eq!(worker.state(), WorkerState::Missing);
    worker.observe_absent(at(late + 60));
    worker.observe_absent(at(late + 120));

    assert_eq!(worker.state(), WorkerState::Terminated);
}

#[test]
fn an_instance_just_launched_is_given_time_to_be_shown() {
    let mut worker = created();
    see(&mut worker, InstanceState::Pending, at(1));

    worker.observe_absent(at(2));

    assert_eq!(worker.state(), WorkerState::Starting);
}

#[test]
fn a_missing_instance_that_comes_back_is_what_it_is() {
    let mut worker = imported(InstanceState::Running);
    worker.observe_absent(at(3_600));

    see(&mut worker, InstanceState::Running, at(3_660));

    assert_eq!(worker.state(), WorkerState::Running);
    assert_eq!(worker.status.missed, 0);
}

#[test]
fn silence_is_normal_at_boot_and_a_fault_later() {
    let mut worker = imported(InstanceState::Stopped);
    see(&mut worker, InstanceState::Running, at(10));

    worker.observe_controller(&silent(), at(60));
    assert_eq!(worker.status.service, Service::Starting);
    worker.observe_controller(&silent(), at(10 + BOOT_LIMIT.as_secs() + 1));
    assert_eq!(worker.status.service, Service::Unavailable);

    worker.observe_controller(&ready(), at(2_000));
    worker.observe_controller(&silent(), at(2_060));
    assert_eq!(worker.status.service, Service::Degraded);
    worker.observe_controller(&silent(), at(2_120));
    worker.observe_controller(&silent(), at(2_180));
    assert_eq!(worker.status.service, Service::Unavailable);
}

#[test]
fn a_refused_certificate_or_login_is_an_error_even_at_boot() {
    let mut worker = imported(InstanceState::Running);

    worker.observe_controller(
        &ControllerAnswer::Wrong("certificate refused: expired".to_owned()),
        at(5),
    );

    assert_eq!(worker.status.service, Service::Degraded);
    let https = worker.status.stages.iter().find(|s| s.name == "https").unwrap();
    assert_eq!(https.state, StageState::Failed);
    assert_eq!(https.reason.as_deref(), Some("certificate refused: expired"));
}

#[test]
fn a_stage_under_way_for_long_is_stuck_and_keeps_its_clock() {
    let mut worker = imported(InstanceState::Stopped);
    see(&mut worker, InstanceState::Running, at(10));
    worker.observe_controller(&silent(), at(20));
    let since = worker.status.stages[2].since;

    worker.observe_controller(&silent(), at(20 + 16 * 60));
    worker.observe_controller(&silent(), at(20 + 17 * 60));

    let https = &worker.status.stages[2];
    assert_eq!((https.state, https.since), (StageState::Stuck, since));
}

#[test]
fn a_termination_goes_through_labs_licence_and_instance() {
    let mut worker = imported(InstanceState::Running);
    worker.request_terminate(op(2), false, ada(), at(1)).unwrap();

    let mut steps = Vec::new();
    for _ in 0..4 {
        steps.push(decide(&worker, at(2)));
        worker.step_power(|o| o.advance(false, None, at(2)));
    }
    see(&mut worker, InstanceState::Terminated, at(60));

    assert_eq!(steps, [Next::StopLabs, Next::SaveLabs, Next::ReleaseLicense, Next::Terminate]);
    assert_eq!(worker.operation(op(2)).unwrap().state, OperationState::Succeeded);
}

#[test]
fn reserved_tags_are_refused_and_removed_ones_are_taken_off() {
    let mut worker = imported(InstanceState::Running);
    let reserved =
        BTreeMap::from([("aws:x".to_owned(), String::new()), ("Name".to_owned(), String::new())]);
    let DomainError::Invalid { faults } = worker.set_tags(reserved, at(1)).unwrap_err() else {
        panic!("expected named faults");
    };
    assert_eq!(faults.len(), 2);

    worker.set_tags(BTreeMap::from([("team".to_owned(), "red".to_owned())]), at(1)).unwrap();
    assert_eq!(decide(&worker, at(1)), Next::Tag);
    worker.set_tags(BTreeMap::new(), at(2)).unwrap();

    assert_eq!(worker.spec.tags_removed, ["team"]);
    assert!(worker.status.tags.contains_key("Name"));
}

#[test]
fn a_licence_needs_a_controller_that_serves() {
    let mut worker = imported(InstanceState::Stopped);

    let refused = worker.request_license(op(2), "s".to_owned(), false, ada(), at(1)).unwrap_err();

    assert_eq!(refused.code(), "not_serving");
}

#[test]
fn the_view_says_nothing_of_where_a_secret_is_kept() {
    let mut worker = imported(InstanceState::Running);
    see(&mut worker, InstanceState::Running, at(1));
    worker.observe_controller(&ready(), at(2));
    worker.request_license(op(2), "where-the-token-is".to_owned(), false, ada(), at(3)).unwrap();

    let shown = serde_json::to_string(&worker.view()).unwrap();

    assert!(!shown.contains("where-the-token-is"), "{shown}");
}

#[test]
fn an_operation_that_takes_too_long_is_given_up() {
    let mut worker = created();
    see(&mut worker, InstanceState::Running, at(30));

    assert_eq!(decide(&worker, at(POWER_LIMIT.as_secs() + 1)), Next::GiveUp);
}

#[test]
fn ended_operations_are_remembered_up_to_a_bound() {
    let mut worker = imported(InstanceState::Running);
    for n in 0..40 {
        worker.request_stop(op(100 + n), ada(), at(1)).unwrap();
        worker.step_power(|o| o.fail("no", None, at(2)));
    }

    // The newest was open when the others were counted.
    assert_eq!(worker.operations.len(), KEPT_OPERATIONS + 1);
    assert_eq!(worker.operations[0].id, op(139));
}
