//! Tables of what is counted by network, and a count for audit events that repeat.

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
    // A bucket that falls evenly: the microseconds until it is empty, as of a moment.
    "CREATE TABLE rate_levels (
        bucket TEXT NOT NULL PRIMARY KEY,
        level BIGINT NOT NULL CHECK (level >= 0),
        at BIGINT NOT NULL,
        granted BOOLEAN NOT NULL
    )",
    "CREATE INDEX rate_levels_by_time ON rate_levels (at)",
    // The network is a keyed hash.
    "CREATE TABLE known_networks (
        user_id {uuid} NOT NULL REFERENCES users (id),
        network TEXT NOT NULL,
        last_used_at BIGINT NOT NULL,
        PRIMARY KEY (user_id, network)
    )",
    "CREATE INDEX known_networks_by_time ON known_networks (last_used_at)",
    // What strangers can repeat is one row with a count. `repeats` says what is the same.
    "ALTER TABLE audit_events ADD COLUMN times BIGINT NOT NULL DEFAULT 1 CHECK (times >= 1)",
    "ALTER TABLE audit_events ADD COLUMN last_at BIGINT",
    "ALTER TABLE audit_events ADD COLUMN repeats TEXT",
    "CREATE UNIQUE INDEX audit_events_by_repetition ON audit_events (repeats)
        WHERE repeats IS NOT NULL",
    "CREATE INDEX audit_events_of_strangers ON audit_events (at) WHERE repeats IS NOT NULL",
];
