//! Codes by SMS at a login: when one goes out, when none does, and what stays good.

use anyhow::ensure;
use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Granted;
use crate::kit::mfa::{DAY, MINUTE, another, pending, resend};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        the_password_step_sends_a_code_when_sms_is_the_only_method,
        "A right password sends one code when `sms` is the only method, whatever was sent for set-ups just before; the code completes the login."
    )
    .messages(),
    case!(
        a_wrong_password_sends_no_code,
        "A wrong password sends no code."
    )
    .messages(),
    case!(
        with_an_authenticator_a_message_goes_out_only_when_asked_for,
        "When another method is the default, the password step sends nothing; `method: \"sms\"` without a code does, and the code is then given with that method."
    )
    .messages(),
    case!(
        a_code_logs_in_once,
        "A code by SMS logs in once."
    )
    .messages(),
    case!(
        within_a_minute_no_second_message_goes_out,
        "At a login within 60 s of a message none goes out: `code_sent: false` with the seconds left as `retry_after`, at a resend too, and the live code stays good."
    )
    .messages()
    .clock(),
    case!(
        a_resend_is_no_try,
        "A resend after 60 s sends another code, answers MFA pending, and is no try of the `mfa_token`."
    )
    .messages()
    .clock(),
    case!(
        a_resend_voids_the_code_before,
        "The code of a resend replaces the one before."
    )
    .messages()
    .clock(),
    case!(
        a_dead_token_sends_nothing,
        "A resend with a dead `mfa_token` is 401 `mfa_token_invalid` and sends nothing."
    )
    .messages()
    .clock(),
    case!(
        without_a_phone_there_is_nothing_to_send,
        "A resend without `sms` enrolled is 409 `mfa_method_unavailable`."
    ),
    case!(
        twenty_messages_a_day,
        "20 messages a day go out for logins; after that only the other methods are offered, with `code_sent: false` and `retry_after`, and they complete the login."
    )
    .messages()
    .clock(),
    case!(
        a_code_of_the_set_up_does_not_log_in,
        "A code is bound to its purpose: that of a set-up, used or not, completes no login."
    )
    .messages()
    .clock(),
];

async fn the_password_step_sends_a_code_when_sms_is_the_only_method(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone()?;
    let login = t.pending(&ada.email).await?;
    ensure!(login.code_sent && login.default_method == MfaMethod::Sms);
    ensure!(login.methods == [MfaMethod::Sms, MfaMethod::BackupCodes]);
    let hint = login.phone_hint.clone().unwrap_or_default();
    ensure!(
        !hint.contains(&phone[3..]) && phone.ends_with(&hint[hint.len().max(2) - 2..]),
        "{hint}"
    );
    let code = t.sms_code(phone, 2).await?;
    ensure!(t.settled_messages(phone).await?.len() == 2);
    // Six digits without a method are the default method's.
    t.challenge(&login, None, &code).await.granted()?;
    Ok(())
}

async fn a_wrong_password_sends_no_code(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    t.try_login(&ada.email, crate::kit::WRONG_PASSWORD)
        .await
        .refused(401, ErrorCode::InvalidCredentials)?;
    let texts = t.settled_messages(ada.phone()?).await?.len();
    ensure!(texts == 1, "{texts} messages, not the set-up's only");
    Ok(())
}

