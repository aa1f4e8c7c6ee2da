//! What can be wrong with a configuration, all of it at once.

use std::fmt;

use crate::Origin;

/// One thing that is wrong, with the key and where it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Dotted key such as `http.listen`; empty when it is about a whole file.
    pub key: String,
    /// Where the value was set; `None` when it was set nowhere.
    pub origin: Option<Origin>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
}

/// A configuration that cannot be used. Prints one line for each fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Never empty.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.origin {
            Some(origin) => write!(f, " (set by {origin})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.faults.len() == 1 { "fault" } else { "faults" };
        write!(f, "{} {many} in the configuration", self.faults.len())?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}
