//! `[[relay.sinks]]` as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ccm_config::{Secret, Secrets};
use ccm_domain::SinkName;
use ccm_events::signature::SigningKey;
use reqwest::Certificate;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use url::{Host, Url};

use super::address::is_private;
use super::{SinkSpec, names_a_durable_type};

/// Headers that are ours, or the connection's; the signature's all begin with `webhook-`.
const OURS: [&str; 8] = [
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "host",
    "te",
    "upgrade",
    "expect",
];

/// `[[relay.sinks]]`: one place outside that events are sent to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSection {
    /// Under this name it is kept and shown, unless set that of its host; another name is another sink.
    #[serde(default)]
    pub name: Option<SinkName>,
    /// Where to send; `https`. Paths and queries of webhooks are often secret, so it is shown nowhere.
    pub url: Secret,
    /// Patterns of event types: `worker.created`, `worker.*`, `*`; empty for all.
    #[serde(default)]
    pub types: Vec<String>,
    /// Secrets of Standard Webhooks, `whsec_…`; several while one is replaced. Unsigned without.
    #[serde(default)]
    pub secret: Secrets,
    /// Further headers, such as `authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Whether it may be on a private, loopback or link-local address.
    #[serde(default)]
    pub allow_private: bool,
    /// Whether it may be sent to without TLS.
    #[serde(default)]
    pub allow_http: bool,
    /// PEM file of the authorities to trust instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl SinkSection {
    /// Returns what is wrong with a list of sinks, one sentence each; no secret is repeated.
    #[must_use]
    pub fn check_all(sections: &[Self]) -> Vec<String> {
        let mut names = BTreeSet::new();
        let mut faults = Vec::new();
        for (nth, section) in sections.iter().enumerate() {
            let mut told = section.read().err().unwrap_or_default();
            if let Some(name) = section.name()
                && !names.insert(name.clone())
            {
                told.push(format!("name \"{name}\" is that of another sink; give each its own"));
            }
            faults.extend(told.into_iter().map(|fault| format!("relay.sinks[{nth}].{fault}")));
        }
        faults
    }

    /// Returns what is legal but risky, one sentence each.
    #[must_use]
    pub fn warn_all(sections: &[Self]) -> Vec<String> {
        let unsigned = sections.iter().filter(|section| section.secret.is_empty());
        let warn = |name: SinkName| {
            format!("relay.sinks: \"{name}\" has no secret, so its receiver cannot know who sends")
        };
        unsigned.filter_map(Self::name).map(warn).collect()
    }

    /// Returns its name; none when it has none and no address either.
    pub(crate) fn name(&self) -> Option<SinkName> {
        if let Some(name) = &self.name {
            return Some(name.clone());
        }
        let url = Url::parse(self.url.expose()).ok()?;
        let port = url.port().map(|port| format!("-{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str()?).to_ascii_lowercase();
        let slug = host.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        slug.trim_matches('-').chars().take(64).collect::<String>().parse().ok()
    }

    /// Reads it.
    ///
    /// # Errors
    /// Everything that is wrong, as sentences that begin with the key.
    pub(crate) fn read(&self) -> Result<SinkSpec, Vec<String>> {
        let mut faults = Vec::new();
        let mut keep = |fault: String| faults.push(fault);
        let name = self.name();
        let url = self.read_url().map_err(&mut keep).ok();
        let keys = self.read_keys().map_err(&mut keep).ok();
        let headers = self.read_headers().map_err(&mut keep).ok();
        let authorities = self.read_authorities().map_err(&mut keep).ok();
        for pattern in self.types.iter().filter(|pattern| !names_a_durable_type(pattern)) {
            keep(format!("types: \"{pattern}\" names no event type that is kept in the log"));
        }
        if url.is_some() && name.is_none() {
            keep("name: none can be made of the address, so set one".to_owned());
        }
        match (name, url, keys, headers, authorities) {
            (Some(name), Some(url), Some(keys), Some(headers), Some(authorities))
                if faults.is_empty() =>
            {
                Ok(SinkSpec {
                    name,
                    url,
                    types: self.types.clone(),
                    keys,
                    headers,
                    allow_private: self.allow_private,
                    authorities,
                })
            }
            _ => Err(faults),
        }
    }

    fn read_url(&self) -> Result<Url, String> {
        let url = Url::parse(self.url.expose()).map_err(|err| format!("url: {err}"))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            "http" => return Err("url must be https, unless allow_http is set".to_owned()),
            other => return Err(format!("url must be https, not {other}")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url must have no user; set headers.authorization instead".to_owned());
        }
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            Some(Host::Domain(_)) | None => None,
        };
        if literal.is_some_and(is_private) && !self.allow_private {
            return Err("url is a private address; set allow_private if that is meant".to_owned());
        }
        Ok(url)
    }

    fn read_keys(&self) -> Result<Vec<SigningKey>, String> {
        let keys: Result<Vec<SigningKey>, _> = self.secret.expose().map(str::parse).collect();
        keys.map_err(|err| format!("secret: {err}"))
    }

    fn read_headers(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let key: HeaderName =
                name.parse().map_err(|_| format!("headers: \"{name}\" is no header name"))?;
            if OURS.contains(&key.as_str()) || key.as_str().starts_with("webhook-") {
                return Err(format!("headers: \"{name}\" is set by the relay itself"));
            }
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| format!("headers: the value of \"{name}\" must be visible ASCII"))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        Ok(headers)
    }

    fn read_authorities(&self) -> Result<Option<Vec<u8>>, String> {
        let Some(file) = &self.ca_file else { return Ok(None) };
        let unusable = |reason: String| format!("ca_file: cannot use {}: {reason}", file.display());
        let pem = std::fs::read(file).map_err(|err| unusable(err.to_string()))?;
        match Certificate::from_pem_bundle(&pem) {
            Ok(found) if !found.is_empty() => Ok(Some(pem)),
            Ok(_) => Err(unusable("it holds no certificate".to_owned())),
            Err(err) => Err(unusable(err.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn section(url: &str) -> SinkSection {
        SinkSection {
            name: Some("audit".parse().unwrap()),
            url: url.into(),
            types: Vec::new(),
            secret: [SECRET].into_iter().collect(),
            headers: BTreeMap::new(),
            allow_private: false,
            allow_http: false,
            ca_file: None,
        }
    }

    fn fault(section: SinkSection) -> String {
        SinkSection::check_all(&[section]).join("; ")
    }

    #[test]
    fn an_address_must_be_public_and_encrypted_unless_said_otherwise() {
        for (url, allow_http, allow_private, expected) in [
            ("https://hooks.example/x?key=hunter2", false, false, ""),
            ("http://hooks.example/x", false, false, "url must be https, unless"),
            ("http://hooks.example/x", true, false, ""),
            ("ftp://hooks.example/x", true, true, "url must be https, not ftp"),
            ("https://127.0.0.1:8443/x", false, false, "private address"),
            ("https://[::1]/x", false, false, "private address"),
            // The same address in other words.
            ("https://2130706433/x", false, false, "private address"),
            ("https://0x7f.1/x", false, false, "private address"),
            ("https://10.1.2.3/x", false, true, ""),
            ("https://ann:hunter2@hooks.example/x", false, false, "headers.authorization"),
            ("hooks.example/hunter2", false, false, "url: relative URL without a base"),
        ] {
            let told = fault(SinkSection { allow_http, allow_private, ..section(url) });
            assert!(!told.contains("hunter2"), "{told}");
            assert_eq!(told.is_empty(), expected.is_empty(), "{url}: {told}");
            assert!(told.contains(expected), "{url}: {told}");
        }
    }

    #[test]
    fn types_must_be_ones_that_are_kept() {
        for (pattern, fits) in [
            ("worker.*", true),
            ("*", true),
            ("io.ccm.lab.created.v1", true),
            ("worker.metrics", false),
            ("worker.exploded", false),
            ("worker", false),
        ] {
            let types = vec![pattern.to_owned()];
            let told = fault(SinkSection { types, ..section("https://a.example") });
            assert_eq!(told.is_empty(), fits, "{pattern}: {told}");
        }
    }

    #[test]
    fn secrets_and_headers_are_checked_and_not_repeated() {
        let secret = ["hunter2"].into_iter().collect();
        let told = fault(SinkSection { secret, ..section("https://a.example") });
        assert!(told.contains("sinks[0].secret: expected whsec_"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");

        for (name, value, expected) in [
            ("authorization", "Bearer hunter2", ""),
            ("webhook-id", "hunter2", "set by the relay"),
            ("Content-Type", "hunter2", "set by the relay"),
            ("a b", "hunter2", "no header name"),
            ("x-key", "hunter2\n", "visible ASCII"),
        ] {
            let headers = BTreeMap::from([(name.to_owned(), Secret::from(value))]);
            let told = fault(SinkSection { headers, ..section("https://a.example") });
            assert_eq!(told.is_empty(), expected.is_empty(), "{name}: {told}");
            assert!(told.contains(expected) && !told.contains("hunter2"), "{name}: {told}");
        }
    }

    #[test]
    fn names_are_given_once() {
        let twins = [section("https://a.example"), section("https://b.example")];

        let told = SinkSection::check_all(&twins);

        let expected = "relay.sinks[1].name \"audit\" is that of another sink; give each its own";
        assert_eq!(told, [expected]);
    }

    #[test]
    fn a_sink_without_a_name_has_that_of_its_host() {
        for (url, name) in [
            ("https://Hooks.example/T0/hunter2", Some("hooks-example")),
            ("https://hooks.example:8443/", Some("hooks-example-8443")),
            ("https://[2600::1]/x", Some("2600--1")),
            ("hunter2", None),
        ] {
            let section = SinkSection { name: None, ..section(url) };

            assert_eq!(section.name().map(|name| name.to_string()).as_deref(), name, "{url}");
        }
    }

    #[test]
    fn a_sink_without_a_secret_is_risky() {
        let unsigned = SinkSection { secret: Secrets::default(), ..section("https://a.example") };

        assert_eq!(SinkSection::check_all(std::slice::from_ref(&unsigned)), [""; 0]);
        assert_eq!(SinkSection::warn_all(&[section("https://a.example"), unsigned]).len(), 1);
    }

    #[test]
    fn what_is_shown_of_an_address_holds_no_secret() {
        let sink = section("https://hooks.example:8443/T0/hunter2?k=hunter2").read().unwrap();

        assert_eq!(sink.target(), "https://hooks.example:8443");
        assert!(!format!("{sink:?}").contains("hunter2"));
    }
}
