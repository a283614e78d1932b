//! What a person does with a client beside having a session: second factors, a phone, a way back into
//! the account; through the session layer that applications use.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{MfaMethod, RegisterRequestPhone};
use bp_auth_client::{ErrorCode, Session};

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::life::{Life, challenged, ended, failed, logged_in, wrong};
use crate::kit::mfa::{MINUTE, RESET_PAGE, another, methods, totp_setup, totp_verify};
use crate::kit::{Authenticator, Granted, PASSWORD};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_login_with_an_authenticator,
        "A login of a user with an authenticator asks for its code; a wrong one can be followed by the right one, with which the session is a full one."
    ),
    case!(
        a_login_with_a_code_by_sms,
        "A login of a user with a phone sends the code by itself, tells the end of the number, sends another after a minute, and takes it."
    )
    .messages()
    .clock(),
    case!(
        a_backup_code_is_good_for_one_login,
        "A backup code completes one login, is counted as used, and completes no second one."
    ),
    case!(
        a_trusted_device_is_not_asked_again,
        "A client that had its device trusted logs in with the password alone, another client does not, and neither does the first once the trust is revoked."
    ),
    case!(
        a_challenge_that_waited_too_long,
        "A client whose challenge has expired is told to log in again, and the right code at a new challenge is good."
    )
    .clock(),
    case!(
        step_up_is_a_login_with_the_second_factor,
        "Who has a second factor replaces backup codes after a new login with it, and the old session goes on beside."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_newcomer_verifies_a_phone,
        "A client registers a user with a phone, logs in, and has the number verified by the code that was sent."
    )
    .messages(),
    case!(
        who_lost_the_factors_resets_them_by_mail,
        "The mailed link of a reset logs every client of the user out, and the next login asks for the password alone."
    )
    .messages(),
    case!(
        who_comes_back_is_let_in_again,
        "A client of a deactivated user is told that the session has ended and that the account is deactivated; after the mailed link it logs in."
    )
    .messages()
    .operator(),
];

/// Somebody with an authenticator and backup codes, whose client has just enrolled them.
struct Guarded {
    life: Life,
    authenticator: Authenticator,
    backup_codes: Vec<bp_auth_client::Secret>,
}

async fn guarded(t: &Trial) -> Result<Guarded> {
    let life = t.life().await?;
    let authenticator = totp_setup(&life.session).await?;
    let code = authenticator.next_code(t)?;
    let enrolled = totp_verify(&life.session, &code).await.granted()?;
    Ok(Guarded {
        life,
        authenticator,
        backup_codes: enrolled.backup_codes.unwrap_or_default(),
    })
}

async fn full(session: &Session) -> Verdict {
    let credential = session.me_entitlements().send().await.granted()?.credential;
    ensure!(credential.mfa_satisfied, "the second factor does not count");
    Ok(())
}

async fn a_login_with_an_authenticator(t: Trial) -> Verdict {
    let ada = guarded(&t).await?;
    let challenge = challenged(&ada.life.auth, &ada.life.email).await?;
    ensure!(challenge.methods().first() == Some(&MfaMethod::Totp));
    ensure!(!challenge.code_sent() && challenge.phone_hint().is_none());
    let right = ada.authenticator.next_code(&t)?;
    let error = wrong(challenge.totp(another(&right)).await)?;
    ensure!(!error.needs_login(), "{error:?}");
    let session = challenge.totp(right).await?;
    full(&session).await?;
    ensure!(session.user_id() == ada.life.session.user_id());
    ada.life.session.me().send().await.granted()?;
    Ok(())
}

async fn a_login_with_a_code_by_sms(t: Trial) -> Verdict {
    let ada = t.life().await?;
    let phone = t.fresh_phone();
    let set_up = ada.session.sms_setup();
    let set_up = set_up.body_map(|body| body.phone_number(phone.as_str()));
    set_up.send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let verify = ada.session.sms_verify().body_map(|body| body.code(code));
    verify.send().await.granted()?;

    t.advance_secs(2 * MINUTE)?;
    let challenge = challenged(&ada.auth, &ada.email).await?;
    ensure!(challenge.code_sent(), "no code was sent");
    let hint = challenge.phone_hint().context("no hint")?;
    ensure!(phone.ends_with(&hint[hint.len() - 2..]) && hint != phone);
    let first = t.sms_code(&phone, 2).await?;
    t.advance_secs(2 * MINUTE)?;
    let again = challenge.send_sms().await?;
    ensure!(again.code_sent, "no other code was sent");
    let second = t.sms_code(&phone, 3).await?;
    if first != second {
        wrong(challenge.sms(first).await)?;
    }
    full(&challenge.sms(second).await?).await
}

async fn a_backup_code_is_good_for_one_login(t: Trial) -> Verdict {
    let ada = guarded(&t).await?;
    let (auth, email) = (&ada.life.auth, &ada.life.email);
    let code = ada.backup_codes.first().context("no backup codes")?;
    let session = challenged(auth, email)
        .await?
        .backup_code(code.clone())
        .await?;
    full(&session).await?;
    let left = methods(&session).await?.backup_codes_remaining;
    let had = u32::try_from(ada.backup_codes.len())?;
    ensure!(had == left + 1, "{left} of {had} are left");
    let challenge = challenged(auth, email).await?;
    wrong(challenge.backup_code(code.clone()).await)?;
    let next = ada.backup_codes.get(1).context("one backup code")?;
    challenge.backup_code(next.clone()).await?;
    Ok(())
}

