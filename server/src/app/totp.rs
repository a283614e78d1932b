//! Enrolment of authenticator apps and of phone numbers, and the check of TOTP codes.

use std::time::Duration;

use qrcode::QrCode;
use serde_json::json;
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Builder, Totp};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::audit::Audit;
use super::backup_codes::FreshCodes;
use super::caller::Caller;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::identity::{Phone, phone_hint};
use super::message::{Message, SmsPurpose};
use super::methods::{self, Method};
use super::phone::PhoneCode;
use super::sms::{Sent, digits};
use super::{App, Client};
use crate::datastore::{MfaMethod, Taken, Txn, User};
use crate::metrics::Limit;

/// RFC 6238's recommended length for SHA-1.
const SECRET_BYTES: usize = 20;
const STEP_SECONDS: u64 = 30;
const TRIES_AT_SETUP: i64 = 5;
/// A code so many steps away is that of a device whose clock is wrong: ten minutes.
const STEPS_OF_A_WRONG_CLOCK: u16 = 20;

/// A pending authenticator, shown once.
pub struct TotpEnrolment {
    pub secret: Zeroizing<String>,
    pub provisioning_uri: Zeroizing<String>,
    /// An SVG image in a `data:` URI.
    pub qr_code: Zeroizing<String>,
    pub expires_in: u64,
}

/// A pending method whose code was right.
struct Enrolment {
    method: Method,
    pending: Uuid,
    /// Of the TOTP code that was accepted.
    step: Option<i64>,
    /// Made if this is likely the first method.
    fresh: Option<FreshCodes>,
}

/// A method that is verified now.
pub struct Enrolled {
    pub method: Method,
    /// With the first method only.
    pub backup_codes: Option<Vec<Zeroizing<String>>>,
    pub backup_codes_remaining: u32,
}

