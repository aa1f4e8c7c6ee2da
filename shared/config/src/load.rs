//! Loads a typed configuration: defaults ← file ← environment ← arguments.

use std::cell::RefCell;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use crate::tree::de::{ReadError, Reader, Reason, Seen};
use crate::tree::{Setting, Tree, settings_of};
use crate::{ConfigError, Fault, Origin, Report};

/// Variables that start with this and contain [`SEPARATOR`] are configuration.
const PREFIX: &str = "CCM_";
/// Stands between section and key in a variable's name.
const SEPARATOR: &str = "__";
/// Ends the name of a variable that names a file which holds the value.
const FILE_SUFFIX: &str = "_file";

/// Where configuration is read from.
#[derive(Clone, Debug)]
pub struct Sources {
    defaults: &'static str,
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    arguments: Vec<(String, String, String)>,
}

/// A configuration that could be read, and where each value came from.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The configuration.
    pub value: T,
    /// Effective values with their origins, secrets hidden.
    pub report: Report,
}

impl Sources {
    /// Returns sources with the compiled-in `defaults` (TOML) only.
    #[must_use]
    pub fn new(defaults: &'static str) -> Self {
        Self { defaults, file: None, environment: Vec::new(), arguments: Vec::new() }
    }

    /// Adds a file; `None` changes nothing.
    #[must_use]
    pub fn file(mut self, file: Option<PathBuf>) -> Self {
        self.file = file;
        self
    }

