//! Every limit, met by many requests at once: a try is counted before it is looked at. The group
//! `instances` runs the same races again on several instances of one database.

mod factors;
mod passwords;
mod requests;

use crate::case;
use crate::case::{Case, Profile};
use factors::*;
use passwords::*;
use requests::*;

pub const CASES: &[Case] = &[
    case!(
        of_60_wrong_passwords_five_are_judged,
        "Of parallel logins with wrong passwords from one network exactly five are 401 `invalid_credentials` and the rest 429, for an unknown user too; the right password then waits there for two seconds, and nowhere else."
    )
    .clock(),
    case!(
        of_60_right_passwords_none_is_refused,
        "Parallel logins with the right password are no failures: none of them is refused."
    ),
    case!(
        registrations_of_a_network_are_counted_exactly,
        "Of parallel registrations from one network exactly 20 a minute get 201 and the rest 429 `rate_limited`."
    ),
    case!(
        refreshes_of_a_family_are_counted_exactly,
        "With `refresh.rotation_enabled` off exactly 30 of many parallel refreshes a minute get 200, with the same refresh token, and the rest 429 `rate_limited`."
    )
    .only(&[Profile::RotationOff]),
    case!(
        reset_requests_are_counted_exactly,
        "Of parallel MFA reset requests exactly three an hour send a mail, and the rest are 429 `rate_limited`."
    )
    .messages(),
    case!(
        reactivation_requests_are_counted_exactly_and_silently,
        "Of parallel reactivation requests exactly three an hour send a mail, and all of them are 204."
    )
    .messages()
    .operator(),
    case!(
        of_40_wrong_codes_for_an_mfa_token_five_are_judged,
        "Of parallel wrong answers to one `mfa_token` exactly five are 401 `code_invalid`, then it is 401 `mfa_token_invalid` for a right code too; the account is not locked."
    ),
    case!(
        of_40_wrong_codes_for_an_account_ten_are_judged,
        "Of parallel wrong answers across the logins of one account exactly ten are 401 `code_invalid` and the rest 429 `mfa_locked`, as a right code is then, while `/token` still answers."
    ),
    case!(
        of_30_wrong_codes_at_an_authenticator_set_up_five_are_judged,
        "Of parallel wrong TOTP codes at set-up exactly five are 400 `code_invalid` and one is `code_attempts_exceeded`; then nothing is pending."
    ),
    case!(
        of_30_wrong_codes_at_a_phone_set_up_five_are_judged,
        "Of parallel wrong SMS codes at set-up exactly five are 400 `code_invalid` and one is `code_attempts_exceeded`; then nothing is pending."
    )
    .messages(),
    case!(
        of_30_wrong_codes_for_a_phone_five_are_judged,
        "Of parallel wrong codes for a phone exactly five are 400 `code_invalid` and one is `code_attempts_exceeded`; then the right one is `code_expired`."
    )
    .messages(),
    case!(
        of_30_wishes_for_a_phone_code_one_is_sent,
        "Of parallel requests for a phone code within the interval exactly one sends a message and the rest are 429 `rate_limited`."
    )
    .messages(),
    case!(
        of_30_set_ups_of_a_phone_one_is_sent,
        "Of parallel set-ups of a phone within the interval exactly one sends a message and the rest are 429 `rate_limited`."
    )
    .messages(),
    case!(
        of_30_logins_by_phone_one_sends_a_code,
        "Of parallel logins of a user with a phone exactly one sends a code, which is good for all of them, and none is refused."
    )
    .messages(),
    case!(
        phone_codes_of_a_day_are_counted_exactly,
        "Of parallel requests for a phone code exactly `limits.sms_per_day` send a message and the rest are 429 `rate_limited`."
    )
    .messages()
    .set(&[("limits.sms_interval", "0"), ("limits.sms_per_day", "3")]),
    case!(
        login_codes_of_a_day_are_counted_exactly,
        "Of parallel logins of a user with a phone exactly `limits.sms_login_per_day` send a code, and none is refused."
    )
    .messages()
    .set(&[("limits.sms_interval", "0"), ("limits.sms_login_per_day", "4")]),
    case!(
        trusted_devices_stay_at_most_20,
        "However many devices are trusted in parallel, at most 20 stay trusted, and the newest do."
    ),
];
