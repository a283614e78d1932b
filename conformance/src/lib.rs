//! The judge of `openapi-snapshot.json`: point it at any server that claims to implement the contract,
//! and learn what holds.
//!
//! Read [`cases`] first: each [`case::Case`] is named after one sentence of the contract and tries it
//! through the generated client. Every case is handed a [`trial::Trial`], which knows the server under
//! judgement ([`target`]) by its address and its messages only. Between the two stands the
//! [`witness`]: it passes every exchange on, holds each answer against the document, and keeps what
//! the [`report`] shows.

pub mod args;
pub mod case;
pub mod cases;
pub mod command;
pub mod coverage;
#[cfg(feature = "spawn")]
pub mod drills;
pub mod examples;
#[cfg(feature = "spawn")]
pub mod faults;
pub mod kit;
pub mod lanes;
pub mod matrix;
pub mod report;
pub mod runner;
pub mod target;
pub mod trial;
pub mod walk;
pub mod witness;

/// The contract that this suite holds servers to.
pub const SNAPSHOT: &str = include_str!("../../openapi-snapshot.json");
