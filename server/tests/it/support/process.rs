//! The binary as an operator runs it: processes, their output, and a server that can be stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

use super::db::Db;
use super::http::Http;
use super::postgres::{self, Database, Kind};

/// A directory in which `bp-auth` runs, with nothing around it but what a test puts there.
pub struct Bench {
    pub dir: TempDir,
    environment: Vec<(String, String)>,
    open_files: Option<u32>,
    database: Option<Database>,
}

/// A running `bp-auth serve`.
pub struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: PathBuf,
    pub first_line: String,
}

/// What a server left behind when it ended.
pub struct Ended {
    pub status: ExitStatus,
    /// What came after the first line.
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    pub fn new() -> Self {
        Self::on(postgres::kind())
    }

    /// A directory whose processes use a migrated database of this kind.
    pub fn on(kind: Kind) -> Self {
        let database = match kind {
            Kind::Sqlite => None,
            kind => postgres::database(kind),
        };
        let bench = Self::with(database);
        if kind == Kind::Sqlite {
            postgres::sqlite_file(&bench.path("data/bp-auth.db"));
        }
        bench
    }

    /// A directory in which no process has run yet, and whose database is empty.
    pub fn empty(kind: Kind) -> Self {
        Self::with(match kind {
            Kind::Sqlite => None,
            kind => postgres::empty_database(kind),
        })
    }

    fn with(database: Option<Database>) -> Self {
        let mut bench = Self {
            dir: TempDir::new().expect("a temporary directory"),
            environment: vec![
                ("BP_AUTH_HASH__PROFILE".to_owned(), "cheap".to_owned()),
                // Not believed.
                ("USER".to_owned(), "somebody else".to_owned()),
            ],
            open_files: None,
            database: None,
        };
        if let Some(database) = &database {
            bench.set("BP_AUTH_DATABASE__URL", &database.url);
        }
        bench.database = database;
        bench
    }

    /// Whether it is another than the file in the directory.
    pub fn has_database(&self) -> bool {
        self.database.is_some()
    }

    /// The name of the database, unless it is the file in the directory.
    pub fn database_name(&self) -> Option<&str> {
        self.database
            .as_ref()
            .map(|database| database.name.as_str())
    }

    /// Sets a variable of all processes that follow.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Lets servers that follow open so many files and no more.
    pub fn limit_open_files(&mut self, number: u32) {
        self.open_files = Some(number);
    }

    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    pub async fn db(&self) -> Db {
        match &self.database {
            Some(database) => Db::open_url(database.url.clone()).await,
            None => Db::open(&self.path("data/bp-auth.db")).await,
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_bp-auth");
        let mut command = match self.open_files {
            None => Command::new(program),
            Some(number) => {
                let mut shell = Command::new("/bin/sh");
                let script = format!("ulimit -n {number} && exec \"$0\" \"$@\"");
                shell.args(["-c", &script, program]);
                shell
            }
        };
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "")
    }

    /// Runs with `input` on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut stdin = child.stdin.take().expect("its input");
        // A command that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("its output")
    }

    /// Runs what must succeed, and returns its standard output.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        text(&output.stdout)
    }

    /// Runs a command that changes something, and returns what it says before it names the database.
    pub fn changes(&self, arguments: &[&str]) -> String {
        let said = self.done(arguments);
        let Some(start) = said.rfind("database: ") else {
            panic!("{arguments:?} names no database: {said}");
        };
        assert_eq!(said[start..].matches('\n').count(), 1, "{said}");
        said[..start].to_owned()
    }

    /// Runs what must fail with status 1, and returns both of its outputs.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        text(&output.stdout) + &text(&output.stderr)
    }

    /// A server on a free port, once it answers.
    pub fn serve(&self) -> Serving {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, arguments: &[&str]) -> Serving {
        let stderr = self.path("stderr.log");
        let log = std::fs::File::create(&stderr).expect("a log");
        let mut child = self
            .command(&[&["serve", "--bind", "127.0.0.1:0"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("a server");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).expect("a line");
        Serving {
            child,
            stdout,
            stderr,
            first_line,
        }
    }
}

impl Serving {
    pub fn url(&self) -> String {
        let line = self.first_line.trim_end();
        let url = line.strip_prefix("listening on ");
        url.unwrap_or_else(|| panic!("{line:?}, {}", read(&self.stderr)))
            .to_owned()
    }

    pub fn http(&self) -> Http {
        Http::new(self.url())
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        read(&self.stderr)
    }

    /// Where its admin listener answers, which the log says.
    pub fn admin(&self) -> Http {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("admin listener"));
        let line = line.unwrap_or_else(|| panic!("no admin listener in {log}"));
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let address = line["address"].as_str().expect("an address");
        Http::new(format!("http://{address}"))
    }

    /// Asks the server to stop and waits until it has.
    pub fn terminate(self) -> Ended {
        self.ask_to_stop();
        self.ended()
    }

    /// What the process has computed, in the clock ticks of Linux.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name is in brackets; the times of user and system are the twelfth and thirteenth after it.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        [11, 12]
            .iter()
            .map(|at| fields[*at].parse::<u64>().unwrap())
            .sum()
    }

    pub fn ask_to_stop(&self) {
        self.signal("-TERM");
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("a signal").success());
    }

    /// Waits for so many lines of the log with this message, and returns all of its lines by then.
    pub async fn logged(&self, message: &str, times: usize) -> Vec<serde_json::Value> {
        for _ in 0..1000 {
            let log = self.log();
            // The last one may not be written whole.
            let lines = log
                .lines()
                .map_while(|line| serde_json::from_str(line).ok());
            let lines: Vec<serde_json::Value> = lines.collect();
            let found = lines.iter().filter(|line| line["message"] == message);
            if found.count() >= times {
                return lines;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("not {times} times {message:?} in {}", self.log());
    }

    /// Waits until the server has ended.
    pub fn ended(mut self) -> Ended {
        let status = self.child.wait().expect("an end");
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).expect("its output");
        Ended {
            status,
            stdout,
            stderr: read(&self.stderr),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a log")
}

/// Whom the audit log names for what this process has a command do.
pub fn operator() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    format!("operator:{}", text(&output.stdout).trim())
}
