//! Registration: a user and a tenant of its own, or nothing.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::account::Profile;
use super::audit::Audit;
use super::error::{Error, Result};
use super::identity::{Email, Phone, display_text, locale};
use super::message::{Message, Outgoing, Recipient};
use super::operator::Operator;
use super::password::{PasswordFault, Plain};
use super::random::hash;
use super::{App, Client};
use crate::datastore::{Taken, Tenant, Txn, User};
use crate::metrics::Limit;

const MINUTE_MS: i64 = 60_000;
const HOUR: Duration = Duration::from_secs(3600);

/// What a person sends to register; not checked yet.
pub struct Registration {
    pub email: String,
    pub password: Zeroizing<String>,
    pub full_name: Option<String>,
    pub phone: Option<String>,
    pub locale: Option<String>,
}

/// The same, checked.
struct Applicant {
    email: Email,
    password: Plain,
    full_name: Option<String>,
    phone: Option<String>,
    locale: Option<String>,
}

/// Who asks for the account.
#[derive(Clone, Copy)]
enum Applying<'a> {
    Person(&'a Client),
    Operator(&'a Operator),
}

impl App {
    pub async fn register(&self, form: Registration, client: &Client) -> Result<Profile> {
        let applicant = self.check(form).await?;
        if !self.config.register.enabled {
            return Err(Error::RegistrationDisabled);
        }
        let bucket = self.network_bucket("register", client);
        let limit = i64::from(self.config.limits.register_per_minute);
        let now = self.now();
        let taken = self
            .store
            .rate_take(&bucket, now.ms(), MINUTE_MS, limit)
            .await?;
        if let Taken::Limited { retry_at } = taken {
            self.metrics.limit_hit(Limit::Register);
            let retry_after = super::clock::Timestamp(retry_at).retry_after(now);
            return Err(Error::RateLimited { retry_after });
        }
        self.account_create(applicant, Applying::Person(client))
            .await
    }

    /// An operator's way to create an account: the same rules, without the limit.
    pub async fn register_by_operator(
        &self,
        form: Registration,
        operator: &Operator,
    ) -> Result<Profile> {
        let applicant = self.check(form).await?;
        self.account_create(applicant, Applying::Operator(operator))
            .await
    }

    /// Every field at once, so that a person corrects a form in one go.
    async fn check(&self, form: Registration) -> Result<Applicant> {
        let mut faults = Vec::new();
        let mut weak = None;
        let email = match Email::field(&form.email) {
            Ok(email) => Some(email),
            Err(Error::Invalid(more)) => {
                faults.extend(more);
                None
            }
            Err(other) => return Err(other),
        };
        let full_name =
            display_text("full_name", form.full_name.as_deref(), 200).unwrap_or_else(|fault| {
                faults.push(fault);
                None
            });
        let phone = match form
            .phone
            .as_deref()
            .map(|phone| Phone::field("phone", phone))
        {
            Some(Err(Error::Invalid(more))) => {
                faults.extend(more);
                None
            }
            Some(Err(other)) => return Err(other),
            Some(Ok(phone)) => Some(phone.e164),
            None => None,
        };
        let locale = locale(form.locale.as_deref()).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let typed = form.email.trim();
        let about = [
            typed.to_owned(),
            typed.split('@').next().unwrap_or_default().to_owned(),
            full_name.clone().unwrap_or_default(),
        ];
        let judged = self
            .hasher
            .judge(form.password, &self.config.password, about);
        let password = match judged.await? {
            Ok(password) => Some(password),
            Err(PasswordFault::Field(fault)) => {
                faults.push(fault);
                None
            }
            Err(PasswordFault::Weak(advice)) => {
                weak = Some(advice);
                None
            }
        };
        match (email, password, weak) {
            (Some(email), Some(password), _) if faults.is_empty() => Ok(Applicant {
                email,
                password,
                full_name,
                phone,
                locale,
            }),
            (_, _, Some(advice)) if faults.is_empty() => Err(Error::WeakPassword(advice)),
            _ => Err(Error::Invalid(faults)),
        }
    }

    async fn account_create(&self, applicant: Applicant, by: Applying<'_>) -> Result<Profile> {
        // Hashed before the transaction, and whether or not the address is taken: neither a lock
        // nor the time of the answer depends on it.
        let permit = self.hasher.permit().await?;
        let password_hash = self.hasher.hash(permit, applicant.password).await?;
        let now = self.now().ms();
        let tenant = Tenant {
            id: Uuid::now_v7(),
            name: applicant
                .full_name
                .clone()
                .unwrap_or_else(|| applicant.email.typed.clone()),
            plan: "free".to_owned(),
            plan_status: "active".to_owned(),
            plan_source: "default".to_owned(),
            current_period_end: None,
            state: "active".to_owned(),
            created_at: now,
        };
        let user = User {
            id: Uuid::now_v7(),
            tenant_id: tenant.id,
            role: "owner".to_owned(),
            email: applicant.email.typed,
            email_key: applicant.email.key,
            full_name: applicant.full_name,
            phone: applicant.phone,
            phone_verified_at: None,
            locale: applicant.locale,
            password_hash,
            state: "active".to_owned(),
            created_at: now,
            updated_at: now,
            last_login_at: None,
            epoch: 0,
        };
        let created = self.retried(|| async {
            let txn = self.store.begin().await?;
            self.account_insert(&txn, &tenant, &user, by).await?;
            self.commit(txn).await
        });
        match created.await {
            Ok(()) => {}
            // The unique index decides a race; the rollback leaves no orphan tenant.
            Err(Error::EmailTaken) => self.address_taken(&user, by).await?,
            Err(error) => return Err(error),
        }
        Ok(Profile {
            user,
            tenant,
            methods: Vec::new(),
            session: None,
        })
    }

    async fn account_insert(
        &self,
        txn: &Txn,
        tenant: &Tenant,
        user: &User,
        by: Applying<'_>,
    ) -> Result<()> {
        txn.tenant_insert(tenant.clone()).await?;
        txn.user_insert(user.clone()).await.map_err(|error| {
            match error.is_conflict_on("email_key") {
                true => Error::EmailTaken,
                false => error.into(),
            }
        })?;
        let (actor, client) = match by {
            Applying::Person(client) => ("anonymous", Some(client)),
            Applying::Operator(operator) => (operator.actor.as_str(), None),
        };
        let audit = Audit::of("user.registered", user);
        self.audit_as(txn, actor, client, audit).await?;
        let message = Message::Welcome {
            full_name: user.full_name.clone(),
        };
        self.notify(txn, user, message).await
    }

    /// Either the address is reported as taken, or only its owner learns of it.
    async fn address_taken(&self, applicant: &User, by: Applying<'_>) -> Result<()> {
        let Applying::Person(client) = by else {
            return Err(Error::EmailTaken);
        };
        let hidden = self.config.register.hide_existing;
        let Some(owner) = self
            .store
            .user_fetch_by_email_key(&applicant.email_key)
            .await?
        else {
            return Err(Error::EmailTaken);
        };
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let now = self.now();
            let bucket = format!("register_attempt:{}", hash(&owner.email_key));
            let hour = i64::try_from(HOUR.as_millis()).unwrap_or(i64::MAX);
            let mailed = hidden
                && matches!(
                    txn.rate_take(&bucket, now.ms(), hour, 1).await?,
                    Taken::Granted(_)
                );
            if mailed {
                let outgoing = Outgoing {
                    id: Uuid::now_v7(),
                    user_id: Some(owner.id),
                    locale: owner.locale.clone(),
                    to: Recipient::Email(owner.email.clone()),
                    message: Message::RegisterAttempt,
                    expires_at: now.plus(24 * HOUR),
                };
                self.enqueue(&txn, outgoing).await?;
            }
            let audit = Audit {
                event: "user.register_attempt",
                user: Some(&owner),
                session: None,
                detail: json!({ "mailed": mailed }),
            };
            self.audit_as(&txn, "anonymous", Some(client), audit)
                .await?;
            self.commit(txn).await?;
            match hidden {
                true => Ok(()),
                false => Err(Error::EmailTaken),
            }
        })
        .await
    }
}
