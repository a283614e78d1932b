//! The suite's own program, run as its users run it: against a server in a second process, of which it
//! knows the address and the messages only.

#![cfg(feature = "spawn")]

mod command;
mod instances;
mod messages;
mod support;
