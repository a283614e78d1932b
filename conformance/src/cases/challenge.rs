//! `POST /api/auth/mfa/challenge`: the second step of a login. Locks are in `challenge_lock`, messages in
//! `challenge_sms`.

use anyhow::{Result, ensure};
use bp_auth_client::types::{MfaMethod, MfaPending};
use bp_auth_client::{ErrorCode, Secret};
use serde_json::json;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{MINUTE, delete, methods, own_session, tokens};
use crate::kit::{Granted, Guarded, PASSWORD, Raw, RefreshSecret};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_right_code_completes_the_login,
        "A right password of a user with a second factor gives `mfa_required: true` and an `mfa_token` only; with a right code that gives tokens, of a session that may do what needs a second factor."
    )
    .depends_on(Setting::ROTATION),
    case!(
        only_the_second_step_sets_the_cookie,
        "MFA pending sets no cookie; the challenge sets `bp_token` to the access token."
    ),
    case!(
        an_mfa_token_is_good_for_nothing_else,
        "An `mfa_token` is no access token: 401 `token_invalid`."
    ),
    case!(
        other_tokens_are_no_mfa_tokens,
        "An access token, a refresh token and nonsense are 401 `mfa_token_invalid` at the challenge."
    ),
    case!(
        an_mfa_token_is_good_for_one_login,
        "A challenge that succeeded consumes its `mfa_token`: 401 `mfa_token_invalid`, and the code presented with it stays good."
    ),
    case!(
        five_tries_kill_the_mfa_token,
        "Five wrong codes kill an `mfa_token`: the right one is then 401 `mfa_token_invalid`, and a new login is needed."
    ),
    case!(
        the_fifth_try_still_counts,
        "After four wrong codes the right one completes the login."
    ),
    case!(
        six_digits_are_for_the_default_method_and_the_rest_for_backup_codes,
        "Without `method`, six digits are a code of the default method and anything else is a backup code."
    ),
    case!(
        a_method_that_is_said_is_not_guessed,
        "With `method`, a right code of another method is 401 `code_invalid`, and is not used up."
    ),
    case!(
        a_method_that_is_not_enrolled_is_unavailable,
        "A method that is not enrolled is 409 `mfa_method_unavailable`, also when it is pending."
    ),
    case!(
        only_sms_can_do_without_a_code,
        "A challenge without `code` and with another method than `sms`, or none, is 422 at `code`, and no try."
    ),
    case!(
        a_code_is_good_for_one_login,
        "A code of the authenticator logs in once."
    ),
    case!(
        codes_of_the_neighbouring_steps_are_accepted,
        "TOTP codes are accepted from the step before to the step after, and no others."
    )
    .clock(),
    case!(
        steps_go_forward_only,
        "TOTP codes of the last used step and of those before it are refused, also later."
    )
    .clock(),
    case!(
        every_wrong_code_is_told_the_same,
        "At the challenge a code of another time is told with the words of any wrong code: a hit at another time is no hint for a guesser."
    )
    .clock(),
    case!(
        the_width_of_the_window_is_a_setting,
        "With `totp.skew_steps=0` only the current step's code is accepted."
    )
    .clock()
    .set(&[("totp.skew_steps", "0")]),
    case!(
        a_closed_account_is_not_entered,
        "An account that was deactivated or suspended between the two steps of a login is not entered."
    )
    .operator(),
    case!(
        a_factor_removed_meanwhile_opens_nothing,
        "When the last method is removed between the two steps, neither its codes nor the backup codes complete the login."
    ),
    case!(
        somebody_elses_code_is_wrong,
        "Codes are good for their user only."
    ),
];

async fn a_right_code_completes_the_login(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    ensure!(login.mfa_required && !login.code_sent && login.retry_after.is_none());
    ensure!(login.phone_hint.is_none());
    // A busy server may have lost some of the five minutes on the way.
    let left = login.mfa_expires_in;
    ensure!((290..=300).contains(&left), "pending for {left} s");
    ensure!(login.methods == [MfaMethod::Totp, MfaMethod::BackupCodes]);
    ensure!(login.default_method == MfaMethod::Totp);
    let code = ada.authenticator()?.next_code(&t)?;
    let tokens = tokens(t.challenge(&login, Some(MfaMethod::Totp), &code).await)?;
    ensure!(!tokens.mfa_required && tokens.trusted_device_id.is_none());
    let client = t.bearer(&tokens.access_token);
    ensure!(own_session(&client).await?.id != own_session(&ada.session.client).await?.id);
    client.regenerate_backup_codes().send().await.granted()?;
    t.refresh(tokens.refresh_secret()).await.granted()?;
    Ok(())
}

