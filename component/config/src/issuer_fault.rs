//! Faults of issuers, for the operator.

use std::fmt;

use crate::record::records;

records! { from the component:
    /// A fault of an issuer or of its configuration, for the operator.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct IssuerFault {
        /// The issuer, as it is configured.
        "issuer" issuer: String,
        /// A stable name, such as `issuer-mismatch` or `jwk-weak-key`.
        "code" code: String,
        /// What happened and what to do. It contains no part of a token.
        "message" message: String,
    }
}

impl fmt::Display for IssuerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
