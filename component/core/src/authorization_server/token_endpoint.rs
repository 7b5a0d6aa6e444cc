//! The token endpoint (RFC 6749 section 3.2).

use super::client::GrantType;
use super::issuer::Request;
use super::parameters::Parameters;
use super::rejection::Rejection;
use super::server::Server;
use crate::answer::Answer;

impl Server {
    pub(super) async fn token_endpoint(&self, request: &Request) -> Result<Answer, Rejection> {
        if request.method != "POST" {
            return Err(Rejection::Method("POST"));
        }
        let form = Parameters::from_form(&request.headers, &request.body)?;
        let grant_type = form.required("grant_type")?;
        let grant_type = GrantType::from_name(grant_type).ok_or(Rejection::UnsupportedGrantType)?;
        let client = self.authenticate_client(request, &form).await?;
        if !client.may_use(grant_type) {
            return Err(Rejection::UnauthorizedClient("grant_type"));
        }
        let response = match grant_type {
            GrantType::AuthorizationCode => self.redeem_code(&client, &form).await?,
            GrantType::RefreshToken => self.refresh(&client, &form).await?,
            GrantType::ClientCredentials => self.client_credentials(&client, &form).await?,
            GrantType::TokenExchange => self.exchange_token(&client, &form).await?,
            GrantType::JwtBearer => return Err(Rejection::UnsupportedGrantType),
        };
        Ok(response.answer(self.storage.now()))
    }
}
