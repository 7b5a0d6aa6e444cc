//! Parameters of requests: a query, or a form (RFC 6749 sections 3.1, 3.2 and appendix B).

use super::rejection::Rejection;
use crate::capability::Header;

/// The most parameters of one request: no grant has more than a dozen.
const PARAMETERS: usize = 64;
/// The longest form: an ID-JAG, a client assertion and the rest, each within its own limit.
pub(super) const FORM_BYTES: usize = 128 * 1024;
/// These may be repeated (RFC 8707 section 2, RFC 8693 section 2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// Parameters by name. One without a value counts as omitted (RFC 6749 section 3.1).
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the body of a `POST`.
    pub(super) fn from_form(headers: &[Header], body: &[u8]) -> Result<Self, Rejection> {
        let (parameters, repeated) = Self::form_with_repeats(headers, body)?;
        refuse_repeats(parameters, &repeated)
    }

    /// [`Self::from_form`] for the authorization endpoint: see [`Self::parse_with_repeats`].
    pub(super) fn form_with_repeats(
        headers: &[Header],
        body: &[u8],
    ) -> Result<(Self, Vec<Parameter>), Rejection> {
        let content_type = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map_or("", |(_, value)| value.as_str());
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Rejection::NotAForm);
        }
        if body.len() > FORM_BYTES {
            return Err(Rejection::RequestTooLarge);
        }
        Self::parse_with_repeats(body)
    }

    /// Reads a query, or a form whose type and size are already checked.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Rejection> {
        let (parameters, repeated) = Self::parse_with_repeats(text)?;
        refuse_repeats(parameters, &repeated)
    }

    /// [`Self::parse`] for the authorization endpoint, where even the error about a repeated
    /// parameter goes to the redirect URI. No value of such a parameter is kept; its name is in the
    /// list.
    pub(super) fn parse_with_repeats(text: &[u8]) -> Result<(Self, Vec<Parameter>), Rejection> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut repeated = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if value.is_empty() {
                continue;
            }
            if parameters.len() == PARAMETERS {
                return Err(Rejection::TooManyParameters);
            }
            let known = parameters.iter().any(|(other, _)| *other == name);
            if known && !REPEATABLE.contains(&&*name) {
                repeated.push(name.clone().into_owned());
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        parameters.retain(|(name, _)| !repeated.contains(name));
        let repeated = repeated.iter().map(|name| Parameter::named(name));
        Ok((Self(parameters), repeated.collect()))
    }

    /// The value of a parameter that occurs once.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut parameters = self.0.iter();
        let (_, value) = parameters.find(|(own, _)| own == name)?;
        Some(value)
    }

    /// The value of a parameter that the request must have.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Rejection> {
        self.get(name).ok_or(Rejection::MissingParameter(name))
    }

    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}

fn refuse_repeats(parameters: Parameters, repeated: &[Parameter]) -> Result<Parameters, Rejection> {
    match repeated.first() {
        Some(parameter) => Err(Rejection::RepeatedParameter(*parameter)),
        None => Ok(parameters),
    }
}

/// Values are often secrets.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameters").finish_non_exhaustive()
    }
}

/// A parameter's name that is safe in an error text: one that this server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter(pub(super) &'static str);

impl Parameter {
    const KNOWN: [&str; 29] = [
        "actor_token",
        "actor_token_type",
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "login_hint",
        "max_age",
        "nonce",
        "prompt",
        "redirect_uri",
        "refresh_token",
        "request",
        "request_uri",
        "requested_token_type",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "subject_token",
        "subject_token_type",
        "token",
        "token_type_hint",
    ];

    /// The name if it is known, otherwise words in its place.
    pub(super) fn named(name: &str) -> Self {
        let known = Self::KNOWN.iter().find(|known| **known == name);
        Self(known.copied().unwrap_or("an unknown parameter"))
    }

    pub(super) const fn name(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(content_type: &str, body: &[u8]) -> Result<Parameters, Rejection> {
        let headers = [("Content-Type".to_owned(), content_type.to_owned())];
        Parameters::from_form(&headers, body)
    }

    #[test]
    fn empty_values_count_as_omitted() {
        let read = Parameters::parse(b"scope=&scope=a+b&state").expect("one scope");
        assert_eq!(read.get("scope"), Some("a b"));
        assert_eq!(read.get("state"), None);
        assert_eq!(
            read.required("state").err(),
            Some(Rejection::MissingParameter("state"))
        );
    }

    #[test]
    fn only_targets_may_repeat() {
        let repeated = Parameters::parse(b"state=a&state=b").err();
        assert_eq!(
            repeated,
            Some(Rejection::RepeatedParameter(Parameter("state")))
        );
        let read = Parameters::parse(b"resource=a&resource=b").expect("resources repeat");
        assert_eq!(read.all("resource").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn no_value_of_a_repeated_parameter_is_kept() {
        let text = b"state=a&state=b&state=c&client_id=d";
        let (read, repeated) = Parameters::parse_with_repeats(text).expect("few parameters");
        assert_eq!(read.get("state"), None);
        assert_eq!(read.get("client_id"), Some("d"));
        assert_eq!(repeated.first(), Some(&Parameter("state")));
    }

    #[test]
    fn unknown_names_are_not_repeated_in_errors() {
        assert_eq!(Parameter::named("<b>").0, "an unknown parameter");
    }

    #[test]
    fn sizes_are_limited() {
        let body = |count| "resource=a&".repeat(count).into_bytes();
        assert!(Parameters::parse(&body(PARAMETERS)).is_ok());
        let many = Parameters::parse(&body(PARAMETERS + 1)).err();
        assert_eq!(many, Some(Rejection::TooManyParameters));
        let form_type = "application/x-www-form-urlencoded";
        let long = form(form_type, &vec![b'a'; FORM_BYTES + 1]).err();
        assert_eq!(long, Some(Rejection::RequestTooLarge));
    }

    #[test]
    fn only_forms_are_read() {
        assert!(form("application/x-www-form-urlencoded; charset=UTF-8", b"a=b").is_ok());
        for other in ["application/json", "", "text/plain"] {
            assert_eq!(
                form(other, b"a=b").err(),
                Some(Rejection::NotAForm),
                "{other}"
            );
        }
    }
}
