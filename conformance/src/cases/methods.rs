//! `GET /api/auth/mfa/methods` and `DELETE /api/auth/mfa/{method}`.

use anyhow::{Context, ensure};
use bp_auth_client::types::MfaMethod;
use bp_auth_client::{Client, ErrorCode};

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::mfa::{
    MINUTE, delete, methods, own_session, profile, resend, sms_setup, sms_verify, totp_setup,
    totp_verify,
};
use crate::kit::{Granted, Raw};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        without_a_factor_the_list_is_empty,
        "A user without a second factor has no methods, no default one and no backup codes."
    ),
    case!(
        the_list_shows_no_secret_and_no_whole_number,
        "The list of methods shows no secret, no backup code, and phone numbers only masked."
    )
    .messages(),
    case!(
        the_list_tells_when_a_method_was_used,
        "`last_used_at` of a method follows its logins."
    )
    .clock(),
    case!(
        the_default_method_is_the_one_that_logins_ask_for,
        "`default_method` and the verified methods of the list are those that MFA pending tells."
    )
    .messages(),
    case!(
        removing_the_last_method_turns_mfa_off,
        "Removing the last method removes the backup codes and the trusted devices with it; a password then suffices."
    ),
    case!(
        enrolling_anew_begins_anew,
        "Who enrols after the last method was removed gets ten new backup codes; the old ones and the devices of then are worth nothing."
    ),
    case!(
        removing_one_of_two_methods_keeps_the_rest,
        "Removing one of two methods keeps the other and the backup codes; the removed one is 409 `mfa_method_unavailable`."
    )
    .messages()
    .clock(),
    case!(
        a_session_that_passed_what_is_gone_knows_the_password_only,
        "A session that passed a method which was removed or replaced since, or used a code of a former set, changes no factor any more: 403 `reauthentication_required`; the session that has shown the new one does."
    )
    .messages()
    .clock(),
    case!(
        a_removal_is_told_to_the_owner,
        "Removing a method sends a mail; a removal that is refused sends none."
    )
    .messages(),
    case!(
        deleting_a_pending_set_up_cancels_it,
        "Deleting a pending set-up is 204 and cancels it: its code verifies nothing any more."
    )
    .messages(),
    case!(
        a_verified_method_goes_together_with_the_pending_one,
        "With a verified and a pending set-up of one method, both go."
    ),
    case!(
        what_is_not_enrolled_cannot_be_deleted,
        "Deleting a method that is not enrolled is 404, whatever others have, and a second deletion too."
    ),
    case!(
        an_unknown_method_is_named_in_the_refusal,
        "An unknown value in the place of the method is 422 at `path.method`, and deletes nothing."
    ),
];

async fn a_session_that_passed_what_is_gone_knows_the_password_only(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let owner = &ada.session.client;
    t.advance_secs(MINUTE)?;
    let by_code = t.totp_session(&ada).await?;
    let by_backup = t.backup_session(&ada, 0).await?;
    let refused = async |client: &Client| {
        let call = client.regenerate_backup_codes().send().await;
        call.refused(403, ErrorCode::ReauthenticationRequired)?;
        delete(client, MfaMethod::Totp)
            .await
            .refused(403, ErrorCode::ReauthenticationRequired)?;
        let amr = own_session(client).await?.amr;
        ensure!(amr == ["pwd"], "amr {amr:?}");
        anyhow::Ok(())
    };
    // Its authenticator is replaced.
    t.advance_secs(MINUTE)?;
    let replacement = totp_setup(owner).await?;
    totp_verify(owner, &replacement.next_code(&t)?)
        .await
        .granted()?;
    refused(&by_code.client).await?;
    // Its set of codes is replaced, by the session that has just shown the new authenticator.
    owner.regenerate_backup_codes().send().await.granted()?;
    refused(&by_backup.client).await?;
    let amr = own_session(owner).await?.amr;
    ensure!(amr == ["pwd", "otp", "mfa"], "amr {amr:?}");
    // Its method is removed, and another one is left.
    t.enrol_sms(ada.session.clone()).await?;
    delete(owner, MfaMethod::Totp).await.granted()?;
    delete(owner, MfaMethod::Sms)
        .await
        .refused(403, ErrorCode::ReauthenticationRequired)?;
    Ok(())
}

