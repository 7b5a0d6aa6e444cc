//! The development issuer's token endpoint over real HTTP, and the API that accepts its tokens.

mod audit;
mod client_assertion;
mod outage;
mod refresh_token;
mod support;
mod token_exchange;
#[cfg(feature = "upstream")]
mod upstream;
