//! Registration: a user and a tenant of its own, or nothing.

use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::account::Profile;
use super::audit::{ANONYMOUS, Audit};
use super::budget::{Budget, HOUR, MINUTE};
use super::characters::filled;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::identity::{Email, Phone, display_text, locale};
use super::message::{Message, Outgoing, Recipient};
use super::network::Networks;
use super::operator::Operator;
use super::password::{PasswordFault, Plain};
use super::random::hash;
use super::{App, Client};
use crate::datastore::{Tenant, Txn, User};
use crate::metrics::Limit;

/// Of one address, from all networks.
const CONFIRMATIONS_PER_HOUR: u32 = 20;

/// What a person sends to register; not checked yet.
pub struct Registration {
    pub email: String,
    pub password: Zeroizing<String>,
    pub full_name: Option<String>,
    pub phone: Option<String>,
    pub locale: Option<String>,
}

/// The same, checked, but for the password.
struct Applicant {
    email: Email,
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

impl Applying<'_> {
    fn networks(self) -> Networks {
        match self {
            Self::Person(client) => client.networks(),
            Self::Operator(_) => Networks::operator(),
        }
    }
}

impl App {
    /// Whatever comes of a registration, it counts for its network, and what is cheap to refuse is refused
    /// before the password is judged and hashed.
    pub async fn register(&self, form: Registration, client: &Client) -> Result<Profile> {
        let checked = self.check(&form);
        let within = self.register_count(client).await;
        let applicant = checked?;
        within?;
        if !self.config.register.enabled {
            return Err(Error::RegistrationDisabled);
        }
        let by = Applying::Person(client);
        let password = self
            .choose_password(form.password, &applicant, &by.networks())
            .await?;
        self.account_create(applicant, password, by).await
    }

    /// A registration by the client's network, also one whose body is no form.
    pub async fn register_count(&self, client: &Client) -> Result<()> {
        let limits = &self.config.limits;
        let most = limits.register_per_minute;
        let budget = Budget::exactly(Limit::Register, "register".to_owned(), MINUTE, most);
        let budgets = budget.by_network(&client.networks(), limits.wide_network_factor);
        self.budgets_spend(&budgets, client).await
    }

    /// An operator's way to create an account: the same rules, without the limit.
    pub async fn register_by_operator(
        &self,
        form: Registration,
        operator: &Operator,
    ) -> Result<Profile> {
        let applicant = self.check(&form)?;
        let by = Applying::Operator(operator);
        let password = self
            .choose_password(form.password, &applicant, &by.networks())
            .await?;
        self.account_create(applicant, password, by).await
    }

