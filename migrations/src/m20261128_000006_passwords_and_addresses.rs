//! What is known of a user's password.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in STEPS {
            manager
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}

const STEPS: &[&str] = &[
    // When a login found the password on the list of common ones.
    "ALTER TABLE users ADD COLUMN password_common_at BIGINT",
];
