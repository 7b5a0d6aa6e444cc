//! Calls to other APIs on behalf of a caller.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tollgate_config::{ExchangeTarget, Token};

use super::Gate;
use super::decision::Credentials;
use super::delegation::delegation;
use super::token_error::TokenError;
use crate::host::answer::Answer;
use crate::host::exchange::permitted;

impl Gate {
    /// Calls another API on behalf of a caller, with a token from [`Gate::exchange`]. The token is
    /// sent only to the origin of its resource, or to one of
    /// [`Client::destinations`](crate::Client::destinations). If the API answers with 401, the
    /// token is removed from the cache and the call is repeated once with a new token.
    ///
    /// The request's URI must be absolute. `Authorization` and `Host` are set here, and replace
    /// those in the request. Redirects are not followed: the token must not be sent to their
    /// targets. There is no timeout except that of the token requests; wrap the call in
    /// [`tokio::time::timeout`].
    ///
    /// # Errors
    ///
    /// There is no token or no response. A response with an error status is not an error.
    pub async fn fetch_as(
        &self,
        caller: &Credentials,
        target: impl Into<ExchangeTarget>,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, FetchError> {
        let url = request.uri().to_string();
        let delegation = delegation(caller, target.into(), Some(url));
        let mut attempt = 1;
        loop {
            let token = self.delegated_token(&delegation).await;
            let token = token.map_err(FetchError::Token)?;
            let response = self.call_with(&token, &request).await?;
            let status = response.status().as_u16();
            if !self.call_again(&delegation, &token, status, attempt) {
                return Ok(response);
            }
            attempt += 1;
        }
    }

    async fn call_with(
        &self,
        token: &Token,
        request: &Request<Bytes>,
    ) -> Result<Response<ResponseBody>, FetchError> {
        let url = permitted(&request.uri().to_string()).ok_or(FetchError::Url)?;
        let mut headers = request.headers().clone();
        headers.remove(HOST);
        let bearer = format!("Bearer {}", token.access_token.expose());
        let mut bearer = HeaderValue::try_from(bearer).map_err(|_| FetchError::UnsendableToken)?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        let call = self.0.http.request(request.method().clone(), url);
        let call = call.headers(headers).body(request.body().clone());
        let answer = call.send().await.map_err(no_response)?;
        let mut response = Response::new(());
        *response.status_mut() = answer.status();
        *response.version_mut() = answer.version();
        response.headers_mut().clone_from(answer.headers());
        Ok(response.map(|()| ResponseBody(answer.into())))
    }
}

/// Neither the URL, whose query may be confidential, nor text from the server is passed on.
fn no_response(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    tracing::debug!(%error, "no response");
    FetchError::Unreachable
}

/// Why a call on behalf of a caller has no response.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// The token request failed.
    Token(TokenError),
    /// The URL is not absolute, contains a password, or is plain HTTP to another machine.
    Url,
    /// The issued token is not a valid header value.
    UnsendableToken,
    /// Name resolution, the connection or TLS failed, or the API closed the connection.
    Unreachable,
    /// The body was longer than the limit.
    TooLarge,
}

impl FetchError {
    /// A default response for the application's own caller: that of the [`TokenError`], otherwise
    /// 500 if the application's operator must act, or 502.
    #[must_use]
    pub fn to_response(&self) -> Response<String> {
        match self {
            Self::Token(error) => error.to_response(),
            Self::Url => Answer::failed().response,
            Self::UnsendableToken | Self::Unreachable | Self::TooLarge => {
                let mut response = Answer::failed().response;
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            }
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => error.fmt(f),
            Self::Url => f.write_str(
                "the URL must be absolute, without a password, and https unless it is on loopback",
            ),
            Self::UnsendableToken => f.write_str("the issued token is not a valid header value"),
            Self::Unreachable => f.write_str("the API could not be reached"),
            Self::TooLarge => f.write_str("the API's response is too long"),
        }
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Token(error) => Some(error),
            _ => None,
        }
    }
}

/// The body of a response, as it comes in.
pub struct ResponseBody(reqwest::Body);

impl ResponseBody {
    /// Reads the whole body, up to this many bytes.
    ///
    /// # Errors
    ///
    /// [`FetchError::TooLarge`], or [`FetchError::Unreachable`] if the connection breaks.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, FetchError> {
        let mut bytes = BytesMut::new();
        while let Some(frame) = self.frame().await {
            // Trailers are skipped.
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            if data.len() > limit - bytes.len() {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.freeze())
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = FetchError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FetchError>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(no_response)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
