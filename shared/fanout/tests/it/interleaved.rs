//! Any order of publishing, reading and coming back.
//!
//! Each client must get exactly the events of its filter, once and in order, or be told that it cannot;
//! whoever waits must be woken when there is something.

use std::collections::BTreeMap;

use ccm_events::{Kind, Subject};
use ccm_fanout::{Ended, Filter, Hub, Refused, Told};
use proptest::prelude::*;

use crate::desk::{Client, SMALL, Seen, logged, metrics, subscribe, worker};

#[derive(Clone, Debug)]
enum Step {
    Publish {
        subject: u64,
        kind: usize,
    },
    Measure {
        subject: u64,
    },
    Poll {
        client: usize,
        times: usize,
    },
    /// Leaves if it is there, comes if it is not: with its cursor, or as a new one.
    Toggle {
        client: usize,
        resume: bool,
    },
    Kick {
        client: usize,
    },
    Restart {
        skip: u64,
    },
}

const KINDS: [Kind; 3] = [Kind::WorkerStateChanged, Kind::WorkerPaused, Kind::LabChanged];
const CLIENTS: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let step = prop_oneof![
        8 => (0..3_u64, 0..3_usize).prop_map(|(subject, kind)| Step::Publish { subject, kind }),
        3 => (0..3_u64).prop_map(|subject| Step::Measure { subject }),
        8 => (client.clone(), 1..6_usize).prop_map(|(client, times)| Step::Poll { client, times }),
        3 => (client.clone(), any::<bool>())
            .prop_map(|(client, resume)| Step::Toggle { client, resume }),
        1 => client.prop_map(|client| Step::Kick { client }),
        1 => (0..3_u64).prop_map(|skip| Step::Restart { skip }),
    ];
    proptest::collection::vec(step, 0..200)
}

fn filter(client: usize) -> Filter {
    let one = worker(1).worker().unwrap().to_string();
    match client {
        0 => Filter::default(),
        1 => Filter::parse(Some(&one), None, None).unwrap(),
        2 => Filter::parse(None, None, Some("lab.*,worker.paused,worker.metrics")).unwrap(),
        _ => Filter::parse(Some(&one), None, Some("worker.state_changed")).unwrap(),
    }
}

/// What a client should know.
struct Person {
    filter: Filter,
    online: Option<Client>,
    cursor: Option<u64>,
    kicked: bool,
    /// Found nothing when it was polled last.
    waits: bool,
    /// Newest reading seen and newest that was there to be seen, by subject, since it came.
    readings: BTreeMap<String, (u64, u64)>,
}

/// Everything that was published.
#[derive(Default)]
struct Published {
    events: BTreeMap<u64, (Kind, Subject)>,
    last: u64,
    measured: u64,
}

impl Published {
    /// Returns the next event that a client with this cursor must get.
    fn next(&self, filter: &Filter, cursor: u64) -> Option<u64> {
        let mut behind = self.events.range(cursor + 1..);
        behind.find(|(_, (kind, subject))| filter.matches(*kind, subject)).map(|(seq, _)| *seq)
    }
}

impl Person {
    fn new(nth: usize) -> Self {
        let filter = filter(nth);
        let readings = BTreeMap::new();
        Self { filter, online: None, cursor: None, kicked: false, waits: false, readings }
    }

    fn connect(&mut self, hub: &Hub, resume: bool) {
        let after = self.cursor.filter(|_| resume);
        self.readings.clear();
        (self.kicked, self.waits) = (false, false);
        match subscribe(hub, &self.filter, after) {
            Ok(client) => {
                self.cursor = Some(after.unwrap_or(hub.last()));
                self.online = Some(client);
            }
            Err(Refused::TooOld { floor }) => {
                assert!(after.is_some_and(|after| after < floor), "{after:?} is not below {floor}");
                self.cursor = None;
            }
            Err(refused @ (Refused::NotOpen | Refused::Full)) => panic!("{refused}"),
        }
    }

    /// Takes one thing; returns whether there was one.
    fn poll(&mut self, published: &Published) -> bool {
        let Some(client) = &mut self.online else { return false };
        let cursor = self.cursor.unwrap();
        let told = client.poll();
        self.waits = told.is_none();
        match told {
            None => {
                let missing = published.next(&self.filter, cursor);
                assert_eq!(missing, None, "waits behind {cursor} though there is more");
                for (subject, (seen, there)) in &self.readings {
                    assert_eq!(seen, there, "waits though {subject} has a newer reading");
                }
                return false;
            }
            Some(Told::Frame(frame)) => {
                let frame = Seen::read(&frame);
                if let Some(seq) = frame.seq {
                    assert_eq!(Some(seq), published.next(&self.filter, cursor));
                    self.cursor = Some(seq);
                } else {
                    let (seen, there) = self.readings.get_mut(&frame.subject).unwrap();
                    assert!(frame.n > *seen && frame.n <= *there, "an old reading");
                    *seen = frame.n;
                }
            }
            Some(Told::End(ended)) => {
                let known = client.subscription.cursor();
                assert!(client.over.is_cancelled());
                assert!(known >= cursor, "the cursor went back");
                let skipped = published.next(&self.filter, cursor).filter(|seq| *seq <= known);
                assert_eq!(skipped, None, "the cursor passed an event that was not handed over");
                assert_eq!(self.kicked, ended == Ended::Kicked);
                self.cursor = Some(known);
                self.online = None;
            }
        }
        true
    }
}

fn run(steps: Vec<Step>) {
    let hub = Hub::new(SMALL);
    hub.start(0);
    let mut published = Published::default();
    let mut people: Vec<_> = (0..CLIENTS).map(Person::new).collect();
    for step in steps {
        match step {
            Step::Publish { subject, kind } => {
                published.last += 1;
                let (kind, subject) = (KINDS[kind], worker(subject));
                hub.publish(&logged(published.last, kind, &subject)).unwrap();
                wake_those_who_wait(&people, kind, &subject);
                published.events.insert(published.last, (kind, subject));
            }
            Step::Measure { subject } => {
                published.measured += 1;
                let subject = worker(subject);
                hub.publish(&metrics(&subject, published.measured)).unwrap();
                wake_those_who_wait(&people, Kind::WorkerMetrics, &subject);
                for person in &mut people {
                    if person.filter.matches(Kind::WorkerMetrics, &subject) {
                        let known = person.readings.entry(subject.to_string()).or_default();
                        known.1 = published.measured;
                    }
                }
            }
            Step::Poll { client, times } => {
                for _ in 0..times {
                    people[client].poll(&published);
                }
            }
            Step::Toggle { client, resume } => match people[client].online.take() {
                Some(left) => people[client].cursor = Some(left.subscription.cursor()),
                None => people[client].connect(&hub, resume),
            },
            Step::Kick { client } => {
                let person = &mut people[client];
                if let Some(there) = &person.online {
                    person.kicked |= !there.over.is_cancelled();
                    assert!(hub.kick(there.subscription.id()));
                }
            }
            Step::Restart { skip } => {
                published.last += skip;
                hub.start(published.last);
            }
        }
    }
    for person in &mut people {
        while person.poll(&published) {}
    }
}

fn wake_those_who_wait(people: &[Person], kind: Kind, subject: &Subject) {
    for person in people.iter().filter(|person| person.waits) {
        let Some(client) = &person.online else { continue };
        let woken = client.was_woken() || client.over.is_cancelled();
        assert!(woken || !person.filter.matches(kind, subject), "sleeps on {kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn each_client_gets_its_events_once_and_in_order_or_is_told(steps in steps()) {
        run(steps);
    }
}
