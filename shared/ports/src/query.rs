//! Lists: filters, order, pages with opaque cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_domain::Timestamp;

/// The most items that a page may have.
pub const MOST_ITEMS: u32 = 1_000;

/// A condition on an index field; a document matches when one of its values of that field does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Equals one of the values.
    In(&'static str, Vec<String>),
    /// Has no value out of these.
    NotIn(&'static str, Vec<String>),
    /// Sorts before the value.
    Below(&'static str, String),
    /// Equals the value or sorts after it.
    AtLeast(&'static str, String),
    /// Contains the text, letter case ignored (ASCII).
    Contains(&'static str, String),
}

/// What to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Index field to order by, or the key when `None`; documents without the field are left out.
    ///
    /// Only of use with a field that no document has more than once. Ties go by key, in the same direction.
    pub sort: Option<&'static str>,
    /// Largest first.
    pub descending: bool,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// The most items wanted, 1 to [`MOST_ITEMS`].
    pub limit: u32,
}

impl Default for Query {
    fn default() -> Self {
        Self { filters: Vec::new(), sort: None, descending: false, after: None, limit: MOST_ITEMS }
    }
}

impl Query {
    /// Adds a condition that a field has this value.
    #[must_use]
    pub fn is(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.filters.push(Filter::In(field, vec![value.into()]));
        self
    }

    /// Adds a condition.
    #[must_use]
    pub fn and(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Orders by a field.
    #[must_use]
    pub const fn by(mut self, field: &'static str, descending: bool) -> Self {
        self.sort = Some(field);
        self.descending = descending;
        self
    }

    /// Bounds the page; brought into 1 to [`MOST_ITEMS`].
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit.clamp(1, MOST_ITEMS);
        self
    }

    /// Goes on where a page ended.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.after = cursor;
        self
    }
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// The place of one document in an ordered list: its sort value and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Value of the sort field; empty when the list is ordered by key.
    pub value: String,
    /// Key, which breaks ties.
    pub key: String,
}

/// The text is no cursor that this API gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let joined = format!("{}\n{}", self.value, self.key);
        f.write_str(&URL_SAFE_NO_PAD.encode(joined))
    }
}

impl std::str::FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(s).map_err(|_| InvalidCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let (value, key) = text.rsplit_once('\n').ok_or(InvalidCursor)?;
        Ok(Self { value: value.to_owned(), key: key.to_owned() })
    }
}

/// Writes a moment so that texts sort as the moments do.
#[must_use]
pub fn sortable(at: Timestamp) -> String {
    format!("{:016}", at.as_millis().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_foreign_text_is_refused() {
        let cursor = Cursor { value: "a b".to_owned(), key: "k/1".to_owned() };

        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("!".parse::<Cursor>(), Err(InvalidCursor));
        assert_eq!("".parse::<Cursor>(), Err(InvalidCursor));
    }

    #[test]
    fn moments_sort_as_text() {
        let early = sortable(Timestamp::from_millis(999));
        let late = sortable(Timestamp::from_millis(1_700_000_000_000));

        assert!(early < late);
    }
}
