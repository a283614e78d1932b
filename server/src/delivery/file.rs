//! The `file` transport: every message becomes a file in a private directory. It serves
//! development, tests, and sites whose own programs pick the messages up.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use uuid::Uuid;

use super::gate::{Try, Turn};
use super::{Content, Envelope, SendError, Transport};

pub struct FileTransport {
    dir: PathBuf,
}

impl FileTransport {
    /// Makes `<data_dir>/outbox`, which only its owner can enter. A symbolic link in its place is
    /// refused: it would lead links and codes, and the change of modes, to where somebody else decides.
    pub fn new(data_dir: &Path) -> io::Result<Self> {
        let dir = data_dir.join("outbox");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        if fs::symlink_metadata(&dir)?.is_symlink() {
            return Err(io::Error::other(format!(
                "{} is a symbolic link; it must be a directory",
                dir.display()
            )));
        }
        fs::set_permissions(&dir, Permissions::from_mode(0o700))?;
        Ok(Self { dir })
    }
}

#[async_trait]
impl Transport for FileTransport {
    async fn send<'g>(
        &self,
        envelope: &Envelope,
        attempt: &Try<'g>,
    ) -> Result<Turn<'g>, SendError> {
        // Time and id are those of the outbox row, so a repeated delivery has the same name, and
        // names sort in the order in which the messages were caused.
        let time = envelope.created_at.to_utc().format("%Y%m%dT%H%M%S%.3fZ");
        let (extension, content) = match &envelope.content {
            Content::Mail(mail) => ("eml", mail.formatted()),
            Content::Sms { to, text } => ("sms.txt", format!("To: {to}\n\n{text}\n").into_bytes()),
        };
        let path = self.dir.join(format!("{time}-{}.{extension}", envelope.id));
        let written = {
            let path = path.clone();
            let writing = tokio::task::spawn_blocking(move || write_once(&path, &content));
            let written = async { Ok(writing.await.map_err(io::Error::other).flatten()) };
            attempt.within(written).await?
        };
        match written {
            Ok(()) => {
                tracing::info!(
                    target: "bp_auth::delivery",
                    path = %path.display(),
                    template = envelope.template,
                    "message written"
                );
                // The same file, should it come to this again.
                Ok(Turn::FREE)
            }
            Err(e) => Err(SendError::Temporary(format!("outbox directory: {e}"))),
        }
    }
}

/// A reader sees the whole file or none; once this returns, the file survives a loss of power.
fn write_once(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    // A leading dot and another ending keep readers away; the random part keeps writers apart.
    let unfinished = path.with_file_name(format!(".{}.tmp", Uuid::new_v4()));
    let result = write_synced(&unfinished, content).and_then(|()| fs::rename(&unfinished, path));
    if let Err(e) = result {
        // What is left of it is of no use, and the first error is the one to report.
        let _ = fs::remove_file(&unfinished);
        return Err(e);
    }
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
