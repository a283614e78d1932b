//! What a user may do, computed from the database and never from the token: a token is minutes
//! behind a cancelled plan.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Days, Months, NaiveTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::App;
use super::caller::{Caller, Credential};
use super::clock::Timestamp;
use super::error::Result;
use super::methods::verified;
use super::plans::{FREE, Period, Plan, PlanLimit, Plans, Unit};
use super::random::hash;
use crate::datastore::{EntitlementOverride, Tenant, User};

/// How long a client may keep an envelope.
const FRESH: Duration = Duration::from_secs(60);
const SESSION_SCOPES: [&str; 5] = [
    "profile:read",
    "profile:write",
    "entitlements:read",
    "api_key:manage",
    "mfa:manage",
];
/// The feature by which a plan or an operator demands a second factor.
const MFA_REQUIRED: &str = "mfa_required";
/// JSON readers hold integers in doubles; more than this would arrive changed.
const LARGEST_LIMIT: u64 = (1 << 53) - 1;
/// Far more than anybody has of what is counted here.
const COUNTED: u64 = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub user_id: Uuid,
    pub tenant_id: Uuid,
    pub plan: PlanView,
    pub roles: Vec<String>,
    pub scopes: Vec<String>,
    pub features: BTreeMap<String, bool>,
    pub limits: BTreeMap<String, LimitView>,
    pub restrictions: Vec<Restriction>,
    pub credential: CredentialKind,
    pub mfa_satisfied: bool,
    pub version: String,
    pub computed_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanView {
    pub key: String,
    pub name: String,
    pub status: PlanStatus,
    pub source: PlanSource,
    pub current_period_end: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitView {
    /// `None` is unlimited.
    pub limit: Option<u64>,
    /// Of limits that this server enforces itself.
    pub used: Option<u64>,
    pub unit: Unit,
    pub period: Period,
    pub resets_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanStatus {
    Active,
    Trialing,
    PastDue,
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanSource {
    Default,
    Billing,
    Manual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restriction {
    PhoneUnverified,
    MfaEnrollmentRequired,
    PaymentPastDue,
    ReadOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    AccessToken,
    Cookie,
    ApiKey,
}

impl App {
    pub async fn entitlements(&self, caller: &Caller) -> Result<Envelope> {
        let (user, tenant) = (&caller.user, &caller.tenant);
        let overrides = self
            .store
            .entitlement_overrides_list(tenant.id, user.id)
            .await?;
        let now = self.now();
        let plans = self.plans_in_force().await?;
        let mut envelope = compute(&plans, caller, &overrides, now);
        if envelope.features.get(MFA_REQUIRED) == Some(&true) {
            let methods = self.store.mfa_methods_list(user.id).await?;
            if verified(&methods).is_empty() {
                envelope
                    .restrictions
                    .push(Restriction::MfaEnrollmentRequired);
            }
        }
        envelope.version = version(&envelope);
        for (key, limit) in &mut envelope.limits {
            limit.used = match key.as_str() {
                "seats" => {
                    let seats = self.store.users_count_by_tenant(tenant.id).await?;
                    u64::try_from(seats).ok()
                }
                "api_keys" => {
                    let key = self.store.api_key_fetch_by_user(user).await?;
                    Some(u64::from(key.is_some()))
                }
                "trusted_devices" => {
                    let store = &self.store;
                    let live = store
                        .trusted_devices_list_live(user.id, now.ms(), COUNTED)
                        .await?;
                    u64::try_from(live.len()).ok()
                }
                _ => None,
            };
        }
        Ok(envelope)
    }
}

/// Everything but the restriction that needs the user's methods, what is used, and the version.
fn compute(
    plans: &Plans,
    caller: &Caller,
    overrides: &[EntitlementOverride],
    now: Timestamp,
) -> Envelope {
    let (user, tenant) = (&caller.user, &caller.tenant);
    let (plan, view) = plan_of(plans, tenant);
    let (credential, mfa_satisfied, scopes) = match &caller.credential {
        Credential::AccessToken(session) => (
            CredentialKind::AccessToken,
            session.mfa_satisfied,
            session_scopes(),
        ),
        Credential::Cookie(session) => (
            CredentialKind::Cookie,
            session.mfa_satisfied,
            session_scopes(),
        ),
        Credential::ApiKey { scopes } => (CredentialKind::ApiKey, false, scopes.clone()),
    };
    let period_end = view.current_period_end.filter(|end| *end > now);
    let expires_at = now.plus(FRESH);
    let mut envelope = Envelope {
        user_id: user.id,
        tenant_id: tenant.id,
        roles: vec![user.role.clone()],
        scopes,
        features: plan.features.clone(),
        limits: plan
            .limits
            .iter()
            .map(|(key, limit)| (key.clone(), shown(limit, now)))
            .collect(),
        restrictions: restrictions(user, view.status),
        credential,
        mfa_satisfied,
        version: String::new(),
        computed_at: now,
        expires_at: period_end.map_or(expires_at, |end| expires_at.min(end)),
        plan: view,
    };
    // What is not known to be active must not be served as if it were.
    if tenant.state != "active" {
        envelope.scopes.clear();
        envelope.features.clear();
        envelope.limits.clear();
        envelope.restrictions = vec![Restriction::ReadOnly];
        return envelope;
    }
    // The most specific wins, so the user's come after the tenant's.
    let (of_user, of_tenant): (Vec<_>, Vec<_>) =
        overrides.iter().partition(|row| row.user_id.is_some());
    for row in of_tenant.into_iter().chain(of_user) {
        apply(&mut envelope, row, now);
    }
    envelope
}

/// Where features and limits come from, and what is shown of it. Anything unknown is Free.
fn plan_of<'p>(plans: &'p Plans, tenant: &Tenant) -> (&'p Plan, PlanView) {
    let status = PlanStatus::parse(&tenant.plan_status);
    let named = match status {
        Some(_) => plans.get(&tenant.plan),
        None => plans.get(FREE),
    };
    let status = status.unwrap_or(PlanStatus::Active);
    let view = PlanView {
        key: named.key.clone(),
        name: named.name.clone(),
        status,
        source: PlanSource::parse(&tenant.plan_source).unwrap_or(PlanSource::Default),
        current_period_end: tenant.current_period_end.map(Timestamp),
    };
    let effective = match status {
        PlanStatus::Canceled => plans.get(FREE),
        PlanStatus::Active | PlanStatus::Trialing | PlanStatus::PastDue => named,
    };
    (effective, view)
}

fn restrictions(user: &User, status: PlanStatus) -> Vec<Restriction> {
    let mut restrictions = Vec::new();
    if user.phone.is_some() && user.phone_verified_at.is_none() {
        restrictions.push(Restriction::PhoneUnverified);
    }
    if status == PlanStatus::PastDue {
        restrictions.push(Restriction::PaymentPastDue);
    }
    restrictions
}

/// A value that makes no sense changes nothing: the plan's own stays.
fn apply(envelope: &mut Envelope, row: &EntitlementOverride, now: Timestamp) {
    let value = row.value.as_deref();
    match row.kind.as_str() {
        "feature" => {
            if let Some(on) = value.and_then(|value| value.parse().ok()) {
                envelope.features.insert(row.key.clone(), on);
            }
        }
        "limit" => {
            let Some(limit) = limit_value(value) else {
                return;
            };
            // A limit that no plan has: the override says how much, and nothing says of what.
            let bare = PlanLimit {
                limit,
                unit: Unit::Count,
                period: Period::None,
            };
            let entry = envelope.limits.entry(row.key.clone());
            entry.or_insert_with(|| shown(&bare, now)).limit = limit;
        }
        _ => {}
    }
}

fn limit_value(value: Option<&str>) -> Option<Option<u64>> {
    match value {
        None | Some("null" | "unlimited") => Some(None),
        Some(number) => number
            .parse()
            .ok()
            .filter(|limit| *limit <= LARGEST_LIMIT)
            .map(Some),
    }
}

fn shown(limit: &PlanLimit, now: Timestamp) -> LimitView {
    LimitView {
        limit: limit.limit,
        used: None,
        unit: limit.unit,
        period: limit.period,
        resets_at: resets_at(limit.period, now),
    }
}

/// The next midnight, or the midnight that begins the next month, in UTC.
fn resets_at(period: Period, now: Timestamp) -> Option<Timestamp> {
    use chrono::Datelike;

    let today = now.to_utc().date_naive();
    let date = match period {
        Period::None => None,
        Period::Day => today.checked_add_days(Days::new(1)),
        Period::Month => today.with_day(1)?.checked_add_months(Months::new(1)),
    }?;
    let at: DateTime<Utc> = date.and_time(NaiveTime::MIN).and_utc();
    Some(Timestamp(at.timestamp_millis()))
}

fn session_scopes() -> Vec<String> {
    SESSION_SCOPES.map(str::to_owned).into()
}

/// The same for the same content: neither the moment nor what is used counts.
fn version(envelope: &Envelope) -> String {
    let limits: BTreeMap<&String, Value> = (envelope.limits.iter())
        .map(|(key, limit)| {
            let (unit, period) = (limit.unit.as_str(), limit.period.as_str());
            let resets_at = limit.resets_at.map(Timestamp::ms);
            (key, json!([limit.limit, unit, period, resets_at]))
        })
        .collect();
    let plan = &envelope.plan;
    let restrictions = envelope
        .restrictions
        .iter()
        .map(|restriction| restriction.as_str());
    // A list and not an object, so that the order is this one whatever the library's maps do.
    let content = json!([
        envelope.user_id.to_string(),
        envelope.tenant_id.to_string(),
        [
            plan.key.as_str(),
            plan.name.as_str(),
            plan.status.as_str(),
            plan.source.as_str()
        ],
        plan.current_period_end.map(Timestamp::ms),
        envelope.roles,
        envelope.scopes,
        envelope.features.iter().collect::<Vec<_>>(),
        limits.into_iter().collect::<Vec<_>>(),
        restrictions.collect::<Vec<_>>(),
        envelope.credential.as_str(),
        envelope.mfa_satisfied,
    ]);
    hash(&content.to_string()).chars().take(16).collect()
}

impl PlanStatus {
    pub const ALL: [Self; 4] = [Self::Active, Self::Trialing, Self::PastDue, Self::Canceled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Trialing => "trialing",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl PlanSource {
    pub const ALL: [Self; 3] = [Self::Default, Self::Billing, Self::Manual];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Billing => "billing",
            Self::Manual => "manual",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

impl Restriction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PhoneUnverified => "phone_unverified",
            Self::MfaEnrollmentRequired => "mfa_enrollment_required",
            Self::PaymentPastDue => "payment_past_due",
            Self::ReadOnly => "read_only",
        }
    }
}

impl CredentialKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::Cookie => "cookie",
            Self::ApiKey => "api_key",
        }
    }
}

#[cfg(test)]
mod tests;
