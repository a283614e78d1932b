//! Columns about a user's password, and about addresses that nobody has proved yet.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, STEPS).await
    }
}

const STEPS: &[&str] = &[
    // When a login found the password on the list of common ones.
    "ALTER TABLE users ADD COLUMN password_common_at BIGINT",
    // The scheme and the parameters of a hash that came with an import. Absent for our own; empty where
    // a server has still to read it from the hash.
    "ALTER TABLE users ADD COLUMN hash_kind TEXT",
    "CREATE INDEX users_by_hash_kind ON users (hash_kind) WHERE hash_kind IS NOT NULL",
    "UPDATE users SET hash_kind = '' WHERE password_hash <> '!'
        AND password_hash NOT LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'",
    // The canonical address of a registration that nobody has proved yet. Until then `email_key` is a
    // placeholder, so that the address is free for whoever proves it first.
    "ALTER TABLE users ADD COLUMN pending_email_key TEXT",
    "CREATE INDEX users_by_pending_email_key ON users (pending_email_key, created_at)
        WHERE pending_email_key IS NOT NULL",
];