async fn every_wrong_code_is_told_the_same(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let (login, authenticator) = (t.pending(&ada.email).await?, ada.authenticator()?);
    let mut said = Vec::new();
    for code in [
        authenticator.far_code(&t)?,
        authenticator.code_at(&t, -5)?,
        authenticator.code_at(&t, 8)?,
    ] {
        let body = json!({ "mfa_token": login.mfa_token.expose(), "code": code, "method": "totp" });
        let request = t.http().post(t.at("/api/auth/mfa/challenge")).json(&body);
        let answer = Raw::of(request).await?;
        answer.is(401, "code_invalid")?;
        let mut body = answer.json();
        body["request_id"] = json!(null);
        said.push(body.to_string());
    }
    said.dedup();
    ensure!(said.len() == 1, "told apart: {said:?}");
    Ok(())
}

async fn only_the_second_step_sets_the_cookie(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let form = [("username", ada.email.as_str()), ("password", PASSWORD)];
    let login = Raw::of(t.http().post(t.at("/api/auth/token")).form(&form)).await?;
    ensure!(login.status == 200 && login.json()["mfa_required"] == true);
    ensure!(
        !login.headers.contains_key("set-cookie"),
        "a cookie for a pending login"
    );
    let body = json!({
        "mfa_token": login.json()["mfa_token"],
        "code": ada.authenticator()?.next_code(&t)?,
    });
    let request = t.http().post(t.at("/api/auth/mfa/challenge")).json(&body);
    let answer = Raw::of(request).await?;
    ensure!(answer.status == 200, "{}", answer.text);
    let token = answer.json()["access_token"].clone();
    let cookie = answer.set_cookie("bp_token").unwrap_or_default();
    let expected = format!("bp_token={};", token.as_str().unwrap_or_default());
    ensure!(
        cookie.starts_with(&expected),
        "the cookie is not the access token"
    );
    ensure!(answer.set_cookie("bp_trusted_device").is_none());
    Ok(())
}

async fn an_mfa_token_is_good_for_nothing_else(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let client = t.bearer(&login.mfa_token);
    client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    client
        .mfa_methods()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    Ok(())
}

async fn other_tokens_are_no_mfa_tokens(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let code = ada.backup_codes[0].expose();
    for token in [
        ada.session.tokens.access_token.clone(),
        ada.session.tokens.refresh_secret().clone(),
        Secret::from("nonsense"),
    ] {
        let wrong = MfaPending {
            mfa_token: token,
            ..login.clone()
        };
        t.challenge(&wrong, None, code)
            .await
            .refused(401, ErrorCode::MfaTokenInvalid)?;
    }
    t.challenge(&login, None, code).await.granted()?;
    Ok(())
}

async fn an_mfa_token_is_good_for_one_login(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let code = |n: usize| ada.backup_codes[n].expose();
    t.challenge(&login, None, code(0)).await.granted()?;
    for _ in 0..2 {
        t.challenge(&login, None, code(1))
            .await
            .refused(401, ErrorCode::MfaTokenInvalid)?;
    }
    ensure!(methods(&ada.session.client).await?.backup_codes_remaining == 9);
    t.backup_session(&ada, 1).await?;
    Ok(())
}

