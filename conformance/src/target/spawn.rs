//! Our own server as processes of its own: this program, started again as `bp-auth`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::clock::TestClock;
use super::messages::Messages;
use super::operator::Operator;
use super::{Description, parse_url};
use crate::case::Profile;

/// As the first argument: be the server from here on.
pub const SERVER: &str = "bp-auth";

/// Noon of a day without any meaning.
const BEGINNING_MS: i64 = 1_767_268_800_000;
/// A debug build on a busy machine starts within a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// A server drains for at most 30 s.
const DRAIN: Duration = Duration::from_secs(35);
/// With more than one instance none can be named by its own address.
pub const PUBLIC_URL: &str = "http://localhost:8080";

/// Starts servers from a database that has been migrated once.
pub struct Spawner {
    program: PathBuf,
    root: TempDir,
    started: AtomicU64,
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

/// The processes of one deployment. They are killed when this is dropped.
pub struct Processes {
    directory: PathBuf,
    /// The program and its configuration, before a subcommand.
    command: Vec<OsString>,
    clock: Option<PathBuf>,
    children: Mutex<Vec<Instance>>,
}

struct Instance {
    child: Child,
    /// Open, so that the server can write to its standard output.
    _output: BufReader<tokio::process::ChildStdout>,
}

impl Spawner {
    pub async fn new() -> Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("bp-auth-conformance-")
            .tempdir()?;
        let spawner = Self {
            program: std::env::current_exe()?,
            root,
            started: AtomicU64::new(0),
        };
        let template = spawner.template();
        // Its keys are as old as the oldest time that a server will be told.
        let clock = TestClock::create(spawner.root.path().join("clock"), BEGINNING_MS)?;
        let command = spawner.command(&template, &[]);
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
        let mut settings = vec![("hash.profile", "cheap")];
        if wanted.instances > 1 {
            settings.push(("server.public_url", PUBLIC_URL));
        }
        settings.extend(wanted.profile.settings());
        settings.extend(wanted.settings);
        let command = self.command(&directory.join("data"), &settings);
        let clock = (wanted.clock && bp_auth_server::cli::HAS_TEST_CLOCK)
            .then(|| TestClock::create(directory.join("clock"), BEGINNING_MS))
            .transpose()?;
        let processes = Processes {
            directory: directory.clone(),
            clock: clock.as_ref().map(|clock| clock.file().to_owned()),
            children: Mutex::default(),
            command,
        };
        if let Some(sql) = wanted.sabotage {
            spoil(&processes.database(), sql)?;
        }
        let mut instances = Vec::new();
        for _ in 0..wanted.instances {
            instances.push(parse_url(&processes.start_instance().await?)?);
        }
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

impl Processes {
    /// Runs `bp-auth` with these arguments beside the server and gives what it printed.
    pub async fn bp_auth(&self, arguments: &[&str]) -> Result<String> {
        let mut command = bp_auth(&self.command, self.clock.as_deref());
        let output = command.args(arguments).output().await?;
        if !output.status.success() {
            bail!(
                "bp-auth {arguments:?} ended with {}: {}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The database, to be looked into or spoilt.
    pub fn database(&self) -> PathBuf {
        self.directory.join("data/bp-auth.db")
    }

    /// Everything that was logged so far.
    pub fn logs(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.directory.join("log"))?)
    }

    /// Ends all instances as an operator would, and tests what they leave behind: exit status 0, no
    /// panic, every invariant of the database.
    pub async fn end(&self) -> Result<()> {
        let mut children = self.children.lock().await;
        for instance in children.iter() {
            if let Some(pid) = instance.child.id() {
                kill_process(pid_of(pid)?, Signal::TERM)?;
            }
        }
        for instance in children.iter_mut() {
            let status = timeout(DRAIN, instance.child.wait())
                .await
                .context("a server did not stop within its drain")??;
            ensure!(status.success(), "a server ended with {status}");
        }
        children.clear();
        let logs = self.logs()?;
        if let Some(panic) = logs.lines().find(|line| line.contains("\"panic\"")) {
            bail!("a server panicked: {panic}");
        }
        self.bp_auth(&["check"]).await?;
        std::fs::remove_dir_all(&self.directory)?;
        Ok(())
    }

    /// One more process, and the address it prints.
    async fn start_instance(&self) -> Result<String> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.join("log"))?;
        let mut child = bp_auth(&self.command, self.clock.as_deref())
            .args(["--bind", &SocketAddr::from(([127, 0, 0, 1], 0)).to_string()])
            .arg("serve")
            .current_dir(&self.directory)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let output = child.stdout.take().context("no standard output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        timeout(PATIENCE, output.read_line(&mut line)).await??;
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            bail!("the server did not start: {}", self.logs()?.trim());
        };
        self.children.lock().await.push(Instance {
            child,
            _output: output,
        });
        Ok(address.to_owned())
    }
}

/// The program without the settings of whoever runs the suite.
fn bp_auth(command: &[OsString], clock: Option<&Path>) -> Command {
    let mut process = Command::new(&command[0]);
    process.args(&command[1..]).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("BP_AUTH_") || text == "REFRESH_ROTATION_ENABLED" {
            process.env_remove(name);
        }
    }
    if let Some(file) = clock {
        process.env(bp_auth_server::cli::TEST_CLOCK, file);
    }
    process.stdin(Stdio::null());
    process
}

/// Runs SQL on a database that nobody has open.
fn spoil(database: &Path, sql: &str) -> Result<()> {
    Ok(rusqlite::Connection::open(database)?.execute_batch(sql)?)
}

fn pid_of(pid: u32) -> Result<Pid> {
    Pid::from_raw(i32::try_from(pid)?).context("a process without a number")
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
