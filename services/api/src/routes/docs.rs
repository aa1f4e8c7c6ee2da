//! The API's own description: the document, a page about it, a page about each problem code.
//!
//! The page is written here, from the document: it needs no script and fetches nothing.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use http::header;
use serde_json::Value;

use crate::problem::{Problem, catalog};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
code,pre{font:13px ui-monospace,monospace}pre{overflow:auto;padding:.6rem;background:#8881;border-radius:6px}\
summary{cursor:pointer;padding:.25rem 0}.m{display:inline-block;min-width:4.5em;font-weight:600}\
.r{opacity:.7}table{border-collapse:collapse}td{padding:.15rem .8rem .15rem 0;vertical-align:top}\
:root{color-scheme:light dark}";
/// Only the style above is inline.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// The document in both its forms, written once.
#[derive(Debug)]
pub(crate) struct Docs {
    json: Bytes,
    page: Bytes,
}

impl Docs {
    /// Writes both.
    pub(crate) fn new(document: utoipa::openapi::OpenApi) -> Self {
        let document = serde_json::to_value(document).unwrap_or_default();
        Self { json: document.to_string().into(), page: page(&document).into() }
    }
}

/// Serves the document.
pub(crate) async fn openapi(State(docs): State<Arc<Docs>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], docs.json.clone()).into_response()
}

/// Serves the page about it.
pub(crate) async fn viewer(State(docs): State<Arc<Docs>>) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(docs.page.clone())).into_response()
}

/// Serves the page about a problem code, which a problem's `type` leads to.
pub(crate) async fn problem(Path(code): Path<String>) -> Response {
    let Some(entry) = catalog::find(&code) else {
        return Problem::new("not_found", "there is no such problem code").into_response();
    };
    let catalog::Entry { code, status, title, meaning } = entry;
    let meaning = escaped(meaning);
    let text = format!(
        "<!doctype html><html lang=\"en\"><title>{code}</title><style>{STYLE}</style>\
         <h1><code>{code}</code></h1><p>{status} · {title}.</p><p>{meaning}</p></html>"
    );
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(text)).into_response()
}

fn page(document: &Value) -> String {
    let mut out = String::new();
    let about = escaped(text(&document["info"]["description"])).replace("\n\n", "</p><p>");
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>API</title><style>{STYLE}</style>\
         <h1>{}</h1><p>{about}</p><p><a href=\"/api/openapi.json\">openapi.json</a></p>",
        escaped(text(&document["info"]["title"]))
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = text(&tag["name"]);
        let _ =
            write!(out, "<h2>{}</h2><p>{}</p>", escaped(name), escaped(text(&tag["description"])));
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == name {
                    describe(&mut out, method, path, operation, document);
                }
            }
        }
    }
    out.push_str("<h2>problems</h2><table>");
    for entry in catalog::CATALOG {
        let catalog::Entry { code, status, title, .. } = entry;
        let _ = write!(
            out,
            "<tr><td>{status}<td><a href=\"/problems/{code}\"><code>{code}</code></a><td>{title}</tr>"
        );
    }
    out.push_str("</table></html>");
    out
}

fn describe(out: &mut String, method: &str, path: &str, operation: &Value, document: &Value) {
    let _ = write!(
        out,
        "<details><summary><span class=\"m\">{}</span><code>{}</code> {} <span class=\"r\">({})</span></summary><p>{}</p>",
        method.to_uppercase(),
        escaped(path),
        escaped(text(&operation["summary"])),
        escaped(text(&operation["x-least-role"])),
        escaped(text(&operation["description"])),
    );
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    out.push_str("<table>");
    for parameter in parameters {
        let need = if parameter["required"] == true { "required" } else { "" };
        let _ = write!(
            out,
            "<tr><td><code>{}</code><td>{}<td>{need}<td>{}</tr>",
            escaped(text(&parameter["name"])),
            escaped(text(&parameter["in"])),
            escaped(text(&parameter["description"])),
        );
    }
    out.push_str("</table>");
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        schema(out, "Body", body, document);
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let about = text(&response["description"]);
        let _ = write!(out, "<p>{status}: {}</p>", escaped(about));
        let content = &response["content"]["application/json"]["schema"];
        if !content.is_null() {
            schema(out, "Answer", content, document);
        }
    }
    out.push_str("</details>");
}

fn schema(out: &mut String, title: &str, schema: &Value, document: &Value) {
    let name = text(&schema["$ref"]).rsplit('/').next().unwrap_or_default();
    let whole = document["components"]["schemas"].get(name).unwrap_or(schema);
    let pretty = serde_json::to_string_pretty(whole).unwrap_or_default();
    let _ = write!(
        out,
        "<details><summary>{title} {}</summary><pre>{}</pre></details>",
        escaped(name),
        escaped(&pretty)
    );
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
