//! Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): the `client_id` is
//! the URL of the client's metadata.
//!
//! Documents are kept in memory by the rules of HTTP caches. Three cases are told apart. A document
//! that is there and wrong, or is not there, is `invalid_client`, and is looked for again after half
//! a minute. A host that does not answer is 503, because clients throw their sessions away for
//! `invalid_client`. And a client that was valid before stays valid during an outage, for a day.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;

use super::client::{AuthenticationMethod, Client, ClientOrigin};
use super::client_id_url::{DocumentRules, MetadataDocumentFailure as Failure, check_url};
use super::client_metadata::{ClientMetadata, Rules};
use super::client_metadata_failure::ClientMetadataFailure;
use super::rejection::Rejection;
use super::server::Server;
use crate::capability::{HttpError, HttpRequest, HttpResponse, UnixMillis};
use crate::issuers::{FetchError, Fetched, KeyPolicy, lifetime};
use crate::json::{Json, Object};
use crate::limits;

/// The longest document. The draft recommends a limit of 5 KB. Documents in use have less than 2,
/// but one with translations and a few RSA keys has more than 5.
const DOCUMENT_BYTES: u32 = 16 * 1024;
/// How long a wrong or missing document is remembered, in milliseconds.
const FAILURE_MS: u64 = 30_000;
/// Documents of valid clients that are kept: 4 MB at most.
const KNOWN: NonZeroUsize = NonZeroUsize::new(256).expect("not 0");
/// URLs without a valid document that are remembered. They have a list of their own, so that made-up
/// URLs do not drive out valid clients.
const TRIED: NonZeroUsize = NonZeroUsize::new(64).expect("not 0");
/// Fetches at a time: anybody can cause them.
const FETCHES: usize = 32;
/// Callers that wait for one fetch.
const WAITERS: usize = 64;
/// When to try again if too many fetches are running, in seconds.
const BUSY_RETRY: u32 = 1;

/// How long documents are used. Between a minute, because a page and the requests that follow need
/// the same document, and a day; during an outage for another day.
const POLICY: KeyPolicy = KeyPolicy {
    min_fresh: 60_000,
    max_fresh: 86_400_000,
    max_stale: 86_400_000,
    cooldown: 30_000,
    timeout: 5_000,
};

/// What was found at a URL.
#[derive(Debug)]
enum Document {
    Valid(Box<Client>),
    /// Remembered until then.
    Invalid(Failure, UnixMillis),
}

/// The documents in memory.
pub(super) struct Documents {
    known: RefCell<LruCache<String, Rc<Fetched<Document>>>>,
    tried: RefCell<LruCache<String, Rc<Fetched<Document>>>>,
    fetches: Cell<usize>,
}

impl Documents {
    pub(super) fn new() -> Self {
        Self {
            known: RefCell::new(LruCache::new(KNOWN)),
            tried: RefCell::new(LruCache::new(TRIED)),
            fetches: Cell::default(),
        }
    }

    fn entry(&self, url: &str) -> Rc<Fetched<Document>> {
        if let Some(known) = self.known.borrow_mut().get(url) {
            return Rc::clone(known);
        }
        let mut tried = self.tried.borrow_mut();
        Rc::clone(tried.get_or_insert_ref(url, || Rc::new(Fetched::new())))
    }

    /// Keeps a valid document where made-up URLs do not drive it out.
    fn keep(&self, url: &str, entry: Rc<Fetched<Document>>) {
        let mut known = self.known.borrow_mut();
        if !known.contains(url) {
            self.tried.borrow_mut().pop(url);
            known.put(url.to_owned(), entry);
        }
    }
}

/// A running fetch.
struct Running<'a>(&'a Cell<usize>);

