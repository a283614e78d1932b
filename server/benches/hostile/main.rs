//! What a stranger can cost: `cargo bench --bench hostile`.
//!
//! Every operation that needs no credential is sent its dearest bodies of at most 16 KiB, and the
//! processor time of the server is told as a ratio to one right login of the same run, beside the
//! rows and bytes that are left in the database. With `--siege` many connections do so at once while
//! somebody else logs in. `docs/benchmarks.md` says how to read the tables.

mod body;
mod cost;
mod disk;
#[expect(
    dead_code,
    reason = "The other benchmark also asks processes by lines."
)]
#[path = "../support/process.rs"]
mod process;
mod siege;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;

use body::{Attack, Forger};
use process::Process;
use wire::Client;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome<T = ()> = Result<T, Failure>;

/// The load generator is a proxy, and names the networks that its requests come from.
const PROXY: &str = "server.trusted_proxies=127.0.0.1";
const CLOSED: &str = "register.enabled=false";

/// Measures what strangers can cost.
#[derive(Debug, Parser)]
#[command(
    name = "cargo bench --bench hostile --",
    disable_help_subcommand = true
)]
struct Args {
    /// Seconds a measurement takes
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Times logins while so many connections attack one operation, one after the other, and then all
    #[arg(long, num_args = 0..=1, default_missing_value = "24")]
    siege: Option<usize>,
    /// Only attacks whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// What cargo says when it runs benchmarks
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Outcome {
    if !args.bench {
        return Err("this is a benchmark: run it with `cargo bench --bench hostile`".into());
    }
    // On one thread, so that the load leaves the other cores to the server.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        tokio::select! {
            done = measure(args) => done,
            // Dropping the work ends its processes and removes its files.
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        }
    })
}

async fn measure(args: &Args) -> Outcome {
    // Beside the build, because a temporary directory in memory would make every write free.
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let time = Duration::from_secs_f64(args.seconds);
    let open = directory.path().join("open");
    let closed = directory.path().join("closed");
    for data in [&open, &closed] {
        std::fs::create_dir(data)?;
    }
    let (server, address) = Process::server(&open, &[PROXY]).await?;
    let (shut, shut_address) = Process::server(&closed, &[PROXY, CLOSED]).await?;
    let mut owner = Client::new(&address);
    owner.register_owner().await?;
    let forger = Forger::with_keys_of(&mut owner).await?;
    let chosen = |attack: &Attack| attack.name().contains(&args.only);
    let attacks: Vec<Attack> = forger.attacks().into_iter().filter(chosen).collect();

    match args.siege {
        None => {
            let open = cost::Measured::new(&server, &address, &open);
            let closed = cost::Measured::new(&shut, &shut_address, &closed);
            println!("{}", cost::table(&open, &closed, &attacks, time).await?);
        }
        Some(connections) => {
            let table = siege::table(&address, attacks, connections, time).await?;
            println!("{table}");
        }
    }
    shut.stop().await?;
    server.stop().await
}
