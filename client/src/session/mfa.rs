use std::{fmt, time::Duration};

use super::{Session, auth::AuthClient, error::SessionError};
use crate::{
    Client, ResponseValue, Secret,
    types::{self, LoginResponse, MfaMethod, MfaPending},
};

/// What a right password comes to.
#[derive(Debug)]
#[must_use = "a login may ask for a second factor"]
pub enum LoginOutcome {
    /// Logged in.
    Authenticated(Session),
    /// The account has a second factor, and this device is not trusted.
    MfaRequired(MfaChallenge),
}

/// A login that waits for its second factor.
///
/// It takes several tries: after a wrong code ([`SessionError::WrongCredentials`]) ask for another.
/// When it is used up or too old, its calls fail with [`SessionError::needs_login`].
///
/// ```
#[doc = include_str!("../doc/server.txt")]
#[doc = include_str!("../doc/challenge.txt")]
/// use bp_auth_client::{MfaChallenge, Session, SessionError};
///
/// # fn ask() -> String { "123456".to_owned() }
/// async fn second_factor(challenge: MfaChallenge) -> Result<Session, SessionError> {
///     let challenge = challenge.trust_device("Ada's laptop");
///     loop {
///         match challenge.totp(ask()).await {
///             Err(SessionError::WrongCredentials(_)) => println!("once more, please"),
///             outcome => return outcome,
///         }
///     }
/// }
/// # second_factor(challenge).await?;
/// # Ok(()) }
/// ```
pub struct MfaChallenge {
    auth: AuthClient,
    client: Client,
    pending: MfaPending,
    trust: Option<Option<String>>,
}

impl MfaChallenge {
    pub(crate) fn new(auth: AuthClient, client: Client, pending: MfaPending) -> Self {
        Self {
            auth,
            client,
            pending,
            trust: None,
        }
    }

    /// The methods that the account has, the default first.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/challenge.txt")]
    /// use bp_auth_client::types::MfaMethod;
    ///
    /// assert_eq!(challenge.methods(), [MfaMethod::Totp, MfaMethod::Sms]);
    /// assert!(!challenge.code_sent());
    /// assert_eq!(challenge.phone_hint(), Some("+49******67"));
    /// assert_eq!(challenge.expires_in().as_secs(), 300);
    /// # Ok(()) }
    /// ```
    pub fn methods(&self) -> Vec<MfaMethod> {
        let default = &self.pending.default_method;
        let others = self.pending.methods.iter();
        let others = others.filter(|method| *method != default);
        std::iter::once(default).chain(others).cloned().collect()
    }

    /// Whether the login has sent a code by SMS already.
    pub fn code_sent(&self) -> bool {
        self.pending.code_sent
    }

    /// The number that codes are sent to, with most digits hidden.
    pub fn phone_hint(&self) -> Option<&str> {
        self.pending.phone_hint.as_deref()
    }

    /// How long the challenge lives, counted from the login.
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(self.pending.mfa_expires_in.into())
    }

    /// Asks the server to trust this device from now on, under a name of at most 100 characters: its next
    /// logins need no second factor. The store keeps what proves it.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/challenge.txt")]
    /// let session = challenge.trust_device("Ada's laptop").totp("123456").await?;
    /// println!("hello, {}", session.user_id());
    /// # Ok(()) }
    /// ```
    pub fn trust_device(mut self, name: impl Into<String>) -> Self {
        self.trust = Some(Some(name.into()));
        self
    }

    /// The same, under the name that the server gives.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/challenge.txt")]
    /// let session = challenge.trust_unnamed_device().totp("123456").await?;
    /// println!("hello, {}", session.user_id());
    /// # Ok(()) }
    /// ```
    pub fn trust_unnamed_device(mut self) -> Self {
        self.trust = Some(None);
        self
    }

    /// Logs in with the code of an authenticator.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/challenge.txt")]
    /// use bp_auth_client::SessionError;
    ///
    /// let wrong = challenge.totp("000000").await;
    /// assert!(matches!(wrong, Err(SessionError::WrongCredentials(_))));
    /// let session = challenge.totp("123456").await?;
    /// println!("hello, {}", session.user_id());
    /// # Ok(()) }
    /// ```
    pub async fn totp(&self, code: impl Into<Secret>) -> Result<Session, SessionError> {
        self.answer(MfaMethod::Totp, code.into()).await
    }

    /// Logs in with a code that came by SMS.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/challenge.txt")]
    /// let session = challenge.sms("123456").await?;
    /// println!("hello, {}", session.user_id());
    /// # Ok(()) }
    /// ```
    pub async fn sms(&self, code: impl Into<Secret>) -> Result<Session, SessionError> {
        self.answer(MfaMethod::Sms, code.into()).await
    }

    /// Logs in with a backup code, which is used up.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/challenge.txt")]
    /// let session = challenge.backup_code("abcd-efgh").await?;
    /// println!("hello, {}", session.user_id());
    /// # Ok(()) }
    /// ```
    pub async fn backup_code(&self, code: impl Into<Secret>) -> Result<Session, SessionError> {
        self.answer(MfaMethod::BackupCodes, code.into()).await
    }

    /// Sends a code by SMS, or says how long to wait until another can be sent.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/challenge.txt")]
    /// let sent = challenge.send_sms().await?;
    /// match sent.retry_after {
    ///     Some(seconds) => println!("the next code not before {seconds} s"),
    ///     None => println!("it goes to {:?}", sent.phone_hint),
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn send_sms(&self) -> Result<MfaPending, SessionError> {
        let token = self.pending.mfa_token.clone();
        let request = self.client.mfa_challenge();
        let request = request.body_map(|body| body.mfa_token(token).method(MfaMethod::Sms));
        match request.send().await?.into_inner() {
            LoginResponse::MfaPending(pending) => Ok(pending),
            LoginResponse::TokenResponse(_) => Err(unexpected("tokens for no code")),
        }
    }

    async fn answer(&self, method: MfaMethod, code: Secret) -> Result<Session, SessionError> {
        let asked_at = (self.auth.settings.clock)();
        let answer = self.challenge(method, code).await?;
        let headers = answer.headers().clone();
        match answer.into_inner() {
            LoginResponse::TokenResponse(tokens) => {
                self.auth.open(tokens, &headers, asked_at).await
            }
            LoginResponse::MfaPending(_) => Err(unexpected("no tokens for a right code")),
        }
    }

    async fn challenge(
        &self,
        method: MfaMethod,
        code: Secret,
    ) -> Result<ResponseValue<LoginResponse>, SessionError> {
        let token = self.pending.mfa_token.clone();
        let request = self.client.mfa_challenge();
        let name = match &self.trust {
            Some(Some(name)) => Some(device_name(name)?),
            Some(None) | None => None,
        };
        let request = request.body_map(|body| {
            let body = body.mfa_token(token).method(method).code(code);
            body.remember_device(self.trust.as_ref().map(|_| true))
                .device_name(name)
        });
        Ok(request.send().await?)
    }
}

impl fmt::Debug for MfaChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfaChallenge")
            .field("methods", &self.pending.methods)
            .field("code_sent", &self.pending.code_sent)
            .finish_non_exhaustive()
    }
}

fn device_name(name: &str) -> Result<types::MfaChallengeRequestDeviceName, SessionError> {
    name.parse()
        .map_err(|e| SessionError::InvalidRequest(format!("device_name: {e}")))
}

fn unexpected(what: &str) -> SessionError {
    SessionError::UnexpectedAnswer(what.to_owned())
}
