//! Second factors in small steps, for the cases that are about one of them.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bp_auth_client::types::{
    self, CodeSent, LoginResponse, MfaEnrolled, MfaMethod, MfaMethods, MfaPending, TokenResponse,
    TrustedDevice,
};
use bp_auth_client::{Client, Error, ResponseValue, Secret};
use http::header::COOKIE;
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use super::answer::set_cookie;
use super::{Authenticator, Granted, Guarded, PASSWORD, Session};
use crate::kit::RefreshSecret;
use crate::trial::Trial;

pub const DEVICE_HEADER: HeaderName = HeaderName::from_static("x-trusted-device");
pub const DEVICE_COOKIE: &str = "bp_trusted_device";
/// Where the link in the mail of a reset leads.
pub const RESET_PAGE: &str = "mfa-reset";
pub const MINUTE: u64 = 60;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// What the generated client gives.
pub type Answered<T> = Result<ResponseValue<T>, Error<types::Error>>;

/// A device that was remembered, and the session that had it remembered.
pub struct Device {
    pub id: i64,
    /// `<id>.<secret>`, as the cookie carries it.
    pub value: String,
    pub session: Session,
}

pub async fn totp_setup(client: &Client) -> Result<Authenticator> {
    let setup = client.totp_setup().send().await.granted()?;
    Ok(Authenticator::new(setup.secret.expose()))
}

pub async fn totp_verify(client: &Client, code: &str) -> Answered<MfaEnrolled> {
    let request = client.totp_verify().body_map(|body| body.code(code));
    request.send().await
}

pub async fn sms_setup(client: &Client, number: &str) -> Answered<CodeSent> {
    let request = client
        .sms_setup()
        .body_map(|body| body.phone_number(number));
    request.send().await
}

pub async fn sms_verify(client: &Client, code: &str) -> Answered<MfaEnrolled> {
    let request = client.sms_verify().body_map(|body| body.code(code));
    request.send().await
}

pub async fn methods(client: &Client) -> Result<MfaMethods> {
    client.mfa_methods().send().await.granted()
}

pub async fn devices(client: &Client) -> Result<Vec<TrustedDevice>> {
    client.list_trusted_devices().send().await.granted()
}

pub async fn delete(client: &Client, method: MfaMethod) -> Answered<()> {
    client.delete_method().method(method).send().await
}

pub async fn revoke(client: &Client, device: i64) -> Answered<()> {
    let request = client.revoke_trusted_device().device_id(device);
    request.send().await
}

pub async fn confirm_reset(t: &Trial, token: &Secret) -> Answered<types::MfaResetDone> {
    let (client, token) = (t.anonymous(), token.clone());
    let request = client
        .mfa_reset_confirm()
        .body_map(|body| body.token(token));
    request.send().await
}

/// Requests a reset, and reads the token of at least so many mails.
pub async fn reset_token(t: &Trial, session: &Session, mails: usize) -> Result<Secret> {
    let request = session.client.mfa_reset_request();
    request.send().await.granted()?;
    t.mailed_token(&session.email, RESET_PAGE, mails).await
}

/// Asks for a code by SMS, at a login.
pub async fn resend(t: &Trial, mfa_token: &Secret) -> Answered<LoginResponse> {
    let (client, token) = (t.anonymous(), mfa_token.clone());
    let request = client
        .mfa_challenge()
        .body_map(|body| body.mfa_token(token).method(MfaMethod::Sms));
    request.send().await
}

pub async fn profile(client: &Client) -> Result<types::User> {
    client.me().send().await.granted()
}

/// The session behind the client, as the profile shows it.
pub async fn own_session(client: &Client) -> Result<types::Session> {
    let me = profile(client).await?;
    me.session.context("no session in the profile")
}

