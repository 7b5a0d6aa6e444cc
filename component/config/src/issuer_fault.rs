//! What an operator has to mend.

use std::fmt;

use crate::record::records;

records! { from the component:
    /// Something about an issuer that an operator has to mend.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct IssuerFault {
        /// The issuer, as it is configured.
        "issuer" issuer: String,
        /// A stable name, such as `issuer-mismatch` or `jwk-weak-key`.
        "code" code: String,
        /// What happened and what to do. Nothing of a token is in it.
        "message" message: String,
    }
}

impl fmt::Display for IssuerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
