//! A PostgreSQL server: one that is named, or a private one that ends with the process.
//!
//! `BP_AUTH_TEST_POSTGRES` names a server on which databases may be created, as a URL without a
//! database. Otherwise the programs of PostgreSQL are looked for, on the path and where Debian keeps
//! them, or only in the directory that `BP_AUTH_TEST_POSTGRES_BIN` names. The server's own tests share this file, so it uses nothing but the standard library.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Names the server to use instead of a private one.
pub const NAMED: &str = "BP_AUTH_TEST_POSTGRES";
/// Names the directory of the programs for a private server.
pub const PROGRAMS: &str = "BP_AUTH_TEST_POSTGRES_BIN";

pub type Result<T, E = String> = std::result::Result<T, E>;

pub struct Server {
    /// Without a database.
    url: String,
    psql: PathBuf,
    /// Makes and drops databases.
    session: Mutex<Option<Session>>,
    own: Option<Own>,
}

/// A `psql` that stays, because to start one takes longer than to copy a database.
struct Session {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A server that this process has started.
struct Own {
    /// Where everything of it lies, its sockets too.
    directory: PathBuf,
    /// The number in the name of its socket.
    port: u16,
    /// Obeys orders, and ends the server when its standard input is closed, which the end of this
    /// process does, however it ends.
    keeper: Mutex<Keeper>,
}

struct Keeper {
    _child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What a private server can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Ends connections and stops, as an operator's restart does.
    Stop,
    Start,
    /// Falls silent: connections stay, and nothing is answered.
    Freeze,
    Thaw,
}

/// A database that is dropped with the value.
pub struct Database {
    pub url: String,
    pub name: String,
    server: &'static Server,
}

impl Server {
    /// `None` where none is named and the programs are missing.
    pub fn find() -> Result<Option<Self>> {
        match std::env::var(NAMED) {
            Ok(url) if !url.is_empty() => {
                let psql = program("psql").ok_or("there is no program psql")?;
                let server = Self {
                    url,
                    psql,
                    session: Mutex::default(),
                    own: None,
                };
                server.sql("SELECT 1")?;
                Ok(Some(server))
            }
            _ => Self::start(None, None),
        }
    }

    /// A new database, a copy of another or empty. Nobody may be connected to that other one.
    pub fn create(
        &'static self,
        name: &str,
        template: Option<&str>,
        serializable: bool,
    ) -> Result<Database> {
        let template = template.unwrap_or("template0");
        let encoding = match template {
            "template0" => "ENCODING 'UTF8'",
            _ => "",
        };
        // Files in memory are copied faster than pages through a log.
        self.administer(&format!(
            "CREATE DATABASE {name} TEMPLATE {template} {encoding} STRATEGY file_copy"
        ))?;
        if serializable {
            self.administer(&format!(
                "ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"
            ))?;
        }
        Ok(Database {
            url: self.url_of(name),
            name: name.to_owned(),
            server: self,
        })
    }

    /// Runs a statement beside all databases that has nothing to show.
    fn administer(&self, sql: &str) -> Result<()> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        // One that ended with its server is replaced.
        if let Some(answer) = session.as_mut().and_then(|session| session.run(sql)) {
            return answer;
        }
        let opened = session.insert(Session::open(&self.psql, &self.url_of("postgres"))?);
        opened
            .run(sql)
            .unwrap_or_else(|| Err(format!("{sql}: psql has ended")))
    }

    /// Runs SQL beside all databases.
    pub fn sql(&self, sql: &str) -> Result<String> {
        self.psql(&self.url_of("postgres"), sql, &[])
    }

