//! The client's sessions against a real server: many tasks, and several processes, at every expiry
//! of a token. What counts is what the database says about the family.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use bp_auth_client::session::{AuthClientBuilder, FileStore, RetryPolicy};
use bp_auth_client::{AuthClient, LoginOutcome, Session, SessionError};
use bp_auth_server::app::clock::Clock;
use chrono::DateTime;
use tokio::sync::Barrier;

use crate::support::{PASSWORD, TestServer};

const EMAIL: &str = "ada@example.com";
const EXPIRIES: i64 = 50;
/// How many tasks share a session, where more than a hundred are wanted.
const TASKS: &str = "BP_AUTH_TEST_SESSION_TASKS";
const URL: &str = "BP_AUTH_TEST_SESSION_URL";
const STORE: &str = "BP_AUTH_TEST_SESSION_STORE";
const CHILD: &str = "client_sessions::a_process_of_the_next_test";
const CHILD_TASKS: usize = 20;

/// How far the clock moves, and how far behind the client's then is: the token is about to expire,
/// has expired, or has expired and only the server knows.
const STEPS: [(Duration, i64); 3] = [
    (Duration::from_secs(15 * 60 - 20), 0),
    (Duration::from_secs(15 * 60 + 20), 0),
    (Duration::from_secs(15 * 60 + 20), 20 * 60 * 1000),
];

fn builder(url: &str, now: impl Fn() -> i64 + Send + Sync + 'static) -> AuthClientBuilder {
    let clock = move || DateTime::from_timestamp_millis(now()).expect("a time");
    AuthClient::builder(url).clock(clock)
}

async fn logged_in(auth: &AuthClient) -> Session {
    match auth.login(EMAIL, PASSWORD).await.expect("a login") {
        LoginOutcome::Authenticated(session) => session,
        LoginOutcome::MfaRequired(challenge) => panic!("{challenge:?}"),
    }
}

/// One family, rotated once at each expiry, and nobody took it for stolen.
async fn assert_intact(server: &TestServer, expiries: i64) {
    let db = &server.db;
    assert_eq!(db.audited("refresh.granted").await, expiries);
    assert_eq!(db.count("refresh_tokens").await, expiries + 1);
    let unused = "SELECT count(*) FROM refresh_tokens WHERE used_at IS NULL";
    assert_eq!(db.number(unused).await, 1);
    assert_eq!(db.count("sessions").await, 1);
    let revoked = "SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(db.number(revoked).await, 0);
    assert_eq!(db.audited("refresh.token_reused").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_on_one_session_refresh_once_at_each_of_fifty_expiries() {
    let tasks = std::env::var(TASKS).map_or(100, |tasks| tasks.parse().expect("a number"));
    let server = TestServer::start().await;
    server.register(EMAIL).await;
    let behind = Arc::new(AtomicI64::new(0));
    let (clock, lag) = (server.clock.clone(), Arc::clone(&behind));
    let now = move || clock.now().ms() - lag.load(Ordering::SeqCst);
    // All tasks call at once, which may be more than a slow machine's server takes: it says 503 and
    // when to come back, which is right. A client that sends bursts allows itself to heed it.
    let patient = RetryPolicy {
        attempts: 20,
        total: Duration::from_secs(120),
        reserve: u32::MAX,
        ..RetryPolicy::default()
    };
    let auth = builder(&server.url(), now).retry(patient);
    let auth = auth.timeout(Duration::from_secs(60)).build();
    let session = logged_in(&auth.expect("a client")).await;

    let (called, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // The test itself is one more: it moves the clock while all others wait.
    let barrier = Arc::new(Barrier::new(tasks + 1));
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (session, barrier) = (session.clone(), Arc::clone(&barrier));
            let (called, failed) = (Arc::clone(&called), Arc::clone(&failed));
            tokio::spawn(async move {
                for _ in 0..EXPIRIES {
                    barrier.wait().await;
                    if let Err(e) = session.me().send().await {
                        eprintln!("{e}");
                        failed.fetch_add(1, Ordering::SeqCst);
                    }
                    called.fetch_add(1, Ordering::SeqCst);
                    barrier.wait().await;
                }
            })
        })
        .collect();
    for (step, lag) in STEPS.iter().cycle().take(EXPIRIES as usize) {
        server.advance(*step);
        behind.store(*lag, Ordering::SeqCst);
        barrier.wait().await;
        barrier.wait().await;
    }
    for task in running {
        task.await.expect("a task");
    }
    let (called, failed) = (called.load(Ordering::SeqCst), failed.load(Ordering::SeqCst));
    println!("{called} calls, {failed} failed, {EXPIRIES} expiries");
    assert_eq!((called, failed), (tasks * EXPIRIES as usize, 0));
    assert_intact(&server, EXPIRIES).await;
    session.logout().await.expect("a logout");
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_share_a_file_refresh_once_at_each_of_fifty_expiries() {
    let server = TestServer::start().await;
    server.register(EMAIL).await;
    let store = FileStore::new(server.dir.path().join("session.json"));
    let path = store.path().to_owned();
    let clock = server.clock.clone();
    let auth = builder(&server.url(), move || clock.now().ms());
    logged_in(&auth.store(store).build().expect("a client")).await;

    let mut processes = [0, 1].map(|_| Process::start(&server.url(), &path));
    for (step, lag) in STEPS.iter().cycle().take(EXPIRIES as usize) {
        server.advance(*step);
        let now = server.clock.now().ms() - lag;
        // Both are told before either is asked, so they come to the file together.
        for process in &mut processes {
            process.tell(now);
        }
        for process in &mut processes {
            assert_eq!(process.answer(), "0 failed");
        }
    }
    for process in processes {
        process.finish();
    }
    println!("{EXPIRIES} expiries, 0 failed");
    assert_intact(&server, EXPIRIES).await;
    server.stop_and_check().await;
}

/// This test program once more, with nothing to do but what its standard input says.
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(url: &str, store: &std::path::Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", CHILD, "--nocapture"])
            .env(URL, url)
            .env(STORE, store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            child,
            stdin,
            stdout,
        }
    }

    fn tell(&mut self, now: i64) {
        writeln!(self.stdin, "{now}").expect("a process that listens");
    }

    fn answer(&mut self) -> String {
        // The test harness writes there too.
        let mut lines = (&mut self.stdout).lines().map(|line| line.expect("a line"));
        let answer = lines.find(|line| line.ends_with("failed"));
        answer.expect("a process that answers")
    }

    fn finish(self) {
        let Self {
            mut child, stdin, ..
        } = self;
        drop(stdin);
        assert!(child.wait().expect("an end").success());
    }
}

/// Does nothing unless the test above has started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_the_next_test() {
    let (Ok(url), Ok(store)) = (std::env::var(URL), std::env::var(STORE)) else {
        return;
    };
    let time = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&time);
    let auth = builder(&url, move || clock.load(Ordering::SeqCst)).store(FileStore::new(store));
    let auth = auth.build().expect("a client");
    let session = auth.resume().await.expect("a store").expect("a session");
    for line in std::io::stdin().lines() {
        let now = line.expect("a line").parse().expect("a time");
        time.store(now, Ordering::SeqCst);
        let calls: Vec<_> = (0..CHILD_TASKS)
            .map(|_| {
                let session = session.clone();
                tokio::spawn(async move { session.me().send().await.map(|_| ()) })
            })
            .collect();
        let mut failed = 0;
        for call in calls {
            if let Err(e) = call.await.expect("a task") {
                eprintln!("{}", SessionError::from(e));
                failed += 1;
            }
        }
        println!("\n{failed} failed");
    }
}
