//! Dev mode: the caller chooses a role. Loopback alone keeps others out, so pages of others must be kept
//! out too: by host name (DNS rebinding) and by origin (cross-site requests).

use std::net::IpAddr;

use ccm_domain::{Actor, ActorKind, Role};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, header};

use crate::problem::Problem;

const ROLE_HEADER: &str = "x-ccm-role";
const USER_HEADER: &str = "x-ccm-user";
const ROLE_COOKIE: &str = "ccm_dev_role";
/// Who asks when nobody says.
const NOBODY_SAYS: &str = "dev";
const LONGEST_NAME: usize = 64;

/// Returns who the caller wants to be: by header, else by cookie, else an administrator.
pub(super) fn actor_of(headers: &HeaderMap) -> Result<Actor, Problem> {
    let role = match text(headers, ROLE_HEADER)? {
        Some(word) => Some(role(word).ok_or_else(|| {
            unauthenticated("header/X-CCM-Role", "must be viewer, operator or admin")
        })?),
        None => cookie(headers, ROLE_COOKIE)
            .map(|word| {
                let detail = "must be viewer, operator or admin";
                role(word).ok_or_else(|| unauthenticated("header/Cookie/ccm_dev_role", detail))
            })
            .transpose()?,
    };
    let name = text(headers, USER_HEADER)?.unwrap_or(NOBODY_SAYS);
    let fits = (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@'));
    if !fits {
        let detail = "must have 1 to 64 letters, digits, '-', '_', '.' or '@'";
        return Err(unauthenticated("header/X-CCM-User", detail));
    }
    Ok(Actor::new(ActorKind::Person, name, [role.unwrap_or(Role::Admin)]))
}

/// Refuses what a foreign page may have sent.
pub(super) fn must_be_ours<B>(request: &Request<B>) -> Result<(), Problem> {
    let headers = request.headers();
    let named = request.uri().authority().cloned().or_else(|| host(headers));
    let ours = named.filter(is_loopback).ok_or_else(|| {
        Problem::new(
            "foreign_host",
            "dev mode answers requests to localhost and loopback addresses only",
        )
    })?;
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return Ok(());
    }
    let foreign = || Problem::new("foreign_origin", "a page of another site may not do this");
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().ok().and_then(|text| text.parse::<http::Uri>().ok());
        let same = origin.and_then(|uri| uri.authority().cloned()).is_some_and(|from| from == ours);
        return if same { Ok(()) } else { Err(foreign()) };
    }
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(foreign()),
    }
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let named = host.eq_ignore_ascii_case("localhost");
    named || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn role(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == word)
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let readable = value.to_str().ok();
    readable.map(Some).ok_or_else(|| unauthenticated(&format!("header/{name}"), "must be ASCII"))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

fn unauthenticated(pointer: &str, detail: &str) -> Problem {
    Problem::field("unauthenticated", pointer, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
        let build = Request::builder().method(method).uri("/api/v1/workers");
        headers
            .iter()
            .fold(build, |build, (name, value)| build.header(*name, *value))
            .body(())
            .unwrap()
    }

    fn who(headers: &[(&str, &str)]) -> Result<(String, Vec<Role>), &'static str> {
        actor_of(request("GET", headers).headers())
            .map(|actor| (actor.name, actor.roles.into_iter().collect()))
            .map_err(|problem| problem.code())
    }

    #[test]
    fn the_caller_chooses_a_role_by_header_then_by_cookie() {
        assert_eq!(who(&[]), Ok(("dev".to_owned(), vec![Role::Admin])));
        assert_eq!(who(&[("cookie", "a=b; ccm_dev_role=viewer")]).unwrap().1, [Role::Viewer]);
        let both =
            [("x-ccm-role", "operator"), ("cookie", "ccm_dev_role=viewer"), ("x-ccm-user", "ada")];
        assert_eq!(who(&both), Ok(("ada".to_owned(), vec![Role::Operator])));
    }

    #[test]
    fn a_role_or_name_that_is_none_is_nobody() {
        for headers in [
            [("x-ccm-role", "root")],
            [("x-ccm-role", "")],
            [("cookie", "ccm_dev_role=Admin")],
            [("x-ccm-user", "a b")],
            [("x-ccm-user", "")],
        ] {
            assert_eq!(who(&headers), Err("unauthenticated"), "{headers:?}");
        }
    }

    #[test]
    fn foreign_hosts_and_pages_are_refused() {
        let local = ("host", "127.0.0.1:8080");
        for (method, headers, expected) in [
            ("GET", vec![local], Ok(())),
            ("GET", vec![("host", "localhost:5173")], Ok(())),
            ("GET", vec![("host", "[::1]:8080")], Ok(())),
            ("GET", vec![("host", "ccm.evil.example:8080")], Err("foreign_host")),
            ("GET", vec![("host", "localhost.evil.example")], Err("foreign_host")),
            ("GET", vec![], Err("foreign_host")),
            ("POST", vec![local], Ok(())),
            ("POST", vec![local, ("origin", "http://127.0.0.1:8080")], Ok(())),
            ("POST", vec![local, ("origin", "http://127.0.0.1:9999")], Err("foreign_origin")),
            ("POST", vec![local, ("origin", "https://evil.example")], Err("foreign_origin")),
            ("POST", vec![local, ("origin", "null")], Err("foreign_origin")),
            ("POST", vec![local, ("sec-fetch-site", "cross-site")], Err("foreign_origin")),
            ("POST", vec![local, ("sec-fetch-site", "same-origin")], Ok(())),
        ] {
            let outcome =
                must_be_ours(&request(method, &headers)).map_err(|problem| problem.code());
            assert_eq!(outcome, expected, "{method} {headers:?}");
        }
    }
}
