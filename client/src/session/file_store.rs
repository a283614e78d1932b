use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::store::{StoreError, StoreLock, Stored, TokenStore};

/// Longer than another process needs for a refresh that is answered late.
const LOCK_WAIT: Duration = Duration::from_secs(45);

/// Keeps a session in a file, for the next start and for other processes.
///
/// The file is readable by its owner only, and refused when others may read it. It is replaced at
/// once and on disk before anybody uses the tokens in it: a reader sees the old or the new, also
/// after a power cut. Beside it lie `<file>.lock`, which the process that refreshes holds locked
/// (the system lets go of it when the process dies), and for a moment `<file>.new`. A network file
/// system must pass `flock` on to its server for this to hold between machines.
///
/// ```no_run
/// use bp_auth_client::{AuthClient, session::FileStore};
///
/// # async fn run() -> Result<(), bp_auth_client::SessionError> {
/// let store = FileStore::new("/home/ada/.config/app/session.json");
/// let auth = AuthClient::builder("https://auth.example.org").store(store).build()?;
/// if let Some(session) = auth.resume().await? {
///     println!("still logged in as {}", session.me().send().await?.email);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
    lock_wait: Duration,
}

impl FileStore {
    /// A store at `path`. Its directory must exist.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// use bp_auth_client::session::{FileStore, TokenStore};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let home = directory.path();
    /// let store = FileStore::new(home.join("session.json"));
    /// assert_eq!(store.path(), home.join("session.json"));
    /// assert!(store.load().await?.tokens.is_none(), "nobody has logged in");
    /// # Ok(()) }
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            lock_wait: LOCK_WAIT,
        }
    }

    /// Gives up on the lock after `wait` instead of 45 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use bp_auth_client::session::FileStore;
    ///
    /// let store = FileStore::new("session.json").lock_wait(Duration::from_secs(5));
    /// ```
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }
}

#[async_trait]
impl TokenStore for FileStore {
    async fn lock(&self) -> Result<StoreLock, StoreError> {
        let path = self.beside(".lock");
        let deadline = Instant::now() + self.lock_wait;
        loop {
            let tried = path.clone();
            let locked = blocking(move || try_lock(&tried)).await;
            match locked.map_err(|e| trouble("locked", &path, &e))? {
                Some(file) => return Ok(StoreLock::new(file)),
                None if Instant::now() >= deadline => {
                    let wait = self.lock_wait;
                    let path = path.display();
                    return Err(StoreError::new(format!(
                        "{path} has been locked by another process for {wait:?}"
                    )));
                }
                // Not in step with the others that wait.
                None => tokio::time::sleep(Duration::from_millis(fastrand::u64(5..25))).await,
            }
        }
    }

    async fn load(&self) -> Result<Stored, StoreError> {
        let path = self.path.clone();
        let text = blocking(move || read_private(&path)).await;
        let text = text.map_err(|e| trouble("read", &self.path, &e))?;
        let Some(text) = text else {
            return Ok(Stored::default());
        };
        // The decoder's message may quote what it read.
        serde_json::from_slice(&text).map_err(|e| {
            let (path, line) = (self.path.display(), e.line());
            StoreError::new(format!("{path} holds no session: line {line}"))
        })
    }

    async fn save(&self, stored: &Stored) -> Result<(), StoreError> {
        let text = serde_json::to_vec_pretty(stored);
        let text = text.map_err(|_| StoreError::new("the session cannot be written as JSON"))?;
        let text = zeroize::Zeroizing::new(text);
        let (path, new) = (self.path.clone(), self.beside(".new"));
        blocking(move || replace(&path, &new, &text))
            .await
            .map_err(|e| trouble("written", &self.path, &e))
    }
}

/// None when somebody else holds it.
fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = private().create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(e)) => return Err(e),
    }
    // Who deletes the file makes two locks of one; only the one that is found by its name counts.
    Ok(is_at(&file, path)?.then_some(file))
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((held.dev(), held.ino()) == (found.dev(), found.ino())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    // A file that is open cannot be deleted there.
    Ok(true)
}

fn read_private(path: &Path) -> io::Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    refuse_readable_by_others(&file)?;
    let mut text = zeroize::Zeroizing::new(Vec::new());
    io::Read::read_to_end(&mut file, &mut text)?;
    Ok(Some(text))
}

#[cfg(unix)]
fn refuse_readable_by_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let why = format!("its mode is {mode:o}: others may read the tokens in it, so end them");
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_file: &File) -> io::Result<()> {
    Ok(())
}

fn replace(path: &Path, new: &Path, text: &[u8]) -> io::Result<()> {
    // Left behind by a process that died while it wrote.
    match fs::remove_file(new) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let written = write_durably(path, new, text);
    if written.is_err() {
        // It holds tokens, and nobody will read it; the first error is the one to report.
        let _ = fs::remove_file(new);
    }
    written
}

fn write_durably(path: &Path, new: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = private().create_new(true).open(new)?;
    file.write_all(text)?;
    file.sync_all()?;
    drop(file);
    fs::rename(new, path)?;
    sync_directory(path)
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Without it the new name may be lost with the power, and the old tokens be back.
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    // Directories cannot be opened as files there.
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The disk may be slow; the threads that serve other tasks must not wait for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(io::Error::other(e)),
    }
}

fn trouble(what: &str, path: &Path, e: &io::Error) -> StoreError {
    StoreError::new(format!("{} cannot be {what}: {e}", path.display()))
}
