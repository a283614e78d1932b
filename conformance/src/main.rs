//! `bp-auth-conformance --base-url http://127.0.0.1:8080 --outbox data/outbox`.

use std::path::PathBuf;
use std::process::ExitCode;

use bp_auth_conformance::{CASES, Target};
use clap::Parser;

/// Judge a running server by its contract
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address of the server
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// Directory the server's mails are written to; cases that need one fail without it
    #[arg(long, value_name = "DIR")]
    outbox: Option<PathBuf>,
    /// Only cases whose name contains TEXT
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let target = Target {
        base_url: arguments.base_url,
        outbox: arguments.outbox,
    };
    let (mut passed, mut failed) = (0, 0);
    for case in CASES
        .iter()
        .filter(|case| case.name.contains(&arguments.filter))
    {
        match (case.run)(&target).await {
            Ok(()) => {
                passed += 1;
                println!("ok      {}", case.name);
            }
            Err(objection) => {
                failed += 1;
                println!("FAILED  {}: {objection}", case.name);
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    // A filter that matches nothing has judged nothing.
    if failed == 0 && passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