async fn a_trusted_device_is_not_asked_again(t: Trial) -> Verdict {
    let ada = guarded(&t).await?;
    let (auth, email) = (&ada.life.auth, &ada.life.email);
    let challenge = challenged(auth, email).await?.trust_device("Ada's laptop");
    let session = challenge.totp(ada.authenticator.next_code(&t)?).await?;
    session.logout().await?;
    let session = logged_in(auth, email).await?;
    full(&session).await?;
    challenged(&t.auth().build()?, email).await?;

    let devices = session.list_trusted_devices().send().await.granted()?;
    let device = devices.first().context("no device")?;
    ensure!(devices.len() == 1 && device.name.as_deref() == Some("Ada's laptop"));
    let revoke = session.revoke_trusted_device().device_id(device.id);
    revoke.send().await.granted()?;
    session.me().send().await.granted()?;
    challenged(auth, email).await?;
    Ok(())
}

async fn a_challenge_that_waited_too_long(t: Trial) -> Verdict {
    let ada = guarded(&t).await?;
    let (auth, email) = (&ada.life.auth, &ada.life.email);
    let challenge = challenged(auth, email).await?;
    ensure!(challenge.expires_in().as_secs() <= 5 * MINUTE);
    // Clocks may differ by five seconds.
    t.advance_secs(5 * MINUTE + 6)?;
    let error = ended(challenge.totp(ada.authenticator.next_code(&t)?).await)?;
    ensure!(
        error.code() == Some(&ErrorCode::MfaTokenInvalid),
        "{error:?}"
    );
    t.advance_secs(MINUTE)?;
    let challenge = challenged(auth, email).await?;
    full(&challenge.totp(ada.authenticator.next_code(&t)?).await?).await
}

async fn step_up_is_a_login_with_the_second_factor(t: Trial) -> Verdict {
    let ada = guarded(&t).await?;
    t.advance_secs(20 * MINUTE)?;
    let call = ada.life.session.regenerate_backup_codes();
    let error = failed(call.send().await)?;
    ensure!(error.needs_step_up(), "{error:?}");
    t.refreshed(1)?;

    // The old session stays in the hands of the client that has it; the new one is another client's.
    let elsewhere = t.auth().build()?;
    let challenge = challenged(&elsewhere, &ada.life.email).await?;
    let fresh = challenge.totp(ada.authenticator.next_code(&t)?).await?;
    fresh.regenerate_backup_codes().send().await.granted()?;
    ada.life.session.me().send().await.granted()?;
    let still = failed(ada.life.session.regenerate_backup_codes().send().await)?;
    ensure!(still.needs_step_up(), "{still:?}");
    Ok(())
}

async fn a_newcomer_verifies_a_phone(t: Trial) -> Verdict {
    let (auth, email, phone) = (t.auth().build()?, t.fresh_email(), t.fresh_phone());
    let number = RegisterRequestPhone::try_from(phone.as_str())?;
    let register = auth.public().register().body_map(|body| {
        let body = body.email(email.as_str()).password(PASSWORD);
        body.phone(Some(number))
    });
    register.send().await.granted()?;
    let session = logged_in(&auth, &email).await?;
    ensure!(!session.me().send().await.granted()?.phone_verified);
    session.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let confirm = |code: &str| {
        session
            .verify_phone_confirm()
            .body_map(|body| body.code(code))
    };
    wrong(confirm(another(&code)).send().await)?;
    confirm(&code).send().await.granted()?;
    ensure!(session.me().send().await.granted()?.phone_verified);
    Ok(())
}

async fn who_lost_the_factors_resets_them_by_mail(t: Trial) -> Verdict {
    let ada = guarded(&t).await?;
    let Life {
        auth,
        email,
        session,
        ..
    } = &ada.life;
    session.mfa_reset_request().send().await.granted()?;
    let token = t.mailed_token(email, RESET_PAGE, 1).await?;
    session.me().send().await.granted()?;
    let confirm = auth.public().mfa_reset_confirm();
    let done = confirm
        .body_map(|body| body.token(token))
        .send()
        .await
        .granted()?;
    ensure!(!done.mfa_enabled);
    ended(session.me().send().await)?;
    t.refreshed(0)?;
    let anew = logged_in(auth, email).await?;
    let list = methods(&anew).await?;
    ensure!(list.methods.is_empty() && !list.mfa_enabled, "{list:?}");
    Ok(())
}

async fn who_comes_back_is_let_in_again(t: Trial) -> Verdict {
    let ada = t.life().await?;
    t.operator("deactivate", &ada.email).await?;
    ended(ada.session.me().send().await)?;
    let refused = failed(ada.auth.login(&ada.email, PASSWORD).await)?;
    ensure!(
        refused.code() == Some(&ErrorCode::AccountDeactivated),
        "{refused:?}"
    );
    ensure!(
        !refused.needs_login() && !refused.is_retryable(),
        "{refused:?}"
    );
    let request = ada.auth.public().reactivate_request();
    let request = request.body_map(|body| body.email(ada.email.as_str()));
    request.send().await.granted()?;
    let token = t.mailed_token(&ada.email, "reactivate", 1).await?;
    let confirm = ada.auth.public().reactivate_confirm();
    confirm
        .body_map(|body| body.token(token))
        .send()
        .await
        .granted()?;
    ended(ada.session.me().send().await)?;
    t.refreshed(0)?;
    ada.begin_anew().await?;
    Ok(())
}
