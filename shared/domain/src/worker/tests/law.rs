//! Properties over random histories.

use proptest::prelude::*;

use super::*;

/// One thing that can happen to a worker.
#[derive(Clone, Debug)]
enum Happening {
    Start,
    Stop,
    Terminate,
    See(InstanceState),
    Absent,
    Answer(bool),
    Extend,
    Tag,
    Remove,
}

fn happening() -> impl Strategy<Value = Happening> {
    let states = prop::sample::select(vec![
        InstanceState::Pending,
        InstanceState::Running,
        InstanceState::Stopping,
        InstanceState::Stopped,
        InstanceState::ShuttingDown,
        InstanceState::Terminated,
        InstanceState::Unknown,
    ]);
    prop_oneof![
        3 => Just(Happening::Start),
        3 => Just(Happening::Stop),
        1 => Just(Happening::Terminate),
        6 => states.prop_map(Happening::See),
        1 => Just(Happening::Absent),
        3 => any::<bool>().prop_map(Happening::Answer),
        1 => Just(Happening::Extend),
        1 => Just(Happening::Tag),
        1 => Just(Happening::Remove),
    ]
}

fn apply(worker: &mut Worker, what: &Happening, nth: u64) {
    let now = at(nth * 45);
    let id = op(1_000 + u128::from(nth));
    match what {
        Happening::Start => drop(worker.request_start(id, ada(), now)),
        Happening::Stop => drop(worker.request_stop(id, ada(), now)),
        Happening::Terminate => drop(worker.request_terminate(id, false, ada(), now)),
        Happening::See(state) => see(worker, *state, now),
        Happening::Absent => worker.observe_absent(now),
        Happening::Answer(true) => worker.observe_controller(&ready(), now),
        Happening::Answer(false) => worker.observe_controller(&silent(), now),
        Happening::Extend => drop(worker.extend(std::time::Duration::from_secs(60), now)),
        Happening::Tag => {
            drop(worker.set_tags(BTreeMap::from([("n".to_owned(), nth.to_string())]), now));
        }
        Happening::Remove => worker.remove(ada(), now),
    }
}

/// What a reader of events must be able to follow: the view without what moves with every sight.
fn followed(worker: &Worker) -> WorkerView {
    let mut view = worker.view();
    view.rev = 0;
    view.updated_at = START;
    view.seen_at = None;
    view.metrics = Metrics::default();
    view.cml.failures = 0;
    view.cml.answered_at = None;
    view
}

/// A world that does what it is told, one state at a time.
fn obey(state: InstanceState, next: &Next) -> InstanceState {
    match (next, state) {
        (Next::Launch, _) | (Next::Start, InstanceState::Stopped) => InstanceState::Pending,
        (Next::Stop, InstanceState::Running) => InstanceState::Stopping,
        (Next::Terminate, _) => InstanceState::ShuttingDown,
        (_, InstanceState::Pending) => InstanceState::Running,
        (_, InstanceState::Stopping) => InstanceState::Stopped,
        (_, InstanceState::ShuttingDown) => InstanceState::Terminated,
        (_, same) => same,
    }
}

proptest! {
    #[test]
    fn what_others_can_see_never_changes_untold(history in prop::collection::vec(happening(), 1..40)) {
        let mut worker = imported(InstanceState::Running);
        for (nth, what) in history.iter().enumerate() {
            let before = followed(&worker);
            apply(&mut worker, what, nth as u64 + 1);
            let told = !worker.take_facts().is_empty();
            prop_assert!(told || followed(&worker) == before, "{what:?} changed the view and told nothing");
        }
    }

    #[test]
    fn at_most_one_operation_of_a_sort_is_open(history in prop::collection::vec(happening(), 1..60)) {
        let mut worker = imported(InstanceState::Running);
        for (nth, what) in history.iter().enumerate() {
            apply(&mut worker, what, nth as u64 + 1);
            let open = worker.operations.iter().filter(|o| o.is_open() && !o.kind.is_license()).count();
            prop_assert!(open <= 1);
        }
    }

    #[test]
    fn an_obeying_world_comes_to_rest_where_it_is_wanted(
        history in prop::collection::vec(happening(), 0..20),
        want in prop::sample::select(vec![Happening::Start, Happening::Stop]),
    ) {
        let mut worker = imported(InstanceState::Running);
        for (nth, what) in history.iter().enumerate() {
            apply(&mut worker, what, nth as u64 + 1);
        }
        prop_assume!(worker.removed_at.is_none() && !worker.state().is_final());
        prop_assume!(worker.open_power().is_none_or(|o| o.kind != OperationKind::Terminate));
        let mut state = match worker.state() {
            WorkerState::Terminating => return Ok(()),
            WorkerState::Starting => InstanceState::Pending,
            WorkerState::Stopping => InstanceState::Stopping,
            WorkerState::Stopped => InstanceState::Stopped,
            WorkerState::Pending
            | WorkerState::Running
            | WorkerState::Terminated
            | WorkerState::Failed
            | WorkerState::Missing
            | WorkerState::Unknown => InstanceState::Running,
        };
        apply(&mut worker, &want, 30);

        let mut now = at(30 * 45);
        for _ in 0..80 {
            now = now.plus(std::time::Duration::from_secs(10));
            let next = decide(&worker, now);
            state = obey(state, &next);
            if matches!(next, Next::Start | Next::Stop) {
                let step = if next == Next::Start { "start" } else { "stop" };
                worker.step_power(|o| o.reach(step, now));
            }
            if next == Next::Tag {
                // The world takes the tags as wanted.
                let mut seen = instance(state);
                seen.tags.extend(worker.spec.tags.clone());
                worker.observe_instance(&seen, None, now);
                worker.spec.tags.clear();
                worker.spec.tags_removed.clear();
            }
            see(&mut worker, state, now);
            if state == InstanceState::Running {
                worker.observe_controller(&ready(), now);
            }
        }

        prop_assert_eq!(decide(&worker, now), Next::Rest);
        let wanted = if matches!(want, Happening::Start) { WorkerState::Running } else { WorkerState::Stopped };
        prop_assert_eq!(worker.state(), wanted);
        prop_assert!(worker.open_power().is_none());
    }
}
