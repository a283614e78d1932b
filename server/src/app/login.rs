//! The password step of a login.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::audit::Audit;
use super::budget::Budget;
use super::caller::gate;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::identity::{Email, Phone, phone_hint};
use super::message::{Message, SmsPurpose};
use super::methods::{self, Method};
use super::password::{GuessFrom, Plain, Rehashed, Verdict};
use super::session::{Authenticated, Factor, IssuedTokens};
use super::sms::{Sent, TRIES};
use super::source::Source;
use super::token::LEEWAY;
use super::{App, Client};
use crate::datastore::{Event, MfaChallenge, MfaMethod, Reservation, Txn, User};
use crate::metrics::{Limit, Step};

const FIRST_DELAY_MS: i64 = 2_000;
const LONGEST_DELAY_MS: i64 = 900_000;
/// Longer than a guess takes to be judged, on a server that lives.
const GUESS: Duration = Duration::from_secs(10);
/// How long a guess waits for those before it to be judged, and how often it looks.
const GUESS_PATIENCE: Duration = Duration::from_secs(3);
const GUESS_GLANCE: Duration = Duration::from_millis(10);

pub struct Login<'f> {
    pub username: &'f str,
    pub password: &'f str,
    pub grant_type: Option<&'f str>,
    /// `<id>.<secret>`, the cookie's before the header's.
    pub trusted_devices: Vec<&'f str>,
}

pub enum LoginOutcome {
    Tokens(Box<IssuedTokens>),
    MfaPending(PendingFactor),
}

/// The password was right, a second factor is due.
pub struct PendingFactor {
    pub user: Uuid,
    pub mfa_token: Zeroizing<String>,
    pub expires_in: u64,
    pub methods: Vec<Method>,
    pub default: Method,
    pub phone_hint: Option<String>,
    pub code_sent: bool,
    pub retry_after: Option<u64>,
}

/// A password that is being looked at.
struct Guess {
    at: String,
    id: String,
    /// What it has drawn on as the failure that it may be.
    drawn: Vec<Event>,
}

/// What became of a step, as the metrics call it.
pub(super) fn outcome_name(outcome: &Result<LoginOutcome>) -> &'static str {
    match outcome {
        Ok(LoginOutcome::Tokens(_)) => "success",
        Ok(LoginOutcome::MfaPending(_)) => "mfa_required",
        Err(error) => error.name(),
    }
}

impl Guess {
    /// To be said in the transaction that records what came of it.
    async fn judged(&self, txn: &Txn) -> Result<()> {
        txn.lease_release(&self.at, &self.id).await?;
        Ok(())
    }
}

impl App {
    pub async fn login(&self, form: Login<'_>, client: &Client) -> Result<LoginOutcome> {
        let outcome = self.password_step(form, client).await;
        self.metrics.login(Step::Password, outcome_name(&outcome));
        outcome
    }

    async fn password_step(&self, form: Login<'_>, client: &Client) -> Result<LoginOutcome> {
        if form.username.trim().is_empty() {
            return Err(Error::invalid(
                "username",
                "missing",
                "the user name is empty",
            ));
        }
        if form.username.chars().count() > 254 {
            return Err(Error::invalid(
                "username",
                "too_long",
                "at most 254 characters",
            ));
        }
        let password = Plain::presented(form.password)?;
        if form.grant_type.is_some_and(|grant| grant != "password") {
            return Err(Error::UnsupportedGrantType);
        }
        // What is no address cannot belong to a user, and still costs the same. It gets a key that no
        // address has: folding it as addresses are would let look-alikes in.
        let key = Email::parse(form.username).map_or_else(
            |_| format!("no address: {}", form.username),
            |email| email.key,
        );
        // A stranger on the owner's network cannot delay the owner's own device.
        let source = self
            .login_source(&key, &form.trusted_devices, client)
            .await?;
        let (account, counted_as) = (source.account.clone(), source.counted_as());
        let budgets = self.guess_budgets(&source);
        self.budgets_shield(&budgets)?;

        // The turn comes before the count: what waits in the queue is not a guess yet. A try counts
        // as a failure until it is judged, so more at once than are free would wait for each other.
        let limits = &self.config.limits;
        let most = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let guess = GuessFrom {
            networks: &source.networks,
            at: &format!("{account} {counted_as}"),
            most: most(limits.password_free_failures),
            // Half of the failures, so that right passwords at once are not refused as too many wrong ones.
            most_of_network: most(limits.network_failures.div_ceil(2)),
        };
        let (place, _turns) = self.hasher.place_to_guess(guess).await?;
        let guess = self.password_slot(&source, &budgets).await?;
        let user = self.store.user_fetch_by_email_key(&key).await?;
        // Only now: a database that is silent must not hold the cores, or logins wait for each other.
        let permit = self.hasher.permit_at(place).await?;
        match (
            self.hasher
                .verify(permit, &key, user.as_ref(), password)
                .await?,
            user,
        ) {
            (Verdict::Right { rehashed, common }, Some(user)) => {
                self.keys.refresh().await?;
                let logged_in = self.retried(|| async {
                    let txn = self.store.begin().await?;
                    let user = txn
                        .user_lock(user.id)
                        .await?
                        .ok_or(Error::InvalidCredentials)?;
                    // In the order in which they were taken, so that two logins never wait for each other.
                    self.budgets_give_back(&txn, &guess.drawn).await?;
                    txn.password_failures_reset(&account, &counted_as).await?;
                    guess.judged(&txn).await?;
                    // Not the hash of the row as it is now: another login may have replaced it.
                    if let Some(Rehashed { old, new }) = &rehashed {
                        txn.user_password_hash_set(user.id, old, new).await?;
                    }
                    if let Err(refusal) = gate(&user) {
                        self.audit_gate(&txn, client, &user).await?;
                        self.commit(txn).await?;
                        return Err(refusal);
                    }
                    let marked = common && self.password_common_note(&txn, &user, client).await?;
                    let outcome = self
                        .password_passed(&txn, user, &form.trusted_devices, client)
                        .await?;
                    self.commit(txn).await?;
                    Ok((outcome, marked))
                });
                let (outcome, marked) = logged_in.await?;
                if marked {
                    self.metrics.common_password();
                }
                Ok(outcome)
            }
            (_, user) => {
                let audit = Audit {
                    event: "login.password_wrong",
                    user: user.as_ref(),
                    session: None,
                    detail: json!({ "account": account }),
                };
                self.retried(|| async {
                    let txn = self.store.begin().await?;
                    guess.judged(&txn).await?;
                    self.audit_anonymous(&txn, client, audit.clone()).await?;
                    self.commit(txn).await
                })
                .await?;
                Err(Error::InvalidCredentials)
            }
        }
    }

