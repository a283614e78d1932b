//! The second step of a login: attempt slot, verify, consume, in that order.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::audit::Audit;
use super::caller::gate;
use super::characters::{code_text, is_six_digits};
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::identity::{Phone, display_text};
use super::login::{LoginOutcome, PendingFactor, outcome_name};
use super::message::SmsPurpose;
use super::methods::{self, Method};
use super::password::Permit;
use super::random::hash;
use super::session::{Authenticated, Factor};
use super::token::Kind;
use super::{App, Client};
use crate::datastore::{Event, MfaChallenge, MfaMethod, Taken, Txn, User};
use crate::metrics::{Limit, Step};

const TRIES_PER_TOKEN: i32 = 5;
const FAILURE_WINDOW: Duration = Duration::from_secs(15 * 60);

pub struct Challenge<'f> {
    pub mfa_token: &'f str,
    pub code: Option<&'f str>,
    pub method: Option<Method>,
    pub remember_device: bool,
    pub device_name: Option<&'f str>,
}

/// What an mfa-pending token names.
#[derive(Clone, Copy)]
struct Asked {
    user: Uuid,
    jti: Uuid,
}

/// What a code is checked against, once it is known to have a chance.
pub(super) enum Proof {
    TotpStep { method: Uuid, step: i64 },
    SmsCode { method: Uuid, sealed: String },
    BackupCode { hash: String, salt: String },
}

impl App {
    pub async fn mfa_challenge(
        &self,
        form: Challenge<'_>,
        client: &Client,
    ) -> Result<LoginOutcome> {
        let outcome = self.challenge_step(form, client).await;
        self.metrics.login(Step::Challenge, outcome_name(&outcome));
        outcome
    }

    async fn challenge_step(&self, form: Challenge<'_>, client: &Client) -> Result<LoginOutcome> {
        let device_name = display_text("device_name", form.device_name, 100)
            .map_err(|fault| Error::Invalid(vec![fault]))?;
        if form.mfa_token.is_empty() {
            return Err(Error::invalid("mfa_token", "missing", "the token is empty"));
        }
        if form.code.is_none() && form.method != Some(Method::Sms) {
            return Err(Error::invalid(
                "code",
                "missing",
                "only `sms` can be asked for without a code",
            ));
        }
        if form
            .code
            .is_some_and(|code| code_text(code).is_empty() || code.chars().count() > 64)
        {
            return Err(Error::invalid("code", "code_format", "not a code"));
        }
        let decoded = self.decode(form.mfa_token, &[Kind::MfaPending]).await?;
        let decoded = decoded
            .filter(|token| !token.expired)
            .ok_or(Error::MfaTokenInvalid)?;
        let of = Asked {
            user: decoded.claims.sub,
            jti: decoded.claims.jti,
        };
        match form.code {
            None => self
                .challenge_resend(of, client)
                .await
                .map(LoginOutcome::MfaPending),
            Some(code) => {
                let remember = form.remember_device.then_some(device_name);
                self.challenge_answer(of, &code_text(code), form.method, remember, client)
                    .await
            }
        }
    }

