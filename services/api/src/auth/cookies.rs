//! Cookies, and where a browser thinks that it is.

use std::net::IpAddr;

use anyhow::ensure;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

/// Where a browser reaches us: what it shows in front of the first slash.
///
/// Over plain HTTP that is loopback alone; everything else is HTTPS, whoever ends it. So a cookie never travels
/// unencrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    origin: String,
    is_safe: bool,
}

/// A cookie of ours. Its name says that it can only have come from this very host, wherever browsers support that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    safe: &'static str,
    plain: &'static str,
    /// Whether it comes along when another site leads here.
    same_site: &'static str,
}

/// Who is logged in.
pub(super) const SESSION: Cookie =
    Cookie { safe: "__Host-ccm_session", plain: "ccm_session", same_site: "Strict" };

/// Who is about to log in: the login server leads back here, so it has to come along.
pub(super) const ATTEMPT: Cookie =
    Cookie { safe: "__Host-ccm_login", plain: "ccm_login", same_site: "Lax" };

impl Site {
    /// Takes the address that is configured.
    ///
    /// # Errors
    /// When it is no bare address, or would have cookies travel unencrypted.
    pub(super) fn configured(url: &Url) -> anyhow::Result<Self> {
        let is_safe = url.scheme() == "https";
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_local = url.scheme() == "http" && url.host_str().is_some_and(is_loopback);
        ensure!(
            (is_safe || is_local) && is_bare && url.has_host() && url.username().is_empty(),
            "auth.oidc.public_url must be https:// and a host, with nothing behind it"
        );
        Ok(Self { origin: url.origin().ascii_serialization(), is_safe })
    }

    /// Takes the address that a request names.
    pub(super) fn named(headers: &HeaderMap) -> Option<Self> {
        let authority: Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
        let is_safe = !is_loopback(authority.host());
        let scheme = if is_safe { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{authority}")).ok()?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        is_plain.then(|| Self { origin: url.origin().ascii_serialization(), is_safe })
    }

    /// Returns an address below it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Whether a browser that says it comes from there comes from here.
    pub(super) fn is_origin(&self, origin: &HeaderValue) -> bool {
        origin.as_bytes() == self.origin.as_bytes()
    }
}

impl Cookie {
    /// Returns what the browser sent.
    pub(super) fn read<'a>(&self, site: &Site, headers: &'a HeaderMap) -> Option<&'a str> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == self.name(site)).then_some(value))
    }

    /// Makes a browser keep a value of letters, digits, `-`, `_` and `.` for so many seconds.
    pub(super) fn set(&self, site: &Site, value: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = if site.is_safe { "; Secure" } else { "" };
        let (name, same_site) = (self.name(site), self.same_site);
        let text = format!(
            "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"
        );
        HeaderValue::try_from(text).ok().map(|mut header| {
            header.set_sensitive(true);
            header
        })
    }

    /// Makes a browser forget it.
    pub(super) fn clear(&self, site: &Site) -> Option<HeaderValue> {
        self.set(site, "", 0)
    }

    const fn name(&self, site: &Site) -> &'static str {
        if site.is_safe { self.safe } else { self.plain }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Returns a path of ours to go on at after the login: never an address of others, and no door of the login itself.
pub(super) fn way_back(asked: Option<&str>) -> &str {
    let Some(path) = asked else { return "/" };
    // What browsers take for a slash, or leave out before they look.
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let is_ours = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/auth/");
    if is_plain && is_ours && path.len() <= 2048 { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(host: &str) -> Option<Site> {
        Site::named(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]))
    }

    #[test]
    fn a_site_is_https_unless_it_is_loopback() {
        for (host, origin) in [
            ("ccm.example.com", Some("https://ccm.example.com")),
            ("ccm.example.com:8443", Some("https://ccm.example.com:8443")),
            ("10.0.0.7:8080", Some("https://10.0.0.7:8080")),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("[::1]:8080", Some("http://[::1]:8080")),
            ("LOCALHOST", Some("http://localhost")),
            ("localhost.evil.example", Some("https://localhost.evil.example")),
            ("ann@ccm.example.com", None),
            ("a b", None),
        ] {
            assert_eq!(site(host).map(|site| site.origin).as_deref(), origin, "{host}");
        }
    }

    #[test]
    fn a_configured_site_is_a_bare_address_that_keeps_cookies_safe() {
        for (url, fits) in [
            ("https://ccm.example.com", true),
            ("http://localhost:8080/", true),
            ("http://ccm.example.com", false),
            ("https://ccm.example.com/ccm", false),
            ("https://ann@ccm.example.com", false),
            ("ftp://localhost", false),
        ] {
            assert_eq!(Site::configured(&url.parse().unwrap()).is_ok(), fits, "{url}");
        }
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_from_other_sites_and_from_plain_http() {
        let (safe, local) = (site("ccm.example.com").unwrap(), site("localhost:8080").unwrap());

        assert_eq!(
            SESSION.set(&safe, "abc", 60).unwrap(),
            "__Host-ccm_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            ATTEMPT.clear(&local).unwrap(),
            "ccm_login=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; ccm_session=plain".parse().unwrap());
        headers.append(header::COOKIE, "__Host-ccm_session=safe".parse().unwrap());
        assert_eq!(SESSION.read(&safe, &headers), Some("safe"));
        assert_eq!(SESSION.read(&local, &headers), Some("plain"));
        assert_eq!(ATTEMPT.read(&safe, &headers), None);
    }

    #[test]
    fn the_way_back_never_leads_elsewhere() {
        for path in ["/", "/workers?state=running&q=a%20b", "/labs#top", "/a//b", "/authors"] {
            assert_eq!(way_back(Some(path)), path);
        }
        for path in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "evil",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "javascript:alert(1)",
            "",
            "/auth/login",
            "/auth/logout",
            "/ä",
            &format!("/{}", "a".repeat(2048)),
        ] {
            assert_eq!(way_back(Some(path)), "/", "{path:?}");
        }
        assert_eq!(way_back(None), "/");
    }
}
