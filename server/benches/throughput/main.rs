//! What a request costs: `cargo bench --bench throughput`, one table.
//!
//! The release build of the server is loaded over loopback, and so is a dropshot server that does
//! nothing; a `SELECT` by primary key and argon2id are run for comparison, all of them turn by turn
//! in one run. `docs/benchmarks.md` says how to read the table.

mod baseline;
mod load;
#[path = "../support/process.rs"]
mod process;
mod seed;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;
use tokio::time::Instant;

use baseline::Baseline;
use load::{Operation, Target};
use process::Process;
use seed::Population;
use table::{Measure, Row};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome<T = ()> = Result<T, Failure>;

/// More than there are cores, so that the server and not the wire is waited for.
pub const CONNECTIONS: usize = 16;
/// To check the invariants of a million users takes longer than to measure.
const CHECKED_USERS: u64 = 10_000;

/// The limits that would refuse the load, which are meant for one network and one family.
const RAISED: &[&str] = &[
    "limits.register_per_minute=1000000",
    "limits.logins_per_hour=1000000",
    "limits.refresh_per_minute=1000000",
];

const SELECT: &str = "SELECT by primary key";
const ARGON2ID: &str = "argon2id";

/// Measures what a request costs.
#[derive(Debug, Parser)]
#[command(
    name = "cargo bench --bench throughput --",
    disable_help_subcommand = true
)]
struct Args {
    /// How many users the databases hold
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000],
          value_parser = clap::value_parser!(u64).range(16..))]
    users: Vec<u64>,
    /// Seconds a measurement takes
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Measurements of each kind, of which the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these operations, such as for a profile
    #[arg(long, value_delimiter = ',', default_values_t = Operation::ALL, value_enum)]
    only: Vec<Operation>,
    /// What cargo says when it runs benchmarks
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    baseline: Option<Baseline>,
}

/// A server with its users, and what they are compared to.
struct Stage {
    population: Population,
    server: Process,
    target: Target,
    select: Process,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Outcome {
    if let Some(baseline) = args.baseline {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        return runtime.enable_all().build()?.block_on(baseline.run());
    }
    if !args.bench {
        return Err("this is a benchmark: run it with `cargo bench --bench throughput`".into());
    }
    // On one thread, so that the load leaves the other cores to the server.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        tokio::select! {
            done = measure(&args) => done,
            // Dropping the work ends its processes and removes its files.
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        }
    })
}

async fn measure(args: &Args) -> Outcome {
    // Beside the build, because a temporary directory in memory would make every write free.
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let time = Duration::from_secs_f64(args.seconds);

    let (bare, address) = Baseline::Dropshot.listening().await?;
    let mut bare_target = Target::bare(address);
    let mut argon2id = Baseline::Argon2id.process()?;
    let mut stages = Vec::new();
    for users in &args.users {
        stages.push(stage(&directory, *users).await?);
    }

    let mut rows = vec![row(Operation::Nothing.name(), None), row(ARGON2ID, None)];
    for users in &args.users {
        rows.push(row(SELECT, Some(*users)));
        let operations = args.only.iter();
        rows.extend(operations.map(|operation| row(operation.name(), Some(*users))));
    }
    // The first round warms up, and is not measured.
    for round in 0..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        let time = if round == 0 { time / 4 } else { time };
        let mut measures = vec![
            requests(&bare, &mut bare_target, Operation::Nothing, time).await?,
            work(&mut argon2id, time).await?,
        ];
        for stage in &mut stages {
            measures.push(work(&mut stage.select, time).await?);
            for operation in &args.only {
                let measure = requests(&stage.server, &mut stage.target, *operation, time);
                measures.push(measure.await?);
            }
        }
        if round > 0 {
            for (row, measure) in rows.iter_mut().zip(measures) {
                row.rounds.push(measure);
            }
        }
    }
    for stage in stages {
        stage.server.stop().await?;
        // What the load left behind must be sound, or it was not the work that was measured.
        if stage.population.users <= CHECKED_USERS {
            stage.population.check().await?;
        }
    }
    report(args, &rows)
}

async fn stage(directory: &TempDir, users: u64) -> Outcome<Stage> {
    let start = Instant::now();
    let population = Population::seed(directory.path().join(users.to_string()), users).await?;
    if users <= CHECKED_USERS {
        population.check().await?;
    }
    let (server, address) = Process::server(&population.data, RAISED).await?;
    let target = Target::server(address, &population).await?;
    let select = Baseline::Select {
        database: population.database(),
        users,
    };
    let select = select.process()?;
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{users} users seeded and {CONNECTIONS} clients logged in, in {seconds:.1} s; \
         the server is process {}",
        server.pid()
    );
    Ok(Stage {
        population,
        server,
        target,
        select,
    })
}

/// What requests cost the server, with what it does after its answers.
async fn requests(
    server: &Process,
    target: &mut Target,
    operation: Operation,
    time: Duration,
) -> Outcome<Measure> {
    let before = server.cpu_when_idle().await?;
    let answered = target.load(operation, time).await?;
    let used = server.cpu_when_idle().await? - before;
    Ok(Measure {
        per_second: answered.requests as f64 / answered.elapsed.as_secs_f64(),
        cpu: used / answered.requests as f64,
    })
}

/// What a baseline without a wire costs.
async fn work(process: &mut Process, time: Duration) -> Outcome<Measure> {
    let (before, start) = (process.cpu()?, Instant::now());
    let done: f64 = process.ask(&time.as_millis().to_string()).await?.parse()?;
    let (used, elapsed) = (process.cpu()? - before, start.elapsed());
    Ok(Measure {
        per_second: done / elapsed.as_secs_f64(),
        cpu: used / done,
    })
}

fn row(name: &'static str, users: Option<u64>) -> Row {
    let rounds = Vec::new();
    Row {
        name,
        users,
        rounds,
    }
}

fn report(args: &Args, rows: &[Row]) -> Outcome {
    let baselines = [
        (Operation::Nothing.name(), "bare"),
        (SELECT, "SELECT"),
        (ARGON2ID, "argon2id"),
    ];
    println!("{}", table::render(rows, &baselines));
    println!(
        "\nMedians of {} rounds of {} s, {CONNECTIONS} connections, {} cores shared with the load \
         generator, whose time is\nnot counted; `spread` is the distance of the rounds' CPU times. \
         The limits of registrations and logins per\nnetwork and of refreshes per family are raised, \
         all else is as delivered. A registration's CPU holds its mail.",
        args.rounds,
        args.seconds,
        std::thread::available_parallelism()?,
    );
    Ok(())
}