/// The claims of a token, unverified.
pub fn claims(token: &Secret) -> Result<Value> {
    let payload = token.expose().split('.').nth(1).context("no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

/// Six digits that are not the code.
pub fn another(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

pub fn tokens(answer: Answered<LoginResponse>) -> Result<TokenResponse> {
    match answer.granted()? {
        LoginResponse::TokenResponse(tokens) => Ok(tokens),
        LoginResponse::MfaPending(_) => bail!("a second factor is still asked for"),
    }
}

pub fn pending(answer: Answered<LoginResponse>) -> Result<MfaPending> {
    match answer.granted()? {
        LoginResponse::MfaPending(pending) => Ok(pending),
        LoginResponse::TokenResponse(_) => bail!("tokens without a second factor"),
    }
}

/// The value of a cookie that is set.
pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let (pair, _) = set_cookie(headers, name)?.split_once(';')?;
    Some(pair.split_once('=')?.1.to_owned())
}

impl Authenticator {
    /// Six digits that this authenticator shows at no time around now.
    pub fn wrong_code(&self, t: &Trial) -> Result<String> {
        let near: Vec<String> = (-4..=4)
            .map(|steps| self.code_at(t, steps))
            .collect::<Result<_>>()?;
        let mut codes = (0..).map(|n| format!("{n:06}"));
        codes
            .find(|code| !near.contains(code))
            .context("no wrong code")
    }
}

impl Guarded {
    pub fn authenticator(&self) -> Result<&Authenticator> {
        self.authenticator.as_ref().context("no authenticator")
    }

    pub fn phone(&self) -> Result<&str> {
        self.phone.as_deref().context("no phone")
    }
}

impl Trial {
    /// A full login with a code, whose device is remembered.
    pub async fn remember(
        &self,
        guarded: &Guarded,
        method: MfaMethod,
        code: &str,
    ) -> Result<Device> {
        self.remember_as(guarded, method, code, None).await
    }

    /// The same, with the next unused code of the authenticator.
    pub async fn remember_by_totp(&self, guarded: &Guarded) -> Result<Device> {
        let code = guarded.authenticator()?.next_code(self)?;
        self.remember(guarded, MfaMethod::Totp, &code).await
    }

    /// The same with a name of the device.
    pub async fn remember_as(
        &self,
        guarded: &Guarded,
        method: MfaMethod,
        code: &str,
        name: Option<&str>,
    ) -> Result<Device> {
        let name = name
            .map(types::MfaChallengeRequestDeviceName::try_from)
            .transpose()?;
        let login = self.pending(&guarded.email).await?;
        let (client, code) = (self.anonymous(), Secret::from(code));
        let request = client.mfa_challenge().body_map(|body| {
            let body = body.mfa_token(login.mfa_token).code(code).method(method);
            body.remember_device(true).device_name(name)
        });
        let (answer, headers) = request.send().await.granted_with_headers()?;
        let LoginResponse::TokenResponse(tokens) = answer else {
            bail!("still pending after a right code");
        };
        Ok(Device {
            id: tokens.trusted_device_id.context("no trusted_device_id")?,
            value: cookie_value(&headers, DEVICE_COOKIE).context("no cookie of the device")?,
            session: self.session_of(&guarded.email, tokens),
        })
    }

    /// The password step of a device that presents this in the header, and the cookie it gets.
    pub async fn login_on(
        &self,
        email: &str,
        device: &str,
    ) -> Result<(LoginResponse, Option<String>)> {
        self.login_presenting(email, &[(DEVICE_HEADER, device.to_owned())])
            .await
    }

    /// The same with the cookie.
    pub async fn login_with_cookie(
        &self,
        email: &str,
        device: &str,
    ) -> Result<(LoginResponse, Option<String>)> {
        let cookie = format!("{DEVICE_COOKIE}={device}");
        self.login_presenting(email, &[(COOKIE, cookie)]).await
    }

    pub async fn login_presenting(
        &self,
        email: &str,
        headers: &[(HeaderName, String)],
    ) -> Result<(LoginResponse, Option<String>)> {
        let client = self.with(headers);
        let request = client
            .login()
            .body_map(|form| form.username(email).password(PASSWORD));
        let (answer, headers) = request.send().await.granted_with_headers()?;
        Ok((answer, cookie_value(&headers, DEVICE_COOKIE)))
    }

    /// The device is not (or no longer) trusted: its password step asks for the second factor.
    pub async fn is_not_trusted(&self, email: &str, device: &str) -> Result<()> {
        match self.login_on(email, device).await? {
            (LoginResponse::MfaPending(_), None) => Ok(()),
            (LoginResponse::MfaPending(_), Some(_)) => {
                bail!("a device's cookie for a pending login")
            }
            (LoginResponse::TokenResponse(_), _) => bail!("the device is trusted"),
        }
    }

    /// The device is trusted: its password step completes the login. Gives its next secret.
    pub async fn is_trusted(&self, email: &str, device: &str) -> Result<(Session, String)> {
        let (LoginResponse::TokenResponse(tokens), cookie) = self.login_on(email, device).await?
        else {
            bail!("the device is not trusted");
        };
        let next = cookie.context("no new secret for the device")?;
        Ok((self.session_of(email, tokens), next))
    }

    /// The session some time later, with a fresh access token of its old login.
    pub async fn aged_session(&self, session: &Session, seconds: u64) -> Result<Session> {
        self.advance_secs(seconds)?;
        let fresh = self
            .refresh(session.tokens.refresh_secret())
            .await
            .granted()?;
        Ok(self.session_of(&session.email, fresh))
    }

    /// Wrong codes of the authenticator, from as many logins as it takes.
    pub async fn fail_totp(&self, guarded: &Guarded, times: usize) -> Result<()> {
        let wrong = guarded.authenticator()?.wrong_code(self)?;
        let mut login = self.pending(&guarded.email).await?;
        for n in 0..times {
            if n > 0 && n % 5 == 0 {
                login = self.pending(&guarded.email).await?;
            }
            let answer = self.challenge(&login, Some(MfaMethod::Totp), &wrong).await;
            answer.refused(401, bp_auth_client::ErrorCode::CodeInvalid)?;
        }
        Ok(())
    }

    /// How many mails with a link to `/page` the address has, among all that were under way.
    pub async fn mailed_links(&self, email: &str, page: &str) -> Result<usize> {
        let mails = self.settled_messages(email).await?;
        let links = mails.iter().filter(|mail| mail.link_token(page).is_some());
        Ok(links.count())
    }
}
