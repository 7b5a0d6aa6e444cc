//! A `tower` layer with a gate.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::VARY;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Allowed, Answer, Decision, Gate};

/// Puts a gate in front of a service.
///
/// An allowed request carries [`Identity`](crate::Identity), [`AccessToken`](crate::AccessToken)
/// and, for [`Gate::exchange`](crate::Gate::exchange), both as [`Credentials`](crate::Credentials)
/// as extensions, on protected routes; they are removed from any other. The gate's headers are
/// added to the response. A request that is not allowed is answered here.
#[derive(Clone, Debug)]
pub struct GateLayer {
    gate: Gate,
}

impl GateLayer {
    /// A layer around this gate.
    #[must_use]
    pub fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> GateService<S> {
        GateService {
            gate: self.gate.clone(),
            inner,
        }
    }
}

/// A service behind a gate; made by [`GateLayer`].
#[derive(Clone, Debug)]
pub struct GateService<S> {
    gate: Gate,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Body<Data = Bytes>,
{
    type Response = Response<Either<R, Full<Bytes>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let gate = self.gate.clone();
        // The ready service is moved into the future, and its clone takes its place.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match gate.handle(&parts).await {
                Decision::Respond(answer) => Ok(respond(answer)),
                Decision::Allow(Allowed {
                    credentials,
                    headers,
                }) => {
                    parts.extensions.remove::<crate::Identity>();
                    parts.extensions.remove::<crate::AccessToken>();
                    parts.extensions.remove::<crate::Credentials>();
                    if let Some(credentials) = credentials {
                        parts.extensions.insert(credentials.identity.clone());
                        parts.extensions.insert(credentials.token.clone());
                        parts.extensions.insert(credentials);
                    }
                    let mut response = inner.call(Request::from_parts(parts, body)).await?;
                    add_headers(response.headers_mut(), headers);
                    Ok(response.map(Either::Left))
                }
            }
        })
    }
}

/// Why a request was refused: an extension of the response, for logs and metrics. A stable code
/// such as `token-expired`. It contains no input from the caller.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal(pub String);

fn respond<R>(answer: Answer) -> Response<Either<R, Full<Bytes>>> {
    let Answer {
        mut response,
        reason,
    } = answer;
    if let Some(reason) = reason {
        tracing::debug!(reason, status = response.status().as_u16(), "refused");
        response.extensions_mut().insert(Refusal(reason));
    }
    response.map(|body| Either::Right(Full::from(body)))
}

/// The gate's values replace the handler's, because browsers refuse a response with two
/// `Access-Control-Allow-Origin` headers. `Vary` is a list, so both values are kept.
fn add_headers(response: &mut HeaderMap, gate: HeaderMap) {
    let mut current = None;
    for (name, value) in gate {
        // The iterator yields no name for a repeated header.
        let first = name.is_some();
        current = name.or(current);
        let Some(name) = &current else { continue };
        if first && *name != VARY {
            response.insert(name, value);
        } else {
            response.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;

    #[test]
    fn the_gates_headers_replace_others_except_vary() {
        let value = HeaderValue::from_static;
        let mut response = HeaderMap::new();
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value("https://a.example"));
        response.insert(VARY, value("accept"));
        let mut gate = HeaderMap::new();
        gate.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value("*"));
        gate.insert(VARY, value("origin"));
        gate.append("link", value("one"));
        gate.append("link", value("two"));
        add_headers(&mut response, gate);
        let all = |name: &str| response.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all("access-control-allow-origin"), ["*"]);
        assert_eq!(all("vary"), ["accept", "origin"]);
        assert_eq!(all("link"), ["one", "two"]);
    }
}
