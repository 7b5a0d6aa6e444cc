//! A stand-in until the code grant is merged: it stores nothing.

use super::authorization_request::{Approval, AuthorizationRequest};
use super::rejection::Rejection;
use super::sealing::Key;
use super::server::Server;
use crate::jose::base64url;
use crate::secret::Secret;

impl Server {
    /// Issues a code.
    pub(super) async fn issue_code(
        &self,
        _request: &AuthorizationRequest,
        _approval: Approval,
    ) -> Result<Secret, Rejection> {
        // The real one writes to the store, and can fail there.
        self.keys().await?;
        let random = Key::random(self.scheduler());
        Ok(Secret::new(format!(
            "tgc_{}",
            base64url::encode(random.bytes())
        )))
    }
}
