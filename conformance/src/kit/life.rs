//! A client as applications have it: it logs in, keeps its session alive by itself, and tells what
//! only a person can mend.

use anyhow::{Context, Result, anyhow, bail, ensure};
use bp_auth_client::session::{AuthClientBuilder, MemoryStore, StoredTokens, TokenStore};
use bp_auth_client::{AuthClient, LoginOutcome, MfaChallenge, Session, SessionError};
use chrono::DateTime;
use http::Method;

use super::{Granted, PASSWORD};
use crate::trial::Trial;

/// A client with a session, and what only a thief would look at.
pub struct Life {
    pub email: String,
    pub auth: AuthClient,
    pub session: Session,
    pub store: MemoryStore,
}

impl Trial {
    /// A client that takes the server's time for its own.
    pub fn auth(&self) -> AuthClientBuilder {
        let trial = self.clone();
        let now = move || DateTime::from_timestamp_millis(trial.now_ms()).unwrap_or_default();
        AuthClient::builder(&self.target.url())
            .http_client(self.http())
            // The suite may reach a test system in the clear: its accounts are made up.
            .allow_cleartext()
            .clock(now)
    }

    /// A new user, logged in by a client that keeps the session in memory.
    pub async fn life(&self) -> Result<Life> {
        self.life_by(self.auth()).await
    }

    /// The same by a client that was built otherwise.
    pub async fn life_by(&self, builder: AuthClientBuilder) -> Result<Life> {
        let email = self.register().await?.email;
        let store = MemoryStore::new();
        let auth = builder.store(store.clone()).build()?;
        let session = logged_in(&auth, &email).await?;
        Ok(Life {
            email,
            auth,
            session,
            store,
        })
    }

    /// How many requests the case has sent to the path, as the witness saw them. Of the last few
    /// dozen only: a case that counts is a short one.
    fn sent(&self, method: &Method, path: &str) -> usize {
        let exchanges = self.recorder.peek(self.case()).exchanges;
        let of_it = exchanges.iter().map(|exchange| &exchange.sent);
        of_it
            .filter(|sent| sent.method == *method && sent.uri.path() == path)
            .count()
    }

    /// The case's clients have refreshed so often, and no more.
    #[track_caller]
    pub fn refreshed(&self, times: usize) -> Result<()> {
        let at = std::panic::Location::caller();
        let sent = self.sent(&Method::POST, "/api/auth/refresh");
        ensure!(sent == times, "{sent} refreshes, not {times} ({at})");
        Ok(())
    }
}

impl Life {
    /// What the store keeps of the session.
    pub async fn stored(&self) -> Result<StoredTokens> {
        let stored = self.store.load().await?;
        stored.tokens.context("the store has no session")
    }

    /// The person logs in again, with the password alone, and goes on.
    pub async fn begin_anew(&self) -> Result<Session> {
        let session = logged_in(&self.auth, &self.email).await?;
        session.me().send().await.granted()?;
        Ok(session)
    }
}

/// A login that a password alone completes.
pub async fn logged_in(auth: &AuthClient, email: &str) -> Result<Session> {
    match auth.login(email, PASSWORD).await? {
        LoginOutcome::Authenticated(session) => Ok(session),
        LoginOutcome::MfaRequired(_) => bail!("a second factor is asked for"),
    }
}

/// A login that a password alone does not complete.
pub async fn challenged(auth: &AuthClient, email: &str) -> Result<MfaChallenge> {
    match auth.login(email, PASSWORD).await? {
        LoginOutcome::MfaRequired(challenge) => Ok(challenge),
        LoginOutcome::Authenticated(_) => bail!("logged in without a second factor"),
    }
}

/// The error of a call that must not succeed.
#[track_caller]
pub fn failed<T, E: Into<SessionError>>(outcome: Result<T, E>) -> Result<SessionError> {
    let at = std::panic::Location::caller();
    match outcome {
        Ok(_) => Err(anyhow!("it succeeded ({at})")),
        Err(error) => Ok(error.into()),
    }
}

/// The error of a code that is not the right one.
#[track_caller]
pub fn wrong<T, E: Into<SessionError>>(outcome: Result<T, E>) -> Result<SessionError> {
    let at = std::panic::Location::caller();
    let error = failed(outcome)?;
    let is_wrong = matches!(error, SessionError::WrongCredentials(_));
    ensure!(is_wrong, "no code is called wrong: {error:?} ({at})");
    Ok(error)
}

/// The error of a call by a session that has ended, which a refresh would not mend.
#[track_caller]
pub fn ended<T, E: Into<SessionError>>(outcome: Result<T, E>) -> Result<SessionError> {
    let at = std::panic::Location::caller();
    let error = failed(outcome)?;
    ensure!(
        error.needs_login(),
        "no new login is asked for: {error:?} ({at})"
    );
    Ok(error)
}
