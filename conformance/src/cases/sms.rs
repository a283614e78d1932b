//! `/api/auth/mfa/sms`: phones as second factor.

use anyhow::{Context, ensure};
use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{
    MINUTE, another, methods, own_session, profile, sms_setup, sms_verify, totp_setup,
};
use crate::kit::{Granted, RefreshSecret, Session};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_set_up_sends_one_code_to_the_number,
        "`sms/setup` sends one code to the number, which it answers masked, and changes nothing else yet."
    )
    .messages(),
    case!(
        the_code_enrols_the_number,
        "The code from the message verifies the method; as first method it comes with ten backup codes and a mail."
    )
    .messages(),
    case!(
        enrolling_upgrades_this_session_and_ends_the_weaker_ones,
        "Enrolling a phone as first method upgrades the enrolling session and ends the other password-only sessions."
    )
    .depends_on(Setting::REUSE)
    .messages(),
    case!(
        enrolling_fills_an_empty_phone_of_the_profile,
        "`sms/verify` makes the number the verified phone of a profile that has none."
    )
    .messages(),
    case!(
        enrolling_verifies_the_same_phone_of_the_profile,
        "`sms/verify` marks the phone of the profile verified when it is the same number."
    )
    .messages(),
    case!(
        enrolling_leaves_another_phone_of_the_profile_alone,
        "`sms/verify` of another number neither replaces nor verifies the phone of the profile."
    )
    .messages(),
    case!(
        five_wrong_codes_end_the_set_up,
        "The fifth wrong code is still 400 `code_invalid`, after that even the right one is 400 `code_attempts_exceeded`, and then the pending phone is gone: 409 `mfa_not_pending`."
    )
    .messages(),
    case!(
        there_must_be_a_phone_to_verify,
        "`sms/verify` without a pending phone is 409 `mfa_not_pending`, also with a pending authenticator and after the phone was verified."
    )
    .messages(),
    case!(
        a_code_to_verify_the_profile_enrols_nothing,
        "A code is bound to its purpose: one that was sent to verify the phone of the profile enrols no method."
    )
    .messages(),
    case!(
        a_new_code_voids_the_old_one,
        "A new set-up sends a new code, and the one before verifies nothing."
    )
    .messages()
    .clock(),
    case!(
        a_code_is_good_for_its_number_only,
        "A code is bound to the number it was sent to: it does not enrol the number of a later set-up."
    )
    .messages()
    .clock(),
    case!(
        a_replacement_takes_over_when_it_is_verified,
        "While another number is pending the verified one keeps its logins; once verified, the new one has them."
    )
    .messages()
    .clock(),
];

async fn a_set_up_sends_one_code_to_the_number(t: Trial) -> Verdict {
    let (ada, phone) = (t.newcomer().await?, t.fresh_phone());
    let sent = sms_setup(&ada.client, &phone).await.granted()?;
    ensure!(sent.sent && sent.expires_in > 0 && sent.retry_after == 60);
    let hint = sent.phone_hint;
    ensure!(
        !hint.contains(&phone[3..]) && phone.ends_with(&hint[hint.len() - 2..]),
        "{hint}"
    );
    let list = methods(&ada.client).await?;
    ensure!(!list.mfa_enabled && list.backup_codes_remaining == 0);
    let states: Vec<_> = list
        .methods
        .iter()
        .map(|m| (m.method.clone(), m.verified))
        .collect();
    ensure!(states == [(MfaMethod::Sms, false)], "listed: {states:?}");
    t.session(&ada.email).await?;
    let mails = t.settled_messages(&ada.email).await?.len();
    ensure!(mails == 1, "{mails} mails, not the welcome only");
    let texts = t.messages(&phone, 1).await?;
    ensure!(texts.len() == 1 && texts[0].code().is_some(), "{texts:?}");
    Ok(())
}

async fn the_code_enrols_the_number(t: Trial) -> Verdict {
    let (ada, phone) = (t.newcomer().await?, t.fresh_phone());
    sms_setup(&ada.client, &phone).await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let enrolled = sms_verify(&ada.client, &code).await.granted()?;
    ensure!(enrolled.method == MfaMethod::Sms && enrolled.verified && enrolled.mfa_enabled);
    let codes = enrolled.backup_codes.context("no backup codes")?;
    ensure!(codes.len() == 10 && enrolled.backup_codes_remaining == 10);
    let list = methods(&ada.client).await?;
    ensure!(list.default_method == Some(MfaMethod::Sms));
    ensure!(profile(&ada.client).await?.mfa_methods == [MfaMethod::Sms]);
    let mails = t.settled_messages(&ada.email).await?.len();
    ensure!(
        mails == 2,
        "{mails} mails, not the welcome and the enrolment"
    );
    t.pending(&ada.email).await?;
    Ok(())
}

