use std::collections::BTreeSet;

use super::{Expected, Kind, Place, expected};
use crate::cases::credential_matrix::CASES;
use crate::matrix::snapshot::operations;

/// All kinds, how many combinations each opens, and the case that tries it.
const KINDS: [(Kind, usize, &str); 19] = [
    (Kind::Nothing, 0, "without_a_credential_nothing_is_opened"),
    (Kind::Garbage, 0, "garbage_opens_nothing"),
    (Kind::Forged, 0, "a_forged_token_opens_nothing"),
    (
        Kind::MfaPending,
        1,
        "an_mfa_pending_token_opens_the_challenge_and_nothing_else",
    ),
    // Sixteen operations and the logout, in two places.
    (
        Kind::Access,
        34,
        "an_access_token_opens_as_bearer_and_in_the_cookie_only",
    ),
    (
        Kind::AccessOfSomebodyElse,
        34,
        "another_users_token_touches_nothing_of_mine",
    ),
    (
        Kind::ExpiredAccess,
        2,
        "an_expired_token_opens_nothing_but_the_way_out",
    ),
    (
        Kind::RevokedAccess,
        0,
        "a_token_of_an_ended_session_opens_nothing",
    ),
    (
        Kind::AccessOfSuspended,
        0,
        "nothing_of_a_suspended_user_opens_anything",
    ),
    (
        Kind::AccessOfDeactivated,
        0,
        "nothing_of_a_deactivated_user_opens_anything",
    ),
    (
        Kind::ApiKey,
        2,
        "an_api_key_opens_two_operations_in_its_header",
    ),
    (Kind::OldApiKey, 0, "a_replaced_api_key_opens_nothing"),
    (
        Kind::ApiKeyOfSuspended,
        0,
        "nothing_of_a_suspended_user_opens_anything",
    ),
    (
        Kind::ApiKeyOfDeactivated,
        0,
        "nothing_of_a_deactivated_user_opens_anything",
    ),
    (
        Kind::Refresh,
        2,
        "a_refresh_token_opens_the_refresh_and_the_logout_only",
    ),
    (Kind::UsedRefresh, 1, "a_used_refresh_token_opens_nothing"),
    (Kind::Reset, 1, "a_reset_token_opens_its_confirmation_only"),
    (
        Kind::Reactivation,
        1,
        "a_reactivation_token_opens_its_confirmation_only",
    ),
    (
        Kind::TrustedDevice,
        0,
        "a_trusted_device_opens_no_operation",
    ),
];

#[test]
fn every_kind_is_tried_everywhere_and_opens_what_it_should() {
    let operations = operations().unwrap();
    for (kind, opened, case) in KINDS {
        let mut expectations = Vec::new();
        for operation in &operations {
            for place in Place::of(kind, operation) {
                expectations.push(expected(kind, place, operation));
            }
        }
        // Seven places of a request at 24 operations, and five fields of bodies.
        let all = if kind == Kind::Nothing {
            24
        } else {
            7 * 24 + 5
        };
        assert_eq!(expectations.len(), all, "{kind:?}");
        let so_many = expectations.iter().filter(|one| one.opens()).count();
        assert_eq!(so_many, opened, "{kind:?}");
        assert!(CASES.iter().any(|known| known.name == case), "{case}");
    }
}

#[test]
fn no_case_is_without_its_kind() {
    let named: BTreeSet<&str> = KINDS.iter().map(|(_, _, case)| *case).collect();
    let cases: BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(named, cases);
}

#[test]
fn every_field_that_carries_a_token_is_a_place() {
    for operation in operations().unwrap() {
        for field in operation.body.iter().flat_map(|body| &body.fields) {
            let is_place = Place::FIELDS.contains(&field.name.as_str());
            assert_eq!(field.name.ends_with("token"), is_place, "{}", field.name);
        }
    }
}

#[test]
fn whoever_asks_for_no_credentials_has_a_rule_for_strangers() {
    let operations = operations().unwrap();
    let ignored = operations
        .iter()
        .filter(|one| expected(Kind::Nothing, Place::Nowhere, one) == Expected::Ignored)
        .count();
    assert_eq!(ignored, 8);
}
