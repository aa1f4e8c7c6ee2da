//! Every problem code: its status, title and meaning. `docs/ERRORS.md` is written from it.

/// One problem code. A code never changes its meaning and never goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stable word.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short text that is the same for every occurrence.
    pub title: &'static str,
    /// What it means and what to do, for people.
    pub meaning: &'static str,
}

const fn entry(
    code: &'static str,
    status: u16,
    title: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry { code, status, title, meaning }
}

/// The catalog, by status and code.
pub const CATALOG: &[Entry] = &[
    entry(
        "invalid_event",
        400,
        "The event is not valid",
        "`errors` names every attribute that is missing or wrong. Nothing of a batch with such an event is taken.",
    ),
    entry(
        "invalid_header",
        400,
        "A header is not valid",
        "`errors` names the header and what it must be.",
    ),
    entry(
        "invalid_path",
        400,
        "The address is not valid",
        "An id in the path cannot be one; `errors` names which part and what is expected.",
    ),
    entry(
        "invalid_query",
        400,
        "A query parameter is not valid",
        "Unknown parameters are refused too, so that a typing error never widens a list. `errors` names it.",
    ),
    entry(
        "login_failed",
        400,
        "The login did not work",
        "`detail` says what does not fit. Begin again at `/auth/login`.",
    ),
    entry(
        "logout_refused",
        400,
        "The logout is not believed",
        "The token of a back-channel logout proves nothing; no session was ended.",
    ),
    entry("malformed_json", 400, "The body is no JSON", "`detail` says where the text breaks off."),
    entry(
        "unauthenticated",
        401,
        "Nobody is signed in",
        "Log in, send a valid bearer token, or, in dev mode, a valid role and user. `detail` says what is wrong with a token.",
    ),
    entry(
        "forbidden",
        403,
        "Your role does not allow it",
        "`detail` names the permission and the least role that has it.",
    ),
    entry(
        "foreign_host",
        403,
        "The host name is not one of ours",
        "In dev mode only `localhost` and loopback addresses are answered, against DNS rebinding.",
    ),
    entry(
        "foreign_origin",
        403,
        "The request comes from another site",
        "Requests that change something must come from our own pages or from no page at all; with a session's cookie, the browser must say that they do.",
    ),
    entry(
        "inbound_off",
        404,
        "Events from outside are not taken",
        "`relay.inbound.secret` or `relay.inbound.bearer` turns them on.",
    ),
    entry(
        "login_off",
        404,
        "There is no login here",
        "In dev mode the caller chooses a role. `auth.mode = \"oidc\"` turns the login on.",
    ),
    entry("no_such_route", 404, "There is no such address", "See `/api/docs` for all addresses."),
    entry(
        "not_found",
        404,
        "There is no such thing",
        "It never was there, or it was removed; `detail` says what kind of thing.",
    ),
    entry(
        "method_not_allowed",
        405,
        "The address has no such method",
        "The header `Allow` lists the methods it has.",
    ),
    entry(
        "already_exists",
        409,
        "It exists already",
        "Another thing has the same unique key, such as a worker of the same instance.",
    ),
    entry(
        "command_not_due",
        409,
        "The command waits for its time",
        "The same was done a moment ago; it is done again by itself.",
    ),
    entry("command_state", 409, "The command is in another state", "It has ended or was taken up."),
    entry(
        "conflict",
        409,
        "Somebody else was faster",
        "The thing changed meanwhile. Read it again and repeat.",
    ),
    entry(
        "dead_letter_delivered",
        409,
        "The event was delivered in the end",
        "A replay that the receiver took ends a dead letter.",
    ),
    entry(
        "lab_busy",
        409,
        "Another action on the lab is under way",
        "Wait until it has ended; `detail` names it.",
    ),
    entry("lab_not_stopped", 409, "The lab runs", "Stop it first."),
    entry("lab_not_wiped", 409, "The lab still has disks", "Wipe it first."),
    entry("lab_removed", 409, "The lab is gone", "Import its file to have it again."),
    entry(
        "lab_state_unknown",
        409,
        "The lab's state is not known here",
        "Refresh the worker's labs and try again.",
    ),
    entry(
        "license_operation_under_way",
        409,
        "Another licence operation is under way",
        "Wait until it has ended.",
    ),
    entry(
        "never_created",
        409,
        "The instance was never made",
        "Remove this worker and create another; its operation says why it failed.",
    ),
    entry(
        "not_fetched",
        409,
        "The file could not be fetched",
        "`detail` has the controller's reason.",
    ),
    entry(
        "not_serving",
        409,
        "The controller does not serve",
        "Start the worker and wait until its service is available.",
    ),
    entry(
        "operation_under_way",
        409,
        "An operation is under way",
        "Wait until it has ended; `GET /api/v1/operations` shows it.",
    ),
    entry(
        "request_under_way",
        409,
        "The same request is under way",
        "A request with this `Idempotency-Key` has not been answered yet. Wait, then repeat it.",
    ),
    entry("run_not_due", 409, "The run waits for its time", "It starts by itself."),
    entry(
        "run_state",
        409,
        "The run is in another state",
        "Only dead and quarantined runs can be put back.",
    ),
    entry(
        "sink_disabled",
        409,
        "The sink is disabled",
        "Its receiver said that it is gone, or a person disabled it. Enable it first.",
    ),
    entry(
        "sink_not_failing",
        409,
        "No event holds up others",
        "There is nothing to skip: the receiver took every event so far.",
    ),
    entry(
        "sink_unconfigured",
        409,
        "The sink is not configured",
        "The leading relay does not have it in its configuration any more; it is only remembered.",
    ),
    entry("terminated", 409, "The instance is gone or going", "Create another worker."),
    entry(
        "type_fixed",
        409,
        "The instance exists already",
        "Change its type in EC2 while it is stopped; the change is seen here.",
    ),
    entry(
        "spec_changed",
        412,
        "Somebody else changed it first",
        "`If-Match` names an older revision. Read it again and repeat the change.",
    ),
    entry("body_too_large", 413, "The body is too large", "`detail` says how much is taken."),
    entry(
        "unsupported_media_type",
        415,
        "The body's type is not taken",
        "Send `Content-Type: application/json`; lab files may be sent as YAML.",
    ),
    entry(
        "invalid",
        422,
        "The request is not valid",
        "`errors` names every field that is wrong and what it must be.",
    ),
    entry(
        "key_reused",
        422,
        "The Idempotency-Key was used for another request",
        "A repetition must be the same request, byte by byte. Use a fresh key for another one.",
    ),
    entry(
        "if_match_required",
        428,
        "If-Match is missing",
        "Send the `ETag` of what you read, so that nobody's change is lost.",
    ),
    entry(
        "too_many_events",
        429,
        "Too many events from outside",
        "Nothing was taken. `Retry-After` says when to send them again.",
    ),
    entry(
        "internal",
        500,
        "Something is wrong here",
        "The request's id leads to the reason in the logs.",
    ),
    entry(
        "remote_failed",
        502,
        "AWS or a controller did not do it",
        "The request's id leads to the reason in the logs.",
    ),
    entry(
        "contended",
        503,
        "Too many changes at once",
        "Many others changed the same thing. Nothing was changed; try again.",
    ),
    entry(
        "login_unavailable",
        503,
        "The login server cannot be reached",
        "Nobody who is not known yet can be let in. `Retry-After` says when to try again; `/readyz` shows it as `login`.",
    ),
    entry(
        "overloaded",
        503,
        "Too many requests at once",
        "Nothing was done. `Retry-After` says when to try again.",
    ),
    entry(
        "store_unavailable",
        503,
        "The store cannot be reached",
        "Try again; a change may or may not have been made, so repeat with the same `Idempotency-Key`.",
    ),
    entry(
        "timed_out",
        503,
        "It took too long",
        "A change may still take effect; repeat with the same `Idempotency-Key`.",
    ),
];

/// Finds a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Entry> {
    CATALOG.iter().find(|entry| entry.code == code)
}

/// Writes `docs/ERRORS.md`.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(
        "# Problem codes\n\n\
         Errors are `application/problem+json` (RFC 9457). Programs test `code`; people read `detail`.\n\
         `type` is `/problems/<code>`, which the API serves as a page. This file is written from\n\
         `services/api/src/problem/catalog.rs`; a test compares.\n",
    );
    for entry in CATALOG {
        let Entry { code, status, title, meaning } = entry;
        text.push_str(&format!("\n## `{code}`\n\n{status} · {title}. {meaning}\n"));
    }
    text
}
