//! Keys of the login server, and what their signatures prove.
//!
//! **Invariant:** the key says which algorithms fit, never the token: a public key is no HMAC secret, and `none`
//! is no algorithm.

use aws_lc_rs::signature as lc;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Keys of a document that are read; no login server has so many.
const MOST_KEYS: usize = 64;

/// How a token is signed. What is not here is not taken: nothing with a shared secret, and not `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

/// The keys that a login server shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Vec<Key>);

/// One public key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, if its owner says so.
    only: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    P521(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key as RFC 7517 writes it, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The document behind `jwks_uri`.
#[derive(Debug, Deserialize)]
pub(super) struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Algorithm {
    /// Reads `alg` (RFC 7518, RFC 8037).
    pub(super) fn parse(word: &str) -> Option<Self> {
        let algorithm = match word {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        };
        Some(algorithm)
    }
}

impl From<KeySet> for Keys {
    /// Takes the keys that sign; a key of another kind does not spoil the others.
    fn from(set: KeySet) -> Self {
        let read = set.keys.into_iter().take(MOST_KEYS);
        Self(
            read.filter_map(|key| serde_json::from_value::<Jwk>(key).ok())
                .filter_map(Key::read)
                .collect(),
        )
    }
}

impl Keys {
    /// Whether there is none that could prove anything.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the key that a token names and that fits its algorithm. Without a name only the only one fits.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self.0.iter().filter(|key| key.fits(algorithm));
        match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }
}

impl Key {
    fn read(key: Jwk) -> Option<Self> {
        if key.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        // A key for an algorithm that is not taken is not taken either.
        let only = match &key.alg {
            Some(word) => Some(Algorithm::parse(word)?),
            None => None,
        };
        let material = match (key.kty.as_str(), key.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: number(key.n?)?, e: number(key.e?)? },
            ("EC", Some("P-256")) => Material::P256(point(key.x?, key.y?, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(key.x?, key.y?, 48)?),
            ("EC", Some("P-521")) => Material::P521(point(key.x?, key.y?, 66)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(key.x?)?),
            _ => return None,
        };
        Some(Self { id: key.kid, only, material })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm as A;
        if self.only.is_some_and(|only| only != algorithm) {
            return false;
        }
        match &self.material {
            Material::Rsa { .. } => {
                matches!(algorithm, A::Rs256 | A::Rs384 | A::Rs512 | A::Ps256 | A::Ps384 | A::Ps512)
            }
            Material::P256(_) => algorithm == A::Es256,
            Material::P384(_) => algorithm == A::Es384,
            Material::P521(_) => algorithm == A::Es512,
            Material::Ed25519(_) => algorithm == A::EdDsa,
        }
    }

    /// Says whether the owner of this key signed the message so. RSA keys below 2048 bits prove nothing.
    pub(super) fn has_signed(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let plain = |how: &'static lc::EcdsaVerificationAlgorithm, point: &[u8]| {
            lc::UnparsedPublicKey::new(how, point).verify(message, signature).is_ok()
        };
        match &self.material {
            Material::Rsa { n, e } => rsa(algorithm).is_some_and(|how| {
                lc::RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok()
            }),
            Material::P256(point) => plain(&lc::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => plain(&lc::ECDSA_P384_SHA384_FIXED, point),
            Material::P521(point) => plain(&lc::ECDSA_P521_SHA512_FIXED, point),
            Material::Ed25519(point) => {
                lc::UnparsedPublicKey::new(&lc::ED25519, point).verify(message, signature).is_ok()
            }
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static lc::RsaParameters> {
    use Algorithm as A;
    match algorithm {
        A::Rs256 => Some(&lc::RSA_PKCS1_2048_8192_SHA256),
        A::Rs384 => Some(&lc::RSA_PKCS1_2048_8192_SHA384),
        A::Rs512 => Some(&lc::RSA_PKCS1_2048_8192_SHA512),
        A::Ps256 => Some(&lc::RSA_PSS_2048_8192_SHA256),
        A::Ps384 => Some(&lc::RSA_PSS_2048_8192_SHA384),
        A::Ps512 => Some(&lc::RSA_PSS_2048_8192_SHA512),
        A::Es256 | A::Es384 | A::Es512 | A::EdDsa => None,
    }
}

fn bytes(text: String) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Reads a number, which the cryptography wants without leading zeros.
fn number(text: String) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

/// Writes a point uncompressed (SEC 1, 2.3.3).
fn point(x: String, y: String, length: usize) -> Option<Vec<u8>> {
    let (x, y) = (bytes(x)?, bytes(y)?);
    (x.len() == length && y.len() == length).then(|| [&[4][..], &x, &y].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(all: &serde_json::Value) -> Keys {
        serde_json::from_value::<KeySet>(json!({ "keys": all })).unwrap().into()
    }

    #[test]
    fn shared_secrets_and_no_algorithm_at_all_are_none_of_ours() {
        for word in ["none", "None", "", "HS256", "HS384", "HS512", "RS1", "rs256", "ES256K"] {
            assert_eq!(Algorithm::parse(word), None, "{word}");
        }
    }

    #[test]
    fn keys_that_cannot_sign_for_us_are_left_out() {
        let n = URL_SAFE_NO_PAD.encode([7; 256]);
        let all = keys(&json!([
            { "kty": "oct", "kid": "secret", "k": "AAAA", "alg": "HS256" },
            { "kty": "RSA", "kid": "crypt", "use": "enc", "n": n, "e": "AQAB" },
            { "kty": "RSA", "kid": "hs", "alg": "HS256", "n": n, "e": "AQAB" },
            { "kty": "EC", "kid": "short", "crv": "P-256", "x": "AAAA", "y": "AAAA" },
            { "kty": "EC", "kid": "other", "crv": "secp256k1", "x": "AAAA", "y": "AAAA" },
            { "no": "key" },
            "nonsense",
            { "kty": "RSA", "kid": "good", "use": "sig", "n": n, "e": "AQAB" },
        ]));

        assert_eq!(all.0.len(), 1);
        assert!(all.find(Some("good"), Algorithm::Ps384).is_some());
    }

    #[test]
    fn a_key_is_found_by_name_and_kind_and_without_a_name_only_when_it_is_alone() {
        let n = URL_SAFE_NO_PAD.encode([7; 256]);
        let one = json!({ "kty": "RSA", "kid": "a", "alg": "RS256", "n": n, "e": "AQAB" });
        let two = json!({ "kty": "RSA", "kid": "b", "n": n, "e": "AQAB" });
        let (alone, both) = (keys(&json!([one])), keys(&json!([one, two])));

        assert!(alone.find(None, Algorithm::Rs256).is_some());
        assert!(both.find(None, Algorithm::Rs256).is_none());
        assert!(both.find(Some("a"), Algorithm::Rs256).is_some());
        assert!(both.find(Some("a"), Algorithm::Rs384).is_none());
        assert!(both.find(Some("a"), Algorithm::Es256).is_none());
        assert!(both.find(Some("c"), Algorithm::Rs256).is_none());
        assert!(keys(&json!([])).is_empty());
    }
}
