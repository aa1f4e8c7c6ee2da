//! Which events a client wants, and which of them it may see.
//!
//! Within one dimension (workers, labs, types) any of the named ones will do; across dimensions all must
//! agree; a dimension that names nothing lets everything pass.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use ccm_domain::{LabId, WorkerId};
use ccm_events::{Kind, Subject};

/// Says whether the caller may see an event of this type about this subject.
///
/// Asked for every event and client while others wait, so it must not block.
pub type Visible = Arc<dyn Fn(Kind, &Subject) -> bool + Send + Sync>;

/// More than a person or a page ever names; keeps matching cheap.
const MOST_NAMES: usize = 256;

/// A set of event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindSet(u64);

/// What a client wants and may see. Cheap to clone.
#[derive(Clone, Default)]
pub struct Filter {
    workers: Arc<BTreeSet<WorkerId>>,
    labs: Arc<BTreeSet<LabId>>,
    kinds: KindSet,
    visible: Option<Visible>,
}

/// A filter cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, not '{value}'")]
pub struct InvalidFilter {
    /// Name of the parameter.
    pub field: &'static str,
    /// What was given for it, shortened.
    pub value: String,
    /// What would be right.
    pub expected: &'static str,
}

impl KindSet {
    /// Every type.
    pub const ALL: Self = Self(u64::MAX);
    const NONE: Self = Self(0);

    /// Returns whether the type is in the set.
    #[must_use]
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// Adds the types that a pattern names: `worker.created`, `worker.*` or `*`; returns whether any.
    fn add(&mut self, pattern: &str) -> bool {
        let before = Self::NONE;
        let named = Kind::ALL.iter().filter(|kind| kind.fits(pattern));
        let added = named.fold(before, |set, kind| Self(set.0 | Self::bit(*kind)));
        self.0 |= added.0;
        added != before
    }

    const fn bit(kind: Kind) -> u64 {
        const { assert!(Kind::ALL.len() <= 64, "a wider set is needed") };
        1_u64 << kind as u32
    }
}

impl Default for KindSet {
    fn default() -> Self {
        Self::ALL
    }
}

impl Filter {
    /// Reads the parameters of a query: names separated by commas, absent or empty for everything.
    ///
    /// # Errors
    ///
    /// [`InvalidFilter`] for the first name that is none.
    pub fn parse(
        workers: Option<&str>,
        labs: Option<&str>,
        types: Option<&str>,
    ) -> Result<Self, InvalidFilter> {
        let workers = parse_each("workers", workers, "ids of workers (UUIDs)")?;
        let labs = parse_each("labs", labs, "ids of labs")?;
        Ok(Self {
            workers: Arc::new(workers),
            labs: Arc::new(labs),
            kinds: parse_kinds(types)?,
            visible: None,
        })
    }

    /// Narrows the filter to what the caller may see.
    #[must_use]
    pub fn seen_by(mut self, visible: Visible) -> Self {
        self.visible = Some(visible);
        self
    }

    /// Returns whether an event of this type about this subject passes.
    #[must_use]
    pub fn matches(&self, kind: Kind, subject: &Subject) -> bool {
        self.kinds.contains(kind)
            && admits(&self.workers, subject.worker().as_ref())
            && admits(&self.labs, subject.lab())
            && self.may_see(kind, subject)
    }

    /// Returns whether the caller may see it, wanted or not.
    #[must_use]
    pub fn may_see(&self, kind: Kind, subject: &Subject) -> bool {
        self.visible.as_ref().is_none_or(|visible| visible(kind, subject))
    }

    /// Returns whether a snapshot of this worker belongs to what the client wants.
    #[must_use]
    pub fn wants_worker(&self, worker: WorkerId) -> bool {
        admits(&self.workers, Some(&worker))
    }
}

/// A dimension that names nothing lets everything pass.
fn admits<T: Ord>(wanted: &BTreeSet<T>, one: Option<&T>) -> bool {
    wanted.is_empty() || one.is_some_and(|one| wanted.contains(one))
}

fn names<'a>(
    field: &'static str,
    text: Option<&'a str>,
) -> Result<impl Iterator<Item = &'a str>, InvalidFilter> {
    let text = text.unwrap_or_default();
    if text.split(',').count() > MOST_NAMES {
        return Err(invalid(field, text, "at most 256 names"));
    }
    Ok(text.split(',').map(str::trim).filter(|name| !name.is_empty()))
}

fn parse_each<T: std::str::FromStr + Ord>(
    field: &'static str,
    text: Option<&str>,
    expected: &'static str,
) -> Result<BTreeSet<T>, InvalidFilter> {
    names(field, text)?
        .map(|name| name.parse().map_err(|_| invalid(field, name, expected)))
        .collect()
}

fn parse_kinds(text: Option<&str>) -> Result<KindSet, InvalidFilter> {
    let mut kinds = KindSet::NONE;
    for pattern in names("types", text)? {
        if !kinds.add(pattern) {
            let expected = "types of events such as worker.created or worker.*";
            return Err(invalid("types", pattern, expected));
        }
    }
    Ok(if kinds == KindSet::NONE { KindSet::ALL } else { kinds })
}

