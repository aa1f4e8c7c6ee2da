//! The web UI, embedded: hashed files for ever, the page itself never from a cache.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use rust_embed::RustEmbed;

use crate::problem::Problem;

/// What `npm run build` in `web/` leaves here; empty in a fresh clone.
#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

const PAGE: &str = "index.html";
/// Below this, names carry a hash of the content.
const HASHED: &str = "assets/";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>CML Cloud Manager</title>\
<h1>The web UI is not built into this binary</h1>\
<p>Run <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>, then build again; \
<code>make run</code> does both.</p>\
<p>The API works: see <a href=\"/api/docs\">/api/docs</a>.</p></html>";

/// Answers what no route does: files of the UI, and its page for every address of its own.
pub(crate) async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api"
        || path.starts_with("api/")
        || path.starts_with("problems/")
        || path.starts_with("auth/")
    {
        return no_such_route(&uri);
    }
    if method != Method::GET && method != Method::HEAD {
        return Problem::new("method_not_allowed", "pages can only be read").into_response();
    }
    if let Some(file) =
        (!path.is_empty() && !path.starts_with('.')).then(|| Assets::get(path)).flatten()
    {
        return serve(path, file);
    }
    // A missing script must not be answered with a page, or browsers run into odd errors.
    let asks_for_page = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"));
    let has_extension = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if path.starts_with(HASHED) || has_extension || !asks_for_page {
        return no_such_route(&uri);
    }
    match Assets::get(PAGE) {
        Some(page) => serve(PAGE, page),
        None => (StatusCode::OK, Html(NOT_BUILT)).into_response(),
    }
}

fn no_such_route(uri: &Uri) -> Response {
    Problem::new("no_such_route", format!("there is nothing at {}", uri.path())).into_response()
}

fn serve(path: &str, file: rust_embed::EmbeddedFile) -> Response {
    let headers =
        [(header::CONTENT_TYPE, media_type(path)), (header::CACHE_CONTROL, keep_time(path))];
    (headers, file.data.into_owned()).into_response()
}

fn keep_time(path: &str) -> &'static str {
    if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else if path == PAGE {
        "no-store"
    } else {
        "public, max-age=3600"
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, accept: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        fallback(Method::GET, path.parse().unwrap(), headers).await
    }

    #[tokio::test]
    async fn the_page_answers_for_every_address_of_the_ui() {
        for path in ["/", "/workers/abc", "/labs"] {
            let response = get(path, "text/html").await;
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8", "{path}");
        }
    }

    #[test]
    fn the_page_is_never_kept_and_what_it_names_is_kept_for_ever() {
        assert_eq!(keep_time("index.html"), "no-store");
        assert!(keep_time("assets/index-Cx81.js").contains("immutable"));
        assert!(!keep_time("favicon.svg").contains("immutable"));
        assert_eq!(media_type("assets/index-Cx81.js"), "text/javascript; charset=utf-8");
        assert_eq!(media_type("assets/odd"), "application/octet-stream");
    }

    #[tokio::test]
    async fn missing_files_and_api_addresses_are_not_answered_with_the_page() {
        for (path, accept) in [
            ("/assets/index-12345678.js", "*/*"),
            ("/favicon.png", "text/html"),
            ("/api/v1/nothing", "text/html"),
            ("/api", "text/html"),
            ("/workers", "application/json"),
            ("/.gitkeep", "text/html"),
        ] {
            assert_eq!(get(path, accept).await.status(), 404, "{path}");
        }
    }
}
