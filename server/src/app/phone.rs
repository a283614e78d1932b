//! The phone number of the profile, verified by a code.

use serde_json::json;

use super::audit::Audit;
use super::caller::Caller;
use super::error::{Error, PhoneRefusal, Result};
use super::identity::{Phone, phone_hint};
use super::message::SmsPurpose;
use super::sms::{Sent, Tried, digits};
use super::{App, Client};

const PURPOSE: SmsPurpose = SmsPurpose::VerifyPhone;

/// What became of the wish for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneCode {
    /// False when there was nothing to verify.
    pub sent: bool,
    pub phone_hint: String,
    /// Seconds; 0 when nothing was sent.
    pub expires_in: u64,
    pub retry_after: u64,
}

impl App {
    /// Sends a code to the number of the profile; the one before is void then.
    pub async fn phone_verify_request(
        &self,
        caller: &Caller,
        client: &Client,
    ) -> Result<PhoneCode> {
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            let number = user.phone.as_deref().ok_or(Error::PhoneMissing)?;
            let phone_hint = phone_hint(number);
            if user.phone_verified_at.is_some() {
                return Ok(PhoneCode {
                    sent: false,
                    phone_hint,
                    expires_in: 0,
                    retry_after: 0,
                });
            }
            let refused = |why| Error::PhoneNotAllowed {
                field: "phone",
                why,
            };
            let phone = Phone::parse(number).ok_or(refused(PhoneRefusal::UnknownRange))?;
            phone
                .sendable(&self.config.sms.allowed_countries)
                .map_err(refused)?;
            let (expires_in, retry_after) =
                match self.sms_send(&txn, &user, &phone, PURPOSE, client).await? {
                    Sent::Now {
                        expires_in,
                        retry_after,
                    } => (expires_in, retry_after),
                    Sent::Limited { retry_after } => {
                        txn.commit().await?;
                        return Err(Error::RateLimited { retry_after });
                    }
                };
            let audit = Audit {
                event: "phone.code_sent",
                user: Some(&user),
                session: caller.session_id(),
                detail: json!({ "phone": phone_hint }),
            };
            self.audit(&txn, client, audit).await?;
            self.commit(txn).await?;
            Ok(PhoneCode {
                sent: true,
                phone_hint,
                expires_in,
                retry_after,
            })
        })
        .await
    }

    /// The verified number and the moment of its verification.
    pub async fn phone_verify_confirm(
        &self,
        caller: &Caller,
        code: &str,
        client: &Client,
    ) -> Result<(String, i64)> {
        let code = digits(code)?;
        let now = self.now().ms();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            let number = user.phone.clone().ok_or(Error::PhoneMissing)?;
            if user.phone_verified_at.is_some() {
                return Err(Error::PhoneAlreadyVerified);
            }
            let e164 = Phone::canonical(&number);
            let tried = self.sms_try(&txn, &user, PURPOSE, &e164, &code).await?;
            let (event, reason) = match tried {
                Tried::Right => ("phone.verified", None),
                Tried::Wrong => ("phone.verification_failed", Some("wrong")),
                Tried::Absent => ("phone.verification_failed", Some("absent")),
                Tried::Expired => ("phone.verification_failed", Some("expired")),
                Tried::AttemptsExceeded => ("phone.verification_failed", Some("attempts_exceeded")),
            };
            match tried {
                Tried::Right => {
                    // The user is locked, so nobody else can have verified or changed the number.
                    let verified = txn.user_phone_verified_set(user.id, &number, &e164, now);
                    if !verified.await? {
                        return Err(Error::PhoneAlreadyVerified);
                    }
                }
                // Said once; from now on there is no code.
                Tried::AttemptsExceeded => {
                    txn.sms_code_delete(user.id, PURPOSE.as_str()).await?;
                }
                Tried::Wrong | Tried::Absent | Tried::Expired => {}
            }
            let audit = Audit {
                event,
                user: Some(&user),
                session: caller.session_id(),
                detail: json!({ "phone": phone_hint(&number), "reason": reason }),
            };
            match tried {
                Tried::Right => self.audit(&txn, client, audit).await?,
                // Whoever has no code can ask as often as he likes.
                _ => self.audit_repeated(&txn, client, audit).await?,
            }
            // A wrong try counts although the answer is an error.
            self.commit(txn).await?;
            tried.refusal_at_setup()?;
            Ok((e164, now))
        })
        .await
    }
}
