//! The kinds of tokens: what they say to whom, and what each is good for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use bp_auth_client::{ErrorCode, Secret};
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use serde_json::{Value, json};

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::jwt::{part, verified};
use crate::kit::{Granted, Guarded, Raw, RefreshSecret};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        another_service_verifies_an_access_token_offline,
        "An access token is `at+jwt`, EdDSA, its `kid` published; its twelve claims say who, where and since when, and nothing else."
    ),
    case!(
        the_issuer_is_configured,
        "`iss` is `tokens.issuer` where that is set."
    )
    .set(&[("tokens.issuer", "https://id.example.com")]),
    case!(
        every_kind_has_a_type_an_audience_and_a_life_of_its_own,
        "Access, mfa-pending, mfa-reset and reactivation tokens differ in `typ` and `aud` and live 15, 5, 30 and 60 minutes."
    )
    .messages()
    .operator(),
    case!(
        a_kind_is_good_for_one_purpose,
        "Each kind of token and key opens the one thing it is for; everywhere else it is refused like garbage and stays good."
    )
    .depends_on(Setting::ROTATION)
    .messages()
    .operator(),
    case!(
        amr_says_how_the_user_authenticated,
        "`amr` is `pwd` after a password alone and names the second factor after a challenge; `User.session` says the same."
    ),
    case!(
        a_refresh_does_not_change_when_the_user_authenticated,
        "A refresh gives a token with another `jti` and a later `iat`, and the same `sub`, `tid`, `sid` and `auth_time`."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        the_scheme_is_bearer_in_any_case,
        "The scheme `bearer` is case-insensitive; another scheme, or none, is 401 `not_authenticated`; a bad token is 401 `token_invalid` with RFC 6750's `error`."
    ),
    case!(
        opaque_tokens_carry_a_prefix_and_a_checksum,
        "Refresh tokens begin with `bpr_` and API keys with `bpk_`, never twice the same; with one character changed they are refused."
    )
    .depends_on(Setting::ROTATION),
];

async fn another_service_verifies_an_access_token_offline(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let token = ada.tokens.access_token.expose();
    let header = part(token, 0)?;
    ensure!(header["typ"] == "at+jwt", "typ {}", header["typ"]);
    ensure!(header["alg"] == "EdDSA", "alg {}", header["alg"]);
    let claims = verified(&t, token).await?;
    let names: BTreeSet<&str> = claims
        .as_object()
        .context("no claims")?
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "amr",
        "aud",
        "auth_time",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "scope",
        "sid",
        "sub",
        "tid",
    ];
    ensure!(names.iter().eq(expected.iter()), "claims {names:?}");
    let me = ada.client.me().send().await.granted()?;
    let session = me.session.context("no session")?;
    ensure!(claims["sub"] == json!(me.id), "another sub");
    ensure!(claims["tid"] == json!(me.tenant.id), "another tid");
    ensure!(claims["sid"] == json!(session.id), "another sid");
    ensure!(
        claims["auth_time"] == json!(session.auth_time.timestamp()),
        "another auth_time"
    );
    ensure!(claims["scope"] == "", "scope {}", claims["scope"]);
    let number = |name: &str| claims[name].as_i64().with_context(|| format!("no {name}"));
    let life = number("exp")? - number("iat")?;
    ensure!(
        life == i64::from(ada.tokens.expires_in),
        "it lives {life} s"
    );
    ensure!(number("nbf")? <= number("iat")?, "not good at once");
    let away = (number("iat")? - t.now_ms() / 1000).abs();
    ensure!(away <= 60, "issued {away} s from now");
    claims["jti"]
        .as_str()
        .context("no jti")?
        .parse::<uuid::Uuid>()?;
    ensure!(
        !claims["iss"].as_str().unwrap_or_default().is_empty(),
        "iss"
    );
    Ok(())
}

async fn the_issuer_is_configured(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let claims = verified(&t, ada.tokens.access_token.expose()).await?;
    ensure!(
        claims["iss"] == "https://id.example.com",
        "{}",
        claims["iss"]
    );
    ada.client.me().send().await.granted()?;
    Ok(())
}

/// One token of every kind.
struct Kinds {
    guarded: Guarded,
    tokens: BTreeMap<&'static str, Secret>,
}

