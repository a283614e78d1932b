//! The suite's own test: servers that are broken on purpose, and the cases that have to notice.
//!
//! Nothing of our server is touched for it. A server is broken by a witness that misbehaves
//! ([`Misbehaviour`]), by a database that forgets what it was told (triggers), or by a configuration
//! that its profile does not allow. [`judge`] runs the cases that a fault names against it: each of
//! them has to object.

mod accounts;
mod browsers;
mod credentials;
mod database;
mod database_factors;
mod factors;
pub mod judge;
mod kit;
mod settings;
mod wire;

use std::sync::Arc;

use crate::case::Profile;
use crate::witness::Misbehaviour;

/// A broken server, and who has to notice.
#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    /// What the broken server does, in one sentence.
    pub what: &'static str,
    pub how: How,
    pub profile: Profile,
    /// `group::name` of cases, each of which has to fail.
    pub caught_by: &'static [&'static str],
}

/// How a server is broken.
#[derive(Clone, Copy)]
pub enum How {
    /// Between the suite and the server stands somebody who lies.
    Proxy(fn() -> Arc<dyn Misbehaviour>),
    /// Its database changes what is written.
    Database(&'static str),
    /// It is configured otherwise than it is said to be.
    Settings(&'static [(&'static str, &'static str)]),
}

/// Every fault, from the wire inwards.
pub fn all() -> Vec<Fault> {
    [
        wire::FAULTS,
        credentials::FAULTS,
        browsers::FAULTS,
        accounts::FAULTS,
        factors::FAULTS,
        database::FAULTS,
        database_factors::FAULTS,
        settings::FAULTS,
    ]
    .concat()
}

impl Fault {
    const fn new(
        name: &'static str,
        what: &'static str,
        how: How,
        caught_by: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            what,
            how,
            profile: Profile::Strict,
            caught_by,
        }
    }

    const fn proxy(
        name: &'static str,
        what: &'static str,
        make: fn() -> Arc<dyn Misbehaviour>,
        caught_by: &'static [&'static str],
    ) -> Self {
        Self::new(name, what, How::Proxy(make), caught_by)
    }

    const fn database(
        name: &'static str,
        what: &'static str,
        sql: &'static str,
        caught_by: &'static [&'static str],
    ) -> Self {
        Self::new(name, what, How::Database(sql), caught_by)
    }

    const fn settings(
        name: &'static str,
        what: &'static str,
        settings: &'static [(&'static str, &'static str)],
        caught_by: &'static [&'static str],
    ) -> Self {
        Self::new(name, what, How::Settings(settings), caught_by)
    }

    /// It breaks a server of this profile, not of the strict one.
    const fn of(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }
}

#[cfg(test)]
mod tests;
