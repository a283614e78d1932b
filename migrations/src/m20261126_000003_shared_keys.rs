//! Keys and plans that all instances share.

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
    // What is secret is sealed by a key that is not in the database.
    "CREATE TABLE keys (
        id TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('signing', 'sealing')),
        public TEXT,
        sealed TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        active_from BIGINT NOT NULL,
        retires_at BIGINT,
        CHECK ((kind = 'signing') = (public IS NOT NULL)),
        CHECK (kind = 'signing' OR retires_at IS NULL),
        CHECK (retires_at IS NULL OR retires_at > active_from)
    )",
    // Every signing key but the newest has a successor, and so an end.
    "CREATE UNIQUE INDEX keys_one_newest ON keys (kind)
        WHERE kind = 'signing' AND retires_at IS NULL",
    "CREATE TABLE documents (
        name TEXT NOT NULL PRIMARY KEY,
        body TEXT NOT NULL,
        digest TEXT NOT NULL,
        updated_at BIGINT NOT NULL
    )",
];
