//! `/api/auth/mfa/totp`: authenticator apps.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;
use serde_json::json;
use url::Url;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{
    MINUTE, claims, methods, own_session, profile, sms_setup, sms_verify, totp_setup, totp_verify,
};
use crate::kit::{Authenticator, Granted, Raw, RefreshSecret};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_set_up_shows_the_secret_three_ways,
        "`totp/setup` gives a secret of 160 bits, an `otpauth` URI with it, and a QR code as a `data:` image in SVG or PNG."
    ),
    case!(
        each_set_up_has_a_secret_of_its_own,
        "A new set-up has a new secret and replaces the pending one, whose codes verify nothing."
    ),
    case!(
        a_pending_set_up_changes_nothing,
        "An authenticator is pending until it is verified: it is listed as such, and logins go on without it."
    ),
    case!(
        the_first_method_brings_ten_backup_codes,
        "Verifying the first method enables MFA and gives ten backup codes."
    ),
    case!(
        a_further_method_brings_no_backup_codes,
        "Verifying a further method gives no backup codes; those there are stay good."
    )
    .messages(),
    case!(
        enrolling_upgrades_the_enrolling_session,
        "Enrolling the first method upgrades the enrolling session, which may at once do what needs a second factor; the token's `amr` follows at the next refresh."
    )
    .depends_on(Setting::ROTATION),
    case!(
        enrolling_ends_the_sessions_that_know_only_the_password,
        "Verifying an authenticator ends the user's other password-only sessions and their families, and nobody else's."
    )
    .depends_on(Setting::REUSE),
    case!(
        sessions_that_passed_a_second_factor_outlive_an_enrolment,
        "Verifying a further method ends no session that has passed a second factor."
    )
    .depends_on(Setting::ROTATION)
    .messages(),
    case!(
        the_code_that_enrolled_cannot_log_in,
        "The step that a verification accepted is stored: its code cannot log in, the next one can."
    ),
    case!(
        an_enrolment_is_told_to_the_owner,
        "Verifying an authenticator sends a mail; a set-up and a wrong code send none."
    )
    .messages(),
    case!(
        five_wrong_codes_end_the_set_up,
        "At set-up the fifth wrong code is still 400 `code_invalid`, after that even the right one is 400 `code_attempts_exceeded`, and then the pending authenticator is gone: 409 `mfa_not_pending`."
    ),
    case!(
        a_wrong_clock_is_told_to_the_owner,
        "At set-up a code of another time, up to ten minutes away, is as wrong as any: 400 `code_invalid`, but with words of its own; it counts as a try."
    )
    .clock(),
    case!(
        digits_of_every_script_count,
        "In a code any Unicode decimal digit counts as its ASCII twin, and blanks and dashes do not count."
    )
    .clock(),
    case!(
        four_wrong_codes_do_not,
        "The fifth try at a set-up can still be the right one."
    ),
    case!(
        there_must_be_something_to_verify,
        "`totp/verify` without a pending set-up is 409 `mfa_not_pending`, also right after a set-up was verified."
    ),
    case!(
        a_verified_authenticator_works_until_its_replacement_is_verified,
        "While a replacement is pending the verified authenticator keeps working and the pending one logs nobody in; verified, it takes over, without new backup codes."
    )
    .clock(),
    case!(
        the_secret_is_sealed_at_rest,
        "No file of the database has the authenticator's secret in it, neither as text nor as bytes."
    )
    .spawned(),
];

async fn a_set_up_shows_the_secret_three_ways(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let setup = ada.client.totp_setup().send().await.granted()?;
    let secret = setup.secret.expose();
    let bytes = totp_rs::Secret::try_from_base32(secret)
        .ok()
        .context("the secret is not base 32")?;
    let bits = bytes.as_bytes().len() * 8;
    ensure!(bits == 160, "a secret of {bits} bits");
    ensure!(setup.expires_in > 0, "it expires at once");

    let uri = Url::parse(setup.provisioning_uri.expose())?;
    ensure!(uri.scheme() == "otpauth" && uri.host_str() == Some("totp"));
    let parameter = |name: &str| uri.query_pairs().find(|(key, _)| key == name);
    let (_, told) = parameter("secret").context("no secret in the URI")?;
    ensure!(told == secret, "the URI has another secret");
    ensure!(parameter("issuer").is_some(), "the URI names no issuer");
    let label = percent_encoding::percent_decode_str(uri.path()).decode_utf8()?;
    ensure!(label.contains(&ada.email), "the label is {label}");

    let (kind, image) = setup
        .qr_code
        .expose()
        .split_once(";base64,")
        .context("no image in base 64")?;
    let image = STANDARD.decode(image)?;
    let drawn = match kind {
        "data:image/svg+xml" => String::from_utf8(image)?.contains("<svg"),
        "data:image/png" => image.starts_with(b"\x89PNG\r\n\x1a\n"),
        _ => false,
    };
    ensure!(drawn, "{kind} is no image, or has none");
    Ok(())
}

