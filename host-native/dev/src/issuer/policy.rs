//! Policies: which application may exchange users' tokens for which resource, and with which
//! scopes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tollgate_core::access_token::is_scope_token;

use super::clients::{Client, Clients, ExchangeDefault};
use super::token_endpoint::TokenError;

/// The access of one application to one resource. Without a policy, the client's default applies.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The application's `client_id`.
    pub client: String,
    /// The `resource` or `audience` of requests, compared by code points.
    pub resource: String,
    /// The scopes that may be granted, and those that are granted if none are requested. Default:
    /// any may be granted, and none are granted without a request.
    pub scopes: Option<Vec<String>>,
    /// The maximum lifetime of a token, in seconds. Default: the issuer's default.
    pub lifetime: Option<u64>,
    /// Whether access is allowed. Default in JSON: yes.
    #[serde(default = "yes")]
    pub allow: bool,
}

fn yes() -> bool {
    true
}

impl Policy {
    /// Allows any scope, for the issuer's default lifetime.
    #[must_use]
    pub fn allowing(client: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            client: client.into(),
            resource: resource.into(),
            scopes: None,
            lifetime: None,
            allow: true,
        }
    }

    /// Forbids.
    #[must_use]
    pub fn refusing(client: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            allow: false,
            ..Self::allowing(client, resource)
        }
    }

    fn check(&self) -> Result<(), PolicyError> {
        if self.resource.is_empty() {
            return Err(PolicyError::Resource);
        }
        let mut scopes = self.scopes.iter().flatten();
        if scopes.any(|scope| !is_scope_token(scope)) {
            return Err(PolicyError::Scope);
        }
        Ok(())
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    /// `CLIENT=RESOURCE`.
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let (client, resource) = text.split_once('=').ok_or(PolicyError::Form)?;
        let policy = Self::allowing(client, resource);
        policy.check().map(|()| policy)
    }
}

/// Why a policy is invalid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not `CLIENT=RESOURCE`.
    Form,
    /// No client of this id is registered.
    UnknownClient,
    /// There is no resource.
    Resource,
    /// An entry of `scopes` is not a scope.
    Scope,
    /// There are too many policies.
    TooMany,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "write a policy as CLIENT=RESOURCE",
            Self::UnknownClient => "a policy's client must be registered first",
            Self::Resource => "a policy needs a resource",
            Self::Scope => "scopes must be scope tokens: visible ASCII without '\"' and '\\'",
            Self::TooMany => "there are already 10,000 policies: reset the issuer first",
        })
    }
}

impl std::error::Error for PolicyError {}

/// The access of a client to all resources of one request.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Permission {
    /// `None` is any scope.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) lifetime: Option<u64>,
}

impl Permission {
    /// The requested scopes that are allowed, for a client's token exchange. If none are requested,
    /// those in the policies; if none are left, `invalid_scope` (RFC 6749, section 5.2).
    pub(super) fn grant(
        &self,
        client: &Client,
        requested: Vec<String>,
    ) -> Result<Vec<String>, TokenError> {
        let asked = !requested.is_empty();
        let wanted = if asked {
            requested
        } else {
            self.scopes.clone().unwrap_or_default()
        };
        let allowed = |scope: &String| {
            client.may(scope) && self.scopes.as_ref().is_none_or(|own| own.contains(scope))
        };
        let granted: Vec<String> = wanted.into_iter().filter(allowed).collect();
        if asked && granted.is_empty() {
            return Err(TokenError::InvalidScope);
        }
        Ok(granted)
    }
}

/// All policies: those from the start, and those that were set at run time.
#[derive(Default)]
pub(super) struct Policies {
    own: Vec<Policy>,
    set: Vec<Policy>,
}

/// The maximum number of policies: each request searches them linearly.
const MAX_POLICIES: usize = 10_000;

impl Policies {
    /// Policies that a reset leaves in force.
    pub(super) fn new(clients: &Clients, own: &[Policy]) -> Result<Self, PolicyError> {
        for policy in own {
            policy.check()?;
            if clients.find(&policy.client).is_none() {
                return Err(PolicyError::UnknownClient);
            }
        }
        Ok(Self {
            own: own.to_vec(),
            set: Vec::new(),
        })
    }

    /// Sets a policy, and replaces another one for the same client and resource. It does not check
    /// whether the client exists.
    pub(super) fn set(&mut self, policy: Policy) -> Result<(), PolicyError> {
        policy.check()?;
        let same =
            |other: &Policy| other.client == policy.client && other.resource == policy.resource;
        self.set.retain(|other| !same(other));
        if self.set.len() >= MAX_POLICIES {
            return Err(PolicyError::TooMany);
        }
        self.set.push(policy);
        Ok(())
    }

    /// All policies, oldest first.
    pub(super) fn list(&self) -> Vec<&Policy> {
        let replaced = |own: &&Policy| {
            let same = |set: &Policy| set.client == own.client && set.resource == own.resource;
            !self.set.iter().any(same)
        };
        self.own.iter().filter(replaced).chain(&self.set).collect()
    }

