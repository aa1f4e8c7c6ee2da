//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from; later ones win over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The `defaults.toml` that is compiled in.
    Default,
    /// The file given with `--config`.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A file that an environment variable ending in `_FILE` points to.
    MountedFile {
        /// Name of the variable.
        variable: String,
        /// The file it names.
        file: PathBuf,
    },
    /// A command-line argument.
    Argument(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) | Self::Argument(name) => f.write_str(name),
            Self::MountedFile { variable, file } => write!(f, "{variable} = {}", file.display()),
        }
    }
}
