//! Exhaustive exploration of the fencing protocol: every order of every step of two processes.
//!
//! The processes may pause anywhere, and a take-over is allowed at any moment (the worst timers there
//! can be), so what holds here does not depend on clocks. Documents: two schedules with a few slots each,
//! one claimed at a time; two workers, schedule `k` acts on worker `k`; and one document that a leader may
//! find and insert at any moment, also after it was deposed.
//!
//! What must hold in every state: effects commit in the order of epochs; a slot takes effect at most once;
//! a slot that was claimed is never lost; the found document never goes back to an older epoch. Leaving out
//! one rule must break one of these, or the exploration would prove nothing.

use std::collections::{BTreeMap, HashSet};

/// The rules of the protocol, each of which can be left out.
#[derive(Clone, Copy)]
struct Rules {
    seal: bool,
    guard: bool,
    idempotent: bool,
    unique_insert: bool,
}

const ALL_RULES: Rules = Rules { seal: true, guard: true, idempotent: true, unique_insert: true };

/// How much is explored.
#[derive(Clone, Copy)]
struct Size {
    slots: u8,
    epochs: u8,
    inserts: bool,
    hand_back: bool,
}

/// The size of the published model: neither inserts nor hand-back.
const PLAIN: Size = Size { slots: 2, epochs: 3, inserts: false, hand_back: false };
const EXTENDED: Size = Size { slots: 2, epochs: 3, inserts: true, hand_back: true };
/// Large enough for the counterexamples.
const SMALL: Size = Size { slots: 1, ..EXTENDED };

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Schedule {
    guard: u8,
    next: u8,
    claimed: Option<u8>,
}

