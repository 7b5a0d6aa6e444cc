//! The imports, as an implementation of core's [`Host`].

use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PendingAnswer, PublicKeyHandle,
    SignatureError,
};
#[cfg(any(feature = "token-client", feature = "issuer"))]
use tollgate_core::capability::{PrivateKeyHandle, PrivateKeySource};
use tollgate_core::jose::Algorithm;

use crate::bindings::tollgate::auth::{clock, http_client, random, signatures};

pub(crate) struct Imports;

impl Host for Imports {
    fn now(&self) -> u64 {
        clock::now()
    }

    fn random(&self, out: &mut [u8]) {
        let len = u32::try_from(out.len()).expect("core asks for a few bytes at a time");
        out.copy_from_slice(&random::get_bytes(len));
    }

    fn send(&self, request: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        Box::new(Exchange(http_client::send(&http_client::Request {
            method: request.method.to_owned(),
            url: request.url,
            headers: request.headers,
            body: request.body,
            timeout_ms: request.timeout_ms,
            max_body_bytes: request.max_body_bytes,
        })))
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        known(&signatures::supported().verify)
    }

    #[cfg(any(feature = "token-client", feature = "issuer"))]
    fn signing_algorithms(&self) -> Vec<Algorithm> {
        known(&signatures::supported().sign)
    }

    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        let key = signatures::import_verifying_key(algorithm.name(), jwk).map_err(error)?;
        Ok(Box::new(PublicKey(key)))
    }

    #[cfg(any(feature = "token-client", feature = "issuer"))]
    fn import_signing_key(
        &self,
        key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        crate::signing::import(key)
    }
}

/// Names that core does not know are skipped.
fn known(names: &[String]) -> Vec<Algorithm> {
    let known = names.iter().map(|name| Algorithm::from_name(name));
    known.flatten().map(Algorithm::by_one_name).collect()
}

pub(crate) fn error(error: signatures::SignatureError) -> SignatureError {
    match error {
        signatures::SignatureError::Unsupported => SignatureError::Unsupported,
        signatures::SignatureError::KeyRefused => SignatureError::KeyRefused,
        signatures::SignatureError::Failed => SignatureError::Failed,
    }
}

struct PublicKey(signatures::VerifyingKey);

impl PublicKeyHandle for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> PendingAnswer<bool> {
        Box::new(Verdict(self.0.verify(message, signature)))
    }
}

struct Verdict(signatures::PendingVerdict);

impl Pending<Result<bool, SignatureError>> for Verdict {
    fn poll(&mut self) -> Option<Result<bool, SignatureError>> {
        Some(self.0.poll()?.map_err(error))
    }
}

struct Exchange(http_client::PendingResponse);

impl Pending<Result<HttpResponse, HttpError>> for Exchange {
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
