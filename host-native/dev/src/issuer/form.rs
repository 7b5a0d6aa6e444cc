//! Parameters of a token request (RFC 6749, section 3.2).

use super::token_endpoint::TokenError;

/// Parameters by name. One without a value counts as omitted.
pub(super) struct Form(Vec<(String, String)>);

/// Parameters that may be repeated (RFC 8707, section 2; RFC 8693, section 2.1).
const REPEATABLE: &[&str] = &["resource", "audience"];

/// The maximum number of parameters: no grant has more than some dozen.
const MAX_PARAMETERS: usize = 64;

impl Form {
    pub(super) fn parse(body: &[u8]) -> Result<Self, TokenError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if value.is_empty() {
                continue;
            }
            if !REPEATABLE.contains(&&*name) && parameters.iter().any(|(other, _)| *other == name) {
                return Err(TokenError::InvalidRequest("a parameter stands there twice"));
            }
            if parameters.len() == MAX_PARAMETERS {
                return Err(TokenError::InvalidRequest("too many parameters"));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter that may occur once.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Form {
    /// The target of a request: every `resource`, then every `audience`.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.all("resource").chain(self.all("audience"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_count_as_left_out() {
        let form = Form::parse(b"scope=&scope=a+b&alg").expect("one scope");
        assert_eq!(form.get("scope"), Some("a b"));
        assert_eq!(form.get("alg"), None);
    }

    #[test]
    fn parameters_are_counted() {
        let body = |count| "resource=a&".repeat(count);
        assert!(Form::parse(body(MAX_PARAMETERS).as_bytes()).is_ok());
        assert!(Form::parse(body(MAX_PARAMETERS + 1).as_bytes()).is_err());
    }

    #[test]
    fn only_targets_may_repeat() {
        assert!(Form::parse(b"scope=a&scope=b").is_err());
        let form = Form::parse(b"resource=a&resource=b").expect("resources repeat");
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["a", "b"]);
    }
}
