//! Databases that do not keep what they are told of accounts and sessions: triggers that a broken
//! server would be without.

use super::Fault;
use crate::case::Profile;

pub const FAULTS: &[Fault] = &[
    Fault::database(
        "logout-revokes-nothing",
        "A logout leaves the session alive.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'logout' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &["logout::a_logout_ends_its_session_and_family"],
    ),
    Fault::database(
        "logout-ends-one-session-only",
        "A logout of all sessions ends the presented one only.",
        // The first of them in the order of their rows stays; the caller's is the last that began.
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'logout'
           AND EXISTS (SELECT 1 FROM sessions WHERE user_id = NEW.user_id AND created_at > NEW.created_at
                       OR user_id = NEW.user_id AND id > NEW.id) BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &["logout::all_sessions_end_with_a_valid_token", "client_life::a_logout_everywhere_reaches_the_others"],
    ),
    Fault::database(
        "reuse-ends-nothing",
        "A used refresh token is refused, and its family lives on.",
        "CREATE TRIGGER fault AFTER UPDATE OF revoked_at ON sessions WHEN NEW.revoked_reason = 'token_reused' BEGIN
           UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE id = NEW.id; END",
        &["refresh::a_used_token_ends_its_family_and_its_session", "client_life::a_stolen_refresh_token_ends_the_session"],
    ),
    Fault::database(
        "refresh-tokens-last",
        "A refresh token can be used any number of times.",
        "DROP INDEX refresh_tokens_one_live;
         CREATE TRIGGER fault AFTER UPDATE OF used_at ON refresh_tokens BEGIN
           UPDATE refresh_tokens SET used_at = NULL, successor_sealed = NULL WHERE id = NEW.id; END;
         CREATE TRIGGER fault_parent AFTER INSERT ON refresh_tokens BEGIN
           UPDATE refresh_tokens SET parent_id = NULL WHERE id = NEW.id; END",
        &["refresh::a_used_token_ends_its_family_and_its_session", "refresh::a_reuse_is_told_to_the_owner"],
    ),
    Fault::database(
        "successors-are-forgotten",
        "Within the leeway a used refresh token is reuse.",
        "CREATE TRIGGER fault AFTER UPDATE OF successor_sealed ON refresh_tokens BEGIN
           UPDATE refresh_tokens SET successor_sealed = NULL WHERE id = NEW.id; END",
        &["refresh_leeway::a_repetition_sets_the_cookie", "refresh_leeway::the_leeway_of_a_used_successor_is_over", "client_life::within_the_leeway_a_lost_answer_is_no_theft"],
    )
    .of(Profile::Leeway),
    Fault::database(
        "leeway-has-no-end",
        "The leeway begins anew whenever anybody looks.",
        "CREATE TRIGGER fault AFTER UPDATE OF used_at ON refresh_tokens WHEN NEW.used_at IS NOT NULL BEGIN
           UPDATE refresh_tokens SET used_at = 9000000000000 WHERE id = NEW.id; END",
        &["refresh_leeway::after_the_leeway_it_is_reuse"],
    )
    .of(Profile::Leeway),
    Fault::database(
        "families-never-end",
        "Each rotation gives the family another 30 days.",
        "CREATE TRIGGER fault AFTER INSERT ON refresh_tokens WHEN NEW.parent_id IS NOT NULL BEGIN
           UPDATE sessions SET expires_at = NEW.issued_at + 2592000000 WHERE id = NEW.session_id;
           UPDATE refresh_tokens SET expires_at = NEW.issued_at + 1209600000 WHERE id = NEW.id; END",
        &["expiry::a_family_lives_30_days", "client_life::the_family_has_an_end"],
    ),
    Fault::database(
        "refresh-is-a-login",
        "A refresh counts as a fresh login for step-up.",
        "CREATE TRIGGER fault AFTER INSERT ON refresh_tokens WHEN NEW.parent_id IS NOT NULL BEGIN
           UPDATE sessions SET auth_time = NEW.issued_at WHERE id = NEW.session_id; END",
        &["step_up::a_refresh_does_not_make_a_login_fresh", "client_life::a_client_stays_logged_in", "client_life::a_login_that_is_too_old_is_not_refreshed"],
    ),
    Fault::database(
        "used-reactivation-tokens-are-forgotten",
        "A reactivation token works twice.",
        "CREATE TRIGGER fault AFTER INSERT ON reactivation_tokens_used BEGIN
           DELETE FROM reactivation_tokens_used WHERE token_id = NEW.token_id; END",
        &["reactivate::a_link_works_once", "reactivate::an_unused_link_of_an_active_user_is_accepted"],
    ),
    Fault::database(
        "old-api-key-lives-on",
        "A rotation shows a new API key, and the old one goes on working.",
        "CREATE TRIGGER fault AFTER UPDATE OF key_hash ON api_keys BEGIN
           UPDATE api_keys SET key_hash = OLD.key_hash WHERE id = NEW.id; END",
        &["credential_matrix::a_replaced_api_key_opens_nothing", "client_life::an_api_key_lives_until_it_is_replaced"],
    ),
    Fault::database(
        "passwords-can-be-guessed",
        "Wrong passwords are not counted.",
        "CREATE TRIGGER fault AFTER UPDATE ON password_failures BEGIN
           DELETE FROM password_failures WHERE account = NEW.account AND network = NEW.network; END",
        &["password_delay::five_failures_are_free", "password_delay::many_wrong_passwords_are_delayed"],
    ),
    Fault::database(
        "right-password-forgives-nothing",
        "A right password does not reset the delay.",
        "CREATE TRIGGER fault BEFORE DELETE ON password_failures BEGIN SELECT RAISE(IGNORE); END",
        &["password_delay::a_pending_login_resets_the_count", "password_delay::a_right_password_resets_the_count"],
    ),
    Fault::database(
        "delay-does-not-grow",
        "The delay after wrong passwords stays at two seconds.",
        "CREATE TRIGGER fault AFTER UPDATE ON password_failures WHEN NEW.blocked_until > NEW.updated_at + 2000 BEGIN
           UPDATE password_failures SET blocked_until = NEW.updated_at + 2000
             WHERE account = NEW.account AND network = NEW.network; END",
        &["password_delay::the_delay_doubles_up_to_15_minutes"],
    ),
    Fault::database(
        "registrations-are-not-counted",
        "One client network may register any number of users.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_windows WHEN NEW.bucket LIKE 'register:%' BEGIN
           DELETE FROM rate_windows WHERE bucket = NEW.bucket; END",
        &[
            "register_limits::a_network_opens_20_accounts_a_minute",
            "register_limits::a_bad_form_counts",
        ],
    ),
    Fault::database(
        "owner-is-told-every-time",
        "The owner of a taken address gets a mail for every attempt.",
        "CREATE TRIGGER fault AFTER INSERT ON rate_windows WHEN NEW.bucket LIKE 'register!_attempt:%' ESCAPE '!' BEGIN
           DELETE FROM rate_windows WHERE bucket = NEW.bucket; END",
        &["register_hidden::the_owner_is_told_at_most_hourly"],
    )
    .of(Profile::HideExisting),
    Fault::database(
        "addresses-are-compared-as-typed",
        "Upper and lower case make two e-mail addresses.",
        "CREATE TRIGGER fault AFTER INSERT ON users BEGIN
           UPDATE users SET email_key = NEW.email WHERE id = NEW.id; END",
        &["register_identity::domains_are_mapped_without_transition", "register_identity::one_address_has_many_spellings"],
    ),
    Fault::database(
        "deactivation-is-forgotten",
        "An account that was deactivated or suspended goes on working.",
        "CREATE TRIGGER fault AFTER UPDATE OF state ON users BEGIN
           UPDATE users SET state = 'active' WHERE id = NEW.id; END",
        &["reactivate::every_way_in_is_closed_until_the_link_is_used", "reactivate::a_suspended_user_gets_no_way_back", "client_factors::who_comes_back_is_let_in_again"],
    ),
    Fault::database(
        "epochs-never-begin",
        "What an account's end does not name one by one outlives it: its API key and mailed links.",
        "CREATE TRIGGER fault AFTER UPDATE OF epoch ON users BEGIN
           UPDATE users SET epoch = OLD.epoch WHERE id = NEW.id; END",
        &["api_key::the_key_of_a_suspended_user_is_403", "api_key::a_key_ends_with_a_reset",
          "mfa_reset_binding::a_suspended_account_is_not_reset", "reactivate::a_link_of_an_earlier_deactivation_is_void"],
    ),
    Fault::database(
        "phone-stays-unverified",
        "A confirmed phone is not kept as verified.",
        "CREATE TRIGGER fault AFTER UPDATE OF phone_verified_at ON users BEGIN
           UPDATE users SET phone_verified_at = NULL WHERE id = NEW.id; END",
        &["phone::a_code_verifies_the_number_of_the_profile", "phone::a_verified_number_needs_no_code", "client_factors::a_newcomer_verifies_a_phone"],
    ),
    Fault::database(
        "reuse-mail-is-lost",
        "Nobody is told that a used refresh token came back.",
        "CREATE TRIGGER fault AFTER INSERT ON outbox WHEN NEW.template = 'refresh_reuse' BEGIN
           DELETE FROM outbox WHERE id = NEW.id; END",
        &["refresh::a_reuse_is_told_to_the_owner"],
    ),
    Fault::database(
        "warnings-are-lost",
        "Changes of factors and keys are not told to their owner.",
        "CREATE TRIGGER fault AFTER INSERT ON outbox WHEN NEW.template IN
           ('mfa_enabled', 'mfa_disabled', 'backup_codes_regenerated', 'mfa_reset', 'api_key_rotated') BEGIN
           DELETE FROM outbox WHERE id = NEW.id; END",
        &["totp::an_enrolment_is_told_to_the_owner"],
    ),
    Fault::database(
        "welcome-is-lost",
        "A new user gets no welcome mail.",
        "CREATE TRIGGER fault AFTER INSERT ON outbox WHEN NEW.template = 'welcome' BEGIN
           DELETE FROM outbox WHERE id = NEW.id; END",
        &["register::a_welcome_mail_is_sent_and_no_sms"],
    ),
    Fault::database(
        "last-login-is-not-kept",
        "GET /me never shows a last login.",
        "CREATE TRIGGER fault AFTER UPDATE OF last_login_at ON users BEGIN
           UPDATE users SET last_login_at = NULL WHERE id = NEW.id; END",
        &["token::the_last_login_is_shown"],
    ),
];
