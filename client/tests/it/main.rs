//! One binary for all tests of the client.

#[path = "../../generator/mod.rs"]
mod generator;

mod calls;
mod error_code;
mod generated;
mod login;
mod one_answer;
mod secrets;
