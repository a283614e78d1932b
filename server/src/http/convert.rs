//! From the logic's values to the interface's shapes.

use chrono::{DateTime, Utc};

use crate::api::types;
use crate::app::Error;
use crate::app::account::Profile;
use crate::app::clock::Timestamp;
use crate::app::entitlements::{
    CredentialKind, Envelope, LimitView, PlanSource, PlanStatus, Restriction,
};
use crate::app::login::PendingFactor;
use crate::app::methods::{Method, MethodList};
use crate::app::phone::PhoneCode;
use crate::app::plans::{Period, Unit};
use crate::app::session::IssuedTokens;
use crate::app::totp::Enrolled;
use crate::app::trusted_device::DeviceView;
use crate::datastore;

pub fn time(ms: i64) -> DateTime<Utc> {
    Timestamp(ms).to_utc()
}

/// Durations of the contract fit 32 bits; a longer one reads as the longest.
pub fn seconds(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub fn method(method: Method) -> types::MfaMethod {
    match method {
        Method::Totp => types::MfaMethod::Totp,
        Method::Sms => types::MfaMethod::Sms,
        Method::BackupCodes => types::MfaMethod::BackupCodes,
    }
}

pub fn method_from(wire: types::MfaMethod) -> Method {
    match wire {
        types::MfaMethod::Totp => Method::Totp,
        types::MfaMethod::Sms => Method::Sms,
        types::MfaMethod::BackupCodes => Method::BackupCodes,
    }
}

pub fn role(text: &str) -> Result<types::Role, Error> {
    match text {
        "owner" => Ok(types::Role::Owner),
        "admin" => Ok(types::Role::Admin),
        "member" => Ok(types::Role::Member),
        other => Err(Error::Internal(format!(
            "a user has the unknown role `{other}`"
        ))),
    }
}

pub fn user(profile: Profile) -> Result<types::User, Error> {
    let Profile {
        user,
        tenant,
        methods,
        session,
    } = profile;
    Ok(types::User {
        id: user.id,
        roles: vec![role(&user.role)?],
        phone_verified: user.phone_verified_at.is_some(),
        is_active: user.state == "active",
        mfa_enabled: !methods.is_empty(),
        mfa_methods: methods.into_iter().map(method).collect(),
        email: user.email,
        full_name: user.full_name,
        phone: user.phone,
        tenant: types::Tenant {
            id: tenant.id,
            name: tenant.name,
            plan: tenant.plan,
        },
        locale: user.locale,
        created_at: time(user.created_at),
        last_login_at: user.last_login_at.map(time),
        session: session.map(|session| types::Session {
            id: session.id,
            created_at: time(session.created_at),
            expires_at: time(session.expires_at),
            amr: session.amr.split_whitespace().map(str::to_owned).collect(),
            auth_time: time(session.auth_time),
        }),
    })
}

pub fn tokens(issued: &IssuedTokens) -> Result<types::TokenResponse, Error> {
    let user = &issued.user;
    Ok(types::TokenResponse {
        access_token: issued.access_token.as_str().into(),
        refresh_token: Some(issued.refresh_token.as_str().into()),
        token_type: types::TokenType::Bearer,
        expires_in: seconds(issued.expires_in),
        refresh_expires_in: seconds(issued.refresh_expires_in),
        scope: None,
        mfa_required: types::Always,
        user: types::UserSummary {
            id: user.id,
            email: user.email.clone(),
            full_name: user.full_name.clone(),
            tenant_id: user.tenant_id,
            roles: vec![role(&user.role)?],
            mfa_enabled: issued.mfa_enabled,
        },
        trusted_device_id: issued.trusted_device.as_ref().map(|device| device.id),
    })
}

pub fn pending(pending: PendingFactor) -> types::MfaPending {
    types::MfaPending {
        mfa_required: types::Always,
        mfa_token: pending.mfa_token.as_str().into(),
        mfa_expires_in: seconds(pending.expires_in),
        methods: pending.methods.into_iter().map(method).collect(),
        default_method: method(pending.default),
        phone_hint: pending.phone_hint,
        code_sent: pending.code_sent,
        retry_after: pending.retry_after.map(seconds),
    }
}

pub fn enrolled(enrolled: Enrolled) -> types::MfaEnrolled {
    types::MfaEnrolled {
        method: method(enrolled.method),
        verified: types::Always,
        mfa_enabled: types::Always,
        backup_codes: enrolled
            .backup_codes
            .map(|codes| codes.iter().map(|code| code.as_str().into()).collect()),
        backup_codes_remaining: enrolled.backup_codes_remaining,
    }
}

pub fn methods(list: MethodList) -> types::MfaMethods {
    types::MfaMethods {
        mfa_enabled: list.enabled,
        default_method: list.default.map(method),
        methods: list
            .methods
            .into_iter()
            .map(|info| types::MfaMethodInfo {
                method: method(info.method),
                verified: info.verified,
                created_at: time(info.created_at),
                last_used_at: info.last_used_at.map(time),
                phone_hint: info.phone_hint,
            })
            .collect(),
        backup_codes_remaining: list.backup_codes_remaining,
    }
}

pub fn api_key(row: datastore::ApiKey) -> types::ApiKey {
    types::ApiKey {
        id: row.id,
        prefix: row.prefix,
        hint: row.hint,
        created_at: time(row.created_at),
        rotated_at: row.rotated_at.map(time),
        last_used_at: row.last_used_at.map(time),
        scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
    }
}

pub fn api_key_secret(row: datastore::ApiKey, secret: &str) -> types::ApiKeySecret {
    let key = api_key(row);
    types::ApiKeySecret {
        id: key.id,
        prefix: key.prefix,
        hint: key.hint,
        created_at: key.created_at,
        rotated_at: key.rotated_at,
        last_used_at: key.last_used_at,
        scopes: key.scopes,
        api_key: secret.into(),
    }
}

pub fn trusted_device(view: DeviceView) -> types::TrustedDevice {
    let device = view.device;
    types::TrustedDevice {
        id: device.id,
        name: device.name,
        user_agent: device.user_agent,
        ip_address: device.ip_address,
        created_at: time(device.created_at),
        last_used_at: Some(time(device.last_used_at)),
        expires_at: time(device.expires_at),
        is_current: view.is_current,
    }
}

pub fn code_sent(code: PhoneCode) -> types::CodeSent {
    types::CodeSent {
        sent: code.sent,
        phone_hint: code.phone_hint,
        expires_in: seconds(code.expires_in),
        retry_after: seconds(code.retry_after),
    }
}

pub fn entitlements(envelope: Envelope) -> Result<types::Entitlements, Error> {
    let roles: Result<Vec<_>, _> = envelope.roles.iter().map(|name| role(name)).collect();
    let plan = envelope.plan;
    Ok(types::Entitlements {
        user_id: envelope.user_id,
        tenant_id: envelope.tenant_id,
        plan: types::Plan {
            key: plan.key,
            name: plan.name,
            status: match plan.status {
                PlanStatus::Active => types::PlanStatus::Active,
                PlanStatus::Trialing => types::PlanStatus::Trialing,
                PlanStatus::PastDue => types::PlanStatus::PastDue,
                PlanStatus::Canceled => types::PlanStatus::Canceled,
            },
            source: match plan.source {
                PlanSource::Default => types::PlanSource::Default,
                PlanSource::Billing => types::PlanSource::Billing,
                PlanSource::Manual => types::PlanSource::Manual,
            },
            current_period_end: plan.current_period_end.map(Timestamp::to_utc),
        },
        roles: roles?,
        scopes: envelope.scopes,
        features: envelope.features,
        limits: envelope
            .limits
            .into_iter()
            .map(|(key, view)| (key, limit(view)))
            .collect(),
        restrictions: envelope.restrictions.into_iter().map(restriction).collect(),
        credential: types::Credential {
            kind: match envelope.credential {
                CredentialKind::AccessToken => types::CredentialKind::AccessToken,
                CredentialKind::Cookie => types::CredentialKind::Cookie,
                CredentialKind::ApiKey => types::CredentialKind::ApiKey,
            },
            mfa_satisfied: envelope.mfa_satisfied,
        },
        version: envelope.version,
        computed_at: envelope.computed_at.to_utc(),
        expires_at: envelope.expires_at.to_utc(),
    })
}

fn limit(view: LimitView) -> types::Limit {
    types::Limit {
        limit: view.limit,
        used: view.used,
        unit: match view.unit {
            Unit::Count => types::LimitUnit::Count,
            Unit::Seat => types::LimitUnit::Seat,
            Unit::Request => types::LimitUnit::Request,
            Unit::Byte => types::LimitUnit::Byte,
        },
        period: match view.period {
            Period::None => types::LimitPeriod::None,
            Period::Day => types::LimitPeriod::Day,
            Period::Month => types::LimitPeriod::Month,
        },
        resets_at: view.resets_at.map(Timestamp::to_utc),
    }
}

fn restriction(restriction: Restriction) -> types::Restriction {
    match restriction {
        Restriction::PhoneUnverified => types::Restriction::PhoneUnverified,
        Restriction::MfaEnrollmentRequired => types::Restriction::MfaEnrollmentRequired,
        Restriction::PaymentPastDue => types::Restriction::PaymentPastDue,
        Restriction::ReadOnly => types::Restriction::ReadOnly,
    }
}
