//! Every kind of credential, at every operation, in every place that can hold one.

mod owner;
mod rules;
mod wall;

pub use owner::{Access, Owner, forgeries};
pub use rules::{Expected, expected, without};
pub use wall::Wall;

use super::snapshot::Operation;

/// What is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nothing,
    Garbage,
    /// An access token that somebody has changed, or signed with what is no key.
    Forged,
    MfaPending,
    Access,
    AccessOfSomebodyElse,
    ExpiredAccess,
    /// Of a session that has ended.
    RevokedAccess,
    AccessOfSuspended,
    AccessOfDeactivated,
    ApiKey,
    /// Replaced by a newer one.
    OldApiKey,
    ApiKeyOfSuspended,
    ApiKeyOfDeactivated,
    Refresh,
    UsedRefresh,
    Reset,
    Reactivation,
    TrustedDevice,
}

/// Where it is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Nowhere,
    Bearer,
    /// `Authorization` with another scheme.
    OtherScheme,
    /// `Authorization` with the bare token.
    NoScheme,
    Cookie,
    ApiKeyHeader,
    DeviceHeader,
    /// RFC 6750, section 2.3, which the contract does not take up.
    Query,
    /// A field of the body.
    Field(&'static str),
}

impl Place {
    const OF_REQUESTS: [Self; 7] = [
        Self::Bearer,
        Self::OtherScheme,
        Self::NoScheme,
        Self::Cookie,
        Self::ApiKeyHeader,
        Self::DeviceHeader,
        Self::Query,
    ];
    /// Fields that carry tokens.
    const FIELDS: [&'static str; 3] = ["mfa_token", "refresh_token", "token"];

    /// Where this kind can be put at the operation.
    pub fn of(kind: Kind, operation: &Operation) -> Vec<Self> {
        if kind == Kind::Nothing {
            return vec![Self::Nowhere];
        }
        let fields = Self::FIELDS.into_iter();
        let fields = fields.filter(|name| operation.field(name).is_some());
        let places = Self::OF_REQUESTS.into_iter();
        places.chain(fields.map(Self::Field)).collect()
    }
}

#[cfg(test)]
mod tests;
