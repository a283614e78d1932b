//! A server in a process of its own, and the program that judges it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_bp-auth-conformance");

/// A server with its default configuration but for the cost of a hash. Killed when it is dropped.
pub struct Server {
    pub url: String,
    pub data: TempDir,
    process: Child,
}

impl Server {
    pub fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut process = server_command(&data)
            .args(["serve", "--bind", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = process.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Self { url, data, process }
    }

    pub fn outbox(&self) -> PathBuf {
        self.data.path().join("outbox")
    }

    /// The command line that `--operator` takes.
    pub fn operator(&self) -> String {
        let data = self.data.path().display();
        format!("{PROGRAM} bp-auth --data-dir {data} --set hash.profile=cheap user")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn server_command(data: &TempDir) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["bp-auth", "--set", "hash.profile=cheap", "--data-dir"])
        .arg(data.path())
        .current_dir(data.path());
    command
}

/// Runs the suite to its end.
pub fn suite(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

pub fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}
