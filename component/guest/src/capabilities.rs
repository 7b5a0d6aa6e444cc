//! The imports, as core's [`Host`].

use tollgate_core::capability::{Host, HttpError, HttpRequest, HttpResponse, PendingResponse};

use crate::bindings::tollgate::auth::{clock, http_client, random};

pub(crate) struct Imports;

impl Host for Imports {
    fn now(&self) -> u64 {
        clock::now()
    }

    fn random(&self, out: &mut [u8]) {
        let len = u32::try_from(out.len()).expect("core asks for a few bytes at a time");
        out.copy_from_slice(&random::get_bytes(len));
    }

    fn send(&self, request: HttpRequest) -> Box<dyn PendingResponse> {
        Box::new(Exchange(http_client::send(&http_client::Request {
            method: request.method.to_owned(),
            url: request.url,
            headers: request.headers,
            body: request.body,
            timeout_ms: request.timeout_ms,
            max_body_bytes: request.max_body_bytes,
        })))
    }
}

struct Exchange(http_client::PendingResponse);

impl PendingResponse for Exchange {
    fn poll(&mut self) -> Option<Result<HttpResponse, HttpError>> {
        Some(match self.0.poll()? {
            Ok(response) => Ok(HttpResponse {
                status: response.status,
                headers: response.headers,
                body: response.body,
            }),
            Err(error) => Err(match error {
                http_client::HttpError::Unreachable => HttpError::Unreachable,
                http_client::HttpError::TimedOut => HttpError::TimedOut,
                http_client::HttpError::TooLarge => HttpError::TooLarge,
                http_client::HttpError::Refused => HttpError::Refused,
                http_client::HttpError::Internal(_) => HttpError::Internal,
            }),
        })
    }
}
