//! nginx before the instances, configured as the documentation shows it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(20);
/// How often another port is tried, when somebody else was quicker to take one.
const TRIES: u32 = 5;

/// Where Debian keeps the module that removes nginx's `Server` header.
const MODULES: [&str; 2] = [
    "/usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so",
    "/usr/lib64/nginx/modules/ngx_http_headers_more_filter_module.so",
];

/// One nginx. It ends when this is dropped.
pub struct Front {
    pub address: SocketAddr,
    _process: Child,
}

/// What every nginx of a run is made from.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The documented configuration, without what only a machine with a certificate has.
    site: String,
    module: PathBuf,
    /// The path below which it has the server, such as `/auth`. Empty: the server has the whole site.
    pub prefix: String,
}

impl Recipe {
    /// Refuses a machine that cannot run it.
    pub fn read(file: &Path) -> Result<Self> {
        let module = MODULES.iter().map(PathBuf::from).find(|path| path.exists());
        let site = site(file)?;
        Ok(Self {
            prefix: prefix(&site)?.to_owned(),
            site,
            module: module.context(
                "nginx's headers-more module is not installed (libnginx-mod-http-headers-more-filter)",
            )?,
        })
    }

    /// Starts one before these instances, with its files in this directory.
    pub async fn start(&self, directory: &Path, instances: &[SocketAddr]) -> Result<Front> {
        let mut refusal = None;
        for _ in 0..TRIES {
            let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
            match self.start_at(address, directory, instances).await {
                Ok(front) => return Ok(front),
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.context("never tried")?)
    }

    async fn start_at(
        &self,
        address: SocketAddr,
        directory: &Path,
        instances: &[SocketAddr],
    ) -> Result<Front> {
        let here = directory.join("nginx");
        std::fs::create_dir_all(&here)?;
        std::fs::write(
            here.join("site.conf"),
            placed(&self.site, address, instances),
        )?;
        std::fs::write(here.join("nginx.conf"), self.frame(&here))?;
        let log = here.join("error.log");
        let mut process = Command::new("nginx")
            .arg("-p")
            .arg(&here)
            .arg("-c")
            .arg(here.join("nginx.conf"))
            .arg("-e")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("nginx is not installed")?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).await.is_err() {
            let ended = process.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("nginx does not listen ({ended:?}): {said}");
            }
            sleep(GLANCE).await;
        }
        Ok(Front {
            address,
            _process: process,
        })
    }

    /// What a system's own nginx.conf has around it. One process, so that it ends as a whole.
    fn frame(&self, here: &Path) -> String {
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths = paths.map(|kind| format!("{kind}_temp_path {}/{kind};\n", here.display()));
        format!(
            "daemon off;\nmaster_process off;\npid {here}/pid;\nload_module {module};\n\
             events {{ worker_connections 4096; }}\n\
             http {{\naccess_log off;\nmore_clear_headers Server;\n{paths}include {here}/site.conf;\n}}\n",
            here = here.display(),
            module = self.module.display(),
            paths = paths.concat(),
        )
    }
}

/// The example as it is but for its port, its certificate and the addresses of its instances.
fn site(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut site = String::new();
    let (mut listens, mut servers) = (0, 0);
    for line in text.lines() {
        let word = line.split_whitespace().next().unwrap_or_default();
        match word {
            "listen" => {
                listens += 1;
                site += "listen {address};";
            }
            "ssl_certificate" | "ssl_certificate_key" => {}
            "server" if line.contains("127.0.0.1:") => {
                servers += 1;
                let (_, rest) = line.split_once("127.0.0.1:").context("an address")?;
                let options = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                if servers == 1 {
                    site += &format!("{{servers {options}}}");
                }
            }
            _ => site += line,
        }
        site.push('\n');
    }
    ensure!(
        listens == 1 && servers == 2,
        "{} has {listens} `listen` and {servers} instances; one and two were expected",
        file.display()
    );
    Ok(site)
}

/// The path of the only `location` that is one.
fn prefix(site: &str) -> Result<&str> {
    let mut locations = site.lines().filter_map(|line| {
        let path = line.trim().strip_prefix("location ")?;
        path.starts_with('/')
            .then_some(path.split_whitespace().next()?)
    });
    let path = locations.next().context("no `location` with a path")?;
    ensure!(
        locations.next().is_none(),
        "more than one `location` with a path"
    );
    Ok(path.trim_end_matches('/'))
}

/// The same with these addresses.
fn placed(template: &str, address: SocketAddr, instances: &[SocketAddr]) -> String {
    let mut site = String::new();
    for line in template.lines() {
        match line.strip_prefix("{servers ") {
            Some(options) => {
                let options = options.trim_end_matches('}');
                for instance in instances {
                    site += &format!("server {instance}{options}\n");
                }
            }
            None => site += &line.replace("{address}", &address.to_string()),
        }
        site.push('\n');
    }
    site
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_server_is_read_from_the_example() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
        for (file, expected) in [("nginx.conf", ""), ("nginx-prefix.conf", "/auth")] {
            let site = site(&examples.join(file)).unwrap();
            assert_eq!(prefix(&site).unwrap(), expected, "{file}");
        }
    }

    #[test]
    fn the_example_keeps_everything_but_port_certificate_and_instances() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/nginx.conf");
        let template = site(&file).unwrap();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let site = placed(&template, address(1), &[address(2), address(3)]);
        let example = std::fs::read_to_string(file).unwrap();
        let kept = |line: &&str| site.lines().any(|own| own == *line);
        let changed: Vec<&str> = example.lines().filter(|line| !kept(line)).collect();
        assert_eq!(changed.len(), 5, "{changed:?}");
        assert!(site.contains("listen 127.0.0.1:1;"));
        for port in [2, 3] {
            let line = format!("server 127.0.0.1:{port} max_fails=1 fail_timeout=2s;");
            assert_eq!(site.matches(&line).count(), 1, "{site}");
        }
    }
}
