//! The access envelope after something beside the API has changed: plans, tenants, overrides.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{Entitlements, PlanSource, PlanStatus, Restriction};

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::{Granted, Session};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_deactivated_tenant_has_an_empty_envelope,
        "A deactivated tenant gets an envelope without scopes, features and limits, restricted to `read_only`, until it is activated; other tenants do not."
    )
    .spawned(),
    case!(
        a_plan_set_by_an_operator_is_manual,
        "A plan that an operator sets shows at once, with the source `manual`, to a token from before."
    )
    .spawned(),
    case!(
        an_unknown_plan_cannot_be_set,
        "An operator cannot set a plan that nobody knows: the envelope stays as it was."
    )
    .spawned(),
    case!(
        an_unknown_plan_is_free,
        "A tenant with a plan that is not known gets the features and limits of Free."
    )
    .spawned(),
    case!(
        a_payment_past_due_is_a_restriction,
        "A plan that is past due shows as `past_due`, with the restriction `payment_past_due` and what it comprises."
    )
    .spawned(),
    case!(
        every_status_and_source_is_shown,
        "The plan's status, source and end of period are shown as the database has them."
    )
    .spawned(),
    case!(
        the_most_specific_override_wins,
        "Overrides of the tenant win over the plan and those of the user over the tenant's; a limit may be unlimited; other tenants are not concerned."
    )
    .spawned(),
    case!(
        an_override_without_sense_changes_nothing,
        "An override whose value makes no sense changes nothing."
    )
    .spawned(),
    case!(
        a_demanded_factor_is_a_restriction,
        "Where a second factor is demanded, a user without one has the restriction `mfa_enrollment_required`, until one is enrolled."
    )
    .spawned(),
    case!(
        a_closed_account_gets_no_envelope,
        "The tokens of a deactivated or suspended user get no envelope: 401 `session_revoked`."
    )
    .operator(),
];

const TENANT: &str = "(SELECT tenant_id FROM users WHERE email_key = ?1)";

async fn envelope(session: &Session) -> Result<Entitlements> {
    session.client.me_entitlements().send().await.granted()
}

/// What a plan comprises.
fn comprises(seen: &Entitlements) -> Result<serde_json::Value> {
    Ok(serde_json::to_value((&seen.features, &seen.limits))?)
}

/// An override of the tenant or of the user, as a product would write it.
fn overrides(t: &Trial, ada: &Session, of: &str, kind: &str, key: &str, value: &str) -> Verdict {
    let user = "(SELECT id FROM users WHERE email_key = ?1)";
    let (tenant, user) = match of {
        "tenant" => (TENANT, "NULL"),
        _ => ("NULL", user),
    };
    let id = t.new_id()?;
    let sql = format!(
        "INSERT INTO entitlement_overrides SELECT {id}, {tenant}, {user}, '{kind}', \
         '{key}', {value}, 0"
    );
    t.change_rows(&sql, &ada.email, 1)
}

fn tenant_set(t: &Trial, ada: &Session, columns: &str) -> Verdict {
    let sql = format!("UPDATE tenants SET {columns} WHERE id = {TENANT}");
    t.change_rows(&sql, &ada.email, 1)
}

async fn a_deactivated_tenant_has_an_empty_envelope(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    overrides(&t, &ada, "user", "feature", "sso", "'true'")?;
    let before = envelope(&ada).await?;
    t.command(&["tenant", "deactivate", &ada.email]).await?;
    let closed = envelope(&ada).await?;
    ensure!(closed.scopes.is_empty(), "{:?}", closed.scopes);
    ensure!(closed.features.is_empty(), "{:?}", closed.features);
    ensure!(closed.limits.is_empty(), "{:?}", closed.limits);
    ensure!(closed.restrictions == [Restriction::ReadOnly]);
    ensure!(closed.version != before.version);
    let others = envelope(&bob).await?;
    ensure!(!others.features.is_empty() && others.restrictions.is_empty());
    t.command(&["tenant", "activate", &ada.email]).await?;
    let after = envelope(&ada).await?;
    ensure!(comprises(&after)? == comprises(&before)?);
    ensure!(after.scopes == before.scopes && after.restrictions.is_empty());
    ensure!(after.features.get("sso") == Some(&true));
    Ok(())
}

async fn a_plan_set_by_an_operator_is_manual(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = envelope(&ada).await?;
    t.command(&["user", "set-plan", &ada.email, "free"]).await?;
    let after = envelope(&ada).await?;
    ensure!(after.plan.source == PlanSource::Manual);
    ensure!(after.plan.key == "free" && after.plan.status == PlanStatus::Active);
    ensure!(after.version != before.version, "the source is content");
    ensure!(comprises(&after)? == comprises(&before)?);
    Ok(())
}

