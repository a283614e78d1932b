//! What operators do to accounts from the command line. Every change is one transaction together
//! with the audit row that says who did it and why.

use serde_json::{Value, json};
use uuid::Uuid;

use super::App;
use super::audit::Audit;
use super::clock::Timestamp;
use super::entitlements::{PlanSource, PlanStatus};
use super::error::{Error, Result};
use super::identity::Email;
use super::message::Message;
use super::methods::{Method, verified};
use crate::datastore::{self, AuditEvent, Tenant, TrustedDevice, Txn, User, Violation};

/// More devices than an account can have.
const EVERY_DEVICE: u64 = 1000;
/// Where a mail names an address: nobody's browser did this.
pub(super) const NO_ADDRESS: &str = "none, this was done by an operator";

/// Who acts, and why.
#[derive(Debug, Clone)]
pub struct Operator {
    /// `operator:<unix user>`.
    pub actor: String,
    pub reason: Option<String>,
}

/// An account as `user show` prints it.
pub struct UserReport {
    pub user: UserLine,
    pub full_name: Option<String>,
    pub role: String,
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub tenant: Tenant,
    pub methods: Vec<Method>,
    pub backup_codes_remaining: u32,
    pub trusted_devices: Vec<TrustedDevice>,
    pub live_sessions: i64,
}

/// An account as a list shows it. It has no password hash, which is in nobody's interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLine {
    pub id: Uuid,
    pub email: String,
    pub state: String,
    pub tenant_id: Uuid,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
}

/// What a tenant is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
    pub plan: String,
    pub status: PlanStatus,
    pub period_end: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantState {
    Active,
    Deactivated,
}

impl App {
    pub async fn operator_user_show(&self, email: &str) -> Result<UserReport> {
        let email = Email::field(email)?;
        let user = self
            .store
            .user_fetch_by_email_key(&email.key)
            .await?
            .ok_or(Error::NotFound)?;
        let now = self.now().ms();
        let methods = self.store.mfa_methods_list(user.id).await?;
        let remaining = self.store.backup_codes_remaining(user.id).await?;
        Ok(UserReport {
            user: UserLine::of(&user),
            live_sessions: self.store.sessions_count_live(user.id, now).await?,
            tenant: self.tenant_of(&user).await?,
            methods: verified(&methods),
            backup_codes_remaining: u32::try_from(remaining).unwrap_or(0),
            trusted_devices: self
                .store
                .trusted_devices_list_live(user.id, now, EVERY_DEVICE)
                .await?,
            phone_verified: user.phone_verified_at.is_some(),
            full_name: user.full_name,
            role: user.role,
            phone: user.phone,
        })
    }

    /// Accounts in the order of their ids; the last id of a page begins the next.
    pub async fn operator_users_list(
        &self,
        limit: u64,
        after: Option<Uuid>,
    ) -> Result<Vec<UserLine>> {
        let users = self.store.user_list(limit, after).await?;
        Ok(users.iter().map(UserLine::of).collect())
    }

    /// The owner can come back by mail. False when the account was deactivated already.
    pub async fn operator_user_deactivate(&self, email: &str, operator: &Operator) -> Result<bool> {
        self.operator_user_state(email, "deactivated", "user.deactivated", operator)
            .await
    }

    /// Only an operator ends a suspension. False when the account was suspended already.
    pub async fn operator_user_suspend(&self, email: &str, operator: &Operator) -> Result<bool> {
        self.operator_user_state(email, "suspended", "user.suspended", operator)
            .await
    }

    /// False when the account was active already.
    pub async fn operator_user_activate(&self, email: &str, operator: &Operator) -> Result<bool> {
        self.operator_user_state(email, "active", "user.activated", operator)
            .await
    }

    /// Removes every second factor, for a user who has lost them all. False when there was none.
    pub async fn operator_mfa_reset(&self, email: &str, operator: &Operator) -> Result<bool> {
        self.operator_reason(operator)?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.operator_user(&txn, email).await?;
            let had = verified(&txn.mfa_methods_list(user.id).await?);
            if !self.mfa_clear(&txn, &user, "mfa_reset").await? {
                return Ok(false);
            }
            let methods: Vec<&str> = had.iter().map(|method| method.as_str()).collect();
            let detail = json!({ "methods": methods });
            self.operator_audit(&txn, operator, Audit::of("mfa.reset", &user), detail)
                .await?;
            // Somebody who talks an operator into this must not remain unseen.
            let message = Message::MfaReset {
                at: self.now().ms(),
                ip: NO_ADDRESS.to_owned(),
            };
            self.notify(&txn, &user, message).await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }

