//! A real mail server, aiosmtpd, which can be told to misbehave; see `mail_server.py`.
//!
//! `BP_AUTH_TEST_PYTHON` names a Python that has it, `python3` otherwise.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bp_auth_server::config::{Config, MailTransport, SecretText, SmtpTls};
use serde_json::Value;
use tempfile::TempDir;

use super::certificates::Authority;

pub struct MailServer {
    child: Child,
    orders: ChildStdin,
    pub port: u16,
    told: Arc<Mutex<Vec<Value>>>,
    directory: TempDir,
    tls: SmtpTls,
}

impl MailServer {
    /// `None`, and said loudly, where there is no such Python.
    pub fn start(tls: SmtpTls) -> Option<Self> {
        let authority = Authority::new();
        Self::showing(tls, &authority, "localhost", &authority)
    }

    /// One that shows a certificate for `name` by one authority to clients that trust another.
    pub fn showing(
        tls: SmtpTls,
        authority: &Authority,
        name: &str,
        trusted: &Authority,
    ) -> Option<Self> {
        let python = std::env::var("BP_AUTH_TEST_PYTHON").unwrap_or_default();
        let python = if python.is_empty() {
            "python3"
        } else {
            &python
        };
        let has_it = Command::new(python)
            .args(["-c", "import aiosmtpd"])
            .output()
            .is_ok_and(|output| output.status.success());
        if !has_it {
            not_tested();
            return None;
        }
        let directory = TempDir::new().unwrap();
        let shown = authority.shown(name);
        let put = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        put("authority.pem", &trusted.pem());
        let how = match tls {
            SmtpTls::Starttls => "starttls",
            SmtpTls::Implicit => "implicit",
            SmtpTls::None => "none",
        };
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", include_str!("mail_server.py"), how])
            .args([
                put("certificate.pem", &shown.certificate),
                put("key.pem", &shown.key),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard
                    .lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        Some(Self {
            orders: child.stdin.take().unwrap(),
            child,
            port,
            told,
            directory,
            tls,
        })
    }

    /// Lets a server send its mails here.
    pub fn configure(&self, config: &mut Config) {
        config.delivery.transport = MailTransport::Smtp;
        config.smtp.host = "localhost".to_owned();
        config.smtp.port = self.port;
        config.smtp.tls = self.tls;
        config.smtp.username = "bp-auth".to_owned();
        config.smtp.password = SecretText::new("hunter2");
        config.smtp.ca_file = Some(self.authority());
    }

    /// The file of the authority to be trusted.
    pub fn authority(&self) -> String {
        let path = self.directory.path().join("authority.pem");
        path.to_str().unwrap().to_owned()
    }

    /// From now on; what is under way may still go by the old order.
    pub fn order(&mut self, mode: &str) {
        writeln!(self.orders, "{mode}").unwrap();
        while self.told("mode").last().is_none_or(|it| it["mode"] != mode) {
            std::thread::yield_now();
        }
    }

    /// What clients did, in order.
    pub fn told(&self, event: &str) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter(|it| it["event"] == event)
            .cloned()
            .collect()
    }

    pub fn mails(&self) -> Vec<Value> {
        self.told("mail")
    }

    /// Waits until there are so many of an event.
    pub async fn until(&self, event: &str, number: usize) -> Vec<Value> {
        for _ in 0..3000 {
            let told = self.told(event);
            if told.len() >= number {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!(
            "not {number} times {event}: {:?}",
            self.told.lock().unwrap()
        );
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A header of a mail that was received.
pub fn header(mail: &Value, name: &str) -> String {
    let text = mail["text"].as_str().unwrap().replace("\r\n ", " ");
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let lines: Vec<&str> = head
        .split("\r\n")
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .collect();
    assert_eq!(lines.len(), 1, "{name}: {head}");
    lines[0].to_owned()
}

fn not_tested() {
    let required = std::env::var("BP_AUTH_TEST_REQUIRE_SMTP").is_ok_and(|it| it == "1");
    assert!(!required, "aiosmtpd is required and was not found");
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    // Not by a macro, whose output a passing test keeps to itself.
    let said = format!("\nNOT TESTED: {test} needs a Python with aiosmtpd, and none was found\n");
    std::io::stderr().write_all(said.as_bytes()).unwrap();
}