async fn each_set_up_has_a_secret_of_its_own(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let first = totp_setup(&ada.client).await?;
    let second = totp_setup(&ada.client).await?;
    ensure!(first.secret != second.secret, "the same secret twice");
    // Six digits may be the same by chance.
    let old = first.code_at(&t, 0)?;
    let near = [
        second.code_at(&t, -1)?,
        second.code_at(&t, 0)?,
        second.code_at(&t, 1)?,
    ];
    if !near.contains(&old) {
        totp_verify(&ada.client, &old)
            .await
            .refused(400, ErrorCode::CodeInvalid)?;
    }
    totp_verify(&ada.client, &second.next_code(&t)?)
        .await
        .granted()?;
    let listed = methods(&ada.client).await?.methods;
    ensure!(listed.len() == 1, "{} authenticators", listed.len());
    Ok(())
}

async fn a_pending_set_up_changes_nothing(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    totp_setup(&ada.client).await?;
    let list = methods(&ada.client).await?;
    ensure!(!list.mfa_enabled && list.default_method.is_none() && list.backup_codes_remaining == 0);
    let states: Vec<_> = list
        .methods
        .iter()
        .map(|m| (m.method.clone(), m.verified))
        .collect();
    ensure!(states == [(MfaMethod::Totp, false)], "listed: {states:?}");
    let me = profile(&ada.client).await?;
    ensure!(!me.mfa_enabled && me.mfa_methods.is_empty());
    t.session(&ada.email).await?;
    Ok(())
}

async fn the_first_method_brings_ten_backup_codes(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let authenticator = totp_setup(&ada.client).await?;
    let enrolled = totp_verify(&ada.client, &authenticator.next_code(&t)?)
        .await
        .granted()?;
    ensure!(enrolled.method == MfaMethod::Totp && enrolled.verified && enrolled.mfa_enabled);
    let codes = enrolled.backup_codes.context("no backup codes")?;
    let distinct: BTreeSet<&str> = codes.iter().map(|code| code.expose()).collect();
    ensure!(distinct.len() == 10, "{} different codes", distinct.len());
    ensure!(enrolled.backup_codes_remaining == 10);
    let list = methods(&ada.client).await?;
    ensure!(list.mfa_enabled && list.backup_codes_remaining == 10);
    ensure!(list.default_method == Some(MfaMethod::Totp));
    let me = profile(&ada.client).await?;
    ensure!(me.mfa_enabled && me.mfa_methods == [MfaMethod::Totp]);
    Ok(())
}

async fn a_further_method_brings_no_backup_codes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.backup_session(&ada, 0).await?;
    let (client, phone) = (&ada.session.client, t.fresh_phone());
    sms_setup(client, &phone).await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let enrolled = sms_verify(client, &code).await.granted()?;
    ensure!(enrolled.backup_codes.is_none(), "new backup codes");
    ensure!(enrolled.backup_codes_remaining == 9);
    t.backup_session(&ada, 1).await?;
    Ok(())
}

async fn enrolling_upgrades_the_enrolling_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = own_session(&ada.client).await?;
    let authenticator = totp_setup(&ada.client).await?;
    totp_verify(&ada.client, &authenticator.next_code(&t)?)
        .await
        .granted()?;
    // An operation that needs a session with a second factor now.
    ada.client
        .regenerate_backup_codes()
        .send()
        .await
        .granted()?;
    let after = own_session(&ada.client).await?;
    ensure!(after.id == before.id, "another session");
    ensure!(after.auth_time == before.auth_time, "another login");
    let fresh = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    let told = |token| Ok::<_, anyhow::Error>(claims(token)?["amr"].clone());
    let (old, new) = (told(&ada.tokens.access_token)?, told(&fresh.access_token)?);
    ensure!(old != new, "after the refresh `amr` is still {old}");
    let shown = own_session(&t.bearer(&fresh.access_token)).await?.amr;
    ensure!(new == serde_json::json!(shown), "{new} beside {shown:?}");
    Ok(())
}