    pub(super) fn reset(&mut self) {
        self.set.clear();
    }

    /// Whether `client` may exchange a token for all of `resources`.
    pub(super) fn judge(
        &self,
        client: &Client,
        resources: &[String],
    ) -> Result<Permission, TokenError> {
        let policies: Vec<_> = self.list();
        let of_client = || policies.iter().filter(|policy| policy.client == client.id);
        if client.exchange == ExchangeDefault::Never && !of_client().any(|policy| policy.allow) {
            return Err(TokenError::UnauthorizedClient(
                "no policy lets this client exchange tokens",
            ));
        }
        let mut permission = Permission::default();
        for resource in resources {
            match of_client().find(|policy| policy.resource == *resource) {
                Some(policy) if policy.allow => {
                    permission.lifetime = match (permission.lifetime, policy.lifetime) {
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                    permission.scopes = match (permission.scopes, &policy.scopes) {
                        (Some(mut scopes), Some(others)) => {
                            scopes.retain(|scope| others.contains(scope));
                            Some(scopes)
                        }
                        (scopes, others) => scopes.or_else(|| others.clone()),
                    };
                }
                None if client.exchange == ExchangeDefault::Any => {}
                Some(_) | None => {
                    return Err(TokenError::InvalidTarget(
                        "no policy lets this client have a token for this resource",
                    ));
                }
            }
        }
        Ok(permission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn judge(
        policies: &Policies,
        client: &str,
        resources: &[&str],
    ) -> Result<Permission, TokenError> {
        let clients = Clients::new(&[]).expect("valid");
        let client = clients.find(client).expect("built in");
        policies.judge(&client, &strings(resources))
    }

    #[test]
    fn without_policies_the_clients_default_applies() {
        let policies = Policies::default();
        assert_eq!(
            judge(&policies, "demo", &["a", "b"]),
            Ok(Permission::default())
        );
        assert!(matches!(
            judge(&policies, "upstream-only", &["a"]),
            Err(TokenError::InvalidTarget(_))
        ));
        assert!(matches!(
            judge(&policies, "limited", &["a"]),
            Err(TokenError::UnauthorizedClient(_))
        ));
    }

    #[test]
    fn every_resource_must_be_allowed_and_the_narrowest_policy_holds() {
        let clients = Clients::new(&[]).expect("valid");
        let own = [Policy::allowing("upstream-only", "a")];
        let mut policies = Policies::new(&clients, &own).expect("valid");
        assert!(judge(&policies, "upstream-only", &["a"]).is_ok());
        assert!(judge(&policies, "upstream-only", &["a", "b"]).is_err());
        let set = |policies: &mut Policies, resource: &str, scopes: &[&str], lifetime| {
            let policy = Policy {
                scopes: Some(strings(scopes)),
                lifetime: Some(lifetime),
                ..Policy::allowing("upstream-only", resource)
            };
            policies.set(policy).expect("valid");
        };
        set(&mut policies, "b", &["x", "y"], 60);
        set(&mut policies, "a", &["y", "z"], 30);
        let both = judge(&policies, "upstream-only", &["a", "b"]).expect("allowed");
        assert_eq!(both.scopes, Some(strings(&["y"])));
        assert_eq!(both.lifetime, Some(30));
        policies
            .set(Policy::refusing("upstream-only", "a"))
            .expect("valid");
        assert!(judge(&policies, "upstream-only", &["a"]).is_err());
        assert_eq!(policies.list().len(), 2);
        policies.reset();
        assert!(judge(&policies, "upstream-only", &["a"]).is_ok());
        assert!(judge(&policies, "upstream-only", &["b"]).is_err());
    }

    #[test]
    fn invalid_policies_are_refused() {
        let clients = Clients::new(&[]).expect("valid");
        let new = |policy| Policies::new(&clients, &[policy]).err();
        let unknown = Policy::allowing("nobody", "a");
        assert_eq!(new(unknown), Some(PolicyError::UnknownClient));
        assert_eq!(
            new(Policy::allowing("demo", "")),
            Some(PolicyError::Resource)
        );
        let scope = Policy {
            scopes: Some(strings(&["a b"])),
            ..Policy::allowing("demo", "a")
        };
        assert_eq!(new(scope), Some(PolicyError::Scope));
        assert_eq!("demo".parse::<Policy>(), Err(PolicyError::Form));
        assert_eq!("demo=a=b".parse(), Ok(Policy::allowing("demo", "a=b")));
    }

    #[test]
    fn a_forbidding_policy_applies_to_unrestricted_clients() {
        let mut policies = Policies::default();
        policies.set(Policy::refusing("demo", "a")).expect("valid");
        assert!(judge(&policies, "demo", &["a"]).is_err());
        assert!(judge(&policies, "demo", &["b"]).is_ok());
    }
}
