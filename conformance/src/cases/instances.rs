//! Several instances on one database behave as one.

mod limits;
mod operators;
mod state;

use super::{race_counters, races};
use crate::case;
use crate::case::{Case, Profile, Setting};
use limits::*;
use operators::*;
use state::*;

/// How many there are.
const SEVERAL: usize = 3;

pub const CASES: &[Case] = &several::<{ OWN.len() }>(OWN);

/// Every race, on several instances.
pub const RACES: &[Case] = &several::<{ races::CASES.len() }>(races::CASES);

/// Every limit, on several instances.
pub const COUNTERS: &[Case] = &several::<{ race_counters::CASES.len() }>(race_counters::CASES);

const OWN: &[Case] = &[
    case!(
        a_logout_at_one_is_seen_by_all,
        "A session that ended by logout at one instance is 401 `session_revoked` at every other with the next request, and its refresh token 401 `token_revoked`."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_logout_of_all_sessions_is_seen_by_all,
        "`all_sessions` at one instance ends the user's sessions that began at others, at the next request."
    ),
    case!(
        a_reuse_at_one_is_seen_by_all,
        "A refresh token that was used at one instance is reuse at another, and the family is revoked at every one."
    )
    .only(&Profile::UNFORGIVING),
    case!(
        within_the_leeway_another_gives_the_same_successor,
        "Within the leeway another instance gives the same successor as the one that rotated."
    )
    .only(&[Profile::Leeway]),
    case!(
        tokens_of_one_are_good_at_all,
        "Every instance accepts the access tokens, refresh tokens, API keys and `mfa_token`s that another has issued, and publishes the same keys."
    )
    .depends_on(Setting::ROTATION),
    case!(
        mailed_tokens_of_one_are_good_at_all_once,
        "A reset token that one instance has mailed is good at another, and 410 `token_used` at a third."
    )
    .messages(),
    case!(
        codes_sent_by_one_are_good_at_all,
        "A code that one instance has sent by SMS is good at another."
    )
    .messages(),
    case!(
        an_api_key_rotated_at_one_is_dead_at_all,
        "The API key that was rotated at one instance is 401 `api_key_invalid` at every other with the next request."
    ),
    case!(
        a_factor_enrolled_at_one_is_asked_for_by_all,
        "A second factor that was enrolled at one instance is asked for by every other at the next login, and ends password-only sessions there."
    ),
    case!(
        a_code_used_at_one_is_used_at_all,
        "A TOTP code, a backup code or an `mfa_token` that was used at one instance is refused by every other."
    ),
    case!(
        a_trusted_device_is_one_device_at_all,
        "The secret of a trusted device that was rotated at one instance is the only good one at every other, and a revocation at one is seen by all."
    ),
    case!(
        wrong_passwords_are_counted_together,
        "Wrong passwords are counted across instances: five at any of them are free, the sixth waits at every one, and a right one resets them at all."
    )
    .clock(),
    case!(
        wrong_codes_are_counted_together,
        "Tries at an `mfa_token` and failures of an account are counted across instances."
    ),
    case!(
        refreshes_are_counted_together,
        "Refreshes of a family are counted across instances: the 31st in a minute is 429 `rate_limited` at every one."
    )
    .depends_on(Setting::ROTATION),
    case!(
        sent_codes_are_counted_together,
        "The interval between SMS codes holds across instances."
    )
    .messages(),
    case!(
        every_message_is_sent_once,
        "Every message is sent exactly once, whichever instance it was written by."
    )
    .messages(),
    case!(
        a_suspension_is_seen_by_all,
        "What an operator does to an account (deactivate, suspend, activate) holds at every instance with the next request."
    )
    .depends_on(Setting::ROTATION)
    .operator(),
    case!(
        a_reset_by_an_operator_is_seen_by_all,
        "After `reset-mfa` by an operator no instance asks for a second factor or honours the sessions before."
    )
    .operator(),
    case!(
        sessions_revoked_by_an_operator_end_at_all,
        "`bp-auth sessions revoke` ends the sessions of a user at every instance with the next request."
    )
    .spawned(),
    case!(
        a_plan_set_by_an_operator_is_seen_by_all,
        "A tenant deactivated or activated by an operator has the entitlements of its state at every instance with the next request."
    )
    .spawned(),
    case!(
        a_rotated_key_is_followed_by_all,
        "A signing key that an operator adds is published by every instance with the next request, signs at every one when its time has come, and the tokens of the old one stay good."
    )
    .clock()
    .spawned(),
    case!(
        a_revoked_key_is_dead_at_all,
        "The access tokens and `mfa_token`s of a signing key that an operator revokes are refused by every instance with the next request; sessions go on."
    )
    .depends_on(Setting::ROTATION)
    .clock()
    .spawned(),
    case!(
        published_plans_count_at_all,
        "Plans that an operator publishes count at every instance with the next request, and so does going back."
    )
    .clock()
    .spawned(),
];

const fn several<const N: usize>(cases: &[Case]) -> [Case; N] {
    let mut several = [cases[0]; N];
    let mut number = 0;
    while number < N {
        several[number] = cases[number].of_group("instances").instances(SEVERAL);
        number += 1;
    }
    several
}
