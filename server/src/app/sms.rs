//! Codes by SMS: sending within the limits, and trying.

use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::budget::{Budget, DAY, HOUR};
use super::characters::{code_text, is_six_digits};
use super::error::{Error, Result};
use super::identity::Phone;
use super::message::{Message, Outgoing, Recipient, SmsPurpose};
use super::random::six_digits;
use super::{App, Client, methods};
use crate::datastore::{SmsCode, Txn, User};
use crate::metrics::Limit;

pub(super) const TRIES: i32 = 5;

/// What became of the wish to send a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Now {
        expires_in: u64,
        retry_after: u64,
    },
    /// Too soon or too often; nothing was sent and nothing counted.
    Limited {
        retry_after: u64,
    },
}

/// What a code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    Right,
    Wrong,
    /// There is no code, or it was used or replaced.
    Absent,
    Expired,
    AttemptsExceeded,
}

impl App {
    /// Sends a code within the transaction; a code sent earlier for the purpose is void then.
    pub(super) async fn sms_send(
        &self,
        txn: &Txn,
        user: &User,
        phone: &Phone,
        purpose: SmsPurpose,
        client: &Client,
    ) -> Result<Sent> {
        let now = self.now();
        let budgets = self.sms_budgets(txn, user, phone, purpose, client).await?;
        let networks = client.networks();
        if let Err(retry_at) = self.budgets_take(txn, &budgets, &networks).await? {
            return Ok(Sent::Limited {
                retry_after: retry_at.retry_after(now),
            });
        }
        let ttl = self.config.tokens.code_ttl;
        let expires_at = now.plus(ttl.duration());
        let code = six_digits(self.random.as_ref())?;
        txn.sms_code_put(SmsCode {
            user_id: user.id,
            purpose: purpose.as_str().to_owned(),
            phone: phone.e164.clone(),
            code_sealed: self
                .sealer
                .seal(code.as_bytes(), &aad(user.id, purpose, &phone.e164))?,
            created_at: now.ms(),
            expires_at: expires_at.ms(),
            attempts: 0,
        })
        .await?;
        let message = Message::SmsCode {
            code: code.to_string(),
            purpose,
            expires_minutes: ttl.get().div_ceil(60),
        };
        let outgoing = Outgoing {
            id: Uuid::now_v7(),
            user_id: Some(user.id),
            locale: user.locale.clone(),
            to: Recipient::Phone(phone.e164.clone()),
            message,
            expires_at,
        };
        self.enqueue(txn, outgoing).await?;
        Ok(Sent::Now {
            expires_in: ttl.get(),
            retry_after: self.config.limits.sms_interval.get(),
        })
    }

    /// What a message draws on, the buckets that most others share last.
    ///
    /// A code at login to a number that its user has proved draws on nothing that strangers can fill, and
    /// so does nobody's limit but the user's own keep it back, short of an emergency. A number that
    /// nobody has proved draws on its client's network first, and on a part of the budgets only.
    async fn sms_budgets(
        &self,
        txn: &Txn,
        user: &User,
        phone: &Phone,
        purpose: SmsPurpose,
        client: &Client,
    ) -> Result<Vec<Budget>> {
        let limits = &self.config.limits;
        let per_day = match purpose {
            SmsPurpose::Login => limits.sms_login_per_day,
            SmsPurpose::VerifyPhone | SmsPurpose::MfaSetup => limits.sms_per_day,
        };
        // Strangers who type somebody's number must not use up its owner's budget.
        let is_owner = self.sms_owns_number(txn, user, phone).await?;
        let owner = match is_owner {
            true => user.id.to_string(),
            false => "strangers".to_owned(),
        };
        let (number, prefix) = (&phone.e164, phone.prefix());
        let of = purpose.as_str();
        let (interval, name) = (limits.sms_interval.duration(), Limit::SmsInterval);
        let mut budgets = vec![
            Budget::exactly(name, format!("sms:{of}:interval:{}", user.id), interval, 1),
            Budget::exactly(
                Limit::SmsUser,
                format!("sms:{of}:user:{}", user.id),
                DAY,
                per_day,
            ),
            Budget::exactly(
                Limit::SmsNumber,
                format!("sms:{of}:number:{number}:{owner}"),
                DAY,
                per_day,
            ),
        ];
        if !is_owner {
            // An owner's own interval says the same of it.
            let bucket = format!("sms:{of}:interval:{number}:{owner}");
            budgets.insert(1, Budget::exactly(name, bucket, interval, 1));
        }
        if is_owner && purpose == SmsPurpose::Login {
            let most = limits.sms_logins_per_hour;
            let bucket = "sms:logins".to_owned();
            budgets.push(Budget::as_level(Limit::SmsLogins, bucket, HOUR, most));
            return Ok(budgets);
        }
        let hourly =
            |limit, bucket: &str, most| Budget::exactly(limit, bucket.to_owned(), HOUR, most);
        let (by_prefix, in_all) = (limits.sms_prefix_per_hour, limits.sms_total_per_hour);
        if !is_owner {
            let most = limits.sms_network_per_hour;
            let network = hourly(Limit::SmsNetwork, "sms:network", most);
            budgets.extend(network.by_network(&client.networks(), limits.wide_network_factor));
            let part = |most: u32| (most.saturating_mul(limits.sms_strangers_percent) / 100).max(1);
            for (bucket, most) in [(prefix, by_prefix), ("total", in_all)] {
                let bucket = format!("sms:strangers:{bucket}");
                budgets.push(hourly(Limit::SmsStrangers, &bucket, part(most)));
            }
        }
        let bucket = format!("sms:prefix:{prefix}");
        budgets.push(hourly(Limit::SmsPrefix, &bucket, by_prefix));
        budgets.push(hourly(Limit::SmsTotal, "sms:total", in_all));
        Ok(budgets)
    }

