//! Our own server as processes of its own: this program, started again as `bp-auth`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::clock::TestClock;
use super::front::Recipe;
use super::messages::Messages;
use super::operator::Operator;
use super::postgres::Database;
use super::processes::{Processes, bp_auth};
use super::stored::{Kind, Stored, postgres};
use super::{Description, parse_url};
use crate::case::Profile;

/// As the first argument: be the server from here on.
pub const SERVER: &str = "bp-auth";

/// Noon of a day without any meaning.
const BEGINNING_MS: i64 = 1_767_268_800_000;
/// With more than one instance none can be named by its own address.
pub const PUBLIC_URL: &str = "http://localhost:8080";

const TRUSTED_PROXIES: &str = "server.trusted_proxies";

/// Starts servers from a database that has been migrated once.
pub struct Spawner {
    program: PathBuf,
    root: TempDir,
    started: AtomicU64,
    kind: Kind,
    /// The migrated database that all others are copies of; with SQLite, a file of the template.
    migrated: Option<Database>,
    /// What is put before the instances.
    pub front: Option<Recipe>,
}

/// What a server is started with.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'s> {
    pub profile: Profile,
    pub settings: &'s [(&'s str, &'s str)],
    pub instances: usize,
    /// Whether its time is ours to move.
    pub clock: bool,
    /// SQL that spoils its database before it starts.
    pub sabotage: Option<&'s str>,
}

impl Spawner {
    pub async fn new(kind: Kind) -> Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("bp-auth-conformance-")
            .tempdir()?;
        let spawner = Self {
            program: std::env::current_exe()?,
            root,
            started: AtomicU64::new(0),
            kind,
            front: None,
            migrated: match kind {
                Kind::Sqlite => None,
                Kind::Postgres | Kind::PostgresSerializable => {
                    Some(create("template", None, kind)?)
                }
            },
        };
        let template = spawner.template();
        // Its keys are as old as the oldest time that a server will be told.
        let clock = TestClock::create(spawner.root.path().join("clock"), BEGINNING_MS)?;
        let url = spawner.migrated.as_ref().map(|database| &*database.url);
        let settings: Vec<_> = url.map(|url| ("database.url", url)).into_iter().collect();
        let command = spawner.command(&template, &settings);
        let heeded = bp_auth_server::cli::HAS_TEST_CLOCK.then(|| clock.file());
        let output = bp_auth(&command, heeded).arg("migrate").output().await?;
        ensure!(
            output.status.success(),
            "cannot migrate: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(spawner)
    }

    /// Starts a deployment on a fresh database and waits until every instance answers.
    pub async fn start(&self, wanted: Wanted<'_>) -> Result<Description> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let directory = self.root.path().join(format!("{number}"));
        copy(&self.template(), &directory.join("data"))?;
        let stored = match &self.migrated {
            None => Stored::Sqlite(directory.join("data/bp-auth.db")),
            Some(migrated) => Stored::Postgres(create(
                &number.to_string(),
                Some(&migrated.name),
                self.kind,
            )?),
        };
        if let Some(sql) = wanted.sabotage {
            stored.batch(sql)?;
        }
        let mut settings = vec![("hash.profile", "cheap")];
        settings.extend(stored.url().map(|url| ("database.url", url)));
        // A case about proxies brings its own.
        let front = self.front.as_ref().filter(|_| {
            let mut settings = wanted.settings.iter();
            !settings.any(|(name, _)| *name == TRUSTED_PROXIES)
        });
        let prefix = front.map_or("", |front| front.prefix.as_str());
        let public_url = format!("{PUBLIC_URL}{prefix}");
        if wanted.instances > 1 {
            settings.push(("server.public_url", &public_url));
        }
        if front.is_some() {
            settings.push((TRUSTED_PROXIES, "127.0.0.1"));
        }
        settings.extend(wanted.profile.settings());
        settings.extend(wanted.settings);
        let command = self.command(&directory.join("data"), &settings);
        let clock = (wanted.clock && bp_auth_server::cli::HAS_TEST_CLOCK)
            .then(|| TestClock::create(directory.join("clock"), BEGINNING_MS))
            .transpose()?;
        let mut processes = Processes {
            directory: directory.clone(),
            clock: clock.as_ref().map(|clock| clock.file().to_owned()),
            children: Mutex::default(),
            command,
            stored,
            front: None,
        };
        let mut addresses = Vec::new();
        for _ in 0..wanted.instances {
            addresses.push(processes.start_instance().await?);
        }
        if let Some(recipe) = front {
            let front = recipe.start(&directory, &addresses).await?;
            // Whichever instance is asked for, the front chooses.
            addresses.fill(front.address);
            processes.front = Some(front);
        }
        let instances = addresses
            .iter()
            .map(|address| parse_url(&format!("http://{address}{prefix}")))
            .collect::<Result<_>>()?;
        let mut user = processes.command.clone();
        user.push("user".into());
        Ok(Description {
            profile: wanted.profile,
            instances,
            messages: Some(Messages::outbox(directory.join("data/outbox"))),
            operator: Some(Operator::new(user)),
            clock,
            spawned: Some(processes),
        })
    }

    fn template(&self) -> PathBuf {
        self.root.path().join("template")
    }

    fn command(&self, data: &Path, settings: &[(&str, &str)]) -> Vec<OsString> {
        let mut command = vec![
            self.program.clone().into(),
            SERVER.into(),
            "--data-dir".into(),
            data.into(),
        ];
        for (key, value) in settings {
            command.extend(["--set".into(), format!("{key}={value}").into()]);
        }
        command
    }
}

/// A database of this run.
fn create(name: &str, template: Option<&str>, kind: Kind) -> Result<Database> {
    let name = format!("bp_auth_conformance_{}_{name}", std::process::id());
    let serializable = kind == Kind::PostgresSerializable;
    let created = postgres()?.create(&name, template, serializable);
    created.map_err(anyhow::Error::msg)
}

/// Copies a data directory with its permissions.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
