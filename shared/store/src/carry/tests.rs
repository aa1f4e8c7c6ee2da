use serde_json::json;

use super::*;

fn carried(stored: Value, known: &Value, wanted: &Value) -> Value {
    let mut result = wanted.clone();
    over(stored, known, &mut result);
    result
}

#[test]
fn what_is_not_known_stays_and_what_is_wanted_wins() {
    for (stored, known, wanted, result) in [
        // A member that is not known, at any depth.
        (
            json!({ "a": 1, "new": 2 }),
            json!({ "a": 1 }),
            json!({ "a": 3 }),
            json!({ "a": 3, "new": 2 }),
        ),
        (
            json!({ "s": { "a": 1, "new": 2 }, "rev": 1 }),
            json!({ "s": { "a": 1 }, "rev": 1 }),
            json!({ "s": { "a": 1 }, "rev": 2 }),
            json!({ "s": { "a": 1, "new": 2 }, "rev": 2 }),
        ),
        (
            json!({ "s": { "a": 1, "new": 2 } }),
            json!({ "s": { "a": 1 } }),
            json!({ "s": { "a": 5 } }),
            json!({ "s": { "a": 5, "new": 2 } }),
        ),
        // A word that was understood as another one, and left.
        (
            json!({ "state": "hibernated", "rev": 1 }),
            json!({ "state": "unknown", "rev": 1 }),
            json!({ "state": "unknown", "rev": 2 }),
            json!({ "state": "hibernated", "rev": 2 }),
        ),
        (
            json!({ "state": "hibernated" }),
            json!({ "state": "unknown" }),
            json!({ "state": "stopped" }),
            json!({ "state": "stopped" }),
        ),
        // A tag that is taken away is known, and does not come back.
        (
            json!({ "tags": { "a": 1, "b": 2 } }),
            json!({ "tags": { "a": 1, "b": 2 } }),
            json!({ "tags": { "a": 1 } }),
            json!({ "tags": { "a": 1 } }),
        ),
        // Elements by their ids; new ones and those that are gone.
        (
            json!({ "o": [{ "id": 1, "a": 1, "new": 7 }, { "id": 2, "a": 1, "new": 8 }] }),
            json!({ "o": [{ "id": 1, "a": 1 }, { "id": 2, "a": 1 }] }),
            json!({ "o": [{ "id": 3, "a": 1 }, { "id": 1, "a": 2 }] }),
            json!({ "o": [{ "id": 3, "a": 1 }, { "id": 1, "a": 2, "new": 7 }] }),
        ),
        // Nothing is left of what has no name to be told apart by.
        (json!({ "l": [1, 2] }), json!({ "l": [1, 2] }), json!({ "l": [2] }), json!({ "l": [2] })),
        (
            json!({ "a": { "new": 1 } }),
            json!({ "a": {} }),
            json!({ "a": null }),
            json!({ "a": null }),
        ),
    ] {
        assert_eq!(carried(stored.clone(), &known, &wanted), result, "{stored} {wanted}");
    }
}
