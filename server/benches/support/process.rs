//! What is measured runs in a process of its own, so that its processor time is told apart from the
//! load generator's.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep};

use super::Outcome;

/// `USER_HZ`, in which Linux reports processor time to programs, whatever the kernel ticks at.
const TICKS_PER_SECOND: f64 = 100.0;
/// A server that does less than one tick of work in this long has nothing left to do.
const LULL: Duration = Duration::from_millis(150);
const LONGEST_WORK_AFTER_ANSWERS: Duration = Duration::from_secs(10);

/// A process that ends with its owner.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    pid: u32,
}

impl Process {
    /// The server as an operator runs it, with its data in `data` and nothing configured but these
    /// settings, at the address it returns.
    pub async fn server(data: &Path, settings: &[&str]) -> Outcome<(Self, String)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bp-auth"));
        command.args(["serve", "--bind", "127.0.0.1:0", "--data-dir"]);
        command.arg(data);
        for setting in settings {
            command.args(["--set", setting]);
        }
        // Neither the caller's variables nor a configuration file lying about may change the server.
        command.env_clear().current_dir(data);
        Self::listening(command).await
    }

    /// A program that tells on standard output at which address it listens.
    pub async fn listening(command: Command) -> Outcome<(Self, String)> {
        let mut process = Self::spawn(command)?;
        let line = process.line().await?;
        let address = line.strip_prefix("listening on http://");
        let address = address.ok_or_else(|| format!("not an address: {line}"))?;
        let address = address.to_owned();
        Ok((process, address))
    }

    pub fn spawn(mut command: Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Logs are written as in production, and read by nobody.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or("the process ended at once")?;
        let stdin = child.stdin.take().ok_or("no standard input")?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::new(stdout).lines(),
            pid,
        })
    }

    /// Sends a line and waits for the line that answers it.
    pub async fn ask(&mut self, line: &str) -> Outcome<String> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        self.line().await
    }

    async fn line(&mut self) -> Outcome<String> {
        match self.stdout.next_line().await? {
            Some(line) => Ok(line),
            None => Err(format!("a process ended early: {}", self.child.wait().await?).into()),
        }
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Seconds of processor time the process has used so far, in user and kernel mode.
    pub fn cpu(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name, in brackets, may hold spaces; what follows it does not.
        let (_, fields) = stat.rsplit_once(") ").ok_or("an unknown form of stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |index: usize| -> Outcome<f64> {
            Ok(fields.get(index).ok_or("a short stat")?.parse::<f64>()?)
        };
        // Fields 14 and 15 of the whole line, of which two are cut off.
        Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
    }

    /// [`Self::cpu`] once the process is idle: what is done after the answers, such as writing
    /// mails, belongs to the requests that caused it.
    pub async fn cpu_when_idle(&self) -> Outcome<f64> {
        let deadline = Instant::now() + LONGEST_WORK_AFTER_ANSWERS;
        let mut before = self.cpu()?;
        loop {
            sleep(LULL).await;
            let now = self.cpu()?;
            if now == before || Instant::now() > deadline {
                return Ok(now);
            }
            before = now;
        }
    }

    /// Asks the process to end, and waits until it has.
    pub async fn stop(mut self) -> Outcome {
        let pid = self.pid.to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await?;
        if !sent.success() {
            return Err("a process could not be told to stop".into());
        }
        self.child.wait().await?;
        Ok(())
    }
}
