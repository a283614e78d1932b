//! Users and their sessions.

use std::sync::LazyLock;

use anyhow::{Result, bail};
use bp_auth_client::types::{LoginResponse, MfaPending, TokenResponse};
use bp_auth_client::{Client, Error, ResponseValue, Secret, types};

use super::Granted;
use crate::trial::Trial;

pub const PASSWORD: &str = "correct horse battery staple";
pub const WRONG_PASSWORD: &str = "incorrect donkey charger paperclip";

/// Somebody with an account and the password [`PASSWORD`].
#[derive(Debug, Clone)]
pub struct Person {
    pub email: String,
}

/// A person who has logged in.
#[derive(Clone)]
pub struct Session {
    pub email: String,
    pub tokens: TokenResponse,
    /// Presents the access token.
    pub client: Client,
}

/// The refresh token of an answer.
pub trait RefreshSecret {
    /// An answer to a token in a body has one; without one the case fails at its next refresh, because the
    /// server refuses an empty token.
    fn refresh_secret(&self) -> &Secret;
}

impl RefreshSecret for TokenResponse {
    fn refresh_secret(&self) -> &Secret {
        static NONE: LazyLock<Secret> = LazyLock::new(|| Secret::from(""));
        self.refresh_token.as_ref().unwrap_or(&NONE)
    }
}

impl Trial {
    /// A new user.
    pub async fn register(&self) -> Result<Person> {
        let email = self.fresh_email();
        self.anonymous()
            .register()
            .body_map(|body| body.email(email.as_str()).password(PASSWORD))
            .send()
            .await
            .granted()?;
        Ok(Person { email })
    }

    /// A new user, logged in.
    pub async fn newcomer(&self) -> Result<Session> {
        let person = self.register().await?;
        self.session(&person.email).await
    }

    /// A new user with this (unverified) number in the profile, logged in.
    pub async fn newcomer_with_phone(&self, phone: &str) -> Result<Session> {
        let email = self.fresh_email();
        let phone = types::RegisterRequestPhone::try_from(phone)?;
        self.anonymous()
            .register()
            .body_map(|body| {
                let body = body.email(email.as_str()).password(PASSWORD);
                body.phone(Some(phone))
            })
            .send()
            .await
            .granted()?;
        self.session(&email).await
    }

    /// Whatever a right password gives.
    pub async fn login(&self, email: &str) -> Result<LoginResponse> {
        self.try_login(email, PASSWORD).await.granted()
    }

    /// A password login, right or wrong.
    pub async fn try_login(
        &self,
        email: &str,
        password: &str,
    ) -> Result<ResponseValue<LoginResponse>, Error<types::Error>> {
        self.anonymous()
            .login()
            .body_map(|form| form.username(email).password(password))
            .send()
            .await
    }

    /// A login that a password alone completes.
    pub async fn session(&self, email: &str) -> Result<Session> {
        match self.login(email).await? {
            LoginResponse::TokenResponse(tokens) => Ok(self.session_of(email, tokens)),
            LoginResponse::MfaPending(_) => bail!("a second factor is asked for"),
        }
    }

    /// A login that a password alone does not complete.
    pub async fn pending(&self, email: &str) -> Result<MfaPending> {
        match self.login(email).await? {
            LoginResponse::MfaPending(pending) => Ok(pending),
            LoginResponse::TokenResponse(_) => bail!("tokens without a second factor"),
        }
    }

    pub fn session_of(&self, email: &str, tokens: TokenResponse) -> Session {
        Session {
            email: email.to_owned(),
            client: self.bearer(&tokens.access_token),
            tokens,
        }
    }

    /// One use of a refresh token.
    pub async fn refresh(
        &self,
        token: &Secret,
    ) -> Result<ResponseValue<TokenResponse>, Error<types::Error>> {
        let token = token.clone();
        self.anonymous()
            .refresh_token_endpoint()
            .body_map(|body| body.refresh_token(token))
            .send()
            .await
    }
}
