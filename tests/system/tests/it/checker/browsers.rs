//! What browsers saw against the log: each event of the filter exactly once and in order, or an explicit
//! `resync` and then a snapshot.

use std::collections::BTreeMap;

use super::{EventLog, Findings, Logged};
use crate::sse::{Diary, Note, Why};

/// What an entry of a diary is held against.
struct Reader<'a> {
    diary: &'a Diary,
    log: &'a EventLog,
    /// Where it is: everything of its filter up to here was told, or is in the snapshot.
    cursor: Option<u64>,
    /// A snapshot is due: at the very beginning, or after a `resync`.
    due: bool,
    /// Parts of the snapshot under way, and its workers.
    parts: u64,
    revs: BTreeMap<String, u64>,
}

/// Checks every diary against the log up to its present end.
pub(crate) fn check_browsers(diaries: &[Diary], log: &EventLog, findings: &mut Findings) {
    let (mut told, mut resyncs, mut connections) = (0, 0, 0);
    for diary in diaries {
        let mut reader =
            Reader { diary, log, cursor: None, due: true, parts: 0, revs: BTreeMap::new() };
        for note in &diary.notes {
            reader.read(note, findings);
        }
        reader.finish(findings);
        told += diary.told();
        resyncs += diary.resyncs().len();
        connections += diary.closed().len();
    }
    findings.check(diaries.is_empty() || told > 0, "nothing was told", || {
        format!("{} browsers saw no event", diaries.len())
    });
    findings.saw(format!(
        "{} browsers over {connections} connections, {told} events told, {resyncs} resyncs",
        diaries.len()
    ));
}

