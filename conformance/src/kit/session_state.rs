//! Whether a session still stands, as its client sees it.

use anyhow::{Result, ensure};
use bp_auth_client::types::TokenResponse;
use bp_auth_client::{Client, ErrorCode};
use http::HeaderMap;

use super::Granted;
use super::answer::set_cookie;
use crate::kit::RefreshSecret;
use crate::trial::Trial;

impl Trial {
    /// The access token is good; the refresh token is left alone.
    #[track_caller]
    pub fn lives(&self, tokens: &TokenResponse) -> impl Future<Output = Result<()>> {
        let at = std::panic::Location::caller();
        let client = self.bearer(&tokens.access_token);
        async move {
            let answer = client.me().send().await;
            answer
                .granted()
                .map(drop)
                .map_err(|error| error.context(format!("a session has ended ({at})")))
        }
    }

    /// Neither token of the session is good any more, and both say why.
    #[track_caller]
    pub fn has_ended(&self, tokens: &TokenResponse) -> impl Future<Output = Result<()>> {
        let at = std::panic::Location::caller();
        let (trial, tokens) = (self.clone(), tokens.clone());
        async move {
            let me = trial.bearer(&tokens.access_token).me().send().await;
            let refresh = trial.refresh(tokens.refresh_secret()).await;
            me.refused(401, ErrorCode::SessionRevoked)
                .and_then(|_| refresh.refused(401, ErrorCode::TokenRevoked))
                .map(drop)
                .map_err(|error| error.context(format!("a session has not ended ({at})")))
        }
    }

    /// The generated client with a browser's cookie.
    pub fn cookie(&self, tokens: &TokenResponse) -> Client {
        let cookie = format!("bp_token={}", tokens.access_token.expose());
        self.with(&[(http::header::COOKIE, cookie)])
    }
}

/// The answer makes a browser forget `bp_token`.
#[track_caller]
pub fn clears_the_cookie(headers: &HeaderMap) -> Result<()> {
    let at = std::panic::Location::caller();
    let line = set_cookie(headers, "bp_token");
    ensure!(
        line.is_some_and(|line| line.starts_with("bp_token=;") && line.contains("Max-Age=0")),
        "the cookie is not cleared ({at})"
    );
    Ok(())
}
