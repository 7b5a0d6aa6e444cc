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
use super::decision::{Answer, Credentials};
use super::delegation::delegation;
use super::exchange::permitted;
use super::token_error::TokenError;

impl Gate {
    /// Calls another API on behalf of a caller: with a token from [`Gate::exchange`], which is
    /// sent only to the origin of the resource that it is for or to one of
    /// [`Client::destinations`](crate::Client::destinations). When the API answers 401 the token
    /// is forgotten, and the call made once more with a new one.
    ///
    /// The request's URI is absolute; `Authorization` and `Host` are set here, whatever it has.
    /// No redirect is followed: a token must not travel on to where one points. There is no time
    /// limit but those of the token requests; put [`tokio::time::timeout`] around it.
    ///
    /// # Errors
    ///
    /// Why there is no token or no response. Any status that the API answers is a response.
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

/// Neither the URL, whose query may be confidential, nor what the server wrote is passed on.
fn no_response(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    tracing::debug!(%error, "no response");
    FetchError::Unreachable
}

/// Why a call on behalf of somebody has no response.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// There is no token to make it with.
    Token(TokenError),
    /// The URL is not absolute, has a password in it, or is plain HTTP to another machine.
    Url,
    /// The issuer issued a token that is no header value.
    UnsendableToken,
    /// Name, connection or TLS failed, or the API broke off.
    Unreachable,
    /// The body was longer than it may be.
    TooLarge,
}

impl FetchError {
    /// A response for the application's own caller, if it has nothing better: that of the
    /// [`TokenError`], else 500 where the application must do something, and 502.
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
            Self::UnsendableToken => f.write_str("the issued token cannot stand in a header"),
            Self::Unreachable => f.write_str("the API cannot be reached"),
            Self::TooLarge => f.write_str("the API's answer is too long"),
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
    /// All of it, up to so many bytes.
    ///
    /// # Errors
    ///
    /// [`FetchError::TooLarge`], or [`FetchError::Unreachable`] where it breaks off.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, FetchError> {
        let mut bytes = BytesMut::new();
        while let Some(frame) = self.frame().await {
            // Trailers are no part of it.
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
