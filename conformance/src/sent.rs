//! Compares the requests to an issuer's token endpoint and an API with the expectation of a check.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::expectation::Context;
use crate::issuer::Asked;
use crate::signature_host;
use crate::token_endpoint::{Received, TokenRequest};

/// RFC 7523 section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The expected requests so far.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SentExpectation {
    /// How many token requests, exactly.
    token_requests: Option<usize>,
    /// Parameters of the last one: the value, a list of all values, `-` for none, `*` for any.
    #[serde(default)]
    form: BTreeMap<String, Value>,
    /// Its headers: the value, `-` for none, `*` for any.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Its client assertion, which the keys must verify that the target publishes.
    pub(crate) assertion: Option<AssertionExpectation>,
    /// How many calls of the API, exactly.
    calls: Option<usize>,
    /// The last call's `method`, `path`, `body` and headers, as for `headers`.
    #[serde(default)]
    call: BTreeMap<String, String>,
}

/// The content of a client assertion.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AssertionExpectation {
    /// Claims, and members of the header; `*` is any.
    #[serde(default)]
    claims: BTreeMap<String, String>,
    #[serde(default)]
    header: BTreeMap<String, String>,
    /// From `iat` to `exp`, in seconds, at most.
    lifetime: Option<i64>,
}

/// Changes to the recorded requests, which simulate a client with the fault.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SentFault {
    /// The number of additional token requests and calls.
    #[serde(default)]
    token_requests: usize,
    #[serde(default)]
    calls: usize,
    /// The number of additional fetches of metadata and keys.
    #[serde(default)]
    metadata_fetches: usize,
    #[serde(default)]
    jwks_fetches: usize,
    /// Parameters to set. `-` removes one.
    #[serde(default)]
    form: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    call: BTreeMap<String, String>,
    /// Members of an assertion's claims, and of its header, that are set.
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default)]
    header: Map<String, Value>,
    /// Whether an assertion's signature is changed.
    #[serde(default)]
    unsigned: bool,
}

impl SentFault {
    /// Applies the fault to the counts of the issuer's requests.
    pub(crate) fn count(&self, asked: Asked) -> Asked {
        Asked {
            metadata: asked.metadata + self.metadata_fetches,
            jwks: asked.jwks + self.jwks_fetches,
        }
    }

    /// Applies the fault to the recorded requests.
    pub(crate) fn apply(&self, received: &mut Received) {
        for _ in 0..self.token_requests {
            received
                .token_requests
                .extend(received.token_requests.last().cloned());
        }
        for _ in 0..self.calls {
            received.calls.extend(received.calls.last().cloned());
        }
        for request in &mut received.token_requests {
            for (name, value) in &self.form {
                request.form.retain(|(own, _)| own != name);
                if value != "-" {
                    request.form.push((name.clone(), value.clone()));
                }
            }
            put_over(&mut request.headers, &self.headers);
            for (name, value) in &mut request.form {
                if name == "client_assertion" && self.unsigned {
                    value.push_str("AAAA");
                }
            }
        }
        for call in &mut received.calls {
            put_over(&mut call.parts, &self.call);
        }
    }
}

fn put_over(texts: &mut BTreeMap<String, String>, changes: &BTreeMap<String, String>) {
    for (name, value) in changes {
        if value == "-" {
            texts.remove(name);
        } else {
            texts.insert(name.clone(), value.clone());
        }
    }
}

