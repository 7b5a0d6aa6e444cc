//! The contract, as Rust.

wasmtime::component::bindgen!({
    path: "wit",
    world: "gate",
    with: {
        "tollgate:auth/types": tollgate_config::bindings,
        "tollgate:auth/http-client.pending-response": super::exchange::Exchange,
        "tollgate:auth/signatures.verifying-key": super::signatures::VerifyingKey,
        "tollgate:auth/signatures.pending-verdict": super::signatures::PendingVerdict,
        "tollgate:auth/signatures.signing-key": super::signatures::SigningKey,
        "tollgate:auth/signatures.pending-public-key": super::signatures::PendingPublicKey,
        "tollgate:auth/signatures.pending-signature": super::signatures::PendingSignature,
    },
    imports: { default: trappable },
});
