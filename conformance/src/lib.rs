//! Black-box checks of a server that claims to implement `openapi-snapshot.json`.
//!
//! A target is an address and the directory its mails and messages are written to. Nothing else is
//! shared with it: no database, no clock, no code but the generated client. Each [`Case`] is named
//! after the sentence of the contract that it holds the server to.

mod cases;

use std::path::PathBuf;

use bp_auth_client::{Client, Secret, bearer_client, client};

pub use cases::CASES;

/// A server to judge.
pub struct Target {
    pub base_url: String,
    /// Where the server's `file` transport writes, if the suite can read it.
    pub outbox: Option<PathBuf>,
}

/// One sentence of the contract, tried.
pub struct Case {
    pub name: &'static str,
    pub run: for<'t> fn(&'t Target) -> futures::future::BoxFuture<'t, Verdict>,
}

/// What a case found: nothing to object to, or an objection.
pub type Verdict = Result<(), String>;

impl Target {
    pub fn client(&self) -> Result<Client, String> {
        client(&self.base_url).map_err(|error| error.to_string())
    }

    pub fn bearer(&self, token: &Secret) -> Result<Client, String> {
        bearer_client(&self.base_url, token).map_err(|error| error.to_string())
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }
}
