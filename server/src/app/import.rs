//! Accounts that come from another system, with the hashes of their passwords. The rules are those of
//! a registration; nobody is sent a mail, because nobody has registered.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::App;
use super::audit::Audit;
use super::characters::filled;
use super::clock::Timestamp;
use super::error::{Error, Fault, Result};
use super::identity::{Email, Phone, display_text, locale};
use super::operator::Operator;
use super::plans::Plans;
use super::stored_hash::{StoredHash, UNUSABLE};
use crate::datastore::{Tenant, User};

/// How often a batch is begun anew because somebody registered one of its addresses meanwhile.
const TRIES: usize = 5;

/// An account as it was written down elsewhere; not checked yet.
#[derive(Default)]
pub struct ImportForm {
    pub email: Option<String>,
    pub password_hash: Option<String>,
    pub full_name: Option<String>,
    pub phone: Option<String>,
    pub phone_verified: Option<bool>,
    pub locale: Option<String>,
    pub active: Option<bool>,
    pub deactivated: Option<bool>,
    pub created_at: Option<String>,
    pub plan: Option<String>,
}

/// The same, checked. Only its address may still turn out to be taken.
pub struct Candidate {
    pub line: u64,
    tenant: Tenant,
    user: User,
    scheme: &'static str,
}

/// The hash of a line.
struct Hash {
    text: String,
    kind: Option<String>,
    scheme: &'static str,
}

impl Hash {
    /// Of an account without a password.
    fn none() -> Self {
        Self {
            text: UNUSABLE.to_owned(),
            kind: None,
            scheme: "none",
        }
    }
}

/// An import that goes on, batch by batch.
pub struct Import<'a> {
    app: &'a App,
    operator: &'a Operator,
    plans: Arc<Plans>,
    dry_run: bool,
    /// `active` that is false is no ban: the owner may come back.
    inactive_may_reopen: bool,
    /// What each kind of hash costs here, as far as the file has had it.
    prices: Mutex<HashMap<String, Duration>>,
    /// What a rehearsal would have written by now: a digest of each address.
    rehearsed: HashSet<[u8; 16]>,
}

impl App {
    pub async fn operator_import<'a>(
        &'a self,
        operator: &'a Operator,
        dry_run: bool,
        inactive_may_reopen: bool,
    ) -> Result<Import<'a>> {
        // A rehearsal changes nothing that there could be a reason for.
        if !dry_run {
            self.operator_reason(operator)?;
        }
        Ok(Import {
            app: self,
            operator,
            plans: self.plans_in_force().await?,
            dry_run,
            inactive_may_reopen,
            prices: Mutex::default(),
            rehearsed: HashSet::new(),
        })
    }
}

