//! A PostgreSQL cluster that Patroni keeps: three servers, etcd, and haproxy before them.
//!
//! `BP_AUTH_TEST_PATRONI` names Patroni's program where it is not on the path; etcd and haproxy are the
//! distribution's. Everything ends when the value is dropped.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::postgres::program;

/// Names Patroni's program.
pub const PROGRAM: &str = "BP_AUTH_TEST_PATRONI";
const SERVERS: usize = 3;
/// Longer than a leader's lease and the return of a server together.
const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(200);
const DATABASE: &str = "auth";

/// Which servers a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// A commit waits for another server, and there is no writing without one.
    StrictlySynchronous,
    Asynchronous,
}

pub struct Cluster {
    directory: TempDir,
    replication: Replication,
    account: Option<(u32, u32)>,
    servers: Vec<Server>,
    /// etcd and haproxy.
    _others: Vec<Child>,
    proxy: u16,
    http: reqwest::Client,
}

struct Server {
    port: u16,
    rest: u16,
    keeper: Child,
}

#[derive(Debug, Deserialize)]
struct Members {
    members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
struct Member {
    name: String,
    role: String,
    state: String,
}

impl Cluster {
    pub async fn start(replication: Replication) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("bp-auth-patroni-")
            .tempdir()?;
        // PostgreSQL refuses to be root, and so all of them are somebody else.
        let account = match geteuid().is_root() {
            true => Some((id("-u").await?, id("-g").await?)),
            false => None,
        };
        give(directory.path(), account)?;
        let (store, peers, proxy) = (free_port()?, free_port()?, free_port()?);
        let here = directory.path().to_owned();
        let mut cluster = Self {
            directory,
            account,
            servers: Vec::new(),
            _others: Vec::new(),
            replication,
            proxy,
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(2))
                .build()?,
        };
        let (client, peer) = (
            format!("http://127.0.0.1:{store}"),
            format!("http://127.0.0.1:{peers}"),
        );
        let etcd = [
            ("--name", "etcd"),
            ("--data-dir", "etcd"),
            ("--listen-client-urls", &client),
            ("--advertise-client-urls", &client),
            ("--listen-peer-urls", &peer),
            ("--initial-advertise-peer-urls", &peer),
            ("--initial-cluster", &format!("etcd={peer}")),
        ];
        let etcd = etcd.iter().flat_map(|(name, value)| [*name, *value]);
        let etcd: Vec<&str> = etcd.collect();
        let etcd = cluster.run("etcd".as_ref(), &etcd, "etcd")?;
        cluster._others.push(etcd);
        let patroni = std::env::var_os(PROGRAM)
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| "patroni".into());
        for number in 0..SERVERS {
            let (port, rest) = (free_port()?, free_port()?);
            let file = here.join(format!("node{number}.yml"));
            let text = cluster.settings(number, port, rest, store)?;
            std::fs::write(&file, text)?;
            give(&file, account)?;
            let file = file.to_string_lossy().into_owned();
            let name = format!("node{number}");
            let keeper = cluster.run(patroni.as_ref(), &[&file], &name)?;
            cluster.servers.push(Server { port, rest, keeper });
        }
        let file = here.join("haproxy.cfg");
        std::fs::write(&file, cluster.proxy_settings())?;
        give(&file, account)?;
        let file = file.to_string_lossy().into_owned();
        let proxy = cluster.run("haproxy".as_ref(), &["-db", "-f", &file], "haproxy")?;
        cluster._others.push(proxy);
        cluster.settled(None).await?;
        let leader = cluster.leader().await?;
        let admin = format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            cluster.port(&leader)?
        );
        let create = format!("CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'");
        cluster.psql(&admin, &create).await?;
        Ok(cluster)
    }

    /// One address, behind which haproxy finds the server that takes writes.
    pub fn by_proxy(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{DATABASE}", self.proxy)
    }

    /// The addresses of all servers.
    pub fn by_hosts(&self) -> String {
        let hosts: Vec<String> = self
            .servers
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port))
            .collect();
        format!("postgres://postgres@{}/{DATABASE}", hosts.join(","))
    }

    /// The name of the server that takes writes, as the cluster sees it.
    pub async fn leader(&self) -> Result<String> {
        let members = self.members().await?;
        let leader = members.into_iter().find(|member| member.role == "leader");
        Ok(leader.context("there is no leader")?.name)
    }

    /// Ends a server as a crash of all its processes does. Patroni starts it again.
    pub async fn kill(&self, name: &str) -> Result<()> {
        for pid in self.processes(name).await? {
            // One may have ended with the first.
            let _ = kill_process(pid, Signal::KILL);
        }
        Ok(())
    }

    /// Stops every process of a server and its keeper, or lets them go on.
    pub async fn signal(&self, name: &str, signal: Signal) -> Result<()> {
        let keeper = self.server(name)?.keeper.id().context("no keeper")?;
        kill_process(pid(keeper)?, signal)?;
        for pid in self.processes(name).await? {
            let _ = kill_process(pid, signal);
        }
        Ok(())
    }

    /// Stops a leader from sending to the others what it writes.
    pub async fn stop_sending(&self, leader: &str) -> Result<()> {
        for (child, title) in self.children(leader).await? {
            if title.contains("walsender") {
                let _ = kill_process(child, Signal::STOP);
            }
        }
        Ok(())
    }

    /// Has another server take over in order.
    pub async fn switch_over(&self) -> Result<()> {
        let leader = self.leader().await?;
        let rest = self.server(&leader)?.rest;
        let answer = self
            .http
            .post(format!("http://127.0.0.1:{rest}/switchover"))
            .timeout(PATIENCE)
            .json(&json!({ "leader": leader }))
            .send()
            .await?;
        let status = answer.status();
        let said = answer.text().await?;
        ensure!(status.is_success(), "no switchover: {status} {said}");
        Ok(())
    }

    /// Waits until all servers run, one of them as the leader, and another one than it was.
    pub async fn settled(&self, but: Option<&str>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let members = self.members().await.unwrap_or_default();
            let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
            for member in &members {
                let good = matches!(&*member.state, "running" | "streaming");
                let old = member.role == "leader" && but == Some(&*member.name);
                if good && !old {
                    *roles.entry(&member.role).or_default() += 1;
                }
            }
            // Without a synchronous standby Patroni lets nobody take over.
            let may_fail_over =
                self.replication == Replication::Asynchronous || roles.contains_key("sync_standby");
            let whole = roles.values().sum::<usize>() == SERVERS;
            if whole && roles.get("leader") == Some(&1) && may_fail_over {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the cluster does not settle: {members:?}; {}", self.logs());
            }
            sleep(GLANCE).await;
        }
    }

    async fn members(&self) -> Result<Vec<Member>> {
        let mut refusal = None;
        for server in &self.servers {
            let url = format!("http://127.0.0.1:{}/cluster", server.rest);
            let asked = async { self.http.get(url).send().await?.json::<Members>().await };
            match asked.await {
                Ok(found) => return Ok(found.members),
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.context("there is no server")?.into())
    }

    fn server(&self, name: &str) -> Result<&Server> {
        let number = name
            .strip_prefix("node")
            .and_then(|it| it.parse::<usize>().ok());
        let server = number.and_then(|number| self.servers.get(number));
        server.with_context(|| format!("there is no server {name}"))
    }

    fn port(&self, name: &str) -> Result<u16> {
        Ok(self.server(name)?.port)
    }

    /// The server's first process and all that it has started.
    async fn processes(&self, name: &str) -> Result<Vec<Pid>> {
        let first = self.first(name)?;
        let children = self.children(name).await?;
        let children = children.into_iter().map(|(pid, _)| pid);
        Ok([first].into_iter().chain(children).collect())
    }

    fn first(&self, name: &str) -> Result<Pid> {
        let file = self.directory.path().join(name).join("postmaster.pid");
        let text = std::fs::read_to_string(file)?;
        pid(text.lines().next().unwrap_or_default().trim().parse()?)
    }

    async fn children(&self, name: &str) -> Result<Vec<(Pid, String)>> {
        let first = self.first(name)?.as_raw_nonzero().to_string();
        let output = Command::new("ps")
            .args(["-o", "pid=,args=", "--ppid", &first])
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let child = |line: &str| {
            let (number, title) = line.trim().split_once(' ')?;
            Some((pid(number.parse().ok()?).ok()?, title.to_owned()))
        };
        Ok(text.lines().filter_map(child).collect())
    }

    fn run(&self, program: &Path, arguments: &[&str], name: &str) -> Result<Child> {
        let log = std::fs::File::create(self.log(name))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("HOME", self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        let what = || format!("{} cannot be started", program.display());
        command.spawn().with_context(what)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.log"))
    }

    /// The end of each log, for whoever looks into a failure.
    fn logs(&self) -> String {
        let names = (0..SERVERS).map(|number| format!("node{number}"));
        names
            .map(|name| {
                let text = std::fs::read_to_string(self.log(&name)).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let end = lines.len().saturating_sub(6);
                format!("\n{name}: {}", lines[end..].join("\n"))
            })
            .collect()
    }

    async fn psql(&self, url: &str, sql: &str) -> Result<()> {
        let psql = program("psql").context("there is no program psql")?;
        let output = Command::new(psql)
            .args(["-X", "-d", url, "-c", sql])
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{sql}: {said}");
        Ok(())
    }

    /// JSON is YAML. The leases are as short as Patroni allows.
    fn settings(&self, number: usize, port: u16, rest: u16, store: u16) -> Result<String> {
        let here = self.directory.path();
        let programs = program("initdb").context("there is no program initdb")?;
        let synchronous = self.replication == Replication::StrictlySynchronous;
        let settings = json!({
            "scope": "bp-auth",
            "name": format!("node{number}"),
            "restapi": {
                "listen": format!("127.0.0.1:{rest}"),
                "connect_address": format!("127.0.0.1:{rest}"),
            },
            "etcd3": { "host": format!("127.0.0.1:{store}") },
            "bootstrap": {
                "dcs": {
                    "ttl": 20,
                    "loop_wait": 1,
                    "retry_timeout": 3,
                    "maximum_lag_on_failover": 100_000_000,
                    "primary_start_timeout": 0,
                    "synchronous_mode": synchronous,
                    "synchronous_mode_strict": synchronous,
                    "postgresql": {
                        "use_pg_rewind": true,
                        "parameters": {
                            "max_connections": 200,
                            "wal_log_hints": "on",
                            // The machine itself does not stop.
                            "fsync": "off",
                            "shared_buffers": "32MB",
                        },
                    },
                },
                "initdb": [{ "encoding": "UTF8" }, { "locale": "C" }],
            },
            "postgresql": {
                "listen": format!("127.0.0.1:{port}"),
                "connect_address": format!("127.0.0.1:{port}"),
                "data_dir": here.join(format!("node{number}")),
                "bin_dir": programs.parent().context("no directory of programs")?,
                "pgpass": here.join(format!("pgpass{number}")),
                "authentication": {
                    "superuser": { "username": "postgres", "password": "unused" },
                    "replication": { "username": "replicator", "password": "unused" },
                },
                "parameters": { "unix_socket_directories": here },
                "pg_hba": [
                    "local all all trust",
                    "host all all 127.0.0.1/32 trust",
                    "host replication all 127.0.0.1/32 trust",
                ],
            },
        });
        Ok(serde_json::to_string_pretty(&settings)?)
    }

    fn proxy_settings(&self) -> String {
        let servers: String = self
            .servers
            .iter()
            .enumerate()
            .map(|(number, server)| {
                format!(
                    "  server node{number} 127.0.0.1:{} check port {}\n",
                    server.port, server.rest
                )
            })
            .collect();
        format!(
            "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 30m\n  timeout server 30m\n\
             listen database\n  bind 127.0.0.1:{}\n  option httpchk GET /primary\n  \
             http-check expect status 200\n  \
             default-server inter 500ms fastinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions\n\
             {servers}",
            self.proxy
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Patroni would start again what ends before it.
        for number in 0..self.servers.len() {
            if let Some(keeper) = self.servers[number].keeper.id().and_then(|it| pid(it).ok()) {
                let _ = kill_process(keeper, Signal::KILL);
            }
            if let Ok(first) = self.first(&format!("node{number}")) {
                // Its children notice that it is gone.
                let _ = kill_process(first, Signal::KILL);
            }
        }
    }
}

fn pid(number: u32) -> Result<Pid> {
    Pid::from_raw(i32::try_from(number)?).context("a process without a number")
}

fn give(path: &Path, account: Option<(u32, u32)>) -> Result<()> {
    match account {
        Some((user, group)) => Ok(chown(path, Some(user), Some(group))?),
        None => Ok(()),
    }
}

async fn id(flag: &str) -> Result<u32> {
    let output = Command::new("id").args([flag, "postgres"]).output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().parse().context("there is no account postgres")
}

/// Free a moment ago; none of the programs takes port 0.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
