//! Every name in Redis. One hash tag holds them on one server, where one script can use them together.

use crate::Namespace;

/// The names of one bus.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Stream of the logged events: entry `<seq>-0` with the one field [`EVENT`]; bounded, never expires.
    pub(super) log: String,
    /// Channel of everything told: the event's JSON, or [`CLEARED`].
    pub(super) live: String,
    /// Channel of the bell: the chime's name.
    pub(super) bell: String,
}

/// The field of an entry that holds the event's JSON.
pub(super) const EVENT: &str = "event";

/// Said on [`Keys::live`] when the log was emptied.
pub(super) const CLEARED: &str = "cleared";

impl Keys {
    pub(super) fn new(namespace: &Namespace) -> Self {
        let name = |what: &str| format!("ccm:{{{namespace}}}:{what}");
        Self { log: name("log"), live: name("live"), bell: name("bell") }
    }

    /// Returns the channel on which one subscription hears its own probes.
    pub(super) fn echo(&self, subscription: u128) -> String {
        format!("{}:{subscription:032x}", self.live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_written_down() {
        let keys = Keys::new(&Namespace::default());

        assert_eq!(keys.log, "ccm:{main}:log");
        assert_eq!(keys.live, "ccm:{main}:live");
        assert_eq!(keys.bell, "ccm:{main}:bell");
        assert_eq!(keys.echo(7), "ccm:{main}:live:00000000000000000000000000000007");
    }
}