impl App {
    pub async fn totp_setup(&self, caller: &Caller, client: &Client) -> Result<TotpEnrolment> {
        self.step_up(caller).await?;
        let mut secret = Zeroizing::new([0u8; SECRET_BYTES]);
        self.random.fill(secret.as_mut())?;
        let ttl = self.config.tokens.code_ttl;
        let now = self.now();
        // What is kept for long is sealed with the newest key there is.
        self.keys.refresh().await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            txn.mfa_method_pending_replace(MfaMethod {
                secret_sealed: Some(self.sealer.seal(secret.as_ref(), &totp_aad(user.id))?),
                ..pending_row(&user, Method::Totp, now, ttl.duration())
            })
            .await?;
            self.audit(
                &txn,
                client,
                Audit::of("mfa.totp.setup", &user).session(caller.session_id()),
            )
            .await?;
            self.commit(txn).await?;
            enrolment(
                &self.config.totp.issuer_name,
                &user.email,
                secret.as_ref(),
                ttl.get(),
            )
        })
        .await
    }

    pub async fn totp_verify(
        &self,
        caller: &Caller,
        code: &str,
        client: &Client,
    ) -> Result<Enrolled> {
        let code = digits(code)?;
        // A try is counted before the code is looked at, both under the lock of the user: a right
        // code at the same moment as five others must not find the tries used up by them.
        let (pending, step) = self
            .retried(|| self.totp_try(caller, &code, client))
            .await?;
        let fresh = self.backup_codes_if_first(caller, client).await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            let enrolment = Enrolment {
                method: Method::Totp,
                pending,
                step: Some(step),
                fresh: fresh.clone(),
            };
            self.enrol(txn, &user, caller, enrolment, client).await
        })
        .await
    }

    /// The pending set-up and the step of a right code. A wrong one costs a try.
    async fn totp_try(&self, caller: &Caller, code: &str, client: &Client) -> Result<(Uuid, i64)> {
        let txn = self.store.begin().await?;
        let user = self.user_locked(&txn, caller).await?;
        let rows = txn.mfa_methods_list(user.id).await?;
        let pending = self
            .pending(&rows, Method::Totp)
            .ok_or(Error::MfaNotPending)?;
        let bucket = format!("mfa_setup:{}", pending.id);
        let window = 24 * 3600 * 1000;
        let now = self.now().ms();
        let taken = txn.rate_take(&bucket, now, window, TRIES_AT_SETUP).await?;
        if let Taken::Limited { .. } = taken {
            txn.mfa_method_pending_delete(pending.id).await?;
            self.audit(
                &txn,
                client,
                Audit::of("mfa.totp.setup_exhausted", &user).session(caller.session_id()),
            )
            .await?;
            self.commit(txn).await?;
            self.metrics.limit_hit(Limit::MfaSetup);
            return Err(Error::CodeAttemptsExceeded);
        }
        let skew = self.config.totp.skew_steps.into();
        let Some(step) = self.totp_step(&user, pending, code, skew).await? else {
            let near = self.totp_step(&user, pending, code, STEPS_OF_A_WRONG_CLOCK);
            let near = near.await?;
            self.audit(
                &txn,
                client,
                Audit::of("mfa.totp.code_wrong", &user).session(caller.session_id()),
            )
            .await?;
            self.commit(txn).await?;
            // It is as wrong as any. Whoever has set up the secret may know why.
            return Err(match near {
                Some(_) => Error::CodeOfAnotherTime,
                None => Error::CodeInvalid,
            });
        };
        // A right code is no failure: its try is taken back.
        let pending = pending.id;
        txn.rollback().await?;
        Ok((pending, step))
    }

    pub async fn sms_setup(
        &self,
        caller: &Caller,
        phone_number: &str,
        client: &Client,
    ) -> Result<PhoneCode> {
        let field = "phone_number";
        let phone = Phone::field(field, phone_number)?;
        phone
            .sendable(&self.config.sms.allowed_countries)
            .map_err(|why| Error::PhoneNotAllowed { field, why })?;
        self.step_up(caller).await?;
        let now = self.now();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            let sent = self
                .sms_send(&txn, &user, &phone, SmsPurpose::MfaSetup, client)
                .await?;
            let (expires_in, retry_after) = match sent {
                Sent::Now {
                    expires_in,
                    retry_after,
                } => (expires_in, retry_after),
                Sent::Limited { retry_after } => {
                    txn.commit().await?;
                    return Err(Error::RateLimited { retry_after });
                }
            };
            txn.mfa_method_pending_replace(MfaMethod {
                phone: Some(phone.e164.clone()),
                ..pending_row(&user, Method::Sms, now, Duration::from_secs(expires_in))
            })
            .await?;
            self.audit(
                &txn,
                client,
                Audit::of("mfa.sms.setup", &user).session(caller.session_id()),
            )
            .await?;
            self.commit(txn).await?;
            Ok(PhoneCode {
                sent: true,
                phone_hint: phone_hint(&phone.e164),
                expires_in,
                retry_after,
            })
        })
        .await
    }

    pub async fn sms_verify(
        &self,
        caller: &Caller,
        code: &str,
        client: &Client,
    ) -> Result<Enrolled> {
        let code = digits(code)?;
        let rows = self.store.mfa_methods_list(caller.user.id).await?;
        methods::find(&rows, Method::Sms, false).ok_or(Error::MfaNotPending)?;
        // Hashing may be refused, and a code is good once: so the one comes before the other.
        let fresh = self.backup_codes_if_first(caller, client).await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            let rows = txn.mfa_methods_list(user.id).await?;
            let pending = methods::find(&rows, Method::Sms, false).ok_or(Error::MfaNotPending)?;
            let number = pending.phone.as_deref().unwrap_or_default();
            let tried = self
                .sms_try(&txn, &user, SmsPurpose::MfaSetup, number, &code)
                .await?;
            if let Err(refusal) = tried.refusal_at_setup() {
                if matches!(refusal, Error::CodeAttemptsExceeded) {
                    txn.mfa_method_pending_delete(pending.id).await?;
                    txn.sms_code_delete(user.id, SmsPurpose::MfaSetup.as_str())
                        .await?;
                }
                self.audit(
                    &txn,
                    client,
                    Audit::of("mfa.sms.code_wrong", &user).session(caller.session_id()),
                )
                .await?;
                // The try counts although the answer is an error.
                self.commit(txn).await?;
                return Err(refusal);
            }
            let enrolment = Enrolment {
                method: Method::Sms,
                pending: pending.id,
                step: None,
                fresh: fresh.clone(),
            };
            self.enrol(txn, &user, caller, enrolment, client).await
        })
        .await
    }

    /// The step a code belongs to, if it is one of the secret's within so many of now.
    pub(super) async fn totp_step(
        &self,
        user: &User,
        row: &MfaMethod,
        code: &str,
        within: u16,
    ) -> Result<Option<i64>> {
        let sealed = row.secret_sealed.as_deref().unwrap_or_default();
        let secret = self.unseal(sealed, &totp_aad(user.id)).await?;
        let totp = totp(&secret)?;
        let now = u64::try_from(self.now().seconds()).unwrap_or(0) / STEP_SECONDS;
        let steps = now.saturating_sub(within.into())..=now + u64::from(within);
        // All of them, whichever it is: the time of the answer says nothing of the code.
        let step = steps.fold(None, |found: Option<u64>, step| {
            let expected = Zeroizing::new(totp.generate(step * STEP_SECONDS).to_string());
            let same = bool::from(expected.as_bytes().ct_eq(code.as_bytes()));
            found.or(same.then_some(step))
        });
        Ok(step.and_then(|step| i64::try_from(step).ok()))
    }

    fn pending<'r>(&self, rows: &'r [MfaMethod], method: Method) -> Option<&'r MfaMethod> {
        let now = self.now().ms();
        methods::find(rows, method, false)
            .filter(|row| row.expires_at.is_some_and(|expires_at| expires_at > now))
    }

    /// A set of backup codes if the caller has no method yet. Hashing ten codes takes a while, so it
    /// is done before the transaction that may need them.
    async fn backup_codes_if_first(
        &self,
        caller: &Caller,
        client: &Client,
    ) -> Result<Option<FreshCodes>> {
        let rows = self.store.mfa_methods_list(caller.user.id).await?;
        match methods::verified(&rows).is_empty() {
            true => Ok(Some(self.backup_codes_mint(&client.networks()).await?)),
            false => Ok(None),
        }
    }

    /// Makes a pending method a verified one, with all that follows from it, in the transaction
    /// that accepted the code and locked the user.
    async fn enrol(
        &self,
        txn: Txn,
        user: &User,
        caller: &Caller,
        enrolment: Enrolment,
        client: &Client,
    ) -> Result<Enrolled> {
        let Enrolment {
            method,
            pending,
            step,
            fresh,
        } = enrolment;
        let now = self.now();
        let before = txn.mfa_methods_list(user.id).await?;
        if !txn
            .mfa_method_verify(user.id, pending, now.ms(), step)
            .await?
        {
            return Err(Error::MfaNotPending);
        }
        let first = methods::verified(&before).is_empty();
        let backup_codes = match (first, fresh) {
            (true, Some(fresh)) => Some(self.backup_codes_store(&txn, user, fresh).await?),
            (true, None) => return Err(Error::MfaNotPending),
            (false, _) => None,
        };
        self.factors_changed(&txn, user, "mfa_method_added").await?;
        let enrolled = (method, pending);
        self.session_after_enrolment(&txn, caller, enrolled, first)
            .await?;
        if let (Method::Sms, Some(row)) = (method, methods::find(&before, Method::Sms, false)) {
            let number = row.phone.as_deref().unwrap_or_default();
            let profile = user.phone.as_deref().unwrap_or(number);
            if Phone::canonical(profile) == number {
                txn.user_phone_verified_set(user.id, profile, number, now.ms())
                    .await?;
            }
        }
        let detail = json!({ "method": method.as_str(), "first": first });
        self.audit(
            &txn,
            client,
            Audit::of("mfa.method.verified", user)
                .session(caller.session_id())
                .detail(detail),
        )
        .await?;
        let message = Message::MfaEnabled {
            method: method.as_str().to_owned(),
            at: now.ms(),
            ip: client.ip.to_string(),
        };
        self.notify(&txn, user, message).await?;
        let remaining = txn.backup_codes_remaining(user.id).await?;
        self.commit(txn).await?;
        Ok(Enrolled {
            method,
            backup_codes,
            backup_codes_remaining: u32::try_from(remaining).unwrap_or(0),
        })
    }

    /// The session that enrols the first method has shown it; other sessions that know only the
    /// password end, because a password alone is no longer enough.
    async fn session_after_enrolment(
        &self,
        txn: &Txn,
        caller: &Caller,
        (method, id): (Method, Uuid),
        first: bool,
    ) -> Result<()> {
        // As it is now: what it had passed before may have been replaced.
        let Some(session) = caller.session_id() else {
            return Ok(());
        };
        let Some(session) = txn.session_fetch(session).await? else {
            return Ok(());
        };
        if !session.mfa_satisfied {
            let factor = if method == Method::Sms { "sms" } else { "otp" };
            let mut amr: Vec<&str> = session.amr.split_whitespace().collect();
            amr.extend([factor, "mfa"]);
            txn.session_upgrade(session.id, &amr.join(" "), id).await?;
        }
        if first {
            let (user, now) = (caller.user.id, self.now().ms());
            txn.sessions_revoke_by_user(user, now, "mfa_enabled", Some(session.id), true)
                .await?;
        }
        Ok(())
    }

    async fn backup_codes_store(
        &self,
        txn: &Txn,
        user: &User,
        fresh: FreshCodes,
    ) -> Result<Vec<Zeroizing<String>>> {
        txn.backup_codes_replace(user.id, fresh.rows(user.id, self.now().ms()))
            .await?;
        Ok(fresh.plain)
    }
}

