//! `WWW-Authenticate: Bearer` (RFC 6750 section 3, RFC 9728 section 5.1).

use std::fmt;

/// Builds a challenge that is safe against injection: each parameter occurs at most once, and each
/// value has only characters that RFC 6750 section 3 allows between quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    parameters: Vec<(&'static str, String)>,
}

impl Challenge {
    /// A challenge without parameters.
    #[must_use]
    pub fn bearer() -> Self {
        Self::default()
    }

    /// The protection space.
    #[must_use]
    pub fn realm(self, realm: &str) -> Self {
        self.with("realm", realm)
    }

    /// `invalid_token`, `invalid_request` or `insufficient_scope`.
    #[must_use]
    pub fn error(self, code: &str) -> Self {
        self.with("error", code)
    }

    /// For people who develop the client.
    #[must_use]
    pub fn error_description(self, text: &str) -> Self {
        self.with("error_description", text)
    }

    /// All scopes that are needed. Omitted if there are none.
    #[must_use]
    pub fn scope(self, scopes: &[String]) -> Self {
        if scopes.is_empty() {
            self
        } else {
            self.with("scope", &scopes.join(" "))
        }
    }

    /// The URL of the protected resource's metadata.
    #[must_use]
    pub fn resource_metadata(self, url: &str) -> Self {
        self.with("resource_metadata", url)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        let safe = value.chars().map(|c| match c {
            '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        });
        let safe = safe.collect();
        match self.parameters.iter_mut().find(|(n, _)| *n == name) {
            Some((_, value)) => *value = safe,
            None => self.parameters.push((name, safe)),
        }
        self
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")?;
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            write!(f, "{separator}{name}=\"{value}\"")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_parameters_in_order() {
        let challenge = Challenge::bearer()
            .realm("api")
            .error("insufficient_scope")
            .scope(&["a".into(), "b:c".into()])
            .resource_metadata("https://h/.well-known/oauth-protected-resource/mcp");
        assert_eq!(
            challenge.to_string(),
            "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"a b:c\", \
             resource_metadata=\"https://h/.well-known/oauth-protected-resource/mcp\""
        );
        assert_eq!(Challenge::bearer().scope(&[]).to_string(), "Bearer");
    }

    #[test]
    fn values_cannot_inject_parameters() {
        let hostile = "x\", error=\"ok\r\nSet-Cookie: a=b\u{0}\\ \u{2603}\u{7f}";
        let challenge = Challenge::bearer()
            .realm(hostile)
            .error_description(hostile)
            .to_string();
        assert!(
            challenge.bytes().all(|b| (b' '..=b'~').contains(&b)),
            "{challenge}"
        );
        assert_eq!(challenge.matches('"').count(), 4, "{challenge}");
        assert_eq!(
            challenge.matches("error=").count(),
            2,
            "inside the quotes: {challenge}"
        );
        assert!(!challenge.contains('\\'));
    }

    #[test]
    fn each_parameter_occurs_once() {
        let challenge = Challenge::bearer().error("a").error("b");
        assert_eq!(challenge.to_string(), "Bearer error=\"b\"");
    }
}
