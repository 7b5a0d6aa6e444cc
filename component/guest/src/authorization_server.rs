//! The export `authorization-server`.

use std::cell::RefCell;
use std::rc::Rc;

use tollgate_core::answer::Answer;
use tollgate_core::authorization_server::{self as core, AuthorizationServer, Config, Rejection};
use tollgate_core::config_error::{ConfigError, Naming};
use tollgate_core::secret::Secret;
use tollgate_core::task::{Progress, Task};

use crate::Component;
use crate::bindings::exports::tollgate::auth::authorization_server as wit;
use crate::capabilities::Imports;
use crate::clients;
use crate::hooks::{Application, upstream};
use crate::store::HostStore;

impl wit::Guest for Component {
    type Issuer = Issuer;
    type Task = Operation;

    fn max_body_bytes() -> u32 {
        u32::try_from(AuthorizationServer::MAX_BODY_BYTES).expect("some kilobytes")
    }
}

pub(crate) struct Issuer(AuthorizationServer);

/// The tasks of core have different results; here they have one.
pub(crate) struct Operation(RefCell<Box<dyn FnMut() -> Progress<wit::Outcome>>>);

impl wit::GuestTask for Operation {
    fn poll(&self) -> wit::Progress {
        match (self.0.borrow_mut())() {
            Progress::Ready(outcome) => wit::Progress::Ready(outcome),
            Progress::Pending(wait) => wit::Progress::Pending(wait),
        }
    }
}

impl wit::GuestIssuer for Issuer {
    fn create(config: String, naming: wit::Naming) -> Result<wit::Issuer, wit::ConfigProblem> {
        let naming = match naming {
            wit::Naming::KebabCase => Naming::KebabCase,
            wit::Naming::CamelCase => Naming::CamelCase,
            wit::Naming::SnakeCase => Naming::SnakeCase,
        };
        let config = Config::from_json(&config, naming).map_err(problem)?;
        let (store, application) = (Rc::new(HostStore), Rc::new(Application));
        AuthorizationServer::new(&config, Rc::new(Imports), store, application)
            .map(|server| wit::Issuer::new(Self(server)))
            .map_err(problem)
    }

    fn serves(&self, url: String) -> bool {
        self.0.serves(&url)
    }

    fn start(&self, operation: wit::Operation) -> wit::Task {
        use wit::Operation as Asked;
        use wit::Outcome;
        let server = &self.0;
        match operation {
            Asked::Respond(given) => {
                let task = server.respond(request(given));
                operation_of(task, |answer| Outcome::Response(response(answer)))
            }
            Asked::ParseAuthorization(given) => {
                let task = server.parse_authorization_request(request(given));
                operation_of(task, |parsed| match parsed {
                    Ok(request) => Outcome::Authorization(authorization(request)),
                    Err(error) => Outcome::Refused(response(*error.answer)),
                })
            }
            Asked::CompleteAuthorization((request, approval)) => {
                let request = authorization_request(request);
                let approval = core::Approval {
                    user_id: approval.user_id,
                    scopes: approval.scopes,
                    props: approval.props,
                    metadata: approval.metadata,
                    replaces_others: approval.replaces_others,
                    upstream: approval.upstream.map(upstream),
                };
                let task = server.complete_authorization(request, approval);
                result_of(task, Outcome::Redirect)
            }
            Asked::DenyAuthorization(request) => {
                let task = server.deny_authorization(authorization_request(request));
                result_of(task, Outcome::Redirect)
            }
            Asked::CheckToken((token, resource)) => {
                let task = server.check_token(Secret::new(token), resource);
                result_of(task, |token| Outcome::Token(token.map(token_info)))
            }
            Asked::UserGrants((user_id, cursor)) => {
                let task = server.user_grants(user_id, cursor);
                result_of(task, |page| {
                    Outcome::Grants(wit::GrantPage {
                        grants: page.grants.into_iter().map(grant_info).collect(),
                        cursor: page.cursor,
                    })
                })
            }
            Asked::RevokeGrant((user_id, grant_id)) => {
                let task = server.revoke_grant(user_id, grant_id);
                result_of(task, |revoked| Outcome::Revoked(revoked.into()))
            }
            Asked::RevokeUser(user_id) => result_of(server.revoke_user(user_id), Outcome::Revoked),
            Asked::CreateClient(new) => {
                let task = server.create_client(clients::new_client(new));
                result_of(task, |changed| {
                    Outcome::ChangedClient(clients::changed(changed))
                })
            }
            Asked::FindClient(id) => result_of(server.client(id), |client| {
                Outcome::Client(clients::info(client))
            }),
            Asked::UpdateClient((id, changes)) => {
                let task = server.update_client(id, clients::changes(changes));
                result_of(task, |changed| {
                    Outcome::ChangedClient(clients::changed(changed))
                })
            }
            Asked::DeleteClient(id) => result_of(server.delete_client(id), |()| Outcome::Deleted),
            Asked::ListClients((cursor, limit)) => {
                let task = server.list_clients(cursor, limit);
                result_of(task, |page| Outcome::Clients(clients::page(page)))
            }
        }
    }
}

