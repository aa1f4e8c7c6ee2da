//! Exhaustive exploration of the way out: every order of every step of two relays that both believe to lead.
//!
//! Nothing here fences them but unique places in the log: a relay may pause anywhere, go on from what it knew, or
//! crash; the bus may fail, and may once forget everything. One document has two changes, the second of which may come
//! at any moment.
//!
//! What must hold in every state: the log has no hole and no change twice, and has the changes in their order; a change that was committed waits in its document or is in the log; what the bus has is a piece of
//! the log. And from every state one relay alone comes to where everything is told. Leaving out one rule must
//! break one of these, or the exploration would prove nothing.

use std::collections::{BTreeMap, HashSet};

/// The rules, each of which can be left out.
#[derive(Clone, Copy)]
struct Rules {
    /// No place of the log is given twice.
    unique_place: bool,
    /// The bus takes only the successor of what it has.
    compare: bool,
    /// Changes are taken out of documents after they were logged.
    log_first: bool,
}

const ALL_RULES: Rules = Rules { unique_place: true, compare: true, log_first: true };

/// Which change of the document it is.
type Change = u8;
/// How many it will have.
const CHANGES: Change = 2;
/// How often the bus forgets everything.
const WIPES: u8 = 1;
/// More steps than one relay alone needs for anything.
const PATIENCE: usize = 60;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
struct Relay {
    /// Where it believes the log and the bus to end.
    head: Option<u8>,
    published: Option<u8>,
    pending: Vec<Change>,
    /// Changes with the places that it gave them, and how many of them are in the log.
    fresh: Vec<(u8, Change)>,
    at: At,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
enum At {
    #[default]
    Resting,
    /// Knows what waits; looks up where the log ends, and which changes are in it.
    Looked,
    /// Adds the fresh ones, so many of them done.
    Adding(usize),
    Publishing,
    /// The bus ends elsewhere than thought.
    CatchingUp,
    Filling {
        last: u8,
    },
    /// Takes pending changes out of the documents, so many of them done.
    Telling(usize),
}

#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct State {
    committed: Change,
    waiting: Vec<Change>,
    /// Changes by place.
    log: BTreeMap<u8, Change>,
    /// Events as they were published, oldest first.
    bus: Vec<(u8, Change)>,
    wipes: u8,
    relays: [Relay; 2],
}

struct Explored {
    states: usize,
    /// The first that was found; the exploration ends there.
    violation: Option<&'static str>,
}

fn explore(rules: Rules) -> Explored {
    let start = State::default();
    let mut known = HashSet::from([start.clone()]);
    let mut todo = vec![start];
    let mut rested = HashSet::new();
    while let Some(state) = todo.pop() {
        let violation = state.violation().or_else(|| {
            let alone = State { relays: Default::default(), ..state.clone() };
            if rested.insert(alone.clone()) { alone.comes_to_rest(rules) } else { None }
        });
        if violation.is_some() {
            return Explored { states: known.len(), violation };
        }
        for mut next in state.steps(rules) {
            // It does not matter which of the two is which.
            next.relays.sort_unstable();
            if known.insert(next.clone()) {
                todo.push(next);
            }
        }
    }
    Explored { states: known.len(), violation: None }
}

