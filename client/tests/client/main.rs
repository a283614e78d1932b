//! One binary for all tests of the client.

#[path = "../../generator/mod.rs"]
mod generator;

mod calls;
#[cfg(feature = "session")]
mod cleartext;
mod error_code;
mod extract;
mod generated;
mod login;
mod mocks;
mod one_answer;
mod open_enums;
#[cfg(feature = "session")]
mod scripted;
mod secrets;
#[cfg(feature = "session")]
mod session_end;
#[cfg(feature = "session")]
mod session_errors;
#[cfg(feature = "session")]
mod session_files;
#[cfg(feature = "session")]
mod session_login;
#[cfg(feature = "session")]
mod session_lost;
#[cfg(feature = "session")]
mod session_refresh;
#[cfg(feature = "session")]
mod session_retry;
#[cfg(feature = "tracing")]
mod session_spans;
mod verify;
#[cfg(feature = "session")]
mod verify_keys;
