//! The dictionary of log fields: one name for one thing, in every crate.
//!
//! Use them as literals in `tracing` macros (`worker.id = %id`); the constants are for code that
//! names fields and for tests.

/// Id of a worker.
pub const WORKER_ID: &str = "worker.id";
/// Id of a lab on its worker.
pub const LAB_ID: &str = "lab.id";
/// EC2 instance id.
pub const INSTANCE_ID: &str = "instance.id";
/// AWS region.
pub const REGION: &str = "region";
/// Who asked.
pub const ACTOR_NAME: &str = "actor.name";
/// Name of a periodic job.
pub const JOB_NAME: &str = "job.name";
/// Id of one run of a job.
pub const JOB_RUN_ID: &str = "job.run_id";
/// Id of an operation.
pub const OPERATION_ID: &str = "operation.id";
/// CloudEvents id.
pub const EVENT_ID: &str = "event.id";
/// CloudEvents type.
pub const EVENT_TYPE: &str = "event.type";
/// Sequence number of a durable event.
pub const EVENT_SEQ: &str = "event.seq";
/// Id of one SSE client.
pub const CLIENT_ID: &str = "client.id";
/// Epoch of the leader that acts.
pub const LEADER_EPOCH: &str = "leader.epoch";
/// Role that is led.
pub const LEADER_ROLE: &str = "leader.role";
/// Trace that something belongs to; named as OpenTelemetry names it in log lines.
pub const TRACE_ID: &str = "trace_id";
/// Id of one HTTP request.
pub const REQUEST_ID: &str = "request.id";
/// Method of one HTTP request.
pub const HTTP_METHOD: &str = "http.method";
/// Route that matched, such as `/api/v1/workers/{id}`; never the address itself.
pub const HTTP_ROUTE: &str = "http.route";
/// Status of the answer.
pub const HTTP_STATUS: &str = "http.status";
/// Name of a task of the process.
pub const TASK: &str = "task";
/// How long it took, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// The error with its causes.
pub const ERROR: &str = "error";

/// Every name above, for checks.
pub const ALL: [&str; 22] = [
    WORKER_ID,
    LAB_ID,
    INSTANCE_ID,
    REGION,
    ACTOR_NAME,
    JOB_NAME,
    JOB_RUN_ID,
    OPERATION_ID,
    EVENT_ID,
    EVENT_TYPE,
    EVENT_SEQ,
    CLIENT_ID,
    LEADER_EPOCH,
    LEADER_ROLE,
    TRACE_ID,
    REQUEST_ID,
    HTTP_METHOD,
    HTTP_ROUTE,
    HTTP_STATUS,
    TASK,
    DURATION_MS,
    ERROR,
];
