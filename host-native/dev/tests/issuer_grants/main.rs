//! What the development issuer's token endpoint decides, over real HTTP, and the API that its
//! tokens open.

mod audit;
mod client_assertion;
mod outage;
mod refresh_token;
mod support;
mod token_exchange;
#[cfg(feature = "upstream")]
mod upstream;
