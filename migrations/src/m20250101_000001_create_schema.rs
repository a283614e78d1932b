//! All tables of the first version.
//!
//! The schema is plain SQL, because the constraints are the point of it: whatever a table can refuse
//! by itself, no code path can get wrong. Times are Unix milliseconds; hashes are lower-case hex.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::execute(manager, SCHEMA).await
    }
}

const SCHEMA: &[&str] = &[
    "CREATE TABLE tenants (
        id {uuid} NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        plan TEXT NOT NULL DEFAULT 'free',
        plan_status TEXT NOT NULL DEFAULT 'active'
            CHECK (plan_status IN ('active', 'trialing', 'past_due', 'canceled')),
        plan_source TEXT NOT NULL DEFAULT 'default'
            CHECK (plan_source IN ('default', 'billing', 'manual')),
        current_period_end BIGINT,
        state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deactivated')),
        created_at BIGINT NOT NULL
    )",
    "CREATE TABLE users (
        id {uuid} NOT NULL PRIMARY KEY,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id),
        role TEXT NOT NULL DEFAULT 'owner',
        email TEXT NOT NULL,
        email_key TEXT NOT NULL UNIQUE,
        full_name TEXT,
        phone TEXT,
        phone_verified_at BIGINT,
        locale TEXT,
        password_hash TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'active'
            CHECK (state IN ('active', 'deactivated', 'suspended')),
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        last_login_at BIGINT,
        CHECK (phone_verified_at IS NULL OR phone IS NOT NULL)
    )",
    "CREATE INDEX users_by_tenant ON users (tenant_id)",
    "CREATE UNIQUE INDEX users_one_owner ON users (tenant_id) WHERE role = 'owner'",
    "CREATE TABLE sessions (
        id {uuid} NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id),
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        auth_time BIGINT NOT NULL,
        amr TEXT NOT NULL,
        mfa_satisfied BOOLEAN NOT NULL,
        trusted_device_id BIGINT,
        ip TEXT NOT NULL,
        user_agent TEXT,
        revoked_at BIGINT,
        revoked_reason TEXT,
        CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
    )",
    "CREATE INDEX sessions_by_user ON sessions (user_id)",
    "CREATE INDEX sessions_by_expiry ON sessions (expires_at)",
    // A family has at most one live token, and a token at most one successor.
    "CREATE TABLE refresh_tokens (
        id {uuid} NOT NULL PRIMARY KEY,
        session_id {uuid} NOT NULL REFERENCES sessions (id),
        user_id {uuid} NOT NULL REFERENCES users (id),
        token_hash TEXT NOT NULL UNIQUE,
        parent_id {uuid} UNIQUE,
        issued_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        used_at BIGINT,
        successor_sealed TEXT,
        CHECK (successor_sealed IS NULL OR used_at IS NOT NULL)
    )",
    "CREATE UNIQUE INDEX refresh_tokens_one_live ON refresh_tokens (session_id)
        WHERE used_at IS NULL",
    "CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id)",
    "CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at)",
    "CREATE TABLE api_keys (
        id {uuid} NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL UNIQUE REFERENCES users (id),
        key_hash TEXT NOT NULL UNIQUE,
        prefix TEXT NOT NULL,
        hint TEXT NOT NULL,
        scopes TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        rotated_at BIGINT,
        last_used_at BIGINT
    )",
    // The unique key leaves room for one verified row and one pending row beside it.
    "CREATE TABLE mfa_methods (
        id {uuid} NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id),
        method TEXT NOT NULL CHECK (method IN ('totp', 'sms')),
        secret_sealed TEXT,
        phone TEXT,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        verified_at BIGINT,
        last_used_at BIGINT,
        last_used_step BIGINT,
        verified BOOLEAN NOT NULL,
        UNIQUE (user_id, method, verified),
        CHECK (verified = (verified_at IS NOT NULL)),
        CHECK (verified = (expires_at IS NULL)),
        CHECK (method <> 'totp' OR secret_sealed IS NOT NULL),
        CHECK (method <> 'sms' OR phone IS NOT NULL),
        CHECK (last_used_step IS NULL OR last_used_step >= 0)
    )",
    "CREATE TABLE backup_codes (
        id {uuid} NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id),
        slot INTEGER NOT NULL CHECK (slot BETWEEN 0 AND 9),
        salt TEXT NOT NULL,
        code_hash TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        used_at BIGINT,
        UNIQUE (user_id, slot),
        UNIQUE (user_id, code_hash)
    )",
    "CREATE TABLE sms_codes (
        user_id {uuid} NOT NULL REFERENCES users (id),
        purpose TEXT NOT NULL CHECK (purpose IN ('verify_phone', 'mfa_setup', 'login')),
        phone TEXT NOT NULL,
        code_sealed TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        PRIMARY KEY (user_id, purpose)
    )",
    "CREATE INDEX sms_codes_by_expiry ON sms_codes (expires_at)",
    "CREATE TABLE mfa_challenges (
        jti {uuid} NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id),
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        consumed_at BIGINT,
        code_sent_at BIGINT
    )",
    "CREATE INDEX mfa_challenges_by_user ON mfa_challenges (user_id)",
    "CREATE INDEX mfa_challenges_by_expiry ON mfa_challenges (expires_at)",
    "CREATE TABLE mfa_reset_tokens_used (
        token_id TEXT NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id),
        used_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )",
    "CREATE INDEX mfa_reset_tokens_used_by_expiry ON mfa_reset_tokens_used (expires_at)",
    "CREATE TABLE reactivation_tokens_used (
        token_id TEXT NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id),
        used_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )",
    "CREATE INDEX reactivation_tokens_used_by_expiry ON reactivation_tokens_used (expires_at)",
    // The id is an integer of the API and must survive a JSON number in a browser.
    "CREATE TABLE trusted_devices (
        id {counting_id} CHECK (id BETWEEN 1 AND 9007199254740991),
        user_id {uuid} NOT NULL REFERENCES users (id),
        secret_hash TEXT NOT NULL,
        name TEXT,
        user_agent TEXT,
        ip_address TEXT,
        created_at BIGINT NOT NULL,
        last_used_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        revoked_at BIGINT,
        revoked_reason TEXT,
        CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
    )",
    "CREATE INDEX trusted_devices_by_user ON trusted_devices (user_id)",
    "CREATE INDEX trusted_devices_by_expiry ON trusted_devices (expires_at)",
    "CREATE TABLE password_failures (
        account TEXT NOT NULL,
        network TEXT NOT NULL,
        failures INTEGER NOT NULL CHECK (failures >= 0),
        blocked_until BIGINT NOT NULL CHECK (blocked_until >= 0),
        updated_at BIGINT NOT NULL,
        PRIMARY KEY (account, network)
    )",
    "CREATE INDEX password_failures_by_time ON password_failures (updated_at)",
    "CREATE TABLE rate_events (
        id {uuid} NOT NULL PRIMARY KEY,
        bucket TEXT NOT NULL,
        at BIGINT NOT NULL
    )",
    "CREATE INDEX rate_events_by_bucket ON rate_events (bucket, at)",
    "CREATE INDEX rate_events_by_time ON rate_events (at)",
    "CREATE TABLE entitlement_overrides (
        id {uuid} NOT NULL PRIMARY KEY,
        tenant_id {uuid} REFERENCES tenants (id),
        user_id {uuid} REFERENCES users (id),
        kind TEXT NOT NULL CHECK (kind IN ('feature', 'limit')),
        key TEXT NOT NULL,
        value TEXT,
        created_at BIGINT NOT NULL,
        CHECK ((tenant_id IS NULL) <> (user_id IS NULL))
    )",
    "CREATE UNIQUE INDEX entitlement_overrides_of_tenant
        ON entitlement_overrides (tenant_id, kind, key) WHERE tenant_id IS NOT NULL",
    "CREATE UNIQUE INDEX entitlement_overrides_of_user
        ON entitlement_overrides (user_id, kind, key) WHERE user_id IS NOT NULL",
    // No foreign keys here and in the outbox: a record of what happened outlives what it names.
    "CREATE TABLE audit_events (
        id {uuid} NOT NULL PRIMARY KEY,
        at BIGINT NOT NULL,
        event TEXT NOT NULL,
        user_id {uuid},
        tenant_id {uuid},
        session_id {uuid},
        actor TEXT NOT NULL,
        ip TEXT,
        user_agent TEXT,
        request_id TEXT,
        detail TEXT NOT NULL
    )",
    "CREATE INDEX audit_events_by_time ON audit_events (at)",
    "CREATE INDEX audit_events_by_user ON audit_events (user_id, at)",
    // A message that is no longer pending keeps nothing that could be a secret.
    "CREATE TABLE outbox (
        id {uuid} NOT NULL PRIMARY KEY,
        dedupe_key TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('email', 'sms')),
        template TEXT NOT NULL,
        user_id {uuid},
        recipient TEXT NOT NULL,
        payload TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
            CHECK (state IN ('pending', 'sent', 'expired', 'dead')),
        attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        next_attempt_at BIGINT NOT NULL,
        lease_until BIGINT,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        finished_at BIGINT,
        last_error TEXT,
        CHECK (state = 'pending' OR payload = ''),
        CHECK ((state = 'pending') = (finished_at IS NULL))
    )",
    "CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'pending'",
    "CREATE INDEX outbox_finished ON outbox (finished_at) WHERE state <> 'pending'",
    "CREATE TABLE leases (
        name TEXT NOT NULL PRIMARY KEY,
        holder TEXT NOT NULL,
        until BIGINT NOT NULL
    )",
];