async fn kinds(t: &Trial) -> Result<Kinds> {
    let gone = t.register().await?.email;
    t.operator("deactivate", &gone).await?;
    let call = t.http().post(t.at("/api/auth/reactivate/request"));
    Raw::of(call.json(&json!({ "email": gone }))).await?;
    let guarded = t.with_totp().await?;
    let client = &guarded.session.client;
    client.mfa_reset_request().send().await.granted()?;
    let key = client.rotate_api_key().send().await.granted()?.api_key;
    let session = &guarded.session.tokens;
    let pending = t.pending(&guarded.email).await?.mfa_token;
    let tokens = [
        ("access", session.access_token.clone()),
        ("refresh", session.refresh_secret().clone()),
        ("pending", pending),
        (
            "reset",
            t.mailed_token(&guarded.email, "mfa-reset", 1).await?,
        ),
        (
            "reactivation",
            t.mailed_token(&gone, "reactivate", 1).await?,
        ),
        ("key", key),
    ];
    Ok(Kinds {
        guarded,
        tokens: tokens.into_iter().collect(),
    })
}

async fn every_kind_has_a_type_an_audience_and_a_life_of_its_own(t: Trial) -> Verdict {
    let all = kinds(&t).await?.tokens;
    let (mut types, mut audiences) = (BTreeSet::new(), BTreeSet::new());
    for (kind, minutes) in [
        ("access", 15),
        ("pending", 5),
        ("reset", 30),
        ("reactivation", 60),
    ] {
        let token = all[kind].expose();
        let claims = verified(&t, token).await?;
        types.insert(part(token, 0)?["typ"].to_string());
        audiences.insert(claims["aud"].to_string());
        let life = claims["exp"].as_i64().zip(claims["iat"].as_i64());
        let life = life.map(|(end, start)| end - start);
        ensure!(life == Some(minutes * 60), "{kind} lives {life:?} s");
    }
    ensure!(types.len() == 4, "types {types:?}");
    ensure!(audiences.len() == 4, "audiences {audiences:?}");
    Ok(())
}

async fn a_kind_is_good_for_one_purpose(t: Trial) -> Verdict {
    let Kinds { guarded, tokens } = kinds(&t).await?;
    let code = guarded.backup_codes[0].expose();
    for (kind, token) in &tokens {
        let token = token.expose();
        let post = |path: &str, body: Value| t.http().post(t.at(path)).json(&body);
        let me = || t.http().get(t.at("/api/auth/me"));
        let purposes = [
            ("access", me().bearer_auth(token), 401, "token_invalid"),
            (
                "access",
                me().header(COOKIE, format!("bp_token={token}")),
                401,
                "token_invalid",
            ),
            (
                "key",
                me().header("x-api-key", token),
                401,
                "api_key_invalid",
            ),
            (
                "refresh",
                post("/api/auth/refresh", json!({ "refresh_token": token })),
                401,
                "token_invalid",
            ),
            (
                "pending",
                post(
                    "/api/auth/mfa/challenge",
                    json!({ "mfa_token": token, "code": code }),
                ),
                401,
                "mfa_token_invalid",
            ),
            (
                "reset",
                post("/api/auth/mfa/reset/confirm", json!({ "token": token })),
                400,
                "token_invalid",
            ),
            (
                "reactivation",
                post("/api/auth/reactivate/confirm", json!({ "token": token })),
                400,
                "token_invalid",
            ),
        ];
        for (purpose, call, status, error) in purposes {
            if purpose != *kind {
                let answer = Raw::of(call).await?;
                answer
                    .is(status, error)
                    .with_context(|| format!("{kind} as {purpose}"))?;
            }
        }
    }
    // None was used up, nor the code.
    guarded.session.client.me().send().await.granted()?;
    t.refresh(&tokens["refresh"]).await.granted()?;
    let key = tokens["key"].expose().to_owned();
    t.with(&[(HeaderName::from_static("x-api-key"), key)])
        .me()
        .send()
        .await
        .granted()?;
    let body = json!({ "mfa_token": tokens["pending"].expose(), "code": code });
    for (path, body) in [
        ("mfa/challenge", body),
        (
            "mfa/reset/confirm",
            json!({ "token": tokens["reset"].expose() }),
        ),
        (
            "reactivate/confirm",
            json!({ "token": tokens["reactivation"].expose() }),
        ),
    ] {
        let call = t.http().post(t.at(&format!("/api/auth/{path}")));
        let answer = Raw::of(call.json(&body)).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.status);
    }
    Ok(())
}

