//! What is traced: operations, attempts and statuses, and no secret.

use std::{
    io,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

use crate::scripted::{LOGIN, MARKER, READ, Scripted, content, refusal};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn spans_tell_the_story_of_a_call_and_no_secret() {
    // For the whole program: a subscriber of one thread misses what another thread met first. What
    // this test looks for is what its own thread wrote, and that is all of its client.
    let (log, others) = (Log::default(), Log::default());
    let (mine, theirs) = (log.clone(), others.clone());
    let me = thread::current().id();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("bp_auth_client=trace"))
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || match thread::current().id() == me {
            true => mine.clone(),
            false => theirs.clone(),
        })
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let server = Scripted::start(|asked| async move {
        match (asked.line.as_str(), asked.before) {
            (READ, 0) => refusal(503, "overloaded"),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    session.mfa_methods().send().await.unwrap();
    server.advance(Duration::from_secs(900));
    session.mfa_methods().send().await.unwrap();
    session.logout().await.unwrap();
    assert_eq!(server.count(LOGIN), 1);

    let (log, others) = (log.text(), others.text());
    for told in [
        r#"operation="login""#,
        r#"operation="mfa_methods""#,
        "attempts=2",
        "status=200",
        "the request is sent again",
        "the session was refreshed",
        "the session was logged out",
    ] {
        assert!(log.contains(told), "{told} is not in {log}");
    }
    // The other tests have the same secrets.
    assert!(!(log + &others).contains(MARKER));
}