async fn an_unknown_plan_cannot_be_set(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = envelope(&ada).await?;
    let arguments = ["user", "set-plan", &ada.email, "unheard-of"];
    let refused = t.command(&arguments).await;
    let refused = refused.err().context("it was set")?.to_string();
    ensure!(refused.contains("no plan"), "{refused}");
    ensure!(envelope(&ada).await?.version == before.version);
    Ok(())
}

async fn an_unknown_plan_is_free(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = envelope(&ada).await?;
    tenant_set(&t, &ada, "plan = 'unheard-of'")?;
    let after = envelope(&ada).await?;
    ensure!(after.plan.key == "free" && after.plan.name == "Free");
    ensure!(comprises(&after)? == comprises(&before)?);
    Ok(())
}

async fn a_payment_past_due_is_a_restriction(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = envelope(&ada).await?;
    tenant_set(&t, &ada, "plan_status = 'past_due'")?;
    let due = envelope(&ada).await?;
    ensure!(due.plan.status == PlanStatus::PastDue);
    ensure!(due.restrictions == [Restriction::PaymentPastDue]);
    ensure!(comprises(&due)? == comprises(&before)?);
    ensure!(due.version != before.version);
    tenant_set(&t, &ada, "plan_status = 'active'")?;
    let paid = envelope(&ada).await?;
    ensure!(paid.restrictions.is_empty() && paid.version == before.version);
    Ok(())
}

async fn every_status_and_source_is_shown(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let end = (t.now_ms() / 1000 + 86_400) * 1000;
    for (status, source) in [
        (PlanStatus::Trialing, PlanSource::Billing),
        (PlanStatus::Canceled, PlanSource::Billing),
        (PlanStatus::Active, PlanSource::Manual),
    ] {
        let columns = format!(
            "plan_status = '{status}', plan_source = '{source}', current_period_end = {end}"
        );
        tenant_set(&t, &ada, &columns)?;
        let plan = envelope(&ada).await?.plan;
        ensure!((plan.status, plan.source) == (status, source));
        let shown = plan.current_period_end.map(|at| at.timestamp_millis());
        ensure!(shown == Some(end), "the period ends at {shown:?}");
    }
    Ok(())
}

async fn the_most_specific_override_wins(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let (before, others) = (envelope(&ada).await?, envelope(&bob).await?);
    overrides(&t, &ada, "tenant", "feature", "sso", "'true'")?;
    overrides(&t, &ada, "tenant", "limit", "seats", "'5'")?;
    overrides(&t, &ada, "tenant", "limit", "api_requests", "NULL")?;
    let tenant = envelope(&ada).await?;
    ensure!(tenant.features.get("sso") == Some(&true));
    ensure!(tenant.limits["seats"].limit == Some(5));
    ensure!(tenant.limits["seats"].used == Some(1));
    ensure!(tenant.limits["api_requests"].limit.is_none(), "limited");
    ensure!(tenant.version != before.version);
    overrides(&t, &ada, "user", "feature", "sso", "'false'")?;
    overrides(&t, &ada, "user", "limit", "seats", "'7'")?;
    let user = envelope(&ada).await?;
    ensure!(user.features.get("sso") == Some(&false));
    ensure!(user.limits["seats"].limit == Some(7));
    ensure!(user.limits["api_requests"].limit.is_none(), "limited");
    ensure!(user.version != tenant.version);
    ensure!(comprises(&envelope(&bob).await?)? == comprises(&others)?);
    Ok(())
}

async fn an_override_without_sense_changes_nothing(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = envelope(&ada).await?;
    overrides(&t, &ada, "user", "feature", "mfa", "'perhaps'")?;
    overrides(&t, &ada, "user", "limit", "api_keys", "'-1'")?;
    overrides(&t, &ada, "tenant", "limit", "seats", "'many'")?;
    let after = envelope(&ada).await?;
    ensure!(comprises(&after)? == comprises(&before)?);
    ensure!(after.version == before.version);
    Ok(())
}

async fn a_demanded_factor_is_a_restriction(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    overrides(&t, &ada, "tenant", "feature", "mfa_required", "'true'")?;
    let before = envelope(&ada).await?;
    ensure!(before.restrictions == [Restriction::MfaEnrollmentRequired]);
    t.enrol_totp(ada.clone()).await?;
    let after = envelope(&ada).await?;
    ensure!(after.restrictions.is_empty(), "{:?}", after.restrictions);
    Ok(())
}

async fn a_closed_account_gets_no_envelope(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.newcomer().await?;
        envelope(&ada).await?;
        t.operator(action, &ada.email).await?;
        let refused = ada.client.me_entitlements().send().await;
        refused.refused(401, bp_auth_client::ErrorCode::SessionRevoked)?;
    }
    Ok(())
}
