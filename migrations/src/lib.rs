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
