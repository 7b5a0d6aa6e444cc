//! The gate against a real issuer over real HTTP.

mod building;
mod client_keys;
mod decisions;
mod exchange;
mod exchange_trouble;
mod fetch_as;
mod isolation;
mod issuer_faults;
mod issuer_trouble;
mod layer;
mod lent_signatures;
mod signers;
mod support;
