//! The file store: private, whole, and one process at a time.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bp_auth_client::{
    SessionError,
    session::{FileStore, MemoryStore, RefreshTrouble, StoreError, StoreLock, Stored, TokenStore},
};
use tempfile::TempDir;

use crate::scripted::{LOGIN, MARKER, READ, REFRESH, Scripted, content, log_in};

const MINUTE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_millis(50);
const HELD: &str = "BP_AUTH_TEST_HELD_STORE";

fn store_in(dir: &TempDir) -> FileStore {
    FileStore::new(dir.path().join("session.json"))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn content_server() -> Scripted {
    Scripted::start(|asked| async move { content(&asked) }).await
}

#[tokio::test]
async fn a_session_is_taken_up_again_where_the_last_process_left_it() {
    let (server, dir) = (content_server().await, TempDir::new().unwrap());
    let first = server.builder().store(store_in(&dir)).build().unwrap();
    let session = log_in(&first).await;
    server.advance(15 * MINUTE);
    session.mfa_methods().send().await.unwrap();
    drop((session, first));

    let second = server.builder().store(store_in(&dir)).build().unwrap();
    let session = second.resume().await.unwrap().unwrap();
    session.mfa_methods().send().await.unwrap();
    assert_eq!((server.count(LOGIN), server.count(REFRESH)), (1, 1));
    assert_eq!(server.asked(READ)[1].token(), Some(1));
    assert_eq!(names(dir.path()), ["session.json", "session.json.lock"]);
    session.logout().await.unwrap();
    let left = fs::read_to_string(dir.path().join("session.json")).unwrap();
    assert!(!left.contains(MARKER), "{left}");
}

#[tokio::test]
async fn one_of_two_clients_refreshes_and_the_other_takes_its_token() {
    let (server, dir) = (content_server().await, TempDir::new().unwrap());
    let build = || server.builder().store(store_in(&dir)).build().unwrap();
    let one = log_in(&build()).await;
    let other = build().resume().await.unwrap().unwrap();
    for round in 1..=5 {
        server.advance(15 * MINUTE);
        let (a, b) = tokio::join!(one.mfa_methods().send(), other.mfa_methods().send());
        a.unwrap();
        b.unwrap();
        assert_eq!(server.count(REFRESH), round);
    }
    let refreshed: Vec<_> = server
        .asked(REFRESH)
        .iter()
        .map(|a| a.body().to_owned())
        .collect();
    for (n, body) in refreshed.iter().enumerate() {
        assert!(body.contains(&format!("{MARKER}-refresh-{n}\"")), "{body}");
    }
}

#[tokio::test]
async fn the_session_of_somebody_else_is_not_taken_for_ones_own() {
    let (server, dir) = (content_server().await, TempDir::new().unwrap());
    let auth = server.builder().store(store_in(&dir)).build().unwrap();
    let session = log_in(&auth).await;
    let store = store_in(&dir);
    let mut stored = store.load().await.unwrap();
    stored.tokens.as_mut().unwrap().user_id = uuid::Uuid::nil();
    store.save(&stored).await.unwrap();
    server.advance(15 * MINUTE);
    let error = session.mfa_methods().send().await.unwrap_err();
    assert!(SessionError::from(error).needs_login());
    assert_eq!(server.count(REFRESH), 0);
    let stored = store.load().await.unwrap();
    assert!(stored.tokens.is_some(), "nor is it ended");
}

#[tokio::test]
async fn a_lock_excludes_others_until_it_is_dropped() {
    let dir = TempDir::new().unwrap();
    let store = store_in(&dir).lock_wait(WAIT);
    let lock = store.lock().await.unwrap();
    let error = store_in(&dir).lock_wait(WAIT).lock().await.unwrap_err();
    assert!(error.to_string().contains("session.json.lock"), "{error}");
    drop(lock);
    drop(store_in(&dir).lock_wait(WAIT).lock().await.unwrap());
}

/// Holds the lock until it is killed; does nothing unless the next test has started it.
#[tokio::test]
async fn a_process_of_the_next_test() {
    let Some(path) = std::env::var_os(HELD) else {
        return;
    };
    let _lock = FileStore::new(path).lock().await.unwrap();
    println!("\nheld");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    unreachable!("nobody writes to it");
}

#[tokio::test]
async fn a_process_that_is_killed_lets_go_of_the_lock() {
    let dir = TempDir::new().unwrap();
    let store = store_in(&dir).lock_wait(WAIT);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "session_files::a_process_of_the_next_test"])
        .arg("--nocapture")
        .env(HELD, store.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    assert!(store.lock().await.is_err());
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    drop(store.lock().await.unwrap());
}

