//! A limit is one row, so that one statement can both count and record.

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
    // The events as JSON, `[[when, number], …]`: the two databases read it, and write it alike.
    "CREATE TABLE rate_windows (
        bucket TEXT NOT NULL PRIMARY KEY,
        events TEXT NOT NULL,
        last_event BIGINT NOT NULL CHECK (last_event >= 0),
        granted BOOLEAN NOT NULL,
        expires_at BIGINT NOT NULL
    )",
    "CREATE INDEX rate_windows_by_expiry ON rate_windows (expires_at)",
    // Nobody gets new tries from an upgrade. The longest window is a day.
    "INSERT INTO rate_windows (bucket, events, last_event, granted, expires_at)
        SELECT bucket, '[' || string_agg('[' || at || ',' || number || ']', ',') || ']',
            count(*), TRUE, max(at) + 86400000
        FROM (SELECT bucket, at, row_number() OVER (PARTITION BY bucket ORDER BY at) AS number
            FROM rate_events) AS numbered
        GROUP BY bucket",
    "DROP TABLE rate_events",
    // Whether the last attempt was let through, which the statement that decided has to say.
    "ALTER TABLE password_failures ADD COLUMN granted BOOLEAN NOT NULL DEFAULT TRUE",
];
