//! How the trust in a device ends.

use anyhow::{Result, ensure};
use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;

use http::header::COOKIE;
use serde_json::json;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::mfa::{
    DAY, DEVICE_COOKIE, DEVICE_HEADER, Device, MINUTE, confirm_reset, delete, devices, own_session,
    reset_token, revoke, sms_setup, totp_setup, totp_verify,
};
use crate::kit::{Granted, Guarded, PASSWORD, Raw};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        trust_ends_thirty_days_after_it_began,
        "A device is trusted for 30 days from the challenge, however often it is used; after that it is not in the list either."
    )
    .clock(),
    case!(
        a_replaced_authenticator_ends_it,
        "Replacing the authenticator ends the trust in all devices; the set-up alone does not."
    )
    .clock(),
    case!(
        an_added_method_ends_it,
        "Adding a method ends the trust in all devices; the set-up alone does not."
    )
    .messages(),
    case!(
        a_removed_method_ends_it,
        "Removing one of several methods ends the trust in all devices."
    )
    .messages(),
    case!(
        a_cancelled_set_up_does_not_end_it,
        "Cancelling a pending set-up changes no factor: devices stay trusted."
    ),
    case!(
        a_reset_ends_it,
        "A reset ends the trust in all devices."
    )
    .messages(),
    case!(
        deactivation_ends_it,
        "Deactivation and suspension end the trust in all devices, and activation does not bring it back."
    )
    .operator(),
    case!(
        a_revoked_device_needs_the_second_factor_again,
        "A revoked device is trusted no more and gone from the list; the others stay."
    ),
    case!(
        the_session_begun_on_it_has_passed_no_factor_then,
        "A session that began on a device goes on when the device is revoked, but as one that knows the password only: `amr` tells no second factor, and what needs one is 403 `reauthentication_required`."
    ),
    case!(
        what_is_absent_foreign_or_revoked_is_not_found,
        "Revoking a device that is absent, revoked or somebody else's is 404, whatever the integer of 64 bits; nothing is revoked."
    ),
    case!(
        what_is_no_integer_is_refused,
        "A `device_id` that is no integer of 64 bits is 422 at `path.device_id`."
    ),
    case!(
        revoking_the_current_device_clears_its_cookie,
        "Revoking the device that the request presents clears `bp_trusted_device`; revoking another one does not."
    ),
    case!(
        an_id_is_never_given_twice,
        "The id of a revoked device is not reused."
    ),
];

async fn trust_ends_thirty_days_after_it_began(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    t.advance_secs(29 * DAY)?;
    let (_, value) = t.is_trusted(&ada.email, &device.value).await?;
    t.advance_secs(DAY - 1)?;
    let (session, value) = t.is_trusted(&ada.email, &value).await?;
    ensure!(devices(&session.client).await?.len() == 1);
    t.advance_secs(1)?;
    t.is_not_trusted(&ada.email, &value).await?;
    ensure!(
        devices(&session.client).await?.is_empty(),
        "it is still in the list"
    );
    revoke(&session.client, device.id)
        .await
        .refused(404, ErrorCode::NotFound)?;
    Ok(())
}

async fn a_replaced_authenticator_ends_it(t: Trial) -> Verdict {
    let (ada, one, other) = with_two_devices(&t).await?;
    let client = &ada.session.client;
    t.advance_secs(MINUTE)?;
    let replacement = totp_setup(client).await?;
    let (_, one) = t.is_trusted(&ada.email, &one.value).await?;
    totp_verify(client, &replacement.next_code(&t)?)
        .await
        .granted()?;
    all_ended(&t, &ada, &[&one, &other.value]).await
}

async fn an_added_method_ends_it(t: Trial) -> Verdict {
    let (ada, one, other) = with_two_devices(&t).await?;
    let (client, phone) = (&ada.session.client, t.fresh_phone());
    sms_setup(client, &phone).await.granted()?;
    let (_, one) = t.is_trusted(&ada.email, &one.value).await?;
    let code = t.sms_code(&phone, 1).await?;
    crate::kit::mfa::sms_verify(client, &code).await.granted()?;
    all_ended(&t, &ada, &[&one, &other.value]).await
}

async fn a_removed_method_ends_it(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.enrol_sms(ada.session.clone()).await?;
    let device = t.remember_by_totp(&ada).await?;
    delete(&ada.session.client, MfaMethod::Sms)
        .await
        .granted()?;
    all_ended(&t, &ada, &[&device.value]).await
}

async fn a_cancelled_set_up_does_not_end_it(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let client = &ada.session.client;
    sms_setup(client, &t.fresh_phone()).await.granted()?;
    delete(client, MfaMethod::Sms).await.granted()?;
    ensure!(devices(client).await?.len() == 1);
    t.is_trusted(&ada.email, &device.value).await?;
    Ok(())
}

async fn a_reset_ends_it(t: Trial) -> Verdict {
    let (ada, one, other) = with_two_devices(&t).await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    confirm_reset(&t, &token).await.granted()?;
    let session = t.session(&ada.email).await?;
    let anew = t.enrol_totp(session).await?;
    all_ended(&t, &anew, &[&one.value, &other.value]).await
}

