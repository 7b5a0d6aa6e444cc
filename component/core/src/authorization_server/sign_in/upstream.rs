//! The authorization request to an identity provider, and its answer (OpenID Connect Core section
//! 3.1.2, RFC 7636, RFC 9207).

use super::SignIn;
use super::flow::{Flow, SignedIn, Step};
use super::id_token::Asked;
use super::provider::{OpenIdProvider, Protocol, Provider};
use super::start::{props, query};
use crate::answer::Answer;
use crate::authorization_server::authorization_request::Prompt;
use crate::authorization_server::issuer::Request;
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::server::Server;
use crate::http_url::HttpUrl;
use crate::issuers::{FetchError, Unavailable};
use crate::jose::base64url;
use crate::json::{Json, Object};

use sha2::{Digest, Sha256};

/// What the secrets of a flow are for.
const VERIFIER: &str = "upstream code_verifier";
const NONCE: &str = "upstream nonce";
/// A code of a provider: some pack a whole session into it.
const CODE_BYTES: usize = 8192;

/// The endpoints of a provider, and what it says about itself.
pub(super) struct Endpoints {
    pub(super) authorization: String,
    pub(super) token: String,
    /// Whether it accepts `client_secret_basic`.
    pub(super) accepts_basic: bool,
    /// Whether its answers always have `iss`.
    sends_issuer: bool,
}

impl Server {
    /// The URL that asks a provider to sign the user in.
    pub(super) async fn upstream_request(
        &self,
        provider: &Provider,
        flow: &Flow,
    ) -> Result<String, Rejection> {
        let endpoints = self.upstream_endpoints(provider).await?;
        let verifier = flow.secret_for(&of_provider(VERIFIER, provider));
        let challenge = base64url::encode(&Sha256::digest(verifier.as_bytes()));
        let callback = self.callback_url(provider);
        let scope = provider.scopes.join(" ");
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", &provider.client_id),
            ("redirect_uri", &callback),
            ("state", &flow.handle),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        if !scope.is_empty() {
            query.append_pair("scope", &scope);
        }
        if let Protocol::OpenId(_) = provider.protocol {
            let nonce = flow.secret_for(&of_provider(NONCE, provider));
            query.append_pair("nonce", &nonce);
            let asked = &flow.request;
            if let Some(hint) = &asked.login_hint {
                query.append_pair("login_hint", hint);
            }
            if let Some(seconds) = asked.max_age {
                query.append_pair("max_age", &seconds.to_string());
            }
            let prompt = prompt(asked.prompt);
            if !prompt.is_empty() && !provider.parameters.iter().any(|(own, _)| own == "prompt") {
                query.append_pair("prompt", &prompt);
            }
        }
        query.extend_pairs(&provider.parameters);
        let separator = if endpoints.authorization.contains('?') {
            '&'
        } else {
            '?'
        };
        Ok(format!(
            "{}{separator}{}",
            endpoints.authorization,
            query.finish()
        ))
    }

    /// The provider's answer.
    pub(in super::super) async fn upstream_callback(
        &self,
        sign_in: &SignIn,
        provider: usize,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        if request.method != "GET" {
            return Err(Rejection::Method("GET"));
        }
        let provider = &sign_in.providers[provider];
        let parameters = query(request)?;
        let mut flow = self.open_flow(request, parameters.get("state")).await?;
        if flow.step != Step::Started {
            // The page was loaded again: the code was used, and is not used a second time.
            return Ok(self.to_consent(&flow));
        }
        self.check_issuer(provider, parameters.get("iss")).await?;
        if let Some(error) = parameters.get("error") {
            return match refusal(error) {
                SignInFailure::Refused => {
                    let denied = Rejection::AccessDenied;
                    self.refuse_flow(&mut flow, &denied).await
                }
                failure => Err(Rejection::SignIn(failure)),
            };
        }
        let code = parameters.required("code")?;
        if code.len() > CODE_BYTES {
            return Err(Rejection::ParameterTooLong("code"));
        }
        let endpoints = self.upstream_endpoints(provider).await?;
        let verifier = flow.secret_for(&of_provider(VERIFIER, provider));
        let callback = self.callback_url(provider);
        let issued = self
            .redeem_upstream_code(provider, &endpoints, code, &verifier, &callback)
            .await?;
        let claims = match &provider.protocol {
            Protocol::OpenId(own) => {
                let token = issued.id_token.as_ref();
                let token = token.ok_or(Rejection::SignIn(SignInFailure::Unusable))?;
                let nonce = flow.secret_for(&of_provider(NONCE, provider));
                let asked = Asked {
                    client_id: &provider.client_id,
                    nonce: &nonce,
                    max_age: flow.request.max_age,
                };
                self.verify_id_token(own, token, &asked).await?
            }
            Protocol::OAuth { user_endpoint, .. } => {
                self.upstream_user(user_endpoint, &issued.tokens.access_token)
                    .await?
            }
        };
        let user = provider.rules.user(&claims).map_err(Rejection::SignIn)?;
        let user = SignedIn {
            props: props(&provider.id, &user.claims),
            user_id: user.user_id,
            shown: user.shown,
            by_header: false,
            upstream: Some(issued.tokens),
        };
        self.sign_flow_in(sign_in, &mut flow, user).await
    }

