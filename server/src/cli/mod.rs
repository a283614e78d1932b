//! The command line: `args` says what can be asked for, the other files do it.

pub mod args;
mod contract;
mod db;
mod import;
mod keys;
mod operator;
mod outbox;
mod plans;
mod reload_config;
pub mod serve;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::app::clock::{Clock, SystemClock, Timestamp};
use crate::app::plans::Plans;
use crate::app::random::SystemRandom;
use crate::config::{Config, Log, LogFormat, LogLevel, Sources};
use crate::datastore::{Datastore, sqlite_file};
use crate::http::server::Parts;
use crate::keyring::Keyring;
use crate::telemetry;
use args::{Access, Cli, Command, ServeArgs};
use clap::Parser;
use opentelemetry_sdk::trace::SdkTracer;
use reload_config::Reload;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

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
    // From here on the signal ends no server, however early it comes: a handler stays for good.
    if let Command::Serve(_) = command {
        drop(signal(SignalKind::hangup())?);
    }
    let sources = Sources::from_cli(&cli.global);
    let config = match command.delivers() {
        true => Config::load(&sources)?,
        false => Config::load_without_delivery(&sources)?,
    };
    if let Command::CheckConfig = command {
        print!("{}", config.explain());
        side_files(&config)?;
        if !config.data_dir.is_dir() {
            let path = config.data_dir.display();
            eprintln!(
                "bp-auth: data_dir: there is no directory {path} yet; the first start makes it"
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Command::Serve(args) = command else {
        log(&config.log, None);
        return match command {
            Command::Migrate(args) => operator::migrate(&config, args.check).await,
            command => operator::run(config, command).await,
        };
    };
    let (tracer, exporting) = match &config.telemetry.otlp_endpoint {
        Some(endpoint) => Some(telemetry::start(&config.telemetry, endpoint)?).unzip(),
        None => (None, None),
    };
    let reload = Reload::new(sources, config.clone(), log(&config.log, tracer));
    serve::serve(config, args.migrate, exporting, reload).await
}

/// What a server or an operator's command is made of. Only a server applies migrations by itself. What is
/// refused leaves nothing behind.
async fn parts(config: Config, access: Access) -> Result<Parts, Box<dyn std::error::Error>> {
    let plans = side_files(&config)?;
    let clock = clock()?;
    let url = config.database_url();
    let (connections, mode) = (config.database.max_connections, config.database.pool_mode);
    let store = match (missing_database(&config)?, access) {
        (Some(_), Access::Creates) => None,
        (Some(file), Access::Changes | Access::Repairs | Access::Reads) => {
            return Err(no_database(&config, &file).into());
        }
        (None, Access::Reads) => {
            Some(Datastore::connect_to_read(url.expose(), connections, mode).await?)
        }
        (None, Access::Creates | Access::Changes | Access::Repairs) => {
            Some(Datastore::connect_with(url.expose(), connections, mode).await?)
        }
    };
    let keyring = match keyring(&config, store.as_ref(), access, clock.now()).await {
        Ok(keyring) => keyring,
        Err(error) => {
            if let Some(store) = store {
                store.close().await?;
            }
            return Err(error);
        }
    };
    let store = match store {
        Some(store) => store,
        None => Datastore::connect_with(url.expose(), connections, mode).await?,
    };
    Ok(Parts {
        store,
        keyring: Arc::new(keyring),
        plans,
        clock,
        random: Arc::new(SystemRandom),
        config,
    })
}

/// The file of an SQLite database that is not there yet.
fn missing_database(config: &Config) -> Result<Option<PathBuf>, Box<dyn std::error::Error>> {
    let file = sqlite_file(config.database_url().expose())?;
    Ok(file.filter(|file| !file.exists()))
}

/// The keys of the data directory. New ones are made only for a database that has nothing sealed: beside
/// any other they would open nothing, and look like the file that is to be restored.
async fn keyring(
    config: &Config,
    store: Option<&Datastore>,
    access: Access,
    now: Timestamp,
) -> Result<Keyring, Box<dyn std::error::Error>> {
    let is_sealed = match Keyring::load(&config.data_dir) {
        Err(error) if error.is_missing() => match store {
            Some(store) => store.has_sealed().await?,
            None => false,
        },
        loaded => return Ok(loaded?),
    };
    match (access, is_sealed) {
        (Access::Repairs, _) if !config.data_dir.is_dir() => Err(format!(
            "there is no directory {} (data_dir, {}); make it if it is the right one",
            config.data_dir.display(),
            config.origin("data_dir")
        )
        .into()),
        (Access::Repairs, _) | (Access::Reads, false) => Ok(Keyring::default()),
        (Access::Creates | Access::Changes, false) => {
            Ok(Keyring::load_or_create(&config.data_dir, now.ms())?)
        }
        // Another process may have made both since the file was looked for.
        (Access::Creates | Access::Changes | Access::Reads, true) => {
            match Keyring::load(&config.data_dir) {
                Err(error) if error.is_missing() => Err(lost_keys(config, store).into()),
                loaded => Ok(loaded?),
            }
        }
    }
}

fn no_database(config: &Config, file: &Path) -> String {
    format!(
        "there is no database at {}, and nothing was made; is data_dir ({}, {}) or database.url wrong? \
         `bp-auth migrate` makes a new database",
        file.display(),
        config.data_dir.display(),
        config.origin("data_dir")
    )
}

fn lost_keys(config: &Config, store: Option<&Datastore>) -> String {
    format!(
        "there is no keys.json in {} (data_dir, {}), and the database {} holds what only it can open; \
         nothing was made. Restore it from its backup, or copy it from another instance. If it is lost \
         for good: `bp-auth keys root replace-lost`",
        config.data_dir.display(),
        config.origin("data_dir"),
        store.map_or("", Datastore::location)
    )
}

/// A database that a copy is filling is nobody's yet, and whatever was written to it could be lost; one that
/// was moved elsewhere is nobody's any longer.
async fn refuse_unusable(
    store: &Datastore,
    access: Access,
) -> Result<(), Box<dyn std::error::Error>> {
    if store.copy_is_unfinished().await? {
        return Err(
            "`bp-auth db copy` has not finished filling this database; run it again".into(),
        );
    }
    let Some(moved) = store.moved().await? else {
        return Ok(());
    };
    let notice = format!(
        "the database {} was moved to {} on {}",
        store.location(),
        moved.to,
        Timestamp(moved.at).to_utc().to_rfc3339()
    );
    if access == Access::Reads {
        eprintln!("bp-auth: {notice}; this is what it was then");
        return Ok(());
    }
    Err(format!(
        "{notice}; use that one (database.url), or take this one back with `bp-auth db reopen`"
    )
    .into())
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
fn log(settings: &Log, tracer: Option<SdkTracer>) -> LogFilter {
    let (filter, handle) = reload::Layer::new(filter(settings.level));
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = match settings.format {
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
    LogFilter(handle)
}

/// Which lines of the log are written, while a server runs.
struct LogFilter(reload::Handle<EnvFilter, Registry>);

impl LogFilter {
    fn set(&self, level: LogLevel) {
        if let Err(error) = self.0.reload(filter(level)) {
            tracing::error!(%error, "log.level stays as it was");
        }
    }
}

/// The database layer's finest spans hold bound values, which may be secrets, and other libraries are no
/// more careful. Spans that are exported would repeat themselves in each line that is written within them.
fn filter(level: LogLevel) -> EnvFilter {
    let filter = std::env::var("BP_AUTH_TEST_LOG");
    let filter = filter.as_deref().unwrap_or(match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info,sqlx=warn,sea_orm=warn,sqlx_core::pool=off",
        LogLevel::Debug => {
            "info,bp_auth_server=debug,bp_auth=debug,sqlx=warn,sea_orm=warn,sqlx_core::pool=off"
        }
    });
    EnvFilter::new(format!("{filter},{}=off", telemetry::TARGET))
}