async fn without_a_factor_the_list_is_empty(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let list = methods(&ada.client).await?;
    ensure!(!list.mfa_enabled && list.methods.is_empty());
    ensure!(list.default_method.is_none() && list.backup_codes_remaining == 0);
    Ok(())
}

async fn the_list_shows_no_secret_and_no_whole_number(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let with_phone = t.enrol_sms(ada.session.clone()).await?;
    let phone = with_phone.phone()?;
    let request = t.http().get(t.at("/api/auth/mfa/methods"));
    let request = request.bearer_auth(ada.session.tokens.access_token.expose());
    let text = Raw::of(request).await?.text;
    let secrets = [&ada.authenticator()?.secret[..], &phone[1..]];
    let codes = ada.backup_codes.iter().map(|code| code.expose());
    for secret in secrets.into_iter().chain(codes) {
        ensure!(!text.contains(secret), "{secret} is in {text}");
    }
    let list = methods(&ada.session.client).await?.methods;
    let hint = list.iter().find_map(|method| method.phone_hint.as_deref());
    let hint = hint.context("no phone_hint")?;
    ensure!(
        hint.starts_with('+') && phone.ends_with(&hint[hint.len() - 2..]),
        "{hint}"
    );
    Ok(())
}

async fn the_list_tells_when_a_method_was_used(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let enrolled_at = t.now_ms();
    let method = &methods(&ada.session.client).await?.methods[0];
    ensure!(method.created_at.timestamp_millis() == enrolled_at);
    for _ in 0..2 {
        t.advance_secs(2 * MINUTE)?;
        t.totp_session(&ada).await?;
        let method = &methods(&ada.session.client).await?.methods[0];
        let used = method.last_used_at.map(|at| at.timestamp_millis());
        ensure!(used == Some(t.now_ms()), "used at {used:?}");
        ensure!(method.created_at.timestamp_millis() == enrolled_at);
    }
    Ok(())
}

async fn the_default_method_is_the_one_that_logins_ask_for(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    for _ in 0..2 {
        let list = methods(&ada.session.client).await?;
        let login = t.pending(&ada.email).await?;
        ensure!(list.default_method == Some(login.default_method));
        let mut listed: Vec<_> = list.methods.into_iter().map(|one| one.method).collect();
        listed.push(MfaMethod::BackupCodes);
        let mut offered = login.methods;
        listed.sort_unstable();
        offered.sort_unstable();
        ensure!(listed == offered, "{listed:?} beside {offered:?}");
        if listed.len() == 2 {
            t.enrol_totp(ada.session.clone()).await?;
        }
    }
    Ok(())
}

