//! Who a user is, and whether they are admitted, by the claims of an identity provider.

use super::config::ProviderConfig;
use crate::authorization_server::rejection::SignInFailure;
use crate::config_error::ConfigError;
use crate::json::{Json, Object};

/// A user's id: 512 bytes with its prefix.
pub(in super::super) const USER_ID_BYTES: usize = 512;
/// Rules, and values of a rule.
const RULES: usize = 64;
const VALUES: usize = 1024;
/// Claims that are handed to the application, in JSON.
const PROPS_BYTES: usize = 32 * 1024;
/// Where people find a name that they know.
const SHOWN: [&str; 4] = ["email", "preferred_username", "login", "name"];

/// See the module.
#[derive(Debug)]
pub(super) struct ClaimRules {
    user_id: String,
    prefix: Option<String>,
    rules: Vec<(String, Vec<String>)>,
    email_domains: Vec<String>,
    unverified_email: bool,
    claims: Vec<String>,
}

/// A user who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) user_id: String,
    /// The name that people see.
    pub(super) shown: String,
    /// The claims for the application, as a JSON object.
    pub(super) claims: String,
}

impl ClaimRules {
    /// `default_id` is the claim with the user's id.
    pub(super) fn compile(
        config: &ProviderConfig,
        default_id: &str,
        error: &dyn Fn(&str, &str) -> ConfigError,
    ) -> Result<Self, ConfigError> {
        if config.rules.len() > RULES || config.email_domains.len() > VALUES {
            return Err(error("rules", "there are too many rules: remove some"));
        }
        for rule in &config.rules {
            if rule.claim.is_empty() || rule.values.is_empty() || rule.values.len() > VALUES {
                let message = "a rule needs a claim and 1 to 1024 values";
                return Err(error("rules", message));
            }
        }
        for domain in &config.email_domains {
            let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            if domain.is_empty() || !domain.bytes().all(is_domain) {
                let message = "this is not a domain: set one such as example.com";
                return Err(error("email-domains", message));
            }
        }
        let rules = config.rules.iter();
        Ok(Self {
            user_id: config.user_id.as_deref().unwrap_or(default_id).to_owned(),
            prefix: config.user_id_prefix.clone(),
            rules: rules
                .map(|rule| (rule.claim.clone(), rule.values.clone()))
                .collect(),
            email_domains: config.email_domains.clone(),
            unverified_email: config.unverified_email,
            claims: config
                .claims
                .clone()
                .unwrap_or_else(|| vec!["email".to_owned(), "name".to_owned()]),
        })
    }

    /// The user with these claims, if they are admitted.
    pub(super) fn user(&self, claims: &Object<'_>) -> Result<Claimed, SignInFailure> {
        let holds = |(claim, values): &(String, Vec<String>)| match claims.get(claim) {
            Some(Json::Array(items)) => items.iter().any(|item| is_among(item, values)),
            Some(value) => is_among(value, values),
            None => false,
        };
        if !self.rules.iter().all(holds) || !self.admits_email(claims) {
            return Err(SignInFailure::NotAdmitted);
        }
        // Who may choose an unverified address could choose that of another user.
        if self.user_id == "email" && !self.has_verified_email(claims) {
            return Err(SignInFailure::NotAdmitted);
        }
        let id = claims.get(&self.user_id).and_then(text_of);
        let id = id.filter(|id| !id.is_empty() && !id.chars().any(char::is_control));
        let id = with_prefix(self.prefix.as_deref(), &id.ok_or(SignInFailure::Unusable)?);
        if id.len() > USER_ID_BYTES {
            return Err(SignInFailure::Unusable);
        }
        let mut shown = SHOWN.iter().filter_map(|name| claims.get(name)?.as_str());
        Ok(Claimed {
            shown: shown
                .find(|name| !name.is_empty())
                .unwrap_or(&id)
                .to_owned(),
            claims: self.for_application(claims)?,
            user_id: id,
        })
    }

    fn for_application(&self, claims: &Object<'_>) -> Result<String, SignInFailure> {
        let mut chosen = Object::default();
        for name in &self.claims {
            if let Some(value) = claims.get(name) {
                chosen.insert(name.clone(), value.clone());
            }
        }
        let text = chosen.to_string();
        if text.len() > PROPS_BYTES {
            return Err(SignInFailure::Unusable);
        }
        Ok(text)
    }

    fn admits_email(&self, claims: &Object<'_>) -> bool {
        if self.email_domains.is_empty() {
            return true;
        }
        let email = claims.get("email").and_then(Json::as_str);
        let domain = email.and_then(|email| email.rsplit_once('@'));
        self.has_verified_email(claims)
            && domain.is_some_and(|(_, domain)| {
                let mut own = self.email_domains.iter();
                own.any(|own| own.eq_ignore_ascii_case(domain))
            })
    }

    /// Some providers send the claim as text.
    fn has_verified_email(&self, claims: &Object<'_>) -> bool {
        match claims.get("email_verified") {
            Some(Json::Bool(is_verified)) => *is_verified,
            Some(Json::String(text)) => text == "true",
            None => self.unverified_email,
            Some(_) => false,
        }
    }
}

/// The user's id with the prefix of its provider. A prefix has no colon, so that two prefixes never
/// give the same id.
pub(super) fn with_prefix(prefix: Option<&str>, id: &str) -> String {
    match prefix {
        Some(prefix) => format!("{prefix}:{id}"),
        None => id.to_owned(),
    }
}

