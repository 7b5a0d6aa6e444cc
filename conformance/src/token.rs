//! Recipes for tokens: the differences from a valid one.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::signing::{self, Key};
use crate::{base64url, workspace};

/// The audience of valid tokens.
pub(crate) const AUDIENCE: &str = "https://api.example";

/// A token, by its differences from a valid one: RFC 9068, ES256, scope `reports:read`, of `ada`,
/// for [`AUDIENCE`], valid for ten minutes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Recipe {
    /// The signing key's name. Default: `es256`.
    key: Option<String>,
    /// Header members to set. Texts like `now-5` stand for seconds since 1970.
    #[serde(default)]
    header: Map<String, Value>,
    /// Header members to leave out.
    #[serde(default)]
    without_header: Vec<String>,
    /// Claims to set.
    #[serde(default)]
    claims: Map<String, Value>,
    /// Claims to leave out.
    #[serde(default)]
    without: Vec<String>,
    /// The whole header, as text; `{header}` stands for the members that would be there.
    header_text: Option<String>,
    /// The whole payload, as text; `{claims}` stands for the claims that would be there.
    payload_text: Option<String>,
    /// The whole payload, as bytes in hexadecimal.
    payload_hex: Option<String>,
    /// Characters of padding in an additional claim.
    #[serde(default)]
    pad: usize,
    /// Changes after signing.
    tamper: Option<Tamper>,
    /// This text in place of a token.
    raw: Option<String>,
}

/// Changes after signing.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tamper {
    /// None, for twins.
    Nothing,
    /// One bit of the header, the payload, the signature.
    Header,
    Payload,
    Signature,
    /// `=` after a part.
    Padding,
    /// Unused bits at the end of the signature set.
    StrayBits,
    /// The alphabet of RFC 4648 section 4.
    PlainBase64,
    /// A line break in the payload part, as in MIME.
    LineBreak,
    /// No signature at all.
    EmptySignature,
    /// The signature's last byte missing.
    ShortSignature,
    /// A zero byte more.
    LongSignature,
    /// ECDSA's r and s both zero.
    ZeroSignature,
    /// Two parts, five parts.
    TwoParts,
    FiveParts,
    /// Flattened JSON (RFC 7515 section 7.2.2), base64url of it so that it fits a header.
    JsonSerialization,
    /// The payload not encoded, as `b64: false` has it (RFC 7797).
    Unencoded,
}

impl Recipe {
    /// The token, issued by `issuer`.
    pub(crate) fn make(&self, issuer: &str) -> Result<String, String> {
        if let Some(raw) = &self.raw {
            return Ok(raw.clone());
        }
        let name = self.key.as_deref().unwrap_or("es256");
        let key = signing::key(name).ok_or_else(|| format!("there is no key `{name}`"))?;
        let header = self.header(key);
        let algorithm = header["alg"].as_str().unwrap_or(key.algorithm).to_owned();
        let header_text = expand(self.header_text.as_deref(), "{header}", &header);
        let payload = self.payload(issuer)?;
        let mut encoded_payload = base64url(&payload);
        if self.tamper == Some(Tamper::Unencoded) {
            encoded_payload = String::from_utf8_lossy(&payload).into_owned();
        }
        let input = format!("{}.{encoded_payload}", base64url(header_text.as_bytes()));
        let signature = key.sign(&algorithm, input.as_bytes());
        let token = format!("{input}.{}", base64url(&signature));
        Ok(match self.tamper {
            Some(tamper) => tampered(&token, tamper),
            None => token,
        })
    }

    /// The same token for another user.
    pub(crate) fn of_user(&self, number: usize) -> Self {
        let mut token = self.clone();
        let user = format!("user-{number}");
        token.claims.insert("sub".to_owned(), user.into());
        token
    }

    /// This recipe with the differences in `other` applied.
    pub(crate) fn overlaid(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        merged.key = other.key.clone().or(merged.key);
        merged.header.extend(other.header.clone());
        merged.claims.extend(other.claims.clone());
        merged
            .without_header
            .retain(|name| !other.header.contains_key(name));
        merged
            .without
            .retain(|name| !other.claims.contains_key(name));
        merged.without_header.extend(other.without_header.clone());
        merged.without.extend(other.without.clone());
        if other.raw.is_some() {
            merged.raw.clone_from(&other.raw);
        }
        if other.header_text.is_some() {
            merged.header_text.clone_from(&other.header_text);
        }
        if other.payload_text.is_some() {
            merged.payload_text.clone_from(&other.payload_text);
            merged.payload_hex = None;
        }
        merged.tamper = other.tamper.or(merged.tamper);
        // A twin's repair replaces any change.
        if other.tamper == Some(Tamper::Nothing) {
            (merged.raw, merged.pad, merged.payload_hex) = (None, 0, None);
            merged.header_text.clone_from(&other.header_text);
            merged.payload_text.clone_from(&other.payload_text);
        }
        merged
    }

    fn header(&self, key: &Key) -> Value {
        let mut header = json!({ "alg": key.algorithm, "typ": "at+jwt", "kid": key.name });
        change(&mut header, &self.header, &self.without_header, "");
        header
    }

