//! Messages in the language of their recipient, and dead ones that can be sent after all.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, STEPS).await
    }
}

/// SQLite cannot change a condition of a table, so the table is made anew.
const STEPS: &[&str] = &[
    // What was sent or is too late keeps nothing that could be a secret.
    "CREATE TABLE outbox_next (
        id {uuid} NOT NULL PRIMARY KEY,
        dedupe_key TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('email', 'sms')),
        template TEXT NOT NULL,
        locale TEXT,
        user_id {uuid},
        recipient TEXT NOT NULL,
        payload TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
            CHECK (state IN ('pending', 'sent', 'expired', 'dead')),
        attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        next_attempt_at BIGINT NOT NULL,
        lease_until BIGINT,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        finished_at BIGINT,
        last_error TEXT,
        CHECK (state IN ('pending', 'dead') OR payload = ''),
        CHECK ((state = 'pending') = (finished_at IS NULL))
    )",
    "INSERT INTO outbox_next (id, dedupe_key, kind, template, user_id, recipient, payload, state,
            attempts, next_attempt_at, lease_until, created_at, expires_at, finished_at, last_error)
        SELECT id, dedupe_key, kind, template, user_id, recipient, payload, state,
            attempts, next_attempt_at, lease_until, created_at, expires_at, finished_at, last_error
        FROM outbox",
    "DROP TABLE outbox",
    "ALTER TABLE outbox_next RENAME TO outbox",
    "CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'pending'",
    "CREATE INDEX outbox_finished ON outbox (finished_at) WHERE state <> 'pending'",
];
