//! bp-auth, an authentication server whose HTTP API is a contract.
//!
//! Read [`api`] first: it is the table of contents. [`http`] joins it to the logic in [`app`],
//! which keeps its state through [`datastore`] and sends mail and SMS through [`delivery`].

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod datastore;
pub mod delivery;
pub mod http;
pub mod keyring;
pub mod metrics;
pub mod telemetry;
