//! An authorization request whose client and redirect URI are proven (RFC 6749 section 4.1.1, RFC
//! 7636, RFC 8707), and its approval.

/// A valid authorization request. The application shows it to the user, or answers it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// `client_id`
    pub client_id: String,
    /// The redirect URI that the answer goes to: one of the client's.
    pub redirect_uri: String,
    /// Whether the request named it. Then the token request must name it too (RFC 6749 section
    /// 4.1.3).
    pub redirect_uri_given: bool,
    /// `scope`. Each is one that the server and the client may have.
    pub scopes: Vec<String>,
    /// `state`, for the client.
    pub state: Option<String>,
    /// `code_challenge`, always of the method `S256`. `None` only for a client that authenticates.
    pub code_challenge: Option<String>,
    /// `resource`. Each is one of the server's. Never empty: without a `resource`, the server's
    /// first.
    pub resources: Vec<String>,
}

/// What a user, or the application for the user, approved.
#[derive(Clone)]
pub struct Approval {
    /// The user: the `sub` of tokens. Never empty.
    pub user_id: String,
    /// The scopes that were approved: some or all of the request's, or others that the client may
    /// have.
    pub scopes: Vec<String>,
    /// What the application wants back with each token of this grant: JSON. It is stored encrypted.
    pub props: Option<String>,
    /// What the application wants to see in lists of grants: JSON. It is stored as it is.
    pub metadata: Option<String>,
    /// Revoke the user's other grants for this client and these resources, once the code is
    /// redeemed.
    pub replaces_others: bool,
}

/// Props are secret.
impl std::fmt::Debug for Approval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Approval")
            .field("scopes", &self.scopes)
            .field("replaces_others", &self.replaces_others)
            .finish_non_exhaustive()
    }
}