async fn enrolling_upgrades_this_session_and_ends_the_weaker_ones(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let elsewhere = t.session(&ada.email).await?;
    let before = own_session(&ada.client).await?.id;
    let ada = t.enrol_sms(ada).await?.session;
    // An operation that needs a session with a second factor now.
    ada.client
        .regenerate_backup_codes()
        .send()
        .await
        .granted()?;
    ensure!(own_session(&ada.client).await?.id == before);
    elsewhere
        .client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    t.refresh(elsewhere.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn enrolling_fills_an_empty_phone_of_the_profile(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let me = profile(&ada.session.client).await?;
    ensure!(
        me.phone.as_deref() == Some(ada.phone()?) && me.phone_verified,
        "{:?}",
        me.phone
    );
    Ok(())
}

async fn enrolling_verifies_the_same_phone_of_the_profile(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    sms_setup(&ada.client, &phone).await.granted()?;
    ensure!(
        !profile(&ada.client).await?.phone_verified,
        "verified by the set-up"
    );
    let code = t.sms_code(&phone, 1).await?;
    sms_verify(&ada.client, &code).await.granted()?;
    let me = profile(&ada.client).await?;
    ensure!(me.phone_verified && me.phone.as_deref() == Some(phone.as_str()));
    Ok(())
}

async fn enrolling_leaves_another_phone_of_the_profile_alone(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    let ada = t.enrol_sms(ada).await?;
    let me = profile(&ada.session.client).await?;
    ensure!(
        !me.phone_verified && me.phone.as_deref() == Some(phone.as_str()),
        "{:?}",
        me.phone
    );
    Ok(())
}

async fn five_wrong_codes_end_the_set_up(t: Trial) -> Verdict {
    let (ada, phone) = (t.newcomer().await?, t.fresh_phone());
    sms_setup(&ada.client, &phone).await.granted()?;
    let right = t.sms_code(&phone, 1).await?;
    for _ in 0..5 {
        sms_verify(&ada.client, another(&right))
            .await
            .refused(400, ErrorCode::CodeInvalid)?;
    }
    sms_verify(&ada.client, &right)
        .await
        .refused(400, ErrorCode::CodeAttemptsExceeded)?;
    sms_verify(&ada.client, &right)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    let list = methods(&ada.client).await?;
    ensure!(list.methods.is_empty() && list.backup_codes_remaining == 0);
    Ok(())
}

async fn there_must_be_a_phone_to_verify(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    sms_verify(&ada.client, "123456")
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    totp_setup(&ada.client).await?;
    sms_verify(&ada.client, "123456")
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    let ada = t.enrol_sms(ada).await?;
    let used = t.sms_code(ada.phone()?, 1).await?;
    sms_verify(&ada.session.client, &used)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    Ok(())
}

async fn a_code_to_verify_the_profile_enrols_nothing(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let profiles = t.sms_code(&phone, 1).await?;
    sms_verify(&ada.client, &profiles)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    sms_setup(&ada.client, &phone).await.granted()?;
    t.messages(&phone, 2).await?;
    // Six digits may be the same by chance.
    if t.messages(&phone, 2)
        .await?
        .iter()
        .all(|text| text.code() == Some(&profiles))
    {
        return Ok(());
    }
    sms_verify(&ada.client, &profiles)
        .await
        .refused(400, ErrorCode::CodeInvalid)?;
    ensure!(!methods(&ada.client).await?.mfa_enabled);
    Ok(())
}

async fn a_new_code_voids_the_old_one(t: Trial) -> Verdict {
    let (ada, phone) = (t.newcomer().await?, t.fresh_phone());
    sms_setup(&ada.client, &phone).await.granted()?;
    let old = t.sms_code(&phone, 1).await?;
    t.advance_secs(MINUTE)?;
    sms_setup(&ada.client, &phone).await.granted()?;
    let new = t.sms_code(&phone, 2).await?;
    refuses_unless_same(&ada, &old, &new).await?;
    sms_verify(&ada.client, &new).await.granted()?;
    Ok(())
}

async fn a_code_is_good_for_its_number_only(t: Trial) -> Verdict {
    let (ada, first, second) = (t.newcomer().await?, t.fresh_phone(), t.fresh_phone());
    sms_setup(&ada.client, &first).await.granted()?;
    let old = t.sms_code(&first, 1).await?;
    t.advance_secs(MINUTE)?;
    sms_setup(&ada.client, &second).await.granted()?;
    let new = t.sms_code(&second, 1).await?;
    refuses_unless_same(&ada, &old, &new).await?;
    sms_verify(&ada.client, &new).await.granted()?;
    let me = profile(&ada.client).await?;
    ensure!(
        me.phone.as_deref() == Some(second.as_str()),
        "{:?}",
        me.phone
    );
    ensure!(methods(&ada.client).await?.methods.len() == 1);
    Ok(())
}

async fn a_replacement_takes_over_when_it_is_verified(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let (client, old, new) = (&ada.session.client, ada.phone()?, t.fresh_phone());
    t.advance_secs(MINUTE)?;
    sms_setup(client, &new).await.granted()?;
    let code = t.sms_code(&new, 1).await?;
    t.pending(&ada.email).await?;
    t.messages(old, 2).await?;
    ensure!(
        t.messages(&new, 0).await?.len() == 1,
        "a login's code for a pending number"
    );
    let enrolled = sms_verify(client, &code).await.granted()?;
    ensure!(enrolled.backup_codes.is_none() && enrolled.backup_codes_remaining == 10);
    t.advance_secs(MINUTE)?;
    let login = t.pending(&ada.email).await?;
    ensure!(login.code_sent);
    let code = t.sms_code(&new, 2).await?;
    ensure!(
        t.settled_messages(old).await?.len() == 2,
        "a code for the old number"
    );
    t.challenge(&login, Some(MfaMethod::Sms), &code)
        .await
        .granted()?;
    ensure!(methods(client).await?.methods.len() == 1);
    Ok(())
}

/// Two codes may be the same by chance; else the old one is wrong.
async fn refuses_unless_same(session: &Session, old: &str, new: &str) -> Verdict {
    if old != new {
        sms_verify(&session.client, old)
            .await
            .refused(400, ErrorCode::CodeInvalid)?;
    }
    Ok(())
}