async fn deactivation_ends_it(t: Trial) -> Verdict {
    for (action, code) in [
        ("deactivate", ErrorCode::AccountDeactivated),
        ("suspend", ErrorCode::AccountSuspended),
    ] {
        let ada = t.with_totp().await?;
        let device = t.remember_by_totp(&ada).await?;
        t.operator(action, &ada.email).await?;
        let client = t.with(&[(DEVICE_HEADER, device.value.clone())]);
        let email = ada.email.as_str();
        let request = client
            .login()
            .body_map(|form| form.username(email).password(PASSWORD));
        request.send().await.refused(403, code)?;
        t.operator("activate", &ada.email).await?;
        t.is_not_trusted(&ada.email, &device.value).await?;
        let session = t.backup_session(&ada, 0).await?;
        ensure!(
            devices(&session.client).await?.is_empty(),
            "{action}: still listed"
        );
    }
    Ok(())
}

async fn a_revoked_device_needs_the_second_factor_again(t: Trial) -> Verdict {
    let (ada, one, other) = with_two_devices(&t).await?;
    let client = &ada.session.client;
    revoke(client, one.id).await.granted()?;
    let listed: Vec<i64> = devices(client).await?.iter().map(|one| one.id).collect();
    ensure!(listed == [other.id], "listed: {listed:?}");
    t.is_not_trusted(&ada.email, &one.value).await?;
    t.is_trusted(&ada.email, &other.value).await?;
    Ok(())
}

async fn the_session_begun_on_it_has_passed_no_factor_then(t: Trial) -> Verdict {
    let (ada, one, other) = with_two_devices(&t).await?;
    let (begun, _) = t.is_trusted(&ada.email, &one.value).await?;
    let (beside, _) = t.is_trusted(&ada.email, &other.value).await?;
    revoke(&ada.session.client, one.id).await.granted()?;
    let session = own_session(&begun.client).await?;
    ensure!(session.amr == ["pwd"], "amr {:?}", session.amr);
    let call = begun.client.regenerate_backup_codes().send().await;
    call.refused(403, ErrorCode::ReauthenticationRequired)?;
    delete(&begun.client, MfaMethod::Totp)
        .await
        .refused(403, ErrorCode::ReauthenticationRequired)?;
    beside
        .client
        .regenerate_backup_codes()
        .send()
        .await
        .granted()?;
    Ok(())
}

async fn what_is_absent_foreign_or_revoked_is_not_found(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    let (hers, his) = (
        t.remember_by_totp(&ada).await?,
        t.remember_by_totp(&bob).await?,
    );
    let client = &ada.session.client;
    revoke(client, hers.id).await.granted()?;
    for id in [hers.id, his.id, 0, -1, i64::MAX, i64::MIN] {
        let answer = revoke(client, id).await;
        answer.refused(404, ErrorCode::NotFound)?;
    }
    t.is_trusted(&bob.email, &his.value).await?;
    Ok(())
}

async fn what_is_no_integer_is_refused(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for id in ["abc", "1.5", "9223372036854775808", "1e3"] {
        let path = t.at(&format!("/api/auth/mfa/trusted-devices/{id}"));
        let request = t.http().delete(path);
        let answer = Raw::of(request.bearer_auth(ada.tokens.access_token.expose())).await?;
        answer.is(422, "validation_error")?;
        let at = answer.json()["errors"][0]["loc"].clone();
        ensure!(at == json!(["path", "device_id"]), "{id}: {at}");
    }
    Ok(())
}

async fn revoking_the_current_device_clears_its_cookie(t: Trial) -> Verdict {
    let (ada, one, other) = with_two_devices(&t).await?;
    let delete = async |id: i64| {
        let path = t.at(&format!("/api/auth/mfa/trusted-devices/{id}"));
        let request = t.http().delete(path);
        let request = request.bearer_auth(ada.session.tokens.access_token.expose());
        Raw::of(request.header(COOKIE, format!("{DEVICE_COOKIE}={}", one.value))).await
    };
    let answer = delete(other.id).await?;
    ensure!(answer.status == 204 && answer.set_cookie(DEVICE_COOKIE).is_none());
    let answer = delete(one.id).await?;
    ensure!(answer.status == 204, "{}", answer.text);
    let cookie = answer.set_cookie(DEVICE_COOKIE).unwrap_or_default();
    ensure!(cookie.starts_with("bp_trusted_device=;"), "{cookie}");
    ensure!(
        cookie.contains("Max-Age=0") && cookie.contains("Path=/api/auth"),
        "{cookie}"
    );
    Ok(())
}

async fn an_id_is_never_given_twice(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let mut ids = Vec::new();
    for code in &ada.backup_codes[..4] {
        let device = t
            .remember(&ada, MfaMethod::BackupCodes, code.expose())
            .await?;
        ensure!(
            !ids.contains(&device.id),
            "{} again, after {ids:?}",
            device.id
        );
        revoke(&ada.session.client, device.id).await.granted()?;
        ids.push(device.id);
    }
    Ok(())
}

async fn with_two_devices(t: &Trial) -> Result<(Guarded, Device, Device)> {
    let ada = t.with_totp().await?;
    let code = |n: usize| ada.backup_codes[n].expose();
    let one = t.remember(&ada, MfaMethod::BackupCodes, code(8)).await?;
    let other = t.remember(&ada, MfaMethod::BackupCodes, code(9)).await?;
    ensure!(one.id != other.id, "two devices with one id");
    Ok((ada, one, other))
}

async fn all_ended(t: &Trial, guarded: &Guarded, values: &[&str]) -> Verdict {
    let left = devices(&guarded.session.client).await?.len();
    ensure!(left == 0, "{left} devices in the list");
    for value in values {
        t.is_not_trusted(&guarded.email, value).await?;
    }
    Ok(())
}