/// A method that nobody has shown yet, and that lapses unless somebody does.
fn pending_row(user: &User, method: Method, now: Timestamp, life: Duration) -> MfaMethod {
    MfaMethod {
        id: Uuid::now_v7(),
        user_id: user.id,
        method: method.as_str().to_owned(),
        secret_sealed: None,
        phone: None,
        created_at: now.ms(),
        expires_at: Some(now.plus(life).ms()),
        verified_at: None,
        last_used_at: None,
        last_used_step: None,
        verified: false,
    }
}

fn totp(secret: &[u8]) -> Result<Totp> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret.to_vec())
        .build()
        .map_err(|error| Error::Internal(format!("TOTP: {error}")))
}

fn enrolment(issuer: &str, account: &str, secret: &[u8], expires_in: u64) -> Result<TotpEnrolment> {
    let secret = Zeroizing::new(data_encoding::BASE32_NOPAD.encode(secret));
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    // The parameters at their defaults are left out: some authenticator apps refuse the others.
    let uri = Zeroizing::new(format!(
        "otpauth://totp/{0}:{1}?secret={2}&issuer={0}",
        encode(issuer),
        encode(account),
        *secret
    ));
    let code = QrCode::new(uri.as_bytes())
        .map_err(|error| Error::Internal(format!("QR code: {error}")))?;
    let svg = Zeroizing::new(
        code.render::<qrcode::render::svg::Color>()
            .min_dimensions(240, 240)
            .build(),
    );
    use base64::Engine;
    let image = base64::engine::general_purpose::STANDARD.encode(svg.as_bytes());
    let qr_code = Zeroizing::new(format!("data:image/svg+xml;base64,{image}"));
    Ok(TotpEnrolment {
        secret,
        provisioning_uri: uri,
        qr_code,
        expires_in,
    })
}

/// A sealed secret opens for its user only.
pub(super) fn totp_aad(user: Uuid) -> String {
    format!("totp:{user}")
}
