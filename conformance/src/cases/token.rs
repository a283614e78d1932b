//! `POST /api/auth/token`: what a password gives, and what a wrong one tells.

use anyhow::{Context, Result, ensure};
use bp_auth_client::ErrorCode;
use bp_auth_client::types::{Role, TokenType};
use serde_json::Value;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, WRONG_PASSWORD};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_right_password_gives_tokens,
        "A right password gives a bearer token for 15 minutes, a refresh token for 14 days, no `scope` and a summary of the user."
    )
    .depends_on(Setting::ROTATION),
    case!(
        the_cookie_carries_the_access_token,
        "A login sets the cookie `bp_token` to the access token of the body, for as long as the refresh token lives, and it authenticates."
    ),
    case!(
        every_login_is_a_session_of_its_own,
        "Each login begins a session of its own; it ends no other."
    )
    .depends_on(Setting::REUSE),
    case!(
        the_last_login_is_shown,
        "`last_login_at` is the time of the last login."
    )
    .clock(),
    case!(
        an_address_logs_in_in_any_spelling,
        "The user name is an e-mail address in any spelling of it."
    ),
    case!(
        a_password_is_compared_exactly,
        "A password is compared exactly: case, spaces and every character count."
    ),
    case!(
        a_password_is_compared_after_composition,
        "A password is compared after NFC: however a keyboard composes it, it is the same."
    ),
    case!(
        only_the_password_grant_is_served,
        "`grant_type` is `password` or absent; any other is 400 `unsupported_grant_type`, sets no cookie and is no failed login."
    ),
    case!(
        a_parameter_without_a_value_is_absent,
        "A parameter without a value is an absent one: empty `grant_type`, `scope`, `client_id` and `client_secret` change nothing, and an empty `username` or `password` is a 422 there."
    ),
    case!(
        a_bad_form_is_told_before_the_grant,
        "A form that is invalid is 422 before an unknown `grant_type` is 400."
    ),
    case!(
        scope_and_client_are_accepted_and_ignored,
        "`scope`, `client_id` and `client_secret` are accepted and ignored: the answer has no `scope`."
    ),
    case!(
        an_unknown_user_is_answered_like_a_wrong_password,
        "An unknown user and a wrong password get the same 401 `invalid_credentials`, byte by byte, and no cookie."
    ),
    case!(
        a_closed_account_is_told_to_the_right_password_only,
        "With a wrong password a deactivated or suspended account is the same 401 `invalid_credentials`, byte by byte, as any other."
    )
    .operator(),
    case!(
        a_deactivated_account_is_403,
        "The right password of a deactivated account is 403 `account_deactivated`, without cookie or tokens, until it is activated."
    )
    .operator(),
    case!(
        a_suspended_account_is_403,
        "The right password of a suspended account is 403 `account_suspended`, without cookie or tokens, until it is activated."
    )
    .operator(),
    case!(
        a_password_over_1024_bytes_is_422,
        "A password of more than 1024 bytes is a 422 at `password` and no failed login; one of 1024 bytes is merely wrong."
    ),
    case!(
        a_login_renews_a_hash_of_weaker_parameters,
        "A login hashes the password again when the parameters were raised since, once; a wrong password changes nothing."
    )
    .spawned()
    .set(&[("hash.profile", "standard")]),
];

const TOKEN: &str = "/api/auth/token";

async fn post(t: &Trial, form: &[(&str, &str)]) -> Result<Raw> {
    Raw::of(t.http().post(t.at(TOKEN)).form(form)).await
}

pub async fn attempt(t: &Trial, email: &str, password: &str) -> Result<Raw> {
    post(t, &[("username", email), ("password", password)]).await
}

/// All that a client can compare: everything but what names this one answer.
pub fn comparable(answer: &Raw) -> (u16, Vec<(String, String)>, Value) {
    let mut body = answer.json();
    body["request_id"] = Value::Null;
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date" && *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), format!("{value:?}")))
        .collect();
    headers.sort();
    (answer.status, headers, body)
}

async fn a_right_password_gives_tokens(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let me = ada.client.me().send().await.granted()?;
    let tokens = &ada.tokens;
    ensure!(tokens.token_type == TokenType::Bearer);
    // A second may begin between the token and the answer.
    let (access, refresh) = (tokens.expires_in, tokens.refresh_expires_in);
    ensure!((895..=900).contains(&access), "{access} s");
    let fortnight = 14 * 86_400;
    ensure!(
        (fortnight - 5..=fortnight).contains(&refresh),
        "{refresh} s"
    );
    ensure!(tokens.scope.is_none(), "scope {:?}", tokens.scope);
    ensure!(!tokens.mfa_required && tokens.trusted_device_id.is_none());
    ensure!(tokens.refresh_secret().expose().starts_with("bpr_"));
    let user = &tokens.user;
    ensure!((user.id, user.tenant_id) == (me.id, me.tenant.id));
    ensure!(user.email == ada.email && user.roles == [Role::Owner]);
    ensure!(!user.mfa_enabled);
    t.refresh(tokens.refresh_secret()).await.granted()?;
    Ok(())
}