    async fn sms_owns_number(&self, txn: &Txn, user: &User, phone: &Phone) -> Result<bool> {
        let is_this = |stored: &str| Phone::canonical(stored) == phone.e164;
        let by_profile =
            user.phone_verified_at.is_some() && user.phone.as_deref().is_some_and(is_this);
        let rows = txn.mfa_methods_list(user.id).await?;
        let by_method = methods::find(&rows, methods::Method::Sms, true)
            .is_some_and(|row| row.phone.as_deref().is_some_and(is_this));
        Ok(by_profile || by_method)
    }

    /// Tries a code and uses a right one up. The try is counted before anything is compared, so the
    /// caller must commit whatever comes out.
    pub(super) async fn sms_try(
        &self,
        txn: &Txn,
        user: &User,
        purpose: SmsPurpose,
        phone: &str,
        code: &str,
    ) -> Result<Tried> {
        let row = match self.sms_compare(txn, user, purpose, phone, code).await? {
            Ok(row) => row,
            Err(tried) => return Ok(tried),
        };
        let used = txn
            .sms_code_consume(user.id, purpose.as_str(), &row.code_sealed, self.now().ms())
            .await?;
        Ok(if used { Tried::Right } else { Tried::Absent })
    }

    /// The same, but a right code is given to the caller, who is to use it up.
    pub(super) async fn sms_compare(
        &self,
        txn: &Txn,
        user: &User,
        purpose: SmsPurpose,
        phone: &str,
        code: &str,
    ) -> Result<Result<SmsCode, Tried>> {
        let now = self.now().ms();
        let Some(row) = txn
            .sms_code_attempt(user.id, purpose.as_str(), TRIES, now)
            .await?
        else {
            let row = txn.sms_code_fetch(user.id, purpose.as_str()).await?;
            return Ok(Err(match row {
                None => Tried::Absent,
                Some(row) if row.expires_at <= now => Tried::Expired,
                Some(_) => {
                    self.metrics.limit_hit(Limit::SmsCode);
                    Tried::AttemptsExceeded
                }
            }));
        };
        // A code is good for the number it was sent to, and for no other.
        if row.phone != phone {
            return Ok(Err(Tried::Absent));
        }
        let expected = self
            .unseal(&row.code_sealed, &aad(user.id, purpose, &row.phone))
            .await?;
        if !bool::from(expected.as_slice().ct_eq(code.as_bytes())) {
            return Ok(Err(Tried::Wrong));
        }
        Ok(Ok(row))
    }
}

impl Tried {
    /// As the set-up of a method and the verification of a phone answer it.
    pub fn refusal_at_setup(self) -> Result<()> {
        match self {
            Self::Right => Ok(()),
            Self::Wrong => Err(Error::CodeInvalid),
            Self::Absent | Self::Expired => Err(Error::CodeExpired),
            Self::AttemptsExceeded => Err(Error::CodeAttemptsExceeded),
        }
    }
}

/// A sealed code opens for its user, purpose and number only.
fn aad(user: Uuid, purpose: SmsPurpose, phone: &str) -> String {
    format!("sms:{user}:{}:{phone}", purpose.as_str())
}

/// Six digits, however they were typed.
pub fn digits(code: &str) -> Result<String> {
    let digits = code_text(code);
    if is_six_digits(&digits) {
        return Ok(digits);
    }
    Err(Error::invalid(
        "code",
        "code_format",
        "a code is six digits",
    ))
}
