//! Backup codes: ten, each good once.

use std::collections::BTreeSet;
use std::sync::Arc;

use bp_auth_client::types::MfaMethod;
use bp_auth_client::{ErrorCode, Secret};
use tokio::sync::Barrier;

use crate::support::factors::{delete_method, devices, methods};
use crate::support::{TestServer, refusal};

const USED: &str = "SELECT count(*) FROM backup_codes WHERE used_at IS NOT NULL";

#[tokio::test]
async fn codes_have_fifty_random_bits_and_are_stored_as_hashes() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let codes: BTreeSet<&str> = user.backup_codes.iter().map(Secret::expose).collect();
    assert_eq!(codes.len(), 10);
    for code in &codes {
        // Ten characters of an alphabet of 32.
        let (left, right) = code.split_once('-').expect("two halves");
        assert_eq!((left.len(), right.len()), (5, 5));
        let alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
        assert!((left.chars().chain(right.chars())).all(|c| alphabet.contains(c)));
        assert!(!server.in_database(code).await);
        assert!(!server.in_database(&code.replace('-', "")).await);
    }
    let salts = "SELECT count(DISTINCT salt) FROM backup_codes";
    assert_eq!(
        server.db.number(salts).await,
        1,
        "one hash for each guess, not ten"
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_logs_in_once_and_its_row_is_kept() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = user.backup_codes[3].expose();
    let pending = server.login_pending(&user.email).await;
    server.challenge(&pending.mfa_token, code).await.unwrap();
    assert_eq!(server.db.number(USED).await, 1);
    assert_eq!(server.db.count("backup_codes").await, 10);
    let client = server.bearer(&user.tokens.access_token);
    assert_eq!(methods(&client).await.backup_codes_remaining, 9);

    let pending = server.login_pending(&user.email).await;
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, code).await),
        (401, ErrorCode::CodeInvalid)
    );
    assert_eq!(server.db.number(USED).await, 1);
    let next = user.backup_codes[4].expose();
    server.challenge(&pending.mfa_token, next).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_is_good_as_people_type_it() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let typed: [fn(&str) -> String; 4] = [
        |code| code.to_uppercase(),
        |code| code.replace('-', ""),
        |code| format!("  {} ", code.replace('-', " ")),
        |code| code.replace('0', "O").replace('1', "l"),
    ];
    for (code, typed) in user.backup_codes.iter().zip(typed) {
        let pending = server.login_pending(&user.email).await;
        let text = typed(code.expose());
        let answer = server
            .challenge_by(&pending.mfa_token, MfaMethod::BackupCodes, Some(&text))
            .await;
        assert!(answer.is_ok(), "{text}");
    }
    assert_eq!(server.db.number(USED).await, 4);
    server.stop_and_check().await;
}

#[tokio::test]
async fn codes_are_good_for_their_user_only() {
    let server = TestServer::start().await;
    let ada = server.totp_user("ada@example.com").await;
    let bob = server.totp_user("bob@example.com").await;
    let pending = server.login_pending(&ada.email).await;
    let answer = server
        .challenge(&pending.mfa_token, bob.backup_codes[0].expose())
        .await;
    assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid));
    assert_eq!(server.db.number(USED).await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_new_set_voids_the_old_one() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let used = user.backup_codes[0].expose();
    server.challenge(&pending.mfa_token, used).await.unwrap();
    let code = server.totp_code(&user.totp_secret);
    server.remember(&user.email, &code, None).await;
    let client = server.bearer(&user.tokens.access_token);
    let fresh = client.regenerate_backup_codes().send().await.unwrap();
    let distinct: BTreeSet<&str> = fresh.codes.iter().map(Secret::expose).collect();
    assert_eq!(distinct.len(), 10);
    assert_eq!(server.db.count("backup_codes").await, 10);
    assert_eq!(server.db.number(USED).await, 0);
    assert_eq!(methods(&client).await.backup_codes_remaining, 10);
    assert_eq!(devices(&client).await.len(), 1, "devices stay");
    assert_eq!(server.mailed(&user.email, "backup codes").await, 1);
    assert_eq!(server.db.audited("mfa.backup_codes.regenerated").await, 1);

    let pending = server.login_pending(&user.email).await;
    let old = user.backup_codes[1].expose();
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, old).await),
        (401, ErrorCode::CodeInvalid)
    );
    let new = fresh.codes[0].expose();
    server.challenge(&pending.mfa_token, new).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn parallel_regenerations_leave_one_set() {
    let server = Arc::new(TestServer::start().await);
    let user = server.totp_user("ada@example.com").await;
    let barrier = Arc::new(Barrier::new(4));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (client, barrier) = (
            server.bearer(&user.tokens.access_token),
            Arc::clone(&barrier),
        );
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            client.regenerate_backup_codes().send().await
        }));
    }
    let mut sets = Vec::new();
    for task in tasks {
        sets.push(task.await.unwrap().unwrap().into_inner());
    }
    assert_eq!(server.db.count("backup_codes").await, 10);
    let mut valid = 0;
    for set in &sets {
        let pending = server.login_pending(&user.email).await;
        let code = set.codes[0].expose();
        valid += usize::from(server.challenge(&pending.mfa_token, code).await.is_ok());
    }
    assert_eq!(valid, 1);
}

