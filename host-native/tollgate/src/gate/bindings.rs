//! The contract of the gate, as Rust.

wasmtime::component::bindgen!({
    path: "wit",
    world: "gate",
    with: {
        "tollgate:auth/types": tollgate_config::bindings,
        "tollgate:auth/clock": crate::host::bindings::tollgate::auth::clock,
        "tollgate:auth/random": crate::host::bindings::tollgate::auth::random,
        "tollgate:auth/http-client": crate::host::bindings::tollgate::auth::http_client,
        "tollgate:auth/signatures": crate::host::bindings::tollgate::auth::signatures,
    },
    imports: { default: trappable },
});
