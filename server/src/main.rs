//! `bp-auth`: reads the arguments and runs one command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bp_auth_server::cli::main(std::env::args_os())
}
