//! Strict JSON (RFC 8259).
