mod decisions;
mod limits;
mod schema;
#[expect(dead_code, reason = "the tests over HTTP use more of it")]
#[path = "../../../tests/it/support/postgres.rs"]
mod server;
mod shared;
mod upkeep;

use std::future::Future;
use std::sync::Arc;

use bp_auth_migrations::{Migrator, MigratorTrait};
use tempfile::TempDir;
use tokio::sync::Barrier;
use uuid::Uuid;

use super::*;

/// A fixed moment, so that no test depends on the day it runs.
const NOW: i64 = 1_760_000_000_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// A new database with one user, gone with the value.
struct Scene {
    store: Datastore,
    user: User,
    url: String,
    _dir: TempDir,
    /// Last, so that it is dropped when nobody uses it any more.
    database: Option<server::Database>,
}

impl Scene {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("test.db");
        let database = match server::kind() {
            server::Kind::Sqlite => {
                server::sqlite_file(&file);
                None
            }
            kind => server::database(kind),
        };
        let scene = Self::on(dir, database).await;
        let user = add_user(&scene.store, "ada@example.org").await;
        Self { user, ..scene }
    }

    /// The schema as it was before a step, with nobody in it.
    async fn before_step(step: u32) -> Self {
        let dir = TempDir::new().unwrap();
        let database = match server::kind() {
            server::Kind::Sqlite => None,
            kind => server::empty_database(kind),
        };
        let scene = Self::on(dir, database).await;
        let txn = scene.store.begin().await.unwrap();
        Migrator::up(&txn.inner.inner, Some(step - 1))
            .await
            .unwrap();
        txn.commit().await.unwrap();
        scene
    }

    async fn on(dir: TempDir, database: Option<server::Database>) -> Self {
        let url = match &database {
            Some(database) => database.url.clone(),
            None => format!("sqlite://{}/test.db", dir.path().display()),
        };
        let store = Datastore::connect(&url).await.unwrap();
        Self {
            store,
            user: nobody(),
            url,
            _dir: dir,
            database,
        }
    }

    async fn session(&self, mfa_satisfied: bool) -> Session {
        let session = Session {
            id: Uuid::now_v7(),
            user_id: self.user.id,
            created_at: NOW,
            expires_at: NOW + 30 * DAY,
            auth_time: NOW,
            amr: "pwd".to_owned(),
            mfa_satisfied,
            trusted_device_id: None,
            ip: "192.0.2.1".to_owned(),
            user_agent: None,
            revoked_at: None,
            revoked_reason: None,
            epoch: 0,
            mfa_method_id: None,
            backup_codes_salt: None,
        };
        let txn = self.store.begin().await.unwrap();
        txn.session_insert(session.clone()).await.unwrap();
        txn.commit().await.unwrap();
        session
    }

    async fn verified_totp(&self) -> MfaMethod {
        let txn = self.store.begin().await.unwrap();
        let row = pending_totp(self.user.id);
        txn.mfa_method_pending_replace(row.clone()).await.unwrap();
        assert!(
            txn.mfa_method_verify(row.user_id, row.id, NOW, Some(NOW / 30_000))
                .await
                .unwrap()
        );
        txn.commit().await.unwrap();
        row
    }

    async fn device(&self) -> i64 {
        let txn = self.store.begin().await.unwrap();
        let new = NewTrustedDevice {
            user_id: self.user.id,
            secret_hash: "0".repeat(64),
            name: None,
            user_agent: None,
            ip_address: None,
            created_at: NOW,
            expires_at: NOW + 30 * DAY,
            epoch: 0,
        };
        let id = txn.trusted_device_insert(new).await.unwrap();
        txn.commit().await.unwrap();
        id
    }

    /// What follows looks into SQLite; elsewhere it is skipped, and says so.
    fn is_sqlite(&self, test: &str) -> bool {
        if self.database.is_some() {
            eprintln!("NOT TESTED: {test} is about SQLite");
        }
        self.database.is_none()
    }

    /// Breaks the rules on purpose.
    async fn sql(&self, sql: &str) {
        let txn = self.store.begin().await.unwrap();
        txn.inner.execute_unprepared(sql).await.unwrap();
        txn.commit().await.unwrap();
    }
}

fn nobody() -> User {
    User {
        id: Uuid::now_v7(),
        tenant_id: Uuid::now_v7(),
        role: "owner".to_owned(),
        email: String::new(),
        email_key: String::new(),
        full_name: None,
        phone: None,
        phone_verified_at: None,
        locale: None,
        password_hash: "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA".to_owned(),
        state: "active".to_owned(),
        created_at: NOW,
        updated_at: NOW,
        last_login_at: None,
        epoch: 0,
        password_common_at: None,
        hash_kind: None,
        pending_email_key: None,
    }
}

async fn add_user(store: &Datastore, email: &str) -> User {
    let tenant = Tenant {
        id: Uuid::now_v7(),
        name: email.to_owned(),
        plan: "free".to_owned(),
        plan_status: "active".to_owned(),
        plan_source: "default".to_owned(),
        current_period_end: None,
        state: "active".to_owned(),
        created_at: NOW,
    };
    let user = User {
        tenant_id: tenant.id,
        email: email.to_owned(),
        email_key: email.to_owned(),
        ..nobody()
    };
    let txn = store.begin().await.unwrap();
    txn.tenant_insert(tenant).await.unwrap();
    txn.user_insert(user.clone()).await.unwrap();
    txn.commit().await.unwrap();
    user
}

fn pending_totp(user: Uuid) -> MfaMethod {
    MfaMethod {
        id: Uuid::now_v7(),
        user_id: user,
        method: "totp".to_owned(),
        secret_sealed: Some("s".repeat(96)),
        phone: None,
        created_at: NOW,
        expires_at: Some(NOW + 10 * MINUTE),
        verified_at: None,
        last_used_at: None,
        last_used_step: None,
        verified: false,
    }
}

fn refresh_token(session: &Session, hash: char, parent: Option<Uuid>) -> RefreshToken {
    RefreshToken {
        id: Uuid::now_v7(),
        session_id: session.id,
        user_id: session.user_id,
        token_hash: hash.to_string().repeat(64),
        parent_id: parent,
        issued_at: NOW,
        expires_at: NOW + 14 * DAY,
        used_at: None,
        successor_sealed: None,
    }
}

fn message(dedupe_key: &str) -> OutboxRow {
    OutboxRow {
        id: Uuid::now_v7(),
        dedupe_key: dedupe_key.to_owned(),
        kind: "email".to_owned(),
        locale: None,
        template: "welcome".to_owned(),
        user_id: None,
        recipient: "ada@example.org".to_owned(),
        payload: "sealed".to_owned(),
        state: "pending".to_owned(),
        attempts: 0,
        next_attempt_at: NOW,
        lease_until: None,
        created_at: NOW,
        expires_at: NOW + DAY,
        finished_at: None,
        last_error: None,
    }
}

/// Lets `count` tasks try the same thing at the same moment, each in its own transaction, and says
/// how many were told `true`.
async fn winners<F, Fut>(store: &Datastore, count: usize, attempt: F) -> usize
where
    F: Fn(Arc<Txn>) -> Fut,
    Fut: Future<Output = Result<bool>> + Send + 'static,
    F: Clone + Send + Sync + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (store, barrier, attempt) = (store.clone(), barrier.clone(), attempt.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                let won = retried(|| async {
                    let txn = Arc::new(store.begin().await?);
                    let won = attempt(txn.clone()).await?;
                    Arc::into_inner(txn).unwrap().commit().await?;
                    Ok::<_, Error>(won)
                });
                won.await.unwrap()
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    won
}
