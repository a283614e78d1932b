//! `POST /api/auth/reactivate/*`: the way back into a deactivated account.

use anyhow::{Result, ensure};
use bp_auth_client::types::{LoginResponse, ReactivateRequestEmail, Reactivated};
use bp_auth_client::{Error, ErrorCode, ResponseValue, Secret, types};
use http::HeaderName;
use serde_json::json;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, Session};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_mailed_link_opens_the_account_and_logs_nobody_in,
        "The mailed link makes a deactivated account active again and gives no tokens; old sessions stay ended."
    )
    .messages()
    .operator(),
    case!(
        every_address_gets_the_same_answer,
        "A request answers 204 alike for active, deactivated, suspended and unknown addresses; only a deactivated user gets a mail."
    )
    .messages()
    .operator(),
    case!(
        the_fourth_request_of_an_hour_is_silent,
        "The limit of three mails an hour counts per address in any spelling and stays silent; other addresses are not concerned."
    )
    .messages()
    .operator(),
    case!(
        a_link_works_once,
        "A used link is 410 `token_used`, also when the account was deactivated again since."
    )
    .messages()
    .operator(),
    case!(
        a_suspension_meanwhile_voids_the_link,
        "The link of a user suspended meanwhile is 409 `account_suspended`, and void after the suspension: 400 `token_invalid`, not used."
    )
    .messages()
    .operator(),
    case!(
        a_link_of_an_earlier_deactivation_is_void,
        "Of two links the unused one is void once the account was deactivated again: 400 `token_invalid`, and it stays closed."
    )
    .messages()
    .operator(),
    case!(
        an_unused_link_of_an_active_user_is_accepted,
        "An unused link of a user who is active again is 200, ends no session, and is used up."
    )
    .messages()
    .operator(),
    case!(
        what_is_no_link_is_400,
        "What is no reactivation token (garbage, a spoilt signature, a token of another kind) is 400 `token_invalid`."
    )
    .messages()
    .operator(),
    case!(
        a_link_is_no_key,
        "A reactivation token is no credential of a request and no other operation takes it."
    )
    .messages()
    .operator(),
    case!(
        second_factors_survive_and_trusted_devices_do_not,
        "Second factors survive a deactivation; trusted devices do not."
    )
    .messages()
    .operator(),
    case!(
        every_way_in_is_closed_until_the_link_is_used,
        "A deactivated user has no way in by password, session, refresh token or API key; the link opens the password again, and nothing else."
    )
    .depends_on(Setting::REUSE)
    .messages()
    .operator(),
    case!(
        a_suspended_user_gets_no_way_back,
        "A suspended user cannot log in and gets no link on request."
    )
    .messages()
    .operator(),
    case!(
        bodies_are_refused_by_field,
        "A request without a valid address and a confirmation without a token are 422 at the field."
    ),
];

