//! Lists must not read what they do not need: plans, and work counted in steps of SQLite's machine.

use rusqlite::StatementStatus;

use super::*;
use crate::embedded::open_memory;

const COLL: &str = "workers";
const ALL: u32 = 10_000;

fn is(field: &'static str, value: &str) -> Filter {
    Filter::In(field, vec![value.to_owned()])
}

/// Ten thousand documents with a frequent, a middling and a rare value, and a neighboring collection.
fn filled() -> Connection {
    let conn = open_memory().unwrap();
    conn.execute_batch(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {ALL} - 1),
              colls (coll) AS (VALUES ('{COLL}'), ('neighbors'))
         INSERT INTO docs SELECT coll, printf('k%05d', n), 1, 0, '{{}}' FROM n, colls;
         INSERT INTO fields SELECT coll, 'age', printf('%05d', 99999 - rowid), key FROM docs;
         INSERT INTO fields SELECT coll, 'kind', iif(rowid % 10 = 0, 'b', 'a'), key FROM docs;
         INSERT INTO fields SELECT coll, 'host', 'h' || (rowid % 500), key FROM docs;"
    ))
    .unwrap();
    conn
}

fn queries() -> Vec<(&'static str, Query)> {
    let all = Query::default().limit(100);
    let cursor = |value: &str, key: &str| Cursor { value: value.to_owned(), key: key.to_owned() };
    vec![
        ("by key", all.clone()),
        ("by key, later", all.clone().after(Some(cursor("", "k05000")))),
        ("by field", all.clone().by("age", false)),
        ("by field, later", all.clone().by("age", true).after(Some(cursor("90000", "k1")))),
        ("frequent", all.clone().and(is("kind", "a"))),
        ("frequent by field", all.clone().and(is("kind", "a")).by("age", true)),
        ("rare", all.clone().and(is("host", "h7"))),
        ("rare by field", all.clone().and(is("host", "h7")).by("age", true)),
        ("rare and frequent", all.clone().and(is("kind", "a")).and(is("host", "h7"))),
        ("absent", all.clone().and(is("host", "none")).by("age", false)),
        ("not in", all.clone().and(Filter::NotIn("kind", vec!["b".to_owned()]))),
        ("few below", all.clone().and(Filter::Below("age", "80100".to_owned())).by("age", false)),
        ("few at least", all.clone().and(Filter::AtLeast("age", "99950".to_owned()))),
        ("contains", all.and(Filter::Contains("host", "H".to_owned())).by("age", false)),
    ]
}

fn statement(conn: &Connection, query: &Query) -> Statement {
    Statement::of(COLL, query, rarest(conn, COLL, query).unwrap())
}

#[test]
fn no_list_scans_a_table() {
    let conn = filled();
    for (name, query) in queries() {
        let Statement { sql, params } = statement(&conn, &query);
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let details = plan.query_map(params_from_iter(&params), |row| row.get::<_, String>(3));
        for detail in details.unwrap().map(Result::unwrap) {
            // `p` and `r` are the sub-selects for the page and for the rare filter.
            let scan = detail.strip_prefix("SCAN ");
            assert!(scan.is_none_or(|what| ["p", "r"].contains(&what)), "{name}: {detail}\n{sql}");
            if let Some(search) = detail.strip_prefix("SEARCH ") {
                assert!(search.contains("(coll=?"), "{name}: {detail}\n{sql}");
            }
        }
    }
}

#[test]
fn a_page_costs_no_more_than_its_length() {
    let conn = filled();
    for (name, query) in queries() {
        let Statement { sql, params } = statement(&conn, &query);
        let mut prepared = conn.prepare(&sql).unwrap();

        let mut rows = prepared.query(params_from_iter(&params)).unwrap();
        while rows.next().unwrap().is_some() {}
        drop(rows);

        // A walk through all ten thousand takes more than 100,000.
        let steps = prepared.get_status(StatementStatus::VmStep);
        assert!(steps < 6_000, "{name} took {steps} steps\n{sql}");
    }
}