    /// Counts the attempt as a failure before the password is looked at. A delay that was started by
    /// a guess which nobody has judged yet, here or in another process, is none: that guess may be
    /// right, so this one waits for it.
    async fn password_slot(&self, source: &Source, budgets: &[Budget]) -> Result<Guess> {
        let free = i64::from(self.config.limits.password_free_failures);
        let (account, counted_as) = (&source.account, &source.counted_as());
        let mut guess = Guess {
            at: format!("guess:{account}:{counted_as}"),
            id: Uuid::now_v7().to_string(),
            drawn: Vec::new(),
        };
        let patience = Instant::now() + GUESS_PATIENCE;
        loop {
            let now = self.now();
            let tried = self.retried(|| async {
                let txn = self.store.begin().await?;
                let drawn = match self.guess_take(&txn, budgets, source).await? {
                    Ok(drawn) => drawn,
                    Err(retry_at) => {
                        txn.commit().await?;
                        return Err(self.limited(retry_at));
                    }
                };
                let reservation = txn
                    .password_attempt_reserve(
                        account,
                        counted_as,
                        now.ms(),
                        free,
                        FIRST_DELAY_MS,
                        LONGEST_DELAY_MS,
                    )
                    .await?;
                match reservation {
                    Reservation::Granted => {
                        // From the one before: whoever was granted last has started the delay.
                        let until = now.plus(GUESS).ms();
                        txn.lease_seize(&guess.at, &guess.id, until).await?;
                        txn.commit().await?;
                        Ok(Ok(drawn))
                    }
                    Reservation::Blocked { until } => {
                        let unjudged = txn.lease_is_held(&guess.at, now.ms()).await?;
                        txn.rollback().await?;
                        Ok(Err((until, unjudged)))
                    }
                }
            });
            let (until, unjudged) = match tried.await? {
                Ok(drawn) => {
                    guess.drawn = drawn;
                    return Ok(guess);
                }
                Err(blocked) => blocked,
            };
            if !unjudged || Instant::now() >= patience {
                self.metrics.limit_hit(Limit::Password);
                let retry_after = Timestamp(until).retry_after(now);
                return Err(Error::RateLimited { retry_after });
            }
            // Watched by reads: a transaction for each look would take the writer from everybody else.
            loop {
                tokio::time::sleep(GUESS_GLANCE).await;
                let held = self.store.lease_is_held(&guess.at, self.now().ms());
                if !held.await? || Instant::now() >= patience {
                    break;
                }
            }
        }
    }

    /// Marks the account and tells its owner, once. The login goes on as any other.
    async fn password_common_note(&self, txn: &Txn, user: &User, client: &Client) -> Result<bool> {
        let now = self.now().ms();
        let first = txn.user_password_common_mark(user.id, now).await?;
        if first {
            self.audit(txn, client, Audit::of("user.password_common", user))
                .await?;
            self.notify(txn, user, Message::PasswordCommon).await?;
        }
        Ok(first)
    }