async fn the_cookie_carries_the_access_token(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let answer = attempt(&t, &ada.email, PASSWORD).await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    let body = answer.json();
    let token = body["access_token"].as_str().context("no access token")?;
    let line = answer.set_cookie("bp_token").context("no cookie")?;
    ensure!(line.starts_with(&format!("bp_token={token};")));
    let age = format!("Max-Age={}", body["refresh_expires_in"]);
    ensure!(line.split("; ").any(|one| one == age), "not {age}");
    let pair = line.split(';').next().unwrap_or_default().to_owned();
    let browser = t.with(&[(http::header::COOKIE, pair)]);
    ensure!(browser.me().send().await.granted()?.email == ada.email);
    Ok(())
}

async fn every_login_is_a_session_of_its_own(t: Trial) -> Verdict {
    let first = t.newcomer().await?;
    let second = t.session(&first.email).await?;
    let mut sessions = Vec::new();
    for session in [&first, &second] {
        let me = session.client.me().send().await.granted()?;
        sessions.push(me.session.context("no session")?.id);
    }
    ensure!(sessions[0] != sessions[1], "one session for two logins");
    second.client.logout().send().await.granted()?;
    t.has_ended(&second.tokens).await?;
    t.lives(&first.tokens).await
}

async fn the_last_login_is_shown(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let first = t.now_ms();
    t.advance_secs(60)?;
    let shown = async || -> Result<i64> {
        let me = ada.client.me().send().await.granted()?;
        let at = me.last_login_at.context("no last login")?;
        Ok(at.timestamp_millis())
    };
    ensure!(shown().await? == first);
    let wrong = t.try_login(&ada.email, WRONG_PASSWORD).await;
    wrong.refused(401, ErrorCode::InvalidCredentials)?;
    ensure!(shown().await? == first, "a failure is shown as a login");
    t.session(&ada.email).await?;
    ensure!(shown().await? == t.now_ms());
    Ok(())
}

async fn an_address_logs_in_in_any_spelling(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for spelling in [ada.email.to_uppercase(), format!("  {} ", ada.email)] {
        let again = t.session(&spelling).await?;
        ensure!(again.tokens.user.id == ada.tokens.user.id);
    }
    Ok(())
}

async fn a_password_is_compared_exactly(t: Trial) -> Verdict {
    let ada = t.register().await?;
    for almost in [
        &PASSWORD[..PASSWORD.len() - 1],
        &format!("{PASSWORD} "),
        &format!(" {PASSWORD}"),
        &PASSWORD.to_uppercase(),
    ] {
        let refused = t.try_login(&ada.email, almost).await;
        refused.refused(401, ErrorCode::InvalidCredentials)?;
    }
    t.session(&ada.email).await?;
    Ok(())
}

async fn a_password_is_compared_after_composition(t: Trial) -> Verdict {
    let (email, client) = (t.fresh_email(), t.anonymous());
    let call = client.register().body_map(|body| {
        body.email(email.as_str())
            .password("e\u{301}Z\u{30c}9#w\u{302}3Lk")
    });
    call.send().await.granted()?;
    let composed = "\u{e9}\u{17d}9#\u{175}3Lk";
    t.try_login(&email, composed).await.granted()?;
    let plain = t.try_login(&email, "eZ9#w3Lk").await;
    plain.refused(401, ErrorCode::InvalidCredentials)?;
    // NFC, not NFKC: a full-width letter is another one.
    let wide = t
        .try_login(&email, &composed.replace('L', "\u{ff2c}"))
        .await;
    wide.refused(401, ErrorCode::InvalidCredentials)?;
    Ok(())
}

async fn only_the_password_grant_is_served(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let with = |grant| {
        [
            ("username", ada.email.as_str()),
            ("password", PASSWORD),
            ("grant_type", grant),
        ]
    };
    for grant in [
        "refresh_token",
        "client_credentials",
        "authorization_code",
        "PASSWORD",
    ] {
        let answer = post(&t, &with(grant)).await?;
        answer.is(400, "unsupported_grant_type")?;
        ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
    }
    // More than are free: nothing was counted.
    for grant in ["x", "y", "z"] {
        let answer = post(&t, &with(grant)).await?;
        answer.is(400, "unsupported_grant_type")?;
    }
    let answer = post(&t, &with("password")).await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    Ok(())
}

async fn a_parameter_without_a_value_is_absent(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let mut form = vec![("username", ada.email.as_str()), ("password", PASSWORD)];
    form.extend(["grant_type", "scope", "client_id", "client_secret"].map(|name| (name, "")));
    let answer = post(&t, &form).await?;
    ensure!(answer.status == 200, "answered {}", answer.text);
    for empty in ["username", "password"] {
        let form: Vec<_> = form
            .iter()
            .map(|(name, value)| (*name, if *name == empty { "" } else { *value }))
            .collect();
        let answer = post(&t, &form).await?;
        answer.is(422, "validation_error")?;
        let errors = answer.json()["errors"].clone();
        ensure!(
            errors[0]["loc"] == serde_json::json!(["body", empty]),
            "{errors}"
        );
    }
    Ok(())
}

