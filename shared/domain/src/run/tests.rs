use std::time::Duration;

use proptest::prelude::*;

use super::*;

const POLICY: RetryPolicy =
    RetryPolicy { attempts: 3, first: Duration::from_secs(10), most: Duration::from_secs(60) };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn ada() -> Author {
    Author { kind: crate::ActorKind::Person, name: "ada".to_owned() }
}

fn run() -> Run {
    Run::of_slot("prune", "prune", Slot::at(at(100)), at(100))
}

fn in_state(state: RunState) -> Run {
    let mut run = run();
    run.state = state;
    run.attempt = 1;
    run.next_at = state.waits().then_some(at(100));
    run
}

fn error() -> RunError {
    RunError::new("throttled", "too many calls")
}

fn fail(run: &mut Run, now: i64) {
    run.fail(error(), &POLICY, Jitter::default(), at(now)).unwrap();
}

#[test]
fn runs_are_named_after_their_slot_or_command() {
    assert_eq!(run().id.to_string(), "prune@100000");
    let command = OperationId::new(uuid::Uuid::from_u128(5));
    let of_command = Run::of_command(command, "refresh_worker", None, at(1));
    assert_eq!(of_command.id.as_str(), command.to_string());
}

/// Every transition in every state: where it leads, or that it is refused and changes nothing.
#[test]
fn runs_move_only_along_their_way() {
    use RunState as S;
    type Transition = fn(&mut Run) -> Result<(), DomainError>;
    let running = |to: S| move |from: S| (from == S::Running).then_some(to);
    let waiting = |to: S| move |from: S| from.waits().then_some(to);
    let given_up = |from: S| matches!(from, S::Dead | S::Quarantined).then_some(S::Queued);
    type Leads = Box<dyn Fn(S) -> Option<S>>;
    let table: [(&str, Transition, Leads); 7] = [
        ("start", |r| r.start(Epoch(1), at(200)), Box::new(waiting(S::Running))),
        (
            "succeed",
            |r| r.succeed(BTreeMap::new(), "done", at(200)),
            Box::new(running(S::Succeeded)),
        ),
        (
            "fail",
            |r| r.fail(error(), &POLICY, Jitter::default(), at(200)),
            Box::new(running(S::Failed)),
        ),
        ("abandon", |r| r.abandon(at(200)), Box::new(running(S::Abandoned))),
        ("hand_back", |r| r.hand_back(at(200)), Box::new(running(S::Queued))),
        ("requeue", |r| r.requeue(&ada(), at(200)), Box::new(given_up)),
        ("skip", |r| r.skip("paused", at(200)), Box::new(waiting(S::Skipped))),
    ];
    for (name, transition, leads) in table {
        for from in S::ALL {
            let mut run = in_state(from);
            let before = run.clone();
            match (transition(&mut run), leads(from)) {
                (Ok(()), Some(to)) => assert_eq!(run.state, to, "{name} of {from:?}"),
                (Err(error), None) => {
                    assert_eq!(error.code(), "run_state");
                    assert_eq!(run, before, "{name} of {from:?} changed something");
                }
                (answer, expected) => panic!("{name} of {from:?}: {answer:?}, not {expected:?}"),
            }
            assert_eq!(run.next_at.is_some(), run.state.waits(), "{name} of {from:?}");
        }
    }
}

#[test]
fn a_run_before_its_time_is_not_started() {
    let mut run = run();
    run.start(Epoch(1), at(100)).unwrap();
    fail(&mut run, 110);

    assert!(!run.is_due(at(114)));
    assert_eq!(run.start(Epoch(1), at(114)).unwrap_err().code(), "run_not_due");
    assert!(run.is_due(at(115)));
    assert_eq!(run.start(Epoch(1), at(115)), Ok(()));
}

#[test]
fn a_run_fails_exactly_as_often_as_allowed_and_is_then_dead() {
    let mut run = run();
    let mut states = Vec::new();
    for round in 0..3 {
        let now = 1_000 * (round + 1);
        run.start(Epoch(1), at(now)).unwrap();
        fail(&mut run, now + 1);
        states.push(run.state);
    }

    assert_eq!(states, [RunState::Failed, RunState::Failed, RunState::Dead]);
    assert_eq!((run.attempt, run.next_at), (3, None));
    assert_eq!(run.start(Epoch(1), at(9_999)).unwrap_err().code(), "run_state");
}

#[test]
fn the_next_attempt_comes_no_sooner_than_the_error_asks_for() {
    for (asked, next) in [(0, 205), (3, 205), (40, 240), (3_600, 260)] {
        let mut run = in_state(RunState::Running);
        let error = RunError { retry_after: Some(Duration::from_secs(asked)), ..error() };

        run.fail(error, &POLICY, Jitter::default(), at(200)).unwrap();

        assert_eq!(run.next_at, Some(at(next)), "asked for {asked} s");
    }
}