#[tokio::test]
async fn regenerating_needs_a_method_and_a_fresh_login() {
    let server = TestServer::start().await;
    let tokens = server.registered("bob@example.com").await;
    let client = server.bearer(&tokens.access_token);
    assert_eq!(
        refusal(client.regenerate_backup_codes().send().await),
        (409, ErrorCode::MfaNotEnabled)
    );
    assert_eq!(server.db.count("backup_codes").await, 0);
    let nobody = server.client();
    assert_eq!(
        refusal(nobody.regenerate_backup_codes().send().await),
        (401, ErrorCode::NotAuthenticated)
    );
    let user = server.totp_user("ada@example.com").await;
    let client = server.stale(&user.tokens).await;
    assert_eq!(
        refusal(client.regenerate_backup_codes().send().await),
        (403, ErrorCode::ReauthenticationRequired)
    );
    // The old set is as it was.
    let pending = server.login_pending(&user.email).await;
    let code = user.backup_codes[0].expose();
    server.challenge(&pending.mfa_token, code).await.unwrap();
    assert_eq!(server.mailed(&user.email, "backup codes").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_set_can_be_removed_and_made_anew() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    server.remember(&user.email, &code, None).await;
    let client = server.bearer(&user.tokens.access_token);
    delete_method(&client, MfaMethod::BackupCodes)
        .await
        .unwrap();
    assert_eq!(server.db.count("backup_codes").await, 0);
    assert_eq!(devices(&client).await.len(), 1, "devices stay");
    let list = methods(&client).await;
    assert!(list.mfa_enabled, "methods stay");
    assert_eq!(list.backup_codes_remaining, 0);
    assert_eq!(
        refusal(delete_method(&client, MfaMethod::BackupCodes).await),
        (404, ErrorCode::NotFound)
    );

    let pending = server.login_pending(&user.email).await;
    assert_eq!(pending.methods, [MfaMethod::Totp]);
    let answer = server
        .challenge(&pending.mfa_token, user.backup_codes[0].expose())
        .await;
    assert_eq!(refusal(answer), (409, ErrorCode::MfaMethodUnavailable));
    let fresh = client.regenerate_backup_codes().send().await.unwrap();
    let code = fresh.codes[9].expose();
    server.challenge(&pending.mfa_token, code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn all_codes_used_is_not_the_same_as_none_made() {
    let server = TestServer::start_with(|config| config.limits.mfa_failures = 100).await;
    let user = server.totp_user("ada@example.com").await;
    for code in &user.backup_codes {
        let pending = server.login_pending(&user.email).await;
        let answer = server.challenge(&pending.mfa_token, code.expose()).await;
        answer.unwrap();
    }
    let pending = server.login_pending(&user.email).await;
    assert_eq!(pending.methods, [MfaMethod::Totp], "none is left to offer");
    let answer = server
        .challenge(&pending.mfa_token, user.backup_codes[0].expose())
        .await;
    assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid));
    assert_eq!(server.db.count("backup_codes").await, 10);
    server.stop_and_check().await;
}
