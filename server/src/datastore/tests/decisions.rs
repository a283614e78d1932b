//! What may happen once happens once, however many try.

use super::*;

const CROWD: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn one_rotation_wins() {
    let scene = Scene::new().await;
    let session = scene.session(false).await;
    let token = refresh_token(&session, 'a', None);
    let txn = scene.store.begin().await.unwrap();
    txn.refresh_token_insert(token.clone()).await.unwrap();
    txn.commit().await.unwrap();

    let id = token.id;
    let won = winners(&scene.store, CROWD, move |txn| async move {
        txn.refresh_token_consume(id, NOW + 1, None).await
    });
    assert_eq!(won.await, 1);
    let stored = scene
        .store
        .refresh_token_fetch_by_hash(&token.token_hash)
        .await;
    assert_eq!(stored.unwrap().unwrap().used_at, Some(NOW + 1));
}

#[tokio::test]
async fn a_family_has_one_live_token_and_a_token_one_successor() {
    let scene = Scene::new().await;
    let session = scene.session(false).await;
    let first = refresh_token(&session, 'a', None);
    let next = refresh_token(&session, 'b', Some(first.id));
    let txn = scene.store.begin().await.unwrap();
    txn.refresh_token_insert(first.clone()).await.unwrap();
    txn.commit().await.unwrap();
    // On PostgreSQL a refused statement is the last of its transaction.
    let txn = scene.store.begin().await.unwrap();
    let early = txn.refresh_token_insert(next.clone()).await.unwrap_err();
    // SQLite names the column, PostgreSQL the index.
    let named = ["session_id", "one_live"].map(|name| early.is_conflict_on(name));
    assert!(named.contains(&true), "{early}");
    drop(txn);

    let txn = scene.store.begin().await.unwrap();
    assert!(txn.refresh_token_extend(first.id, NOW + DAY).await.unwrap());
    let sealed = Some("sealed".to_owned());
    assert!(
        txn.refresh_token_consume(first.id, NOW, sealed)
            .await
            .unwrap()
    );
    assert!(!txn.refresh_token_extend(first.id, NOW).await.unwrap());
    txn.refresh_token_insert(next.clone()).await.unwrap();
    let successor = txn.refresh_token_successor_fetch(first.id).await.unwrap();
    assert_eq!(successor, Some(next.clone()));

    assert!(txn.refresh_token_consume(next.id, NOW, None).await.unwrap());
    let twin = refresh_token(&session, 'c', Some(first.id));
    let second = txn.refresh_token_insert(twin).await.unwrap_err();
    assert!(second.is_conflict_on("parent_id"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_totp_step_is_used_once_and_only_forward() {
    let scene = Scene::new().await;
    let method = scene.verified_totp().await.id;
    let step = NOW / 30_000 + 5;
    let won = winners(&scene.store, CROWD, move |txn| async move {
        txn.mfa_method_step_consume(method, step, NOW).await
    });
    assert_eq!(won.await, 1);
    let txn = scene.store.begin().await.unwrap();
    for (tried, accepted) in [(step - 1, false), (step, false), (step + 1, true)] {
        let taken = txn.mfa_method_step_consume(method, tried, NOW).await;
        assert_eq!(taken.unwrap(), accepted, "step {tried}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_uses_a_backup_code() {
    let scene = Scene::new().await;
    let user = scene.user.id;
    let rows: Vec<_> = (0..10)
        .map(|slot| BackupCode {
            id: Uuid::now_v7(),
            user_id: user,
            slot,
            salt: "salt".to_owned(),
            code_hash: slot.to_string().repeat(64),
            created_at: NOW,
            used_at: None,
        })
        .collect();
    let txn = scene.store.begin().await.unwrap();
    txn.backup_codes_replace(user, rows.clone()).await.unwrap();
    txn.backup_codes_replace(user, rows).await.unwrap();
    txn.commit().await.unwrap();

    let won = winners(&scene.store, CROWD, move |txn| async move {
        let hash = "3".repeat(64);
        txn.backup_code_consume(user, &hash, NOW).await
    });
    assert_eq!(won.await, 1);
    assert_eq!(scene.store.backup_codes_remaining(user).await.unwrap(), 9);
    assert_eq!(
        scene.store.backup_codes_fetch(user).await.unwrap().len(),
        10
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_code_has_five_tries_and_one_use() {
    let scene = Scene::new().await;
    let user = scene.user.id;
    let code = SmsCode {
        user_id: user,
        purpose: "login".to_owned(),
        phone: "+491701234567".to_owned(),
        code_sealed: "c".repeat(64),
        created_at: NOW,
        expires_at: NOW + 10 * MINUTE,
        attempts: 0,
    };
    let txn = scene.store.begin().await.unwrap();
    txn.sms_code_put(code.clone()).await.unwrap();
    txn.commit().await.unwrap();

    let tries = winners(&scene.store, CROWD, move |txn| async move {
        let slot = txn.sms_code_attempt(user, "login", 5, NOW).await?;
        Ok(slot.is_some())
    });
    assert_eq!(tries.await, 5);

    let txn = scene.store.begin().await.unwrap();
    txn.sms_code_put(code.clone()).await.unwrap();
    let slot = txn.sms_code_attempt(user, "login", 5, NOW).await.unwrap();
    assert_eq!(slot.unwrap().attempts, 1, "a new code has all its tries");
    let wrong = "d".repeat(64);
    assert!(
        !txn.sms_code_consume(user, "login", &wrong, NOW)
            .await
            .unwrap()
    );
    let late = NOW + 10 * MINUTE;
    let mac = code.code_sealed.clone();
    assert!(
        !txn.sms_code_consume(user, "login", &mac, late)
            .await
            .unwrap()
    );
    let other = txn.sms_code_consume(user, "mfa_setup", &mac, NOW).await;
    assert!(!other.unwrap());
    txn.commit().await.unwrap();

    let won = winners(&scene.store, CROWD, move |txn| {
        let mac = mac.clone();
        async move { txn.sms_code_consume(user, "login", &mac, NOW).await }
    });
    assert_eq!(won.await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_has_five_tries_and_one_use() {
    let scene = Scene::new().await;
    let jti = Uuid::now_v7();
    let challenge = MfaChallenge {
        jti,
        user_id: scene.user.id,
        created_at: NOW,
        expires_at: NOW + 5 * MINUTE,
        attempts: 0,
        consumed_at: None,
        code_sent_at: None,
        epoch: 0,
    };
    let txn = scene.store.begin().await.unwrap();
    txn.mfa_challenge_insert(challenge.clone()).await.unwrap();
    let late = txn.mfa_challenge_attempt(jti, 5, NOW + 5 * MINUTE).await;
    assert_eq!(late.unwrap(), None);
    txn.commit().await.unwrap();

    let tries = winners(&scene.store, CROWD, move |txn| async move {
        Ok(txn.mfa_challenge_attempt(jti, 5, NOW).await?.is_some())
    });
    assert_eq!(tries.await, 5);
    let won = winners(&scene.store, CROWD, move |txn| async move {
        txn.mfa_challenge_consume(jti, NOW).await
    });
    assert_eq!(won.await, 1);

    let second = MfaChallenge {
        jti: Uuid::now_v7(),
        ..challenge
    };
    let txn = scene.store.begin().await.unwrap();
    txn.mfa_challenge_insert(second.clone()).await.unwrap();
    let voided = txn.mfa_challenges_void(scene.user.id, NOW).await;
    assert_eq!(voided.unwrap(), 1);
    assert!(!txn.mfa_challenge_consume(second.jti, NOW).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_token_is_used_once() {
    let scene = Scene::new().await;
    let user = scene.user.id;
    let resets = winners(&scene.store, CROWD, move |txn| async move {
        txn.mfa_reset_token_use("r", user, NOW, NOW + MINUTE).await
    });
    assert_eq!(resets.await, 1);
    let reactivations = winners(&scene.store, CROWD, move |txn| async move {
        txn.reactivation_token_use("r", user, NOW, NOW + MINUTE)
            .await
    });
    assert_eq!(reactivations.await, 1);
    assert!(scene.store.mfa_reset_token_is_used("r").await.unwrap());
    assert!(!scene.store.mfa_reset_token_is_used("s").await.unwrap());
    assert!(scene.store.reactivation_token_is_used("r").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_first_calls_create_one_api_key() {
    let scene = Scene::new().await;
    let user = scene.user.id;
    let created = winners(&scene.store, CROWD, move |txn| async move {
        let row = ApiKey {
            id: Uuid::now_v7(),
            user_id: user,
            key_hash: Uuid::now_v7().simple().to_string().repeat(2),
            prefix: "bpk_".to_owned(),
            hint: "abcd".to_owned(),
            scopes: "profile:read".to_owned(),
            created_at: NOW,
            rotated_at: None,
            last_used_at: None,
            epoch: 0,
        };
        txn.api_key_insert_if_absent(row).await
    });
    assert_eq!(created.await, 1);

    let key = scene
        .store
        .api_key_fetch_by_user(&scene.user)
        .await
        .unwrap();
    let key = key.unwrap();
    let txn = scene.store.begin().await.unwrap();
    assert!(txn.api_key_touch(key.id, NOW, NOW - MINUTE).await.unwrap());
    let soon = txn.api_key_touch(key.id, NOW + 1, NOW + 1 - MINUTE).await;
    assert!(!soon.unwrap());
    let hash = "f".repeat(64);
    let replaced = txn.api_key_replace(user, &hash, "bpk_", "wxyz", NOW).await;
    assert!(replaced.unwrap());
    txn.commit().await.unwrap();
    let old = scene.store.api_key_fetch_by_hash(&key.key_hash).await;
    assert_eq!(old.unwrap(), None);
    let new = scene.store.api_key_fetch_by_hash(&hash).await.unwrap();
    assert_eq!(new.unwrap().id, key.id);
}

#[tokio::test]
async fn a_pending_method_replaces_the_verified_one_only_when_it_is_verified() {
    let scene = Scene::new().await;
    let old = scene.verified_totp().await;
    let user = scene.user.id;
    let txn = scene.store.begin().await.unwrap();
    txn.mfa_method_pending_replace(pending_totp(user))
        .await
        .unwrap();
    let new = pending_totp(user);
    txn.mfa_method_pending_replace(new.clone()).await.unwrap();
    assert_eq!(txn.mfa_methods_list(user).await.unwrap().len(), 2);

    let late = txn
        .mfa_method_verify(user, new.id, NOW + DAY, Some(1))
        .await;
    assert!(!late.unwrap());
    let methods = txn.mfa_methods_list(user).await.unwrap();
    assert!(methods.iter().any(|m| m.id == old.id && m.verified));

    assert!(
        txn.mfa_method_verify(user, new.id, NOW, Some(1))
            .await
            .unwrap()
    );
    assert!(
        !txn.mfa_method_verify(user, new.id, NOW, Some(1))
            .await
            .unwrap()
    );
    let methods = txn.mfa_methods_list(user).await.unwrap();
    assert_eq!(methods.len(), 1);
    assert_eq!(methods[0].id, new.id);
    assert_eq!(methods[0].verified_at, Some(NOW));
    assert!(!txn.mfa_method_pending_delete(new.id).await.unwrap());
    assert_eq!(txn.mfa_methods_delete(user, Some("sms")).await.unwrap(), 0);
    assert_eq!(txn.mfa_methods_delete(user, None).await.unwrap(), 1);
}

#[tokio::test]
async fn revoking_spares_what_it_should() {
    let scene = Scene::new().await;
    let method = scene.verified_totp().await;
    let (kept, strong, weak) = (
        scene.session(false).await,
        scene.session(true).await,
        scene.session(false).await,
    );
    let user = scene.user.id;
    let txn = scene.store.begin().await.unwrap();
    let ended = txn.sessions_revoke_by_user(user, NOW, "mfa_enabled", Some(kept.id), true);
    assert_eq!(ended.await.unwrap(), 1);
    assert!(!txn.session_revoke(weak.id, NOW, "logout").await.unwrap());
    assert!(
        !txn.session_upgrade(weak.id, "pwd otp", method.id)
            .await
            .unwrap()
    );
    assert!(
        txn.session_upgrade(kept.id, "pwd otp", method.id)
            .await
            .unwrap()
    );
    let upgraded = txn.session_fetch(kept.id).await.unwrap().unwrap();
    assert!(upgraded.mfa_satisfied);
    assert_eq!(upgraded.auth_time, kept.auth_time);
    assert!(txn.session_revoke(strong.id, NOW, "logout").await.unwrap());
    let rest = txn.sessions_revoke_by_user(user, NOW, "deactivated", None, false);
    assert_eq!(rest.await.unwrap(), 1);
}

#[tokio::test]
async fn a_state_is_left_only_from_where_it_may_be() {
    let scene = Scene::new().await;
    let user = scene.user.id;
    let txn = scene.store.begin().await.unwrap();
    let from_suspended = txn.user_state_set(user, &["suspended"], "active", NOW);
    assert!(!from_suspended.await.unwrap());
    let away = txn.user_state_set(user, &["active", "suspended"], "deactivated", NOW);
    assert!(away.await.unwrap());

    let set = txn.user_phone_verified_set(user, "+491701234567", "+491701234567", NOW);
    assert!(set.await.unwrap());
    let other = txn.user_phone_verified_set(user, "+491709999999", "+491709999999", NOW);
    assert!(!other.await.unwrap());
    let hash = scene.user.password_hash.as_str();
    assert!(txn.user_password_hash_set(user, hash, "new").await.unwrap());
    assert!(!txn.user_password_hash_set(user, hash, "x").await.unwrap());
}

#[tokio::test]
async fn a_trusted_device_has_one_valid_secret() {
    let scene = Scene::new().await;
    let user = scene.user.id;
    let id = scene.device().await;
    let (old, new) = ("0".repeat(64), "1".repeat(64));
    let txn = scene.store.begin().await.unwrap();
    let rotate = txn.trusted_device_secret_rotate(id, &old, &new, NOW, Some("ua"), None);
    assert!(rotate.await.unwrap());
    let replay = txn.trusted_device_secret_rotate(id, &old, &new, NOW, None, None);
    assert!(!replay.await.unwrap());
    let late = NOW + 30 * DAY;
    let expired = txn.trusted_device_secret_rotate(id, &new, &old, late, None, None);
    assert!(!expired.await.unwrap());
    let stranger = Uuid::now_v7();
    let foreign = txn.trusted_device_revoke(id, stranger, NOW, "removed");
    assert!(!foreign.await.unwrap());
    assert!(
        txn.trusted_device_revoke(id, user, NOW, "removed")
            .await
            .unwrap()
    );
    assert!(
        !txn.trusted_device_revoke(id, user, NOW, "removed")
            .await
            .unwrap()
    );
    txn.commit().await.unwrap();

    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(scene.device().await);
    }
    let txn = scene.store.begin().await.unwrap();
    assert_eq!(txn.trusted_devices_evict(user, 2, NOW).await.unwrap(), 2);
    txn.commit().await.unwrap();
    let live = scene.store.trusted_devices_list_live(user, NOW, 20).await;
    let live: Vec<_> = live.unwrap().iter().map(|device| device.id).collect();
    assert_eq!(live, [ids[3], ids[2]]);
}
