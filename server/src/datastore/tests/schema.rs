use std::os::unix::fs::PermissionsExt;

use super::shared::signing_key;
use super::*;

#[tokio::test]
async fn migrations_build_an_empty_database_once() {
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite://{}/new.db", dir.path().display());
    let store = Datastore::connect(&url).await.unwrap();
    let pending = store.migrations_pending().await.unwrap();
    assert!(!pending.is_empty());
    assert_eq!(store.migrations_apply().await.unwrap(), pending);
    assert!(store.migrations_pending().await.unwrap().is_empty());
    assert!(store.migrations_apply().await.unwrap().is_empty());
    store.close().await.unwrap();
}

#[tokio::test]
async fn processes_that_migrate_together_run_each_step_once() {
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite://{}/shared.db", dir.path().display());
    let one = Datastore::connect(&url).await.unwrap();
    let two = Datastore::connect(&url).await.unwrap();
    let (first, second) = tokio::join!(one.migrations_apply(), two.migrations_apply());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.is_empty() != second.is_empty());
}

#[tokio::test]
async fn the_database_is_for_its_owner_only() {
    let scene = Scene::new().await;
    if !scene.is_sqlite("the mode of the file") {
        return;
    }
    let file = scene.url.strip_prefix("sqlite://").unwrap();
    for name in [
        file.to_owned(),
        format!("{file}-wal"),
        format!("{file}-shm"),
    ] {
        let mode = std::fs::metadata(&name).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn other_urls_are_refused_without_repeating_them() {
    for url in [
        "mysql://bp:hunter2@db/auth",
        "postgres://bp:hunter2@db/auth?passwd=hunter2",
        "sqlite::memory:",
        "sqlite://x?mode=memory",
        "hunter2",
        "",
    ] {
        let error = Datastore::connect(url).await.unwrap_err();
        assert!(matches!(error, Error::Internal(_)), "{url}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let error = Datastore::connect("sqlite:///nonexistent/dir/x.db").await;
    assert!(matches!(error, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn a_connection_is_durable_and_checks_references() {
    let scene = Scene::new().await;
    if !scene.is_sqlite("what a connection is set to") {
        return;
    }
    for (pragma, expected) in [("synchronous", 2), ("foreign_keys", 1)] {
        for conn in [&scene.store.read, &scene.store.write] {
            let value = query_number(conn, &format!("PRAGMA {pragma}"), []).await;
            assert_eq!(value.unwrap(), Some(expected), "{pragma}");
        }
    }
    let refused = execute(&scene.store.read, "DELETE FROM users", []).await;
    assert!(refused.is_err(), "a read connection must not write");
}

#[tokio::test]
async fn a_taken_address_is_a_conflict_and_a_dropped_transaction_leaves_nothing() {
    let scene = Scene::new().await;
    let mut other = scene.user.clone();
    other.id = Uuid::now_v7();
    let tenant = scene.store.tenant_fetch(other.tenant_id).await.unwrap();
    let mut tenant = tenant.unwrap();
    tenant.id = Uuid::now_v7();
    other.tenant_id = tenant.id;

    let txn = scene.store.begin().await.unwrap();
    txn.tenant_insert(tenant.clone()).await.unwrap();
    let error = txn.user_insert(other).await.unwrap_err();
    assert!(error.is_conflict_on("email_key"), "{error}");
    drop(txn);

    let orphan = scene.store.tenant_fetch(tenant.id).await.unwrap();
    assert_eq!(orphan, None);
}

#[tokio::test]
async fn a_tenant_has_one_owner() {
    let scene = Scene::new().await;
    let mut second = scene.user.clone();
    second.id = Uuid::now_v7();
    second.email_key = "second@example.org".to_owned();
    let txn = scene.store.begin().await.unwrap();
    let error = txn.user_insert(second).await.unwrap_err();
    // SQLite names the column, PostgreSQL the index.
    let named = ["tenant_id", "users_one_owner"].map(|name| error.is_conflict_on(name));
    assert!(named.contains(&true), "{error}");
}

#[tokio::test]
async fn the_ids_of_devices_are_never_used_again() {
    let scene = Scene::new().await;
    let first = scene.device().await;
    let second = scene.device().await;
    assert!(second > first);
    scene.sql("DELETE FROM trusted_devices").await;
    assert!(scene.device().await > second);
}

#[tokio::test]
async fn rows_come_back_as_they_went_in() {
    let scene = Scene::new().await;
    let fetched = scene.store.user_fetch_by_email_key("ada@example.org").await;
    assert_eq!(fetched.unwrap(), Some(scene.user.clone()));
    let session = scene.session(true).await;
    let found = scene.store.session_with_user_fetch(session.id).await;
    assert_eq!(found.unwrap(), Some((session.clone(), scene.user.clone())));
    scene.add_key(signing_key("kid", NOW, None)).await.unwrap();
    let (_, _, tenant) = scene
        .store
        .session_with_user_and_tenant_fetch(session.id, "kid", NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tenant.id, scene.user.tenant_id);
    let absent = scene.store.session_with_user_fetch(Uuid::now_v7()).await;
    assert_eq!(absent.unwrap(), None);

    let txn = scene.store.begin().await.unwrap();
    let locked = txn.user_lock(scene.user.id).await.unwrap();
    assert_eq!(locked, Some(scene.user.clone()));
}