fn operation_of<T: 'static>(
    mut task: Task<T>,
    convert: impl Fn(T) -> wit::Outcome + 'static,
) -> wit::Task {
    let poll = move || match task.poll() {
        Progress::Ready(value) => Progress::Ready(convert(value)),
        Progress::Pending(wait) => Progress::Pending(wait),
    };
    wit::Task::new(Operation(RefCell::new(Box::new(poll))))
}

fn result_of<T: 'static>(
    task: Task<Result<T, Rejection>>,
    convert: impl Fn(T) -> wit::Outcome + 'static,
) -> wit::Task {
    operation_of(task, move |result| match result {
        Ok(value) => convert(value),
        Err(rejection) => wit::Outcome::Refused(response(rejection.answer())),
    })
}

fn problem(error: ConfigError) -> wit::ConfigProblem {
    wit::ConfigProblem {
        field: error.field,
        message: error.message,
    }
}

fn request(given: wit::Request) -> core::Request {
    core::Request {
        method: given.method,
        url: given.url,
        headers: given.headers,
        body: given.body,
    }
}

fn response(answer: Answer) -> wit::Response {
    wit::Response {
        status: answer.status,
        headers: answer.headers,
        body: answer.body,
        reason: answer.reason.map(str::to_owned),
    }
}

fn authorization(request: core::AuthorizationRequest) -> wit::AuthorizationRequest {
    wit::AuthorizationRequest {
        client_id: request.client_id,
        redirect_uri: request.redirect_uri,
        redirect_uri_given: request.redirect_uri_given,
        scopes: request.scopes,
        state: request.state,
        code_challenge: request.code_challenge,
        resources: request.resources,
        prompt: wit::Prompt {
            none: request.prompt.none,
            login: request.prompt.login,
            consent: request.prompt.consent,
            select_account: request.prompt.select_account,
        },
        login_hint: request.login_hint,
        max_age: request.max_age,
    }
}

fn authorization_request(request: wit::AuthorizationRequest) -> core::AuthorizationRequest {
    core::AuthorizationRequest {
        client_id: request.client_id,
        redirect_uri: request.redirect_uri,
        redirect_uri_given: request.redirect_uri_given,
        scopes: request.scopes,
        state: request.state,
        code_challenge: request.code_challenge,
        resources: request.resources,
        prompt: core::Prompt {
            none: request.prompt.none,
            login: request.prompt.login,
            consent: request.prompt.consent,
            select_account: request.prompt.select_account,
        },
        login_hint: request.login_hint,
        max_age: request.max_age,
    }
}

fn token_info(token: core::TokenInfo) -> wit::TokenInfo {
    wit::TokenInfo {
        subject: token.subject,
        client_id: token.client_id,
        scopes: token.scopes,
        audience: token.audience,
        issued_at: token.issued_at,
        expires_at: token.expires_at,
        grant_id: token.grant_id,
        props: token.props.map(Secret::into_exposed),
    }
}

fn grant_info(grant: core::GrantInfo) -> wit::GrantInfo {
    wit::GrantInfo {
        id: grant.id,
        client_id: grant.client_id,
        user_id: grant.user_id,
        scopes: grant.scopes,
        resources: grant.resources,
        metadata: grant.metadata,
        created_at: grant.created_at,
        expires_at: grant.expires_at,
    }
}
