//! Parses and checks authorization requests (RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8707
//! section 2, OpenID Connect Core section 3.1.2.1).
//!
//! Client and redirect URI come first. Only when both are proven may anything be sent to the
//! redirect URI, an error included: otherwise this server would redirect people to wherever the
//! author of a link likes (RFC 9700 section 4.11).

use super::authorization_request::{AuthorizationRequest, Prompt};
use super::client::{Client, GrantType};
use super::compile::Settings;
use super::issuer::Request;
use super::parameters::Parameters;
use super::pkce;
use super::redirect_uri;
use super::rejection::{PkceFailure, RedirectUriFailure, Rejection, ScopeFailure};
use super::server::Server;
use crate::access_token::is_scope_token;
use crate::http_url::HttpUrl;
use crate::limits;

/// `client_id`: the URL of a client ID metadata document, or a short text.
const CLIENT_ID_BYTES: usize = 2048;
/// `redirect_uri`: no longer one can be registered.
const REDIRECT_URI_BYTES: usize = 2048;
/// `state`: a random text, or what a client without storage packs into it. It returns in a URL, and
/// URLs of 8 KB are refused by common servers.
const STATE_BYTES: usize = 2048;
/// `scope`: [`limits::SCOPES`] of 16 characters.
const SCOPE_BYTES: usize = 4096;
/// `login_hint`: an e-mail address (RFC 5321 has at most 254 characters) or an opaque id.
const LOGIN_HINT_BYTES: usize = 512;
/// `nonce`, `prompt` and `max_age`: a few words, or a random text.
const WORDS_BYTES: usize = 512;
/// `max_age`: ten years, in seconds.
const MAX_AGE: u64 = 10 * 366 * 86_400;

/// The scope that asks for refresh tokens (OpenID Connect Core section 11). Here, each code gives
/// one, so that it may be asked for whether the server lists it or not.
const OFFLINE_ACCESS: &str = "offline_access";

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) rejection: Rejection,
    /// Where the client may be told. `None` until client and redirect URI are proven.
    pub(super) redirect: Option<Redirect>,
}

/// A proven redirect URI, and what goes there with each answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) uri: String,
    pub(super) state: Option<String>,
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self {
            rejection,
            redirect: None,
        }
    }
}

impl Server {
    /// Reads an authorization request: the query of a `GET`, or the form of a `POST`.
    pub(super) async fn parse_authorization(
        &self,
        request: &Request,
    ) -> Result<(AuthorizationRequest, Client), Refused> {
        let (parameters, repeated) = match request.method.as_str() {
            "GET" => Parameters::parse_with_repeats(query(&request.url)?.as_bytes())?,
            "POST" => Parameters::form_with_repeats(&request.headers, &request.body)?,
            _ => return Err(Rejection::Method("GET, POST").into()),
        };
        // No value of a repeated parameter is left, so that a repeated client_id or redirect_uri is
        // refused as such here.
        let is_repeated = |name| repeated.iter().find(|own| own.name() == name);
        for name in ["client_id", "redirect_uri"] {
            if let Some(parameter) = is_repeated(name) {
                return Err(Rejection::RepeatedParameter(*parameter).into());
            }
        }
        let id = limited(&parameters, "client_id", CLIENT_ID_BYTES)?;
        let id = id.ok_or(Rejection::MissingParameter("client_id"))?;
        let client = self.client(id).await?;
        let redirect_uri = proven_redirect_uri(&client, &parameters)?;
        let state = limited(&parameters, "state", STATE_BYTES);
        let redirect = Redirect {
            uri: redirect_uri.to_owned(),
            state: state.as_ref().ok().copied().flatten().map(str::to_owned),
        };
        let checked = match (repeated.first(), state) {
            (Some(parameter), _) => Err(Rejection::RepeatedParameter(*parameter)),
            (None, Err(rejection)) => Err(rejection),
            (None, Ok(_)) => self.settings.read(&client, &parameters, &redirect),
        };
        match checked {
            Ok(request) => Ok((request, client)),
            Err(rejection) => Err(Refused {
                rejection,
                redirect: Some(redirect),
            }),
        }
    }