    /// Every field at once, so that a person corrects a form in one go. Of the password only its length is
    /// looked at: how strong it is costs too much to be asked first.
    fn check(&self, form: &Registration) -> Result<Applicant> {
        let mut faults = Vec::new();
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
        let mut refused = None;
        let phone = filled(form.phone.as_deref()).map(|phone| Phone::field("phone", phone));
        let phone = match phone {
            Some(Err(Error::Invalid(more))) => {
                faults.extend(more);
                None
            }
            Some(Err(Error::PhoneNotAllowed { field, why })) => {
                refused = Some(Error::PhoneNotAllowed { field, why });
                faults.push(why.fault(field));
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
        if let Err(fault) = Plain::sized(&form.password, &self.config.password) {
            faults.push(fault);
        }
        match email {
            Some(email) if faults.is_empty() => Ok(Applicant {
                email,
                full_name,
                phone,
                locale,
            }),
            // It has a code of its own, unless other fields are wrong as well.
            _ => match refused {
                Some(refused) if faults.len() == 1 => Err(refused),
                _ => Err(Error::Invalid(faults)),
            },
        }
    }

    async fn choose_password(
        &self,
        text: Zeroizing<String>,
        applicant: &Applicant,
        from: &Networks,
    ) -> Result<Plain> {
        let typed = applicant.email.typed.as_str();
        let about = [
            typed.to_owned(),
            typed.split('@').next().unwrap_or_default().to_owned(),
            applicant.full_name.clone().unwrap_or_default(),
        ];
        let judged = self.hasher.judge(text, &self.config.password, about, from);
        judged.await?.map_err(|fault| match fault {
            PasswordFault::Field(fault) => Error::Invalid(vec![fault]),
            PasswordFault::Weak(advice) => Error::WeakPassword(advice),
        })
    }

    async fn account_create(
        &self,
        applicant: Applicant,
        password: Plain,
        by: Applying<'_>,
    ) -> Result<Profile> {
        // Hashed before the transaction, and whether or not the address is taken: neither a lock
        // nor the time of the answer depends on it.
        let permit = self.hasher.permit_aside(&by.networks()).await?;
        let password_hash = self.hasher.hash(permit, password).await?;
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
        let id = Uuid::now_v7();
        let unproved = self.config.register.confirm_address && matches!(by, Applying::Person(_));
        let (email_key, pending_email_key, state) = match unproved {
            false => (applicant.email.key, None, "active"),
            // A space is in no address, so that nobody can ask for this account by its key.
            true => (
                format!("unproved {id}"),
                Some(applicant.email.key),
                "deactivated",
            ),
        };
        let user = User {
            id,
            tenant_id: tenant.id,
            role: "owner".to_owned(),
            email: applicant.email.typed,
            email_key,
            full_name: applicant.full_name,
            phone: applicant.phone,
            phone_verified_at: None,
            locale: applicant.locale,
            password_hash,
            state: state.to_owned(),
            created_at: now,
            updated_at: now,
            last_login_at: None,
            epoch: 0,
            password_common_at: None,
            hash_kind: None,
            pending_email_key,
        };
        if unproved {
            self.keys.refresh().await?;
        }
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
        if let (Some(address), Applying::Person(client)) = (&user.pending_email_key, by) {
            if txn.user_fetch_by_email_key(address).await?.is_some() {
                return Err(Error::EmailTaken);
            }
            // The answer is the same: whoever asks too often gets no further mail and fills no rows.
            if !self.confirmation_is_due(txn, address, client).await? {
                return Ok(());
            }
        }
        txn.tenant_insert(tenant.clone()).await?;
        txn.user_insert(user.clone()).await.map_err(|error| {
            match error.is_conflict_on("email_key") {
                true => Error::EmailTaken,
                false => error.into(),
            }
        })?;
        let (actor, client) = match by {
            Applying::Person(client) => (ANONYMOUS, Some(client)),
            Applying::Operator(operator) => (operator.actor.as_str(), None),
        };
        let audit = Audit::of("user.registered", user);
        self.audit_as(txn, actor, client, audit).await?;
        if let (Some(_), Some(client)) = (&user.pending_email_key, client) {
            let now = self.now();
            let outgoing = self.confirmation(user, client, now)?;
            return self.enqueue(txn, outgoing).await;
        }
        if let Some(client) = client {
            self.network_note(txn, user.id, client).await?;
        }
        self.notify(txn, user, Message::Welcome).await
    }

    /// The mail whose link proves the address of this registration, and of no other.
    fn confirmation(&self, user: &User, client: &Client, now: Timestamp) -> Result<Outgoing> {
        let ttl = self.config.tokens.reactivation_ttl.duration();
        let token = self.tokens.reactivation(user.id, user.epoch, now, ttl)?;
        let expires_at = now.plus(ttl);
        Ok(Outgoing {
            id: Uuid::now_v7(),
            user_id: Some(user.id),
            locale: user.locale.clone(),
            to: Recipient::Email(user.email.clone()),
            message: Message::ConfirmAddress {
                token: token.to_string(),
                expires_at: expires_at.ms(),
                at: user.created_at,
                ip: Some(client.ip.to_string()),
            },
            expires_at,
        })
    }

    /// Registrations of one address are counted by the network they come from, so that a stranger does
    /// not use up what its owner has, and in all, so that nobody's mail box is filled.
    async fn confirmation_is_due(&self, txn: &Txn, address: &str, client: &Client) -> Result<bool> {
        let networks = client.networks();
        let address = hash(address);
        let budget = |bucket, most| Budget::exactly(Limit::RegisterMails, bucket, HOUR, most);
        let by_network = self.config.limits.reactivate_per_hour;
        let budgets = [
            budget(format!("confirm:{address}:{}", networks.narrow), by_network),
            budget(format!("confirm:{address}"), CONFIRMATIONS_PER_HOUR),
        ];
        let taken = self.budgets_take(txn, &budgets, &networks).await?;
        Ok(taken.is_ok())
    }

    /// Either the address is reported as taken, or only its owner learns of it.
    async fn address_taken(&self, applicant: &User, by: Applying<'_>) -> Result<()> {
        let Applying::Person(client) = by else {
            return Err(Error::EmailTaken);
        };
        let hidden = self.config.register.hide_existing;
        let key = applicant.pending_email_key.as_ref();
        let key = key.unwrap_or(&applicant.email_key);
        let Some(owner) = self.store.user_fetch_by_email_key(key).await? else {
            return Err(Error::EmailTaken);
        };
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let now = self.now();
            let bucket = format!("register_attempt:{}", hash(&owner.email_key));
            let by_address = [Budget::exactly(Limit::RegisterMails, bucket, HOUR, 1)];
            let mailed = hidden
                && self
                    .budgets_take(&txn, &by_address, &client.networks())
                    .await?
                    .is_ok();
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
            self.audit_anonymous(&txn, client, audit).await?;
            self.commit(txn).await?;
            match hidden {
                true => Ok(()),
                false => Err(Error::EmailTaken),
            }
        })
        .await
    }
}