/// A document that is inserted once: who may write it, and who wrote it last.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Found {
    guard: u8,
    written_by: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Effect {
    schedule: usize,
    slot: u8,
    epoch: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Process {
    Idle,
    /// Raises the guard of one document after the other.
    Sealing {
        epoch: u8,
        document: usize,
    },
    Leading {
        epoch: u8,
    },
    /// Claimed a slot; the effect on the worker comes next.
    Acting(Effect),
    /// The effect took place; the claim is taken off next.
    Finishing(Effect),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    lease: u8,
    schedules: [Schedule; 2],
    workers: [u8; 2],
    found: Option<Found>,
    found_went_back: bool,
    effects: Vec<Effect>,
    processes: [Process; 2],
}

/// Takes one step of a process: where it is afterwards, and what changed in the state.
type Go<'a> = dyn FnMut(Process, &dyn Fn(&mut State)) + 'a;

/// Documents in the order of the seal: two schedules, two workers, the found one.
const DOCUMENTS: usize = 5;

struct Model {
    rules: Rules,
    size: Size,
}

struct Explored {
    states: usize,
    violations: BTreeMap<&'static str, usize>,
}

impl Model {
    fn explore(&self) -> Explored {
        let start = State {
            lease: 0,
            schedules: [Schedule::default(); 2],
            workers: [0; 2],
            found: None,
            found_went_back: false,
            effects: Vec::new(),
            processes: [Process::Idle; 2],
        };
        let mut known = HashSet::from([start.clone()]);
        let mut todo = vec![start];
        let mut violations = BTreeMap::new();
        while let Some(state) = todo.pop() {
            if let Some(violation) = self.violation(&state) {
                *violations.entry(violation).or_default() += 1;
                continue;
            }
            for next in self.steps(&state) {
                if known.insert(next.clone()) {
                    todo.push(next);
                }
            }
        }
        Explored { states: known.len(), violations }
    }

    fn violation(&self, state: &State) -> Option<&'static str> {
        let effects = &state.effects;
        if !effects.is_sorted_by_key(|effect| effect.epoch) {
            return Some("effect of an older epoch after a newer one");
        }
        let took_effect = |schedule, slot| {
            effects.iter().filter(|one| (one.schedule, one.slot) == (schedule, slot)).count()
        };
        for (nth, schedule) in state.schedules.iter().enumerate() {
            for slot in 0..self.size.slots {
                let times = took_effect(nth, slot);
                if times > 1 {
                    return Some("slot took effect twice");
                }
                if times == 0 && slot < schedule.next && schedule.claimed != Some(slot) {
                    return Some("slot lost");
                }
            }
        }
        state.found_went_back.then_some("found document went back to an older epoch")
    }

    fn steps(&self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        for (nth, process) in state.processes.iter().copied().enumerate() {
            let mut go = |to: Process, change: &dyn Fn(&mut State)| {
                let mut then = state.clone();
                then.processes[nth] = to;
                change(&mut then);
                next.push(then);
            };
            if state.lease < self.size.epochs {
                let epoch = state.lease + 1;
                let first = if self.rules.seal {
                    Process::Sealing { epoch, document: 0 }
                } else {
                    Process::Leading { epoch }
                };
                go(first, &|then| then.lease = epoch);
            }
            match process {
                Process::Idle => {}
                Process::Sealing { epoch, document } => {
                    let last = if self.size.inserts { DOCUMENTS } else { DOCUMENTS - 1 };
                    let to = if document + 1 < last {
                        Process::Sealing { epoch, document: document + 1 }
                    } else {
                        Process::Leading { epoch }
                    };
                    go(to, &|then| then.raise_guard(document, epoch));
                }
                Process::Leading { epoch } => {
                    self.claim(state, epoch, &mut go);
                    if self.size.inserts {
                        self.insert(state, epoch, &mut go);
                    }
                }
                Process::Acting(effect) => {
                    self.act(state, effect, &mut go);
                    self.hand_back(state, effect, &mut go);
                }
                Process::Finishing(effect) => {
                    self.finish(state, effect, &mut go);
                    self.hand_back(state, effect, &mut go);
                }
            }
        }
        next
    }

    const fn fenced(&self, guard: u8, epoch: u8) -> bool {
        self.rules.guard && guard > epoch
    }

    /// A leader claims the next slot of any schedule, or takes up one that is claimed.
    fn claim(&self, state: &State, epoch: u8, go: &mut Go<'_>) {
        for (nth, schedule) in state.schedules.iter().enumerate() {
            if self.fenced(schedule.guard, epoch) {
                continue;
            }
            let guard = schedule.guard.max(epoch);
            let (next, slot) = match schedule.claimed {
                Some(slot) => (schedule.next, slot),
                None if schedule.next < self.size.slots => (schedule.next + 1, schedule.next),
                None => continue,
            };
            go(Process::Acting(Effect { schedule: nth, slot, epoch }), &|then| {
                then.schedules[nth] = Schedule { guard, next, claimed: Some(slot) };
            });
        }
    }

    fn act(&self, state: &State, effect: Effect, go: &mut Go<'_>) {
        let worker = state.workers[effect.schedule];
        if self.fenced(worker, effect.epoch) {
            return go(Process::Idle, &|_| {});
        }
        let happened = |one: &Effect| (one.schedule, one.slot) == (effect.schedule, effect.slot);
        let again = state.effects.iter().any(happened);
        go(Process::Finishing(effect), &|then| {
            then.workers[effect.schedule] = worker.max(effect.epoch);
            if !(again && self.rules.idempotent) {
                then.effects.push(effect);
            }
        });
    }

    fn finish(&self, state: &State, effect: Effect, go: &mut Go<'_>) {
        let schedule = state.schedules[effect.schedule];
        if self.fenced(schedule.guard, effect.epoch) {
            return go(Process::Idle, &|_| {});
        }
        go(Process::Leading { epoch: effect.epoch }, &|then| {
            if schedule.claimed == Some(effect.slot) {
                let guard = schedule.guard.max(effect.epoch);
                then.schedules[effect.schedule] = Schedule { guard, claimed: None, ..schedule };
            }
        });
    }

    /// A leader that leaves gives the slot back, whether its effect took place or not.
    fn hand_back(&self, state: &State, effect: Effect, go: &mut Go<'_>) {
        let schedule = state.schedules[effect.schedule];
        if !self.size.hand_back || self.fenced(schedule.guard, effect.epoch) {
            return;
        }
        if schedule.claimed == Some(effect.slot) {
            let guard = schedule.guard.max(effect.epoch);
            go(Process::Idle, &|then| {
                then.schedules[effect.schedule] =
                    Schedule { guard, next: effect.slot, claimed: None };
            });
        }
    }

    /// A leader inserts what it found, writes it, or repeats the seal on it.
    fn insert(&self, state: &State, epoch: u8, go: &mut Go<'_>) {
        let stay = Process::Leading { epoch };
        let mine = Some(Found { guard: epoch, written_by: epoch });
        let Some(found) = state.found else {
            return go(stay, &|then| then.found = mine);
        };
        let goes_back = found.written_by > epoch;
        if !self.rules.unique_insert {
            go(stay, &|then| {
                then.found = mine;
                then.found_went_back |= goes_back;
            });
        }
        if self.fenced(found.guard, epoch) {
            go(Process::Idle, &|_| {});
        } else {
            go(stay, &|then| {
                let guard = found.guard.max(epoch);
                then.found = Some(Found { guard, written_by: epoch });
                then.found_went_back |= goes_back;
            });
        }
        go(stay, &|then| then.raise_guard(4, epoch));
    }
}

