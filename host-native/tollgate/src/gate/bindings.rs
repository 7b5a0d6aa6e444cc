//! The contract, as Rust.

wasmtime::component::bindgen!({
    path: "wit",
    world: "gate",
    with: {
        "tollgate:auth/http-client.pending-response": super::exchange::Exchange,
    },
    imports: { default: trappable },
});
