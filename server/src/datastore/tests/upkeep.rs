use super::*;

#[tokio::test]
async fn a_message_is_claimed_by_one_worker_and_forgets_its_content() {
    let scene = Scene::new().await;
    let store = &scene.store;
    let (first, second) = (message("one"), message("two"));
    let txn = store.begin().await.unwrap();
    assert!(txn.outbox_insert(first.clone()).await.unwrap());
    assert!(txn.outbox_insert(second.clone()).await.unwrap());
    assert!(!txn.outbox_insert(message("one")).await.unwrap());
    let lease = NOW + MINUTE;
    let mine = txn.outbox_claim(NOW, lease, 1).await.unwrap();
    let theirs = txn.outbox_claim(NOW, lease, 10).await.unwrap();
    assert_eq!((mine.len(), theirs.len()), (1, 1));
    assert_ne!(mine[0].id, theirs[0].id);
    assert_eq!(mine[0].attempts, 1);
    assert!(txn.outbox_claim(NOW, lease, 10).await.unwrap().is_empty());

    assert!(
        txn.outbox_finish(mine[0].id, "sent", NOW, None)
            .await
            .unwrap()
    );
    assert!(
        !txn.outbox_finish(mine[0].id, "dead", NOW, None)
            .await
            .unwrap()
    );
    let later = NOW + 2 * MINUTE;
    let retry = txn.outbox_retry_at(theirs[0].id, later, "refused").await;
    assert!(retry.unwrap());
    txn.commit().await.unwrap();
    assert_eq!(store.outbox_next_due().await.unwrap(), Some(later));
    let mut counts = store.outbox_counts().await.unwrap();
    counts.sort();
    assert_eq!(counts, [("pending".to_owned(), 1), ("sent".to_owned(), 1)]);

    let txn = store.begin().await.unwrap();
    // A worker that died leaves its lease to run out.
    assert_eq!(
        txn.outbox_claim(later, later + 5, 9).await.unwrap().len(),
        1
    );
    let again = txn.outbox_claim(later + 5, later + 9, 9).await.unwrap();
    assert_eq!(again[0].attempts, 3);
    assert_eq!(txn.outbox_expire(NOW + DAY - 1).await.unwrap(), 0);
    assert_eq!(txn.outbox_expire(NOW + DAY).await.unwrap(), 1);
    txn.commit().await.unwrap();
    let sql = "SELECT count(*) FROM outbox WHERE payload <> ''";
    let left = query_number(&store.read, sql, []).await.unwrap();
    assert_eq!(left, Some(0));
    assert_eq!(store.outbox_next_due().await.unwrap(), None);
}

#[tokio::test]
async fn the_table_refuses_to_keep_the_content_of_a_sent_message() {
    let scene = Scene::new().await;
    let mut row = message("one");
    row.state = "sent".to_owned();
    row.finished_at = Some(NOW);
    let txn = scene.store.begin().await.unwrap();
    assert!(txn.outbox_insert(row).await.is_err());
}

#[tokio::test]
async fn overrides_and_audit_rows_are_found_again() {
    let scene = Scene::new().await;
    let (tenant, user) = (scene.user.tenant_id, scene.user.id);
    let txn = scene.store.begin().await.unwrap();
    for value in ["3", "4"] {
        let row = EntitlementOverride {
            id: Uuid::now_v7(),
            tenant_id: Some(tenant),
            user_id: None,
            kind: "limit".to_owned(),
            key: "seats".to_owned(),
            value: Some(value.to_owned()),
            created_at: NOW,
        };
        txn.entitlement_override_put(row).await.unwrap();
    }
    for (at, event) in [(NOW, "login"), (NOW + 1, "logout")] {
        let row = AuditEvent {
            id: Uuid::now_v7(),
            at,
            event: event.to_owned(),
            user_id: Some(user),
            tenant_id: Some(tenant),
            session_id: None,
            actor: "user".to_owned(),
            ip: None,
            user_agent: None,
            request_id: None,
            detail: "{}".to_owned(),
            times: 1,
            last_at: None,
            repeats: None,
        };
        txn.audit_insert(row).await.unwrap();
    }
    txn.commit().await.unwrap();
    let overrides = scene.store.entitlement_overrides_list(tenant, user).await;
    let overrides = overrides.unwrap();
    assert_eq!(overrides.len(), 1);
    assert_eq!(overrides[0].value.as_deref(), Some("4"));
    let tail = scene.store.audit_tail(1).await.unwrap();
    assert_eq!(tail[0].event, "logout");
    let of_user = scene.store.audit_list_by_user(user, 10).await.unwrap();
    assert_eq!(of_user.len(), 2);

    let other = add_user(&scene.store, "eve@example.org").await;
    let page = scene.store.user_list(1, None).await.unwrap();
    assert_eq!(page[0].id, user);
    let page = scene.store.user_list(9, Some(user)).await.unwrap();
    assert_eq!(page, [other]);
    let seats = scene.store.users_count_by_tenant(tenant).await.unwrap();
    assert_eq!(seats, 1);
}