    /// Checks a request that left this server, and may have been changed: in a form, or by the
    /// application.
    pub(super) async fn recheck_authorization(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<Client, Rejection> {
        if request.client_id.len() > CLIENT_ID_BYTES {
            return Err(Rejection::ParameterTooLong("client_id"));
        }
        let client = self.client(&request.client_id).await?;
        check_redirect_uri(&client, &request.redirect_uri)?;
        if !request.redirect_uri_given && client.redirect_uris.len() != 1 {
            return Err(Rejection::RedirectUri(RedirectUriFailure::Missing));
        }
        let state = request.state.as_deref().unwrap_or_default();
        check_text("state", state, STATE_BYTES)?;
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(Rejection::UnauthorizedClient("response_type"));
        }
        let challenge = request.code_challenge.as_deref();
        let method = challenge.map(|_| "S256");
        self.settings.check_challenge(&client, challenge, method)?;
        let resources = request.resources.iter().map(String::as_str);
        if self.settings.resources_of(resources)? != request.resources {
            return Err(Rejection::BadParameter("resource"));
        }
        self.settings.check_scopes(&client, &request.scopes)?;
        Ok(client)
    }
}

impl Settings {
    /// Everything behind the redirect URI.
    fn read(
        &self,
        client: &Client,
        parameters: &Parameters,
        redirect: &Redirect,
    ) -> Result<AuthorizationRequest, Rejection> {
        if parameters.get("request").is_some() {
            return Err(Rejection::RequestObject);
        }
        if parameters.get("request_uri").is_some() {
            return Err(Rejection::RequestUri);
        }
        if parameters.required("response_type")? != "code" {
            return Err(Rejection::UnsupportedResponseType);
        }
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(Rejection::UnauthorizedClient("response_type"));
        }
        if parameters
            .get("response_mode")
            .is_some_and(|mode| mode != "query")
        {
            return Err(Rejection::BadParameter("response_mode"));
        }
        let challenge = parameters.get("code_challenge");
        let method = parameters.get("code_challenge_method");
        self.check_challenge(client, challenge, method)?;
        let resources = self.resources_of(parameters.all("resource"))?;
        let scopes = self.requested_scopes(client, parameters)?;
        limited(parameters, "nonce", WORDS_BYTES)?;
        let login_hint = limited(parameters, "login_hint", LOGIN_HINT_BYTES)?;
        Ok(AuthorizationRequest {
            client_id: client.id.clone(),
            redirect_uri: redirect.uri.clone(),
            redirect_uri_given: parameters.get("redirect_uri").is_some(),
            scopes,
            state: redirect.state.clone(),
            code_challenge: challenge.map(str::to_owned),
            resources,
            prompt: prompt(parameters)?,
            login_hint: login_hint.map(str::to_owned),
            max_age: max_age(parameters)?,
        })
    }

    /// RFC 7636 section 4.3. Only `S256`: `plain` protects nothing against who sees the request, and
    /// is what a request without a method means.
    fn check_challenge(
        &self,
        client: &Client,
        challenge: Option<&str>,
        method: Option<&str>,
    ) -> Result<(), Rejection> {
        let failure = match (challenge, method) {
            (None, Some(_)) => PkceFailure::MethodAlone,
            (None, None) if client.is_public() || !self.confidential_clients_may_omit_pkce => {
                PkceFailure::Missing
            }
            (None, None) => return Ok(()),
            (Some(_), None) => PkceFailure::MethodMissing,
            (Some(_), Some(method)) if method != "S256" => PkceFailure::Method,
            (Some(challenge), Some(_)) if !pkce::is_challenge(challenge) => PkceFailure::Syntax,
            (Some(_), Some(_)) => return Ok(()),
        };
        Err(Rejection::Pkce(failure))
    }

    /// The scopes of a request, each once.
    fn requested_scopes(
        &self,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<Vec<String>, Rejection> {
        let text = limited(parameters, "scope", SCOPE_BYTES)?.unwrap_or_default();
        let mut scopes: Vec<String> = Vec::new();
        for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        let is_own = |scope: &str| {
            let among = |list: &Option<Vec<String>>| {
                list.as_ref()
                    .is_none_or(|list| list.iter().any(|own| own == scope))
            };
            among(&self.scopes) && among(&client.scopes)
        };
        scopes.retain(|scope| scope != OFFLINE_ACCESS || is_own(scope));
        self.check_scopes(client, &scopes)?;
        Ok(scopes)
    }

    /// Whether a client may have these scopes.
    pub(super) fn check_scopes(&self, client: &Client, scopes: &[String]) -> Result<(), Rejection> {
        let refused = |failure| Err(Rejection::Scope(failure));
        if scopes.len() > limits::SCOPES {
            return refused(ScopeFailure::TooMany);
        }
        if !scopes.iter().all(|scope| is_scope_token(scope)) {
            return refused(ScopeFailure::Malformed);
        }
        let covers = |list: &Option<Vec<String>>| {
            list.as_ref()
                .is_none_or(|list| scopes.iter().all(|scope| list.contains(scope)))
        };
        if !covers(&self.scopes) {
            return refused(ScopeFailure::Unknown);
        }
        if !covers(&client.scopes) {
            return refused(ScopeFailure::NotForClient);
        }
        Ok(())
    }
}

