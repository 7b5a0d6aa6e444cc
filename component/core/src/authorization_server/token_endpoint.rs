//! The token endpoint (RFC 6749 section 3.2).

use std::rc::Rc;

use super::client::GrantType;
use super::grant::Grant;
use super::issuer::Request;
use super::opaque_token::{self, Locator, TokenKind};
use super::parameters::Parameters;
use super::rejection::{GrantFailure, Rejection};
use super::server::{Server, ServerKeys};
use crate::answer::Answer;
use crate::secret::Secret;
use crate::store::Record;
use crate::task::join;

impl Server {
    pub(super) async fn token_endpoint(&self, request: &Request) -> Result<Answer, Rejection> {
        if request.method != "POST" {
            return Err(Rejection::Method("POST"));
        }
        let form = Parameters::from_form(&request.headers, &request.body)?;
        let grant_type = form.required("grant_type")?;
        let grant_type = GrantType::from_name(grant_type).ok_or(Rejection::UnsupportedGrantType)?;
        let presented = self.presented(grant_type, &form).await?;
        // The client and the grant are in different partitions: both are read at the same time.
        let client = self.authenticate_client(request, &form);
        let (client, first_read) = match &presented {
            Some(presented) => {
                let (client, grant) = join(client, self.grant(presented.locator)).await;
                (client?, Some(grant?))
            }
            None => (client.await?, None),
        };
        if !client.may_use(grant_type) {
            return Err(Rejection::UnauthorizedClient("grant_type"));
        }
        let response = match (grant_type, presented, first_read) {
            (GrantType::AuthorizationCode, Some(code), Some(grant)) => {
                self.redeem_code(&client, &form, &code, grant).await?
            }
            (GrantType::RefreshToken, Some(token), Some(grant)) => {
                self.refresh(&client, &form, &token, grant).await?
            }
            (GrantType::ClientCredentials, ..) => self.client_credentials(&client, &form).await?,
            (GrantType::TokenExchange, ..) => self.exchange_token(&client, &form).await?,
            (GrantType::AuthorizationCode | GrantType::RefreshToken | GrantType::JwtBearer, ..) => {
                return Err(Rejection::UnsupportedGrantType);
            }
        };
        self.renew_registration(&client).await;
        Ok(response.answer(self.storage.now()))
    }

    /// The code or refresh token of a request. One that this server did not make is refused here,
    /// before anything is read.
    async fn presented(
        &self,
        grant_type: GrantType,
        form: &Parameters,
    ) -> Result<Option<Presented>, Rejection> {
        let (parameter, kind) = match grant_type {
            GrantType::AuthorizationCode => ("code", TokenKind::Code),
            GrantType::RefreshToken => ("refresh_token", TokenKind::Refresh),
            _ => return Ok(None),
        };
        let text = form.required(parameter)?;
        let keys = self.keys().await?;
        let locator = opaque_token::read(&keys.root, kind, text);
        Ok(Some(Presented {
            token: Secret::new(text),
            locator: locator.ok_or(Rejection::Grant(GrantFailure::Unknown))?,
            keys,
        }))
    }
}

/// A code or refresh token that this server made.
pub(super) struct Presented {
    pub(super) token: Secret,
    pub(super) locator: Locator,
    pub(super) keys: Rc<ServerKeys>,
}

/// A grant and its record, if there is one.
pub(super) type FoundGrant = Option<(Record, Grant)>;
