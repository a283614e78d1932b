//! The processes of one deployment: commands beside them, their ends, and their returns.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::front::Front;
use super::postgres::Database;
use super::stored::Stored;

/// A debug build on a busy machine starts within a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// A server drains for at most 30 s.
const DRAIN: Duration = Duration::from_secs(35);
/// How often an address is tried that somebody else may have had meanwhile.
const RETURNS: u32 = 20;

/// They are killed when this is dropped.
pub struct Processes {
    pub(super) directory: PathBuf,
    /// The program and its configuration, before a subcommand.
    pub(super) command: Vec<OsString>,
    pub(super) clock: Option<PathBuf>,
    pub(super) children: Mutex<Vec<Instance>>,
    pub(super) stored: Stored,
    pub(super) front: Option<Front>,
}

pub(super) struct Instance {
    child: Child,
    address: SocketAddr,
    /// Open, so that the server can write to its standard output.
    _output: BufReader<tokio::process::ChildStdout>,
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
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Where keys, messages and an embedded database are.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Everything that was logged so far.
    pub fn logs(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.directory.join("log"))?)
    }

    /// The number of an instance's process, while it runs.
    pub async fn instance_pid(&self, number: usize) -> Option<u32> {
        self.children.lock().await.get(number)?.child.id()
    }

    /// Ends an instance as a power cut would, in the middle of whatever it does.
    pub async fn kill_instance(&self, number: usize) -> Result<()> {
        let mut children = self.children.lock().await;
        let instance = children.get_mut(number).context("no such instance")?;
        Ok(instance.child.kill().await?)
    }

    /// Ends an instance in order.
    pub async fn stop_instance(&self, number: usize) -> Result<()> {
        let mut children = self.children.lock().await;
        let instance = children.get_mut(number).context("no such instance")?;
        instance.ask_to_stop()?;
        instance.stopped().await
    }

    /// Starts an instance again that has ended, at its old address.
    pub async fn restart_instance(&self, number: usize) -> Result<()> {
        let mut children = self.children.lock().await;
        let killed = children.get_mut(number).context("no such instance")?;
        let mut refusal = None;
        for _ in 0..RETURNS {
            match self.launch(killed.address).await {
                Ok(instance) => {
                    *killed = instance;
                    return Ok(());
                }
                Err(error) => refusal = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Err(refusal.context("never tried")?)
    }

    /// The same directory and configuration with another database. Nothing runs on it yet.
    pub fn on(&self, database: Database) -> Self {
        let mut command = self.command.clone();
        let url = format!("database.url={}", database.url);
        command.extend(["--set".into(), url.into()]);
        Self {
            directory: self.directory.clone(),
            command,
            clock: self.clock.clone(),
            children: Mutex::default(),
            stored: Stored::Postgres(database),
            front: None,
        }
    }

    /// Ends all instances as an operator would, and tests what they leave behind: exit status 0, no
    /// panic, every invariant of the database.
    pub async fn end(&self) -> Result<()> {
        self.stop().await?;
        let logs = self.logs()?;
        if let Some(panic) = logs.lines().find(|line| line.contains("\"panic\"")) {
            bail!("a server panicked: {panic}");
        }
        self.bp_auth(&["check"]).await?;
        std::fs::remove_dir_all(&self.directory)?;
        Ok(())
    }

    /// Ends all instances in order.
    pub async fn stop(&self) -> Result<()> {
        let mut children = self.children.lock().await;
        for instance in children.iter() {
            instance.ask_to_stop()?;
        }
        for instance in children.iter_mut() {
            instance.stopped().await?;
        }
        children.clear();
        Ok(())
    }

    /// One more process, and the address it prints.
    pub async fn start_instance(&self) -> Result<SocketAddr> {
        let instance = self.launch(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = instance.address;
        self.children.lock().await.push(instance);
        Ok(address)
    }

    async fn launch(&self, address: SocketAddr) -> Result<Instance> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.join("log"))?;
        let mut child = bp_auth(&self.command, self.clock.as_deref())
            .args(["--bind", &address.to_string()])
            .arg("serve")
            .current_dir(&self.directory)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let output = child.stdout.take().context("no standard output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        timeout(PATIENCE, output.read_line(&mut line)).await??;
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            bail!("the server did not start: {}", self.logs()?.trim());
        };
        Ok(Instance {
            child,
            address: address.parse()?,
            _output: output,
        })
    }
}

impl Instance {
    fn ask_to_stop(&self) -> Result<()> {
        match self.child.id() {
            Some(pid) => Ok(kill_process(pid_of(pid)?, Signal::TERM)?),
            None => Ok(()),
        }
    }

    async fn stopped(&mut self) -> Result<()> {
        let status = timeout(DRAIN, self.child.wait())
            .await
            .context("a server did not stop within its drain")??;
        ensure!(status.success(), "a server ended with {status}");
        Ok(())
    }
}

/// The program without the settings of whoever runs the suite.
pub(super) fn bp_auth(command: &[OsString], clock: Option<&Path>) -> Command {
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

fn pid_of(pid: u32) -> Result<Pid> {
    Pid::from_raw(i32::try_from(pid)?).context("a process without a number")
}