/// Takes so many sets of tokens, and then none until it is mended.
#[derive(Clone, Debug)]
struct Failing(MemoryStore, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl TokenStore for Failing {
    async fn lock(&self) -> Result<StoreLock, StoreError> {
        self.0.lock().await
    }

    async fn load(&self) -> Result<Stored, StoreError> {
        self.0.load().await
    }

    async fn save(&self, stored: &Stored) -> Result<(), StoreError> {
        let one_less = |left: usize| left.checked_sub(1);
        match self.1.fetch_update(SeqCst, SeqCst, one_less) {
            Ok(_) => self.0.save(stored).await,
            Err(_) => Err(StoreError::new("the disk is full")),
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_after_the_rotation_does_not_end_the_session() {
    let server = content_server().await;
    // The login, and the trial before the refresh.
    let left = Arc::new(AtomicUsize::new(2));
    let store = Failing(MemoryStore::new(), Arc::clone(&left));
    let auth = server.builder().store(store.clone()).build().unwrap();
    let session = log_in(&auth).await;
    server.advance(15 * MINUTE);
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.asked(READ)[0].token(), Some(1));
    let stored = store.load().await.unwrap().tokens.unwrap();
    assert!(stored.refresh_token.expose().ends_with("-0"), "not saved");

    // Mended: the used token that the store still has is not presented, but the newer one.
    left.store(usize::MAX, SeqCst);
    server.advance(15 * MINUTE);
    session.mfa_methods().send().await.unwrap();
    let asked = server.asked(REFRESH);
    assert_eq!(asked.len(), 2);
    assert!(asked[1].body().contains(&format!("{MARKER}-refresh-1\"")));
    let stored = store.load().await.unwrap().tokens.unwrap();
    assert!(stored.refresh_token.expose().ends_with("-2"));
}

#[tokio::test]
async fn a_store_that_stays_locked_fails_the_refresh_and_not_the_session() {
    let (server, dir) = (content_server().await, TempDir::new().unwrap());
    let auth = server.builder();
    let auth = auth.store(store_in(&dir).lock_wait(WAIT)).build().unwrap();
    let session = log_in(&auth).await;
    let lock = store_in(&dir).lock().await.unwrap();
    server.advance(15 * MINUTE);
    let error = SessionError::from(session.mfa_methods().send().await.unwrap_err());
    assert!(matches!(
        error,
        SessionError::NotRefreshed(RefreshTrouble::Store(_))
    ));
    assert!(error.is_retryable() && !error.needs_login());
    assert_eq!(server.count(REFRESH), 0);
    drop(lock);
    server.advance(Duration::from_secs(1));
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 1);
}

#[tokio::test]
async fn a_file_that_holds_no_session_is_not_quoted() {
    let dir = TempDir::new().unwrap();
    let store = store_in(&dir);
    store.save(&Default::default()).await.unwrap();
    let text = format!(r#"{{"tokens": "{MARKER}"}}"#);
    fs::write(store.path(), text).unwrap();
    let error = store.load().await.unwrap_err();
    assert!(error.to_string().contains("session.json"), "{error}");
    assert!(!format!("{error:?}").contains(MARKER));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn files_are_private_and_one_that_is_not_is_refused() {
        let (server, dir) = (content_server().await, TempDir::new().unwrap());
        let auth = server.builder().store(store_in(&dir)).build().unwrap();
        let session = log_in(&auth).await;
        let file = dir.path().join("session.json");
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(&dir.path().join("session.json.lock")), 0o600);
        server.advance(15 * MINUTE);
        session.mfa_methods().send().await.unwrap();
        assert_eq!(mode(&file), 0o600, "replaced, and private still");

        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let error = auth.resume().await.unwrap_err();
        assert!(matches!(error, SessionError::Store(_)));
        assert!(error.to_string().contains("640"), "{error}");
    }

    #[tokio::test]
    async fn a_file_is_replaced_and_never_written_into() {
        let dir = TempDir::new().unwrap();
        let store = store_in(&dir);
        store.save(&Default::default()).await.unwrap();
        // A second name of the old file keeps what was in it.
        let kept = dir.path().join("kept");
        fs::hard_link(store.path(), &kept).unwrap();
        let before = fs::read(&kept).unwrap();
        // What a process left behind that died while it wrote.
        fs::write(dir.path().join("session.json.new"), "half of a").unwrap();
        let mut stored = store.load().await.unwrap();
        stored.trusted_device = Some("7.m4rk3r".into());
        store.save(&stored).await.unwrap();
        assert_eq!(fs::read(&kept).unwrap(), before);
        assert_ne!(fs::read(store.path()).unwrap(), before);
        assert_eq!(names(dir.path()), ["kept", "session.json"]);
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_written_costs_no_token() {
        let (server, dir) = (content_server().await, TempDir::new().unwrap());
        let auth = server.builder().store(store_in(&dir)).build().unwrap();
        let session = log_in(&auth).await;
        // Not even root can put a file where a directory is.
        let obstacle = dir.path().join("session.json.new");
        fs::create_dir(&obstacle).unwrap();
        server.advance(15 * MINUTE);
        let error = SessionError::from(session.mfa_methods().send().await.unwrap_err());
        assert!(matches!(
            error,
            SessionError::NotRefreshed(RefreshTrouble::Store(_))
        ));
        assert_eq!(
            server.count(REFRESH),
            0,
            "found out before the token was used"
        );
        fs::remove_dir(&obstacle).unwrap();
        server.advance(Duration::from_secs(1));
        session.mfa_methods().send().await.unwrap();
        assert_eq!(server.count(REFRESH), 1);
    }

    #[tokio::test]
    async fn a_lock_file_that_is_deleted_does_not_let_two_in() {
        let dir = TempDir::new().unwrap();
        let store = store_in(&dir).lock_wait(WAIT);
        drop(store.lock().await.unwrap());
        let path = dir.path().join("session.json.lock");
        let held = store.lock().await.unwrap();
        fs::remove_file(&path).unwrap();
        // The name is free, so a new file is made and locked; who waits on the old one is not let in.
        let new = store.lock().await.unwrap();
        drop(held);
        assert!(store.lock().await.is_err());
        drop(new);
        drop(store.lock().await.unwrap());
    }
}
