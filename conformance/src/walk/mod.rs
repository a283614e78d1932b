//! A random walk over logins and second factors, held against a small model of them.
//!
//! [`action`] says what can happen, [`model`] what there is then, `predict` and its parts what the
//! server must answer. `search` has `proptest` choose and shrink sequences of actions, `drive`
//! does them to a server, and `guard` watches the one property that matters most without believing
//! the model.

pub mod action;
mod count;
mod drive;
mod guard;
pub mod model;
mod predict;
mod search;
mod shrink;
mod words;

pub use search::{Crowd, walk};

#[cfg(test)]
mod tests;
