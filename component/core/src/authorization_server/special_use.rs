//! Hosts that are not on the public internet, as far as their text says (RFC 6761, RFC 6890).
//!
//! The server fetches documents from URLs that strangers choose. A host that is an address, or whose
//! name is reserved for a local network, is refused. What a name resolves to, only the runtime
//! knows: Workers connect to public addresses only; a host on a server must refuse to connect to
//! private ones.

/// Names that are local by themselves, or as the last part of a name: RFC 6761 and the registry of
/// special-use domain names, `.internal` (reserved by ICANN in 2024), and those that routers and
/// companies use although they are not reserved.
const LOCAL: [&str; 14] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "test",
    "invalid",
    "onion",
    "alt",
];

/// Whether a host is a name that may be on the public internet. `host` is in lower case and has no
/// port.
pub(super) fn is_public_name(host: &str) -> bool {
    let mut labels = host.rsplit('.');
    let last = labels.next().unwrap_or_default();
    // A single label is local. A name that ends in a number is an IPv4 address to a WHATWG parser,
    // in any of its notations (127.1, 0x7f.1, 2130706433). An empty last label spells the same name
    // in another way.
    let is_name = last.starts_with(|c: char| c.is_ascii_alphabetic());
    let has_domain = labels.next().is_some_and(|label| !label.is_empty());
    is_name && has_domain && !LOCAL.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_names_are_public() {
        for public in ["app.example", "a.b.example", "claude.ai", "xn--a.xn--p1ai"] {
            assert!(is_public_name(public), "{public}");
        }
        for local in [
            "localhost",
            "a.localhost",
            "router",
            "printer.local",
            "metadata.google.internal",
            "db.corp",
            "nas.home",
            "1.168.192.in-addr.arpa",
            "a.test",
            "a.invalid",
            "a.onion",
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "8.8.8.8",
            "127.1",
            "2130706433",
            "0x7f.1",
            "a.0x7f",
            "0x7f000001",
            "[::1]",
            "[2001:db8::1]",
            "app.example.",
            ".example",
            "",
        ] {
            assert!(!is_public_name(local), "{local}");
        }
    }
}
