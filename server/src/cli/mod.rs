//! The command line: `args` says what can be asked for, the other files do it.

pub mod args;
mod contract;
mod db;
mod import;
mod keys;
mod operator;
mod outbox;
mod plans;
pub mod serve;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use crate::app::clock::{Clock, SystemClock};
use crate::app::plans::Plans;
use crate::app::random::SystemRandom;
use crate::config::{Config, LogFormat, Sources};
use crate::datastore::Datastore;
use crate::http::server::Parts;
use crate::keyring::Keyring;
use crate::telemetry;
use args::{Cli, Command, ServeArgs};
use clap::Parser;
use opentelemetry_sdk::trace::SdkTracer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// A command that failed, in words for the operator.
pub type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// The whole program. A suite that starts servers carries it too, and runs it as processes of its own.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
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
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bp-auth: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Outcome {
    let command = cli
        .command
        .unwrap_or_else(|| Command::Serve(ServeArgs::default()));
    // The contract needs no configuration, and must be printable where there is none.
    match &command {
        Command::Openapi(args) => return contract::openapi(args),
        Command::Docs(args) => return contract::docs(args),
        _ => {}
    }
    let config = Config::load(&Sources::from_cli(&cli.global))?;
    if let Command::CheckConfig = command {
        print!("{}", config.explain());
        side_files(&config)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Command::Serve(args) = command else {
        log(config.log.format, None);
        return match command {
            Command::Migrate(args) => operator::migrate(&config, args.check).await,
            command => operator::run(config, command).await,
        };
    };
    let (tracer, exporting) = match &config.telemetry.otlp_endpoint {
        Some(endpoint) => Some(telemetry::start(&config.telemetry, endpoint)?).unzip(),
        None => (None, None),
    };
    log(config.log.format, tracer);
    serve::serve(config, args.migrate, exporting).await
}

/// What a server or an operator's command is made of. Only a server applies migrations by itself.
async fn parts(config: Config) -> Result<Parts, Box<dyn std::error::Error>> {
    let plans = side_files(&config)?;
    let clock = clock()?;
    let keyring = Keyring::load_or_create(&config.data_dir, clock.now().ms())?;
    let connections = config.database.max_connections;
    let store = Datastore::connect_with(config.database_url().expose(), connections).await?;
    Ok(Parts {
        store,
        keyring: Arc::new(keyring),
        plans,
        clock,
        random: Arc::new(SystemRandom),
        config,
    })
}

/// A database that a copy is filling is nobody's yet, and whatever was written to it could be lost.
async fn refuse_unfinished(store: &Datastore) -> Result<(), Box<dyn std::error::Error>> {
    match store.copy_is_unfinished().await? {
        false => Ok(()),
        true => {
            Err("`bp-auth db copy` has not finished filling this database; run it again".into())
        }
    }
}

/// Names the file of the clock that a test suite moves.
pub const TEST_CLOCK: &str = "BP_AUTH_TEST_CLOCK";

/// Whether this build heeds [`TEST_CLOCK`].
pub const HAS_TEST_CLOCK: bool = cfg!(debug_assertions);

/// The machine's clock. Where a suite asks for its own, a build without one refuses to run rather
/// than to tell another time than it was told.
fn clock() -> Result<Arc<dyn Clock>, Box<dyn std::error::Error>> {
    let Some(file) = std::env::var_os(TEST_CLOCK) else {
        return Ok(Arc::new(SystemClock));
    };
    #[cfg(debug_assertions)]
    return Ok(Arc::new(crate::app::clock::FileClock::open(file.into())?));
    #[cfg(not(debug_assertions))]
    Err(format!("{TEST_CLOCK} is set to {file:?}, but this build has no test clock").into())
}

/// What the configuration names or implies and a look can judge; nothing is created.
fn side_files(config: &Config) -> Result<Plans, Box<dyn std::error::Error>> {
    crate::delivery::mail::sender(&config.delivery.from)?;
    Ok(Plans::load(config.plans_path().as_deref())?)
}

/// Where an operator's command pretends to listen: it issues no links and no tokens.
fn nowhere(config: &Config) -> SocketAddr {
    config.server.bind
}

/// Logs go to standard error, panics among them; standard output belongs to the command's answer.
/// Traces go where the configuration says.
fn log(format: LogFormat, tracer: Option<SdkTracer>) {
    // The database layer's finest spans hold bound values, which may be secrets. Spans that are exported
    // would repeat themselves in each line that is written within them.
    let filter = std::env::var("BP_AUTH_TEST_LOG");
    let filter = filter.as_deref().unwrap_or("info,sqlx=warn,sea_orm=warn");
    let filter = EnvFilter::new(format!("{filter},{}=off", telemetry::TARGET));
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = match format {
        LogFormat::Json => logs.json().flatten_event(true).boxed(),
        LogFormat::Text => logs.boxed(),
    };
    let logs = tracing_subscriber::registry().with(logs.with_filter(filter));
    // A layer that is there but empty would keep every span alive for nobody.
    match tracer {
        Some(tracer) => logs.with(telemetry::layer(tracer)).init(),
        None => logs.init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        // A message that was put together may hold a value; a constant cannot.
        let message = panic.payload().downcast_ref::<&str>().unwrap_or(&"");
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, message, "panic");
    }));
}
