//! A GET of a small JSON document over plain HTTP: key sets of clients, and an issuer's metadata.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::{Host, Url};

/// How long an answer may take, from the connection to its last byte: what is asked runs on this
/// machine or next to it.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The longest body that is read: what `tollgate_core` takes as a key set.
const MAX_BODY_BYTES: usize = tollgate_core::jose::limits::KEY_SET_BYTES;

/// Why there is no document. Nothing of the answer is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum GetError {
    /// Not an `http:` URL. TLS would come with a list of certificates, which loopback has no use
    /// for.
    NotHttp,
    Unreachable,
    TimedOut,
    /// Another status than 200. Redirects are not followed.
    Status,
    TooLarge,
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp => "is not an http URL",
            Self::Unreachable => "cannot be reached",
            Self::TimedOut => "did not answer in time",
            Self::Status => "did not answer 200",
            Self::TooLarge => "broke off or is too large",
        })
    }
}

/// The body of a 200.
pub(crate) async fn get(url: &Url) -> Result<Bytes, GetError> {
    let answer = tokio::time::timeout(TIME_LIMIT, exchange(url)).await;
    answer.unwrap_or(Err(GetError::TimedOut))
}

async fn exchange(url: &Url) -> Result<Bytes, GetError> {
    if url.scheme() != "http" {
        return Err(GetError::NotHttp);
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = match url.host().ok_or(GetError::NotHttp)? {
        Host::Domain(name) => TcpStream::connect((name, port)).await,
        Host::Ipv4(address) => TcpStream::connect((address, port)).await,
        Host::Ipv6(address) => TcpStream::connect((address, port)).await,
    }
    .map_err(|_| GetError::Unreachable)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| GetError::Unreachable)?;
    // Ends when this function does.
    let mut driver = JoinSet::new();
    driver.spawn(connection);

    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = hyper::Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/json")
        .body(Body::empty())
        .map_err(|_| GetError::NotHttp)?;
    let response = sender.send_request(request).await;
    let response = response.map_err(|_| GetError::Unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(GetError::Status);
    }
    let body = Body::new(response.into_body());
    to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| GetError::TooLarge)
}
