//! Everything that is good once, tried many times at once. The group `instances` runs the same races
//! again on several instances of one database.

mod accounts;
mod codes;
mod factors;
mod links;
mod tokens;

use crate::case;
use crate::case::{Case, Profile, Setting};
use accounts::*;
use codes::*;
use factors::*;
use links::*;
use tokens::*;

pub const CASES: &[Case] = &[
    case!(
        of_200_uses_of_a_refresh_token_one_wins,
        "Of parallel uses of one refresh token exactly one gets a successor, the others are 401 `token_reused`; the family and its session are revoked, other sessions are not, and the user gets one mail."
    )
    .messages()
    .only(&Profile::UNFORGIVING),
    case!(
        within_the_leeway_all_parallel_uses_get_the_one_successor,
        "Within `refresh.reuse_leeway_seconds` all parallel uses of one refresh token get the same successor, which is good, and count as one rotation."
    )
    .only(&[Profile::Leeway]),
    case!(
        a_logout_amid_refreshes_ends_the_family,
        "A logout among parallel refreshes revokes the session and whatever token of its family anybody has got meanwhile."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_suspension_amid_logins_leaves_no_live_session,
        "A suspension among parallel logins ends every session that any of them has begun."
    )
    .operator(),
    case!(
        of_20_logins_with_a_trusted_device_one_skips_the_second_factor,
        "Of parallel logins with one secret of a trusted device exactly one skips the second factor and gets the next secret; the others are asked for it, and the device stays."
    ),
    case!(
        of_60_registrations_of_an_address_one_makes_the_account,
        "Of parallel registrations of one e-mail address, in whatever spelling, exactly one gets 201 and makes the account; the others are 409 `email_taken`."
    )
    .messages()
    .only(&Profile::OPEN_REGISTRATION),
    case!(
        hidden_registrations_of_an_address_make_one_account,
        "With `register.hide_existing` parallel registrations of one e-mail address all get 201 and make one account, whose owner gets one welcome and one warning."
    )
    .messages()
    .only(&[Profile::HideExisting]),
    case!(
        of_100_first_looks_at_the_api_key_all_see_the_same,
        "Parallel first calls of `GET /api-key` create one key and all give its id."
    ),
    case!(
        of_30_rotations_of_the_api_key_one_secret_works,
        "Parallel rotations of the API key all succeed and keep its id, and of the secrets shown exactly one works."
    ),
    case!(
        of_30_logins_with_a_backup_code_one_wins,
        "Of parallel logins with one backup code exactly one gets tokens, and one code is used up."
    ),
    case!(
        of_30_logins_with_a_totp_code_one_wins,
        "Of parallel logins with one TOTP code exactly one gets tokens."
    ),
    case!(
        of_30_logins_with_an_sms_code_one_wins,
        "Of parallel logins with one SMS code exactly one gets tokens."
    )
    .messages(),
    case!(
        of_10_right_codes_for_an_mfa_token_one_wins,
        "Of parallel right answers to one `mfa_token` exactly one gets tokens, and only its code is used up."
    ),
    case!(
        of_20_uses_of_a_phone_code_one_verifies,
        "Of parallel confirmations of a phone with its code exactly one gets 200, the others 409 `phone_already_verified`."
    )
    .messages(),
    case!(
        of_50_uses_of_a_reset_token_one_resets,
        "Of parallel uses of one MFA reset token exactly one gets 200 and the others 410 `token_used`; the user gets one mail about it."
    )
    .messages(),
    case!(
        of_two_reset_tokens_at_once_one_resets,
        "Of parallel uses of two MFA reset tokens of one user exactly one resets."
    )
    .messages(),
    case!(
        of_50_uses_of_a_reactivation_token_one_reactivates,
        "Of parallel uses of one reactivation token exactly one gets 200 and the others 410 `token_used`; the user gets one mail about it."
    )
    .messages()
    .operator(),
    case!(
        of_20_enrolments_of_an_authenticator_one_wins,
        "Of parallel enrolments with one TOTP code exactly one gets 200 and ten backup codes, which work; the others are 409 `mfa_not_pending`, and the user gets one mail."
    )
    .messages(),
    case!(
        of_20_enrolments_of_a_phone_one_wins,
        "Of parallel enrolments with one SMS code exactly one gets 200 and ten backup codes, which work; the others are 409 `mfa_not_pending`, and the user gets one mail."
    )
    .messages(),
    case!(
        of_4_setups_of_an_authenticator_one_counts,
        "Of parallel set-ups of an authenticator all are answered, and the secret of exactly one can be verified."
    ),
    case!(
        of_8_regenerated_sets_one_is_good,
        "Parallel regenerations of the backup codes all succeed and leave exactly one valid set of ten codes."
    ),
    case!(
        of_20_deletions_of_a_method_one_deletes,
        "Of parallel deletions of a method exactly one gets 204 and the others 404 `not_found`; the user gets one mail."
    )
    .messages(),
    case!(
        of_20_deletions_of_the_backup_codes_one_deletes,
        "Of parallel deletions of the backup codes exactly one gets 204 and the others 404 `not_found`; the method stays."
    ),
    case!(
        of_20_revocations_of_a_trusted_device_one_revokes,
        "Of parallel revocations of a trusted device exactly one gets 204 and the others 404 `not_found`."
    ),
];
