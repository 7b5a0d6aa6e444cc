//! OAuth for Workers written in Rust.
//!
//! [`Gate`] stands before a workers-rs handler and decides about each request: who calls, and
//! whether they may. The decisions are made by the same WebAssembly component that the npm package
//! `tollgate` carries, in the same isolate; this crate only moves values to it and back. It has no
//! rule of its own, and no key ever reaches the memory of the application.
//!
//! ```no_run
//! use tollgate_worker::{Config, Gate, Route};
//! use worker::{Context, Env, Request, Response, Result, event};
//!
//! # fn main() {}
//! thread_local! {
//!     /// One gate per isolate: it holds the issuer's keys and the tokens verified before.
//!     static GATE: Gate = Gate::new(
//!         Config::default()
//!             .route(Route::public("/health"))
//!             .route(Route::protected("/reports", ["reports:read"])),
//!     );
//! }
//!
//! #[event(fetch)]
//! async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
//!     let gate = GATE.with(Gate::clone);
//!     gate.protect(request, env, context, async |_request, _env, _context, identity| {
//!         let name = identity.as_ref().and_then(|identity| identity.subject());
//!         Response::ok(format!("Hello, {}\n", name.unwrap_or("stranger")))
//!     })
//!     .await
//! }
//! ```
//!
//! Which issuer, audience and resource: from [`Config`], or from the variables `TOLLGATE_ISSUER`,
//! `TOLLGATE_AUDIENCE` and `TOLLGATE_RESOURCE` of the Worker. How to build: this crate's README.
//!
//! What is *not* checked here: anything about the request's body, and scopes that depend on it; see
//! [`Identity::require`].

mod delegated_access;
mod error;
mod gate;
mod identity;
mod javascript;
mod package;
mod token_arguments;
mod token_error;

pub use delegated_access::FetchError;
pub use error::{Error, Result};
pub use gate::{Allowed, Authenticated, Decision, Gate, Refused};
pub use identity::Identity;
pub use token_error::TokenError;
pub use tollgate_config::{
    Access, AccessToken, Actor, AssertionAudience, Client, ClientAuthentication, ClientKey,
    ClientKeySource, Config, ConfigError, ConfigPart, Cors, ExchangeCache, ExchangeTarget, Grant,
    Issuer, KeyLocation, KeyPolicy, Metadata, Naming, OauthError, Route, Secret, Setting, Token,
    TokenCache, TokenErrorKind, TokenTarget, TypedToken, ValueKind,
};
