//! What is traced: operations, attempts and statuses, and no secret.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

use crate::scripted::{LOGIN, MARKER, READ, Scripted, content, refusal};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

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
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("bp_auth_client=trace"))
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // All of this test is on one thread, so other tests are not heard.
    let _guard = tracing::subscriber::set_default(subscriber);

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

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
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
    assert!(!log.contains(MARKER), "{log}");
}
