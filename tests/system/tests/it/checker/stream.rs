//! Redis' stream against the log: the same events under the same numbers, up to the same end.

use std::net::SocketAddr;

use super::{EventLog, Findings, Logged};
use crate::redis::{Reply, command};

/// Checks that what the stream keeps is a row of the log's events that ends where the log ends.
pub(crate) async fn check_stream(
    redis: SocketAddr,
    namespace: &str,
    log: &EventLog,
    findings: &mut Findings,
) {
    let key = format!("ccm:{{{namespace}}}:log");
    let range = command(redis, &["XRANGE", &key, "-", "+"]).await.unwrap();
    let entries = range.list();
    let mut next = None;
    for entry in entries {
        let [id, fields] = entry.list() else { panic!("no entry: {entry:?}") };
        let seq: u64 = id.text().strip_suffix("-0").unwrap().parse().unwrap();
        findings.check(next.is_none_or(|next| next == seq), "hole in the stream", || {
            format!("{seq} instead of {next:?}")
        });
        next = Some(seq + 1);
        check_entry(seq, fields, log, findings);
    }
    let last = next.map_or(0, |next| next - 1);
    findings.check(last >= log.head(), "the stream is behind the log", || {
        format!("it ends at {last}, the log at {}", log.head())
    });
    findings.saw(format!("{} events in the stream", entries.len()));
}

fn check_entry(seq: u64, fields: &Reply, log: &EventLog, findings: &mut Findings) {
    let Some(logged) = log.at(seq) else { return };
    let is_event = |field: &&Reply| field.text().starts_with('{');
    let json = fields.list().iter().find(is_event).map(|field| Logged::read(field.text()));
    findings.check(
        json.is_some_and(|told| told.hash == logged.hash),
        "the stream tells it otherwise",
        || format!("{seq}: {fields:?}, the log: {}", logged.json),
    );
}