    /// Runs SQL in a database. `:'p1'` and so on stand for the parameters. Gives what it printed: rows
    /// as lines of columns between `|`, and the tags of commands.
    pub fn psql(&self, url: &str, sql: &str, parameters: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.psql);
        command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
        for (number, value) in parameters.iter().enumerate() {
            command.args(["-v", &format!("p{}={value}", number + 1)]);
        }
        // Variables are only put in where the text is read, not where it is an argument.
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("psql: {error}"))?;
        let written = child.stdin.take().map(|mut input| {
            input
                .write_all(sql.as_bytes())
                .and_then(|()| input.write_all(b"\n"))
        });
        let output = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match (output.status.success(), written) {
            (true, Some(Ok(()))) => Ok(said),
            _ => Err(format!(
                "{sql}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }

    /// A program of the same installation, such as `pg_dump`.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        let beside = self.psql.with_file_name(name);
        match beside.is_file() {
            true => Ok(beside),
            false => program(name).ok_or_else(|| format!("there is no program {name}")),
        }
    }

    /// The socket of a private server.
    pub fn socket(&self) -> Option<PathBuf> {
        let own = self.own.as_ref()?;
        Some(own.directory.join(format!(".s.PGSQL.{}", own.port)))
    }

    /// Only a private server obeys.
    pub fn order(&self, order: Order) -> Result<()> {
        let own = self
            .own
            .as_ref()
            .ok_or_else(|| format!("{NAMED} is not ours to stop"))?;
        let mut keeper = own.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let word = match order {
            Order::Stop => "stop",
            Order::Start => "start",
            Order::Freeze => "freeze",
            Order::Thaw => "thaw",
        };
        let mut answer = String::new();
        writeln!(keeper.orders, "{word}")
            .and_then(|()| keeper.answers.read_line(&mut answer))
            .map_err(|error| format!("{word}: {error}"))?;
        match answer.trim_end() == word {
            true => Ok(()),
            false => Err(format!("{word}: the keeper says {answer:?}")),
        }
    }

    /// Waits until the server answers.
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever starts a server waits for it, on a thread of its own"
    )]
    pub fn answers(&self) -> Result<()> {
        let mut told = String::new();
        for _ in 0..300 {
            match self.sql("SELECT 1") {
                Ok(_) => return Ok(()),
                Err(error) => told = error,
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("PostgreSQL does not answer: {told}"))
    }

    /// The address of a database.
    pub fn url_of(&self, name: &str) -> String {
        let (address, parameters) = match self.url.split_once('?') {
            Some((address, parameters)) => (address, format!("?{parameters}")),
            None => (&*self.url, String::new()),
        };
        format!("{}/{name}{parameters}", address.trim_end_matches('/'))
    }

    /// A private server that also listens on this port of 127.0.0.1, where nobody needs a password
    /// until it is told otherwise.
    pub fn on_port(port: u16) -> Result<Option<Self>> {
        Self::start(Some(port), None)
    }

    /// A standby that follows this private server, on this port of 127.0.0.1.
    pub fn standby(&self, port: u16) -> Result<Self> {
        let followed = self.socket().ok_or("only a private server is followed")?;
        Self::start(Some(port), Some(&followed))?
            .ok_or_else(|| "there are no programs of PostgreSQL".to_owned())
    }

    fn start(port: Option<u16>, followed: Option<&Path>) -> Result<Option<Self>> {
        let programs = (program("initdb"), program("postgres"), program("psql"));
        let (Some(initdb), Some(postgres), Some(psql)) = programs else {
            return Ok(None);
        };
        let failed = |error: std::io::Error| format!("PostgreSQL cannot be started: {error}");
        let mut keeper = as_somebody()
            .args(["-c", KEEPER, "sh"])
            .args([initdb, postgres])
            .arg(port.map(|port| port.to_string()).unwrap_or_default())
            .args(followed)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(orders), Some(answers)) = (keeper.stdin.take(), keeper.stdout.take()) else {
            return Err("the keeper has no pipes".to_owned());
        };
        let mut answers = BufReader::new(answers);
        let mut directory = String::new();
        answers.read_line(&mut directory).map_err(failed)?;
        let directory = directory.trim_end();
        if directory.is_empty() {
            return Err("PostgreSQL is there and cannot be started".to_owned());
        }
        let server = Self {
            url: format!(
                "postgres://postgres@{}:{}",
                directory.replace('/', "%2F"),
                port.unwrap_or(SOCKET)
            ),
            psql,
            session: Mutex::default(),
            own: Some(Own {
                directory: directory.into(),
                port: port.unwrap_or(SOCKET),
                keeper: Mutex::new(Keeper {
                    _child: keeper,
                    orders,
                    answers,
                }),
            }),
        };
        server.answers()?;
        Ok(Some(server))
    }
}