    /// Adds variables; only `CCM_<SECTION>__<KEY>` ones count.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Adds the variables of this process.
    #[must_use]
    pub fn process_environment(self) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os();
        // A variable that is no UTF-8 cannot be one of ours.
        self.environment(variables.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Adds the value that a command-line `argument` gives to the dotted `key`; it wins over all.
    #[must_use]
    pub fn argument(mut self, argument: &str, key: &str, value: &str) -> Self {
        self.arguments.push((argument.to_owned(), key.to_owned(), value.to_owned()));
        self
    }
}

/// Reads all sources and returns the typed configuration.
///
/// # Errors
///
/// All faults that can be seen at once. A value that cannot be used is reported and set aside, so
/// that it does not hide the next fault.
pub fn load<T: DeserializeOwned>(sources: &Sources) -> Result<Loaded<T>, ConfigError> {
    let mut faults = Vec::new();
    let mut settings = collect(sources, &mut faults);
    loop {
        let seen = RefCell::new(Seen::default());
        let reader = Reader { tree: Tree::build(&settings), key: String::new(), seen: &seen };
        match T::deserialize(reader) {
            Ok(value) if faults.is_empty() => {
                let report = Report::new(&settings, &seen.into_inner());
                return Ok(Loaded { value, report });
            }
            Ok(_) => return Err(ConfigError { faults }),
            Err(err) => {
                if !set_aside(&err, &mut settings, &mut faults) {
                    return Err(ConfigError { faults });
                }
            }
        }
    }
}

/// Reads every source into one list of settings, the weakest first.
fn collect(sources: &Sources, faults: &mut Vec<Fault>) -> Vec<Setting> {
    let mut settings = Vec::new();
    parse(sources.defaults, &Origin::Default, &mut settings, faults);
    if let Some(path) = &sources.file {
        let origin = Origin::File(path.clone());
        match std::fs::read_to_string(path) {
            Ok(text) => parse(&text, &origin, &mut settings, faults),
            Err(err) => faults.push(Fault {
                key: String::new(),
                origin: None,
                message: format!("cannot read {}: {err}", path.display()),
            }),
        }
    }
    let mut variables: Vec<_> = sources
        .environment
        .iter()
        .filter_map(|(name, value)| Some((name, key_of(name)?, value)))
        .collect();
    variables.sort();
    settings.extend(variables.into_iter().map(|(name, path, value)| Setting {
        path,
        value: Tree::Text(value.clone()),
        origin: Origin::Environment(name.clone()),
    }));
    settings.extend(sources.arguments.iter().map(|(argument, key, value)| Setting {
        path: key.split('.').map(str::to_owned).collect(),
        value: Tree::Text(value.clone()),
        origin: Origin::Argument(argument.clone()),
    }));
    settings
}

fn parse(text: &str, origin: &Origin, settings: &mut Vec<Setting>, faults: &mut Vec<Fault>) {
    match text.parse::<toml::Table>() {
        Ok(table) => settings.extend(settings_of(table, origin)),
        Err(err) => {
            let line = err.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            faults.push(Fault {
                key: String::new(),
                origin: Some(origin.clone()),
                message: format!("no valid TOML near line {line}: {}", err.message()),
            });
        }
    }
}

/// Returns the path that a variable's name stands for; `None` when it is not ours.
fn key_of(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix(PREFIX)?;
    rest.contains(SEPARATOR)
        .then(|| rest.to_lowercase().split(SEPARATOR).map(str::to_owned).collect())
}

/// Records the fault and takes the setting that caused it out; `false` when nothing can be taken
/// out, so that trying again would only repeat it.
fn set_aside(err: &ReadError, settings: &mut Vec<Setting>, faults: &mut Vec<Fault>) -> bool {
    let key = err.key.clone().unwrap_or_default();
    let culprit = settings.iter().rposition(|setting| concerns(&setting.key(), &key));
    let Some(index) = culprit else {
        faults.push(Fault { message: missing_hint(err, &key), key, origin: None });
        return false;
    };
    if matches!(err.reason, Reason::Unknown { .. })
        && let Some(result) = mounted_file(&settings[index])
    {
        match result {
            Ok(setting) if settings.iter().any(|other| same_variable(other, &setting)) => {
                faults.push(Fault {
                    key: setting.key(),
                    origin: Some(setting.origin),
                    message: "set twice: by value and by file".to_owned(),
                });
                settings.remove(index);
            }
            Ok(setting) => settings[index] = setting,
            Err(fault) => {
                faults.push(fault);
                settings.remove(index);
            }
        }
        return true;
    }
    let origin = settings.remove(index).origin;
    // A fault in the defaults is a bug of the program; going on would only add noise.
    let go_on = origin != Origin::Default;
    faults.push(Fault { key, message: err.to_string(), origin: Some(origin) });
    go_on
}

/// Whether a setting at `setting` can be the cause of an error at `key`.
fn concerns(setting: &str, key: &str) -> bool {
    let below = |outer: &str, inner: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    below(setting, key) || below(key, setting)
}

fn same_variable(one: &Setting, other: &Setting) -> bool {
    one.path == other.path && matches!(one.origin, Origin::Environment(_))
}

/// Reads `CCM_X__Y_FILE` as the file that holds `x.y`; `None` when it is not such a variable.
///
/// Asked only when `x.y_file` is no key itself, so that keys may end in `_file`.
fn mounted_file(setting: &Setting) -> Option<Result<Setting, Fault>> {
    let (Origin::Environment(variable), Tree::Text(file)) = (&setting.origin, &setting.value)
    else {
        return None;
    };
    let (last, parents) = setting.path.split_last()?;
    let last = last.strip_suffix(FILE_SUFFIX)?;
    let path: Vec<String> = parents.iter().cloned().chain([last.to_owned()]).collect();
    let origin = Origin::MountedFile { variable: variable.clone(), file: PathBuf::from(file) };
    Some(match std::fs::read_to_string(file) {
        Ok(text) => {
            // Editors and `echo` end a file with a line break that is no part of the value.
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            Ok(Setting { path, value: Tree::Text(text.to_owned()), origin })
        }
        Err(err) => Err(Fault {
            key: path.join("."),
            origin: Some(Origin::Environment(variable.clone())),
            message: format!("cannot read {file}: {err}"),
        }),
    })
}

fn missing_hint(err: &ReadError, key: &str) -> String {
    match &err.reason {
        Reason::Missing { .. } => {
            let variable = key.to_uppercase().replace('.', SEPARATOR);
            format!("must be set, in the file or as {PREFIX}{variable}")
        }
        Reason::Unknown { .. } | Reason::Invalid(_) => err.to_string(),
    }
}
