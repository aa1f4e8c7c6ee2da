//! Open streams of people who are logged in: they end soon after the login does, or after what it allows changes.
//!
//! One look at the store for all of them, however many streams a login has.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ccm_domain::Role;
use ccm_ports::Login;
use futures_util::StreamExt as _;
use tokio::sync::watch;

use super::Oidc;

/// Between two looks. A stream ends within 5 s; an ended login is seen by the next look.
const EVERY: Duration = Duration::from_secs(2);
/// Logins of one look at the store.
const MOST_AT_ONCE: usize = 500;
/// Questions to the login server at the same time.
const QUESTIONS: usize = 8;

/// Why a stream ends; nothing while it may go on.
pub(crate) type Verdict = watch::Receiver<Option<&'static str>>;

/// The logins whose streams are open in this process.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<HashMap<String, Watched>>);

#[derive(Debug)]
struct Watched {
    roles: BTreeSet<Role>,
    verdict: watch::Sender<Option<&'static str>>,
}

impl Watch {
    /// Returns what ends the streams of a login that began with these roles.
    pub(super) fn over(&self, login: &Login) -> Verdict {
        let mut all = self.lock();
        let is_other =
            |watched: &Watched| watched.roles != login.roles || watched.verdict.borrow().is_some();
        if all.get(&login.key).is_some_and(is_other) {
            // Streams that began earlier saw other roles: they end, this one goes on.
            if let Some(old) = all.remove(&login.key) {
                old.verdict.send_replace(Some("roles_changed"));
            }
        }
        let watched = all.entry(login.key.clone()).or_insert_with(|| Watched {
            roles: login.roles.clone(),
            verdict: watch::channel(None).0,
        });
        watched.verdict.subscribe()
    }

    /// Looks after them until the process stops.
    pub(super) async fn run(oidc: Arc<Oidc>) {
        loop {
            tokio::time::sleep(EVERY).await;
            let keys = oidc.watch.keys();
            for some in keys.chunks(MOST_AT_ONCE) {
                oidc.look_at(some).await;
            }
        }
    }

    /// Returns those whose streams are still open and forgets the others.
    fn keys(&self) -> Vec<String> {
        let mut all = self.lock();
        all.retain(|_, watched| watched.verdict.receiver_count() > 0);
        all.keys().cloned().collect()
    }

    fn judge(&self, key: &str, login: Option<&Login>, is_over: bool) {
        let mut all = self.lock();
        let Some(watched) = all.get(key) else { return };
        let reason = match login {
            None => Some("revoked"),
            Some(_) if is_over => Some("expired"),
            Some(login) if login.roles != watched.roles => Some("roles_changed"),
            Some(_) => None,
        };
        if reason.is_some() {
            watched.verdict.send_replace(reason);
            all.remove(key);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Oidc {
    async fn look_at(self: &Arc<Self>, keys: &[String]) {
        // While the store is away nothing is known, and nothing else can be done with a login either.
        let Ok(found) = self.logins.all_of(keys).await else { return };
        let now = self.clock.now();
        let found: HashMap<_, _> =
            found.into_iter().map(|login| (login.key.clone(), login)).collect();
        let is_due = |login: &&Login| login.ask_at.is_some_and(|at| at <= now);
        let due: Vec<Login> = found.values().filter(is_due).cloned().collect();
        let asking: Vec<_> = due.into_iter().map(|login| self.still_there(login)).collect();
        // Told by the next look.
        let answers = futures_util::stream::iter(asking).buffer_unordered(QUESTIONS);
        answers.for_each(|_| std::future::ready(())).await;
        for key in keys {
            let login = found.get(key);
            self.watch.judge(key, login, login.is_some_and(|login| login.ends_at <= now));
        }
    }
}
