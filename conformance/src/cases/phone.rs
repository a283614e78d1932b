//! `POST /api/auth/verify-phone/*`: the phone of the profile, verified by a code.

use anyhow::{Result, ensure};
use bp_auth_client::types::PhoneVerified;
use bp_auth_client::{Client, Error, ErrorCode, ResponseValue, types};
use serde_json::json;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::{Granted, Raw, RefreshSecret, Session};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_code_verifies_the_number_of_the_profile,
        "A right code verifies the profile's number; that is no second factor."
    )
    .messages(),
    case!(
        a_verified_number_needs_no_code,
        "With the phone verified a request is 200 with `sent: false`, `expires_in: 0`, `retry_after: 0` and sends nothing; a confirmation is 409 `phone_already_verified`."
    )
    .messages(),
    case!(
        without_a_number_there_is_nothing_to_verify,
        "Without a number in the profile both operations are 409 `phone_missing`."
    ),
    case!(
        registering_with_a_number_sends_nothing,
        "A number given at registration is not verified and gets no message before somebody asks."
    )
    .messages(),
    case!(
        within_the_interval_no_other_code_goes_out,
        "A second request within 60 s is 429 with the rest of them in Retry-After; the code under way stays good."
    )
    .messages(),
    case!(
        a_new_code_voids_the_old,
        "A new code voids the one before."
    )
    .messages()
    .clock(),
    case!(
        a_user_gets_five_codes_a_day,
        "The sixth request of a day is 429, and the fifth code stays good."
    )
    .messages()
    .clock()
    .set(&[("tokens.access_ttl", "1d")]),
    case!(
        five_wrong_codes_use_a_code_up,
        "Five wrong codes are 400 `code_invalid` each; after them even the right one is `code_attempts_exceeded`, then `code_expired`."
    )
    .messages(),
    case!(
        a_malformed_code_is_no_try,
        "What is not six digits is 422 and counts as no try."
    )
    .messages(),
    case!(
        nobody_has_asked_for_a_code,
        "A confirmation without a code on its way is 400 `code_expired`."
    ),
    case!(
        a_code_is_for_its_user_only,
        "A code is good for the user who asked for it, not for another one with the same number."
    )
    .messages(),
    case!(
        a_code_is_for_its_purpose_only,
        "A code of the phone's verification enrols no second factor, and a set-up's code verifies no phone."
    )
    .messages(),
    case!(
        a_country_that_is_not_served_gets_no_message,
        "A number of a country outside `sms.allowed_countries` is 422 `phone_not_allowed`, and nothing is sent."
    )
    .messages()
    .set(&[("sms.allowed_countries", "AT,CH")]),
    case!(
        an_old_login_may_verify_its_phone,
        "Verifying a phone asks for no step-up."
    )
    .depends_on(Setting::ROTATION)
    .messages()
    .clock(),
];

async fn a_code_verifies_the_number_of_the_profile(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    let sent = ada.client.verify_phone_request().send().await.granted()?;
    ensure!(sent.sent, "no code was sent");
    ensure!(
        (sent.expires_in, sent.retry_after) == (600, 60),
        "expires in {} s, again in {} s",
        sent.expires_in,
        sent.retry_after
    );
    ensure!(
        sent.phone_hint != phone && !sent.phone_hint.contains(&phone[4..10]),
        "the hint shows the number"
    );
    ensure!(!verified(&ada).await?, "verified before the code");
    let code = t.sms_code(&phone, 1).await?;
    let done = confirm(&ada.client, &code).await.granted()?;
    ensure!(done.phone == phone && done.phone_verified, "{done:?}");
    let me = ada.client.me().send().await.granted()?;
    ensure!(me.phone_verified, "the profile does not know");
    ensure!(!me.mfa_enabled, "a verified phone became a second factor");
    Ok(())
}

async fn a_verified_number_needs_no_code(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    confirm(&ada.client, &code).await.granted()?;
    let again = ada.client.verify_phone_request().send().await.granted()?;
    ensure!(!again.sent, "another code was sent");
    ensure!((again.expires_in, again.retry_after) == (0, 0), "{again:?}");
    confirm(&ada.client, &code)
        .await
        .refused(409, ErrorCode::PhoneAlreadyVerified)?;
    ensure!(t.settled_messages(&phone).await?.len() == 1, "a message");
    Ok(())
}

async fn without_a_number_there_is_nothing_to_verify(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    ada.client
        .verify_phone_request()
        .send()
        .await
        .refused(409, ErrorCode::PhoneMissing)?;
    confirm(&ada.client, "123456")
        .await
        .refused(409, ErrorCode::PhoneMissing)?;
    Ok(())
}

async fn registering_with_a_number_sends_nothing(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    let me = ada.client.me().send().await.granted()?;
    ensure!(
        me.phone.as_deref() == Some(phone.as_str()),
        "{:?}",
        me.phone
    );
    ensure!(!me.phone_verified, "verified by nobody");
    ensure!(t.settled_messages(&phone).await?.is_empty(), "a message");
    Ok(())
}

async fn within_the_interval_no_other_code_goes_out(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let again = ada.client.verify_phone_request().send().await;
    let wait = again.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!((1..=60).contains(&wait), "wait {wait} s");
    ensure!(t.settled_messages(&phone).await?.len() == 1, "a message");
    let code = t.sms_code(&phone, 1).await?;
    confirm(&ada.client, &code).await.granted()?;
    Ok(())
}

