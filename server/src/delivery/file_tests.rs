use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::file::FileTransport;
use super::gate::{Gate, Try};
use super::mail::{Draft, compose, sender};
use super::{Content, Envelope, SendError, Transport};
use crate::app::clock::Timestamp;

const ID: Uuid = Uuid::from_u128(7);
const CREATED: Timestamp = Timestamp(1_795_372_800_123);
const STEM: &str = "20261122T184000.123Z-00000000-0000-0000-0000-000000000007";

fn sms(id: Uuid, text: &str) -> Envelope {
    Envelope {
        id,
        template: "sms_code",
        created_at: CREATED,
        content: Content::Sms {
            to: "+4915112345678".to_owned(),
            text: text.to_owned(),
        },
    }
}

fn mail() -> Envelope {
    let mail = compose(Draft {
        id: ID,
        created_at: CREATED,
        from: &sender("no-reply@example.com").unwrap(),
        to: "ada@example.org",
        subject: "Hello",
        text: "text\n",
        html: "<p>html</p>\n",
    });
    Envelope {
        id: ID,
        template: "welcome",
        created_at: CREATED,
        content: Content::Mail(Box::new(mail.unwrap())),
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

struct Place {
    data: tempfile::TempDir,
    transport: FileTransport,
}

impl Place {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let transport = FileTransport::new(data.path()).unwrap();
        Self { data, transport }
    }

    async fn send(&self, envelope: &Envelope) -> Result<(), SendError> {
        let gate = Gate::default();
        let soon = Duration::from_secs(20);
        let attempt = Try::new(&gate, soon, Instant::now() + 2 * soon);
        self.transport.send(envelope, &attempt).await.map(|_| ())
    }

    fn outbox(&self) -> PathBuf {
        self.data.path().join("outbox")
    }
}

#[tokio::test]
async fn messages_become_private_files_whose_names_sort_by_time() {
    let place = Place::new();
    place.send(&mail()).await.unwrap();
    let other = sms(Uuid::from_u128(8), "493027 is your code.");
    place.send(&other).await.unwrap();

    let outbox = place.outbox();
    let eml = format!("{STEM}.eml");
    let txt = "20261122T184000.123Z-00000000-0000-0000-0000-000000000008.sms.txt";
    assert_eq!(names(&outbox), [eml.as_str(), txt]);
    assert_eq!(
        fs::read_to_string(outbox.join(txt)).unwrap(),
        "To: +4915112345678\n\n493027 is your code.\n"
    );
    assert!(
        fs::read_to_string(outbox.join(&eml))
            .unwrap()
            .contains("To: ada@example.org\r\n")
    );
    assert_eq!(mode(&outbox), 0o700);
    assert_eq!(mode(&outbox.join(&eml)), 0o600);
    assert_eq!(mode(&outbox.join(txt)), 0o600);
}

#[tokio::test]
async fn a_message_that_comes_twice_is_one_file() {
    let place = Place::new();
    place.send(&sms(ID, "first")).await.unwrap();
    place.send(&sms(ID, "second")).await.unwrap();
    let name = format!("{STEM}.sms.txt");
    assert_eq!(names(&place.outbox()), [name.as_str()]);
    assert!(
        fs::read_to_string(place.outbox().join(name))
            .unwrap()
            .ends_with("first\n")
    );
}

#[tokio::test]
async fn an_open_directory_is_closed_and_its_files_are_kept() {
    let data = tempfile::tempdir().unwrap();
    let outbox = data.path().join("outbox");
    fs::create_dir(&outbox).unwrap();
    fs::set_permissions(&outbox, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(outbox.join("kept"), "").unwrap();
    FileTransport::new(data.path()).unwrap();
    assert_eq!(mode(&outbox), 0o700);
    assert_eq!(names(&outbox), ["kept"]);
}

#[tokio::test]
async fn a_failed_write_is_temporary_and_quotes_nothing() {
    let place = Place::new();
    fs::remove_dir(place.outbox()).unwrap();
    let error = place.send(&sms(ID, "secret words")).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Temporary(text) if !text.contains("secret")),
        "{error}"
    );
    fs::create_dir(place.outbox()).unwrap();
    place.send(&sms(ID, "secret words")).await.unwrap();
    assert_eq!(names(&place.outbox()).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_never_sees_half_a_file() {
    let place = Place::new();
    let outbox = place.outbox();
    let text = "x".repeat(200_000);
    let expected = format!("To: +4915112345678\n\n{text}\n").len();
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let done = Arc::clone(&done);
        tokio::task::spawn_blocking(move || {
            let mut seen = 0;
            while !done.load(Ordering::SeqCst) {
                for name in names(&outbox)
                    .iter()
                    .filter(|name| name.ends_with(".sms.txt"))
                {
                    assert_eq!(fs::read(outbox.join(name)).unwrap().len(), expected);
                    seen += 1;
                }
            }
            seen
        })
    };
    for n in 0..20 {
        place.send(&sms(Uuid::from_u128(n), &text)).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    assert!(reader.await.unwrap() > 0);
    assert_eq!(names(&place.outbox()).len(), 20);
}