impl<'a> Running<'a> {
    fn begin(count: &'a Cell<usize>) -> Option<Self> {
        if count.get() == FETCHES {
            return None;
        }
        count.set(count.get() + 1);
        Some(Self(count))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Server {
    /// The client of a client ID metadata document.
    pub(super) async fn document_client(&self, url: &str) -> Result<Client, Rejection> {
        let Some(rules) = &self.settings.metadata_documents else {
            return Err(Rejection::UnknownClient);
        };
        check_url(url, rules)?;
        let entry = self.documents.entry(url);
        let fetch = async || self.fetch_document(url, rules).await;
        let found = entry
            .read_fresh(self.scheduler(), &POLICY, WAITERS, fetch)
            .await;
        match found.as_deref() {
            Ok(Document::Valid(client)) => {
                let client = Client::clone(client);
                self.documents.keep(url, entry);
                Ok(client)
            }
            Ok(Document::Invalid(failure, until)) if self.scheduler().now() < *until => {
                Err((*failure).into())
            }
            // It was wrong before the outage: nothing is known about it now.
            Ok(Document::Invalid(..)) => Err(Rejection::MetadataDocumentUnavailable(BUSY_RETRY)),
            Err(unavailable) => {
                let retry = u32::try_from(unavailable.retry_after).unwrap_or(u32::MAX);
                Err(Rejection::MetadataDocumentUnavailable(retry))
            }
        }
    }

    /// Fetches a document, and says for how long it is fresh, in milliseconds.
    async fn fetch_document(
        &self,
        url: &str,
        rules: &DocumentRules,
    ) -> Result<(Document, u64), FetchError> {
        let Some(_running) = Running::begin(&self.documents.fetches) else {
            return Err(FetchError::TooManyWaiting);
        };
        let request = HttpRequest {
            method: "GET",
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: None,
            timeout_ms: POLICY.timeout,
            max_body_bytes: DOCUMENT_BYTES,
        };
        let response = self.scheduler().exchange(request).await;
        let invalid = |failure| {
            let until = self.scheduler().now() + FAILURE_MS;
            Ok((Document::Invalid(failure, until), FAILURE_MS))
        };
        let response = match response {
            Ok(response) => response,
            Err(HttpError::TooLarge) => return invalid(Failure::TooLarge),
            // The host's own rules, for example about private addresses.
            Err(HttpError::Refused) => return invalid(Failure::Host),
            Err(HttpError::TimedOut) => return Err(FetchError::TimedOut),
            Err(HttpError::Unreachable | HttpError::Internal) => {
                return Err(FetchError::Unreachable);
            }
        };
        match response.status {
            200 => {}
            300..=399 | 404 | 410 => return invalid(Failure::NotFound),
            status => return Err(FetchError::Status(status)),
        }
        match self.read_document(url, &response, rules) {
            Ok(client) => Ok((
                Document::Valid(Box::new(client)),
                lifetime(&response, &POLICY),
            )),
            Err(failure) => invalid(failure),
        }
    }

    fn read_document(
        &self,
        url: &str,
        response: &HttpResponse,
        rules: &DocumentRules,
    ) -> Result<Client, Failure> {
        let content_type = response.header("content-type").unwrap_or_default();
        if !is_json(content_type) {
            return Err(Failure::ContentType);
        }
        let not_json = Failure::Metadata(ClientMetadataFailure::NotJson);
        let document = Object::parse(&response.body, limits::JSON_DEPTH).map_err(|_| not_json)?;
        let document = document.into_owned();
        if document.get("client_id").and_then(Json::as_str) != Some(url) {
            return Err(Failure::ClientId);
        }
        let method = document.get("token_endpoint_auth_method");
        let method = method.and_then(Json::as_str).unwrap_or_default();
        let has_secret = document.get("client_secret").is_some()
            || document.get("client_secret_expires_at").is_some();
        if has_secret || method.starts_with("client_secret") {
            return Err(Failure::Secret);
        }
        let all_scopes = self.settings.scopes.as_ref();
        let read = ClientMetadata::read(
            &document,
            &Rules {
                grant_types: &rules.grant_types,
                // The first is that of a document that names none.
                methods: &self.possible_methods(&[
                    AuthenticationMethod::None,
                    AuthenticationMethod::PrivateKeyJwt,
                ]),
                scopes: rules.scopes.as_ref().or(all_scopes).map(Vec::as_slice),
                default_scopes: rules.scopes.as_deref(),
                private_use: self.settings.private_use_redirect_uris,
                leaves_out: true,
                is_foreign: true,
            },
        )
        .map_err(Failure::Metadata)?;
        if read.name.is_none() {
            return Err(Failure::Name);
        }
        // MCP and the draft require them of every document.
        if read.redirect_uris.is_empty() {
            return Err(Failure::Metadata(ClientMetadataFailure::Missing(
                "redirect_uris",
            )));
        }
        let mut client = Client {
            id: url.to_owned(),
            origin: ClientOrigin::MetadataDocument,
            epoch: 0,
            redirect_uris: Vec::new(),
            grant_types: Vec::new(),
            authentication: read.authentication,
            secrets: Vec::new(),
            keys: None,
            scopes: None,
            serves: Vec::new(),
            exchanges_tokens_of_others: false,
            name: None,
            metadata: None,
            registered_at: None,
            expires_at: None,
            lifetime: None,
        };
        client.set_metadata(read);
        Ok(client)
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    match essence.strip_prefix("application/") {
        Some(subtype) => subtype == "json" || subtype.len() > 5 && subtype.ends_with("+json"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_json() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/oauth-client+json",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/html",
            "text/json",
            "application/+json",
            "application/jsonx",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
