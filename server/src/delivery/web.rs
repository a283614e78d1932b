//! What the SMS transports share: one bounded request, and what its answer means for the message.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use super::SendError;

/// Within the time that a whole try may take.
const CONNECT: Duration = Duration::from_secs(5);
/// No provider has more to say about one message.
const LONGEST_ANSWER: usize = 16 * 1024;
/// A provider may ask for a pause, but not for one in which every code expires.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// A code goes to the address that was configured and to no other, so redirects are not followed.
pub fn client() -> Result<Client, String> {
    Client::builder()
        .user_agent(concat!("bp-auth/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        .build()
        .map_err(|error| format!("no client for SMS: {error}"))
}

/// Sends a request and judges the answer. `name` is who is asked, for errors.
///
/// 400 and 422 are about the message, which would be refused again. Whatever else is refused is about
/// the account, the address or the moment, and may be mended while the message waits.
pub async fn judge(
    request: RequestBuilder,
    name: &str,
    code: impl Fn(&[u8]) -> Option<u64>,
) -> Result<(), SendError> {
    let unreached = |error: reqwest::Error| SendError::Temporary(told(name, &error));
    let response = request.send().await.map_err(unreached)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let pause = pause(response.headers());
    let body = beginning(response).await;
    let text = match code(&body) {
        Some(code) => format!("{name} answers {} ({code})", status.as_u16()),
        None => format!("{name} answers {}", status.as_u16()),
    };
    Err(match (status, pause) {
        (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, _) => {
            SendError::Permanent(text)
        }
        (_, Some(pause)) => SendError::Later(text, pause),
        (_, None) => SendError::Temporary(text),
    })
}

/// The seconds of `Retry-After`; a date is left to the back-off.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        if body.len() + part.len() > LONGEST_ANSWER {
            break;
        }
        body.extend_from_slice(&part);
    }
    body
}

/// Without the address, in which a path may be a secret.
fn told(name: &str, error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "does not answer"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "breaks off"
    };
    format!("{name} {what}")
}
