//! `bp-auth-conformance --spawn`, or `--base-url http://127.0.0.1:8080 --outbox data/outbox`.

use std::process::ExitCode;

use bp_auth_conformance::args::Arguments;
use bp_auth_conformance::command;
use clap::Parser;

fn main() -> ExitCode {
    // A spawned server is this program, started again.
    #[cfg(feature = "spawn")]
    {
        let mut arguments = std::env::args_os().skip(1).peekable();
        if arguments
            .peek()
            .is_some_and(|first| first == bp_auth_conformance::target::spawn::SERVER)
        {
            return bp_auth_server::cli::main(arguments);
        }
    }
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command::run(arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bp-auth-conformance: {error:#}");
            ExitCode::FAILURE
        }
    }
}
