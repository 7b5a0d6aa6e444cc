//! The imports that every world has, as Rust.

wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package tollgate:host;
        world lent {
            include tollgate:auth/imports@0.1.0;
            import tollgate:auth/signatures@0.1.0;
        }
    ",
    world: "tollgate:host/lent",
    with: {
        "tollgate:auth/http-client.pending-response": super::exchange::Exchange,
        "tollgate:auth/signatures.verifying-key": super::signatures::VerifyingKey,
        "tollgate:auth/signatures.pending-verdict": super::signatures::PendingVerdict,
        "tollgate:auth/signatures.signing-key": super::signatures::SigningKey,
        "tollgate:auth/signatures.pending-public-key": super::signatures::PendingPublicKey,
        "tollgate:auth/signatures.pending-signature": super::signatures::PendingSignature,
    },
    imports: { default: trappable },
});
