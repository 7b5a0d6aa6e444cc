//! OAuth for Workers written in Rust.
//!
//! [`Gate`] stands before a workers-rs handler and decides about each request: who calls, and
//! whether they may. The decisions are made by the same WebAssembly component that the npm package
//! `tollgate` carries, in the same isolate; this crate only moves values to it and back. It has no
//! rule of its own, and no key ever reaches the memory of the application.
//!
//! ```no_run
//! use tollgate_worker::{Access, Gate, Options, Route};
//! use worker::{Context, Env, Request, Response, Result, event};
//!
//! # fn main() {}
//! thread_local! {
//!     /// One gate per isolate: it holds the issuer's keys and the tokens verified before.
//!     static GATE: Gate = Gate::new(
//!         Options::new()
//!             .route(Route::new("/health", Access::Public))
//!             .route(Route::new("/reports", Access::scopes(["reports:read"]))),
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
//! Which issuer, audience and resource: from [`Options`], or from the variables `TOLLGATE_ISSUER`,
//! `TOLLGATE_AUDIENCE` and `TOLLGATE_RESOURCE` of the Worker. How to build: this crate's README.
//!
//! What is *not* checked here: anything about the request's body, and scopes that depend on it; see
//! [`Identity::require`].

mod delegated_access;
mod error;
mod gate;
mod identity;
mod issued_token;
mod options;
mod package;
mod secret;
mod token_target;

pub use delegated_access::FetchError;
pub use error::{Error, Result};
pub use gate::{Allowed, Gate, Outcome};
pub use identity::{Actor, Identity, Token};
pub use issued_token::{IssuedToken, OauthError, TokenError, TokenErrorKind};
pub use options::{
    Access, AssertionAudience, Client, ClientAuthentication, ClientKey, Cors, ExchangeCache,
    Issuer, KeyLocation, KeyPolicy, Metadata, Options, Route, TokenCache,
};
pub use secret::Secret;
pub use token_target::{ExchangeTarget, Grant, TokenTarget};