    /// Ends every credential that hangs on the account; its password and its second factors stay.
    /// Says how many sessions were ended.
    pub async fn operator_sessions_revoke(&self, email: &str, operator: &Operator) -> Result<u64> {
        self.operator_reason(operator)?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.operator_user(&txn, email).await?;
            let revoked = self.revoke_all_access(&txn, &user, "operator").await?;
            let detail = json!({ "sessions": revoked });
            self.operator_audit(&txn, operator, Audit::of("sessions.revoked", &user), detail)
                .await?;
            self.commit(txn).await?;
            Ok(revoked)
        })
        .await
    }

    /// The same for every user. Logins and refreshes wait until it is done.
    pub async fn operator_sessions_revoke_everywhere(&self, operator: &Operator) -> Result<u64> {
        self.operator_reason(operator)?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let revoked = txn
                .access_revoke_everywhere(self.now().ms(), "operator")
                .await?;
            let audit = Audit {
                event: "sessions.revoked_everywhere",
                user: None,
                session: None,
                detail: Value::Null,
            };
            self.operator_audit(&txn, operator, audit, json!({ "sessions": revoked }))
                .await?;
            self.commit(txn).await?;
            Ok(revoked)
        })
        .await
    }

    /// Deletes the API key of a user. False when there was none.
    pub async fn operator_api_key_revoke(&self, email: &str, operator: &Operator) -> Result<bool> {
        self.operator_reason(operator)?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.operator_user(&txn, email).await?;
            if !txn.api_key_delete(user.id).await? {
                return Ok(false);
            }
            let audit = Audit::of("api_key.revoked", &user);
            self.operator_audit(&txn, operator, audit, json!({}))
                .await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }

    /// Sets the plan of a tenant, named by its id or by the e-mail address of a user of it. False
    /// when it has exactly this one already.
    pub async fn operator_plan_set(
        &self,
        tenant: &str,
        change: &PlanChange,
        operator: &Operator,
    ) -> Result<bool> {
        self.operator_reason(operator)?;
        let plans = self.plans_in_force().await?;
        if !plans.contains(&change.plan) {
            let known: Vec<&str> = plans.iter().map(|plan| plan.key.as_str()).collect();
            let msg = format!("no plan `{}`; there is {}", change.plan, known.join(", "));
            return Err(Error::invalid("plan", "plan_unknown", msg));
        }
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let (id, user) = self.operator_tenant(&txn, tenant).await?;
            let before = tenant_in(&txn, id).await?;
            let status = change.status.as_str();
            let source = PlanSource::Manual.as_str();
            let period_end = change.period_end.map(Timestamp::ms);
            let same = before.plan == change.plan
                && before.plan_status == status
                && before.plan_source == source
                && before.current_period_end == period_end;
            if same {
                return Ok(false);
            }
            txn.tenant_plan_set(id, &change.plan, status, source, period_end)
                .await?;
            let detail = json!({
                "tenant_id": id.to_string(),
                "from": { "plan": before.plan, "status": before.plan_status },
                "to": { "plan": change.plan, "status": status, "period_end": period_end },
            });
            let audit = Audit {
                event: "tenant.plan_set",
                user: user.as_ref(),
                session: None,
                detail: Value::Null,
            };
            self.operator_audit(&txn, operator, audit, detail).await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }

    /// `tenant` is an id, or the e-mail address of the owner. Users of a deactivated tenant still
    /// log in; their envelope is empty. False when the tenant was in that state already.
    pub async fn operator_tenant_state(
        &self,
        tenant: &str,
        state: TenantState,
        operator: &Operator,
    ) -> Result<bool> {
        self.operator_reason(operator)?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let (id, owner) = self.operator_tenant(&txn, tenant).await?;
            if owner.as_ref().is_some_and(|user| user.role != "owner") {
                return Err(Error::NotFound);
            }
            let before = tenant_in(&txn, id).await?;
            if before.state == state.as_str() {
                return Ok(false);
            }
            txn.tenant_state_set(id, state.as_str()).await?;
            let event = match state {
                TenantState::Active => "tenant.activated",
                TenantState::Deactivated => "tenant.deactivated",
            };
            let detail = json!({ "tenant_id": id.to_string(), "from": before.state });
            let audit = Audit {
                event,
                user: owner.as_ref(),
                session: None,
                detail: Value::Null,
            };
            self.operator_audit(&txn, operator, audit, detail).await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }

    /// Ends a copy into this database whose sides are equal, and records that. The source is marked first:
    /// whatever interrupts this, nobody can use both.
    pub async fn operator_copy_end(
        &self,
        copy: &mut datastore::Copy,
        operator: &Operator,
    ) -> Result<()> {
        self.operator_reason(operator)?;
        let given = copy.last_device_id().await?;
        copy.mark_source(&operator.actor, self.now().ms()).await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            txn.copy_end(given).await?;
            let audit = about_database("database.copied");
            let detail = json!({ "from": copy.from() });
            self.operator_audit(&txn, operator, audit, detail).await?;
            self.commit(txn).await
        })
        .await
    }

    /// Takes a database back that was moved. False when it was not.
    pub async fn operator_reopen(&self, operator: &Operator) -> Result<bool> {
        self.operator_reason(operator)?;
        let Some(moved) = self.store.moved().await? else {
            return Ok(false);
        };
        self.retried(|| async {
            let txn = self.store.begin().await?;
            txn.moved_forget().await?;
            let audit = about_database("database.reopened");
            let detail = json!({
                "moved_to": moved.to,
                "moved_at": moved.at,
                "moved_by": moved.actor,
            });
            self.operator_audit(&txn, operator, audit, detail).await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }

    /// The last `n` events, the newest first.
    pub async fn operator_audit_tail(&self, n: u64) -> Result<Vec<AuditEvent>> {
        Ok(self.store.audit_tail(n).await?)
    }

    /// Every invariant that does not hold; empty when all is well.
    pub async fn operator_check(&self) -> Result<Vec<Violation>> {
        Ok(self.store.invariants_check().await?)
    }

    async fn operator_user_state(
        &self,
        email: &str,
        to: &'static str,
        event: &'static str,
        operator: &Operator,
    ) -> Result<bool> {
        self.operator_reason(operator)?;
        let now = self.now().ms();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.operator_user(&txn, email).await?;
            let from: Vec<&str> = ["active", "deactivated", "suspended"]
                .into_iter()
                .filter(|state| *state != to)
                .collect();
            if !txn.user_state_set(user.id, &from, to, now).await? {
                return Ok(false);
            }
            if to != "active" {
                self.revoke_all_access(&txn, &user, to).await?;
            }
            let detail = json!({ "from": user.state });
            self.operator_audit(&txn, operator, Audit::of(event, &user), detail)
                .await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }

    /// The tenant of an id or of a user's address, with the user that was named.
    async fn operator_tenant(&self, txn: &Txn, tenant: &str) -> Result<(Uuid, Option<User>)> {
        if let Ok(id) = Uuid::parse_str(tenant) {
            return Ok((id, None));
        }
        let user = self.operator_user(txn, tenant).await?;
        Ok((user.tenant_id, Some(user)))
    }

    /// The user of an address, locked.
    async fn operator_user(&self, txn: &Txn, email: &str) -> Result<User> {
        let email = Email::field(email)?;
        let user = txn
            .user_fetch_by_email_key(&email.key)
            .await?
            .ok_or(Error::NotFound)?;
        txn.user_lock(user.id).await?.ok_or(Error::NotFound)
    }

    /// In production nobody touches an account without saying why.
    pub(super) fn operator_reason(&self, operator: &Operator) -> Result<()> {
        let given = operator
            .reason
            .as_deref()
            .is_some_and(|reason| !reason.trim().is_empty());
        if given || !self.config.is_production() {
            return Ok(());
        }
        Err(Error::invalid(
            "reason",
            "missing",
            "a reason is demanded in production",
        ))
    }

    pub(super) async fn operator_audit(
        &self,
        txn: &Txn,
        operator: &Operator,
        audit: Audit<'_>,
        detail: Value,
    ) -> Result<()> {
        let detail = operator.because(detail);
        self.audit_as(txn, &operator.actor, None, audit.detail(detail))
            .await
    }
}

fn about_database(event: &str) -> Audit<'_> {
    Audit {
        event,
        user: None,
        session: None,
        detail: Value::Null,
    }
}

impl UserLine {
    fn of(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            state: user.state.clone(),
            tenant_id: user.tenant_id,
            created_at: Timestamp(user.created_at),
            last_login_at: user.last_login_at.map(Timestamp),
        }
    }
}

impl TenantState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }
}

async fn tenant_in(txn: &Txn, id: Uuid) -> Result<Tenant> {
    txn.tenant_lock(id).await?.ok_or(Error::NotFound)
}