async fn with_an_authenticator_a_message_goes_out_only_when_asked_for(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let with_phone = t.enrol_sms(ada.session.clone()).await?;
    let phone = with_phone.phone()?;
    let login = t.pending(&ada.email).await?;
    ensure!(
        login.default_method == MfaMethod::Totp,
        "the default is {}",
        login.default_method
    );
    ensure!(!login.code_sent);
    ensure!(
        t.settled_messages(phone).await?.len() == 1,
        "a code that nobody asked for"
    );
    let asked = pending(resend(&t, &login.mfa_token).await)?;
    ensure!(asked.code_sent);
    let code = t.sms_code(phone, 2).await?;
    let shown = [-1, 0, 1].map(|step| ada.authenticator()?.code_at(&t, step));
    if !shown
        .into_iter()
        .any(|one| one.is_ok_and(|one| one == code))
    {
        t.challenge(&login, None, &code)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    t.challenge(&login, Some(MfaMethod::Sms), &code)
        .await
        .granted()?;
    Ok(())
}

async fn a_code_logs_in_once(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let first = t.pending(&ada.email).await?;
    let code = t.sms_code(ada.phone()?, 2).await?;
    t.challenge(&first, Some(MfaMethod::Sms), &code)
        .await
        .granted()?;
    let second = t.pending(&ada.email).await?;
    t.challenge(&second, Some(MfaMethod::Sms), &code)
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    Ok(())
}

async fn within_a_minute_no_second_message_goes_out(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone()?;
    ensure!(t.pending(&ada.email).await?.code_sent);
    let code = t.sms_code(phone, 2).await?;
    t.advance_secs(20)?;
    let second = t.pending(&ada.email).await?;
    ensure!(
        !second.code_sent && second.retry_after == Some(40),
        "{:?}",
        second.retry_after
    );
    t.advance_secs(39)?;
    let again = pending(resend(&t, &second.mfa_token).await)?;
    ensure!(
        !again.code_sent && again.retry_after == Some(1),
        "{:?}",
        again.retry_after
    );
    ensure!(t.settled_messages(phone).await?.len() == 2);
    t.challenge(&second, Some(MfaMethod::Sms), &code)
        .await
        .granted()?;
    Ok(())
}

async fn a_resend_is_no_try(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone()?;
    let login = t.pending(&ada.email).await?;
    let first = t.sms_code(phone, 2).await?;
    for _ in 0..4 {
        t.challenge(&login, Some(MfaMethod::Sms), another(&first))
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    for sent in 3..=5 {
        t.advance_secs(MINUTE)?;
        let again = pending(resend(&t, &login.mfa_token).await)?;
        ensure!(again.code_sent && again.mfa_required);
        t.messages(phone, sent).await?;
    }
    let last = t.sms_code(phone, 5).await?;
    t.challenge(&login, Some(MfaMethod::Sms), &last)
        .await
        .granted()?;
    Ok(())
}

async fn a_resend_voids_the_code_before(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone()?;
    let login = t.pending(&ada.email).await?;
    let old = t.sms_code(phone, 2).await?;
    t.advance_secs(MINUTE)?;
    ensure!(pending(resend(&t, &login.mfa_token).await)?.code_sent);
    let new = t.sms_code(phone, 3).await?;
    // Two codes may be the same by chance.
    if old != new {
        t.challenge(&login, Some(MfaMethod::Sms), &old)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    t.challenge(&login, Some(MfaMethod::Sms), &new)
        .await
        .granted()?;
    Ok(())
}

async fn a_dead_token_sends_nothing(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone()?;
    let login = t.pending(&ada.email).await?;
    let code = t.sms_code(phone, 2).await?;
    for _ in 0..5 {
        t.challenge(&login, Some(MfaMethod::Sms), another(&code))
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    t.advance_secs(MINUTE)?;
    resend(&t, &login.mfa_token)
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    ensure!(t.settled_messages(phone).await?.len() == 2);
    Ok(())
}

async fn without_a_phone_there_is_nothing_to_send(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    resend(&t, &login.mfa_token)
        .await
        .refused(409, ErrorCode::MfaMethodUnavailable)?;
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .granted()?;
    Ok(())
}

async fn twenty_messages_a_day(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone()?;
    for n in 1..=20 {
        ensure!(t.pending(&ada.email).await?.code_sent, "none for login {n}");
        t.messages(phone, 1 + n).await?;
        t.advance_secs(MINUTE)?;
    }
    // The last code lives on for some minutes; then there is none.
    t.advance_secs(10 * MINUTE)?;
    let login = t.pending(&ada.email).await?;
    let left = login.retry_after.map(u64::from);
    ensure!(
        !login.code_sent && left == Some(DAY - 30 * MINUTE),
        "{left:?} s left"
    );
    ensure!(
        login.methods == [MfaMethod::BackupCodes],
        "{:?}",
        login.methods
    );
    ensure!(login.default_method == MfaMethod::BackupCodes);
    ensure!(t.settled_messages(phone).await?.len() == 21);
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .granted()?;
    t.advance_secs(DAY - 30 * MINUTE)?;
    ensure!(
        t.pending(&ada.email).await?.code_sent,
        "none on the next day"
    );
    Ok(())
}

async fn a_code_of_the_set_up_does_not_log_in(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone()?;
    t.advance_secs(MINUTE)?;
    crate::kit::mfa::sms_setup(&ada.session.client, phone)
        .await
        .granted()?;
    let for_setup = t.sms_code(phone, 2).await?;
    let login = t.pending(&ada.email).await?;
    let for_login = t.sms_code(phone, 3).await?;
    if for_setup != for_login {
        t.challenge(&login, Some(MfaMethod::Sms), &for_setup)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    t.challenge(&login, Some(MfaMethod::Sms), &for_login)
        .await
        .granted()?;
    Ok(())
}
