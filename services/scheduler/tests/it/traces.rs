//! Runs are of the trace of whoever asked for them, or of one of their own.

use ccm_app::WorkerRef;
use ccm_domain::RunState;
use ccm_telemetry::propagate;

use crate::world::{World, person};

const CLICK: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn the_run_of_a_command_is_of_the_trace_of_who_asked() {
    let world = World::furnished(6).await;
    let leader = world.leader(2).await;
    leader.settle().await;
    let worker = world.serving().await;
    let (ask, which, id) = (person(), WorkerRef::Id(worker.id), world.fleet.new_operation_id());

    propagate::within(Some(CLICK), world.fleet.request_refresh(&ask, &which, id)).await.unwrap();
    leader.settle().await;

    let run = world.run(&id.to_string()).await;
    assert_eq!((run.state, run.trace_id.as_deref()), (RunState::Succeeded, Some(TRACE)));
    assert_eq!(world.command(id).await.traceparent.as_deref(), Some(CLICK));
}

#[tokio::test]
async fn a_schedules_run_is_a_trace_of_its_own_unless_somebody_asked_for_it() {
    let world = World::furnished(2).await;
    let leader = world.leader(2).await;
    leader.settle().await;
    let by_itself = world.runs_of("observe_instances").await.pop().unwrap();

    let ask = person();
    let asked = world.fleet.trigger_schedule(&ask, "observe_instances");
    propagate::within(Some(CLICK), asked).await.unwrap();
    leader.settle().await;

    let triggered = world.runs_of("observe_instances").await.pop().unwrap();
    assert_ne!(triggered.id, by_itself.id);
    assert_eq!(triggered.trace_id.as_deref(), Some(TRACE));
    let own = by_itself.trace_id.unwrap();
    assert!(own.len() == 32 && own != TRACE, "{own}");
    // The next run is its own again.
    assert_eq!(world.schedule("observe_instances").await.triggered_in, None);
}