impl Import<'_> {
    /// Every field at once, so that a file is corrected in one go.
    pub fn check(&self, line: u64, form: ImportForm) -> Result<Candidate, Vec<Fault>> {
        let now = self.app.now();
        let mut faults = Vec::new();
        let email = match form.email.as_deref() {
            None => Err(Error::invalid("email", "missing", "an address is needed")),
            Some(typed) => Email::field(typed),
        };
        let email = kept(email, &mut faults);
        let hash = form.password_hash.as_deref();
        let hash = hash.map(|text| self.hash(text));
        let hash = hash.transpose().unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let full_name =
            display_text("full_name", form.full_name.as_deref(), 200).unwrap_or_else(|fault| {
                faults.push(fault);
                None
            });
        let phone = filled(form.phone.as_deref());
        let phone = phone.map(|phone| kept(Phone::field("phone", phone), &mut faults));
        let verified = form.phone_verified.unwrap_or_default();
        if verified && phone.is_none() {
            faults.push(fault(
                "phone_verified",
                "phone_missing",
                "there is no number that could be verified",
            ));
        }
        let locale = locale(form.locale.as_deref()).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        if form.active.is_some() && form.active == form.deactivated {
            let msg = "it contradicts `active`";
            faults.push(fault("deactivated", "contradiction", msg));
        }
        // Elsewhere `active` is how accounts are banned, and a banned one must not reopen itself.
        let state = match (form.active, form.deactivated) {
            (_, Some(true)) => "deactivated",
            (Some(false), _) if self.inactive_may_reopen => "deactivated",
            (Some(false), _) => "suspended",
            (Some(true) | None, _) => "active",
        };
        let created_at = match form.created_at.as_deref() {
            None => now.ms(),
            Some(text) => moment(text, now).unwrap_or_else(|fault| {
                faults.push(fault);
                0
            }),
        };
        let plan = form.plan.as_deref().unwrap_or("free");
        if !self.plans.contains(plan) {
            faults.push(fault("plan", "plan_unknown", "there is no such plan"));
        }
        let Some(email) = email.filter(|_| faults.is_empty()) else {
            return Err(faults);
        };
        let hash = hash.unwrap_or_else(Hash::none);
        let (password_hash, hash_kind, scheme) = (hash.text, hash.kind, hash.scheme);
        let tenant = Tenant {
            id: Uuid::now_v7(),
            name: full_name.clone().unwrap_or_else(|| email.typed.clone()),
            plan: plan.to_owned(),
            plan_status: "active".to_owned(),
            plan_source: match form.plan {
                Some(_) => "manual".to_owned(),
                None => "default".to_owned(),
            },
            current_period_end: None,
            state: "active".to_owned(),
            created_at,
        };
        let user = User {
            id: Uuid::now_v7(),
            tenant_id: tenant.id,
            role: "owner".to_owned(),
            email: email.typed,
            email_key: email.key,
            full_name,
            phone: phone.flatten().map(|phone| phone.e164),
            // When it was verified elsewhere is not known; this server knows it from now on.
            phone_verified_at: verified.then(|| now.ms()),
            locale,
            password_hash,
            state: state.to_owned(),
            created_at,
            updated_at: now.ms(),
            last_login_at: None,
            epoch: 0,
            password_common_at: None,
            hash_kind,
            pending_email_key: None,
        };
        Ok(Candidate {
            line,
            tenant,
            user,
            scheme,
        })
    }

    fn hash(&self, text: &str) -> Result<Hash, Fault> {
        let refused = |kind, msg| Fault {
            field: "password_hash",
            kind,
            msg,
        };
        let parsed =
            StoredHash::imported(text).map_err(|fault| refused(fault.kind(), fault.to_string()))?;
        let Some(kind) = parsed.kind() else {
            return Ok(Hash::none());
        };
        let most = Duration::from_millis(self.app.config.hash.import_max_ms.into());
        let price = self.price(&kind, &parsed);
        let price =
            price.map_err(|_| refused("hash_invalid", "it cannot be verified".to_owned()))?;
        if price > most {
            let (price, most) = (price.as_millis(), most.as_millis());
            let msg = format!(
                "a login would cost about {price} ms of a core here ({kind}); \
                 hash.import_max_ms allows {most}"
            );
            return Err(refused("hash_too_costly", msg));
        }
        Ok(Hash {
            text: text.to_owned(),
            // One of our own parameters is imported too: what it was made of may be no NFC.
            kind: Some(kind),
            scheme: parsed.scheme(),
        })
    }

    /// Measured once for each kind: a file has few.
    fn price(&self, kind: &str, hash: &StoredHash) -> Result<Duration> {
        let mut prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(price) = prices.get(kind) {
            return Ok(*price);
        }
        let price = hash.price()?;
        prices.insert(kind.to_owned(), price);
        Ok(price)
    }

    /// Writes those whose address is free, in one transaction. Returns the lines of the others.
    pub async fn batch(&mut self, batch: &[Candidate]) -> Result<Vec<u64>> {
        if self.dry_run {
            return self.rehearse(batch).await;
        }
        let app = self.app;
        let mut outcome = Err(Error::EmailTaken);
        for _ in 0..TRIES {
            outcome = app.retried(|| self.write(batch)).await;
            // The unique index decides a race with a registration; the next look finds it.
            if !matches!(outcome, Err(Error::EmailTaken)) {
                break;
            }
        }
        outcome
    }

    async fn write(&self, batch: &[Candidate]) -> Result<Vec<u64>> {
        let app = self.app;
        let txn = app.store.begin().await?;
        let (free, taken) = divided(batch, txn.users_taken(keys(batch)).await?);
        if free.is_empty() {
            txn.rollback().await?;
            return Ok(taken);
        }
        let events = free.iter().map(|candidate| {
            let detail = json!({ "hash": candidate.scheme });
            let audit = Audit::of("user.imported", &candidate.user);
            let audit = audit.detail(self.operator.because(detail));
            app.audit_event(&self.operator.actor, None, audit)
        });
        let events = events.collect();
        let tenants = free.iter().map(|candidate| candidate.tenant.clone());
        let users = free.iter().map(|candidate| candidate.user.clone());
        let inserted = txn.accounts_insert(tenants.collect(), users.collect(), events);
        inserted
            .await
            .map_err(|error| match error.is_conflict_on("email_key") {
                true => Error::EmailTaken,
                false => error.into(),
            })?;
        txn.commit().await?;
        Ok(taken)
    }

    async fn rehearse(&mut self, batch: &[Candidate]) -> Result<Vec<u64>> {
        let known = self.app.store.users_taken(keys(batch)).await?;
        let (free, mut taken) = divided(batch, known);
        for candidate in free {
            let mut key = [0u8; 16];
            let digest = Sha256::digest(candidate.user.email_key.as_bytes());
            key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
            if !self.rehearsed.insert(key) {
                taken.push(candidate.line);
            }
        }
        Ok(taken)
    }
}

/// What a line is told whose address is taken.
pub fn email_taken() -> Fault {
    let msg = "the address has an account, or an earlier line has it";
    fault("email", "email_taken", msg)
}

fn keys(batch: &[Candidate]) -> Vec<String> {
    let keys = batch.iter().map(|candidate| &candidate.user.email_key);
    keys.cloned().collect()
}

