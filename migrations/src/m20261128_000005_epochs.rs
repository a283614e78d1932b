//! Epochs that end an account's credentials, and the factor that each session has passed.

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
    // A credential counts while its epoch is its user's.
    "ALTER TABLE users ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE sessions ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE api_keys ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE mfa_challenges ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE trusted_devices ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0",
    // Which factor a session has passed, beside the device in `trusted_device_id`. No foreign keys:
    // the factor may go, and the session then has not passed it any longer.
    "ALTER TABLE sessions ADD COLUMN mfa_method_id {uuid}",
    "ALTER TABLE sessions ADD COLUMN backup_codes_salt TEXT",
    "UPDATE sessions SET mfa_method_id = (SELECT id FROM mfa_methods \
        WHERE mfa_methods.user_id = sessions.user_id AND verified AND method = 'totp') \
     WHERE mfa_satisfied AND amr LIKE '%otp%'",
    "UPDATE sessions SET mfa_method_id = (SELECT id FROM mfa_methods \
        WHERE mfa_methods.user_id = sessions.user_id AND verified AND method = 'sms') \
     WHERE mfa_satisfied AND mfa_method_id IS NULL AND amr LIKE '%sms%'",
    "UPDATE sessions SET backup_codes_salt = (SELECT min(salt) FROM backup_codes \
        WHERE backup_codes.user_id = sessions.user_id) \
     WHERE mfa_satisfied AND amr LIKE '%backup_code%'",
    // Sessions whose factor is gone need a second factor again before they change one.
    "UPDATE sessions SET mfa_satisfied = FALSE, amr = 'pwd' \
     WHERE mfa_satisfied AND mfa_method_id IS NULL AND backup_codes_salt IS NULL \
        AND NOT EXISTS (SELECT 1 FROM trusted_devices \
            WHERE trusted_devices.id = sessions.trusted_device_id \
                AND trusted_devices.revoked_at IS NULL)",
    // The key of an account that is closed does not come back with it.
    "UPDATE api_keys SET epoch = -1 \
     WHERE user_id IN (SELECT id FROM users WHERE state <> 'active')",
];
