//! What instances share beside accounts: keys, documents, and the outbox.

use super::*;

pub fn signing_key(id: &str, active_from: i64, retires_at: Option<i64>) -> Key {
    Key {
        id: id.to_owned(),
        kind: "signing".to_owned(),
        public: Some("public".to_owned()),
        sealed: "sealed".to_owned(),
        created_at: active_from,
        active_from,
        retires_at,
    }
}

impl Scene {
    pub async fn add_key(&self, row: Key) -> Result<()> {
        let txn = self.store.begin().await?;
        txn.keys_lock().await?;
        txn.key_insert(row).await?;
        txn.commit().await
    }
}

#[tokio::test]
async fn a_session_is_found_only_with_a_key_that_counts() {
    let scene = Scene::new().await;
    let session = scene.session(false).await.id;
    let old = signing_key("old", NOW, Some(NOW + MINUTE));
    scene.add_key(old).await.unwrap();
    scene
        .add_key(signing_key("new", NOW + 1, None))
        .await
        .unwrap();
    let sealing = Key {
        kind: "sealing".to_owned(),
        public: None,
        ..signing_key("sealing", NOW, None)
    };
    scene.add_key(sealing).await.unwrap();
    let found = async |kid, now| {
        let store = &scene.store;
        let row = store.session_with_user_and_tenant_fetch(session, kid, now);
        row.await.unwrap().is_some()
    };
    for (kid, now, expected) in [
        ("new", NOW, true),
        ("old", NOW + MINUTE - 1, true),
        ("old", NOW + MINUTE, false),
        ("new", NOW + MINUTE, true),
        ("unknown", NOW, false),
        ("sealing", NOW, false),
    ] {
        assert_eq!(found(kid, now).await, expected, "{kid} at {now}");
    }
    let txn = scene.store.begin().await.unwrap();
    assert!(txn.key_delete("new").await.unwrap());
    txn.commit().await.unwrap();
    assert!(!found("new", NOW).await, "revoked");
}

#[tokio::test]
async fn of_signing_keys_one_is_the_newest() {
    let scene = Scene::new().await;
    scene.add_key(signing_key("b", NOW, None)).await.unwrap();
    let second = scene.add_key(signing_key("a", NOW + 1, None)).await;
    assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
    let early = signing_key("a", NOW, Some(NOW));
    assert!(
        scene.add_key(early).await.is_err(),
        "retired before it began"
    );

    let txn = scene.store.begin().await.unwrap();
    assert!(txn.key_retire("b", Some(NOW + DAY)).await.unwrap());
    txn.key_insert(signing_key("a", NOW + 1, None))
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let marks = scene.store.key_marks_list().await.unwrap();
    let b = ("b".to_owned(), NOW, Some(NOW + DAY));
    assert_eq!(marks, [b, ("a".to_owned(), NOW + 1, None)]);

    // Forgotten when nobody may come back with what it signed.
    scene.store.purge(NOW + 91 * DAY - 1, 9).await.unwrap();
    assert_eq!(scene.store.keys_list().await.unwrap().len(), 2);
    scene.store.purge(NOW + 91 * DAY + 1, 9).await.unwrap();
    let left = scene.store.keys_list().await.unwrap();
    assert_eq!(left, [signing_key("a", NOW + 1, None)]);
}

#[tokio::test]
async fn a_document_changes_only_with_its_text() {
    let scene = Scene::new().await;
    let store = &scene.store;
    let put = async |body: &str, at| {
        let row = Document {
            name: "plans".to_owned(),
            body: body.to_owned(),
            digest: format!("digest of {body}"),
            updated_at: at,
        };
        let txn = store.begin().await.unwrap();
        let changed = txn.document_put(&row).await.unwrap();
        txn.commit().await.unwrap();
        changed
    };
    assert_eq!(store.document_digest_fetch("plans").await.unwrap(), None);
    assert!(put("one", NOW).await);
    assert!(!put("one", NOW + 1).await);
    let row = store.document_fetch("plans").await.unwrap().unwrap();
    assert_eq!((row.body.as_str(), row.updated_at), ("one", NOW));
    assert!(put("two", NOW + 2).await);
    let digest = store.document_digest_fetch("plans").await.unwrap();
    assert_eq!(digest.as_deref(), Some("digest of two"));

    let txn = store.begin().await.unwrap();
    assert!(txn.document_delete("plans").await.unwrap());
    assert!(!txn.document_delete("plans").await.unwrap());
    txn.commit().await.unwrap();
    assert_eq!(store.document_fetch("plans").await.unwrap(), None);
}

#[tokio::test]
async fn workers_that_come_at_once_do_not_wait_for_each_other() {
    // At the strictest level one of them may lose and is done again.
    let Some(database) = server::database(server::Kind::Postgres) else {
        return;
    };
    let store = Datastore::connect(&database.url).await.unwrap();
    let txn = store.begin().await.unwrap();
    for number in 0..5 {
        let row = message(&number.to_string());
        assert!(txn.outbox_insert(row).await.unwrap());
    }
    txn.commit().await.unwrap();

    // Both are in the middle of it: the second takes what the first has left.
    let (one, two) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    let first = one.outbox_claim(NOW, NOW + MINUTE, 3).await.unwrap();
    let second = two.outbox_claim(NOW, NOW + MINUTE, 3).await.unwrap();
    assert_eq!((first.len(), second.len()), (3, 2));
    let taken = |row: &OutboxRow| first.iter().any(|other| other.id == row.id);
    assert!(!second.iter().any(taken));
    one.commit().await.unwrap();
    two.commit().await.unwrap();
}
