//! Compares a response with the expectation of a check.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::check::Expectation;
use crate::client::Answer;
use crate::issuer::Asked;
use crate::token::elsewhere;

/// The values for placeholders in an expectation.
pub(crate) struct Context<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) target: &'a str,
    /// The token that the issuer issues for the token of the request.
    pub(crate) bound: &'a str,
}

impl Context<'_> {
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("{issuer}", self.issuer)
            .replace("{elsewhere}", &elsewhere(self.issuer))
            .replace("{target}", self.target)
            .replace("{bound}", self.bound)
    }
}

impl Expectation {
    /// All differences from the expectation.
    pub(crate) fn differences(
        &self,
        answer: &Answer,
        asked: Asked,
        context: &Context<'_>,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        if answer.status != self.status {
            let challenge = header(answer, "www-authenticate").unwrap_or_default();
            wrong.push(format!(
                "status {} instead of {} {challenge}{}",
                answer.status,
                self.status,
                shortened(&answer.body)
            ));
            return wrong;
        }
        check_always(answer, &mut wrong);
        if let Some(expected) = &self.challenge {
            check_challenge(expected, answer, context, &mut wrong);
        }
        for (name, expected) in &self.headers {
            check_header(name, &context.fill(expected), answer, &mut wrong);
        }
        self.check_body(answer, context, &mut wrong);
        let fetches = [
            ("metadata", self.metadata_fetches, asked.metadata),
            ("jwks", self.jwks_fetches, asked.jwks),
        ];
        for (what, most, times) in fetches {
            if most.is_some_and(|most| times > most) {
                wrong.push(format!(
                    "{times} fetches of {what} instead of at most {most:?}"
                ));
            }
        }
        for text in &self.without_text {
            let text = context.fill(text);
            let in_header = |value: &http::HeaderValue| {
                let value = String::from_utf8_lossy(value.as_bytes());
                value.contains(&text)
            };
            if answer.body.contains(&text) || answer.headers.values().any(in_header) {
                wrong.push(format!("{text:?} stands in the answer"));
            }
        }
        if self
            .within_ms
            .is_some_and(|ms| answer.took.as_millis() > u128::from(ms))
        {
            wrong.push(format!("took {} ms", answer.took.as_millis()));
        }
        wrong
    }

    fn check_body(&self, answer: &Answer, context: &Context<'_>, wrong: &mut Vec<String>) {
        if self.body.is_none() && self.body_without.is_empty() {
            return;
        }
        let Ok(found) = serde_json::from_str::<Value>(&answer.body) else {
            wrong.push(format!("the body is not JSON:{}", shortened(&answer.body)));
            return;
        };
        if let Some(expected) = &self.body {
            compare("", expected, &found, context, wrong);
        }
        for name in &self.body_without {
            if found.get(name).is_some() {
                wrong.push(format!("the body has a member {name}"));
            }
        }
    }
}

/// Expectations for every response.
fn check_always(answer: &Answer, wrong: &mut Vec<String>) {
    for (name, value) in &answer.headers {
        if !value
            .as_bytes()
            .iter()
            .all(|byte| (b' '..=b'~').contains(byte))
        {
            wrong.push(format!("{name} has bytes beyond printable ASCII"));
        }
    }
    if answer.status == 401 && header(answer, "www-authenticate").is_none() {
        wrong.push("a 401 has no WWW-Authenticate".to_owned());
    }
    for value in answer.headers.get_all("www-authenticate") {
        match value.to_str().ok().and_then(challenge_parameters) {
            None => wrong.push(format!("WWW-Authenticate is malformed: {value:?}")),
            Some(parameters) => {
                if let Some(problem) = charset_problem(&parameters) {
                    wrong.push(problem);
                }
            }
        }
    }
}

/// RFC 6750 section 3: which characters the parameters may have.
fn charset_problem(parameters: &BTreeMap<String, String>) -> Option<String> {
    let bad = |name: &str, allowed: fn(u8) -> bool| {
        let value = parameters.get(name)?;
        let fine = value.bytes().all(allowed) && !value.is_empty();
        (!fine).then(|| format!("{name} has characters that RFC 6750 forbids: {value:?}"))
    };
    let text = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    bad("error", text)
        .or_else(|| bad("error_description", text))
        .or_else(|| bad("scope", text))
        .or_else(|| {
            bad(
                "resource_metadata",
                |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E),
            )
        })
}

