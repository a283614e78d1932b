//! What can lock the owner out wants a fresh login, and the second factor where there is one.

use std::time::Duration;

use anyhow::{Result, ensure};
use bp_auth_client::ErrorCode;
use http::Method;
use serde_json::json;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{DAY, MINUTE, methods, own_session, sms_setup, totp_setup, totp_verify};
use crate::kit::{Granted, Guarded, Raw, Session};
use crate::trial::Trial;

const QUARTER: u64 = 15 * MINUTE;
const ROTATE: Operation = (Method::POST, "/api/auth/api-key/rotate", 200);
const TOTP: Operation = (Method::POST, "/api/auth/mfa/totp/setup", 200);
const SMS: Operation = (Method::POST, "/api/auth/mfa/sms/setup", 200);
const REGENERATE: Operation = (Method::POST, "/api/auth/mfa/backup-codes/regenerate", 200);
const DELETE: Operation = (Method::DELETE, "/api/auth/mfa/totp", 204);
/// All that are marked in the contract. The last one turns the second factor off.
const SENSITIVE: [Operation; 5] = [ROTATE, TOTP, SMS, REGENERATE, DELETE];

/// With what it answers a user of an authenticator.
type Operation = (Method, &'static str, u16);

pub const CASES: &[Case] = &[
    case!(
        rotating_the_api_key_needs_a_fresh_login,
        "`api-key/rotate` by a session whose login is 15 minutes old is 403 `reauthentication_required` and changes nothing; by a new login it is granted."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        setting_an_authenticator_up_needs_a_fresh_login,
        "`totp/setup` by a session whose login is 15 minutes old is 403 `reauthentication_required` and leaves nothing pending; by a new login it is granted."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        setting_a_phone_up_needs_a_fresh_login,
        "`sms/setup` by a session whose login is 15 minutes old is 403 `reauthentication_required` and leaves nothing pending; by a new login it is granted."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        new_backup_codes_need_a_fresh_login,
        "`backup-codes/regenerate` by a session whose login is 15 minutes old is 403 `reauthentication_required`, and the old set stays good; by a new login it is granted."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        removing_a_method_needs_a_fresh_login,
        "`DELETE /mfa/{method}` by a session whose login is 15 minutes old is 403 `reauthentication_required` and removes nothing; by a new login it is granted."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_login_is_fresh_for_less_than_fifteen_minutes,
        "A login is fresh for less than 15 minutes, to the millisecond."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_refresh_does_not_make_a_login_fresh,
        "`auth_time` is not changed by a refresh, nor is what follows from it."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_login_freshens_its_own_session_only,
        "A new login does not make the user's other sessions fresh."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        the_greatest_age_is_a_setting,
        "With `step_up.max_age=2m` a login is fresh for two minutes, and the refusal says so."
    )
    .clock()
    .set(&[("step_up.max_age", "2m")]),
    case!(
        zero_turns_it_off,
        "With `step_up.max_age=0` a login never gets too old."
    )
    .depends_on(Setting::ROTATION)
    .clock()
    .set(&[("step_up.max_age", "0")]),
    case!(
        who_has_a_second_factor_needs_a_session_that_passed_it,
        "A fresh session that has not passed the second factor of its user is 403 `reauthentication_required` at every sensitive operation."
    )
    .spawned(),
    case!(
        without_a_second_factor_a_fresh_password_suffices,
        "A user without a second factor needs a fresh password login only."
    ),
    case!(
        what_is_not_sensitive_goes_on,
        "Operations that are not sensitive do not ask how old the login is."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_set_up_is_finished_whatever_the_age_of_the_login,
        "A set-up that was begun with a fresh login is verified also when the login has aged since."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        bad_fields_come_before_step_up,
        "A sensitive operation with a bad path or body is 422 before it is 403."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        step_up_comes_before_limits_and_state,
        "A login that is too old is told (403) before limits (429) and before what is or is not there (404, 409)."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
];

async fn rotating_the_api_key_needs_a_fresh_login(t: Trial) -> Verdict {
    needs_a_fresh_login(&t, &ROTATE).await
}

async fn setting_an_authenticator_up_needs_a_fresh_login(t: Trial) -> Verdict {
    needs_a_fresh_login(&t, &TOTP).await
}

async fn setting_a_phone_up_needs_a_fresh_login(t: Trial) -> Verdict {
    needs_a_fresh_login(&t, &SMS).await
}

async fn new_backup_codes_need_a_fresh_login(t: Trial) -> Verdict {
    needs_a_fresh_login(&t, &REGENERATE).await
}

async fn removing_a_method_needs_a_fresh_login(t: Trial) -> Verdict {
    needs_a_fresh_login(&t, &DELETE).await
}

async fn a_login_is_fresh_for_less_than_fifteen_minutes(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let ada = t.aged_session(&ada, MINUTE).await?;
    t.advance(Duration::from_millis((QUARTER - MINUTE) * 1000 - 1))?;
    granted(&t, &ada, &ROTATE).await?;
    t.advance(Duration::from_millis(1))?;
    refused(&t, &ada, &ROTATE, QUARTER).await
}

async fn a_refresh_does_not_make_a_login_fresh(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = own_session(&ada.client).await?;
    let aged = t.aged_session(&ada, QUARTER).await?;
    let after = own_session(&aged.client).await?;
    ensure!(after.auth_time == before.auth_time && after.id == before.id);
    let told = |session: &Session| {
        let claims = crate::kit::mfa::claims(&session.tokens.access_token)?;
        Ok::<_, anyhow::Error>(claims["auth_time"].clone())
    };
    ensure!(told(&aged)? == told(&ada)? && told(&aged)?.is_i64());
    refused(&t, &aged, &ROTATE, QUARTER).await
}

async fn a_login_freshens_its_own_session_only(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let old = t.aged_session(&ada, QUARTER).await?;
    let fresh = t.session(&ada.email).await?;
    granted(&t, &fresh, &ROTATE).await?;
    refused(&t, &old, &ROTATE, QUARTER).await
}

async fn the_greatest_age_is_a_setting(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    t.advance_secs(2 * MINUTE - 1)?;
    granted(&t, &ada, &ROTATE).await?;
    t.advance_secs(1)?;
    refused(&t, &ada, &ROTATE, 2 * MINUTE).await
}

async fn zero_turns_it_off(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let aged = t.aged_session(&ada.session, 10 * DAY).await?;
    for operation in &SENSITIVE {
        granted(&t, &aged, operation).await?;
    }
    Ok(())
}

async fn who_has_a_second_factor_needs_a_session_that_passed_it(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    // No way through the API leads to such a session; a restored backup might.
    let weaken = "UPDATE sessions SET mfa_satisfied = FALSE \
                  WHERE user_id = (SELECT id FROM users WHERE email_key = ?1)";
    t.change_rows(weaken, &ada.email, 1)?;
    let before = state(&ada.session).await?;
    for operation in &SENSITIVE {
        refused(&t, &ada.session, operation, QUARTER).await?;
    }
    ensure!(
        state(&ada.session).await? == before,
        "a refusal changed something"
    );
    let strong = t.totp_session(&ada).await?;
    for operation in &SENSITIVE {
        granted(&t, &strong, operation).await?;
    }
    Ok(())
}

async fn without_a_second_factor_a_fresh_password_suffices(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for operation in [&ROTATE, &TOTP, &SMS] {
        granted(&t, &ada, operation).await?;
    }
    // A pending set-up is no second factor.
    granted(&t, &ada, &DELETE).await?;
    let regenerate = ada.client.regenerate_backup_codes().send().await;
    regenerate.refused(409, ErrorCode::MfaNotEnabled)?;
    Ok(())
}

async fn what_is_not_sensitive_goes_on(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let old = t.aged_session(&ada.session, 2 * DAY).await?;
    let client = &old.client;
    client.me().send().await.granted()?;
    client.me_entitlements().send().await.granted()?;
    client.get_api_key().send().await.granted()?;
    client.mfa_methods().send().await.granted()?;
    client.list_trusted_devices().send().await.granted()?;
    client.mfa_reset_request().send().await.granted()?;
    let request = client.verify_phone_request().send().await;
    request.refused(409, ErrorCode::PhoneMissing)?;
    crate::kit::mfa::revoke(client, device.id).await.granted()?;
    client.logout().send().await.granted()?;
    Ok(())
}

async fn a_set_up_is_finished_whatever_the_age_of_the_login(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let ada = t.aged_session(&ada, 14 * MINUTE).await?;
    let authenticator = totp_setup(&ada.client).await?;
    t.advance_secs(2 * MINUTE)?;
    refused(&t, &ada, &TOTP, QUARTER).await?;
    totp_verify(&ada.client, &authenticator.next_code(&t)?)
        .await
        .granted()?;
    Ok(())
}

async fn bad_fields_come_before_step_up(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let old = t.aged_session(&ada, QUARTER).await?;
    let token = old.tokens.access_token.expose();
    let sms = t.http().post(t.at(SMS.1)).bearer_auth(token);
    let answer = Raw::of(sms.json(&json!({ "phone_number": "1" }))).await?;
    answer.is(422, "validation_error")?;
    let pigeon = t.http().delete(t.at("/api/auth/mfa/pigeon"));
    let answer = Raw::of(pigeon.bearer_auth(token)).await?;
    answer.is(422, "validation_error")?;
    Ok(())
}

async fn step_up_comes_before_limits_and_state(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let ada = t.aged_session(&ada, QUARTER - 1).await?;
    sms_setup(&ada.client, &t.fresh_phone()).await.granted()?;
    sms_setup(&ada.client, &t.fresh_phone())
        .await
        .refused(429, ErrorCode::RateLimited)?;
    t.advance_secs(1)?;
    // Too soon, without a method, and not there: none of it is told.
    for operation in [&SMS, &REGENERATE, &DELETE] {
        refused(&t, &ada, operation, QUARTER).await?;
    }
    Ok(())
}

async fn needs_a_fresh_login(t: &Trial, operation: &Operation) -> Verdict {
    let ada: Guarded = t.with_totp().await?;
    let old = t.aged_session(&ada.session, QUARTER).await?;
    let before = state(&old).await?;
    refused(t, &old, operation, QUARTER).await?;
    ensure!(state(&old).await? == before, "a refusal changed something");
    t.backup_session(&ada, 0).await?;
    let fresh = t.totp_session(&ada).await?;
    granted(t, &fresh, operation).await
}

/// Refused for want of a login that young.
async fn refused(t: &Trial, session: &Session, operation: &Operation, max_age: u64) -> Verdict {
    let answer = attempt(t, session, operation).await?;
    answer.is(403, "reauthentication_required")?;
    let told = answer.header("www-authenticate").unwrap_or_default();
    let expected =
        format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{max_age}\"");
    ensure!(told == expected, "{}: {told}", operation.1);
    Ok(())
}

async fn granted(t: &Trial, session: &Session, operation: &Operation) -> Verdict {
    let answer = attempt(t, session, operation).await?;
    ensure!(
        answer.status == operation.2,
        "{}: {}",
        operation.1,
        answer.text
    );
    Ok(())
}

async fn attempt(t: &Trial, session: &Session, (method, path, _): &Operation) -> Result<Raw> {
    let request = t.http().request(method.clone(), t.at(path));
    let request = request.bearer_auth(session.tokens.access_token.expose());
    let request = match *path == SMS.1 {
        true => request.json(&json!({ "phone_number": t.fresh_phone() })),
        false => request,
    };
    Raw::of(request).await
}

/// What sensitive operations could have changed, as far as it is shown.
async fn state(session: &Session) -> Result<(String, String)> {
    let key = session.client.get_api_key().send().await.granted()?;
    let list = methods(&session.client).await?;
    Ok((serde_json::to_string(&key)?, serde_json::to_string(&list)?))
}