    fn payload(&self, issuer: &str) -> Result<Vec<u8>, String> {
        if let Some(hex) = &self.payload_hex {
            let digits = hex.as_bytes().chunks(2);
            return digits
                .map(|pair| {
                    let pair = std::str::from_utf8(pair).map_err(|error| error.to_string())?;
                    u8::from_str_radix(pair, 16).map_err(|error| error.to_string())
                })
                .collect();
        }
        let now = now();
        let mut claims = json!({
            "iss": issuer, "sub": "ada", "aud": AUDIENCE, "client_id": "app", "jti": "t1",
            "iat": now - 5, "exp": now + 600, "scope": "reports:read",
        });
        if self.pad > 0 {
            claims["pad"] = "x".repeat(self.pad).into();
        }
        change(&mut claims, &self.claims, &self.without, issuer);
        Ok(expand(self.payload_text.as_deref(), "{claims}", &claims).into_bytes())
    }
}

fn change(object: &mut Value, set: &Map<String, Value>, without: &[String], issuer: &str) {
    let Some(members) = object.as_object_mut() else {
        return;
    };
    for (name, value) in set {
        let mut value = value.clone();
        replace_texts(&mut value, issuer);
        members.insert(name.clone(), value);
    }
    for name in without {
        members.remove(name);
    }
}

/// Numbers of `now±seconds`, the issuer for `{issuer}`, its other origin for `{elsewhere}`, and
/// private keys of `keys/` for `{key name}` (`{escaped name}`: line ends as `\n`), at any depth.
pub(crate) fn replace_texts(value: &mut Value, issuer: &str) {
    match value {
        Value::String(text) => {
            let offset = text.strip_prefix("now").map(|rest| match rest {
                "" => Ok(0),
                rest => rest.parse::<i64>(),
            });
            if let Some(Ok(offset)) = offset {
                *value = (now() + offset).into();
            } else if text.contains('{') {
                *text = with_keys(text)
                    .replace("{issuer}", issuer)
                    .replace("{elsewhere}", &elsewhere(issuer));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| replace_texts(item, issuer)),
        Value::Object(members) => {
            members
                .values_mut()
                .for_each(|item| replace_texts(item, issuer));
        }
        _ => {}
    }
}

/// The same issuer on another origin: the next port.
pub(crate) fn elsewhere(issuer: &str) -> String {
    let Some((origin, path)) = issuer.split_once("/i/") else {
        return issuer.to_owned();
    };
    let (host, port) = origin.rsplit_once(':').unwrap_or((origin, ""));
    let next = port.parse::<u32>().map_or(0, |port| port + 1);
    format!("{host}:{next}/i/{path}")
}

fn with_keys(text: &str) -> String {
    for (mark, escaped) in [("{key ", false), ("{escaped ", true)] {
        let name = text
            .strip_prefix(mark)
            .and_then(|rest| rest.strip_suffix('}'));
        if let Some(name) = name {
            let file = workspace().join("conformance/keys").join(name);
            let key = std::fs::read_to_string(&file).unwrap_or_default();
            return if escaped {
                key.replace('\n', "\\n")
            } else {
                key
            };
        }
    }
    text.to_owned()
}

fn expand(text: Option<&str>, placeholder: &str, object: &Value) -> String {
    let whole = object.to_string();
    match text {
        None => whole,
        Some(text) => text.replace(placeholder, &whole[1..whole.len() - 1]),
    }
}

fn now() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

fn tampered(token: &str, tamper: Tamper) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let signature = Base64UrlUnpadded::decode_vec(&parts[2]).unwrap_or_default();
    match tamper {
        Tamper::Nothing | Tamper::Unencoded => {}
        Tamper::Header => neighbour(&mut parts[0]),
        Tamper::Payload => neighbour(&mut parts[1]),
        Tamper::Signature => neighbour(&mut parts[2]),
        Tamper::Padding => parts[2].push_str("=="),
        Tamper::StrayBits => {
            // 64 bytes leave four unused bits, all zero in the last character.
            let last = parts[2].pop().unwrap_or('A');
            parts[2].push(char::from_u32(u32::from(last) + 1).unwrap_or('B'));
        }
        Tamper::PlainBase64 => {
            parts[2] = parts[2].replace('-', "+").replace('_', "/");
            if !parts[2].contains(['+', '/']) {
                parts[2].replace_range(..1, "+");
            }
        }
        Tamper::LineBreak => parts[1].insert(8, '\t'),
        Tamper::EmptySignature => parts[2].clear(),
        Tamper::ShortSignature => parts[2] = base64url(&signature[..signature.len() - 1]),
        Tamper::LongSignature => parts[2] = base64url(&[&signature[..], &[0]].concat()),
        Tamper::ZeroSignature => parts[2] = base64url(&vec![0; signature.len()]),
        Tamper::TwoParts => {
            parts.pop();
        }
        Tamper::FiveParts => parts.extend(["AAAA".to_owned(), "AAAA".to_owned()]),
        Tamper::JsonSerialization => {
            let flattened =
                json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] });
            return base64url(flattened.to_string().as_bytes());
        }
    }
    parts.join(".")
}

/// Replaces the character in the middle by another one.
fn neighbour(part: &mut String) {
    let middle = part.len() / 2;
    let new = if part[middle..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    part.replace_range(middle..=middle, new);
}
