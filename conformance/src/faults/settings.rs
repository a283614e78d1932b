//! Servers that are configured otherwise than they are said to be.

use super::Fault;
use crate::case::Profile;

pub const FAULTS: &[Fault] = &[
    Fault::settings(
        "codes-of-another-time",
        "A TOTP code is good for three steps before and after its own.",
        &[("totp.skew_steps", "3")],
        &[],
    ),
    Fault::settings(
        "codes-of-this-step-only",
        "A TOTP code is good in its own step only.",
        &[("totp.skew_steps", "0")],
        &[],
    ),
    Fault::settings(
        "hidden-leeway",
        "A used refresh token is good for half a minute.",
        &[("refresh.reuse_leeway_seconds", "30")],
        &[],
    ),
    Fault::settings(
        "longer-leeway",
        "The leeway is five minutes, not half of one.",
        &[("refresh.reuse_leeway_seconds", "300")],
        &[],
    )
    .of(Profile::Leeway),
    Fault::settings(
        "no-rotation",
        "A refresh gives no new refresh token.",
        &[("refresh.rotation_enabled", "false")],
        &[],
    ),
    Fault::settings(
        "rotation-all-the-same",
        "A refresh gives a new refresh token although rotation is off.",
        &[("refresh.rotation_enabled", "true")],
        &[],
    )
    .of(Profile::RotationOff),
    Fault::settings(
        "addresses-are-hidden",
        "A taken address is granted.",
        &[("register.hide_existing", "true")],
        &[],
    ),
    Fault::settings(
        "addresses-are-told",
        "A taken address is told although it has to be hidden.",
        &[("register.hide_existing", "false")],
        &[],
    )
    .of(Profile::HideExisting),
    Fault::settings(
        "no-step-up",
        "Sensitive operations ask for no fresh login.",
        &[("step_up.max_age", "0")],
        &[],
    ),
    Fault::settings(
        "step-up-lasts-an-hour",
        "A login is fresh for an hour.",
        &[("step_up.max_age", "1h")],
        &[],
    ),
    Fault::settings(
        "password-alone-resets-mfa",
        "A login that waits for its second factor may ask for an MFA reset.",
        &[("mfa_reset.accept_pending_token", "true")],
        &[],
    ),
    Fault::settings(
        "hundred-wrong-codes",
        "MFA is locked after a hundred wrong codes, not ten.",
        &[("limits.mfa_failures", "100")],
        &[],
    ),
    Fault::settings(
        "hundred-wrong-passwords",
        "A hundred wrong passwords come without a delay.",
        &[("limits.password_free_failures", "100")],
        &[],
    ),
    Fault::settings(
        "four-wrong-passwords",
        "Four wrong passwords come without a delay, not five.",
        &[("limits.password_free_failures", "4")],
        &[],
    ),
    Fault::settings(
        "thousand-refreshes",
        "A family may be refreshed a thousand times a minute.",
        &[("limits.refresh_per_minute", "1000")],
        &[],
    ),
    Fault::settings(
        "sms-every-second",
        "An SMS can be asked for every second.",
        &[("limits.sms_interval", "1")],
        &[],
    ),
    Fault::settings(
        "hundred-sms-a-day",
        "A hundred SMS a day can be asked for.",
        &[
            ("limits.sms_per_day", "100"),
            ("limits.sms_login_per_day", "100"),
        ],
        &[],
    ),
    Fault::settings(
        "hundred-resets-an-hour",
        "A hundred MFA resets an hour can be asked for.",
        &[("limits.mfa_reset_per_hour", "100")],
        &[],
    ),
    Fault::settings(
        "hundred-reactivations-an-hour",
        "A hundred mails an hour go to an address that asks for its reactivation.",
        &[("limits.reactivate_per_hour", "100")],
        &[],
    ),
    Fault::settings(
        "access-for-an-hour",
        "An access token lasts an hour.",
        &[("tokens.access_ttl", "1h")],
        &[],
    ),
    Fault::settings(
        "pending-for-an-hour",
        "A login may wait an hour for its second factor.",
        &[("tokens.mfa_pending_ttl", "1h")],
        &[],
    ),
    Fault::settings(
        "reset-link-for-a-day",
        "The link of an MFA reset lasts a day.",
        &[("tokens.mfa_reset_ttl", "1d")],
        &[],
    ),
    Fault::settings(
        "reactivation-link-for-a-day",
        "The link of a reactivation lasts a day.",
        &[("tokens.reactivation_ttl", "1d")],
        &[],
    ),
    Fault::settings(
        "codes-for-an-hour",
        "Codes sent by SMS last an hour.",
        &[("tokens.code_ttl", "1h")],
        &[],
    ),
    Fault::settings(
        "idle-for-a-month",
        "A refresh token that nobody uses lasts as long as its family.",
        &[("refresh.idle_ttl", "30d")],
        &[],
    ),
    Fault::settings(
        "family-for-a-quarter",
        "A family lasts 90 days.",
        &[("refresh.family_ttl", "90d")],
        &[],
    ),
    Fault::settings(
        "device-for-a-quarter",
        "A device is trusted for 90 days.",
        &[("trusted_device.ttl", "90d")],
        &[],
    ),
    Fault::settings(
        "short-passwords",
        "A password of four characters is long enough.",
        &[("password.min_length", "4")],
        &[],
    ),
    Fault::settings(
        "long-passwords",
        "A password of a thousand characters is not too long.",
        &[("password.max_length", "1000")],
        &[],
    ),
    Fault::settings(
        "anybody-is-a-proxy",
        "A client names its own address, and escapes the limits of its network.",
        &[("server.trusted_proxies", "127.0.0.0/8")],
        &[],
    ),
];
