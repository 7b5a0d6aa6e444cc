//! Scopes (RFC 6749 section 3.3) and which of them imply others.

use std::collections::{BTreeMap, BTreeSet};

use crate::grammar::SCOPE_TOKEN;

/// Whether text is one `scope-token`: what may stand in a challenge unescaped.
#[must_use]
pub fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && SCOPE_TOKEN.make_up(text)
}

/// Which scopes imply which: `mcp:admin` may stand for `mcp:tools`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeHierarchy {
    /// By scope: everything that it implies, directly or not, but for itself.
    implied: BTreeMap<String, BTreeSet<String>>,
}

impl ScopeHierarchy {
    /// Closes the direct implications; circles are harmless.
    #[must_use]
    #[inline(never)]
    pub fn new(direct: &[(String, Vec<String>)]) -> Self {
        let mut implied = BTreeMap::new();
        for (scope, _) in direct {
            let mut reached = BTreeSet::new();
            let mut frontier = vec![scope];
            while let Some(from) = frontier.pop() {
                for (_, narrower) in direct.iter().filter(|(broader, _)| broader == from) {
                    for scope in narrower {
                        if reached.insert(scope.clone()) {
                            frontier.push(scope);
                        }
                    }
                }
            }
            implied.insert(scope.clone(), reached);
        }
        Self { implied }
    }

    /// Whether what was granted covers all that is required.
    pub fn covers<'a>(
        &self,
        granted: &[String],
        mut required: impl Iterator<Item = &'a String>,
    ) -> bool {
        required.all(|needed| {
            granted.iter().any(|has| {
                has == needed
                    || self
                        .implied
                        .get(has)
                        .is_some_and(|set| set.contains(needed))
            })
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
    fn broader_scopes_cover_narrower_ones_only() {
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
