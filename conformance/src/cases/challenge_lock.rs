//! Ten failures in a sliding quarter of an hour lock the second factor of an account.

use anyhow::ensure;
use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::mfa::{MINUTE, methods};
use crate::kit::{Granted, Guarded, Refused};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        ten_failures_across_logins_lock_the_second_factor,
        "Ten failures of an account within 15 minutes lock MFA, however many logins and right passwords they are spread over: right codes of every method are 429 `mfa_locked` with `Retry-After`, and are not used up."
    ),
    case!(
        a_lock_leaves_everything_else_open,
        "While MFA is locked, `/token` still answers with MFA pending, sessions go on, and other accounts log in."
    ),
    case!(
        nine_failures_do_not_lock,
        "After nine failures the right code still completes the login."
    ),
    case!(
        a_success_gives_back_only_its_own_slot,
        "A success after nine failures leaves them counted: one more failure locks."
    ),
    case!(
        failures_of_all_methods_count_together,
        "Wrong codes of the authenticator and wrong backup codes count together."
    ),
    case!(
        a_lock_slides_and_is_not_prolonged,
        "The lock ends as its failures become 15 minutes old, each by itself; tries while it is locked do not prolong it."
    )
    .clock(),
    case!(
        the_number_of_failures_is_a_setting,
        "`limits.mfa_failures` is the number of failures that lock."
    )
    .set(&[("limits.mfa_failures", "2")]),
];

async fn ten_failures_across_logins_lock_the_second_factor(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let wrong = ada.authenticator()?.wrong_code(&t)?;
    for _ in 0..10 {
        let login = t.pending(&ada.email).await?;
        t.challenge(&login, None, &wrong)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    let left = locked(&t, &ada).await?.retry_after();
    ensure!((1..=900).contains(&left), "locked for {left} s");
    let login = t.pending(&ada.email).await?;
    let code = ada.authenticator()?.next_code(&t)?;
    t.challenge(&login, Some(MfaMethod::Totp), &code)
        .await
        .refused(429, ErrorCode::MfaLocked)?;
    ensure!(methods(&ada.session.client).await?.backup_codes_remaining == 10);
    Ok(())
}

async fn a_lock_leaves_everything_else_open(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    t.fail_totp(&ada, 10).await?;
    locked(&t, &ada).await?;
    t.pending(&ada.email).await?;
    ada.session.client.me().send().await.granted()?;
    ada.session
        .client
        .regenerate_backup_codes()
        .send()
        .await
        .granted()?;
    t.backup_session(&bob, 0).await?;
    Ok(())
}

async fn nine_failures_do_not_lock(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.fail_totp(&ada, 9).await?;
    t.totp_session(&ada).await?;
    Ok(())
}

async fn a_success_gives_back_only_its_own_slot(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.fail_totp(&ada, 9).await?;
    // The tenth slot serves any number of successes.
    for n in 1..=3 {
        t.backup_session(&ada, n).await?;
    }
    t.fail_totp(&ada, 1).await?;
    locked(&t, &ada).await?;
    Ok(())
}

async fn failures_of_all_methods_count_together(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.fail_totp(&ada, 5).await?;
    let bob = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    for foreign in &bob.backup_codes[..5] {
        t.challenge(&login, Some(MfaMethod::BackupCodes), foreign.expose())
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    locked(&t, &ada).await?;
    Ok(())
}

async fn a_lock_slides_and_is_not_prolonged(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.fail_totp(&ada, 4).await?;
    t.advance_secs(5 * MINUTE)?;
    t.fail_totp(&ada, 6).await?;
    let left = locked(&t, &ada).await?.retry_after();
    ensure!(left == 10 * MINUTE, "locked for {left} s");
    t.advance_secs(10 * MINUTE - 1)?;
    locked(&t, &ada).await?;
    t.advance_secs(1)?;
    // Four have left the window, six are still in it.
    t.fail_totp(&ada, 4).await?;
    let left = locked(&t, &ada).await?.retry_after();
    ensure!(left == 5 * MINUTE, "locked for {left} s");
    t.advance_secs(5 * MINUTE)?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn the_number_of_failures_is_a_setting(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.fail_totp(&ada, 1).await?;
    t.backup_session(&ada, 1).await?;
    t.fail_totp(&ada, 1).await?;
    locked(&t, &ada).await?;
    Ok(())
}

/// A right code, the first backup code, is refused.
async fn locked(t: &Trial, ada: &Guarded) -> anyhow::Result<Refused> {
    let login = t.pending(&ada.email).await?;
    let code = ada.backup_codes[0].expose();
    t.challenge(&login, Some(MfaMethod::BackupCodes), code)
        .await
        .refused(429, ErrorCode::MfaLocked)
}
