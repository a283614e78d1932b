//! Every case, grouped as the contract is. Each group begins with a table: the name of the case, and the
//! sentence that it holds a server to.

pub mod api_key;
pub mod backup_codes;
pub mod challenge;
pub mod challenge_lock;
pub mod challenge_sms;
pub mod client_factors;
pub mod client_life;
pub mod cookies;
pub mod cors;
pub mod credential_matrix;
pub mod credential_precedence;
pub mod cross_site;
pub mod document;
pub mod entitlements;
pub mod entitlements_change;
pub mod expiry;
pub mod field_matrix;
pub mod forgery;
pub mod gateway;
pub mod instances;
pub mod limits;
pub mod logout;
pub mod me;
pub mod methods;
pub mod mfa_reset;
pub mod mfa_reset_binding;
pub mod networks;
pub mod order;
pub mod password_delay;
pub mod phone;
pub mod race_counters;
pub mod races;
pub mod reactivate;
pub mod refresh;
pub mod refresh_cookie;
pub mod refresh_leeway;
pub mod refresh_limits;
pub mod refresh_static;
pub mod register;
pub mod register_confirm;
pub mod register_hidden;
pub mod register_identity;
pub mod register_limits;
pub mod replays;
pub mod sessions;
pub mod sms;
pub mod sms_limits;
pub mod step_up;
pub mod syntax;
pub mod token;
pub mod token_pending;
pub mod tokens;
pub mod totp;
pub mod trouble;
pub mod trusted_devices;
pub mod trusted_devices_end;
pub mod walk;
pub mod windows;

use crate::case::Case;

/// All cases, in the order in which a reader of the contract meets them.
pub fn all() -> Vec<Case> {
    [
        // The longest first, so that others run beside it.
        walk::CASES,
        document::CASES,
        register::CASES,
        register_identity::CASES,
        register_hidden::CASES,
        register_confirm::CASES,
        register_limits::CASES,
        token::CASES,
        token_pending::CASES,
        password_delay::CASES,
        refresh::CASES,
        refresh_limits::CASES,
        refresh_cookie::CASES,
        refresh_leeway::CASES,
        refresh_static::CASES,
        logout::CASES,
        me::CASES,
        entitlements::CASES,
        entitlements_change::CASES,
        api_key::CASES,
        reactivate::CASES,
        phone::CASES,
        totp::CASES,
        sms::CASES,
        sms_limits::CASES,
        challenge::CASES,
        challenge_lock::CASES,
        challenge_sms::CASES,
        methods::CASES,
        backup_codes::CASES,
        mfa_reset::CASES,
        mfa_reset_binding::CASES,
        trusted_devices::CASES,
        trusted_devices_end::CASES,
        step_up::CASES,
        sessions::CASES,
        gateway::CASES,
        syntax::CASES,
        order::CASES,
        cross_site::CASES,
        cors::CASES,
        cookies::CASES,
        tokens::CASES,
        forgery::CASES,
        limits::CASES,
        networks::CASES,
        trouble::CASES,
        expiry::CASES,
        windows::CASES,
        client_life::CASES,
        client_factors::CASES,
        races::CASES,
        race_counters::CASES,
        instances::CASES,
        instances::RACES,
        instances::COUNTERS,
        credential_matrix::CASES,
        credential_precedence::CASES,
        field_matrix::CASES,
        replays::CASES,
    ]
    .concat()
}

#[cfg(test)]
mod tests;