async fn enrolling_ends_the_sessions_that_know_only_the_password(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let elsewhere = t.session(&ada.email).await?;
    let bob = t.newcomer().await?;
    let ada = t.enrol_totp(ada).await?;
    elsewhere
        .client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    t.refresh(elsewhere.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    for client in [&ada.session.client, &bob.client] {
        client.me().send().await.granted()?;
    }
    Ok(())
}

async fn sessions_that_passed_a_second_factor_outlive_an_enrolment(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let elsewhere = t.totp_session(&ada).await?;
    t.enrol_sms(ada.session.clone()).await?;
    for session in [&ada.session, &elsewhere] {
        session.client.me().send().await.granted()?;
    }
    t.refresh(elsewhere.tokens.refresh_secret())
        .await
        .granted()?;
    Ok(())
}

async fn the_code_that_enrolled_cannot_log_in(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let authenticator = totp_setup(&ada.client).await?;
    let used = authenticator.next_code(&t)?;
    totp_verify(&ada.client, &used).await.granted()?;
    let login = t.pending(&ada.email).await?;
    t.challenge(&login, Some(MfaMethod::Totp), &used)
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    let next = authenticator.next_code(&t)?;
    t.challenge(&login, Some(MfaMethod::Totp), &next)
        .await
        .granted()?;
    Ok(())
}

async fn an_enrolment_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let authenticator = totp_setup(&ada.client).await?;
    totp_verify(&ada.client, &authenticator.wrong_code(&t)?)
        .await
        .refused(400, ErrorCode::CodeInvalid)?;
    let before = t.settled_messages(&ada.email).await?.len();
    ensure!(
        before == 1,
        "{before} mails before the enrolment, not the welcome only"
    );
    totp_verify(&ada.client, &authenticator.next_code(&t)?)
        .await
        .granted()?;
    let after = t.settled_messages(&ada.email).await?;
    ensure!(
        after.len() == 2,
        "{} mails after the enrolment",
        after.len()
    );
    let secret = authenticator.secret.as_str();
    ensure!(
        !after.iter().any(|mail| mail.text.contains(secret)),
        "the secret is in a mail"
    );
    Ok(())
}

async fn five_wrong_codes_end_the_set_up(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let authenticator = totp_setup(&ada.client).await?;
    let wrong = authenticator.wrong_code(&t)?;
    for _ in 0..5 {
        totp_verify(&ada.client, &wrong)
            .await
            .refused(400, ErrorCode::CodeInvalid)?;
    }
    let right = authenticator.code_at(&t, 0)?;
    totp_verify(&ada.client, &right)
        .await
        .refused(400, ErrorCode::CodeAttemptsExceeded)?;
    totp_verify(&ada.client, &right)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    ensure!(methods(&ada.client).await?.methods.is_empty());
    t.session(&ada.email).await?;
    // A new set-up has tries of its own.
    t.enrol_totp(ada).await?;
    Ok(())
}

async fn a_wrong_clock_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let authenticator = totp_setup(&ada.client).await?;
    let verify = async |code: &str| -> anyhow::Result<String> {
        let request = t.http().post(t.at("/api/auth/mfa/totp/verify"));
        let request = request.bearer_auth(ada.tokens.access_token.expose());
        let answer = Raw::of(request.json(&json!({ "code": code }))).await?;
        answer.is(400, "code_invalid")?;
        Ok(answer.json()["message"].to_string())
    };
    let wrong = authenticator.far_code(&t)?;
    let plain = verify(&wrong).await?;
    let (slow, fast) = (
        authenticator.code_at(&t, -20)?,
        authenticator.code_at(&t, 20)?,
    );
    let told = verify(&slow).await?;
    ensure!(told != plain, "no word of the clock: {told}");
    ensure!(verify(&fast).await? == told, "a fast clock is no slow one");
    // Further away it is any wrong code.
    ensure!(verify(&wrong).await? == plain);
    ensure!(verify(&slow).await? == told, "the fifth try");
    totp_verify(&ada.client, &authenticator.code_at(&t, 0)?)
        .await
        .refused(400, ErrorCode::CodeAttemptsExceeded)?;
    Ok(())
}