/// The parameters of one Bearer challenge. `None` if it is malformed, or a parameter is repeated.
fn challenge_parameters(value: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut rest = match value.strip_prefix("Bearer")? {
        "" => return Some(parameters),
        rest => rest.strip_prefix(' ')?,
    };
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let (text, after) = after.split_once('"')?;
        if parameters
            .insert(name.to_owned(), text.to_owned())
            .is_some()
            || text.contains('\\')
        {
            return None;
        }
        if after.is_empty() {
            return Some(parameters);
        }
        rest = after.strip_prefix(", ")?;
    }
}

fn check_challenge(
    expected: &BTreeMap<String, String>,
    answer: &Answer,
    context: &Context<'_>,
    wrong: &mut Vec<String>,
) {
    let Some(found) = header(answer, "www-authenticate").and_then(challenge_parameters) else {
        wrong.push("there is no well-formed challenge".to_owned());
        return;
    };
    for (name, value) in expected {
        let value = context.fill(value);
        match (value.as_str(), found.get(name)) {
            ("-", None) | ("*", Some(_)) => {}
            ("-", Some(found)) => wrong.push(format!("the challenge has {name}={found:?}")),
            (_, None) => wrong.push(format!("the challenge has no {name}")),
            (value, Some(found)) => {
                // The order of scopes does not matter (RFC 6749 section 3.3).
                let same = if name == "scope" {
                    sorted(value) == sorted(found)
                } else {
                    value == found
                };
                if !same {
                    wrong.push(format!("{name} is {found:?} instead of {value:?}"));
                }
            }
        }
    }
}

fn sorted(scopes: &str) -> Vec<&str> {
    let mut scopes: Vec<&str> = scopes.split(' ').collect();
    scopes.sort_unstable();
    scopes
}

fn check_header(name: &str, expected: &str, answer: &Answer, wrong: &mut Vec<String>) {
    let found = header(answer, name);
    let contains =
        |text: &str| found.is_some_and(|found| found.to_lowercase().contains(&text.to_lowercase()));
    let fine = match (expected, expected.strip_prefix('~')) {
        ("-", _) => found.is_none(),
        ("*", _) => found.is_some(),
        (_, Some(text)) => contains(text),
        (expected, None) => found == Some(expected),
    };
    if !fine {
        wrong.push(format!("{name} is {found:?} instead of {expected:?}"));
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
}

/// Whether all expected members are found (`*` is any value, `-` none). Other members are ignored.
fn compare(
    at: &str,
    expected: &Value,
    found: &Value,
    context: &Context<'_>,
    wrong: &mut Vec<String>,
) {
    match (expected, found) {
        (Value::Object(members), Value::Object(_)) => {
            for (name, value) in members {
                let at = format!("{at}.{name}");
                compare(
                    &at,
                    value,
                    found.get(name).unwrap_or(&Value::Null),
                    context,
                    wrong,
                );
            }
        }
        (Value::Array(items), Value::Array(list)) if items.len() == list.len() => {
            for (index, (item, value)) in items.iter().zip(list).enumerate() {
                compare(&format!("{at}[{index}]"), item, value, context, wrong);
            }
        }
        (Value::String(text), found) if text == "*" && !found.is_null() => {}
        (Value::String(text), Value::Null) if text == "-" => {}
        (Value::String(text), Value::String(value)) if context.fill(text) == *value => {}
        (expected, found) if expected == found => {}
        (expected, found) => wrong.push(format!("body{at} is {found} instead of {expected}")),
    }
}

fn shortened(body: &str) -> String {
    let text: String = body.chars().take(160).collect();
    if text.is_empty() {
        text
    } else {
        format!(" {}", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_strictly() {
        let parameters =
            challenge_parameters("Bearer error=\"a\", scope=\"b c\"").expect("well-formed");
        assert_eq!(parameters["scope"], "b c");
        assert_eq!(challenge_parameters("Bearer"), Some(BTreeMap::new()));
        for bad in [
            "Basic realm=\"a\"",
            "Bearer error=a",
            "Bearer error=\"a\", error=\"b\"",
            "Bearer error=\"a\" scope=\"b\"",
            "Bearer error=\"a\\\"b\"",
            "Bearererror=\"a\"",
        ] {
            assert_eq!(challenge_parameters(bad), None, "{bad}");
        }
    }

    #[test]
    fn characters_of_parameters_are_those_of_the_specification() {
        for (name, value, fine) in [
            ("scope", "a b", true),
            ("scope", "", false),
            ("error_description", "The token", true),
            ("error_description", "caf\u{e9}", false),
            ("resource_metadata", "https://a b", false),
        ] {
            let parameters = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(
                charset_problem(&parameters).is_none(),
                fine,
                "{name}={value}"
            );
        }
    }
}
