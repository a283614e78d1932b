//! What people receive: the files of the `file` transport, read as a mail reader would.

use std::time::Duration;

use super::TestServer;

/// A mail as it was written.
#[derive(Debug, Clone)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    /// The whole file.
    pub source: String,
}

#[derive(Debug, Clone)]
pub struct Sms {
    pub to: String,
    pub text: String,
}

impl TestServer {
    /// All mails so far, oldest first, once the worker has nothing left to send.
    pub async fn mails(&self) -> Vec<Mail> {
        let files = self.outbox_files(".eml").await;
        files
            .into_iter()
            .map(|source| Mail {
                to: header(&source, "To"),
                subject: header(&source, "Subject"),
                source,
            })
            .collect()
    }

    pub async fn mails_to(&self, address: &str) -> Vec<Mail> {
        self.mails()
            .await
            .into_iter()
            .filter(|mail| mail.to == address)
            .collect()
    }

    pub async fn texts(&self) -> Vec<Sms> {
        let files = self.outbox_files(".sms.txt").await;
        files
            .into_iter()
            .map(|source| {
                let (head, text) = source.split_once("\n\n").expect("a head and a text");
                let to = head.strip_prefix("To: ").expect("a number").to_owned();
                Sms {
                    to,
                    text: text.to_owned(),
                }
            })
            .collect()
    }

    /// The code of the last message to the number.
    pub async fn sms_code(&self, number: &str) -> String {
        let texts = self.texts().await;
        let last = texts
            .iter()
            .rfind(|sms| sms.to == number)
            .expect("a message");
        digits(&last.text)
    }

    /// The token in the fragment of the last mailed link that begins with `/page#`.
    pub async fn link_token(&self, address: &str, page: &str) -> String {
        let mails = self.mails_to(address).await;
        let marker = format!("/{page}#token=");
        let mail = mails
            .iter()
            .rfind(|mail| mail.source.contains(&marker))
            .expect("a link");
        let (_, rest) = mail.source.split_once(&marker).expect("a link");
        rest.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
            .collect()
    }

    /// Waits for the worker, which runs beside the test; that is not time passing but work done.
    async fn outbox_files(&self, ending: &str) -> Vec<String> {
        for _ in 0..500 {
            if self
                .db
                .number("SELECT count(*) FROM outbox WHERE state = 'pending'")
                .await
                == 0
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let directory = self.dir.path().join("data/outbox");
        let entries = std::fs::read_dir(directory).expect("the outbox");
        let mut files: Vec<_> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        files
            .into_iter()
            .filter(|file| file.to_string_lossy().ends_with(ending))
            .map(|file| std::fs::read_to_string(file).expect("a message"))
            .collect()
    }
}

fn header(source: &str, name: &str) -> String {
    let head = source.split("\r\n\r\n").next().expect("a head");
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.expect(name).to_owned()
}

fn digits(text: &str) -> String {
    let run = text
        .split(|c: char| !c.is_ascii_digit())
        .find(|run| run.len() == 6);
    run.expect("a code").to_owned()
}