/// The first of each address that is free, and the lines of all others.
fn divided(batch: &[Candidate], taken: Vec<String>) -> (Vec<&Candidate>, Vec<u64>) {
    let mut seen: HashSet<&str> = taken.iter().map(String::as_str).collect();
    let (free, others): (Vec<_>, Vec<_>) = batch
        .iter()
        .partition(|candidate| seen.insert(candidate.user.email_key.as_str()));
    let lines = others.iter().map(|candidate| candidate.line);
    (free, lines.collect())
}

fn moment(text: &str, now: Timestamp) -> Result<i64, Fault> {
    let moment = milliseconds(text.trim())
        .filter(|moment| (0..=now.ms()).contains(moment))
        .ok_or("a time such as 2019-07-01T12:00:00Z, since 1970 and not in the future");
    moment.map_err(|msg| fault("created_at", "time_invalid", msg))
}

/// A time as databases and languages write it. Without an offset it is UTC.
fn milliseconds(text: &str) -> Option<i64> {
    if let Some(epoch) = since_epoch(text) {
        return epoch;
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    // Either letter or blank stands between date and time, and UTC has a name beside its letter.
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let time = match time.strip_suffix(" UTC") {
        Some(time) => format!("{time}Z"),
        None => time.replace(' ', ""),
    };
    let text = format!("{date} {time}");
    // Its minutes may be missing, as PostgreSQL leaves them out.
    if let Ok(moment) = DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%#z") {
        return Some(moment.timestamp_millis());
    }
    let moment = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(moment.and_utc().timestamp_millis())
}

/// Seconds, milliseconds or microseconds since 1970, told apart by their size: in seconds the numbers of
/// eleven digits begin in the year 2286, in milliseconds they end in 1973. `None` is no number.
fn since_epoch(text: &str) -> Option<Option<i64>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let (whole, thousandths) = (whole.parse::<i64>().ok(), thousandths.parse::<i64>().ok());
    Some(whole.zip(thousandths).and_then(|(whole, thousandths)| {
        // A smaller number is rather a year or a day written without its dashes.
        match whole {
            100_000_000..=99_999_999_999 => Some(whole * 1000 + thousandths),
            100_000_000_000..=99_999_999_999_999 => Some(whole),
            100_000_000_000_000..=99_999_999_999_999_999 => Some(whole / 1000),
            _ => None,
        }
    }))
}

fn kept<T>(field: Result<T>, faults: &mut Vec<Fault>) -> Option<T> {
    match field {
        Ok(value) => Some(value),
        Err(Error::Invalid(more)) => {
            faults.extend(more);
            None
        }
        Err(Error::PhoneNotAllowed { field, why }) => {
            faults.push(why.fault(field));
            None
        }
        // The checks of fields say nothing else.
        Err(other) => {
            faults.push(fault("line", "invalid", &format!("{other:?}")));
            None
        }
    }
}

fn fault(field: &'static str, kind: &'static str, msg: &str) -> Fault {
    let msg = msg.to_owned();
    Fault { field, kind, msg }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_systems_write_them() {
        let noon = 1_561_982_400_000;
        for text in [
            "2019-07-01T12:00:00Z",
            "2019-07-01t12:00:00.000z",
            "2019-07-01T14:00:00+02:00",
            // PostgreSQL, with and without a time zone; MySQL; Ruby; Go; .NET.
            "2019-07-01 12:00:00+00",
            "2019-07-01 17:30:00.000000+05:30",
            "2019-07-01 07:00:00-0500",
            "2019-07-01 12:00:00",
            "2019-07-01 12:00:00.000000",
            "2019-07-01 12:00:00 UTC",
            "2019-07-01 12:00:00 +0000",
            "2019-07-01T12:00:00.0000000",
            // Epochs: seconds, as PostgreSQL extracts them, Java's, microseconds.
            "1561982400",
            "1561982400.000000",
            "1561982400000",
            "1561982400000000",
            " 1561982400 ",
        ] {
            assert_eq!(moment(text, Timestamp(noon)).ok(), Some(noon), "{text}");
        }
        let day = moment("2019-07-01", Timestamp(noon));
        assert_eq!(day.ok(), Some(noon - 12 * 3600 * 1000));
        let exact = moment("1561982399.25", Timestamp(noon));
        assert_eq!(exact.ok(), Some(noon - 750));
        for text in [
            "",
            "2019",
            "20190701",
            "1561982401",
            "1561982400001",
            "01.07.2019",
            "2019-07-01T12:00",
            "2019-13-01",
            "2019-02-29 12:00:00",
            "2019-07-01 12:00:01+00",
            "1969-12-31 23:59:59+00",
            "infinity",
            "-1561982400",
            "1561982400.",
            "99999999999999999999",
            "2019-07-0\u{e9}T12:00:00Z",
        ] {
            assert!(moment(text, Timestamp(noon)).is_err(), "{text}");
        }
    }
}
