//! What is counted by network: levels, the networks of right logins, and repetitions of what strangers do.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uuid = match manager.get_database_backend() {
            DbBackend::Sqlite => "BLOB",
            _ => "UUID",
        };
        for statement in STEPS {
            manager
                .get_connection()
                .execute_unprepared(&statement.replace("{uuid}", uuid))
                .await?;
        }
        Ok(())
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
