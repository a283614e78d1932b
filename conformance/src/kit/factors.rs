//! Second factors and the people who have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result, bail, ensure};
use bp_auth_client::types::{LoginResponse, MfaMethod, MfaPending};
use bp_auth_client::{Client, Error, ResponseValue, Secret, types};
use totp_rs::{Algorithm, Builder};

use super::{Granted, Session};
use crate::trial::Trial;

/// Seconds of a TOTP step.
const STEP: i64 = 30;

/// An authenticator app.
#[derive(Clone)]
pub struct Authenticator {
    /// In base 32, as the app was told.
    pub secret: String,
    /// The latest step whose code was given out as unused.
    last: Arc<AtomicI64>,
}

/// Somebody with a second factor, and the session that enrolled it.
#[derive(Clone)]
pub struct Guarded {
    pub email: String,
    pub session: Session,
    pub authenticator: Option<Authenticator>,
    /// Of the method `sms`.
    pub phone: Option<String>,
    pub backup_codes: Vec<Secret>,
}

impl Authenticator {
    pub fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            last: Arc::new(AtomicI64::new(i64::MIN)),
        }
    }

    /// The code shown so many steps from now.
    pub fn code_at(&self, trial: &Trial, steps: i64) -> Result<String> {
        self.code_of(trial.now_ms() / 1000 / STEP + steps)
    }

    /// A code that is good now and has not been given out before.
    pub fn next_code(&self, trial: &Trial) -> Result<String> {
        let current = trial.now_ms() / 1000 / STEP;
        let step = current.max(self.last.load(Ordering::SeqCst).saturating_add(1));
        if step > current + 1 {
            bail!("all codes of this time are used; the case must need the clock and advance it");
        }
        self.last.store(step, Ordering::SeqCst);
        self.code_of(step)
    }

    /// A code of no time within eleven minutes.
    pub fn far_code(&self, trial: &Trial) -> Result<String> {
        let near: Result<Vec<String>> =
            (-22..=22).map(|steps| self.code_at(trial, steps)).collect();
        let near = near?;
        let other = (0..100).map(|n| format!("{n:06}"));
        other
            .clone()
            .find(|code| !near.contains(code))
            .context("100 codes are all near")
    }

    fn code_of(&self, step: i64) -> Result<String> {
        let secret = totp_rs::Secret::try_from_base32(&self.secret)
            .ok()
            .context("the secret is not base 32")?;
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(secret);
        let totp = totp.build().ok().context("the secret is unfit for TOTP")?;
        Ok(totp.generate(u64::try_from(step * STEP)?).to_string())
    }
}

impl Trial {
    /// A new user whose session has just enrolled an authenticator.
    pub async fn with_totp(&self) -> Result<Guarded> {
        let session = self.newcomer().await?;
        self.enrol_totp(session).await
    }

    /// Enrols an authenticator as first or further factor.
    pub async fn enrol_totp(&self, session: Session) -> Result<Guarded> {
        let setup = session.client.totp_setup().send().await.granted()?;
        let authenticator = Authenticator::new(setup.secret.expose());
        let code = authenticator.next_code(self)?;
        let call = session
            .client
            .totp_verify()
            .body_map(|body| body.code(code.as_str()))
            .send();
        let enrolled = call.await.granted()?;
        Ok(Guarded {
            email: session.email.clone(),
            session,
            authenticator: Some(authenticator),
            phone: None,
            backup_codes: enrolled.backup_codes.unwrap_or_default(),
        })
    }

    /// A new user whose session has just enrolled a phone. Needs messages.
    pub async fn with_sms(&self) -> Result<Guarded> {
        let session = self.newcomer().await?;
        self.enrol_sms(session).await
    }

    /// Enrols a phone as first or further factor. Needs messages.
    pub async fn enrol_sms(&self, session: Session) -> Result<Guarded> {
        let phone = self.fresh_phone();
        let call = session
            .client
            .sms_setup()
            .body_map(|body| body.phone_number(phone.as_str()))
            .send();
        let sent = call.await.granted()?;
        ensure!(sent.sent, "no code was sent");
        let code = self.sms_code(&phone, 1).await?;
        let call = session
            .client
            .sms_verify()
            .body_map(|body| body.code(code.as_str()))
            .send();
        let enrolled = call.await.granted()?;
        Ok(Guarded {
            email: session.email.clone(),
            session,
            authenticator: None,
            phone: Some(phone),
            backup_codes: enrolled.backup_codes.unwrap_or_default(),
        })
    }

    /// The code in the latest of at least so many messages to the number.
    pub async fn sms_code(&self, phone: &str, at_least: usize) -> Result<String> {
        let messages = self.messages(phone, at_least).await?;
        let last = messages.last().context("no message")?;
        let code = last.code().context("no code in the message")?;
        Ok(code.to_owned())
    }

    /// The token of the latest mailed link to `/page`, of at least so many mails.
    pub async fn mailed_token(&self, email: &str, page: &str, at_least: usize) -> Result<Secret> {
        let mut wanted = at_least;
        loop {
            let mails = self.messages(email, wanted).await?;
            let tokens: Vec<&str> = mails
                .iter()
                .filter_map(|mail| mail.link_token(page))
                .collect();
            match tokens.last() {
                Some(token) if tokens.len() >= at_least => return Ok(Secret::from(*token)),
                // Other mails came first.
                _ => wanted = mails.len() + 1,
            }
        }
    }

    /// One answer to a challenge.
    pub async fn challenge(
        &self,
        pending: &MfaPending,
        method: Option<MfaMethod>,
        code: &str,
    ) -> Result<ResponseValue<LoginResponse>, Error<types::Error>> {
        challenge(&self.anonymous(), &pending.mfa_token, method, code).await
    }

    /// A full login with the authenticator.
    pub async fn totp_session(&self, guarded: &Guarded) -> Result<Session> {
        let pending = self.pending(&guarded.email).await?;
        let authenticator = guarded.authenticator.as_ref();
        let code = authenticator.context("no authenticator")?.next_code(self)?;
        self.finish(&guarded.email, &pending, MfaMethod::Totp, &code)
            .await
    }

    /// A full login with one of the backup codes.
    pub async fn backup_session(&self, guarded: &Guarded, which: usize) -> Result<Session> {
        let pending = self.pending(&guarded.email).await?;
        let code = guarded.backup_codes.get(which).context("no such code")?;
        self.finish(
            &guarded.email,
            &pending,
            MfaMethod::BackupCodes,
            code.expose(),
        )
        .await
    }

    async fn finish(
        &self,
        email: &str,
        pending: &MfaPending,
        method: MfaMethod,
        code: &str,
    ) -> Result<Session> {
        match self
            .challenge(pending, Some(method), code)
            .await
            .granted()?
        {
            LoginResponse::TokenResponse(tokens) => Ok(self.session_of(email, tokens)),
            LoginResponse::MfaPending(_) => bail!("still pending after a right code"),
        }
    }
}

/// One answer to a challenge, through any client.
pub async fn challenge(
    client: &Client,
    mfa_token: &Secret,
    method: Option<MfaMethod>,
    code: &str,
) -> Result<ResponseValue<LoginResponse>, Error<types::Error>> {
    let (token, code) = (mfa_token.clone(), Secret::from(code));
    client
        .mfa_challenge()
        .body_map(|body| {
            let body = body.mfa_token(token).code(code);
            match method {
                Some(method) => body.method(method),
                None => body,
            }
        })
        .send()
        .await
}
