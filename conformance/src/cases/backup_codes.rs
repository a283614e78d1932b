//! Backup codes: ten, each good once.

use std::collections::BTreeSet;

use anyhow::ensure;
use bp_auth_client::types::{BackupCodes, MfaMethod};
use bp_auth_client::{Client, ErrorCode, Secret};

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Granted;
use crate::kit::mfa::{delete, devices, methods, totp_setup};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        there_are_ten_of_fifty_bits,
        "A set is ten different codes, each long enough for 50 random bits, and no two sets share one."
    ),
    case!(
        a_code_logs_in_once,
        "A backup code completes one login; then it is 401 `code_invalid`, and one less remains."
    ),
    case!(
        a_code_is_read_as_it_was_typed,
        "In a backup code decimal digits of any script count as those of ASCII; case, blanks and dashes do not count."
    ),
    case!(
        a_new_set_voids_the_old_one,
        "`regenerate` gives ten new codes and voids all of the old set; methods and devices stay."
    ),
    case!(
        a_new_set_is_told_to_the_owner,
        "`regenerate` sends a mail, which has none of the codes; a refused one sends none."
    )
    .messages(),
    case!(
        without_a_method_there_are_no_backup_codes,
        "`regenerate` without a verified method is 409 `mfa_not_enabled`, also with a pending one."
    ),
    case!(
        the_set_can_be_removed,
        "`DELETE /mfa/backup_codes` removes the set, and is 404 without one; methods and devices stay."
    ),
    case!(
        a_removed_set_logs_nobody_in,
        "After its removal a set is neither offered nor accepted, until a new one is made."
    ),
    case!(
        a_removal_of_the_set_is_told_to_the_owner,
        "Removing the set of backup codes sends a mail."
    )
    .messages(),
    case!(
        used_codes_stay_until_the_next_set,
        "Used codes stay as rows until the next set: a set that is used up can still be removed, and is not absent."
    ),
    case!(
        a_code_that_was_refused_is_not_used_up,
        "A backup code that came with a dead `mfa_token` is still good."
    ),
];

async fn there_are_ten_of_fifty_bits(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let again = regenerate(&ada.session.client).await?;
    let all = ada.backup_codes.iter().chain(&again.codes);
    let distinct: BTreeSet<&str> = all.map(Secret::expose).collect();
    ensure!(
        distinct.len() == 20,
        "{} different codes of 20",
        distinct.len()
    );
    for code in distinct {
        // Digits say little; of a mixture, the richest alphabet that people can type has 62.
        let symbols: Vec<char> = code.chars().filter(|c| c.is_alphanumeric()).collect();
        let enough = match symbols.iter().all(char::is_ascii_digit) {
            true => 16,
            false => 9,
        };
        ensure!(symbols.len() >= enough, "{} symbols", symbols.len());
    }
    Ok(())
}

async fn a_code_logs_in_once(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.backup_session(&ada, 3).await?;
    let client = &ada.session.client;
    ensure!(methods(client).await?.backup_codes_remaining == 9);
    let login = t.pending(&ada.email).await?;
    t.challenge(
        &login,
        Some(MfaMethod::BackupCodes),
        ada.backup_codes[3].expose(),
    )
    .await
    .refused(401, ErrorCode::CodeInvalid)?;
    ensure!(methods(client).await?.backup_codes_remaining == 9);
    t.backup_session(&ada, 4).await?;
    ensure!(methods(client).await?.backup_codes_remaining == 8);
    Ok(())
}

async fn a_code_is_read_as_it_was_typed(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let wide = |c: char| char::from_u32(0xff10 + c.to_digit(10)?);
    for (which, between) in ["", " ", "\u{2013}", "\u{a0}-\u{3000}"].iter().enumerate() {
        let code = ada.backup_codes[which].expose().to_uppercase();
        let letters: Vec<char> = code.chars().filter(|c| c.is_alphanumeric()).collect();
        let (head, tail) = letters.split_at(letters.len() / 2);
        let text = |part: &[char]| {
            part.iter()
                .map(|c| wide(*c).unwrap_or(*c))
                .collect::<String>()
        };
        let typed = format!("{}{between}{}", text(head), text(tail));
        let login = t.pending(&ada.email).await?;
        let answer = t.challenge(&login, Some(MfaMethod::BackupCodes), &typed);
        answer.await.granted()?;
    }
    Ok(())
}