    async fn password_passed(
        &self,
        txn: &Txn,
        user: User,
        trusted_devices: &[&str],
        client: &Client,
    ) -> Result<LoginOutcome> {
        let rows = txn.mfa_methods_list(user.id).await?;
        let enrolled = methods::verified(&rows);
        let Some(&default) = enrolled.first() else {
            let how = Authenticated {
                amr: &["pwd"],
                factor: None,
                trusted_device: None,
            };
            return self
                .login_done(txn, user, how, "login.password", client)
                .await;
        };
        for presented in trusted_devices {
            let device = self
                .trusted_device_accept(txn, &user, presented, client)
                .await?;
            if let Some(device) = device {
                let how = Authenticated {
                    amr: &["pwd", "trusted_device"],
                    factor: Some(Factor::TrustedDevice),
                    trusted_device: Some(device),
                };
                return self
                    .login_done(txn, user, how, "login.trusted_device", client)
                    .await;
            }
        }
        // One moment for both, or the token would live a little shorter than it says.
        let now = self.now();
        let challenge = self.challenge_begin(txn, &user, now).await?;
        let send = default == Method::Sms;
        let pending = self
            .pending_factor(txn, &user, &rows, &challenge, send.then_some(client), now)
            .await?;
        self.audit(txn, client, Audit::of("login.mfa_pending", &user))
            .await?;
        Ok(LoginOutcome::MfaPending(pending))
    }

    pub(super) async fn login_done(
        &self,
        txn: &Txn,
        user: User,
        how: Authenticated<'_>,
        event: &str,
        client: &Client,
    ) -> Result<LoginOutcome> {
        let detail = json!({ "amr": how.amr });
        let issued = self.session_begin(txn, client, user, how).await?;
        self.network_note(txn, issued.user.id, client).await?;
        let audit = Audit::of(event, &issued.user).session(issued.session_id);
        self.audit(txn, client, audit.detail(detail)).await?;
        Ok(LoginOutcome::Tokens(Box::new(issued)))
    }

    async fn challenge_begin(
        &self,
        txn: &Txn,
        user: &User,
        now: Timestamp,
    ) -> Result<MfaChallenge> {
        let challenge = MfaChallenge {
            jti: Uuid::now_v7(),
            user_id: user.id,
            created_at: now.ms(),
            // As long as its token is accepted, which is a little longer than it lives.
            expires_at: now
                .plus(self.config.tokens.mfa_pending_ttl.duration() + LEEWAY)
                .ms(),
            attempts: 0,
            consumed_at: None,
            code_sent_at: None,
            epoch: user.epoch,
        };
        txn.mfa_challenge_insert(challenge.clone()).await?;
        Ok(challenge)
    }

    /// What is still due. Sends a code where a client asks for it; within the interval no new one goes out
    /// and the live one stays good.
    pub(super) async fn pending_factor(
        &self,
        txn: &Txn,
        user: &User,
        rows: &[MfaMethod],
        challenge: &MfaChallenge,
        send: Option<&Client>,
        now: Timestamp,
    ) -> Result<PendingFactor> {
        let left = u64::try_from(challenge.expires_at - now.ms()).unwrap_or(0);
        let left = Duration::from_millis(left).saturating_sub(LEEWAY);
        let mut methods = methods::verified(rows);
        let sms = methods::find(rows, Method::Sms, true).and_then(|row| row.phone.clone());
        let mut sent = None;
        if let (Some(client), Some(number)) = (send, &sms) {
            let outcome = self.login_code_send(txn, user, number, client).await?;
            match outcome {
                Sent::Now { .. } => {
                    txn.mfa_challenge_code_sent(challenge.jti, now.ms()).await?;
                }
                // The day's budget is used up and no code will come while the token lives: only
                // the other methods are left.
                Sent::Limited { retry_after }
                    if retry_after >= left.as_secs()
                        && !self.login_code_is_live(txn, user).await? =>
                {
                    methods.retain(|method| *method != Method::Sms);
                }
                Sent::Limited { .. } => {}
            }
            sent = Some(outcome);
        }
        if txn.backup_codes_remaining(user.id).await? > 0 {
            methods.push(Method::BackupCodes);
        }
        let mfa_token = self.tokens.mfa_pending(user.id, challenge.jti, now, left)?;
        Ok(PendingFactor {
            user: user.id,
            mfa_token,
            expires_in: left.as_secs(),
            default: methods.first().copied().unwrap_or(Method::Sms),
            methods,
            phone_hint: sms.as_deref().map(phone_hint),
            code_sent: matches!(sent, Some(Sent::Now { .. })),
            retry_after: sent.map(|sent| match sent {
                Sent::Now { retry_after, .. } | Sent::Limited { retry_after } => retry_after,
            }),
        })
    }

    async fn login_code_send(
        &self,
        txn: &Txn,
        user: &User,
        number: &str,
        client: &Client,
    ) -> Result<Sent> {
        // A number that was accepted at enrolment and no longer is gets no messages.
        let countries = &self.config.sms.allowed_countries;
        match Phone::parse(number).filter(|phone| phone.sendable(countries).is_ok()) {
            Some(phone) => {
                self.sms_send(txn, user, &phone, SmsPurpose::Login, client)
                    .await
            }
            None => Ok(Sent::Limited {
                retry_after: 24 * 3600,
            }),
        }
    }

    async fn login_code_is_live(&self, txn: &Txn, user: &User) -> Result<bool> {
        let row = txn
            .sms_code_fetch(user.id, SmsPurpose::Login.as_str())
            .await?;
        Ok(row.is_some_and(|row| row.expires_at > self.now().ms() && row.attempts < TRIES))
    }
}
