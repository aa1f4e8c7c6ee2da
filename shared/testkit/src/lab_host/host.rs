//! One controller: everything it keeps, brought up to the clock before each use.

use std::time::Duration;

use ccm_domain::{InstanceId, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use super::HostOptions;
use super::accounts::Accounts;
use super::boot::Stage;
use super::element_ops::Notice;
use super::faults::Faults;
use super::feed::{Feed, FeedRecord};
use super::labs::Lab;
use super::license::License;
use super::load::Load;
use super::refusal::Refusal;
use super::samples;
use crate::people::{Act, Crew, Deed, Habit};

/// How often the controller itself writes into its feed.
const NOISE_EVERY: Duration = Duration::from_secs(30 * 60);
const NOISE: &[&str] = &["system_stats", "running_nodes"];
const MOST_LABS_AT_FIRST: u64 = 4;

/// One controller.
#[derive(Debug)]
pub struct Host {
    /// The instance it runs on.
    pub id: InstanceId,
    /// Its people.
    pub crew: Crew,
    /// Accounts and sessions.
    pub accounts: Accounts,
    /// Licence.
    pub license: License,
    /// Telemetry.
    pub feed: Feed,
    /// Notices to its users.
    pub notices: Vec<Notice>,
    /// What goes wrong.
    pub faults: Faults,
    pub(super) labs: Vec<Lab>,
    pub(super) stage: Stage,
    rng: StdRng,
    power: Option<Timestamp>,
    settled: Timestamp,
    noise_at: Timestamp,
    last_use: Option<Timestamp>,
    /// Somebody who never comes back left a lab running.
    left_running: bool,
}

impl Host {
    /// Makes a controller as an image brings it: with labs and accounts, nothing running.
    pub(super) fn new(id: InstanceId, options: &HostOptions, since: Timestamp) -> Self {
        let crew = Crew::of(options.seed, &id);
        let crew = options.habit.map_or(crew, |habit| crew.with_habit(habit));
        let mut rng = StdRng::seed_from_u64(crew.dice(11));
        let made = since.minus(Duration::from_secs(3_600 * (24 + crew.dice(12) % 400)));
        let login = (options.username.as_str(), options.password.as_str());
        let accounts =
            Accounts::new(login, crew.people(), crew.dice(13), made, || random_id(&mut rng));
        let registered = options.licensed.then(|| License::registered(made));
        let mut host = Self {
            id,
            crew,
            accounts,
            license: registered.unwrap_or_default(),
            feed: Feed::default(),
            notices: Vec::new(),
            faults: Faults::default(),
            labs: Vec::new(),
            stage: Stage::Off,
            rng,
            power: None,
            settled: since,
            noise_at: since,
            last_use: None,
            left_running: crew.habit() == Habit::Forgotten,
        };
        host.furnish(made);
        host
    }

    fn furnish(&mut self, made: Timestamp) {
        let first = usize::try_from(self.crew.dice(14) % 97).unwrap_or(0);
        let count = usize::try_from(1 + self.crew.dice(15) % MOST_LABS_AT_FIRST).unwrap_or(1);
        for number in first..first + count.min(samples::count()) {
            let owner = self.person(number);
            let age = Duration::from_secs(self.crew.dice(number as u64 + 20) % 86_400);
            let lab = samples::lab(number, owner, made.plus(age), || random_id(&mut self.rng));
            self.labs.push(lab);
        }
    }

    /// Returns the account of a person by number.
    fn person(&self, number: usize) -> Uuid {
        let accounts = self.accounts.all();
        let people = accounts.len().saturating_sub(1).max(1);
        accounts.get(1 + number % people).unwrap_or(self.accounts.administrator()).id
    }

    /// Makes a new id, a version 4 UUID as CML makes them.
    pub fn new_id(&mut self) -> Uuid {
        random_id(&mut self.rng)
    }

    /// Brings everything up to `now`, with power since `power`.
    pub(super) fn settle(
        &mut self,
        options: &HostOptions,
        power: Option<Timestamp>,
        now: Timestamp,
    ) {
        self.stage = options.boot.stage(power, now);
        if power != self.power {
            self.lose_power(power, now);
        }
        let Some(since) = power else { return };
        let ready = since.plus(options.boot.ready);
        let from = self.settled.max(ready);
        if now <= from {
            return;
        }
        self.write_noise(from, now);
        if options.people {
            for act in self.crew.acts(from, now) {
                self.perform(act);
            }
        }
        self.settled = now;
    }

    fn lose_power(&mut self, power: Option<Timestamp>, now: Timestamp) {
        for lab in &mut self.labs {
            lab.stop(now);
        }
        self.power = power;
        if let (Some(since), Some(lab), true) = (power, self.labs.first_mut(), self.left_running) {
            lab.start(since);
            self.left_running = false;
        }
    }

    fn write_noise(&mut self, from: Timestamp, now: Timestamp) {
        let mut at = from.max(self.noise_at);
        while at <= now {
            for category in NOISE {
                self.record(at, category, None, None);
            }
            at = at.plus(NOISE_EVERY);
        }
        self.noise_at = at;
    }

    /// Lets a person do something.
    pub(super) fn perform(&mut self, act: Act) {
        let user = self.person(act.person);
        let at = act.at;
        self.last_use = self.last_use.max(Some(at));
        self.accounts.touch(user, at);
        self.record(at, "user_activity", Some(user), None);
        let Some(lab) = self.pick_lab(act.pick) else { return };
        match act.deed {
            Deed::Visit => {}
            // A person who meets a refusal shrugs.
            Deed::StartLab => drop(self.start_lab(lab, user, at)),
            Deed::StopLab => drop(self.stop_lab(lab, user, at)),
            Deed::EditNode => self.nudge_node(lab, act.pick, at),
            Deed::Capture => self.record(at, "packet_capture", Some(user), Some(lab)),
        }
    }

    fn pick_lab(&self, pick: u64) -> Option<Uuid> {
        let count = self.labs.len().max(1) as u64;
        let place = usize::try_from(pick % count).unwrap_or(0);
        self.labs.get(place).map(|lab| lab.id)
    }

    fn nudge_node(&mut self, lab: Uuid, pick: u64, at: Timestamp) {
        let Some(lab) = self.labs.iter_mut().find(|known| known.id == lab) else { return };
        let place = usize::try_from(pick / 7).unwrap_or(0) % lab.nodes.len().max(1);
        if let Some(node) = lab.nodes.get_mut(place) {
            node.x = (node.x + 20).min(15_000);
            lab.modified = at;
        }
    }

    /// Writes into the feed; `at` is true time, the feed has the controller's.
    pub fn record(
        &mut self,
        at: Timestamp,
        category: &'static str,
        user: Option<Uuid>,
        subject: Option<Uuid>,
    ) {
        let at = self.faults.controller_time(at);
        self.feed.push(FeedRecord { at, category, user, subject });
    }

    /// Notes that an account used the API.
    pub fn touch(&mut self, user: Uuid, now: Timestamp) {
        if user != self.accounts.administrator().id {
            self.last_use = self.last_use.max(Some(now));
        }
        if self.accounts.touch(user, now) {
            self.record(now, "user_activity", Some(user), None);
        }
    }

    /// Refuses with 503 until the boot is over.
    ///
    /// # Errors
    /// 503 then.
    pub fn must_be_ready(&self) -> Result<(), Refusal> {
        if self.stage == Stage::Ready { Ok(()) } else { Err(Refusal::not_ready()) }
    }

    /// Whether the controller says that it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// Since when it has power.
    #[must_use]
    pub const fn powered_since(&self) -> Option<Timestamp> {
        self.power
    }

    /// Returns the load at `now`.
    #[must_use]
    pub fn load(&self, now: Timestamp) -> Load {
        Load::of(&self.labs, self.crew.dice(30), now)
    }

    /// Returns when a person last used it: the truth that idle detection tries to find.
    #[must_use]
    pub const fn last_use(&self) -> Option<Timestamp> {
        self.last_use
    }
}

fn random_id(rng: &mut StdRng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid()
}