async fn a_bad_form_is_told_before_the_grant(t: Trial) -> Verdict {
    for form in [
        [
            ("username", ""),
            ("password", PASSWORD),
            ("grant_type", "x"),
        ],
        [
            ("username", "ada@example.com"),
            ("password", ""),
            ("grant_type", "x"),
        ],
    ] {
        post(&t, &form).await?.is(422, "validation_error")?;
    }
    Ok(())
}

async fn scope_and_client_are_accepted_and_ignored(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let answer = post(
        &t,
        &[
            ("username", &ada.email),
            ("password", PASSWORD),
            ("scope", "admin everything"),
            ("client_id", "somebody"),
            ("client_secret", "whatever"),
        ],
    )
    .await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    ensure!(answer.json().get("scope").is_none(), "a scope was granted");
    Ok(())
}

async fn an_unknown_user_is_answered_like_a_wrong_password(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let wrong = attempt(&t, &ada.email, WRONG_PASSWORD).await?;
    wrong.is(401, "invalid_credentials")?;
    ensure!(
        wrong
            .header("www-authenticate")
            .is_some_and(|how| how.starts_with("Bearer"))
    );
    ensure!(!wrong.headers.contains_key("set-cookie"), "a cookie");
    for stranger in [t.fresh_email(), "no address".to_owned()] {
        let unknown = attempt(&t, &stranger, WRONG_PASSWORD).await?;
        ensure!(
            comparable(&unknown) == comparable(&wrong),
            "{stranger} is told apart"
        );
    }
    Ok(())
}

async fn a_closed_account_is_told_to_the_right_password_only(t: Trial) -> Verdict {
    let unknown = attempt(&t, &t.fresh_email(), WRONG_PASSWORD).await?;
    unknown.is(401, "invalid_credentials")?;
    for action in ["deactivate", "suspend"] {
        let ada = t.register().await?;
        t.operator(action, &ada.email).await?;
        let closed = attempt(&t, &ada.email, WRONG_PASSWORD).await?;
        ensure!(
            comparable(&closed) == comparable(&unknown),
            "{action} is told"
        );
    }
    Ok(())
}

async fn closed(t: &Trial, action: &str, code: &str) -> Verdict {
    let ada = t.register().await?;
    t.operator(action, &ada.email).await?;
    let answer = attempt(t, &ada.email, PASSWORD).await?;
    answer.is(403, code)?;
    ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
    for token in ["access_token", "refresh_token", "mfa_token"] {
        ensure!(answer.json().get(token).is_none(), "{token}");
    }
    t.operator("activate", &ada.email).await?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn a_deactivated_account_is_403(t: Trial) -> Verdict {
    closed(&t, "deactivate", "account_deactivated").await
}

async fn a_suspended_account_is_403(t: Trial) -> Verdict {
    closed(&t, "suspend", "account_suspended").await
}

async fn a_password_over_1024_bytes_is_422(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let refused = t.try_login(&ada.email, &"x".repeat(1024)).await;
    refused.refused(401, ErrorCode::InvalidCredentials)?;
    // Composed these would be few; nor is any of them a failure.
    for password in ["x".repeat(1025), "e\u{301}".repeat(342)] {
        for _ in 0..3 {
            let refused = t.try_login(&ada.email, &password).await;
            let refused = refused.refused(422, ErrorCode::ValidationError)?;
            ensure!(refused.fields() == ["body.password"]);
        }
    }
    t.session(&ada.email).await?;
    Ok(())
}

async fn a_login_renews_a_hash_of_weaker_parameters(t: Trial) -> Verdict {
    let email = t.fresh_email();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), PASSWORD)?;
    let path = file.path().to_string_lossy();
    let (weaker, create) = (["--set", "hash.profile=cheap"], ["user", "create"]);
    let arguments = [&weaker[..], &create, &[&email, "--password-file", &path]].concat();
    t.command(&arguments).await?;
    let hash = || {
        t.stored_text(
            "SELECT password_hash FROM users WHERE email_key = ?1",
            &email,
        )
    };
    let weak = hash()?;
    let wrong = t.try_login(&email, WRONG_PASSWORD).await;
    wrong.refused(401, ErrorCode::InvalidCredentials)?;
    ensure!(hash()? == weak, "a wrong password changes the hash");
    t.session(&email).await?;
    let renewed = hash()?;
    let parameters = |hash: &str| hash.split('$').nth(3).map(str::to_owned);
    ensure!(parameters(&renewed) != parameters(&weak), "not renewed");
    t.session(&email).await?;
    ensure!(hash()? == renewed, "once is enough");
    Ok(())
}
