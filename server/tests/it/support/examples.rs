//! The client's examples as their readers run them: programs of this checkout, in processes.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// Nothing that is waited for takes longer, also on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An example that writes lines.
pub struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
}

/// What an example left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    /// The lines that nobody had read.
    pub rest: Vec<String>,
    pub stderr: String,
}

/// Where the program is. Builds all of them when the first is wanted, which after
/// `cargo test --workspace` finds nothing to do.
pub fn program(name: &str) -> PathBuf {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLES.get_or_init(build).join(name)
}

fn build() -> PathBuf {
    // This program is `TARGET/PROFILE/deps/it-...`.
    let this = std::env::current_exe().expect("this program");
    let profile = this.ancestors().nth(2).expect("the profile's directory");
    let target = profile.parent().expect("the target directory");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = std::process::Command::new(cargo);
    // The whole workspace, so that features are those of the tests' own build.
    cargo
        .args(["build", "--workspace", "--examples", "--target-dir"])
        .arg(target)
        .current_dir(workspace.expect("the workspace"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    // What cargo tells a test of its package is news to build scripts, which would run again.
    // So is the variable by which `.ci/timed` has tests timed.
    cargo.env_remove("RUSTC_BOOTSTRAP");
    cargo.env_remove("OUT_DIR");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
    let output = cargo.output().expect("cargo");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no examples: {words}");
    println!("{words}");
    profile.join("examples")
}

impl Ended {
    /// Of a worker, in the lines that nobody had read.
    #[track_caller]
    pub fn assert_no_job_failed(&self) {
        let failed = self.rest.iter().any(|line| line.contains("failed"));
        assert!(!failed, "{self:?}");
    }
}

impl Example {
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program(name))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let stdout = child.stdout.take().expect("its output");
        Self {
            lines: BufReader::new(stdout).lines(),
            stderr: child.stderr.take().expect("its errors"),
            child,
        }
    }

    pub async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        match line.expect("a line in time").expect("its output") {
            Some(line) => line,
            None => panic!("no more lines; it says: {}", self.errors().await),
        }
    }

    /// The next line that has these words; those before it are passed over.
    pub async fn line_with(&mut self, words: &str) -> String {
        loop {
            let line = self.line().await;
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Sends SIGTERM.
    pub fn ask_to_stop(&self) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(Pid::from_raw).expect("a process that runs");
        kill_process(pid, Signal::TERM).expect("a signal");
    }

    /// Waits until it ends.
    pub async fn ended(mut self) -> Ended {
        let mut rest = Vec::new();
        let all = async {
            while let Some(line) = self.lines.next_line().await.expect("its output") {
                rest.push(line);
            }
            self.child.wait().await.expect("an end")
        };
        let status = timeout(PATIENCE, all).await.expect("an end in time");
        Ended {
            code: status.code(),
            rest,
            stderr: self.errors().await,
        }
    }

    async fn errors(&mut self) -> String {
        let mut text = String::new();
        let read = self.stderr.read_to_string(&mut text);
        let read = timeout(PATIENCE, read).await.expect("an end in time");
        read.expect("its errors");
        text
    }
}