async fn a_mailed_link_opens_the_account_and_logs_nobody_in(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?;
    t.try_login(&ada.email, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    // In another spelling of the same address.
    request(&t, &format!(" {} ", ada.email.to_uppercase())).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    let (done, headers) = confirm(&t, &link).await.granted_with_headers()?;
    ensure!(done.email == ada.email, "it names {}", done.email);
    ensure!(
        serde_json::to_value(&done)?["status"] == "reactivated",
        "another status"
    );
    ensure!(!headers.contains_key("set-cookie"), "it sets a cookie");
    ada.client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn every_address_gets_the_same_answer(t: Trial) -> Verdict {
    let gone = deactivated(&t).await?.email;
    let suspended = t.register().await?.email;
    t.operator("suspend", &suspended).await?;
    let active = t.register().await?.email;
    let unknown = t.fresh_email();
    let mut answers = Vec::new();
    for email in [&active, &gone, &suspended, &unknown] {
        let call = t.http().post(t.at("/api/auth/reactivate/request"));
        let answer = Raw::of(call.json(&json!({ "email": email }))).await?;
        let mut names: Vec<_> = answer.headers.keys().cloned().collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        answers.push((answer.status, answer.text, names));
    }
    ensure!(answers[0].0 == 204, "answered {}", answers[0].0);
    ensure!(
        answers.iter().all(|answer| *answer == answers[0]),
        "the answers differ: {answers:?}"
    );
    for (email, expected) in [(&active, 0), (&gone, 1), (&suspended, 0), (&unknown, 0)] {
        ensure!(links(&t, email).await? == expected, "links for {email}");
    }
    Ok(())
}

async fn the_fourth_request_of_an_hour_is_silent(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?.email;
    let bob = deactivated(&t).await?.email;
    for spelling in [&ada, &ada.to_uppercase(), &format!(" {ada}"), &ada, &ada] {
        request(&t, spelling).await?;
    }
    request(&t, &bob).await?;
    ensure!(links(&t, &ada).await? == 3, "not three mails");
    ensure!(links(&t, &bob).await? == 1, "the other address is limited");
    Ok(())
}

async fn a_link_works_once(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    confirm(&t, &link).await.granted()?;
    confirm(&t, &link)
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    t.operator("deactivate", &ada.email).await?;
    confirm(&t, &link)
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    t.try_login(&ada.email, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    Ok(())
}

async fn a_suspension_meanwhile_voids_the_link(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    t.operator("suspend", &ada.email).await?;
    confirm(&t, &link)
        .await
        .refused(409, ErrorCode::AccountSuspended)?;
    t.try_login(&ada.email, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountSuspended)?;
    t.operator("deactivate", &ada.email).await?;
    confirm(&t, &link)
        .await
        .refused(400, ErrorCode::TokenInvalid)?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 2).await?;
    confirm(&t, &link).await.granted()?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn a_link_of_an_earlier_deactivation_is_void(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?;
    request(&t, &ada.email).await?;
    let spare = t.mailed_token(&ada.email, "reactivate", 1).await?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 2).await?;
    confirm(&t, &link).await.granted()?;
    t.operator("deactivate", &ada.email).await?;
    confirm(&t, &spare)
        .await
        .refused(400, ErrorCode::TokenInvalid)?;
    t.try_login(&ada.email, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    Ok(())
}

async fn an_unused_link_of_an_active_user_is_accepted(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    t.operator("activate", &ada.email).await?;
    let session = t.session(&ada.email).await?;
    confirm(&t, &link).await.granted()?;
    session.client.me().send().await.granted()?;
    confirm(&t, &link)
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    Ok(())
}

async fn what_is_no_link_is_400(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    let bob = t.with_totp().await?;
    let pending = t.pending(&bob.email).await?.mfa_token;
    bob.session
        .client
        .mfa_reset_request()
        .send()
        .await
        .granted()?;
    let reset = t.mailed_token(&bob.email, "mfa-reset", 1).await?;
    let (signed, _) = link.expose().rsplit_once('.').unwrap_or_default();
    for wrong in [
        Secret::from("garbage"),
        Secret::from(format!("{signed}.AAAA")),
        Secret::from(signed),
        ada.tokens.access_token.clone(),
        ada.tokens.refresh_secret().clone(),
        pending,
        reset.clone(),
    ] {
        confirm(&t, &wrong)
            .await
            .refused(400, ErrorCode::TokenInvalid)?;
    }
    t.try_login(&ada.email, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    confirm(&t, &link).await.granted()?;
    // Nor was anything else used up.
    let client = t.anonymous();
    let call = client.mfa_reset_confirm();
    call.body_map(|body| body.token(reset))
        .send()
        .await
        .granted()?;
    Ok(())
}

async fn a_link_is_no_key(t: Trial) -> Verdict {
    let ada = deactivated(&t).await?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    t.bearer(&link)
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    t.refresh(&link)
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    let token = link.clone();
    let client = t.anonymous();
    let call = client.mfa_reset_confirm();
    call.body_map(|body| body.token(token))
        .send()
        .await
        .refused(400, ErrorCode::TokenInvalid)?;
    let token = link.clone();
    let client = t.anonymous();
    let call = client.mfa_challenge();
    call.body_map(|body| body.mfa_token(token).code(Secret::from("123456")))
        .send()
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    confirm(&t, &link).await.granted()?;
    Ok(())
}

async fn second_factors_survive_and_trusted_devices_do_not(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let pending = t.pending(&ada.email).await?;
    let code = ada.backup_codes[0].clone();
    let client = t.anonymous();
    let call = client.mfa_challenge().body_map(|body| {
        let body = body.mfa_token(pending.mfa_token).code(code);
        body.remember_device(true)
    });
    let (_, headers) = call.send().await.granted_with_headers()?;
    let device = crate::cases::cookies::value(&headers, "bp_trusted_device")?;
    let device = (HeaderName::from_static("x-trusted-device"), device);
    let remembered = t.with(&[device]);
    let login = || {
        let form = remembered.login();
        form.body_map(|form| form.username(ada.email.as_str()).password(PASSWORD))
            .send()
    };
    ensure!(
        matches!(login().await.granted()?, LoginResponse::TokenResponse(_)),
        "the device is not trusted"
    );
    t.operator("deactivate", &ada.email).await?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    confirm(&t, &link).await.granted()?;
    ensure!(
        matches!(login().await.granted()?, LoginResponse::MfaPending(_)),
        "the device is still trusted"
    );
    t.backup_session(&ada, 1).await?;
    Ok(())
}

async fn every_way_in_is_closed_until_the_link_is_used(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let by_key = t.with(&[(
        HeaderName::from_static("x-api-key"),
        key.expose().to_owned(),
    )]);
    by_key.me().send().await.granted()?;
    t.operator("deactivate", &ada.email).await?;
    by_key
        .me()
        .send()
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    ada.client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    t.refresh(ada.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    t.try_login(&ada.email, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    request(&t, &ada.email).await?;
    let link = t.mailed_token(&ada.email, "reactivate", 1).await?;
    confirm(&t, &link).await.granted()?;
    by_key
        .me()
        .send()
        .await
        .refused(401, ErrorCode::ApiKeyInvalid)?;
    t.session(&ada.email).await?;
    ensure!(
        t.refresh(ada.tokens.refresh_secret()).await.is_err(),
        "an old session came back"
    );
    Ok(())
}

async fn a_suspended_user_gets_no_way_back(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    t.operator("suspend", &ada).await?;
    request(&t, &ada).await?;
    ensure!(links(&t, &ada).await? == 0, "a link was mailed");
    t.try_login(&ada, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountSuspended)?;
    Ok(())
}

async fn bodies_are_refused_by_field(t: Trial) -> Verdict {
    for (end, body, field) in [
        ("request", json!({}), "email"),
        ("request", json!({ "email": "ada" }), "email"),
        ("request", json!({ "email": 1 }), "email"),
        ("confirm", json!({}), "token"),
        ("confirm", json!({ "token": null }), "token"),
    ] {
        let call = t.http().post(t.at(&format!("/api/auth/reactivate/{end}")));
        let answer = Raw::of(call.json(&body)).await?;
        answer.is(422, "validation_error")?;
        let blamed = &answer.json()["errors"][0]["loc"];
        ensure!(*blamed == json!(["body", field]), "{body} blames {blamed}");
    }
    Ok(())
}

/// Somebody who was logged in when an operator deactivated them.
async fn deactivated(t: &Trial) -> Result<Session> {
    let session = t.newcomer().await?;
    t.operator("deactivate", &session.email).await?;
    Ok(session)
}

async fn request(t: &Trial, email: &str) -> Result<()> {
    let email = ReactivateRequestEmail::try_from(email)?;
    let client = t.anonymous();
    let call = client.reactivate_request();
    call.body_map(|body| body.email(email))
        .send()
        .await
        .granted()
}

async fn confirm(
    t: &Trial,
    token: &Secret,
) -> Result<ResponseValue<Reactivated>, Error<types::Error>> {
    let token = token.clone();
    let client = t.anonymous();
    let call = client.reactivate_confirm();
    call.body_map(|body| body.token(token)).send().await
}

/// How many links an address was mailed.
async fn links(t: &Trial, email: &str) -> Result<usize> {
    let mails = t.settled_messages(email).await?;
    let links = mails
        .iter()
        .filter_map(|mail| mail.link_token("reactivate"));
    Ok(links.count())
}