impl State {
    fn raise_guard(&mut self, document: usize, epoch: u8) {
        let guard = match document {
            0 | 1 => &mut self.schedules[document].guard,
            2 | 3 => &mut self.workers[document - 2],
            _ => match &mut self.found {
                Some(found) => &mut found.guard,
                None => return,
            },
        };
        *guard = epoch.max(*guard);
    }
}

fn broken(rules: Rules, size: Size) -> Vec<&'static str> {
    Model { rules, size }.explore().violations.into_keys().collect()
}

#[test]
fn no_order_of_steps_breaks_the_protocol() {
    let explored = Model { rules: ALL_RULES, size: PLAIN }.explore();

    assert!(explored.violations.is_empty(), "{:?}", explored.violations);
    // The number that an independent model of the same protocol counted.
    assert_eq!(explored.states, 39_579);
}

#[test]
fn neither_inserts_nor_hand_back_break_the_protocol() {
    let explored = Model { rules: ALL_RULES, size: EXTENDED }.explore();

    assert!(explored.violations.is_empty(), "{:?}", explored.violations);
    assert_eq!(explored.states, 229_554);
}

#[test]
fn without_the_seal_an_older_epoch_acts_after_a_newer_one() {
    let rules = Rules { seal: false, ..ALL_RULES };
    assert_eq!(broken(rules, PLAIN), ["effect of an older epoch after a newer one"]);
}

#[test]
fn without_the_guard_an_older_epoch_acts_after_a_newer_one() {
    let rules = Rules { guard: false, ..ALL_RULES };
    assert!(broken(rules, PLAIN).contains(&"effect of an older epoch after a newer one"));
    let too = "found document went back to an older epoch";
    assert!(broken(rules, SMALL).contains(&too));
}

#[test]
fn without_idempotent_transitions_a_slot_takes_effect_twice() {
    let rules = Rules { idempotent: false, ..ALL_RULES };
    assert_eq!(broken(rules, PLAIN), ["slot took effect twice"]);
    assert_eq!(broken(rules, SMALL), ["slot took effect twice"]);
}

#[test]
fn without_unique_keys_a_late_insert_undoes_newer_writes() {
    let rules = Rules { unique_insert: false, ..ALL_RULES };
    assert_eq!(broken(rules, SMALL), ["found document went back to an older epoch"]);
}
