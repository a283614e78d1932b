//! Databases that do not keep what they are told of second factors.

use super::Fault;

pub const FAULTS: &[Fault] = &[
    Fault::database(
        "wide-networks-are-forgotten",
        "Wrong passwords are counted by IPv6 /64 and not by /48.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_windows WHEN NEW.bucket LIKE 'password:network:%/48' BEGIN
           DELETE FROM rate_windows WHERE bucket = NEW.bucket; END",
        &["networks::a_wide_network_of_one_customer_counts_as_one"],
    ),
    Fault::database(
        "right-logins-are-forgotten",
        "An account knows no network that it was used from.",
        "CREATE TRIGGER fault AFTER INSERT ON known_networks BEGIN
           DELETE FROM known_networks WHERE user_id = NEW.user_id; END",
        &[
            "networks::an_account_has_a_hundred_wrong_passwords_from_strangers",
            "networks::strangers_do_not_shut_the_owners_of_their_network_out",
        ],
    ),
    Fault::database(
        "strangers-use-up-login-codes",
        "Every message to a number that nobody has proved is one login code less.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_windows WHEN NEW.bucket = 'sms:strangers:total' BEGIN
           INSERT INTO rate_levels VALUES ('sms:logins', 9000000000000000, 9000000000000, TRUE); END",
        &["networks::strangers_use_up_no_login_codes"],
    ),
    Fault::database(
        "numbers-have-no-interval",
        "The interval between two messages is counted by user and not by number.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_windows WHEN NEW.bucket LIKE 'sms:%:interval:+%' BEGIN
           DELETE FROM rate_windows WHERE bucket = NEW.bucket; END",
        &["sms_limits::a_number_has_an_interval_too"],
    ),
    Fault::database(
        "enrolment-spares-other-sessions",
        "Sessions that know only the password survive the first second factor.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'mfa_enabled' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &["totp::enrolling_ends_the_sessions_that_know_only_the_password"],
    ),
    Fault::database(
        "reset-spares-sessions",
        "An MFA reset leaves the sessions alive.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'mfa_reset' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL,
             epoch = (SELECT epoch FROM users WHERE users.id = NEW.user_id) WHERE id = NEW.id; END",
        &["mfa_reset::a_reset_removes_everything", "client_factors::who_lost_the_factors_resets_them_by_mail"],
    ),
    Fault::database(
        "used-reset-tokens-are-forgotten",
        "The table of used MFA reset tokens stays empty.",
        "CREATE TRIGGER fault AFTER INSERT ON mfa_reset_tokens_used BEGIN
           DELETE FROM mfa_reset_tokens_used WHERE token_id = NEW.token_id; END",
        &["mfa_reset::a_token_works_once", "mfa_reset::used_comes_before_expired"],
    ),
    Fault::database(
        "backup-codes-last",
        "A backup code can be used any number of times.",
        "CREATE TRIGGER fault AFTER UPDATE OF used_at ON backup_codes BEGIN
           UPDATE backup_codes SET used_at = NULL WHERE id = NEW.id; END",
        &["backup_codes::a_code_logs_in_once", "client_factors::a_backup_code_is_good_for_one_login"],
    ),
    Fault::database(
        "backup-codes-outlive-methods",
        "Removing the last method leaves the backup codes.",
        "CREATE TRIGGER fault BEFORE DELETE ON backup_codes BEGIN SELECT RAISE(IGNORE); END",
        &["methods::removing_the_last_method_turns_mfa_off"],
    ),
    Fault::database(
        "totp-codes-last",
        "A TOTP code can be used again while its step lasts.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_used_step ON mfa_methods WHEN OLD.verified BEGIN
           UPDATE mfa_methods SET last_used_step = OLD.last_used_step WHERE id = NEW.id; END",
        &["challenge::a_code_is_good_for_one_login", "challenge::steps_go_forward_only"],
    ),
    Fault::database(
        "enrolment-code-logs-in",
        "The TOTP code that enrolled the method logs in as well.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_used_step ON mfa_methods WHEN NOT OLD.verified BEGIN
           UPDATE mfa_methods SET last_used_step = NULL WHERE id = NEW.id; END",
        &["totp::the_code_that_enrolled_cannot_log_in"],
    ),
    Fault::database(
        "setup-replaces-at-once",
        "A new TOTP set-up kills the verified method before it is verified itself.",
        "CREATE TRIGGER fault AFTER INSERT ON mfa_methods WHEN NOT NEW.verified BEGIN
           DELETE FROM mfa_methods WHERE user_id = NEW.user_id AND method = NEW.method AND verified; END",
        &["totp::a_verified_authenticator_works_until_its_replacement_is_verified"],
    ),
    Fault::database(
        "pending-tokens-last",
        "An mfa_token logs in more than once.",
        "CREATE TRIGGER fault AFTER UPDATE OF consumed_at ON mfa_challenges BEGIN
           UPDATE mfa_challenges SET consumed_at = NULL WHERE jti = NEW.jti; END",
        &["challenge::an_mfa_token_is_good_for_one_login"],
    ),
    Fault::database(
        "tries-of-a-token-are-not-counted",
        "An mfa_token survives any number of wrong codes.",
        "CREATE TRIGGER fault AFTER UPDATE OF attempts ON mfa_challenges BEGIN
           UPDATE mfa_challenges SET attempts = 0 WHERE jti = NEW.jti; END",
        &["challenge::five_tries_kill_the_mfa_token"],
    ),
    Fault::database(
        "wrong-codes-never-lock",
        "Wrong second factors are not counted across logins.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_windows WHEN NEW.bucket LIKE 'mfa:%' BEGIN
           DELETE FROM rate_windows WHERE bucket = NEW.bucket; END",
        &["challenge_lock::ten_failures_across_logins_lock_the_second_factor"],
    ),
    Fault::database(
        "password-resets-the-lock",
        "A right password forgives all wrong second factors.",
        "CREATE TRIGGER fault AFTER INSERT ON mfa_challenges BEGIN
           DELETE FROM rate_windows WHERE replace(bucket, '-', '') = 'mfa:' || lower(hex(NEW.user_id)); END",
        &["challenge_lock::ten_failures_across_logins_lock_the_second_factor"],
    ),
    Fault::database(
        "success-resets-the-lock",
        "A right second factor forgives all wrong ones.",
        "CREATE TRIGGER fault AFTER INSERT ON sessions BEGIN
           DELETE FROM rate_windows WHERE replace(bucket, '-', '') = 'mfa:' || lower(hex(NEW.user_id)); END",
        &["challenge_lock::a_success_gives_back_only_its_own_slot"],
    ),
    Fault::database(
        "success-counts-as-failure",
        "A right second factor counts as a wrong one.",
        "CREATE TRIGGER fault BEFORE UPDATE OF events ON rate_windows
           WHEN OLD.bucket LIKE 'mfa:%' AND NEW.last_event = OLD.last_event AND NEW.granted BEGIN
           SELECT RAISE(IGNORE); END",
        &["challenge_lock::a_success_gives_back_only_its_own_slot"],
    ),
    Fault::database(
        "setup-codes-can-be-guessed",
        "Wrong codes at a TOTP set-up are not counted.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_windows WHEN NEW.bucket LIKE 'mfa!_setup:%' ESCAPE '!' BEGIN
           DELETE FROM rate_windows WHERE bucket = NEW.bucket; END",
        &["totp::five_wrong_codes_end_the_set_up"],
    ),
    Fault::database(
        "sms-codes-can-be-guessed",
        "Tries at a code sent by SMS are not counted.",
        "CREATE TRIGGER fault AFTER UPDATE OF attempts ON sms_codes BEGIN
           UPDATE sms_codes SET attempts = 0 WHERE user_id = NEW.user_id AND purpose = NEW.purpose; END",
        &["phone::five_wrong_codes_use_a_code_up"],
    ),
    Fault::database(
        "sms-codes-last",
        "A code sent by SMS logs in more than once.",
        "CREATE TRIGGER fault AFTER DELETE ON sms_codes WHEN OLD.purpose = 'login' BEGIN
           INSERT INTO sms_codes VALUES (OLD.user_id, OLD.purpose, OLD.phone, OLD.code_sealed,
             OLD.created_at, OLD.expires_at, OLD.attempts); END",
        &["challenge_sms::a_code_logs_in_once"],
    ),
    Fault::database(
        "devices-survive-a-reset",
        "Trusted devices stay trusted, whatever revokes them.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON trusted_devices BEGIN
           UPDATE trusted_devices SET revoked_at = NULL, revoked_reason = NULL,
             epoch = (SELECT epoch FROM users WHERE users.id = NEW.user_id) WHERE id = NEW.id; END",
        &["trusted_devices_end::deactivation_ends_it", "trusted_devices_end::a_revoked_device_needs_the_second_factor_again"],
    ),
    Fault::database(
        "sessions-keep-a-factor-that-is-gone",
        "A session that passed a second factor counts as having passed it for ever.",
        "CREATE TRIGGER fault AFTER UPDATE OF mfa_satisfied ON sessions
           WHEN OLD.mfa_satisfied AND NOT NEW.mfa_satisfied BEGIN
           UPDATE sessions SET mfa_satisfied = TRUE, amr = OLD.amr WHERE id = NEW.id; END",
        &["methods::a_session_that_passed_what_is_gone_knows_the_password_only",
          "trusted_devices_end::the_session_begun_on_it_has_passed_no_factor_then"],
    ),
    Fault::database(
        "devices-survive-other-methods",
        "Trusted devices stay trusted when a method is added or removed.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON trusted_devices
           WHEN NEW.revoked_reason LIKE 'mfa!_method!_%' ESCAPE '!' BEGIN
           UPDATE trusted_devices SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &["trusted_devices_end::an_added_method_ends_it", "trusted_devices_end::a_removed_method_ends_it"],
    ),
    Fault::database(
        "old-device-secret-lives-on",
        "The secret of a trusted device is never replaced.",
        "CREATE TRIGGER fault AFTER UPDATE OF secret_hash ON trusted_devices BEGIN
           UPDATE trusted_devices SET secret_hash = OLD.secret_hash WHERE id = NEW.id; END",
        &["trusted_devices::the_secret_changes_with_each_use"],
    ),
    Fault::database(
        "devices-are-trusted-longer-each-time",
        "A trusted device's 30 days begin anew with each use.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_used_at ON trusted_devices BEGIN
           UPDATE trusted_devices SET expires_at = NEW.last_used_at + 2592000000 WHERE id = NEW.id; END",
        &["expiry::a_device_is_trusted_for_30_days"],
    ),
    Fault::database(
        "devices-are-never-evicted",
        "The twenty-first device leaves the oldest one trusted.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON trusted_devices WHEN NEW.revoked_reason = 'evicted' BEGIN
           UPDATE trusted_devices SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &["trusted_devices::the_oldest_of_more_than_twenty_is_evicted"],
    ),
];
