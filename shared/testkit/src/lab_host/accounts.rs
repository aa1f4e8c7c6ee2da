//! Accounts of one controller and the validity of their sessions.

use std::time::Duration;

use ccm_domain::Timestamp;
use uuid::Uuid;

use super::refusal::Refusal;

/// Use of the API by one account makes at most one `user_activity` record in this time.
const ACTIVITY_EVERY: Duration = Duration::from_secs(5 * 60);
const FIRST_NAMES: &[(&str, &str)] = &[
    ("amara", "Amara Okafor"),
    ("bruno", "Bruno Keller"),
    ("chen", "Chen Wei"),
    ("dilara", "Dilara Yilmaz"),
    ("elena", "Elena Petrova"),
    ("farid", "Farid Haddad"),
    ("greta", "Greta Lindqvist"),
    ("hiro", "Hiro Tanaka"),
];

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// CML's id.
    pub id: Uuid,
    /// Login name.
    pub username: String,
    /// Name shown to people.
    pub fullname: String,
    /// Password, in clear: this is a model.
    pub password: String,
    /// Whether it may do everything.
    pub admin: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Sessions begun before this number count no more.
    pub session_floor: u64,
    active: Option<Timestamp>,
}

/// All accounts; the first is the administrator that the fleet uses.
#[derive(Clone, Debug)]
pub struct Accounts {
    list: Vec<Account>,
    next_session: u64,
    /// Sessions logged out one by one.
    ended: Vec<u64>,
}

impl Accounts {
    /// Makes the administrator and as many people.
    pub(super) fn new(
        (username, password): (&str, &str),
        people: usize,
        dice: u64,
        created: Timestamp,
        mut new_id: impl FnMut() -> Uuid,
    ) -> Self {
        let mut account = |username: &str, fullname: &str, password: &str, admin| Account {
            id: new_id(),
            username: username.to_owned(),
            fullname: fullname.to_owned(),
            password: password.to_owned(),
            admin,
            created,
            session_floor: 0,
            active: None,
        };
        let first = usize::try_from(dice % 8).unwrap_or(0);
        let mut list = vec![account(username, "System Administrator", password, true)];
        list.extend((first..first + people).map(|number| {
            let (username, fullname) = FIRST_NAMES[number % FIRST_NAMES.len()];
            account(username, fullname, username, false)
        }));
        Self { list, next_session: 1, ended: Vec::new() }
    }

    /// Returns all accounts.
    #[must_use]
    pub fn all(&self) -> &[Account] {
        &self.list
    }

    /// Returns the administrator that the fleet uses.
    #[must_use]
    pub fn administrator(&self) -> &Account {
        &self.list[0]
    }

    /// Returns the account of that id.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Account> {
        self.list.iter().find(|account| account.id == id)
    }

    /// Checks a password.
    ///
    /// # Errors
    /// 403 as CML words it.
    pub fn log_in(&mut self, username: &str, password: &str) -> Result<(&Account, u64), Refusal> {
        let session = self.next_session;
        self.next_session += 1;
        self.list
            .iter()
            .find(|account| account.username == username && account.password == password)
            .map(|account| (account, session))
            .ok_or_else(|| Refusal::new(403, "Authentication failed!"))
    }

    /// Returns how many logins were tried, the failed ones too.
    #[must_use]
    pub const fn logins(&self) -> u64 {
        self.next_session - 1
    }

    /// Whether a session of that account still counts.
    #[must_use]
    pub fn is_valid(&self, user: Uuid, session: u64) -> bool {
        !self.ended.contains(&session)
            && self.get(user).is_some_and(|account| account.session_floor <= session)
    }

    /// Ends one session, or all of the account.
    pub fn log_out(&mut self, user: Uuid, session: u64, all: bool) {
        let floor = self.next_session;
        match self.list.iter_mut().find(|account| account.id == user) {
            Some(account) if all => account.session_floor = floor,
            Some(_) => self.ended.push(session),
            None => {}
        }
    }

    /// Ends every session of everybody.
    pub fn end_all_sessions(&mut self) {
        for account in &mut self.list {
            account.session_floor = self.next_session;
        }
        self.ended.clear();
    }

    /// Adds an account.
    ///
    /// # Errors
    /// 400 when the name is taken.
    pub fn add(&mut self, account: NewAccount, id: Uuid, now: Timestamp) -> Result<(), Refusal> {
        let NewAccount { username, fullname, password, admin } = account;
        if self.list.iter().any(|other| other.username == username) {
            return Err(Refusal::invalid(format!("User already exists: {username}.")));
        }
        let (created, session_floor, active) = (now, 0, None);
        self.list.push(Account {
            id,
            username,
            fullname,
            password,
            admin,
            created,
            session_floor,
            active,
        });
        Ok(())
    }

    /// Removes an account.
    ///
    /// # Errors
    /// 404 when there is none, 403 for the administrator.
    pub fn remove(&mut self, id: Uuid) -> Result<(), Refusal> {
        let place = self.list.iter().position(|account| account.id == id);
        match place {
            None => Err(Refusal::missing("User", id)),
            Some(0) => Err(Refusal::new(403, "The administrator cannot be deleted")),
            Some(place) => {
                self.list.remove(place);
                Ok(())
            }
        }
    }

    /// Says whether use of the API at `now` is worth a new `user_activity` record.
    pub(super) fn touch(&mut self, user: Uuid, now: Timestamp) -> bool {
        let Some(account) = self.list.iter_mut().find(|account| account.id == user) else {
            return false;
        };
        let is_news = account.active.is_none_or(|last| now.since(last) >= ACTIVITY_EVERY);
        if is_news {
            account.active = Some(now);
        }
        is_news
    }
}

/// What makes a new account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Login name.
    pub username: String,
    /// Name shown to people.
    pub fullname: String,
    /// Password.
    pub password: String,
    /// Whether it may do everything.
    pub admin: bool,
}
