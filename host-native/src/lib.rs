//! Tollgate under wasmtime.
