//! Which refusal a request gets that deserves several.

use anyhow::{Result, ensure};
use bp_auth_client::ErrorCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN};
use serde_json::json;

use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, WRONG_PASSWORD};
use crate::trial::Trial;

const JSON: &str = "application/json";
const FOREIGN: &str = "https://evil.example";

pub const CASES: &[Case] = &[
    case!(
        each_check_comes_before_the_next,
        "Size comes before cross-site, that before credentials, those before the media type, that before the fields."
    ),
    case!(
        fields_come_before_step_up_and_that_before_limits,
        "Fields are checked before the step-up, and the step-up before limits."
    )
    .depends_on(Setting::ROTATION)
    .clock()
    .set(&[("limits.sms_per_day", "1")]),
    case!(
        grant_type_and_fields_come_before_limits,
        "At login fields come before the grant type, and both before limits and the password."
    ),
    case!(
        limits_come_before_what_is_taken,
        "The limit of registrations is told before whether the address is taken."
    )
    .only(&Profile::OPEN_REGISTRATION)
    .set(&[("limits.register_per_minute", "2")]),
];

async fn each_check_comes_before_the_next(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let setup = || t.http().post(t.at("/api/auth/mfa/sms/setup"));
    let bad = || setup().header(COOKIE, "bp_token=bad");
    let bearer = format!("Bearer {}", ada.tokens.access_token.expose());
    let mine = || setup().header(AUTHORIZATION, bearer.as_str());
    let large = "a".repeat(17_000);
    for (call, status, code) in [
        (
            bad().header(ORIGIN, FOREIGN).body(large),
            413,
            "payload_too_large",
        ),
        (
            bad().header(ORIGIN, FOREIGN).body("x"),
            403,
            "csrf_rejected",
        ),
        (bad().body("x"), 401, "token_invalid"),
        (setup().body("x"), 401, "not_authenticated"),
        (setup().bearer_auth("bad").body("x"), 401, "token_invalid"),
        (mine().body("{"), 415, "unsupported_media_type"),
        (
            mine().header(CONTENT_TYPE, JSON).body("{"),
            422,
            "validation_error",
        ),
        (
            mine().json(&json!({ "phone_number": "5" })),
            422,
            "validation_error",
        ),
    ] {
        Raw::of(call).await?.is(status, code)?;
    }
    let methods = ada.client.mfa_methods().send().await.granted()?;
    ensure!(methods.methods.is_empty(), "something was set up");
    Ok(())
}

async fn fields_come_before_step_up_and_that_before_limits(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let phone = t.fresh_phone();
    let setup = async |token: &str, phone: &str| {
        let call = t.http().post(t.at("/api/auth/mfa/sms/setup"));
        let call = call.bearer_auth(token);
        Raw::of(call.json(&json!({ "phone_number": phone }))).await
    };
    let fresh = ada.tokens.access_token.expose();
    let sent = setup(fresh, &phone).await?;
    ensure!(sent.status == 200, "answered {}", sent.status);
    setup(fresh, &phone).await?.is(429, "rate_limited")?;
    t.advance_secs(800)?;
    let old = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    t.advance_secs(800)?;
    let old = old.access_token.expose();
    setup(old, "5").await?.is(422, "validation_error")?;
    setup(old, &phone)
        .await?
        .is(403, "reauthentication_required")?;
    Ok(())
}

async fn grant_type_and_fields_come_before_limits(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let (name, right) = (("username", ada.as_str()), ("password", PASSWORD));
    let other = ("grant_type", "client_credentials");
    let answer = login(&t, &[name, other]).await?;
    answer.is(422, "validation_error")?;
    for _ in 0..5 {
        let wrong = t.try_login(&ada, WRONG_PASSWORD).await;
        wrong.refused(401, ErrorCode::InvalidCredentials)?;
    }
    login(&t, &[name, right]).await?.is(429, "rate_limited")?;
    let answer = login(&t, &[name, right, other]).await?;
    answer.is(400, "unsupported_grant_type")?;
    login(&t, &[name]).await?.is(422, "validation_error")?;
    Ok(())
}

async fn limits_come_before_what_is_taken(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let body = json!({ "email": ada, "password": PASSWORD });
    let again = async || Raw::of(t.http().post(t.at("/api/auth/register")).json(&body)).await;
    again().await?.is(409, "email_taken")?;
    again().await?.is(429, "rate_limited")?;
    Ok(())
}

/// A login form with these fields.
async fn login(t: &Trial, form: &[(&str, &str)]) -> Result<Raw> {
    Raw::of(t.http().post(t.at("/api/auth/token")).form(form)).await
}
