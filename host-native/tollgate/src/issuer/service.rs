//! The issuer as a `tower` service and layer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full};
use tower_layer::Layer;
use tower_service::Service;

use super::Issuer;
use crate::layer::Refusal;

type ResponseFuture<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

/// Answers every request; made by [`Issuer::into_service`].
///
/// Of a body, at most [`Issuer::max_body_bytes`] and one byte are read, within the time of
/// [`IssuerBuilder::body_timeout`](super::IssuerBuilder::body_timeout).
#[derive(Clone, Debug)]
pub struct IssuerService {
    issuer: Issuer,
}

impl IssuerService {
    pub(super) fn new(issuer: Issuer) -> Self {
        Self { issuer }
    }
}

impl<B> Service<Request<B>> for IssuerService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = ResponseFuture<Full<Bytes>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let issuer = self.issuer.clone();
        Box::pin(async move { Ok(respond(&issuer, request).await.map(Full::new)) })
    }
}

/// Puts an issuer in front of a service; made by [`Issuer::into_layer`].
#[derive(Clone, Debug)]
pub struct IssuerLayer {
    issuer: Issuer,
}

impl IssuerLayer {
    pub(super) fn new(issuer: Issuer) -> Self {
        Self { issuer }
    }
}

impl<S> Layer<S> for IssuerLayer {
    type Service = IssuerOr<S>;

    fn layer(&self, inner: S) -> IssuerOr<S> {
        IssuerOr {
            issuer: self.issuer.clone(),
            inner,
        }
    }
}

/// An issuer, and a service for everything that is not one of its endpoints; made by
/// [`IssuerLayer`].
#[derive(Clone, Debug)]
pub struct IssuerOr<S> {
    issuer: Issuer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for IssuerOr<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
    R: Body<Data = Bytes>,
{
    type Response = Response<Either<R, Full<Bytes>>>;
    type Error = S::Error;
    type Future = ResponseFuture<Either<R, Full<Bytes>>, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let issuer = self.issuer.clone();
        // The ready service is moved into the future, and its clone takes its place.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let served = issuer.serves(&parts);
            let request = Request::from_parts(parts, body);
            if served {
                let response = respond(&issuer, request).await;
                Ok(response.map(|body| Either::Right(Full::new(body))))
            } else {
                Ok(inner.call(request).await?.map(Either::Left))
            }
        })
    }
}

async fn respond<B>(issuer: &Issuer, request: Request<B>) -> Response<Bytes>
where
    B: Body<Data = Bytes>,
{
    let (parts, body) = request.into_parts();
    let body = read(body, issuer.max_body_bytes() + 1);
    match tokio::time::timeout(issuer.0.body_timeout, body).await {
        Ok(Ok(body)) => issuer.respond(Request::from_parts(parts, body)).await,
        Ok(Err(Broken)) => unread(StatusCode::BAD_REQUEST, "body-broken"),
        Err(_) => unread(StatusCode::REQUEST_TIMEOUT, "body-timeout"),
    }
}

/// The client broke off, or its encoding of the body is not valid.
struct Broken;

/// Reads at most this many bytes.
async fn read<B: Body<Data = Bytes>>(body: B, limit: usize) -> Result<Bytes, Broken> {
    let mut body = pin!(body);
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers are not read.
        let Ok(data) = frame.map_err(|_| Broken)?.into_data() else {
            continue;
        };
        let room = limit - read.len();
        read.extend_from_slice(&data[..data.len().min(room)]);
        if read.len() == limit {
            break;
        }
    }
    Ok(read.freeze())
}

/// The answer to a request whose body could not be read. The connection has unread bytes of it.
fn unread(status: StatusCode, reason: &str) -> Response<Bytes> {
    let body = r#"{"error":"invalid_request","error_description":"the body is not complete"}"#;
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response.extensions_mut().insert(Refusal(reason.to_owned()));
    response
}