impl Reader<'_> {
    fn read(&mut self, note: &Note, findings: &mut Findings) {
        match note {
            Note::Opened { after, .. } => {
                if *after != self.cursor {
                    let what = format!("asked for {after:?}, is at {:?}", self.cursor);
                    self.complain(findings, "went on from the wrong place", &what);
                }
                self.parts = 0;
                // Without anything to go on from it begins anew.
                self.due = self.cursor.is_none();
            }
            Note::Told { seq, hash } => self.told(*seq, *hash, findings),
            Note::Cursor(id) => self.moved(*id, findings),
            Note::Resync(_) => self.due = true,
            Note::Snapshot { id, cursor, part, of, revs } => {
                self.parts += 1;
                self.revs.extend(revs.clone());
                if !self.due || *part != self.parts {
                    let what = format!("part {part} of {of} at {cursor}, due: {}", self.due);
                    self.complain(findings, "snapshot out of place", &what);
                }
                if part == of {
                    self.snapshot_ended(*id, *cursor, findings);
                }
            }
            Note::Closed(Why::Refused(status)) => {
                let what = format!("it was answered {status}");
                self.complain(findings, "a browser would have given up", &what);
            }
            Note::Bye(_) | Note::Moment(_) | Note::Closed(_) => {}
        }
    }

    fn told(&mut self, seq: u64, hash: u64, findings: &mut Findings) {
        let Some(cursor) = self.cursor.filter(|_| !self.due) else {
            return self.complain(findings, "event before the snapshot", &format!("{seq}"));
        };
        if seq <= cursor {
            let what = format!("{seq} when it was at {cursor}");
            return self.complain(findings, "event told twice", &what);
        }
        self.skip_to(seq - 1, findings);
        self.cursor = Some(seq);
        // What came after the log was read is nobody's concern.
        let Some(logged) = self.log.at(seq) else { return };
        if logged.hash != hash {
            self.complain(findings, "event told differently", &logged.json);
        }
        if !logged.passes(&self.diary.filter) {
            self.complain(findings, "event not asked for", &logged.json);
        }
    }

    fn moved(&mut self, id: u64, findings: &mut Findings) {
        match self.cursor {
            Some(cursor) if id < cursor => {
                let what = format!("from {cursor} to {id}");
                self.complain(findings, "cursor went back", &what);
            }
            Some(_) => self.skip_to(id, findings),
            None => self.complain(findings, "cursor before the snapshot", &format!("{id}")),
        }
        self.cursor = self.cursor.max(Some(id));
    }

    /// Everything up to `seq` must be nothing of the filter.
    fn skip_to(&self, seq: u64, findings: &mut Findings) {
        let Some(cursor) = self.cursor else { return };
        let missed = |entry: &&Logged| entry.passes(&self.diary.filter);
        let between = (cursor + 1..=seq).filter_map(|seq| self.log.at(seq));
        for entry in between.filter(missed) {
            let what = format!("{} {} {}", entry.seq, entry.name, entry.subject);
            self.complain(findings, "event missed", &what);
        }
    }

    fn snapshot_ended(&mut self, id: Option<u64>, cursor: u64, findings: &mut Findings) {
        if id != Some(cursor) {
            let what = format!("its id is {id:?}, its cursor {cursor}");
            self.complain(findings, "snapshot without a place", &what);
        }
        let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in self.log.entries.iter().take_while(|entry| entry.seq <= cursor) {
            let Some(worker) = entry.subject.strip_prefix("worker/") else { continue };
            if let Some(rev) =
                entry.data["rev"].as_u64().filter(|_| entry.name.starts_with("worker."))
            {
                newest.insert(worker, rev);
            }
        }
        for (worker, rev) in &self.revs {
            if newest.get(worker.as_str()).is_some_and(|told| told > rev) {
                let what =
                    format!("{worker} at rev {rev}, told before: {:?}", newest.get(&**worker));
                self.complain(findings, "snapshot older than its cursor", &what);
            }
        }
        self.cursor = Some(cursor);
        (self.due, self.parts) = (false, 0);
        self.revs.clear();
    }

    fn finish(&self, findings: &mut Findings) {
        let head = self.log.head();
        if self.cursor.is_none_or(|cursor| cursor < head) {
            let what = format!("it is at {:?}, the log at {head}", self.cursor);
            self.complain(findings, "browser left behind", &what);
        }
    }

    fn complain(&self, findings: &mut Findings, kind: &'static str, what: &str) {
        findings.fault(kind, format!("browser {} ({}): {what}", self.diary.nth, self.diary.filter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, name: &str) -> Logged {
        let worker = "worker/00000000-0000-7000-8000-000000000001";
        Logged::read(&format!(
            r#"{{"id":"workers/w/{seq}.0","type":"io.ccm.{name}.v1","subject":"{worker}","sequence":"{seq}","data":{{"rev":{seq}}}}}"#
        ))
    }

    fn log() -> EventLog {
        let names =
            ["worker.created", "lab.changed", "worker.paused", "lab.changed", "worker.resumed"];
        EventLog { entries: (1..).zip(names).map(|(seq, name)| event(seq, name)).collect() }
    }

    fn opened(after: Option<u64>) -> Note {
        Note::Opened { pod: 0, after }
    }

    fn snapshot(cursor: u64) -> Note {
        Note::Snapshot { id: Some(cursor), cursor, part: 1, of: 1, revs: BTreeMap::new() }
    }

    fn told(seq: u64) -> Note {
        Note::Told { seq, hash: log().at(seq).unwrap().hash }
    }

    fn faults(filter: &str, notes: Vec<Note>) -> String {
        let mut diary = Diary::new(0, filter.to_owned());
        diary.notes = notes;
        let mut findings = Findings::default();
        check_browsers(&[diary], &log(), &mut findings);
        findings.to_string()
    }

    #[test]
    fn a_browser_that_saw_everything_once_is_fine() {
        for (filter, notes) in [
            ("", vec![opened(None), snapshot(2), told(3), told(4), told(5)]),
            (
                "worker.*",
                vec![opened(None), snapshot(0), told(1), told(3), told(5), Note::Cursor(5)],
            ),
            (
                "",
                vec![
                    opened(None),
                    snapshot(2),
                    told(3),
                    Note::Closed(Why::Broken),
                    opened(Some(3)),
                    Note::Cursor(3),
                    told(4),
                    Note::Resync("too_old".to_owned()),
                    snapshot(5),
                ],
            ),
        ] {
            // Alone it must have been told something.
            assert_eq!(faults(filter, notes), "", "{filter}");
        }
    }

    #[test]
    fn whatever_a_browser_should_not_see_is_found() {
        for (kind, notes) in [
            ("event missed", vec![opened(None), snapshot(2), told(3), told(5)]),
            ("event missed", vec![opened(None), snapshot(2), told(3), Note::Cursor(5)]),
            ("event told twice", vec![opened(None), snapshot(3), told(4), told(4), told(5)]),
            ("event told twice", vec![opened(None), snapshot(3), told(3), told(4), told(5)]),
            ("cursor went back", vec![opened(None), snapshot(4), told(5), Note::Cursor(4)]),
            ("browser left behind", vec![opened(None), snapshot(3), told(4)]),
            ("event before the snapshot", vec![opened(None), told(1)]),
            ("snapshot out of place", vec![opened(None), snapshot(4), told(5), snapshot(5)]),
            (
                "went on from the wrong place",
                vec![opened(None), snapshot(4), told(5), opened(Some(4)), Note::Cursor(5)],
            ),
            (
                "a browser would have given up",
                vec![opened(None), snapshot(4), told(5), Note::Closed(Why::Refused(503))],
            ),
            (
                "event told differently",
                vec![opened(None), snapshot(4), Note::Told { seq: 5, hash: 1 }],
            ),
        ] {
            let found = faults("", notes);
            assert!(found.contains(kind), "{kind}: {found:?}");
        }
        let found = faults("lab.*", vec![opened(None), snapshot(4), told(5)]);
        assert!(found.contains("event not asked for"), "{found}");
    }
}
