//! What must hold at any moment, as queries for what contradicts it.

use sea_orm::{ConnectionTrait, QueryResult, Statement};
use uuid::Uuid;

use super::sessions::unassured;
use super::{Datastore, Result};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub name: &'static str,
    /// The rows that offend, or the first of them.
    pub detail: String,
}

/// How many offending rows a violation names.
const NAMED: usize = 20;

/// Each query returns what offends, in its first column. A query may be stricter than the table's
/// own constraints allow anything to be: it also judges a database restored from elsewhere.
const INVARIANTS: &[(&str, &str)] = &[
    (
        "refresh_family_has_one_live_token",
        "SELECT session_id FROM refresh_tokens WHERE used_at IS NULL \
         GROUP BY session_id HAVING count(*) > 1",
    ),
    (
        "refresh_token_has_one_successor",
        "SELECT parent_id FROM refresh_tokens WHERE parent_id IS NOT NULL \
         GROUP BY parent_id HAVING count(*) > 1",
    ),
    (
        "live_session_has_active_user",
        "SELECT sessions.id FROM sessions JOIN users ON users.id = sessions.user_id \
         WHERE sessions.revoked_at IS NULL AND users.state <> 'active'",
    ),
    (
        "live_credential_is_of_its_users_epoch",
        "SELECT users.id FROM users JOIN sessions ON sessions.user_id = users.id \
         WHERE sessions.revoked_at IS NULL AND sessions.epoch <> users.epoch \
         UNION ALL SELECT users.id FROM users \
         JOIN mfa_challenges ON mfa_challenges.user_id = users.id \
         WHERE mfa_challenges.consumed_at IS NULL AND mfa_challenges.epoch <> users.epoch \
         UNION ALL SELECT users.id FROM users \
         JOIN trusted_devices ON trusted_devices.user_id = users.id \
         WHERE trusted_devices.revoked_at IS NULL AND trusted_devices.epoch <> users.epoch",
    ),
    (
        "assured_session_has_its_factor",
        concat!("SELECT sessions.id FROM sessions WHERE ", unassured!()),
    ),
    (
        "verified_method_has_verified_at",
        "SELECT id FROM mfa_methods WHERE verified AND verified_at IS NULL",
    ),
    (
        "backup_codes_are_none_or_ten",
        "SELECT user_id FROM backup_codes GROUP BY user_id HAVING count(*) <> 10",
    ),
    (
        "backup_codes_have_a_method",
        "SELECT DISTINCT user_id FROM backup_codes WHERE NOT EXISTS \
         (SELECT 1 FROM mfa_methods \
          WHERE mfa_methods.user_id = backup_codes.user_id AND mfa_methods.verified)",
    ),
    // A step is 30 seconds. The step of the enrolment is the lowest one a method ever has; the
    // slack is for the clocks of telephones.
    (
        "totp_step_never_decreases",
        "SELECT id FROM mfa_methods WHERE method = 'totp' AND verified \
         AND (last_used_step IS NULL OR last_used_step < verified_at / 30000 - 20)",
    ),
    (
        "tenant_has_one_owner",
        "SELECT tenants.id FROM tenants \
         LEFT JOIN users ON users.tenant_id = tenants.id AND users.role = 'owner' \
         GROUP BY tenants.id HAVING count(users.id) <> 1",
    ),
    (
        "user_has_a_tenant",
        "SELECT id FROM users WHERE NOT EXISTS \
         (SELECT 1 FROM tenants WHERE tenants.id = users.tenant_id)",
    ),
    (
        "canonical_email_is_unique",
        "SELECT email_key FROM users GROUP BY email_key HAVING count(*) > 1",
    ),
    (
        "canonical_email_is_canonical",
        "SELECT id FROM users WHERE email_key <> lower(trim(email_key))",
    ),
    (
        "unproved_registration_is_no_account",
        "SELECT id FROM users WHERE pending_email_key IS NOT NULL \
         AND (state <> 'deactivated' OR email_key NOT LIKE 'unproved %')",
    ),
    (
        "counters_are_not_negative",
        "SELECT user_id FROM sms_codes WHERE attempts < 0 \
         UNION ALL SELECT jti FROM mfa_challenges WHERE attempts < 0 \
         UNION ALL SELECT id FROM outbox WHERE attempts < 0",
    ),
    (
        "password_failures_are_not_negative",
        "SELECT account FROM password_failures WHERE failures < 0 OR blocked_until < 0",
    ),
    (
        "known_network_is_hashed",
        "SELECT user_id FROM known_networks WHERE length(network) <> 64",
    ),
    (
        "only_repetitions_are_counted",
        "SELECT id FROM audit_events WHERE times < 1 OR (times > 1 AND repeats IS NULL)",
    ),
    (
        "outbox_rows_end",
        "SELECT id FROM outbox WHERE state NOT IN ('pending', 'sent', 'expired', 'dead') \
         OR (state = 'pending') <> (finished_at IS NULL)",
    ),
    (
        "finished_message_has_no_content",
        "SELECT id FROM outbox WHERE state IN ('sent', 'expired') AND payload <> ''",
    ),
    (
        "message_content_is_sealed",
        "SELECT id FROM outbox WHERE payload LIKE '{%'",
    ),
    // The forms that an import takes, and the mark of an account without a password.
    (
        "password_is_hashed",
        "SELECT id FROM users WHERE password_hash <> '!' \
         AND password_hash NOT LIKE '$argon2id$%' AND password_hash NOT LIKE '$argon2i$%' \
         AND password_hash NOT LIKE '$argon2d$%' AND password_hash NOT LIKE 'argon2$argon2%' \
         AND password_hash NOT LIKE '$2a$%' AND password_hash NOT LIKE '$2b$%' \
         AND password_hash NOT LIKE '$2y$%' AND password_hash NOT LIKE 'bcrypt$$2%' \
         AND password_hash NOT LIKE 'bcrypt_sha256$$2%' AND password_hash NOT LIKE '$scrypt$%' \
         AND password_hash NOT LIKE 'scrypt$%$%$%' AND password_hash NOT LIKE '$pbkdf2$%' \
         AND password_hash NOT LIKE '$pbkdf2-sha%' AND password_hash NOT LIKE 'pbkdf2_sha%$%$%'",
    ),
    (
        "refresh_token_is_hashed",
        "SELECT id FROM refresh_tokens \
         WHERE length(token_hash) <> 64 OR successor_sealed LIKE 'bpr%'",
    ),
    (
        "api_key_is_hashed",
        "SELECT id FROM api_keys WHERE length(key_hash) <> 64",
    ),
    (
        "device_secret_is_hashed",
        "SELECT id FROM trusted_devices WHERE length(secret_hash) <> 64",
    ),
    (
        "backup_code_is_hashed",
        "SELECT id FROM backup_codes WHERE length(code_hash) < 32",
    ),
    (
        "sms_code_is_hashed",
        "SELECT user_id FROM sms_codes WHERE length(code_sealed) < 32",
    ),
    // A TOTP secret has 32 characters in the clear; sealed, it has at least twice as many.
    (
        "totp_secret_is_sealed",
        "SELECT id FROM mfa_methods WHERE length(secret_sealed) < 64",
    ),
    (
        "mailed_token_is_not_stored",
        "SELECT token_id FROM mfa_reset_tokens_used WHERE token_id LIKE '%.%' \
         UNION ALL SELECT token_id FROM reactivation_tokens_used WHERE token_id LIKE '%.%'",
    ),
    (
        "audit_has_no_secret",
        "SELECT id FROM audit_events WHERE detail LIKE '%bpr!_%' ESCAPE '!' \
         OR detail LIKE '%bpk!_%' ESCAPE '!' OR detail LIKE '%eyJ%.eyJ%'",
    ),
];

impl Datastore {
    /// Every invariant that does not hold; empty when all is well.
    pub async fn invariants_check(&self) -> Result<Vec<Violation>> {
        let conn = self.unhurried().await?;
        let mut violations = Vec::new();
        for &(name, sql) in INVARIANTS {
            let query = Statement::from_string(conn.get_database_backend(), sql);
            let offending = conn.query_all_raw(query).await?;
            if !offending.is_empty() {
                violations.push(Violation {
                    name,
                    detail: describe(&offending),
                });
            }
        }
        Ok(violations)
    }
}

fn describe(offending: &[QueryResult]) -> String {
    let mut named: Vec<String> = offending.iter().take(NAMED).map(key).collect();
    if offending.len() > NAMED {
        named.push(format!("and {} more", offending.len() - NAMED));
    }
    named.join(", ")
}

fn key(row: &QueryResult) -> String {
    row.try_get_by_index::<Uuid>(0)
        .map(|id| id.to_string())
        .or_else(|_| row.try_get_by_index::<String>(0))
        .or_else(|_| row.try_get_by_index::<i64>(0).map(|id| id.to_string()))
        .unwrap_or_else(|_| "an unreadable key".to_owned())
}
