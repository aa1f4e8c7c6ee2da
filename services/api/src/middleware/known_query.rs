//! Unknown query parameters are refused on every route: a typing error must not widen a list or be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};

use crate::problem::Problem;

/// The query parameters of each path and method, as the OpenAPI document has them.
#[derive(Debug)]
pub(crate) struct Known(BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>);

impl Known {
    /// Takes them from the document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self(paths.map(|(path, item)| (path.clone(), methods(item))).collect())
    }

    fn unknown<'a>(
        &self,
        path: &str,
        method: &str,
        query: &'a str,
    ) -> Option<std::borrow::Cow<'a, str>> {
        // HEAD is answered by the handler of GET.
        let method = if method == "HEAD" { "GET" } else { method };
        let known = self.0.get(path)?.get(method)?;
        url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, _)| name)
            .find(|name| !known.contains(name.as_ref()))
    }
}

fn methods(item: &PathItem) -> BTreeMap<&'static str, BTreeSet<String>> {
    let all = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, names(operation.as_ref()?))))
        .collect()
}

fn names(operation: &Operation) -> BTreeSet<String> {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .filter(|parameter| parameter.parameter_in == ParameterIn::Query)
        .map(|parameter| parameter.name.clone())
        .collect()
}

/// Refuses a request with a query parameter that its route does not have.
pub(crate) async fn only_known(
    State(known): State<Arc<Known>>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    match known.unknown(path.as_str(), request.method().as_str(), query) {
        Some(name) => {
            let pointer = format!("query/{name}");
            Problem::field("invalid_query", &pointer, "is no parameter of this route")
                .into_response()
        }
        None => next.run(request).await,
    }
}