async fn a_new_code_voids_the_old(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let old = t.sms_code(&phone, 1).await?;
    t.advance_secs(60)?;
    ada.client.verify_phone_request().send().await.granted()?;
    let mut new = t.sms_code(&phone, 2).await?;
    // One pair in a million is equal and shows nothing.
    if old == new {
        t.advance_secs(60)?;
        ada.client.verify_phone_request().send().await.granted()?;
        new = t.sms_code(&phone, 3).await?;
    }
    confirm(&ada.client, &old)
        .await
        .refused(400, ErrorCode::CodeInvalid)?;
    confirm(&ada.client, &new).await.granted()?;
    Ok(())
}

async fn a_user_gets_five_codes_a_day(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    for sent in 1..=5 {
        ada.client.verify_phone_request().send().await.granted()?;
        t.messages(&phone, sent).await?;
        t.advance_secs(60)?;
    }
    let sixth = ada.client.verify_phone_request().send().await;
    let wait = sixth.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!(wait == 86_400 - 300, "wait {wait} s");
    ensure!(t.settled_messages(&phone).await?.len() == 5, "a message");
    let code = t.sms_code(&phone, 5).await?;
    confirm(&ada.client, &code).await.granted()?;
    Ok(())
}

async fn five_wrong_codes_use_a_code_up(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let right = t.sms_code(&phone, 1).await?;
    for _ in 0..5 {
        confirm(&ada.client, wrong(&right))
            .await
            .refused(400, ErrorCode::CodeInvalid)?;
    }
    confirm(&ada.client, &right)
        .await
        .refused(400, ErrorCode::CodeAttemptsExceeded)?;
    confirm(&ada.client, &right)
        .await
        .refused(400, ErrorCode::CodeExpired)?;
    ensure!(!verified(&ada).await?, "verified all the same");
    Ok(())
}

async fn a_malformed_code_is_no_try(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let right = t.sms_code(&phone, 1).await?;
    for malformed in ["", "12345", "1234567", "12345a", "-12345", "12345\u{301}"] {
        let call = t.http().post(t.at("/api/auth/verify-phone/confirm"));
        let call = call.bearer_auth(ada.tokens.access_token.expose());
        let answer = Raw::of(call.json(&json!({ "code": malformed }))).await?;
        answer.is(422, "validation_error")?;
    }
    confirm(&ada.client, &right).await.granted()?;
    Ok(())
}

async fn nobody_has_asked_for_a_code(t: Trial) -> Verdict {
    let (ada, _) = with_phone(&t).await?;
    confirm(&ada.client, "123456")
        .await
        .refused(400, ErrorCode::CodeExpired)?;
    ensure!(!verified(&ada).await?, "verified all the same");
    Ok(())
}

async fn a_code_is_for_its_user_only(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    let bob = t.newcomer_with_phone(&phone).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    confirm(&bob.client, &code)
        .await
        .refused(400, ErrorCode::CodeExpired)?;
    ensure!(!verified(&bob).await?, "verified by another's code");
    confirm(&ada.client, &code).await.granted()?;
    ensure!(!verified(&bob).await?, "verified with the other");
    Ok(())
}

async fn a_code_is_for_its_purpose_only(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let enrol = |code: String| {
        let call = ada.client.sms_verify();
        call.body_map(|body| body.code(code)).send()
    };
    enrol(code).await.refused(409, ErrorCode::MfaNotPending)?;
    // Bob has a set-up's code only.
    let bob = t.newcomer_with_phone(&phone).await?;
    let call = bob.client.sms_setup();
    call.body_map(|body| body.phone_number(phone.as_str()))
        .send()
        .await
        .granted()?;
    let code = t.sms_code(&phone, 2).await?;
    confirm(&bob.client, &code)
        .await
        .refused(400, ErrorCode::CodeExpired)?;
    ensure!(!verified(&bob).await?, "verified by a set-up's code");
    Ok(())
}

async fn a_country_that_is_not_served_gets_no_message(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    ada.client
        .verify_phone_request()
        .send()
        .await
        .refused(422, ErrorCode::PhoneNotAllowed)?;
    ensure!(t.settled_messages(&phone).await?.is_empty(), "a message");
    let bob = t.newcomer_with_phone("+436641234567").await?;
    let sent = bob.client.verify_phone_request().send().await.granted()?;
    ensure!(sent.sent, "a country that is served gets none either");
    Ok(())
}

async fn an_old_login_may_verify_its_phone(t: Trial) -> Verdict {
    let (ada, phone) = with_phone(&t).await?;
    t.advance_secs(800)?;
    let tokens = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    t.advance_secs(800)?;
    let client = t.bearer(&tokens.access_token);
    client
        .totp_setup()
        .send()
        .await
        .refused(403, ErrorCode::ReauthenticationRequired)?;
    client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    confirm(&client, &code).await.granted()?;
    Ok(())
}

/// A newcomer with an unverified number.
async fn with_phone(t: &Trial) -> Result<(Session, String)> {
    let phone = t.fresh_phone();
    Ok((t.newcomer_with_phone(&phone).await?, phone))
}

async fn confirm(
    client: &Client,
    code: &str,
) -> Result<ResponseValue<PhoneVerified>, Error<types::Error>> {
    let call = client.verify_phone_confirm();
    call.body_map(|body| body.code(code)).send().await
}

async fn verified(session: &Session) -> Result<bool> {
    let me = session.client.me().send().await.granted()?;
    Ok(me.phone_verified)
}

fn wrong(right: &str) -> &'static str {
    if right == "111111" {
        "222222"
    } else {
        "111111"
    }
}
