//! The documents that a gate publishes: the metadata of its resources and its issuer, and its
//! client's keys.

use std::rc::Rc;

#[cfg(feature = "token-client")]
use super::compile::PublishedKeys;
use super::cors::public_headers;
use super::decision::{Decision, Outcome, RequestHead, Step, respond};
use super::gate::Inner;
use super::metadata::{WellKnown, published};
use super::path_readings::readings;
use super::rejection::{ChallengeContext, Rejection};
use super::request_target::RequestTarget;
use crate::answer::Answer;
#[cfg(feature = "token-client")]
use crate::jose::SigningError;

impl Inner {
    /// The document at a path, if this gate publishes it.
    pub(super) fn document_at<'a>(&self, path: &'a str) -> Option<WellKnown<'a>> {
        let document = WellKnown::of(path)?;
        let published = match document {
            WellKnown::ProtectedResource(_) => true,
            WellKnown::AuthorizationServer => self.rules.serve_issuer_metadata,
            #[cfg(feature = "token-client")]
            WellKnown::ClientKeys => self.rules.client_keys.is_some(),
        };
        published.then_some(document)
    }

    /// A document, or why it could not be obtained. The headers are the same for every caller, so
    /// that a shared cache can serve browsers and other clients.
    pub(super) fn publish(
        self: &Rc<Self>,
        head: &RequestHead,
        target: &RequestTarget,
        document: WellKnown<'_>,
    ) -> Step {
        let cors = self.rules.cors.of_public_documents();
        if let Some(answer) = cors.preflight(head) {
            return respond(answer);
        }
        let reads = matches!(head.method.as_str(), "GET" | "HEAD");
        let refusal = |rejection: Rejection| rejection.to_answer(&ChallengeContext::default());
        let method = head.method.clone();
        let finish = move |mut answer: Answer| {
            answer.headers.extend(public_headers());
            without_body_for_head(answer, &method)
        };
        let answer = match document {
            _ if !reads => refusal(Rejection::MethodNotAllowed),
            WellKnown::ProtectedResource(path) => {
                // The root stands for the whole host: clients that know no path request it.
                let routes = &self.rules.routes;
                let is_protected = path.is_empty()
                    || readings(path).is_ok_and(|readings| {
                        let readings = readings.unwrap_or_else(|| vec![path.to_owned()]);
                        let needs_token =
                            |method| routes.required_scopes(method, &readings).is_some();
                        needs_token("POST") || needs_token("GET")
                    });
                if is_protected {
                    let query = target.url.query().map(|query| format!("?{query}"));
                    let resource = format!("{}{path}{}", target.origin, query.unwrap_or_default());
                    self.rules.metadata.document(resource)
                } else {
                    refusal(Rejection::NoSuchResource)
                }
            }
            #[cfg(feature = "token-client")]
            WellKnown::ClientKeys => {
                let Some(keys) = self.rules.client_keys.clone() else {
                    return respond(finish(refusal(Rejection::NoSuchResource)));
                };
                let inner = Rc::clone(self);
                return self.run(async move {
                    let answer = match inner.published_keys(&keys).await {
                        Ok(document) => published(document),
                        Err(rejection) => rejection.to_answer(&ChallengeContext::default()),
                    };
                    Outcome {
                        decision: Decision::Respond(finish(answer)),
                        refresh_due: false,
                    }
                });
            }
            WellKnown::AuthorizationServer => {
                let inner = Rc::clone(self);
                return self.run(async move {
                    let source = &inner.issuers.sources[0];
                    let answer = match source.metadata(&inner.issuers.scheduler).await {
                        Ok(metadata) => published(metadata.text().to_owned()),
                        Err(unavailable) => Rejection::IssuerMetadata(unavailable)
                            .to_answer(&ChallengeContext::default()),
                    };
                    Outcome {
                        decision: Decision::Respond(finish(answer)),
                        refresh_due: false,
                    }
                });
            }
        };
        respond(finish(answer))
    }

    #[cfg(feature = "token-client")]
    async fn published_keys(&self, keys: &PublishedKeys) -> Result<String, Rejection> {
        let PublishedKeys::Of(keys) = keys else {
            return Err(Rejection::ClientKeysBroken);
        };
        let document = keys.publish(&self.issuers.scheduler).await;
        document.map_err(|error| match error {
            SigningError::Host(error) if error.is_transient() => {
                Rejection::ClientKeysUnavailable(error)
            }
            _ => Rejection::ClientKeysBroken,
        })
    }
}

fn without_body_for_head(mut answer: Answer, method: &str) -> Answer {
    if method == "HEAD" {
        answer.body = None;
    }
    answer
}