    /// RFC 9207 section 2.4.
    async fn check_issuer(&self, provider: &Provider, iss: Option<&str>) -> Result<(), Rejection> {
        let (issuer, is_required) = match &provider.protocol {
            Protocol::OpenId(own) => {
                let is_required = self.upstream_endpoints(provider).await?.sends_issuer;
                (Some(own.source.issuer()), is_required)
            }
            Protocol::OAuth { issuer, .. } => (issuer.as_deref(), issuer.is_some()),
        };
        match (iss, issuer) {
            (Some(iss), Some(issuer)) if iss == issuer => Ok(()),
            (None, _) if !is_required => Ok(()),
            // Nothing is known about its issuer: it cannot be compared.
            (Some(_), None) => Ok(()),
            _ => Err(Rejection::SignIn(SignInFailure::IssuerMixedUp)),
        }
    }

    /// The redirect URI of this server at a provider.
    fn callback_url(&self, provider: &Provider) -> String {
        let url = self.settings.url(&self.settings.endpoints.callback);
        format!("{url}/{}", provider.id)
    }

    pub(super) async fn upstream_endpoints(
        &self,
        provider: &Provider,
    ) -> Result<Endpoints, Rejection> {
        match &provider.protocol {
            Protocol::OAuth {
                authorization_endpoint,
                token_endpoint,
                ..
            } => Ok(Endpoints {
                authorization: authorization_endpoint.clone(),
                token: token_endpoint.clone(),
                // Such providers know the parameters, and some know only these.
                accepts_basic: false,
                sends_issuer: false,
            }),
            Protocol::OpenId(own) => {
                let metadata = own.source.metadata_for_client(self.scheduler()).await;
                let metadata = metadata.map_err(unavailable)?;
                endpoints(own, metadata.document())
                    .ok_or(Rejection::SignIn(SignInFailure::Unusable))
            }
        }
    }
}

/// The endpoints in a discovery document. They must be `https:` or loopback, and on the issuer's
/// origin unless the configuration allows others.
fn endpoints(provider: &OpenIdProvider, document: &Object<'_>) -> Option<Endpoints> {
    let endpoint = |name: &str| {
        let text = document.get(name)?.as_str()?;
        let url = HttpUrl::parse(text).ok()?;
        let is_allowed = provider.cross_origin || url.same_origin(provider.source.issuer_url());
        (url.is_trustworthy() && is_allowed).then(|| text.to_owned())
    };
    // The default is client_secret_basic alone (OpenID Connect Discovery section 3).
    let accepts_basic = match document.get("token_endpoint_auth_methods_supported") {
        Some(Json::Array(methods)) => methods
            .iter()
            .any(|method| method.as_str() == Some("client_secret_basic")),
        _ => true,
    };
    let sends_issuer = document.get("authorization_response_iss_parameter_supported");
    Some(Endpoints {
        authorization: endpoint("authorization_endpoint")?,
        token: endpoint("token_endpoint")?,
        accepts_basic,
        sends_issuer: sends_issuer.and_then(Json::as_bool) == Some(true),
    })
}

/// What an error of a provider means (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6).
/// Only the user's own refusal goes to the client.
fn refusal(error: &str) -> SignInFailure {
    match error {
        "server_error" | "temporarily_unavailable" => SignInFailure::Unavailable,
        "invalid_request"
        | "invalid_scope"
        | "unauthorized_client"
        | "unsupported_response_type" => SignInFailure::Unusable,
        _ => SignInFailure::Refused,
    }
}

/// Documents that cannot be fetched. A wrong one stays wrong until the operator acts.
pub(super) fn unavailable(unavailable: Unavailable) -> Rejection {
    Rejection::SignIn(match unavailable.error {
        error if error.is_silence() => SignInFailure::Unavailable,
        FetchError::Status(429 | 500..=599) => SignInFailure::Unavailable,
        _ => SignInFailure::Unusable,
    })
}

/// Each provider has its own verifier and nonce: one must not learn those of another.
fn of_provider(purpose: &str, provider: &Provider) -> String {
    format!("{purpose} {}", provider.id)
}

/// `consent` is about this server, and is asked for on its own page.
fn prompt(asked: Prompt) -> String {
    let words = [
        (asked.login, "login"),
        (asked.select_account, "select_account"),
    ];
    let words = words.iter().filter(|(is_asked, _)| *is_asked);
    words.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}
