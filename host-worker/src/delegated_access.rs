//! Token requests for calls to other APIs, on behalf of a caller and for the Worker itself.

use serde_json::json;
use tollgate_config::{ExchangeTarget, Grant, Secret, Token, TokenTarget};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Env, Request, Response};

use crate::{
    error::Error,
    gate::Gate,
    identity::Identity,
    javascript::to_js,
    package::{JsGate, JsToken},
    token_arguments::{exchange_arguments, grant_argument},
    token_error::{TokenError, issued_token, server_error},
};

impl Gate {
    /// Gets a token to call another API on behalf of a caller (RFC 8693), from the cache or by
    /// token exchange. Concurrent calls for the same token share one exchange.
    ///
    /// `caller` must be an identity from this gate. A token that was issued for one caller's token
    /// is never returned for another, and is not cached beyond the expiry of the caller's token.
    /// The destination of the token is not checked here; see [`Self::fetch_as`].
    ///
    /// # Errors
    ///
    /// Why the token request failed, with a response for the caller.
    pub async fn exchange(
        &self,
        caller: &Identity,
        target: impl Into<ExchangeTarget>,
    ) -> Result<Token, TokenError> {
        let gate = self.made()?;
        let (resources, options) = exchange_arguments(target.into());
        issued(
            gate.exchange(caller.auth(), resources, &to_js(&options)?)
                .await,
        )
    }

    /// Calls another API on behalf of a caller, with a token from [`Self::exchange`]. The token is
    /// sent only to the origin of its resource, or to one of the client's destinations. If the API
    /// answers with 401, the token is removed from the cache and the call is repeated once with a
    /// new token.
    ///
    /// `Authorization` is set here, and replaces one in the request. Redirects are not followed:
    /// the token must not be sent to their targets.
    ///
    /// ```no_run
    /// use tollgate_worker::{Gate, Identity};
    /// use worker::{Method, Request, Response, Result};
    ///
    /// const CARS: &str = "https://cars.example.com";
    ///
    /// async fn my_cars(gate: &Gate, caller: &Identity) -> Result<Response> {
    ///     let request = Request::new("https://cars.example.com/mine", Method::Get)?;
    ///     match gate.fetch_as(caller, CARS, request).await {
    ///         Ok(response) => Ok(response),
    ///         // 401 or 403 where the user must do something, 5xx else.
    ///         Err(error) => error.to_response(),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// There is no token or no response. A response with an error status is not an error.
    pub async fn fetch_as(
        &self,
        caller: &Identity,
        target: impl Into<ExchangeTarget>,
        request: Request,
    ) -> Result<Response, FetchError> {
        let gate = self.made().map_err(TokenError::from)?;
        let (resources, options) = exchange_arguments(target.into());
        let options = to_js(&options).map_err(TokenError::from)?;
        gate.fetch_as(
            caller.auth(),
            resources,
            request.inner(),
            &JsValue::UNDEFINED,
            &options,
        )
        .await
        .and_then(JsCast::dyn_into::<web_sys::Response>)
        .map(Response::from)
        .map_err(|thrown| match TokenError::known(&thrown) {
            Some(error) => FetchError::Token(error),
            None => FetchError::NoResponse(Error::thrown(&thrown).to_string()),
        })
    }

    /// Gets a token for the Worker itself by client credentials (RFC 6749 section 4.4). It is
    /// cached and shared like those of [`Self::exchange`].
    ///
    /// # Errors
    ///
    /// Why a token request failed.
    pub async fn own_token(
        &self,
        target: impl Into<TokenTarget>,
        env: &Env,
        context: &Context,
    ) -> Result<Token, TokenError> {
        let gate = self.ready(env)?;
        let context: &worker::worker_sys::Context = context.as_ref();
        let target = to_js(&target.into())?;
        issued(gate.own_token(&target, env, context).await)
    }

    /// Sends one token request. The token is neither cached nor shared. `client_assertion` replaces
    /// the client's own authentication.
    ///
    /// The grant is not verified here: exchange only tokens that you have verified.
    ///
    /// # Errors
    ///
    /// Why a token request failed.
    pub async fn token_request(
        &self,
        grant: &Grant,
        target: impl Into<TokenTarget>,
        client_assertion: Option<&Secret>,
        env: &Env,
        context: &Context,
    ) -> Result<Token, TokenError> {
        let gate = self.ready(env)?;
        let context: &worker::worker_sys::Context = context.as_ref();
        let (grant, target) = (to_js(&grant_argument(grant))?, to_js(&target.into())?);
        let assertion = client_assertion.map(Secret::expose);
        let options = to_js(&json!({ "client_assertion": assertion }))?;
        let token = gate
            .token_request(&grant, &target, &options, env, context)
            .await;
        issued(token)
    }

    /// Removes exchanged tokens from this isolate's cache: those of one subject, those for one
    /// resource (or audience), those of one subject for one resource, or all. The results of
    /// running exchanges are not cached either. Returns how many tokens were removed.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the Worker has no valid client.
    pub fn invalidate(
        &self,
        subject: Option<&str>,
        resource: Option<&str>,
        env: &Env,
    ) -> Result<u32, Error> {
        let filter = to_js(&json!({ "subject": subject, "resource": resource }))?;
        self.ready(env)?
            .invalidate(&filter, env)
            .map_err(|thrown| Error::thrown(&thrown))
    }

    /// Signs a client assertion (RFC 7523 section 3) for one request to `audience`.
    ///
    /// # Errors
    ///
    /// The client has no private key.
    pub async fn client_assertion(&self, audience: &str, env: &Env) -> Result<Secret, TokenError> {
        let assertion = self.ready(env)?.client_assertion(audience, env).await;
        assertion
            .and_then(|assertion| assertion.as_string().ok_or(assertion))
            .map(Secret::new)
            .map_err(|thrown| TokenError::thrown(&thrown))
    }

    /// The gate that an identity came from.
    fn made(&self) -> Result<JsGate, Error> {
        let missing = || Error::Failed("this gate has handled no request yet".to_owned());
        self.known().ok_or_else(missing)
    }
}

fn issued(outcome: Result<JsValue, JsValue>) -> Result<Token, TokenError> {
    outcome
        .map(|token| issued_token(&token.unchecked_into::<JsToken>()))
        .map_err(|thrown| TokenError::thrown(&thrown))
}

/// Why a call on behalf of a caller has no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The token request failed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The API cannot be reached, or closed the connection. The text is the runtime's, for logs and
    /// not for callers.
    #[error("the API could not be reached: {0}")]
    NoResponse(String),
}

impl FetchError {
    /// A default response for the application's own caller: that of the [`TokenError`], otherwise
    /// 502.
    ///
    /// # Errors
    ///
    /// The runtime cannot create a response.
    pub fn to_response(&self) -> worker::Result<Response> {
        match self {
            Self::Token(error) => error.to_response(),
            Self::NoResponse(_) => Ok(server_error()?.with_status(502)),
        }
    }
}

impl From<FetchError> for worker::Error {
    fn from(error: FetchError) -> Self {
        Self::RustError(error.to_string())
    }
}
