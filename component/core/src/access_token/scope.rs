//! Scopes (RFC 6749 section 3.3) and which of them imply others.

use crate::grammar::SCOPE_TOKEN;

/// Whether text is one `scope-token`, which needs no escaping in a challenge.
#[must_use]
pub fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && SCOPE_TOKEN.contains_all(text)
}

/// Which scopes imply others: for example, `mcp:admin` implies `mcp:tools`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeHierarchy {
    /// A scope, and every scope that implies it, directly or indirectly.
    implied_by: Vec<(String, Vec<String>)>,
}

impl ScopeHierarchy {
    /// Computes the transitive closure of the direct implications. Cycles are allowed.
    #[must_use]
    #[inline(never)]
    pub fn new(direct: &[(String, Vec<String>)]) -> Self {
        let mut implied_by: Vec<(String, Vec<String>)> = Vec::new();
        for scope in direct.iter().flat_map(|(_, narrower)| narrower) {
            if implied_by.iter().any(|(known, _)| known == scope) {
                continue;
            }
            let mut broader: Vec<String> = Vec::new();
            let mut frontier = vec![scope];
            while let Some(from) = frontier.pop() {
                for (scope, _) in direct
                    .iter()
                    .filter(|(_, narrower)| narrower.contains(from))
                {
                    if !broader.contains(scope) {
                        broader.push(scope.clone());
                        frontier.push(scope);
                    }
                }
            }
            implied_by.push((scope.clone(), broader));
        }
        Self { implied_by }
    }

    /// Whether the granted scopes cover all required ones.
    pub fn covers<'a>(
        &self,
        granted: &[String],
        mut required: impl Iterator<Item = &'a String>,
    ) -> bool {
        required.all(|needed| {
            granted.contains(needed)
                || self
                    .implied_by
                    .iter()
                    .find(|(scope, _)| scope == needed)
                    .is_some_and(|(_, broader)| broader.iter().any(|scope| granted.contains(scope)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|&s| s.into()).collect()
    }

    #[test]
    fn broader_scopes_cover_only_narrower_ones() {
        let hierarchy = ScopeHierarchy::new(&[
            ("admin".into(), list(&["write"])),
            ("write".into(), list(&["read", "admin2"])),
            ("admin2".into(), list(&["write"])),
        ]);
        let covers = |granted: &[&str], required: &[&str]| {
            hierarchy.covers(&list(granted), list(required).iter())
        };
        assert!(covers(&["admin"], &["read", "write", "admin"]));
        assert!(covers(&["other", "read"], &["read"]));
        assert!(covers(&[], &[]));
        assert!(!covers(&["read"], &["write"]));
        assert!(!covers(&["write"], &["admin"]));
        assert!(!covers(&["admin"], &["read", "unknown"]));
        assert!(!covers(&["READ"], &["read"]));
        assert!(!covers(&[], &["read"]));
    }

    #[test]
    fn scope_tokens_are_safe_in_a_quoted_string() {
        assert!(is_scope_token("mcp:read"));
        for bad in ["", "a b", "a\"b", "a\\b", "a\nb", "\u{e9}", "a\u{0}"] {
            assert!(!is_scope_token(bad), "{bad:?}");
        }
    }
}