impl Session {
    const END: &str = "bp_auth_end";

    fn open(psql: &Path, url: &str) -> Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" -X -q -A -t -d "$1" 2>&1"#])
            .arg(psql)
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("psql: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("psql has no pipes".to_owned());
        };
        Ok(Self {
            _child: child,
            input,
            output: BufReader::new(output),
        })
    }

    /// `None` when `psql` has ended.
    fn run(&mut self, sql: &str) -> Option<Result<()>> {
        let end = Self::END;
        writeln!(self.input, "{sql};\n\\echo {end} :ERROR").ok()?;
        let mut said = String::new();
        loop {
            let start = said.len();
            if self.output.read_line(&mut said).ok()? == 0 {
                return None;
            }
            if let Some(error) = said[start..].strip_prefix(end) {
                return Some(match error.trim() {
                    "false" => Ok(()),
                    _ => Err(format!("{sql}: {}", said[..start].trim())),
                });
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        // What is left behind on a private server ends with it.
        if let Err(error) = self
            .server
            .administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        {
            eprintln!("the database {name} was not dropped: {error}");
        }
    }
}

impl Database {
    pub fn server(&self) -> &'static Server {
        self.server
    }
}

/// The number in the name of a socket that is not on a port.
const SOCKET: u16 = 5432;

/// One shell keeps the server, as a user whom PostgreSQL accepts: it refuses to be root. Its socket lies
/// in a directory of its own that nobody else may enter, so no other server has its port and no
/// password is needed. A commit reaches the operating system before it is answered; that the machine
/// itself may lose power is nothing that is tested with it. Its files are in memory where there is room.
const KEEPER: &str = r#"
    trap '' INT TERM
    room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
    if [ "${room:-0}" -gt 4000000 ]; then TMPDIR=/dev/shm; export TMPDIR; fi
    dir=$(mktemp -d) || exit 1
    if [ -n "$4" ]; then
        "${1%initdb}pg_basebackup" -D "$dir/data" -R -X stream -c fast --no-sync \
            -U postgres -h "${4%/*}" -p "${4##*.}" >"$dir/log" 2>&1
    else
        "$1" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$dir/log" 2>&1
    fi || { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
    start() {
        "$1" -D "$dir/data" -k "$dir" -c listen_addresses="${2:+127.0.0.1}" -c port="${2:-5432}" \
            -c fsync=off -c full_page_writes=off -c max_connections=400 \
            -c max_wal_size=256MB -c autovacuum=off >>"$dir/log" 2>&1 </dev/null &
        server=$!
    }
    everybody() { echo $server; ps -o pid= --ppid $server; }
    start "$2" "$3"
    echo "$dir"
    while read -r order; do
        case $order in
            stop) kill -INT $server; wait $server ;;
            start) start "$2" "$3" ;;
            freeze) kill -STOP $(everybody) ;;
            thaw) kill -CONT $(everybody) ;;
        esac
        echo "$order"
    done
    kill -CONT $(everybody) 2>/dev/null
    kill -INT $server 2>/dev/null
    wait $server
    rm -rf "$dir"
"#;

fn as_somebody() -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        return command;
    }
    Command::new("sh")
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// From the path, or from where Debian keeps the programs that it does not put there.
pub fn program(name: &str) -> Option<PathBuf> {
    if let Some(only) = std::env::var_os(PROGRAMS).filter(|only| !only.is_empty()) {
        return Some(Path::new(&only).join(name)).filter(|file| file.is_file());
    }
    let path = std::env::var_os("PATH")?;
    let mut places: Vec<PathBuf> = Vec::new();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        places.extend(versions.filter_map(|version| Some(version.ok()?.path().join("bin"))));
        places.sort();
        // The newest first, and before the path, on which a wrapper may choose another user by itself.
        places.reverse();
    }
    places.extend(std::env::split_paths(&path));
    places
        .iter()
        .map(|place: &PathBuf| place.join(name))
        .find(|file: &PathBuf| Path::is_file(file))
}
