//! Exhaustive exploration of the way out: every order of every step of two relays that both believe to lead.
//!
//! Nothing here fences them but unique places in the log: a relay may pause anywhere, go on from what it knew, or
//! crash; the bus may fail, and may once forget everything. While a relay appends one part of what it saw, it publishes
//! the part before and takes it out of the documents. One document has two changes, the second of which may come at
//! any moment.
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
    /// What it saw waiting and has not begun to append.
    rest: Vec<Change>,
    line: Line,
    tail: Option<Tail>,
    /// Something went wrong: what is under way ends, and what is known of both ends is forgotten.
    failed: bool,
}

/// The part that is being appended.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
enum Line {
    #[default]
    Free,
    /// The changes, the places given to those that had none, and how many of these are in the log.
    Adding(Vec<Change>, Vec<(u8, Change)>, usize),
    Added(Vec<Change>, Vec<(u8, Change)>),
}

/// The part before it, which is in the log: it is published and taken out of the documents, beside each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Tail {
    part: Vec<Change>,
    fresh: Vec<(u8, Change)>,
    press: Press,
    /// Whether the part is taken out: it is of one document, so one write does it.
    told: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Press {
    Publishing,
    /// The bus ends elsewhere than thought.
    CatchingUp,
    Filling {
        last: u8,
    },
    Done,
}

/// What of a relay takes its next step.
#[derive(Clone, Copy)]
enum Hand {
    /// Looks, and begins a part: all that it saw, or the first change of it.
    Begin {
        all: bool,
    },
    Append,
    Publish,
    Tell,
}

const HANDS: [Hand; 5] = [
    Hand::Begin { all: true },
    Hand::Begin { all: false },
    Hand::Append,
    Hand::Publish,
    Hand::Tell,
];

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
            if is_told && self.relays[0].rests() {
                return None;
            }
            let Some(next) = HANDS.into_iter().find_map(|hand| self.relay(0, hand, rules)) else {
                break;
            };
            self = next;
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
            all.extend(HANDS.into_iter().filter_map(|hand| self.relay(nth, hand, rules)));
            let mut crashed = self.clone();
            crashed.relays[nth] = Relay::default();
            all.push(crashed);
            if self.relays[nth].tail.as_ref().is_some_and(|tail| tail.press != Press::Done) {
                let mut failed = self.clone();
                failed.relays[nth].bus_failed();
                all.push(failed);
            }
        }
        all
    }

    /// Returns the state after the next step of a relay's hand; none when that hand has nothing to do.
    fn relay(&self, nth: usize, hand: Hand, rules: Rules) -> Option<Self> {
        let mut next = self.clone();
        let mut relay = std::mem::take(&mut next.relays[nth]);
        match hand {
            Hand::Begin { all } => next.begin(&mut relay, all, rules)?,
            Hand::Append => next.add(&mut relay, rules)?,
            Hand::Publish => next.publish(&mut relay, rules)?,
            Hand::Tell => next.tell(&mut relay)?,
        }
        relay.settle(rules);
        next.relays[nth] = relay;
        Some(next)
    }

    fn begin(&self, relay: &mut Relay, all: bool, rules: Rules) -> Option<()> {
        if relay.rests() {
            relay.rest = self.waiting.clone();
            // Sooner than it needs it: what is known longer is more often wrong.
            relay.head.get_or_insert(self.end());
            if relay.rest.is_empty() || !rules.log_first {
                let press = if relay.rest.is_empty() { Press::CatchingUp } else { Press::Done };
                relay.tail =
                    Some(Tail { part: relay.rest.clone(), fresh: Vec::new(), press, told: false });
            }
            return all.then_some(());
        }
        let waits = rules.log_first || relay.tail.is_none();
        if relay.line != Line::Free || relay.rest.is_empty() || relay.failed || !waits {
            return None;
        }
        let count = if all { relay.rest.len() } else { 1 };
        let part: Vec<_> = relay.rest.drain(..count).collect();
        let head = *relay.head.get_or_insert(self.end());
        let is_new = |change: &&Change| !self.log.values().any(|logged| logged == *change);
        let fresh = (head + 1..).zip(part.iter().filter(is_new).copied()).collect();
        relay.line = Line::Adding(part, fresh, 0);
        Some(())
    }

    fn add(&mut self, relay: &mut Relay, rules: Rules) -> Option<()> {
        let Line::Adding(part, fresh, done) = std::mem::take(&mut relay.line) else { return None };
        if let Some((place, change)) = fresh.get(done).copied() {
            if rules.unique_place && self.log.contains_key(&place) {
                relay.failed = true;
                return Some(());
            }
            self.log.insert(place, change);
            relay.head = Some(place);
        }
        relay.line = if done + 1 < fresh.len() {
            Line::Adding(part, fresh, done + 1)
        } else {
            Line::Added(part, fresh)
        };
        Some(())
    }

    fn publish(&mut self, relay: &mut Relay, rules: Rules) -> Option<()> {
        let tail = relay.tail.as_mut()?;
        tail.press = match tail.press {
            Press::Done => return None,
            Press::Publishing => {
                let first = tail.fresh.first().map(|(place, _)| place - 1);
                let follows = first.is_some() && relay.published == first;
                if follows && self.append(&tail.fresh, rules) {
                    relay.published = tail.fresh.last().map(|(place, _)| *place);
                    Press::Done
                } else {
                    Press::CatchingUp
                }
            }
            Press::CatchingUp => Press::Filling { last: self.last() },
            Press::Filling { last } => {
                let head = self.end();
                if last == head {
                    relay.published = Some(head);
                    Press::Done
                } else {
                    self.fill(last, head, rules);
                    Press::CatchingUp
                }
            }
        };
        Some(())
    }

    fn tell(&mut self, relay: &mut Relay) -> Option<()> {
        let tail = relay.tail.as_mut().filter(|tail| !tail.told)?;
        self.waiting.retain(|waiting| !tail.part.contains(waiting));
        tail.told = true;
        Some(())
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

    fn fill(&mut self, last: u8, head: u8, rules: Rules) {
        if last > head {
            self.bus.clear();
            return;
        }
        let page: Vec<_> = self.log.range(last + 1..).map(|(place, it)| (*place, *it)).collect();
        self.append(&page, rules);
    }
}

impl Relay {
    fn rests(&self) -> bool {
        self.rest.is_empty() && self.line == Line::Free && self.tail.is_none()
    }

    /// What it knew of both ends may be wrong; the log has the changes all the same.
    fn bus_failed(&mut self) {
        self.failed = true;
        if let Some(tail) = &mut self.tail {
            tail.press = Press::Done;
        }
    }

    /// Goes on when all that is under way has come to its end.
    fn settle(&mut self, rules: Rules) {
        let is_done = |tail: &Tail| tail.press == Press::Done && tail.told;
        if self.tail.as_ref().is_some_and(is_done) {
            self.tail = None;
        }
        let is_adding = matches!(self.line, Line::Adding(..));
        if self.tail.is_some() || is_adding {
            return;
        }
        if self.failed {
            *self = Self::default();
        } else if let Line::Added(part, fresh) = std::mem::take(&mut self.line) {
            let part = if rules.log_first { part } else { Vec::new() };
            self.tail = Some(Tail { part, fresh, press: Press::Publishing, told: false });
        }
    }
}

#[test]
fn no_order_of_steps_of_two_relays_loses_doubles_or_reorders_a_change() {
    let explored = explore(ALL_RULES);

    assert_eq!(explored.violation, None);
    assert_eq!(explored.states, 791_432);
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
