use super::*;
use crate::datastore::Session;

const MINUTE: i64 = 60_000;

fn at(text: &str) -> Timestamp {
    Timestamp(
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis(),
    )
}

fn now() -> Timestamp {
    at("2025-12-31T23:59:30Z")
}

fn plans() -> Plans {
    let text = r#"
        [plans.pro]
        name = "Pro"
        features = { sso = true }
        limits = { seats = { limit = 25, unit = "seat" } }
    "#;
    Plans::parse(text).unwrap()
}

fn caller() -> Caller {
    let tenant = Tenant {
        id: Uuid::from_u128(1),
        name: "Ada".to_owned(),
        plan: "pro".to_owned(),
        plan_status: "active".to_owned(),
        plan_source: "billing".to_owned(),
        current_period_end: None,
        state: "active".to_owned(),
        created_at: 0,
    };
    let user = User {
        id: Uuid::from_u128(2),
        tenant_id: tenant.id,
        role: "owner".to_owned(),
        email: "ada@example.org".to_owned(),
        email_key: "ada@example.org".to_owned(),
        full_name: None,
        phone: None,
        phone_verified_at: None,
        locale: None,
        password_hash: String::new(),
        state: "active".to_owned(),
        created_at: 0,
        updated_at: 0,
        last_login_at: None,
        epoch: 0,
        password_common_at: None,
        hash_kind: None,
        pending_email_key: None,
    };
    let session = Session {
        id: Uuid::from_u128(3),
        user_id: user.id,
        created_at: 0,
        expires_at: i64::MAX,
        auth_time: 0,
        amr: "pwd".to_owned(),
        mfa_satisfied: true,
        trusted_device_id: None,
        ip: "192.0.2.1".to_owned(),
        user_agent: None,
        revoked_at: None,
        revoked_reason: None,
        epoch: 0,
        mfa_method_id: None,
        backup_codes_salt: None,
    };
    Caller {
        user,
        tenant,
        credential: Credential::AccessToken(session),
    }
}

fn row(tenant: bool, kind: &str, key: &str, value: Option<&str>) -> EntitlementOverride {
    EntitlementOverride {
        id: Uuid::now_v7(),
        tenant_id: tenant.then_some(Uuid::from_u128(1)),
        user_id: (!tenant).then_some(Uuid::from_u128(2)),
        kind: kind.to_owned(),
        key: key.to_owned(),
        value: value.map(str::to_owned),
        created_at: 0,
    }
}

fn envelope(caller: &Caller, overrides: &[EntitlementOverride]) -> Envelope {
    compute(&plans(), caller, overrides, now())
}

#[test]
fn a_plan_gives_its_features_and_a_session_its_scopes() {
    let envelope = envelope(&caller(), &[]);
    assert_eq!(
        (envelope.plan.key.as_str(), envelope.plan.name.as_str()),
        ("pro", "Pro")
    );
    assert_eq!(envelope.plan.source, PlanSource::Billing);
    assert!(envelope.features["sso"] && envelope.features["mfa"]);
    assert_eq!(envelope.limits["seats"].limit, Some(25));
    assert_eq!(envelope.scopes, session_scopes());
    assert_eq!(envelope.roles, ["owner"]);
    assert!(envelope.restrictions.is_empty() && envelope.mfa_satisfied);
    assert_eq!(envelope.credential, CredentialKind::AccessToken);
}

#[test]
fn an_api_key_has_its_own_scopes_and_no_second_factor() {
    let scopes = vec!["profile:read".to_owned()];
    let caller = Caller {
        credential: Credential::ApiKey {
            scopes: scopes.clone(),
        },
        ..caller()
    };
    let envelope = envelope(&caller, &[]);
    assert_eq!(envelope.scopes, scopes);
    assert!(!envelope.mfa_satisfied);
    assert_eq!(envelope.credential, CredentialKind::ApiKey);
}

#[test]
fn anything_unknown_is_free() {
    let mut caller = caller();
    caller.tenant.plan = "gone".to_owned();
    caller.tenant.plan_source = "gift".to_owned();
    let unknown_plan = envelope(&caller, &[]);
    assert_eq!(unknown_plan.plan.key, FREE);
    assert_eq!(unknown_plan.plan.source, PlanSource::Default);
    assert!(!unknown_plan.features["sso"]);

    caller.tenant.plan = "pro".to_owned();
    caller.tenant.plan_status = "paused".to_owned();
    let unknown_status = envelope(&caller, &[]);
    assert_eq!(unknown_status.plan.key, FREE);
    assert!(!unknown_status.features["sso"]);
}

