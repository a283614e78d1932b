//! `bp-auth`: reads the arguments and runs one command.

use std::process::ExitCode;

use bp_auth_server::cli::{self, args::Cli};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bp-auth: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bp-auth: {error}");
            ExitCode::FAILURE
        }
    }
}
