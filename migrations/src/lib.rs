//! The schema of bp-auth, one step per file, oldest first.
//!
//! A step that has been released is never edited: a new one follows it.

mod m20250101_000001_create_schema;
mod m20261126_000002_rate_windows;
mod m20261126_000003_shared_keys;
mod m20261127_000004_outbox_languages;
mod m20261128_000005_epochs;
mod m20261128_000006_passwords_and_addresses;
mod m20261128_000007_networks;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20250101_000001_create_schema::Migration),
            Box::new(m20261126_000002_rate_windows::Migration),
            Box::new(m20261126_000003_shared_keys::Migration),
            Box::new(m20261127_000004_outbox_languages::Migration),
            Box::new(m20261128_000005_epochs::Migration),
            Box::new(m20261128_000006_passwords_and_addresses::Migration),
            Box::new(m20261128_000007_networks::Migration),
        ]
    }
}

/// Runs the statements of a step, in the two spellings in which the databases differ.
async fn execute(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let (uuid, counting_id) = match manager.get_database_backend() {
        // AUTOINCREMENT, because a plain rowid is handed out again after the newest row is deleted.
        DbBackend::Sqlite => ("BLOB", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        _ => ("UUID", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    };
    for statement in statements {
        let statement = statement
            .replace("{uuid}", uuid)
            .replace("{counting_id}", counting_id);
        manager
            .get_connection()
            .execute_unprepared(&statement)
            .await?;
    }
    Ok(())
}