fn invalid(field: &'static str, value: &str, expected: &'static str) -> InvalidFilter {
    InvalidFilter { field, value: value.chars().take(64).collect(), expected }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({self})")
    }
}

/// As in a query: `workers=…&labs=…&types=…`, empty when everything passes.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |names: Vec<String>| names.join(",");
        let mut parts = Vec::new();
        if !self.workers.is_empty() {
            let ids = self.workers.iter().map(ToString::to_string).collect();
            parts.push(format!("workers={}", joined(ids)));
        }
        if !self.labs.is_empty() {
            let ids = self.labs.iter().map(ToString::to_string).collect();
            parts.push(format!("labs={}", joined(ids)));
        }
        if self.kinds != KindSet::ALL {
            let wanted = Kind::ALL.iter().filter(|kind| self.kinds.contains(**kind));
            parts.push(format!("types={}", joined(wanted.map(ToString::to_string).collect())));
        }
        f.write_str(&parts.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "01900000-0000-7000-8000-00000000000a";
    const B: &str = "01900000-0000-7000-8000-00000000000b";

    fn subjects() -> Vec<Subject> {
        let (a, b) = (A.parse().unwrap(), B.parse().unwrap());
        vec![
            Subject::Worker(a),
            Subject::Worker(b),
            Subject::Lab(a, "one".parse().unwrap()),
            Subject::Lab(a, "two".parse().unwrap()),
            Subject::Lab(b, "one".parse().unwrap()),
            Subject::Fleet("settings".to_owned()),
        ]
    }

    fn passing(filter: &Filter) -> Vec<usize> {
        let pass = |(_, subject): &(usize, Subject)| filter.matches(Kind::LabChanged, subject);
        subjects().into_iter().enumerate().filter(pass).map(|(nth, _)| nth).collect()
    }

    #[test]
    fn dimensions_narrow_each_other() {
        let parse =
            |workers: Option<&str>, labs: Option<&str>| Filter::parse(workers, labs, None).unwrap();
        assert_eq!(passing(&parse(None, None)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(passing(&parse(Some(""), Some(" , "))), [0, 1, 2, 3, 4, 5]);
        assert_eq!(passing(&parse(Some(A), None)), [0, 2, 3]);
        assert_eq!(passing(&parse(Some(&format!("{A}, {B}")), None)), [0, 1, 2, 3, 4]);
        assert_eq!(passing(&parse(None, Some("one"))), [2, 4]);
        assert_eq!(passing(&parse(Some(A), Some("one,two"))), [2, 3]);
    }

    #[test]
    fn types_are_named_in_full_or_by_their_beginning() {
        for (pattern, least, but) in [
            ("worker.created", Kind::WorkerCreated, Kind::WorkerImported),
            ("io.ccm.worker.created.v1", Kind::WorkerCreated, Kind::WorkerImported),
            ("worker.*", Kind::WorkerMetrics, Kind::LabChanged),
            ("lab.*,run.failed", Kind::RunFailed, Kind::RunStarted),
        ] {
            let filter = Filter::parse(None, None, Some(pattern)).unwrap();
            let subject = Subject::Fleet("x".to_owned());
            assert!(filter.matches(least, &subject), "{pattern}");
            assert!(!filter.matches(but, &subject), "{pattern}");
        }
        let all = Filter::parse(None, None, Some("*")).unwrap();
        assert!(Kind::ALL.iter().all(|kind| all.kinds.contains(*kind)));
    }

    #[test]
    fn the_filter_of_a_union_is_the_union_of_the_filters() {
        for kind in Kind::ALL {
            for (one, other) in [("worker.*", "lab.created"), ("run.failed", "run.*")] {
                let parse = |types: &str| Filter::parse(None, None, Some(types)).unwrap();
                let both = parse(&format!("{one},{other}"));
                let either = parse(one).kinds.contains(*kind) || parse(other).kinds.contains(*kind);
                assert_eq!(both.kinds.contains(*kind), either, "{kind}");
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_field() {
        let many = "a,".repeat(300);
        for (workers, labs, types, field) in [
            (Some("worker-1"), None, None, "workers"),
            (None, Some("lab/1"), None, "labs"),
            (None, Some(many.as_str()), None, "labs"),
            (None, None, Some("worker.exploded"), "types"),
            (None, None, Some("work*"), "types"),
            (None, None, Some("nothing.*"), "types"),
        ] {
            let refused = Filter::parse(workers, labs, types).unwrap_err();
            assert_eq!(refused.field, field);
        }
    }

    #[test]
    fn nothing_passes_that_the_caller_may_not_see() {
        let only_workers: Visible = Arc::new(|_, subject| subject.worker().is_some());
        let filter = Filter::default().seen_by(only_workers);
        assert_eq!(passing(&filter), [0, 1, 2, 3, 4]);
    }
}
