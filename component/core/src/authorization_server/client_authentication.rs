//! Who the client is that sends a request (RFC 6749 section 2.3, RFC 7523).

use super::client::{AuthenticationMethod, Client};
use super::issuer::Request;
use super::parameters::Parameters;
use super::rejection::{ClientAuthenticationFailure as Failure, Rejection};
use super::server::Server;
use crate::secret::Secret;

impl Server {
    /// The client, if it proved who it is by the method that it registered.
    pub(super) async fn authenticate_client(
        &self,
        request: &Request,
        form: &Parameters,
    ) -> Result<Client, Rejection> {
        let refused = |failure| Err(Rejection::ClientAuthentication(failure));
        if request.header("authorization").is_some() || form.get("client_assertion").is_some() {
            return refused(Failure::WrongMethod);
        }
        let client = self.client(form.required("client_id")?).await?;
        match (client.authentication, form.get("client_secret")) {
            (AuthenticationMethod::None, None) => Ok(client),
            (
                AuthenticationMethod::ClientSecret | AuthenticationMethod::ClientSecretPost,
                Some(secret),
            ) => {
                if client.has_secret(&Secret::new(secret), self.storage.now()) {
                    Ok(client)
                } else {
                    refused(Failure::WrongSecret)
                }
            }
            (_, None) => refused(Failure::Missing),
            _ => refused(Failure::WrongMethod),
        }
    }
}