impl State {
    fn violation(&self) -> Option<&'static str> {
        if !self.log.keys().copied().eq(1..=self.end()) {
            return Some("the log has a hole");
        }
        let told: Vec<Change> = self.log.values().copied().collect();
        if !told.is_sorted() {
            return Some("changes are out of order");
        }
        if told.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some("a change is in the log twice");
        }
        let is_lost = |change| !told.contains(&change) && !self.waiting.contains(&change);
        if (1..=self.committed).any(is_lost) {
            return Some("a change is lost");
        }
        let is_piece = self.bus.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0)
            && self.bus.iter().all(|(place, change)| self.log.get(place) == Some(change));
        (!is_piece).then_some("the bus has no piece of the log")
    }

    /// One relay alone, of which nothing is known, must bring everything where it belongs.
    fn comes_to_rest(mut self, rules: Rules) -> Option<&'static str> {
        for _ in 0..PATIENCE {
            let is_told = self.waiting.is_empty() && self.last() == self.end();
            if is_told && self.relays[0].at == At::Resting {
                return None;
            }
            self.relay(0, rules);
        }
        Some("a relay alone does not come to an end")
    }

    /// Returns where the log ends.
    fn end(&self) -> u8 {
        self.log.keys().next_back().copied().unwrap_or_default()
    }

    /// Returns where the bus ends; an empty one ends at zero.
    fn last(&self) -> u8 {
        self.bus.last().map_or(0, |(place, _)| *place)
    }

    fn steps(&self, rules: Rules) -> Vec<Self> {
        let mut all = Vec::new();
        let mut go = |step: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            step(&mut next);
            all.push(next);
        };
        if self.committed < CHANGES {
            go(&|next| {
                next.committed += 1;
                next.waiting.push(next.committed);
            });
        }
        if self.wipes < WIPES && !self.bus.is_empty() {
            go(&|next| {
                next.bus.clear();
                next.wipes += 1;
            });
        }
        for nth in 0..self.relays.len() {
            go(&|next| next.relay(nth, rules));
            go(&|next| next.relays[nth] = Relay::default());
            if matches!(self.relays[nth].at, At::Publishing | At::CatchingUp | At::Filling { .. }) {
                go(&|next| next.relays[nth].bus_failed(rules));
            }
        }
        all
    }

    /// Takes the next step of a relay.
    fn relay(&mut self, nth: usize, rules: Rules) {
        let mut relay = std::mem::take(&mut self.relays[nth]);
        match relay.at {
            At::Resting => {
                relay.pending = self.waiting.clone();
                relay.at = if rules.log_first { At::Looked } else { At::Telling(0) };
            }
            At::Looked => self.look_up(&mut relay),
            At::Adding(done) => self.add(&mut relay, done, rules),
            At::Publishing => {
                let follows = relay.published == relay.fresh.first().map(|(place, _)| place - 1);
                let fresh = relay.fresh.clone();
                relay.at = if follows && self.append(&fresh, rules) {
                    relay.published = relay.head;
                    after_bus(rules)
                } else {
                    At::CatchingUp
                };
            }
            At::CatchingUp => relay.at = At::Filling { last: self.last() },
            At::Filling { last } => self.fill(&mut relay, last, rules),
            At::Telling(done) => match relay.pending.get(done) {
                Some(change) => {
                    self.waiting.retain(|waiting| waiting != change);
                    relay.at = At::Telling(done + 1);
                }
                None => relay.told(rules),
            },
        }
        self.relays[nth] = relay;
    }

    fn look_up(&self, relay: &mut Relay) {
        let head = relay.head.unwrap_or_else(|| self.end());
        let is_new = |change: &&Change| !self.log.values().any(|logged| logged == *change);
        let fresh = relay.pending.iter().filter(is_new).copied();
        relay.fresh = (head + 1..).zip(fresh).collect();
        (relay.head, relay.at) = (Some(head), At::Adding(0));
    }

    fn add(&mut self, relay: &mut Relay, done: usize, rules: Rules) {
        let Some((place, change)) = relay.fresh.get(done).copied() else {
            relay.head = relay.fresh.last().map_or(relay.head, |(place, _)| Some(*place));
            relay.at = if relay.fresh.is_empty() { At::CatchingUp } else { At::Publishing };
            return;
        };
        if rules.unique_place && self.log.contains_key(&place) {
            *relay = Relay::default();
            return;
        }
        self.log.insert(place, change);
        relay.at = At::Adding(done + 1);
    }

    /// Publishes, if the bus is where the first one follows, or is empty; all of them at once.
    fn append(&mut self, events: &[(u8, Change)], rules: Rules) -> bool {
        let Some((first, _)) = events.first() else { return true };
        let follows = self.bus.is_empty() || self.last() + 1 == *first;
        if rules.compare && !follows {
            return false;
        }
        self.bus.extend(events.iter().copied());
        true
    }

    fn fill(&mut self, relay: &mut Relay, last: u8, rules: Rules) {
        let head = self.end();
        if last == head {
            (relay.published, relay.at) = (Some(head), after_bus(rules));
            return;
        }
        if last > head {
            self.bus.clear();
        } else {
            let page: Vec<_> =
                self.log.range(last + 1..).map(|(place, it)| (*place, *it)).collect();
            self.append(&page, rules);
        }
        relay.at = At::CatchingUp;
    }
}

impl Relay {
    /// What it knew of both ends may be wrong; the log has the changes all the same.
    fn bus_failed(&mut self, rules: Rules) {
        (self.head, self.published) = (None, None);
        self.at = after_bus(rules);
    }

    fn told(&mut self, rules: Rules) {
        self.at = if rules.log_first { At::Resting } else { At::Looked };
        if rules.log_first {
            (self.pending, self.fresh) = (Vec::new(), Vec::new());
        }
    }
}

/// Where a relay goes when the bus has everything.
fn after_bus(rules: Rules) -> At {
    if rules.log_first { At::Telling(0) } else { At::Resting }
}

#[test]
fn no_order_of_steps_of_two_relays_loses_doubles_or_reorders_a_change() {
    let explored = explore(ALL_RULES);

    assert_eq!(explored.violation, None);
    assert_eq!(explored.states, 93_189);
}

#[test]
fn without_unique_places_one_relay_overwrites_what_the_other_told() {
    assert_eq!(
        explore(Rules { unique_place: false, ..ALL_RULES }).violation,
        Some("a change is lost")
    );
}

#[test]
fn without_the_comparison_the_bus_tells_events_twice() {
    let rules = Rules { compare: false, ..ALL_RULES };
    assert_eq!(explore(rules).violation, Some("the bus has no piece of the log"));
}

#[test]
fn taken_out_of_its_document_before_it_is_logged_a_change_is_lost() {
    assert_eq!(
        explore(Rules { log_first: false, ..ALL_RULES }).violation,
        Some("a change is lost")
    );
}