/// The query of a request's URL.
fn query(url: &str) -> Result<String, Rejection> {
    if url.len() > limits::URL_BYTES {
        return Err(Rejection::RequestTooLarge);
    }
    let url = HttpUrl::parse(url).map_err(|_| Rejection::BadUrl)?;
    Ok(url.query().unwrap_or_default().to_owned())
}

/// The redirect URI of a request, which must be one of the client's.
fn proven_redirect_uri<'a>(
    client: &'a Client,
    parameters: &'a Parameters,
) -> Result<&'a str, Rejection> {
    match (parameters.get("redirect_uri"), &*client.redirect_uris) {
        (Some(uri), _) => check_redirect_uri(client, uri).map(|()| uri),
        (None, [only]) => Ok(only),
        (None, _) => Err(Rejection::RedirectUri(RedirectUriFailure::Missing)),
    }
}

fn check_redirect_uri(client: &Client, uri: &str) -> Result<(), Rejection> {
    if uri.len() > REDIRECT_URI_BYTES {
        return Err(Rejection::ParameterTooLong("redirect_uri"));
    }
    let mut registered = client.redirect_uris.iter();
    if registered.any(|own| redirect_uri::matches(own, uri)) {
        Ok(())
    } else {
        Err(Rejection::RedirectUri(RedirectUriFailure::Unregistered))
    }
}

/// A parameter without control characters, and not longer than its limit.
fn limited<'a>(
    parameters: &'a Parameters,
    name: &'static str,
    limit: usize,
) -> Result<Option<&'a str>, Rejection> {
    let value = parameters.get(name);
    check_text(name, value.unwrap_or_default(), limit)?;
    Ok(value)
}

fn check_text(name: &'static str, value: &str, limit: usize) -> Result<(), Rejection> {
    if value.len() > limit {
        return Err(Rejection::ParameterTooLong(name));
    }
    if value.chars().any(char::is_control) {
        return Err(Rejection::BadParameter(name));
    }
    Ok(())
}

fn prompt(parameters: &Parameters) -> Result<Prompt, Rejection> {
    let text = limited(parameters, "prompt", WORDS_BYTES)?.unwrap_or_default();
    let has = |value| text.split(' ').any(|word| word == value);
    let prompt = Prompt {
        none: has("none"),
        login: has("login"),
        consent: has("consent"),
        select_account: has("select_account"),
    };
    // OpenID Connect Core section 3.1.2.1: `none` with any other value is an error.
    if prompt.none && text.split(' ').count() > 1 {
        return Err(Rejection::BadParameter("prompt"));
    }
    Ok(prompt)
}

fn max_age(parameters: &Parameters) -> Result<Option<u64>, Rejection> {
    let Some(text) = limited(parameters, "max_age", WORDS_BYTES)? else {
        return Ok(None);
    };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_number);
    match seconds {
        Some(seconds) if seconds <= MAX_AGE => Ok(Some(seconds)),
        _ => Err(Rejection::BadParameter("max_age")),
    }
}