#[tokio::test]
async fn purge_forgets_what_is_over_in_batches() {
    let scene = Scene::new().await;
    let session = scene.session(false).await;
    let txn = scene.store.begin().await.unwrap();
    let token = refresh_token(&session, 'a', None);
    txn.refresh_token_insert(token).await.unwrap();
    for bucket in ["a", "b", "c"] {
        txn.rate_take(bucket, NOW, MINUTE, 9).await.unwrap();
    }
    txn.password_attempt_reserve("ada", "n", NOW, 5, 1, 1)
        .await
        .unwrap();
    txn.outbox_insert(message("one")).await.unwrap();
    txn.commit().await.unwrap();

    let nothing = scene.store.purge(NOW + MINUTE, 100).await.unwrap();
    assert!(nothing.iter().all(|&(_, rows)| rows == 0), "{nothing:?}");

    let late = NOW + 40 * DAY;
    let purged = scene.store.purge(late, 2).await.unwrap();
    let of = |table| purged.iter().find(|(name, _)| *name == table).unwrap().1;
    assert_eq!(of("rate_windows"), 2);
    assert_eq!(of("refresh_tokens"), 1);
    assert_eq!(of("sessions"), 1);
    assert_eq!(of("password_failures"), 1);
    assert_eq!(of("outbox"), 0, "a pending message is never purged");
    let rest = scene.store.purge(late, 2).await.unwrap();
    assert_eq!(rest.iter().map(|(_, rows)| rows).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_sound_database_violates_nothing() {
    let scene = Scene::new().await;
    scene.session(true).await;
    scene.verified_totp().await;
    scene.device().await;
    assert_eq!(scene.store.invariants_check().await.unwrap(), []);
}

#[tokio::test]
async fn a_planted_violation_is_named_with_its_row() {
    let scene = Scene::new().await;
    let session = scene.session(false).await;
    let user = scene.user.id;
    let txn = scene.store.begin().await.unwrap();
    txn.user_state_set(user, &["active"], "suspended", NOW)
        .await
        .unwrap();
    let row = message("one");
    let mut leaky = row.clone();
    leaky.payload = "{\"token\":\"x\"}".to_owned();
    txn.outbox_insert(leaky).await.unwrap();
    txn.commit().await.unwrap();
    let (unchecked, id) = match scene.database {
        None => ("PRAGMA ignore_check_constraints = ON", "x'00'"),
        Some(_) => (
            "ALTER TABLE password_failures DROP CONSTRAINT password_failures_failures_check",
            "gen_random_uuid()",
        ),
    };
    scene
        .sql(&format!(
            "{unchecked}; \
             INSERT INTO password_failures VALUES ('ada', 'n', -1, 0, 0, TRUE); \
             UPDATE users SET password_hash = 'hunter2'; \
             INSERT INTO tenants (id, name, created_at) VALUES ({id}, 'orphan', 0);"
        ))
        .await;

    let violations = scene.store.invariants_check().await.unwrap();
    let detail = |name| {
        let found = violations.iter().find(|v| v.name == name);
        found.map(|v| v.detail.clone()).unwrap_or_default()
    };
    assert_eq!(
        detail("live_session_has_active_user"),
        session.id.to_string()
    );
    assert_eq!(detail("message_content_is_sealed"), row.id.to_string());
    assert_eq!(detail("password_failures_are_not_negative"), "ada");
    assert_eq!(detail("password_is_hashed"), user.to_string());
    assert_ne!(detail("tenant_has_one_owner"), "");
    assert_eq!(violations.len(), 5, "{violations:?}");
}

#[tokio::test]
async fn what_is_renewed_while_it_is_removed_stays() {
    let Some(database) = server::database(server::Kind::Postgres) else {
        return;
    };
    let store = Datastore::connect(&database.url).await.unwrap();
    let lease = async |until| {
        let txn = store.begin().await.unwrap();
        assert!(txn.lease_take("job:some", "one", NOW, until).await.unwrap());
        txn
    };
    lease(NOW - 9 * DAY).await.commit().await.unwrap();
    // It is taken anew, and the removal, which has seen that it was over, waits for that.
    let renewed = lease(NOW + DAY).await;
    let other = Datastore::connect(&database.url).await.unwrap();
    let removal = tokio::spawn(async move { other.purge(NOW, 9).await });
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN \
                 (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    while query_number(&store.read, waits, []).await.unwrap() == Some(0) {
        tokio::task::yield_now().await;
    }
    renewed.commit().await.unwrap();
    removal.await.unwrap().unwrap();
    let left = "SELECT until FROM leases WHERE name = 'job:some'";
    let left = query_number(&store.read, left, []).await.unwrap();
    assert_eq!(left, Some(NOW + DAY));
}