/// A text, or a whole number, as GitHub's `id` is.
fn text_of(value: &Json<'_>) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone().into_owned()),
        Json::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

fn is_among(value: &Json<'_>, values: &[String]) -> bool {
    text_of(value).is_some_and(|text| values.contains(&text))
}

#[cfg(test)]
mod tests {
    use super::super::config::{ClaimRuleConfig, ProviderKind};
    use super::*;

    fn config() -> ProviderConfig {
        ProviderConfig {
            id: "example".to_owned(),
            name: None,
            kind: ProviderKind::OpenId {
                issuer: "https://id.example".to_owned(),
                cross_origin: false,
            },
            client_id: "tollgate".to_owned(),
            client_secret: None,
            scopes: None,
            parameters: Vec::new(),
            user_id: None,
            user_id_prefix: None,
            rules: Vec::new(),
            email_domains: Vec::new(),
            unverified_email: false,
            claims: None,
        }
    }

    fn user(config: &ProviderConfig, claims: &str) -> Result<Claimed, SignInFailure> {
        let error = |field: &str, message: &str| ConfigError::new(field, message);
        let rules = ClaimRules::compile(config, "sub", &error).expect("good rules");
        rules.user(&Object::parse(claims.as_bytes(), 8).expect("JSON"))
    }

    fn is_admitted(config: &ProviderConfig, claims: &str) -> bool {
        match user(config, claims) {
            Ok(_) => true,
            Err(SignInFailure::NotAdmitted) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_rule_must_hold() {
        let rule = |claim: &str, values: &[&str]| ClaimRuleConfig {
            claim: claim.to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        };
        let config = ProviderConfig {
            rules: vec![rule("tid", &["t1", "t2"]), rule("groups", &["staff"])],
            ..config()
        };
        let admitted = |claims: &str| is_admitted(&config, claims);
        assert!(admitted(r#"{"sub":"a","tid":"t2","groups":["x","staff"]}"#));
        assert!(admitted(r#"{"sub":"a","tid":"t1","groups":"staff"}"#));
        assert!(!admitted(r#"{"sub":"a","tid":"t3","groups":["staff"]}"#));
        assert!(!admitted(r#"{"sub":"a","tid":"t1","groups":["x"]}"#));
        assert!(!admitted(r#"{"sub":"a","tid":"t1"}"#));
        assert!(!admitted(r#"{"sub":"a","tid":"t1","groups":{"staff":1}}"#));
        assert!(!admitted(r#"{"sub":"a","tid":"t1","groups":["staffx"]}"#));
    }

    #[test]
    fn only_verified_addresses_in_a_domain_are_admitted() {
        let config = ProviderConfig {
            email_domains: vec!["example.com".to_owned()],
            ..config()
        };
        let admitted = |claims: &str| is_admitted(&config, claims);
        let with = |email: &str, verified: &str| {
            format!(r#"{{"sub":"a","email":"{email}","email_verified":{verified}}}"#)
        };
        assert!(admitted(&with("a@Example.com", "true")));
        assert!(admitted(&with("a@example.com", "\"true\"")));
        assert!(!admitted(&with("a@example.com", "false")));
        assert!(!admitted(&with("a@example.com", "1")));
        assert!(!admitted(&with("a@evil.example.com", "true")));
        assert!(!admitted(&with("a@example.com@evil.example", "true")));
        assert!(!admitted(r#"{"sub":"a","email_verified":true}"#));
        let unverified = r#"{"sub":"a","email":"a@example.com"}"#;
        assert!(!admitted(unverified));
        let trusting = ProviderConfig {
            unverified_email: true,
            ..config.clone()
        };
        assert!(is_admitted(&trusting, unverified));
        assert!(!is_admitted(&trusting, &with("a@example.com", "false")));
    }

    #[test]
    fn an_address_is_an_id_only_if_it_is_verified() {
        let config = ProviderConfig {
            user_id: Some("email".to_owned()),
            ..config()
        };
        let verified = r#"{"sub":"1","email":"a@example.com","email_verified":true}"#;
        let id = user(&config, verified).map(|user| user.user_id);
        assert_eq!(id, Ok("a@example.com".to_owned()));
        assert!(!is_admitted(
            &config,
            r#"{"sub":"1","email":"a@example.com"}"#
        ));
    }

    #[test]
    fn ids_are_texts_or_whole_numbers() {
        let id = |claims: &str| user(&config(), claims).map(|user| user.user_id);
        assert_eq!(id(r#"{"sub":"x y"}"#), Ok("x y".to_owned()));
        assert_eq!(id(r#"{"sub":583231}"#), Ok("583231".to_owned()));
        for bad in [
            "{}",
            r#"{"sub":""}"#,
            r#"{"sub":1.5}"#,
            r#"{"sub":null}"#,
            r#"{"sub":["a"]}"#,
            r#"{"sub":"a\u0000"}"#,
        ] {
            assert_eq!(id(bad), Err(SignInFailure::Unusable), "{bad}");
        }
        let sub = |length: usize| format!(r#"{{"sub":"{}"}}"#, "a".repeat(length));
        assert!(id(&sub(USER_ID_BYTES)).is_ok());
        assert_eq!(id(&sub(USER_ID_BYTES + 1)), Err(SignInFailure::Unusable));
    }

    #[test]
    fn the_application_gets_the_chosen_claims() {
        let config = ProviderConfig {
            user_id_prefix: Some("x".to_owned()),
            claims: Some(vec!["groups".to_owned(), "absent".to_owned()]),
            ..config()
        };
        let user = user(&config, r#"{"sub":"1","name":"Ann","groups":["a"]}"#);
        let user = user.expect("admitted");
        assert_eq!(user.claims, r#"{"groups":["a"]}"#);
        assert_eq!((&*user.user_id, &*user.shown), ("x:1", "Ann"));
    }
}