async fn a_new_set_voids_the_old_one(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    t.remember_by_totp(&ada).await?;
    t.backup_session(&ada, 0).await?;
    let client = &ada.session.client;
    let set = regenerate(client).await?;
    let age = t.now_ms() - set.generated_at.timestamp_millis();
    ensure!(age.abs() < 60_000, "generated {age} ms ago");
    let list = methods(client).await?;
    ensure!(list.backup_codes_remaining == 10 && list.methods.len() == 1);
    ensure!(devices(client).await?.len() == 1, "the devices are gone");
    let login = t.pending(&ada.email).await?;
    for old in [0, 1, 9] {
        t.challenge(&login, None, ada.backup_codes[old].expose())
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    t.challenge(&login, None, set.codes[9].expose())
        .await
        .granted()?;
    Ok(())
}

async fn a_new_set_is_told_to_the_owner(t: Trial) -> Verdict {
    let bob = t.newcomer().await?;
    let refused = bob.client.regenerate_backup_codes().send().await;
    refused.refused(409, ErrorCode::MfaNotEnabled)?;
    ensure!(
        t.settled_messages(&bob.email).await?.len() == 1,
        "a mail about nothing"
    );
    let ada = t.with_totp().await?;
    let set = regenerate(&ada.session.client).await?;
    let mails = t.settled_messages(&ada.email).await?;
    ensure!(
        mails.len() == 3,
        "{} mails, not welcome, enrolment, codes",
        mails.len()
    );
    for code in &set.codes {
        let told = mails.iter().any(|mail| mail.text.contains(code.expose()));
        ensure!(!told, "a code is in a mail");
    }
    Ok(())
}

async fn without_a_method_there_are_no_backup_codes(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for _ in 0..2 {
        let refused = ada.client.regenerate_backup_codes().send().await;
        refused.refused(409, ErrorCode::MfaNotEnabled)?;
        totp_setup(&ada.client).await?;
    }
    ensure!(methods(&ada.client).await?.backup_codes_remaining == 0);
    Ok(())
}

async fn the_set_can_be_removed(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let client = &ada.session.client;
    delete(client, MfaMethod::BackupCodes).await.granted()?;
    let list = methods(client).await?;
    ensure!(list.mfa_enabled && list.methods.len() == 1 && list.backup_codes_remaining == 0);
    delete(client, MfaMethod::BackupCodes)
        .await
        .refused(404, ErrorCode::NotFound)?;
    ensure!(devices(client).await?.len() == 1, "the devices are gone");
    t.is_trusted(&ada.email, &device.value).await?;
    Ok(())
}

async fn a_removed_set_logs_nobody_in(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = &ada.session.client;
    delete(client, MfaMethod::BackupCodes).await.granted()?;
    let login = t.pending(&ada.email).await?;
    ensure!(login.methods == [MfaMethod::Totp], "{:?}", login.methods);
    t.challenge(
        &login,
        Some(MfaMethod::BackupCodes),
        ada.backup_codes[0].expose(),
    )
    .await
    .refused(409, ErrorCode::MfaMethodUnavailable)?;
    let set = regenerate(client).await?;
    t.challenge(&login, Some(MfaMethod::BackupCodes), set.codes[0].expose())
        .await
        .granted()?;
    Ok(())
}

async fn a_removal_of_the_set_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let before = t.settled_messages(&ada.email).await?.len();
    delete(&ada.session.client, MfaMethod::BackupCodes)
        .await
        .granted()?;
    let after = t.settled_messages(&ada.email).await?.len();
    ensure!(after == before + 1, "{} new mails", after - before);
    Ok(())
}

async fn used_codes_stay_until_the_next_set(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    for n in 0..10 {
        t.backup_session(&ada, n).await?;
    }
    let client = &ada.session.client;
    ensure!(methods(client).await?.backup_codes_remaining == 0);
    delete(client, MfaMethod::BackupCodes).await.granted()?;
    delete(client, MfaMethod::BackupCodes)
        .await
        .refused(404, ErrorCode::NotFound)?;
    Ok(())
}

async fn a_code_that_was_refused_is_not_used_up(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let wrong = ada.authenticator()?.wrong_code(&t)?;
    for _ in 0..5 {
        t.challenge(&login, None, &wrong)
            .await
            .refused(401, ErrorCode::CodeInvalid)?;
    }
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    ensure!(methods(&ada.session.client).await?.backup_codes_remaining == 10);
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn regenerate(client: &Client) -> anyhow::Result<BackupCodes> {
    let set = client.regenerate_backup_codes().send().await.granted()?;
    ensure!(set.codes.len() == 10, "{} codes", set.codes.len());
    Ok(set)
}
