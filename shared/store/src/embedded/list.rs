//! From a [`Query`] to one SQL statement.
//!
//! There are two ways to a page. Either the list is *walked* in its order, each document tested against the
//! filters, until the page is full; that is quick when many documents match. Or the documents of one *rare*
//! filter are looked up, tested and sorted; that is quick when few match. What a filter matches is counted
//! first, up to [`RARE`], so neither way ever costs the square of anything.
//!
//! **Invariant:** names of fields, values and cursors are bound, never spliced into the text.

use ccm_ports::{Cursor, Document, Filter, MOST_ITEMS, Page, Query};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::collection::parse;
use super::error::Fault;

#[cfg(test)]
mod tests;

/// The most documents that are collected and sorted for one page.
const RARE: i64 = 1_000;

/// Reads one page.
pub(super) fn page<D: Document>(conn: &Connection, query: &Query) -> Result<Page<D>, Fault> {
    let wanted = query.limit.clamp(1, MOST_ITEMS) as usize;
    let statement = Statement::of(D::COLLECTION, query, rarest(conn, D::COLLECTION, query)?);
    let mut prepared = conn.prepare_cached(&statement.sql)?;
    let mut rows = prepared.query(params_from_iter(&statement.params))?;
    let mut items = Vec::new();
    let mut last = None;
    while let Some(row) = rows.next()? {
        if items.len() == wanted {
            return Ok(Page { items, next: last });
        }
        let key: String = row.get(1)?;
        items.push(parse(&key, row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?);
        last = Some(Cursor { value: row.get(0)?, key });
    }
    Ok(Page { items, next: None })
}

/// Returns which filter matches the fewest documents, when they are few enough to collect.
fn rarest(conn: &Connection, coll: &str, query: &Query) -> Result<Option<usize>, Fault> {
    let mut rarest = None;
    for (place, filter) in query.filters.iter().enumerate() {
        let mut statement = Statement::new(coll);
        let Some(matching) = statement.lookup(filter) else { continue };
        let sql = format!("SELECT count(*) FROM (SELECT 1 {matching} LIMIT {})", RARE + 1);
        let found: i64 = conn
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&statement.params), |row| row.get(0))?;
        if found <= RARE && rarest.is_none_or(|(fewest, _)| found < fewest) {
            rarest = Some((found, place));
        }
    }
    Ok(rarest.map(|(_, place)| place))
}

/// A statement in the making; the first parameter is the collection.
struct Statement {
    sql: String,
    params: Vec<Value>,
}

impl Statement {
    fn new(coll: &str) -> Self {
        Self { sql: String::new(), params: vec![Value::Text(coll.to_owned())] }
    }

    /// Makes the statement for one page and a row more, which tells whether the list goes on.
    fn of(coll: &str, query: &Query, start: Option<usize>) -> Self {
        let mut statement = Self::new(coll);
        let order = if query.descending { "DESC" } else { "ASC" };
        let places = statement.places(query, start, order);
        // The places are found first, so that only the page's own bodies are read.
        statement.sql = format!(
            "SELECT p.value, p.key, d.body FROM ({places}) AS p
             CROSS JOIN docs AS d WHERE d.coll = ?1 AND d.key = p.key
             ORDER BY p.value {order}, p.key {order}"
        );
        statement
    }

    /// Returns the sub-select of the sort values and keys of the page.
    fn places(&mut self, query: &Query, start: Option<usize>, order: &str) -> String {
        let looked_up = start.and_then(|place| self.lookup(&query.filters[place]));
        let (from, value, key) = match (looked_up, query.sort) {
            (None, None) => ("docs AS s WHERE s.coll = ?1".to_owned(), "''", "s.key"),
            (None, Some(field)) => {
                let field = self.bind(field);
                (format!("fields AS s WHERE s.coll = ?1 AND s.field = {field}"), "s.value", "s.key")
            }
            (Some(found), None) => {
                (format!("(SELECT DISTINCT key {found}) AS r WHERE true"), "''", "r.key")
            }
            (Some(found), Some(field)) => {
                let field = self.bind(field);
                let from = format!(
                    "(SELECT DISTINCT key {found}) AS r CROSS JOIN fields AS s
                     WHERE s.coll = ?1 AND s.key = r.key AND s.field = {field}"
                );
                (from, "s.value", "r.key")
            }
        };
        let mut sql = format!("SELECT {value} AS value, {key} AS key FROM {from}");
        for (place, filter) in query.filters.iter().enumerate() {
            if start != Some(place) {
                sql.push_str(&self.test(filter, key));
            }
        }
        if let Some(cursor) = &query.after {
            let beyond = if query.descending { "<" } else { ">" };
            let last_key = self.bind(&cursor.key);
            sql.push_str(&match query.sort {
                None => format!(" AND {key} {beyond} {last_key}"),
                Some(_) => {
                    let last_value = self.bind(&cursor.value);
                    format!(" AND ({value}, {key}) {beyond} ({last_value}, {last_key})")
                }
            });
        }
        let sort = if query.sort.is_some() { format!("{value} {order}, ") } else { String::new() };
        let rows = query.limit.clamp(1, MOST_ITEMS) + 1;
        let rows = self.bind_value(Value::Integer(rows.into()));
        format!("{sql} ORDER BY {sort}{key} {order} LIMIT {rows}")
    }

    /// Returns `FROM … WHERE …` over the index entries that match, when the index leads to them.
    fn lookup(&mut self, filter: &Filter) -> Option<String> {
        match filter {
            Filter::In(..) | Filter::Below(..) | Filter::AtLeast(..) => {
                let (field, holds) = self.condition(filter);
                Some(format!("FROM fields WHERE coll = ?1 AND field = {field} AND {holds}"))
            }
            Filter::NotIn(..) | Filter::Contains(..) => None,
        }
    }

    /// Returns the condition that the document with this key passes the filter.
    fn test(&mut self, filter: &Filter, key: &str) -> String {
        let not = match filter {
            Filter::NotIn(..) => "NOT ",
            Filter::In(..) | Filter::Below(..) | Filter::AtLeast(..) | Filter::Contains(..) => "",
        };
        let (field, holds) = self.condition(filter);
        format!(
            " AND {not}EXISTS (SELECT 1 FROM fields
             WHERE coll = ?1 AND key = {key} AND field = {field} AND {holds})"
        )
    }

    /// Returns the filter's field and what must hold for one of its values.
    fn condition(&mut self, filter: &Filter) -> (String, String) {
        match filter {
            Filter::In(field, values) | Filter::NotIn(field, values) => {
                let field = self.bind(field);
                let values: Vec<_> = values.iter().map(|value| self.bind(value)).collect();
                (field, format!("value IN ({})", values.join(", ")))
            }
            Filter::Below(field, value) => {
                (self.bind(field), format!("value < {}", self.bind(value)))
            }
            Filter::AtLeast(field, value) => {
                (self.bind(field), format!("value >= {}", self.bind(value)))
            }
            Filter::Contains(field, part) => {
                // SQLite's `lower` knows ASCII only, which is what the filter promises.
                let part = self.bind(&part.to_ascii_lowercase());
                (self.bind(field), format!("instr(lower(value), {part}) > 0"))
            }
        }
    }

    fn bind(&mut self, text: &str) -> String {
        self.bind_value(Value::Text(text.to_owned()))
    }

    fn bind_value(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("?{}", self.params.len())
    }
}