async fn five_tries_kill_the_mfa_token(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let wrong = ada.authenticator()?.wrong_code(&t)?;
    let login = t.pending(&ada.email).await?;
    for _ in 0..5 {
        t.challenge(&login, None, &wrong)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    let right = ada.backup_codes[0].expose();
    t.challenge(&login, None, right)
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn the_fifth_try_still_counts(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let wrong = ada.authenticator()?.wrong_code(&t)?;
    let login = t.pending(&ada.email).await?;
    for _ in 0..4 {
        t.challenge(&login, None, &wrong)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    let right = ada.authenticator()?.next_code(&t)?;
    t.challenge(&login, None, &right).await.granted()?;
    Ok(())
}

async fn six_digits_are_for_the_default_method_and_the_rest_for_backup_codes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let code = ada.authenticator()?.next_code(&t)?;
    t.challenge(&login, None, &code).await.granted()?;
    ensure!(methods(&ada.session.client).await?.backup_codes_remaining == 10);
    let login = t.pending(&ada.email).await?;
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .granted()?;
    ensure!(methods(&ada.session.client).await?.backup_codes_remaining == 9);
    Ok(())
}

async fn a_method_that_is_said_is_not_guessed(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let (backup, totp) = (
        ada.backup_codes[0].expose(),
        ada.authenticator()?.next_code(&t)?,
    );
    for (method, code) in [
        (MfaMethod::Totp, backup),
        (MfaMethod::BackupCodes, totp.as_str()),
    ] {
        t.challenge(&login, Some(method), code)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    t.challenge(&login, Some(MfaMethod::Totp), &totp)
        .await
        .granted()?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn a_method_that_is_not_enrolled_is_unavailable(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    t.challenge(&login, Some(MfaMethod::Sms), "123456")
        .await
        .refused(409, ErrorCode::MfaMethodUnavailable)?;
    let phone = t.fresh_phone();
    crate::kit::mfa::sms_setup(&ada.session.client, &phone)
        .await
        .granted()?;
    t.challenge(&login, Some(MfaMethod::Sms), "123456")
        .await
        .refused(409, ErrorCode::MfaMethodUnavailable)?;
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .granted()?;
    Ok(())
}

async fn only_sms_can_do_without_a_code(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    for method in [None, Some(MfaMethod::Totp), Some(MfaMethod::BackupCodes)] {
        for _ in 0..2 {
            let (client, token) = (t.anonymous(), login.mfa_token.clone());
            let method = method.clone();
            let request = client
                .mfa_challenge()
                .body_map(|body| body.mfa_token(token).method(method));
            let refused = request
                .send()
                .await
                .refused(422, ErrorCode::ValidationError)?;
            let fields = refused.fields();
            ensure!(fields == ["body.code"], "it names {fields:?}");
        }
    }
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .granted()?;
    Ok(())
}

async fn a_code_is_good_for_one_login(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let code = ada.authenticator()?.next_code(&t)?;
    let first = t.pending(&ada.email).await?;
    let second = t.pending(&ada.email).await?;
    t.challenge(&first, Some(MfaMethod::Totp), &code)
        .await
        .granted()?;
    t.challenge(&second, Some(MfaMethod::Totp), &code)
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    Ok(())
}

async fn codes_of_the_neighbouring_steps_are_accepted(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.advance_secs(5 * MINUTE)?;
    for (step, good) in [(-2, false), (2, false), (-1, true), (0, true), (1, true)] {
        ensure!(accepted(&t, &ada, step).await? == good, "step {step}");
    }
    Ok(())
}

async fn steps_go_forward_only(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.advance_secs(5 * MINUTE)?;
    for (step, good) in [(1, true), (1, false), (0, false), (-1, false)] {
        ensure!(accepted(&t, &ada, step).await? == good, "step {step}");
    }
    t.advance_secs(30)?;
    ensure!(
        !accepted(&t, &ada, 0).await?,
        "the step that was used ahead of its time"
    );
    ensure!(
        accepted(&t, &ada, 1).await?,
        "a step after the last used one"
    );
    Ok(())
}

async fn the_width_of_the_window_is_a_setting(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.advance_secs(5 * MINUTE)?;
    for (step, good) in [(-1, false), (1, false), (0, true)] {
        ensure!(accepted(&t, &ada, step).await? == good, "step {step}");
    }
    Ok(())
}

async fn a_closed_account_is_not_entered(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.with_totp().await?;
        let login = t.pending(&ada.email).await?;
        t.operator(action, &ada.email).await?;
        let answer = t
            .challenge(&login, None, ada.backup_codes[0].expose())
            .await;
        // Whether the token is dead or the account is named as closed, the contract does not say.
        let status = answer.err().and_then(|error| error.status());
        let status = status.map_or(200, |status| status.as_u16());
        ensure!(matches!(status, 401 | 403), "{action}: {status}");
        t.operator("activate", &ada.email).await?;
        t.backup_session(&ada, 0).await?;
    }
    Ok(())
}

async fn a_factor_removed_meanwhile_opens_nothing(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    delete(&ada.session.client, MfaMethod::Totp)
        .await
        .granted()?;
    let totp = ada.authenticator()?.next_code(&t)?;
    for code in [totp.as_str(), ada.backup_codes[0].expose()] {
        let answer = t.challenge(&login, None, code).await;
        let status = answer.err().and_then(|error| error.status());
        let status = status.map_or(200, |status| status.as_u16());
        // A dead token or a method that is not there.
        ensure!(matches!(status, 401 | 409), "{status}");
    }
    t.session(&ada.email).await?;
    Ok(())
}

async fn somebody_elses_code_is_wrong(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    let login = t.pending(&ada.email).await?;
    t.challenge(&login, None, bob.backup_codes[0].expose())
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    t.backup_session(&bob, 0).await?;
    let code = bob.authenticator()?.next_code(&t)?;
    let own: Vec<String> = (-1..=1)
        .map(|step| ada.authenticator()?.code_at(&t, step))
        .collect::<Result<_>>()?;
    if !own.contains(&code) {
        t.challenge(&login, None, &code)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    Ok(())
}

/// Whether a login succeeds with the code of so many steps from now.
async fn accepted(t: &Trial, ada: &Guarded, step: i64) -> Result<bool> {
    let login = t.pending(&ada.email).await?;
    let code = ada.authenticator()?.code_at(t, step)?;
    let answer = t.challenge(&login, Some(MfaMethod::Totp), &code).await;
    if answer.is_ok() {
        return Ok(true);
    }
    answer.refused(401, ErrorCode::CodeInvalid)?;
    Ok(false)
}