#[test]
fn a_canceled_plan_keeps_its_name_only() {
    let mut caller = caller();
    caller.tenant.plan_status = "canceled".to_owned();
    let envelope = envelope(&caller, &[]);
    assert_eq!(envelope.plan.key, "pro");
    assert_eq!(envelope.plan.status, PlanStatus::Canceled);
    assert!(!envelope.features["sso"]);
    assert_eq!(envelope.limits["seats"].limit, Some(1));
}

#[test]
fn the_most_specific_override_wins_whatever_the_order() {
    let rows = [
        row(false, "limit", "seats", Some("7")),
        row(true, "limit", "seats", Some("50")),
        row(true, "limit", "api_requests", Some("unlimited")),
        row(true, "limit", "exports", Some("3")),
        row(true, "feature", "sso", Some("false")),
        row(false, "feature", "beta", Some("true")),
        row(false, "limit", "api_keys", None),
    ];
    let envelope = envelope(&caller(), &rows);
    assert_eq!(envelope.limits["seats"].limit, Some(7));
    assert_eq!(envelope.limits["seats"].unit, Unit::Seat);
    assert_eq!(envelope.limits["api_requests"].limit, None);
    assert_eq!(envelope.limits["exports"].limit, Some(3));
    assert_eq!(envelope.limits["api_keys"].limit, None);
    assert!(!envelope.features["sso"] && envelope.features["beta"]);
}

#[test]
fn an_override_without_sense_changes_nothing() {
    let plain = envelope(&caller(), &[]);
    let rows =
        ["-1", "many", "9007199254740992", ""].map(|v| row(false, "limit", "seats", Some(v)));
    assert_eq!(envelope(&caller(), &rows), plain);
    let rows = [
        row(false, "feature", "sso", Some("yes")),
        row(false, "feature", "sso", None),
    ];
    assert_eq!(envelope(&caller(), &rows), plain);
}

#[test]
fn a_tenant_that_is_not_active_has_nothing() {
    let mut caller = caller();
    caller.tenant.state = "deactivated".to_owned();
    caller.user.phone = Some("+4915112345678".to_owned());
    let envelope = envelope(&caller, &[row(false, "feature", "sso", Some("true"))]);
    assert!(envelope.features.is_empty() && envelope.limits.is_empty());
    assert!(envelope.scopes.is_empty());
    assert_eq!(envelope.restrictions, [Restriction::ReadOnly]);
}

#[test]
fn an_open_bill_and_an_unverified_phone_restrict() {
    let mut caller = caller();
    caller.tenant.plan_status = "past_due".to_owned();
    caller.user.phone = Some("+4915112345678".to_owned());
    let both = [Restriction::PhoneUnverified, Restriction::PaymentPastDue];
    assert_eq!(envelope(&caller, &[]).restrictions, both);
    caller.user.phone_verified_at = Some(1);
    assert_eq!(
        envelope(&caller, &[]).restrictions,
        [Restriction::PaymentPastDue]
    );
}

#[test]
fn limits_start_anew_at_midnight_and_with_the_month() {
    let next_year = Some(at("2026-01-01T00:00:00Z"));
    assert_eq!(resets_at(Period::Day, now()), next_year);
    assert_eq!(resets_at(Period::Month, now()), next_year);
    let leap_day = at("2024-02-29T00:00:00Z");
    assert_eq!(
        resets_at(Period::Day, leap_day),
        Some(at("2024-03-01T00:00:00Z"))
    );
    assert_eq!(
        resets_at(Period::Month, leap_day),
        Some(at("2024-03-01T00:00:00Z"))
    );
    assert_eq!(
        resets_at(Period::Month, at("2025-01-31T12:00:00Z")),
        Some(at("2025-02-01T00:00:00Z"))
    );
    assert_eq!(resets_at(Period::None, now()), None);
}

#[test]
fn an_envelope_is_fresh_for_a_minute_and_not_past_the_period() {
    let mut caller = caller();
    let mut expires_after = |end: Option<i64>| {
        caller.tenant.current_period_end = end.map(|end| now().ms() + end);
        envelope(&caller, &[]).expires_at.ms() - now().ms()
    };
    assert_eq!(expires_after(None), MINUTE);
    assert_eq!(expires_after(Some(20_000)), 20_000);
    assert_eq!(expires_after(Some(2 * MINUTE)), MINUTE);
    assert_eq!(expires_after(Some(-1)), MINUTE);
}

#[test]
fn the_version_follows_the_content_and_not_the_clock() {
    let first = compute(&plans(), &caller(), &[], at("2025-12-31T10:00:00Z"));
    let later = compute(&plans(), &caller(), &[], at("2025-12-31T10:05:00Z"));
    assert_eq!(version(&first), version(&later));
    let mut used = first.clone();
    used.limits.get_mut("seats").unwrap().used = Some(1);
    assert_eq!(version(&first), version(&used));
    let changed = envelope(&caller(), &[row(false, "feature", "sso", Some("false"))]);
    assert_ne!(version(&first), version(&changed));
}
