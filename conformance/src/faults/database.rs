//! Databases that do not keep what they are told: triggers that a broken server would be without.

use super::Fault;
use crate::case::Profile;

pub const FAULTS: &[Fault] = &[
    Fault::database(
        "logout-revokes-nothing",
        "A logout leaves the session alive.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'logout' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "logout-ends-one-session-only",
        "A logout of all sessions ends the presented one only.",
        // The first of them in the order of their rows stays; the caller's is the last that began.
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'logout'
           AND EXISTS (SELECT 1 FROM sessions WHERE user_id = NEW.user_id AND created_at > NEW.created_at
                       OR user_id = NEW.user_id AND id > NEW.id) BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "reuse-ends-nothing",
        "A used refresh token is refused, and its family lives on.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'token_reused' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "refresh-tokens-last",
        "A refresh token can be used any number of times.",
        "DROP INDEX refresh_tokens_one_live;
         CREATE TRIGGER fault AFTER UPDATE OF used_at ON refresh_tokens BEGIN
           UPDATE refresh_tokens SET used_at = NULL, successor_sealed = NULL WHERE id = NEW.id; END;
         CREATE TRIGGER fault_parent AFTER INSERT ON refresh_tokens BEGIN
           UPDATE refresh_tokens SET parent_id = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "successors-are-forgotten",
        "Within the leeway a used refresh token is reuse.",
        "CREATE TRIGGER fault AFTER UPDATE OF successor_sealed ON refresh_tokens BEGIN
           UPDATE refresh_tokens SET successor_sealed = NULL WHERE id = NEW.id; END",
        &[],
    )
    .of(Profile::Leeway),
    Fault::database(
        "leeway-has-no-end",
        "The leeway begins anew whenever anybody looks.",
        "CREATE TRIGGER fault AFTER UPDATE OF used_at ON refresh_tokens WHEN NEW.used_at IS NOT NULL BEGIN
           UPDATE refresh_tokens SET used_at = 9000000000000 WHERE id = NEW.id; END",
        &[],
    )
    .of(Profile::Leeway),
    Fault::database(
        "families-never-end",
        "Each rotation gives the family another 30 days.",
        "CREATE TRIGGER fault AFTER INSERT ON refresh_tokens WHEN NEW.parent_id IS NOT NULL BEGIN
           UPDATE sessions SET expires_at = NEW.issued_at + 2592000000 WHERE id = NEW.session_id;
           UPDATE refresh_tokens SET expires_at = NEW.issued_at + 1209600000 WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "refresh-is-a-login",
        "A refresh counts as a fresh login for step-up.",
        "CREATE TRIGGER fault AFTER INSERT ON refresh_tokens WHEN NEW.parent_id IS NOT NULL BEGIN
           UPDATE sessions SET auth_time = NEW.issued_at WHERE id = NEW.session_id; END",
        &[],
    ),
    Fault::database(
        "enrolment-spares-other-sessions",
        "Sessions that know only the password survive the first second factor.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'mfa_enabled' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "reset-spares-sessions",
        "An MFA reset leaves the sessions alive.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'mfa_reset' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "used-reset-tokens-are-forgotten",
        "The table of used MFA reset tokens stays empty.",
        "CREATE TRIGGER fault AFTER INSERT ON mfa_reset_tokens_used BEGIN
           DELETE FROM mfa_reset_tokens_used WHERE token_id = NEW.token_id; END",
        &[],
    ),
    Fault::database(
        "used-reactivation-tokens-are-forgotten",
        "A reactivation token works twice.",
        "CREATE TRIGGER fault AFTER INSERT ON reactivation_tokens_used BEGIN
           DELETE FROM reactivation_tokens_used WHERE token_id = NEW.token_id; END",
        &[],
    ),
    Fault::database(
        "old-api-key-lives-on",
        "A rotation shows a new API key, and the old one goes on working.",
        "CREATE TRIGGER fault AFTER UPDATE OF key_hash ON api_keys BEGIN
           UPDATE api_keys SET key_hash = OLD.key_hash WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "backup-codes-last",
        "A backup code can be used any number of times.",
        "CREATE TRIGGER fault AFTER UPDATE OF used_at ON backup_codes BEGIN
           UPDATE backup_codes SET used_at = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "backup-codes-outlive-methods",
        "Removing the last method leaves the backup codes.",
        "CREATE TRIGGER fault BEFORE DELETE ON backup_codes BEGIN SELECT RAISE(IGNORE); END",
        &[],
    ),
    Fault::database(
        "totp-codes-last",
        "A TOTP code can be used again while its step lasts.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_used_step ON mfa_methods WHEN OLD.verified BEGIN
           UPDATE mfa_methods SET last_used_step = OLD.last_used_step WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "enrolment-code-logs-in",
        "The TOTP code that enrolled the method logs in as well.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_used_step ON mfa_methods WHEN NOT OLD.verified BEGIN
           UPDATE mfa_methods SET last_used_step = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "setup-replaces-at-once",
        "A new TOTP set-up kills the verified method before it is verified itself.",
        "CREATE TRIGGER fault AFTER INSERT ON mfa_methods WHEN NOT NEW.verified BEGIN
           DELETE FROM mfa_methods WHERE user_id = NEW.user_id AND method = NEW.method AND verified; END",
        &[],
    ),
    Fault::database(
        "pending-tokens-last",
        "An mfa_token logs in more than once.",
        "CREATE TRIGGER fault AFTER UPDATE OF consumed_at ON mfa_challenges BEGIN
           UPDATE mfa_challenges SET consumed_at = NULL WHERE jti = NEW.jti; END",
        &[],
    ),
    Fault::database(
        "tries-of-a-token-are-not-counted",
        "An mfa_token survives any number of wrong codes.",
        "CREATE TRIGGER fault AFTER UPDATE OF attempts ON mfa_challenges BEGIN
           UPDATE mfa_challenges SET attempts = 0 WHERE jti = NEW.jti; END",
        &[],
    ),
    Fault::database(
        "wrong-codes-never-lock",
        "Wrong second factors are not counted across logins.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_events WHEN NEW.bucket LIKE 'mfa:%' BEGIN
           DELETE FROM rate_events WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "password-resets-the-lock",
        "A right password forgives all wrong second factors.",
        "CREATE TRIGGER fault AFTER INSERT ON mfa_challenges BEGIN
           DELETE FROM rate_events WHERE replace(bucket, '-', '') = 'mfa:' || lower(hex(NEW.user_id)); END",
        &[],
    ),
    Fault::database(
        "success-resets-the-lock",
        "A right second factor forgives all wrong ones.",
        "CREATE TRIGGER fault AFTER INSERT ON sessions BEGIN
           DELETE FROM rate_events WHERE replace(bucket, '-', '') = 'mfa:' || lower(hex(NEW.user_id)); END",
        &[],
    ),
    Fault::database(
        "success-counts-as-failure",
        "A right second factor counts as a wrong one.",
        "CREATE TRIGGER fault BEFORE DELETE ON rate_events WHEN OLD.bucket LIKE 'mfa:%' BEGIN
           SELECT RAISE(IGNORE); END",
        &[],
    ),
    Fault::database(
        "setup-codes-can-be-guessed",
        "Wrong codes at a TOTP set-up are not counted.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_events WHEN NEW.bucket LIKE 'mfa!_setup:%' ESCAPE '!' BEGIN
           DELETE FROM rate_events WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "sms-codes-can-be-guessed",
        "Tries at a code sent by SMS are not counted.",
        "CREATE TRIGGER fault AFTER UPDATE OF attempts ON sms_codes BEGIN
           UPDATE sms_codes SET attempts = 0 WHERE user_id = NEW.user_id AND purpose = NEW.purpose; END",
        &[],
    ),
    Fault::database(
        "sms-codes-last",
        "A code sent by SMS logs in more than once.",
        "CREATE TRIGGER fault AFTER DELETE ON sms_codes WHEN OLD.purpose = 'login' BEGIN
           INSERT INTO sms_codes VALUES (OLD.user_id, OLD.purpose, OLD.phone, OLD.code_sealed,
             OLD.created_at, OLD.expires_at, OLD.attempts); END",
        &[],
    ),
    Fault::database(
        "passwords-can-be-guessed",
        "Wrong passwords are not counted.",
        "CREATE TRIGGER fault AFTER UPDATE ON password_failures BEGIN
           DELETE FROM password_failures WHERE account = NEW.account AND network = NEW.network; END",
        &[],
    ),
    Fault::database(
        "right-password-forgives-nothing",
        "A right password does not reset the delay.",
        "CREATE TRIGGER fault BEFORE DELETE ON password_failures BEGIN SELECT RAISE(IGNORE); END",
        &[],
    ),
    Fault::database(
        "delay-does-not-grow",
        "The delay after wrong passwords stays at two seconds.",
        "CREATE TRIGGER fault AFTER UPDATE ON password_failures WHEN NEW.blocked_until > NEW.updated_at + 2000 BEGIN
           UPDATE password_failures SET blocked_until = NEW.updated_at + 2000
             WHERE account = NEW.account AND network = NEW.network; END",
        &[],
    ),
    Fault::database(
        "registrations-are-not-counted",
        "One client network may register any number of users.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_events WHEN NEW.bucket LIKE 'register:%' BEGIN
           DELETE FROM rate_events WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "owner-is-told-every-time",
        "The owner of a taken address gets a mail for every attempt.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_events WHEN NEW.bucket LIKE 'register!_attempt:%' ESCAPE '!' BEGIN
           DELETE FROM rate_events WHERE id = NEW.id; END",
        &[],
    )
    .of(Profile::HideExisting),
    Fault::database(
        "devices-survive-a-reset",
        "Trusted devices stay trusted, whatever revokes them.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON trusted_devices BEGIN
           UPDATE trusted_devices SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "devices-survive-other-methods",
        "Trusted devices stay trusted when a method is added or removed.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON trusted_devices
           WHEN NEW.revoked_reason LIKE 'mfa!_method!_%' ESCAPE '!' BEGIN
           UPDATE trusted_devices SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "old-device-secret-lives-on",
        "The secret of a trusted device is never replaced.",
        "CREATE TRIGGER fault AFTER UPDATE OF secret_hash ON trusted_devices BEGIN
           UPDATE trusted_devices SET secret_hash = OLD.secret_hash WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "devices-are-trusted-longer-each-time",
        "A trusted device's 30 days begin anew with each use.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_used_at ON trusted_devices BEGIN
           UPDATE trusted_devices SET expires_at = NEW.last_used_at + 2592000000 WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "devices-are-never-evicted",
        "The twenty-first device leaves the oldest one trusted.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON trusted_devices WHEN NEW.revoked_reason = 'evicted' BEGIN
           UPDATE trusted_devices SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "addresses-are-compared-as-typed",
        "Upper and lower case make two e-mail addresses.",
        "CREATE TRIGGER fault AFTER INSERT ON users BEGIN
           UPDATE users SET email_key = NEW.email WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "deactivation-is-forgotten",
        "An account that was deactivated or suspended goes on working.",
        "CREATE TRIGGER fault AFTER UPDATE OF state ON users BEGIN
           UPDATE users SET state = 'active' WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "phone-stays-unverified",
        "A confirmed phone is not kept as verified.",
        "CREATE TRIGGER fault AFTER UPDATE OF phone_verified_at ON users BEGIN
           UPDATE users SET phone_verified_at = NULL WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "reuse-mail-is-lost",
        "Nobody is told that a used refresh token came back.",
        "CREATE TRIGGER fault AFTER INSERT ON outbox WHEN NEW.template = 'refresh_reuse' BEGIN
           DELETE FROM outbox WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "warnings-are-lost",
        "Changes of factors and keys are not told to their owner.",
        "CREATE TRIGGER fault AFTER INSERT ON outbox WHEN NEW.template IN
           ('mfa_enabled', 'mfa_disabled', 'backup_codes_regenerated', 'mfa_reset', 'api_key_rotated') BEGIN
           DELETE FROM outbox WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "welcome-is-lost",
        "A new user gets no welcome mail.",
        "CREATE TRIGGER fault AFTER INSERT ON outbox WHEN NEW.template = 'welcome' BEGIN
           DELETE FROM outbox WHERE id = NEW.id; END",
        &[],
    ),
    Fault::database(
        "last-login-is-not-kept",
        "GET /me never shows a last login.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_login_at ON users BEGIN
           UPDATE users SET last_login_at = NULL WHERE id = NEW.id; END",
        &[],
    ),
];
