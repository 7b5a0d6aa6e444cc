//! The issuer under wasmtime, over HTTP.

mod browser;
mod faults;
mod flow;
mod operations;
mod requests;
mod support;