impl SentExpectation {
    /// All differences from the expectation. `keys` has the keys that the target publishes.
    pub(crate) fn differences(
        &self,
        received: &Received,
        keys: Option<&str>,
        fault: Option<&SentFault>,
        context: &Context<'_>,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let counts = [
            (
                "token requests",
                self.token_requests,
                received.token_requests.len(),
            ),
            ("calls of the API", self.calls, received.calls.len()),
        ];
        for (what, expected, found) in counts {
            if expected.is_some_and(|expected| expected != found) {
                wrong.push(format!("{found} {what} instead of {expected:?}"));
            }
        }
        let nothing = TokenRequest {
            headers: BTreeMap::new(),
            form: Vec::new(),
        };
        let last = received.token_requests.last().unwrap_or(&nothing);
        for (name, expected) in &self.form {
            let found: Vec<&str> = last
                .form
                .iter()
                .filter(|(own, _)| own == name)
                .map(|(_, value)| value.as_str())
                .collect();
            let fine = match expected {
                Value::String(text) if text == "-" => found.is_empty(),
                Value::String(text) if text == "*" => found.len() == 1,
                Value::String(text) => found == [context.fill(text)],
                Value::Array(list) => {
                    let list = list.iter().filter_map(Value::as_str);
                    found == list.map(|text| context.fill(text)).collect::<Vec<_>>()
                }
                _ => false,
            };
            if !fine {
                wrong.push(format!(
                    "parameter {name} is {found:?} instead of {expected}"
                ));
            }
        }
        texts(
            "the token request's",
            &self.headers,
            &last.headers,
            context,
            &mut wrong,
        );
        let empty = BTreeMap::new();
        let call = received.calls.last().map_or(&empty, |call| &call.parts);
        texts("the call's", &self.call, call, context, &mut wrong);
        if let Some(expected) = &self.assertion {
            let read = expected.differences(received, keys.unwrap_or_default(), fault, context);
            wrong.extend(read.unwrap_or_else(|problem| vec![problem]));
        }
        wrong
    }
}

fn texts(
    whose: &str,
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
    context: &Context<'_>,
    wrong: &mut Vec<String>,
) {
    for (name, expected) in expected {
        let found = found.get(name);
        let fine = match expected.as_str() {
            "-" => found.is_none(),
            "*" => found.is_some(),
            text => found.is_some_and(|found| *found == context.fill(text)),
        };
        if !fine {
            wrong.push(format!(
                "{whose} {name} is {found:?} instead of {expected:?}"
            ));
        }
    }
}

impl AssertionExpectation {
    fn differences(
        &self,
        received: &Received,
        keys: &str,
        fault: Option<&SentFault>,
        context: &Context<'_>,
    ) -> Result<Vec<String>, String> {
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        let mut last = None;
        for request in &received.token_requests {
            if request.parameter("client_assertion_type") != Some(JWT_BEARER) {
                wrong.push("client_assertion_type is not jwt-bearer".to_owned());
            }
            let assertion = request.parameter("client_assertion");
            let assertion = assertion.ok_or("there is no client_assertion")?;
            let (mut claims, header) = read(assertion, keys)?;
            claims.extend(fault.into_iter().flat_map(|fault| fault.claims.clone()));
            if !seen.insert(claims.get("jti").map(Value::to_string)) {
                wrong.push("two assertions have the same jti".to_owned());
            }
            last = Some((claims, header));
        }
        let (claims, mut header) = last.ok_or("there was no token request")?;
        header.extend(fault.into_iter().flat_map(|fault| fault.header.clone()));
        for (part, expected, found) in [
            ("claim", &self.claims, &claims),
            ("header member", &self.header, &header),
        ] {
            for (name, text) in expected {
                let found = found.get(name).and_then(Value::as_str);
                if text != "*" && found != Some(&context.fill(text)) || found.is_none() {
                    wrong.push(format!(
                        "the assertion's {part} {name} is {found:?} instead of {text:?}"
                    ));
                }
            }
        }
        let date = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
        let lifetime = date("exp") - date("iat");
        if self
            .lifetime
            .is_some_and(|most| lifetime <= 0 || lifetime > most)
        {
            wrong.push(format!("the assertion is good for {lifetime} s"));
        }
        Ok(wrong)
    }
}

type Members = Map<String, Value>;

/// Claims and header of an assertion that one of the keys has signed.
fn read(assertion: &str, keys: &str) -> Result<(Members, Members), String> {
    let payload = signature_host::verify(keys, assertion)
        .map_err(|error| format!("the assertion does not verify by the published keys: {error}"))?;
    let header = assertion.split('.').next().unwrap_or_default();
    let header = Base64UrlUnpadded::decode_vec(header).map_err(|error| error.to_string())?;
    let parse = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|error| error.to_string());
    Ok((parse(&payload)?, parse(&header)?))
}
