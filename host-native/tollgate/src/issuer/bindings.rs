//! The contract of the issuer, as Rust.

wasmtime::component::bindgen!({
    path: "wit",
    world: "issuer",
    with: {
        "tollgate:auth/types": tollgate_config::bindings,
        "tollgate:auth/clock": crate::host::bindings::tollgate::auth::clock,
        "tollgate:auth/random": crate::host::bindings::tollgate::auth::random,
        "tollgate:auth/http-client": crate::host::bindings::tollgate::auth::http_client,
        "tollgate:auth/signatures": crate::host::bindings::tollgate::auth::signatures,
        "tollgate:auth/store.pending-read": super::capability::PendingRead,
        "tollgate:auth/store.pending-page": super::capability::PendingPage,
        "tollgate:auth/store.pending-commit": super::capability::PendingCommit,
        "tollgate:auth/hooks.pending-decision": super::capability::PendingDecision,
    },
    imports: { default: trappable },
});