async fn amr_says_how_the_user_authenticated(t: Trial) -> Verdict {
    let plain = t.newcomer().await?;
    let amr = part(plain.tokens.access_token.expose(), 1)?["amr"].clone();
    ensure!(amr == json!(["pwd"]), "{amr}");
    let ada = t.with_totp().await?;
    for session in [
        t.backup_session(&ada, 0).await?,
        t.totp_session(&ada).await?,
    ] {
        let amr = part(session.tokens.access_token.expose(), 1)?["amr"].clone();
        let names: Vec<&str> = amr
            .as_array()
            .map_or(vec![], |all| all.iter().filter_map(Value::as_str).collect());
        ensure!(names.contains(&"pwd") && names.contains(&"mfa"), "{amr}");
        let me = session.client.me().send().await.granted()?;
        let told = me.session.context("no session")?.amr;
        ensure!(json!(told) == amr, "{told:?}, not {amr}");
    }
    Ok(())
}

async fn a_refresh_does_not_change_when_the_user_authenticated(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    let before = part(ada.access_token.expose(), 1)?;
    t.advance_secs(100)?;
    let tokens = t.refresh(ada.refresh_secret()).await.granted()?;
    let after = part(tokens.access_token.expose(), 1)?;
    for same in ["sub", "tid", "sid", "auth_time", "amr", "iss", "aud"] {
        ensure!(before[same] == after[same], "another {same}");
    }
    ensure!(before["jti"] != after["jti"], "the same jti");
    for later in ["iat", "exp"] {
        let moved = after[later].as_i64().zip(before[later].as_i64());
        let moved = moved.map(|(after, before)| after - before);
        ensure!(moved == Some(100), "{later} moved by {moved:?}");
    }
    Ok(())
}

async fn the_scheme_is_bearer_in_any_case(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let token = ada.tokens.access_token.expose();
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let client = t.with(&[(AUTHORIZATION, format!("{scheme} {token}"))]);
        client.me().send().await.granted()?;
    }
    for other in [
        format!("Basic {token}"),
        format!("Token {token}"),
        token.to_owned(),
    ] {
        let client = t.with(&[(AUTHORIZATION, other)]);
        client
            .me()
            .send()
            .await
            .refused(401, ErrorCode::NotAuthenticated)?;
    }
    let none = t.anonymous().me().send().await;
    let none = none.refused(401, ErrorCode::NotAuthenticated)?;
    let challenge = none.header("www-authenticate").unwrap_or_default();
    ensure!(challenge.starts_with("Bearer"), "{challenge}");
    ensure!(
        !challenge.contains("error="),
        "an error of no token: {challenge}"
    );
    let bad = t.bearer(&Secret::from("garbage")).me().send().await;
    let bad = bad.refused(401, ErrorCode::TokenInvalid)?;
    let challenge = bad.header("www-authenticate").unwrap_or_default();
    ensure!(
        challenge.starts_with("Bearer") && challenge.contains("error=\"invalid_token\""),
        "{challenge}"
    );
    Ok(())
}

async fn opaque_tokens_carry_a_prefix_and_a_checksum(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let first = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let other = t.session(&ada.email).await?.tokens.refresh_secret().clone();
    let refresh = ada.tokens.refresh_secret();
    ensure!(refresh.expose().starts_with("bpr_"), "another prefix");
    ensure!(key.expose().starts_with("bpk_"), "another prefix");
    ensure!(first.expose() != key.expose(), "the same key twice");
    ensure!(refresh.expose() != other.expose(), "the same token twice");
    // 256 bits take 43 characters of base 64.
    ensure!(refresh.expose().len() >= 4 + 43, "a short token");
    let spoilt = |secret: &Secret| {
        let text = secret.expose();
        let at = text.len() / 2;
        let other = if text[at..].starts_with('a') {
            'b'
        } else {
            'a'
        };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    };
    t.refresh(&Secret::from(spoilt(refresh)))
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    let name = HeaderName::from_static("x-api-key");
    t.with(&[(name, spoilt(&key))])
        .me()
        .send()
        .await
        .refused(401, ErrorCode::ApiKeyInvalid)?;
    t.refresh(refresh).await.granted()?;
    Ok(())
}
