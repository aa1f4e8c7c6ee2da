//! Who is logged in with a browser.

use std::collections::BTreeSet;

use ccm_domain::{Role, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Document, sortable};

/// A person's login, to which a browser's cookie refers. Any API process serves it.
///
/// Holds nothing that opens a door: the key is a hash of the cookie, and tokens are in the secret store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Hash of the cookie.
    pub key: String,
    /// Grows with every write.
    pub rev: u64,
    /// The login server's id of the person.
    pub subject: String,
    /// The login server's id of its own session, by which it tells us of its end.
    pub sid: Option<String>,
    /// Name that people know them by.
    pub name: String,
    /// What they were allowed when the login server was asked last.
    pub roles: BTreeSet<Role>,
    /// When they logged in.
    pub began_at: Timestamp,
    /// When it ends, unless they stay.
    pub ends_at: Timestamp,
    /// When the login server is asked again whether all this still holds; `None` when it gave us nothing to ask with.
    pub ask_at: Option<Timestamp>,
}

impl Document for Login {
    const COLLECTION: &'static str = "logins";
    const NOUN: &'static str = "login";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("login", self.key.clone()),
            ("subject", self.subject.clone()),
            ("ends", sortable(self.ends_at)),
        ];
        fields.extend(self.sid.clone().map(|sid| ("sid", sid)));
        fields
    }
}
