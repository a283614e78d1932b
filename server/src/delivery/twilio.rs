//! The `twilio` transport: SMS through Twilio's REST interface, which other services have too.

use async_trait::async_trait;
use reqwest::Client;
use serde::Deserialize;

use super::gate::{Try, Turn};
use super::{Content, Envelope, SendError, Transport, web};
use crate::config::{SecretText, Twilio};

pub struct TwilioTransport {
    client: Client,
    url: String,
    user: String,
    token: SecretText,
    from: String,
}

impl TwilioTransport {
    pub fn new(settings: &Twilio) -> Result<Self, String> {
        let user = match settings.key_sid.as_str() {
            "" => &settings.account_sid,
            key => key,
        };
        Ok(Self {
            client: web::client()?,
            url: format!(
                "{}/2010-04-01/Accounts/{}/Messages.json",
                settings.url.trim_end_matches('/'),
                settings.account_sid
            ),
            user: user.to_owned(),
            token: settings.auth_token.clone(),
            from: settings.from.clone(),
        })
    }
}

#[async_trait]
impl Transport for TwilioTransport {
    async fn send<'g>(
        &self,
        envelope: &Envelope,
        attempt: &Try<'g>,
    ) -> Result<Turn<'g>, SendError> {
        let Content::Sms { to, text } = &envelope.content else {
            return Err(SendError::Permanent("this transport sends SMS".to_owned()));
        };
        let sender = match self.from.starts_with("MG") {
            true => "MessagingServiceSid",
            false => "From",
        };
        let form = [("To", to), (sender, &self.from), ("Body", text)];
        let request = self
            .client
            .post(&self.url)
            .basic_auth(&self.user, Some(self.token.expose()))
            .form(&form);
        attempt.alone(web::judge(request, "twilio", code)).await
    }
}

/// The number of the error. Its text may repeat the phone number.
fn code(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Refusal {
        code: u64,
    }
    serde_json::from_slice::<Refusal>(body)
        .ok()
        .map(|refusal| refusal.code)
}