async fn digits_of_every_script_count(t: Trial) -> Verdict {
    let written = |code: &str, zero: u32| -> String {
        let digit = |c: char| char::from_u32(zero + c.to_digit(10)?);
        code.chars().filter_map(digit).collect()
    };
    // Full-width, Arabic-Indic, Devanagari.
    for (zero, between) in [(0xff10, "\u{2013}"), (0x660, " - "), (0x966, "\u{3000}")] {
        let ada = t.newcomer().await?;
        let authenticator = totp_setup(&ada.client).await?;
        let typed = |code: &str| {
            let code = written(code, zero);
            let (at, _) = code.char_indices().nth(3).unwrap_or_default();
            format!(" {}{between}{}", &code[..at], &code[at..])
        };
        let code = authenticator.next_code(&t)?;
        totp_verify(&ada.client, &typed(&code)).await.granted()?;
        t.advance_secs(MINUTE)?;
        let login = t.pending(&ada.email).await?;
        let code = authenticator.next_code(&t)?;
        t.challenge(&login, None, &typed(&code)).await.granted()?;
    }
    Ok(())
}

async fn four_wrong_codes_do_not(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let authenticator = totp_setup(&ada.client).await?;
    let wrong = authenticator.wrong_code(&t)?;
    for _ in 0..4 {
        totp_verify(&ada.client, &wrong)
            .await
            .refused(400, ErrorCode::CodeInvalid)?;
    }
    totp_verify(&ada.client, &authenticator.next_code(&t)?)
        .await
        .granted()?;
    Ok(())
}

async fn there_must_be_something_to_verify(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    totp_verify(&ada.client, "123456")
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    let ada = t.enrol_totp(ada).await?;
    totp_verify(&ada.session.client, &ada.authenticator()?.next_code(&t)?)
        .await
        .refused(409, ErrorCode::MfaNotPending)?;
    Ok(())
}

async fn a_verified_authenticator_works_until_its_replacement_is_verified(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = &ada.session.client;
    let replacement: Authenticator = totp_setup(client).await?;
    let listed = methods(client).await?.methods;
    let mut states: Vec<bool> = listed.iter().map(|method| method.verified).collect();
    states.sort_unstable();
    ensure!(states == [false, true], "listed: {listed:?}");
    t.advance_secs(MINUTE)?;
    t.totp_session(&ada).await?;
    let login = t.pending(&ada.email).await?;
    t.challenge(&login, Some(MfaMethod::Totp), &replacement.code_at(&t, 0)?)
        .await
        .refused(401, ErrorCode::CodeInvalid)?;

    let enrolled = totp_verify(client, &replacement.next_code(&t)?)
        .await
        .granted()?;
    ensure!(enrolled.backup_codes.is_none() && enrolled.backup_codes_remaining == 10);
    ensure!(methods(client).await?.methods.len() == 1);
    t.advance_secs(MINUTE)?;
    t.challenge(
        &login,
        Some(MfaMethod::Totp),
        &ada.authenticator()?.code_at(&t, 0)?,
    )
    .await
    .refused(401, ErrorCode::CodeInvalid)?;
    t.challenge(&login, Some(MfaMethod::Totp), &replacement.next_code(&t)?)
        .await
        .granted()?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn the_secret_is_sealed_at_rest(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let secret = &ada.authenticator()?.secret;
    let bytes = totp_rs::Secret::try_from_base32(secret)
        .ok()
        .context("the secret is not base 32")?;
    let hex: String = bytes
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let stored = letters(&t.stored_bytes()?);
    let has = |needle: &[u8]| stored.contains(&letters(needle));
    ensure!(
        has(ada.email.as_bytes()),
        "not where the server keeps its rows"
    );
    for needle in [secret.as_bytes(), hex.as_bytes(), bytes.as_bytes()] {
        ensure!(!has(needle), "the secret is in the database");
    }
    Ok(())
}

/// Each byte as a lower-case character, so that bytes are found as fast as text is.
fn letters(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}