#[test]
fn an_error_that_every_attempt_would_meet_is_not_tried_again() {
    let mut run = run();
    run.start(Epoch(1), at(100)).unwrap();
    let refused = RunError::permanent("denied", "no permission");
    run.fail(refused, &POLICY, Jitter::default(), at(101)).unwrap();

    assert_eq!(run.state, RunState::Dead);
}

#[test]
fn a_run_that_takes_its_process_along_is_quarantined() {
    let mut run = run();
    for round in 1..=MOST_CRASHES {
        run.start(Epoch(u64::from(round)), at(100)).unwrap();
        run.abandon(at(101)).unwrap();
        let expected =
            if round < MOST_CRASHES { RunState::Abandoned } else { RunState::Quarantined };
        assert_eq!((run.state, run.crashes), (expected, round));
        run.next_at = run.next_at.map(|_| at(100));
    }
    assert_eq!(run.take_facts().last(), Some(&RunFact::Failed));
}

#[test]
fn a_clean_hand_over_is_neither_an_attempt_nor_a_crash() {
    let mut run = run();
    for round in 0..50 {
        run.start(Epoch(round), at(200)).unwrap();
        run.hand_back(at(200)).unwrap();
    }

    assert_eq!((run.state, run.attempt, run.crashes), (RunState::Queued, 0, 0));
    assert_eq!(run.starts, 50);
}

#[test]
fn putting_it_back_gives_all_attempts_anew_and_keeps_who_did_it() {
    let mut run = in_state(RunState::Quarantined);
    run.crashes = MOST_CRASHES;
    run.requeue(&ada(), at(300)).unwrap();

    assert_eq!((run.attempt, run.crashes, run.next_at), (0, 0, Some(at(300))));
    assert_eq!(run.requeued_by, Some(ada()));
}

#[test]
fn facts_tell_starts_ends_and_failures() {
    let mut run = run();
    run.start(Epoch(1), at(100)).unwrap();
    fail(&mut run, 101);
    run.start(Epoch(1), at(200)).unwrap();
    run.succeed(BTreeMap::from([("workers".to_owned(), 12)]), "12 workers", at(201)).unwrap();

    assert_eq!(
        run.take_facts(),
        [RunFact::Started, RunFact::Failed, RunFact::Started, RunFact::Finished]
    );
    assert_eq!((run.error.as_ref(), run.counts.get("workers")), (None, Some(&12)));
}

#[test]
fn a_run_survives_being_written_and_read() {
    let mut run = run();
    run.start(Epoch(1), at(100)).unwrap();
    fail(&mut run, 101);
    run.take_facts();
    let text = serde_json::to_string(&run).unwrap();

    assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
}

#[test]
fn pauses_double_up_to_the_most() {
    let pauses = |jitter| [1, 2, 3, 4, 40].map(|n| POLICY.pause(n, jitter).as_secs());

    assert_eq!(pauses(Jitter::per_mille(1_000)), [10, 20, 40, 60, 60]);
    assert_eq!(pauses(Jitter::default()), [5, 10, 20, 30, 30]);
}

proptest! {
    /// A pause lies between half of what is due and all of it, and never falls with the attempts.
    #[test]
    fn pauses_stay_in_their_range(attempt in 1_u32..100, jitter in 0_u16..2_000) {
        let pause = POLICY.pause(attempt, Jitter::per_mille(jitter));
        prop_assert!(pause <= POLICY.most);
        prop_assert!(pause >= POLICY.first / 2);
        prop_assert!(POLICY.pause(attempt + 1, Jitter::per_mille(jitter)) >= pause);
    }

    /// Whatever order of ends, attempts and crashes stay within what is allowed.
    #[test]
    fn no_order_of_ends_exceeds_the_limits(ends in prop::collection::vec(0..3, 0..60)) {
        let mut run = run();
        let mut failures = 0;
        for (step, end) in ends.into_iter().enumerate() {
            let now = at(1_000 * i64::try_from(step + 1).unwrap());
            if run.start(Epoch(1), now).is_err() {
                prop_assert!(run.state.is_final());
                break;
            }
            match end {
                0 => {
                    failures += 1;
                    run.fail(error(), &POLICY, Jitter::default(), now).unwrap();
                }
                1 => run.abandon(now).unwrap(),
                _ => run.hand_back(now).unwrap(),
            }
            prop_assert!(run.crashes <= MOST_CRASHES);
            prop_assert_eq!(run.attempt, failures);
            prop_assert_eq!(run.state == RunState::Dead, failures == POLICY.attempts);
        }
    }
}