    /// Sends a code (again). It is no try.
    async fn challenge_resend(&self, of: Asked, client: &Client) -> Result<PendingFactor> {
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let (challenge, user) = self.challenge_live(&txn, of).await?;
            let rows = txn.mfa_methods_list(user.id).await?;
            if methods::find(&rows, Method::Sms, true).is_none() {
                return Err(Error::MfaMethodUnavailable);
            }
            let pending = self
                .pending_factor(&txn, &user, &rows, &challenge, Some(client), self.now())
                .await?;
            if pending.code_sent {
                self.audit(&txn, client, Audit::of("mfa.code_sent", &user))
                    .await?;
            }
            self.commit(txn).await?;
            Ok(pending)
        })
        .await
    }

    async fn challenge_answer(
        &self,
        of: Asked,
        code: &str,
        method: Option<Method>,
        remember: Option<Option<String>>,
        client: &Client,
    ) -> Result<LoginOutcome> {
        // The turn comes before the count: what a busy server turns away is not a guess.
        let permit = match method {
            Some(Method::BackupCodes) => Some(self.hasher.permit(&client.networks()).await?),
            None if !is_six_digits(code) => Some(self.hasher.permit(&client.networks()).await?),
            _ => None,
        };
        let (user, rows, method, slot) = self.challenge_slot(of, code, method, client).await?;
        let proof = self
            .challenge_verify(&user, &rows, method, code, permit, client)
            .await?;
        let Some(proof) = proof else {
            return self.challenge_failed(&user, method, client).await;
        };
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = txn
                .user_lock(user.id)
                .await?
                .ok_or(Error::MfaTokenInvalid)?;
            gate(&user).map_err(|_| Error::MfaTokenInvalid)?;
            if !self.proof_consume(&txn, &user, &proof).await? {
                txn.rollback().await?;
                return self.challenge_failed(&user, method, client).await;
            }
            // Rolling back gives the code back: the login that used the token up did not need it.
            if !txn.mfa_challenge_consume(of.jti, self.now().ms()).await? {
                return Err(Error::MfaTokenInvalid);
            }
            txn.rate_give_back(&slot).await?;
            let trusted_device = match &remember {
                Some(name) => Some(
                    self.trusted_device_add(&txn, &user, name.clone(), client)
                        .await?,
                ),
                None => None,
            };
            let amr: &[&str] = match method {
                Method::Totp => &["pwd", "otp", "mfa"],
                Method::Sms => &["pwd", "sms", "mfa"],
                Method::BackupCodes => &["pwd", "backup_code", "mfa"],
            };
            let how = Authenticated {
                amr,
                factor: Some(proof.factor()),
                trusted_device,
            };
            let outcome = self
                .login_done(&txn, user, how, "login.mfa", client)
                .await?;
            self.commit(txn).await?;
            Ok(outcome)
        })
        .await
    }

    /// Takes a try of the token and one of the account, and commits both before the code is looked
    /// at: whatever happens next, they are counted.
    async fn challenge_slot(
        &self,
        of: Asked,
        code: &str,
        method: Option<Method>,
        client: &Client,
    ) -> Result<(User, Vec<MfaMethod>, Method, Event)> {
        let now = self.now();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let (_, user) = self.challenge_live(&txn, of).await?;
            let networks = client.networks();
            let is_known = self.network_is_known(&user.email_key, &networks).await?;
            let account = hash(&user.email_key);
            let step = self.login_step_take(&txn, &account, is_known, &networks);
            if let Err(retry_at) = step.await? {
                txn.commit().await?;
                return Err(self.limited(retry_at));
            }
            let rows = txn.mfa_methods_list(user.id).await?;
            let bucket = format!("mfa:{}", user.id);
            let window = i64::try_from(FAILURE_WINDOW.as_millis()).unwrap_or(i64::MAX);
            let limit = i64::from(self.config.limits.mfa_failures);
            let slot = match txn.rate_take(&bucket, now.ms(), window, limit).await? {
                Taken::Granted(slot) => slot,
                Taken::Limited { retry_at } => {
                    let retry_after = Timestamp(retry_at).retry_after(now);
                    self.audit_repeated(&txn, client, Audit::of("login.mfa_locked", &user))
                        .await?;
                    self.commit(txn).await?;
                    self.metrics.limit_hit(Limit::Mfa);
                    return Err(Error::MfaLocked { retry_after });
                }
            };
            let method = match method {
                Some(method) => method,
                None => implied_method(&rows, code),
            };
            let available = match method {
                Method::BackupCodes => !txn.backup_codes_fetch(user.id).await?.is_empty(),
                method => methods::find(&rows, method, true).is_some(),
            };
            if !available {
                return Err(Error::MfaMethodUnavailable);
            }
            let counted = txn
                .mfa_challenge_attempt(of.jti, TRIES_PER_TOKEN, now.ms())
                .await?;
            counted.ok_or(Error::MfaTokenInvalid)?;
            txn.commit().await?;
            Ok((user, rows, method, slot))
        })
        .await
    }

    async fn challenge_verify(
        &self,
        user: &User,
        rows: &[MfaMethod],
        method: Method,
        code: &str,
        permit: Option<Permit>,
        client: &Client,
    ) -> Result<Option<Proof>> {
        match method {
            Method::Totp => {
                let Some(row) = methods::find(rows, Method::Totp, true) else {
                    return Ok(None);
                };
                let skew = self.config.totp.skew_steps.into();
                let step = self.totp_step(user, row, code, skew).await?;
                Ok(step.map(|step| Proof::TotpStep {
                    method: row.id,
                    step,
                }))
            }
            Method::Sms => {
                let Some(row) = methods::find(rows, Method::Sms, true) else {
                    return Ok(None);
                };
                let phone = Phone::canonical(row.phone.as_deref().unwrap_or_default());
                // The try at the code commits by itself; a right code is used up with the login.
                let compared = self
                    .retried(|| async {
                        let txn = self.store.begin().await?;
                        let compared = self
                            .sms_compare(&txn, user, SmsPurpose::Login, &phone, code)
                            .await?;
                        txn.commit().await?;
                        Ok(compared)
                    })
                    .await?;
                Ok(compared.ok().map(|sent| Proof::SmsCode {
                    method: row.id,
                    sealed: sent.code_sealed,
                }))
            }
            Method::BackupCodes => {
                let permit = match permit {
                    Some(permit) => permit,
                    None => self.hasher.permit(&client.networks()).await?,
                };
                self.backup_code_proof(permit, user, code).await
            }
        }
    }

    /// One statement for each kind decides who used it.
    async fn proof_consume(&self, txn: &Txn, user: &User, proof: &Proof) -> Result<bool> {
        let now = self.now().ms();
        Ok(match proof {
            Proof::TotpStep { method, step } => {
                txn.mfa_method_step_consume(*method, *step, now).await?
            }
            Proof::SmsCode { method, sealed } => {
                let purpose = SmsPurpose::Login.as_str();
                txn.sms_code_consume(user.id, purpose, sealed, now).await?
                    && txn.mfa_method_touch(*method, now).await?
            }
            Proof::BackupCode { hash, .. } => txn.backup_code_consume(user.id, hash, now).await?,
        })
    }

    async fn challenge_failed(
        &self,
        user: &User,
        method: Method,
        client: &Client,
    ) -> Result<LoginOutcome> {
        let detail = json!({ "method": method.as_str() });
        self.audit_failure(client, Audit::of("login.mfa_wrong", user).detail(detail))
            .await?;
        self.metrics.mfa_failure(method.as_str());
        Err(Error::ChallengeCodeInvalid)
    }

    /// The challenge and its user, both still good for a login.
    async fn challenge_live(&self, txn: &Txn, of: Asked) -> Result<(MfaChallenge, User)> {
        // The user first: whoever had the lock before may have changed the challenge.
        let user = txn.user_lock(of.user).await?;
        let challenge = txn.mfa_challenge_fetch(of.jti).await?;
        let challenge = challenge.filter(|row| row.user_id == of.user && is_live(row, self.now()));
        let user = user.filter(|user| gate(user).is_ok());
        let live = challenge.zip(user);
        live.filter(|(challenge, user)| challenge.epoch == user.epoch)
            .ok_or(Error::MfaTokenInvalid)
    }
}

impl Proof {
    fn factor(&self) -> Factor {
        match self {
            Self::TotpStep { method, .. } | Self::SmsCode { method, .. } => Factor::Method(*method),
            Self::BackupCode { salt, .. } => Factor::BackupCode(salt.clone()),
        }
    }
}

/// Whether the challenge can still be passed, as far as it alone decides.
pub(super) fn is_live(challenge: &MfaChallenge, now: Timestamp) -> bool {
    challenge.consumed_at.is_none()
        && challenge.expires_at > now.ms()
        && challenge.attempts < TRIES_PER_TOKEN
}

/// Six digits come from the default method; anything else can only be a backup code.
fn implied_method(rows: &[MfaMethod], code: &str) -> Method {
    match methods::verified(rows).first() {
        Some(&default) if is_six_digits(code) => default,
        _ => Method::BackupCodes,
    }
}
