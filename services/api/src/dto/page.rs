//! Lists: how they are asked for and answered.

use ccm_ports::{Cursor, MOST_ITEMS, Page, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// Items of a page unless the caller says.
const USUAL_ITEMS: u32 = 100;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// What a list can be ordered by: the word on the wire and the index field; `None` is the key.
pub(crate) type Sorts = &'static [(&'static str, Option<&'static str>)];

/// The paging parameters of a list, as given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paging {
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<String>,
    pub(crate) sort: Option<String>,
}

/// Paging that was checked, and the mark that its cursors carry.
#[derive(Clone, Debug)]
pub(crate) struct Ordered {
    pub(crate) query: Query,
    mark: String,
}

impl Paging {
    /// Checks the parameters against what the list can be ordered by; the first of `sorts` is the default.
    pub(crate) fn check(self, sorts: Sorts) -> Result<Ordered, Problem> {
        let limit = self.limit.unwrap_or(USUAL_ITEMS);
        if !(1..=MOST_ITEMS).contains(&limit) {
            return Err(wrong("limit", format!("must be from 1 to {MOST_ITEMS}")));
        }
        let default = sorts.first().map_or("", |(word, _)| *word);
        let mark = self.sort.unwrap_or_else(|| default.to_owned());
        let (word, descending) = match mark.strip_prefix('-') {
            Some(word) => (word, true),
            None => (mark.as_str(), false),
        };
        let Some((_, field)) =
            sorts.iter().find(|(known, _)| known.trim_start_matches('-') == word)
        else {
            let words: Vec<&str> =
                sorts.iter().map(|(word, _)| word.trim_start_matches('-')).collect();
            let detail =
                format!("must be one of {}, with '-' before it for the reverse", words.join(", "));
            return Err(wrong("sort", detail));
        };
        let after = self.cursor.map(|text| read(&text, &mark)).transpose()?;
        let mut query = Query::default().limit(limit).after(after);
        query.sort = *field;
        query.descending = descending;
        Ok(Ordered { query, mark })
    }
}

impl Ordered {
    /// Writes a page with a cursor that fits this order only.
    pub(crate) fn listed<T, U>(&self, page: Page<T>, show: impl FnMut(T) -> U) -> Listed<U> {
        let next_cursor = page.next.map(|cursor| format!("{}.{cursor}", self.mark));
        Listed { items: page.items.into_iter().map(show).collect(), next_cursor }
    }
}

fn read(text: &str, mark: &str) -> Result<Cursor, Problem> {
    let ours = text.strip_prefix(mark).and_then(|rest| rest.strip_prefix('.'));
    ours.and_then(|rest| rest.parse().ok()).ok_or_else(|| {
        wrong("cursor", "must be the next_cursor of this list in this order".to_owned())
    })
}

fn wrong(name: &str, detail: String) -> Problem {
    Problem::field("invalid_query", &format!("query/{name}"), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SORTS: Sorts = &[("id", None), ("name", Some("name"))];

    fn paging(limit: Option<u32>, cursor: Option<&str>, sort: Option<&str>) -> Paging {
        Paging { limit, cursor: cursor.map(str::to_owned), sort: sort.map(str::to_owned) }
    }

    #[test]
    fn a_page_without_parameters_has_the_usual_size_in_the_first_order() {
        let ordered = Paging::default().check(SORTS).unwrap();

        assert_eq!((ordered.query.limit, ordered.query.sort), (100, None));
    }

    #[test]
    fn a_cursor_fits_its_own_order_only() {
        let end = Cursor { value: "b".to_owned(), key: "k".to_owned() };
        let ordered = paging(Some(2), None, Some("-name")).check(SORTS).unwrap();
        let page = Page { items: vec![1, 2], next: Some(end.clone()) };
        let next = ordered.listed(page, |n| n).next_cursor.unwrap();

        let again = paging(Some(2), Some(&next), Some("-name")).check(SORTS).unwrap();
        assert_eq!(again.query.after, Some(end));
        assert!(again.query.descending);
        assert!(paging(None, Some(&next), Some("name")).check(SORTS).is_err());
        assert!(paging(None, Some(&next), None).check(SORTS).is_err());
    }

    #[test]
    fn bad_paging_is_refused_by_name() {
        for (paging, name) in [
            (paging(Some(0), None, None), "query/limit"),
            (paging(Some(1001), None, None), "query/limit"),
            (paging(None, Some("id.???"), None), "query/cursor"),
            (paging(None, None, Some("color")), "query/sort"),
        ] {
            let problem = paging.check(SORTS).unwrap_err();
            assert!(format!("{problem:?}").contains(name), "{problem:?}");
        }
    }
}