async fn removing_the_last_method_turns_mfa_off(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.remember_by_totp(&ada).await?;
    let client = &ada.session.client;
    delete(client, MfaMethod::Totp).await.granted()?;
    let list = methods(client).await?;
    ensure!(!list.mfa_enabled && list.methods.is_empty() && list.default_method.is_none());
    ensure!(list.backup_codes_remaining == 0, "backup codes are left");
    ensure!(
        crate::kit::mfa::devices(client).await?.is_empty(),
        "devices are left"
    );
    let me = profile(client).await?;
    ensure!(!me.mfa_enabled && me.mfa_methods.is_empty());
    delete(client, MfaMethod::BackupCodes)
        .await
        .refused(404, ErrorCode::NotFound)?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn enrolling_anew_begins_anew(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    delete(&ada.session.client, MfaMethod::Totp)
        .await
        .granted()?;
    let anew = t.enrol_totp(ada.session.clone()).await?;
    ensure!(anew.backup_codes.len() == 10, "no new backup codes");
    t.is_not_trusted(&ada.email, &device.value).await?;
    let login = t.pending(&ada.email).await?;
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    t.backup_session(&anew, 0).await?;
    Ok(())
}

async fn removing_one_of_two_methods_keeps_the_rest(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let with_phone = t.enrol_sms(ada.session.clone()).await?;
    let client = &ada.session.client;
    delete(client, MfaMethod::Totp).await.granted()?;
    let list = methods(client).await?;
    ensure!(list.mfa_enabled && list.default_method == Some(MfaMethod::Sms));
    ensure!(list.methods.len() == 1 && list.backup_codes_remaining == 10);
    let login = t.pending(&ada.email).await?;
    ensure!(login.methods == [MfaMethod::Sms, MfaMethod::BackupCodes]);
    t.challenge(&login, Some(MfaMethod::Totp), "123456")
        .await
        .refused(409, ErrorCode::MfaMethodUnavailable)?;
    t.backup_session(&ada, 0).await?;
    let code = t.sms_code(with_phone.phone()?, 2).await?;
    t.challenge(&login, None, &code).await.granted()?;

    // The other way round: the phone goes.
    t.advance_secs(MINUTE)?;
    let bob = t.with_sms().await?;
    let with_app = t.enrol_totp(bob.session.clone()).await?;
    delete(&bob.session.client, MfaMethod::Sms)
        .await
        .granted()?;
    t.advance_secs(MINUTE)?;
    let login = t.pending(&bob.email).await?;
    ensure!(login.methods == [MfaMethod::Totp, MfaMethod::BackupCodes]);
    ensure!(
        login.phone_hint.is_none(),
        "the hint of a phone that is gone"
    );
    resend(&t, &login.mfa_token)
        .await
        .refused(409, ErrorCode::MfaMethodUnavailable)?;
    t.totp_session(&with_app).await?;
    Ok(())
}

async fn a_removal_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = &ada.session.client;
    delete(client, MfaMethod::Sms)
        .await
        .refused(404, ErrorCode::NotFound)?;
    let before = t.settled_messages(&ada.email).await?.len();
    ensure!(
        before == 2,
        "{before} mails, not the welcome and the enrolment"
    );
    delete(client, MfaMethod::Totp).await.granted()?;
    let after = t.settled_messages(&ada.email).await?.len();
    ensure!(after == 3, "{after} mails after the removal");
    Ok(())
}

async fn deleting_a_pending_set_up_cancels_it(t: Trial) -> Verdict {
    let (ada, phone) = (t.newcomer().await?, t.fresh_phone());
    let authenticator = totp_setup(&ada.client).await?;
    sms_setup(&ada.client, &phone).await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    for method in [MfaMethod::Totp, MfaMethod::Sms] {
        delete(&ada.client, method.clone()).await.granted()?;
        delete(&ada.client, method)
            .await
            .refused(404, ErrorCode::NotFound)?;
    }
    ensure!(methods(&ada.client).await?.methods.is_empty());
    totp_verify(&ada.client, &authenticator.next_code(&t)?)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    sms_verify(&ada.client, &code)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    Ok(())
}

async fn a_verified_method_goes_together_with_the_pending_one(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = &ada.session.client;
    let replacement = totp_setup(client).await?;
    delete(client, MfaMethod::Totp).await.granted()?;
    ensure!(methods(client).await?.methods.is_empty());
    totp_verify(client, &replacement.next_code(&t)?)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn what_is_not_enrolled_cannot_be_deleted(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.newcomer().await?);
    for method in [MfaMethod::Totp, MfaMethod::Sms, MfaMethod::BackupCodes] {
        delete(&bob.client, method)
            .await
            .refused(404, ErrorCode::NotFound)?;
    }
    delete(&ada.session.client, MfaMethod::Sms)
        .await
        .refused(404, ErrorCode::NotFound)?;
    let list = methods(&ada.session.client).await?;
    ensure!(list.mfa_enabled && list.backup_codes_remaining == 10);
    delete(&ada.session.client, MfaMethod::Totp)
        .await
        .granted()?;
    delete(&ada.session.client, MfaMethod::Totp)
        .await
        .refused(404, ErrorCode::NotFound)?;
    Ok(())
}

async fn an_unknown_method_is_named_in_the_refusal(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = ada.session.tokens.access_token.expose();
    for method in ["email", "TOTP", "backup-codes"] {
        let request = t.http().delete(t.at(&format!("/api/auth/mfa/{method}")));
        let answer = Raw::of(request.bearer_auth(token)).await?;
        answer.is(422, "validation_error")?;
        let at = answer.json()["errors"][0]["loc"].clone();
        ensure!(
            at == serde_json::json!(["path", "method"]),
            "{method}: {at}"
        );
    }
    let list = methods(&ada.session.client).await?;
    ensure!(list.mfa_enabled && list.backup_codes_remaining == 10);
    Ok(())
}
