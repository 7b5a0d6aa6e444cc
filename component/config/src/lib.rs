//! The types that every Rust host of Tollgate shares: the configuration of a gate, identities,
//! tokens, token requests and errors. They are the types of the contract (`wit/types.wit`).
//!
//! Nothing is checked here: the component checks a configuration when a gate is made, and says what
//! to change. A field that is left out comes from [`Config::env`], or has the default that its
//! comment names.
//!
//! ```
//! use tollgate_config::{Config, Issuer, Route};
//!
//! let config = Config::new("https://api.example.com")
//!     .issuer(Issuer::new("https://login.example.com"))
//!     .route(Route::public("/health"));
//! let text = toml::to_string(&config).expect("TOML");
//! assert_eq!(toml::from_str::<Config>(&text).expect("the same"), config);
//! ```
//!
//! Names in serialized form are in snake_case; [`camel_case`] and [`snake_case`] convert the names
//! of a JSON value to those of the npm package and back.
#![deny(unsafe_code)]

mod client;
mod config;
mod config_error;
#[cfg(test)]
mod contract;
mod identity;
mod issuer;
mod issuer_fault;
mod key_names;
mod record;
mod route;
mod secret;
mod setting;
mod settings;
mod shapes;
mod token;
mod token_request;

#[cfg(feature = "wasmtime")]
pub mod bindings;

pub use client::{
    AssertionAudience, Client, ClientAuthentication, ClientKey, ClientKeySource, ExchangeCache,
};
pub use config::{Config, Cors, Metadata, TokenCache};
pub use config_error::{ConfigError, ConfigPart};
pub use identity::{AccessToken, Actor, Identity};
pub use issuer::{Issuer, KeyLocation, KeyPolicy};
pub use issuer_fault::IssuerFault;
pub use key_names::{camel_case, snake_case};
pub use route::{Access, Route};
pub use secret::Secret;
pub use setting::{Naming, Setting, ValueKind};
pub use settings::Settings;
pub use token::{OauthError, Token, TokenErrorKind};
pub use token_request::{ExchangeTarget, Grant, TokenTarget, TypedToken};
