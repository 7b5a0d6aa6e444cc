//! The export `token-exchange`.

use std::cell::RefCell;
use std::rc::Rc;

use tollgate_core::config_error::Naming;
use tollgate_core::secret::Secret;
use tollgate_core::task::{Progress, Task};
use tollgate_core::token_client as core;
use tollgate_core::token_client::{TokenFailure, TokenStep};

use crate::Component;
use crate::bindings::exports::tollgate::auth::resource_server::{ConfigError, GateBorrow};
use crate::bindings::exports::tollgate::auth::token_exchange as wit;
use crate::gate::{Gate, answer, config_error};

impl wit::Guest for Component {
    type AssertionTask = Assertion;
    type Task = Exchange;
    type TokenClient = Client;
}

type Outcome = Result<Rc<core::Token>, TokenFailure>;

pub(crate) struct Exchange {
    task: RefCell<Task<Outcome>>,
    naming: Naming,
}

pub(crate) struct Assertion(RefCell<Task<Result<Secret, TokenFailure>>>, Naming);

pub(crate) struct Client(core::TokenClient);

impl wit::GuestTask for Exchange {
    fn poll(&self) -> wit::Progress {
        match self.task.borrow_mut().poll() {
            Progress::Ready(outcome) => wit::Progress::Ready(result(outcome, self.naming)),
            Progress::Pending(wait) => wit::Progress::Pending(wait),
        }
    }
}

impl wit::GuestAssertionTask for Assertion {
    fn poll(&self) -> wit::AssertionProgress {
        match self.0.borrow_mut().poll() {
            Progress::Ready(outcome) => wit::AssertionProgress::Ready(assertion(outcome, self.1)),
            Progress::Pending(wait) => wit::AssertionProgress::Pending(wait),
        }
    }
}

impl wit::GuestTokenClient for Client {
    fn create(gate: GateBorrow<'_>) -> Result<wit::TokenClient, ConfigError> {
        let deployment = &gate.get::<Gate>().0;
        deployment
            .token_client()
            .map(|client| wit::TokenClient::new(Self(client)))
            .map_err(config_error)
    }

    fn get_token(&self, given: wit::Delegation) -> wit::Step {
        self.step(self.0.get_token(delegation(given)))
    }

    fn get_own_token(&self, given: wit::Target) -> wit::Step {
        self.step(self.0.get_own_token(target(given)))
    }

    fn request(
        &self,
        grant: wit::Grant,
        given: wit::Target,
        client_assertion: Option<String>,
    ) -> wit::Step {
        let grant = match grant {
            wit::Grant::TokenExchange((subject, actor)) => {
                core::Grant::TokenExchange(typed(subject), actor.map(typed))
            }
            wit::Grant::ClientCredentials => core::Grant::ClientCredentials,
            wit::Grant::RefreshToken(token) => core::Grant::RefreshToken(Secret::new(token)),
        };
        let assertion = client_assertion.map(Secret::new);
        self.step(self.0.request(grant, target(given), assertion))
    }

    fn call_again(
        &self,
        given: wit::Delegation,
        access_token: String,
        status: u16,
        attempt: u32,
    ) -> bool {
        self.0
            .call_again(&delegation(given), &access_token, status, attempt)
    }

    fn invalidate(&self, subject: Option<String>, resource: Option<String>) -> u32 {
        count(self.0.invalidate(subject.as_deref(), resource.as_deref()))
    }

    fn client_assertion(&self, audience: String) -> wit::AssertionStep {
        let naming = self.0.naming();
        match self.0.client_assertion(&audience) {
            core::AssertionStep::Done(outcome) => {
                wit::AssertionStep::Done(assertion(outcome, naming))
            }
            core::AssertionStep::Waiting(task) => {
                let task = Assertion(RefCell::new(task), naming);
                wit::AssertionStep::Waiting(wit::AssertionTask::new(task))
            }
        }
    }

