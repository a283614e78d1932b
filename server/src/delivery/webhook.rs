//! The `webhook` transport: SMS by a request to a program of the operator's, signed as the Standard
//! Webhooks specification says, so that receivers have libraries for it.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::gate::{Try, Turn};
use super::{Content, Envelope, SendError, Transport, web};
use crate::app::clock::Clock;
use crate::config::SmsWebhook;

pub struct WebhookTransport {
    client: Client,
    url: String,
    secret: Zeroizing<Vec<u8>>,
    clock: Arc<dyn Clock>,
}

impl WebhookTransport {
    pub fn new(settings: &SmsWebhook, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let secret = secret(settings.secret.expose()).ok_or("sms_webhook.secret is not usable")?;
        Ok(Self {
            client: web::client()?,
            url: settings.url.clone(),
            secret,
            clock,
        })
    }

    fn signature(&self, id: &str, timestamp: i64, body: &str) -> Result<String, SendError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret)
            .map_err(|error| SendError::Temporary(error.to_string()))?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        let signed = STANDARD.encode(mac.finalize().into_bytes());
        Ok(format!("v1,{signed}"))
    }
}

#[async_trait]
impl Transport for WebhookTransport {
    async fn send<'g>(
        &self,
        envelope: &Envelope,
        attempt: &Try<'g>,
    ) -> Result<Turn<'g>, SendError> {
        let Content::Sms { to, text } = &envelope.content else {
            return Err(SendError::Permanent("this transport sends SMS".to_owned()));
        };
        // The same at every try, so that the receiver can tell a repetition.
        let id = envelope.id.to_string();
        let body = json!({
            "type": "sms",
            "timestamp": envelope.created_at.to_utc().to_rfc3339(),
            "data": { "id": id, "template": envelope.template, "to": to, "text": text },
        })
        .to_string();
        let timestamp = self.clock.now().seconds();
        let request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", self.signature(&id, timestamp, &body)?)
            .body(body);
        attempt
            .alone(web::judge(request, "the SMS webhook", |_| None))
            .await
    }
}

/// The key in `whsec_…`.
pub fn secret(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
    let bytes = Zeroizing::new(bytes);
    (24..=64).contains(&bytes.len()).then_some(bytes)
}
