//! Sends requests unchanged: other clients remove dot segments and repeated headers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Vec<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A complete response.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

/// Longer than any timeout of a gate.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends one request on its own connection to `authority` (`127.0.0.1:8787`).
pub(crate) async fn send(authority: &str, outgoing: &Outgoing) -> Result<Answer, String> {
    let exchange = exchange(authority, outgoing);
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(result) => result.map_err(|error| format!("no answer: {error}")),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

type Problem = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(authority: &str, outgoing: &Outgoing) -> Result<Answer, Problem> {
    let start = Instant::now();
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = http::Request::builder()
        .method(outgoing.method.as_str())
        .uri(outgoing.path.parse::<Uri>()?);
    let headers = request
        .headers_mut()
        .ok_or("the method or the path cannot be sent")?;
    headers.insert("host", HeaderValue::from_str(authority)?);
    for value in &outgoing.authorization {
        headers.append("authorization", HeaderValue::from_bytes(value.as_bytes())?);
    }
    for (name, value) in &outgoing.headers {
        headers.insert(
            HeaderName::try_from(name)?,
            HeaderValue::from_bytes(value.as_bytes())?,
        );
    }
    let response = sender
        .send_request(request.body(Full::<Bytes>::from(outgoing.body.clone()))?)
        .await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        took: start.elapsed(),
    })
}