    fn cache_size(&self) -> (u32, u32) {
        let (tokens, bytes) = self.0.cache_size();
        (count(tokens), count(bytes))
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("memory is counted in 32 bits")
}

impl Client {
    fn step(&self, step: TokenStep) -> wit::Step {
        let naming = self.0.naming();
        match step {
            TokenStep::Done(outcome) => wit::Step::Done(result(outcome, naming)),
            TokenStep::Waiting(task) => wit::Step::Waiting(wit::Task::new(Exchange {
                task: RefCell::new(task),
                naming,
            })),
        }
    }
}

#[expect(clippy::result_large_err, reason = "the shape is WIT's")]
fn result(outcome: Outcome, naming: Naming) -> Result<wit::Token, wit::Failure> {
    outcome
        .map(|issued| token(&issued))
        .map_err(|error| failure(error, naming))
}

#[expect(clippy::result_large_err, reason = "the shape is WIT's")]
fn assertion(
    outcome: Result<Secret, TokenFailure>,
    naming: Naming,
) -> Result<String, wit::Failure> {
    outcome
        .map(Secret::into_exposed)
        .map_err(|error| failure(error, naming))
}

fn token(token: &core::Token) -> wit::Token {
    wit::Token {
        access_token: token.access_token.expose().to_owned(),
        token_type: token.token_type.clone(),
        issued_token_type: token.issued_token_type.clone(),
        expires_at_ms: token.expires_at,
        scopes: token.scopes.clone(),
        refresh_token: token
            .refresh_token
            .as_ref()
            .map(|token| token.expose().to_owned()),
    }
}

fn failure(failure: TokenFailure, naming: Naming) -> wit::Failure {
    wit::Failure {
        kind: kind(&failure),
        message: failure.sentence(naming),
        oauth: failure.oauth().map(|error| wit::OauthError {
            error: error.error.clone(),
            error_description: error.description.clone(),
            error_uri: error.uri.clone(),
        }),
        status: failure.status(),
        retry_after_seconds: failure.retry_after(),
        answer: answer(failure.to_answer()),
    }
}

fn kind(failure: &TokenFailure) -> wit::FailureKind {
    match failure {
        TokenFailure::Configuration(_) => wit::FailureKind::Configuration,
        TokenFailure::Signing(error) if error.is_permanent() => wit::FailureKind::Configuration,
        TokenFailure::Signing(_) => wit::FailureKind::SigningFailed,
        TokenFailure::InvalidRequest(_) => wit::FailureKind::InvalidRequest,
        TokenFailure::NoSubject => wit::FailureKind::NoSubject,
        TokenFailure::ForbiddenDestination => wit::FailureKind::ForbiddenDestination,
        TokenFailure::Refused { .. } | TokenFailure::RetryLater { error: Some(_), .. } => {
            wit::FailureKind::Refused
        }
        TokenFailure::IssuerUnavailable(_) => wit::FailureKind::IssuerUnavailable,
        TokenFailure::NoTokenEndpoint => wit::FailureKind::NoTokenEndpoint,
        TokenFailure::ForeignTokenEndpoint => wit::FailureKind::ForeignTokenEndpoint,
        TokenFailure::Unreachable => wit::FailureKind::Unreachable,
        TokenFailure::TimedOut => wit::FailureKind::TimedOut,
        TokenFailure::TooLarge => wit::FailureKind::TooLarge,
        TokenFailure::Redirected => wit::FailureKind::Redirected,
        TokenFailure::UnexpectedStatus(_) | TokenFailure::RetryLater { error: None, .. } => {
            wit::FailureKind::UnexpectedStatus
        }
        TokenFailure::NotJson => wit::FailureKind::NotJson,
        TokenFailure::BadResponse(_) => wit::FailureKind::BadResponse,
    }
}

fn delegation(given: wit::Delegation) -> core::Delegation {
    core::Delegation {
        subject: given.subject,
        subject_token: typed(given.subject_token),
        subject_expires_at: given.subject_expires_at,
        actor_token: given.actor_token.map(typed),
        target: target(given.target),
        destination: given.destination,
    }
}

fn typed(given: wit::TypedToken) -> core::TypedToken {
    core::TypedToken {
        token: Secret::new(given.token),
        token_type: given.token_type,
    }
}

fn target(given: wit::Target) -> core::TokenTarget {
    core::TokenTarget {
        resources: given.resources,
        audiences: given.audiences,
        scopes: given.scopes,
        requested_token_type: given.requested_token_type,
    }
}
