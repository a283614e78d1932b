//! Servers that are configured otherwise than they are said to be.

use super::Fault;
use crate::case::Profile;

pub const FAULTS: &[Fault] = &[
    Fault::settings(
        "codes-of-another-time",
        "A TOTP code is good for three steps before and after its own.",
        &[("totp.skew_steps", "3")],
        &["challenge::codes_of_the_neighbouring_steps_are_accepted"],
    ),
    Fault::settings(
        "codes-of-this-step-only",
        "A TOTP code is good in its own step only.",
        &[("totp.skew_steps", "0")],
        &["challenge::codes_of_the_neighbouring_steps_are_accepted"],
    ),
    Fault::settings(
        "hidden-leeway",
        "A used refresh token is good for half a minute.",
        &[("refresh.reuse_leeway_seconds", "30")],
        &[
            "refresh::a_used_token_ends_its_family_and_its_session",
            "refresh::a_reuse_is_told_to_the_owner",
        ],
    ),
    Fault::settings(
        "longer-leeway",
        "The leeway is five minutes, not half of one.",
        &[("refresh.reuse_leeway_seconds", "300")],
        &["refresh_leeway::after_the_leeway_it_is_reuse"],
    )
    .of(Profile::Leeway),
    Fault::settings(
        "no-rotation",
        "A refresh gives no new refresh token.",
        &[("refresh.rotation_enabled", "false")],
        &[
            "refresh::a_used_token_ends_its_family_and_its_session",
            "refresh::a_reuse_is_told_to_the_owner",
        ],
    ),
    Fault::settings(
        "rotation-all-the-same",
        "A refresh gives a new refresh token although rotation is off.",
        &[("refresh.rotation_enabled", "true")],
        &[
            "refresh_static::the_refresh_token_stays_and_the_access_token_is_new",
            "refresh_static::no_refresh_is_told_to_the_owner",
        ],
    )
    .of(Profile::RotationOff),
    Fault::settings(
        "addresses-are-hidden",
        "A taken address is granted.",
        &[("register.hide_existing", "true")],
        &["register::a_taken_address_is_refused_and_changes_nothing"],
    ),
    Fault::settings(
        "addresses-are-told",
        "A taken address is told although it has to be hidden.",
        &[("register.hide_existing", "false")],
        &[
            "register_hidden::the_notice_goes_to_the_owner_only",
            "register_hidden::a_hidden_attempt_changes_nothing",
        ],
    )
    .of(Profile::HideExisting),
    Fault::settings(
        "no-step-up",
        "Sensitive operations ask for no fresh login.",
        &[("step_up.max_age", "0")],
        &[
            "step_up::rotating_the_api_key_needs_a_fresh_login",
            "step_up::setting_an_authenticator_up_needs_a_fresh_login",
            "client_life::a_login_that_is_too_old_is_not_refreshed",
            "client_factors::step_up_is_a_login_with_the_second_factor",
        ],
    ),
    Fault::settings(
        "step-up-lasts-an-hour",
        "A login is fresh for an hour.",
        &[("step_up.max_age", "1h")],
        &["expiry::a_step_up_lasts_15_minutes"],
    ),
    Fault::settings(
        "password-alone-resets-mfa",
        "A login that waits for its second factor may ask for an MFA reset.",
        &[("mfa_reset.accept_pending_token", "true")],
        &["credential_matrix::an_mfa_pending_token_opens_the_challenge_and_nothing_else"],
    ),
    Fault::settings(
        "hundred-wrong-codes",
        "MFA is locked after a hundred wrong codes, not ten.",
        &[("limits.mfa_failures", "100")],
        &["challenge_lock::a_lock_slides_and_is_not_prolonged"],
    ),
    Fault::settings(
        "hundred-wrong-passwords",
        "A hundred wrong passwords come without a delay.",
        &[("limits.password_free_failures", "100")],
        &["password_delay::five_failures_are_free"],
    ),
    Fault::settings(
        "four-wrong-passwords",
        "Four wrong passwords come without a delay, not five.",
        &[("limits.password_free_failures", "4")],
        &["password_delay::five_failures_are_free"],
    ),
    Fault::settings(
        "thousand-wrong-passwords-of-a-network",
        "A network may try a thousand wrong passwords an hour over all accounts.",
        &[("limits.network_failures", "1000")],
        &[
            "networks::a_network_has_a_hundred_wrong_passwords_an_hour",
            "networks::a_wide_network_of_one_customer_counts_as_one",
            "networks::strangers_do_not_shut_the_owners_of_their_network_out",
        ],
    ),
    Fault::settings(
        "thousand-wrong-passwords-for-an-account",
        "A thousand wrong passwords an hour are judged for one account, from wherever they come.",
        &[("limits.account_failures", "1000")],
        &["networks::an_account_has_a_hundred_wrong_passwords_from_strangers"],
    ),
    Fault::settings(
        "wide-networks-without-a-limit",
        "The addresses of one IPv4 /24 are limited one by one.",
        &[("limits.wide_network_factor", "1000")],
        &["register_limits::a_wide_network_has_a_limit_too"],
    ),
    Fault::settings(
        "strangers-have-all-messages",
        "Numbers that nobody has proved may use up all messages.",
        &[("limits.sms_strangers_percent", "100")],
        &["networks::strangers_use_up_no_login_codes"],
    ),
    Fault::settings(
        "thousand-refreshes",
        "A family may be refreshed a thousand times a minute.",
        &[("limits.refresh_per_minute", "1000")],
        &["limits::a_family_rotates_thirty_times_a_minute"],
    ),
    Fault::settings(
        "sms-every-second",
        "An SMS can be asked for every second.",
        &[("limits.sms_interval", "1")],
        &[
            "phone::a_code_verifies_the_number_of_the_profile",
            "sms_limits::a_minute_lies_between_two_messages",
        ],
    ),
    Fault::settings(
        "hundred-sms-a-day",
        "A hundred SMS a day can be asked for.",
        &[
            ("limits.sms_per_day", "100"),
            ("limits.sms_login_per_day", "100"),
        ],
        &["phone::a_user_gets_five_codes_a_day"],
    ),
    Fault::settings(
        "hundred-resets-an-hour",
        "A hundred MFA resets an hour can be asked for.",
        &[("limits.mfa_reset_per_hour", "100")],
        &["limits::a_user_may_ask_for_three_resets_an_hour"],
    ),
    Fault::settings(
        "hundred-reactivations-an-hour",
        "A hundred mails an hour go to an address that asks for its reactivation.",
        &[("limits.reactivate_per_hour", "100")],
        &["reactivate::the_fourth_request_of_an_hour_is_silent"],
    ),
    Fault::settings(
        "access-for-an-hour",
        "An access token lasts an hour.",
        &[("tokens.access_ttl", "1h")],
        &[
            "token::a_right_password_gives_tokens",
            "client_life::a_client_with_a_slow_clock_is_told",
        ],
    ),
    Fault::settings(
        "pending-for-an-hour",
        "A login may wait an hour for its second factor.",
        &[("tokens.mfa_pending_ttl", "1h")],
        &[
            "token_pending::a_verified_factor_makes_the_login_pending",
            "client_factors::a_challenge_that_waited_too_long",
        ],
    ),
    Fault::settings(
        "reset-link-for-a-day",
        "The link of an MFA reset lasts a day.",
        &[("tokens.mfa_reset_ttl", "1d")],
        &["expiry::a_reset_link_lives_30_minutes"],
    ),
    Fault::settings(
        "reactivation-link-for-a-day",
        "The link of a reactivation lasts a day.",
        &[("tokens.reactivation_ttl", "1d")],
        &["expiry::a_reactivation_link_lives_60_minutes"],
    ),
    Fault::settings(
        "codes-for-an-hour",
        "Codes sent by SMS last an hour.",
        &[("tokens.code_ttl", "1h")],
        &["phone::a_code_verifies_the_number_of_the_profile"],
    ),
    Fault::settings(
        "idle-for-a-month",
        "A refresh token that nobody uses lasts as long as its family.",
        &[("refresh.idle_ttl", "30d")],
        &[
            "expiry::every_refresh_restarts_the_idle_time",
            "client_life::a_client_rests_for_two_weeks",
        ],
    ),
    Fault::settings(
        "family-for-a-quarter",
        "A family lasts 90 days.",
        &[("refresh.family_ttl", "90d")],
        &["expiry::a_family_lives_30_days"],
    ),
    Fault::settings(
        "device-for-a-quarter",
        "A device is trusted for 90 days.",
        &[("trusted_device.ttl", "90d")],
        &["expiry::a_device_is_trusted_for_30_days"],
    ),
    Fault::settings(
        "short-passwords",
        "A password of four characters is long enough.",
        &[("password.min_length", "4")],
        &["register_identity::a_password_has_8_to_128_characters"],
    ),
    Fault::settings(
        "long-passwords",
        "A password of a thousand characters is not too long.",
        &[("password.max_length", "1000")],
        &["register_identity::a_password_has_8_to_128_characters"],
    ),
    Fault::settings(
        "silence-for-an-hour",
        "A connection on which nothing is said stays for an hour.",
        &[("server.head_timeout", "1h")],
        &["gateway::a_connection_without_a_request_is_closed"],
    ),
    Fault::settings(
        "anybody-is-a-proxy",
        "A client names its own address, and escapes the limits of its network.",
        &[("server.trusted_proxies", "127.0.0.0/8")],
        &["limits::nobody_chooses_an_address_of_his_own"],
    ),
];
