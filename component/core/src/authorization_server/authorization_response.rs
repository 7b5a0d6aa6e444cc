//! Authorization responses (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207).

use super::authorization_parameters::Redirect;
use super::rejection::Rejection;
use crate::answer::Answer;
use crate::secret::Secret;

impl Redirect {
    /// The URL with the code.
    pub(super) fn with_code(&self, issuer: &str, code: &Secret) -> String {
        self.with(issuer, &[("code", code.expose())])
    }

    /// The URL with an error.
    pub(super) fn with_error(&self, issuer: &str, rejection: &Rejection) -> String {
        let wire = rejection.wire();
        let description = wire.description.to_string();
        self.with(
            issuer,
            &[("error", wire.error), ("error_description", &description)],
        )
    }

    /// The redirect URI keeps its own query (RFC 6749 section 3.1.2). It has no fragment: none can
    /// be registered.
    fn with(&self, issuer: &str, parameters: &[(&str, &str)]) -> String {
        let separator = match self.uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer);
        format!("{}{separator}{}", self.uri, query.finish())
    }
}

/// A redirect that becomes a `GET`, whatever the request was (RFC 9700 section 4.12: never 307).
pub(super) fn see_other(url: String) -> Answer {
    let mut answer = Answer::empty(303);
    answer.push("location", url);
    answer.push("cache-control", "no-store");
    answer.push("referrer-policy", "no-referrer");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(uri: &str) -> Redirect {
        Redirect {
            uri: uri.to_owned(),
            state: Some("a b&c=d".to_owned()),
        }
    }

    #[test]
    fn the_redirect_uri_keeps_its_query() {
        let code = Secret::new("x+y");
        let with = |uri: &str| redirect(uri).with_code("https://auth.example", &code);
        let end = "code=x%2By&state=a+b%26c%3Dd&iss=https%3A%2F%2Fauth.example";
        assert_eq!(
            with("https://app.example/cb"),
            format!("https://app.example/cb?{end}")
        );
        assert_eq!(
            with("https://app.example/?"),
            format!("https://app.example/?{end}")
        );
        assert_eq!(
            with("https://app.example/?x=1"),
            format!("https://app.example/?x=1&{end}")
        );
    }

    #[test]
    fn errors_name_their_parameter() {
        let url = redirect("https://app.example/cb")
            .with_error("https://auth.example", &Rejection::BadParameter("prompt"));
        assert_eq!(
            url,
            "https://app.example/cb?error=invalid_request\
             &error_description=prompt%3A+is+not+valid&state=a+b%26c%3Dd\
             &iss=https%3A%2F%2Fauth.example"
        );
    }
}
