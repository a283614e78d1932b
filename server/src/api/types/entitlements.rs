//! The access envelope of a user.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Role;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Entitlements {
    pub user_id: Uuid,
    pub tenant_id: Uuid,
    pub plan: Plan,
    pub roles: Vec<Role>,
    pub scopes: Vec<String>,
    /// Open map: products add keys.
    pub features: BTreeMap<String, bool>,
    /// Open map: products add keys.
    pub limits: BTreeMap<String, Limit>,
    pub restrictions: Vec<Restriction>,
    pub credential: Credential,
    /// Changes when anything in the envelope changes.
    pub version: String,
    pub computed_at: DateTime<Utc>,
    /// Ask again after this time.
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub key: String,
    pub name: String,
    pub status: PlanStatus,
    pub source: PlanSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_period_end: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    Active,
    Trialing,
    PastDue,
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanSource {
    Default,
    Billing,
    Manual,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    /// Null is unlimited.
    pub limit: Option<u64>,
    /// Reported for limits that this server enforces itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    pub unit: LimitUnit,
    pub period: LimitPeriod,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    Count,
    Seat,
    Request,
    Byte,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitPeriod {
    None,
    Day,
    Month,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Restriction {
    PhoneUnverified,
    MfaEnrollmentRequired,
    PaymentPastDue,
    ReadOnly,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Credential {
    pub kind: CredentialKind,
    /// Whether the session passed a second factor or began on a trusted device.
    pub mfa_satisfied: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    AccessToken,
    Cookie,
    ApiKey,
}
