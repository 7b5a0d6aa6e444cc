//! Requests that no client of good will sends.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Served, in_memory};

/// Sends bytes, and reads until the server closes or has been silent for a second.
pub(crate) async fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Ok(read)) =
        tokio::time::timeout(Duration::from_secs(1), stream.read(&mut buffer)).await
    {
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn address(served: &Served) -> &str {
    served.url.strip_prefix("http://").expect("a URL")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_body_is_refused_and_not_read() {
    let served = in_memory().await;
    let limit = served.issuer.max_body_bytes();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n",
        1_u64 << 40
    );
    // Never more than this is sent.
    let request = [head.as_bytes(), &vec![b'a'; limit + 1]].concat();
    let answer = raw(address(&served), &request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("invalid_request"), "{answer}");

    let longest = "a".repeat(limit - 3);
    let (status, body) = served
        .demo
        .post("/token", &[("x", "y"), ("z", &longest[..limit - 7])])
        .await
        .expect("an answer");
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::BAD_REQUEST, &"invalid_request".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_encodings_are_refused_by_name() {
    let served = in_memory().await;
    let post = |content_type: &str, body: &[u8]| {
        let head = format!(
            "POST /token HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let form = "application/x-www-form-urlencoded";
    for (request, status) in [
        // Not UTF-8, not a form, a form in another charset's bytes, a repeated parameter.
        (post(form, b"grant_type=%FF%FE&client_id=demo"), "400"),
        (post(form, b"grant_type=\xff\xfe&client_id=demo"), "400"),
        (
            post("application/json", br#"{"grant_type":"refresh_token"}"#),
            "415",
        ),
        (post("multipart/form-data; boundary=x", b"--x--"), "415"),
        (
            post(form, b"grant_type=refresh_token&grant_type=refresh_token"),
            "400",
        ),
        (post(form, &b"a&".repeat(10_000)), "400"),
        (post(form, b""), "400"),
    ] {
        let answer = raw(address(&served), &request).await;
        let line = answer.lines().next().unwrap_or_default().to_owned();
        assert!(
            line.contains(status) || (status == "415" && line.contains("400")),
            "{:?}: {answer}",
            String::from_utf8_lossy(&request)
        );
        assert!(answer.contains("\"error\""), "{answer}");
    }
    // Bytes in the query that are no text, and a path that is none.
    for target in [
        "/authorize?client_id=%FF",
        "/authorize?%",
        "//",
        "/token/../jwks",
        "*",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let answer = raw(address(&served), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{target}: {answer}");
    }
    assert_eq!(served.issuer.stats().failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_read_like_any_other() {
    let served = in_memory().await;
    let request = "POST /token HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                   content-type: application/x-www-form-urlencoded\r\n\
                   transfer-encoding: chunked\r\n\r\n\
                   5\r\ngrant\r\n7\r\n_type=x\r\n0\r\n\r\n";
    let answer = raw(address(&served), request.as_bytes()).await;
    assert!(answer.contains("unsupported_grant_type"), "{answer}");
    let broken = request.replace("7\r\n", "zz\r\n");
    let answer = raw(address(&served), broken.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_an_endpoint_does_not_have_is_refused() {
    let served = in_memory().await;
    for (method, path, status) in [
        ("GET", "/token", 405),
        ("DELETE", "/authorize", 405),
        ("BREW", "/token", 405),
        ("GET", "/nothing", 404),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let answer = raw(address(&served), request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}
