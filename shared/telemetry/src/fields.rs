//! The dictionary of log fields: one name for one thing, in every crate.
//!
//! They are literals in `tracing` macros (`worker.id = %id`), as those want them; `cargo xtask tidy` refuses one that
//! is not in here, and one in here that nobody writes. `docs/LOGS.md` is made from it.

/// Each field with what it says.
pub const ALL: [(&str, &str); 31] = [
    ("worker.id", "Id of a worker"),
    ("worker.next", "Step that a worker takes next"),
    ("lab.id", "Id of a lab on its worker"),
    ("instance.id", "EC2 instance id"),
    ("instance.state", "State of an instance, in EC2's word"),
    ("instance.check", "Result of a status check, in EC2's word"),
    ("actor.name", "Who asked, by the name that the login server gives"),
    ("job.name", "Name of a job"),
    ("schedule.name", "Name of a schedule"),
    ("run.id", "Id of one run of a job"),
    ("run.attempt", "Which attempt of the run it is, counted from 1"),
    ("run.crashes", "How often the run's process was lost"),
    ("event.id", "CloudEvents id"),
    ("event.seq", "Sequence number of a durable event"),
    ("event.head", "Sequence number of the last event that there is"),
    ("event.last", "Sequence number of the last event that was told"),
    ("sink.cursor", "Sequence number up to which a sink was told"),
    ("client.id", "Id of one SSE client"),
    ("leader.epoch", "Epoch of the leader that acts"),
    ("trace_id", "Trace that something belongs to, as OpenTelemetry names it in log lines"),
    ("request.id", "Id of one HTTP request"),
    ("http.method", "Method of one HTTP request"),
    ("http.route", "Route that matched, such as `/api/v1/workers/{id}`; never the address itself"),
    ("http.status", "Status of the answer"),
    ("task", "Name of a task of the process"),
    ("clock.off_ms", "How far this machine's clock is off the store's, in milliseconds"),
    ("clock.step_ms", "How far the store's clock was set, in milliseconds"),
    ("duration_ms", "How long it took, in milliseconds"),
    ("panic.place", "Where a panic began: file, line, column"),
    ("error.code", "Stable word for an error, such as `throttled`"),
    ("error", "The error with its causes, in words"),
];
