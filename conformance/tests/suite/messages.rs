use std::collections::HashSet;
use std::time::Duration;

use bp_auth_conformance::target::messages::Outbox;

use crate::support::{Server, said, suite};

/// Whoever implements the contract can take part: it only has to post its messages.
#[test]
fn messages_posted_to_the_sink_are_as_good_as_an_outbox() {
    let server = Server::start();
    let sink = free_address();
    let relay = Outbox::new(server.outbox());
    let url = format!("http://{sink}/");
    let post_to = url.clone();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    // What a server in another language would do: POST each message as JSON.
    let posting = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut posted = HashSet::new();
            while !stopped.load(std::sync::atomic::Ordering::SeqCst) {
                for (name, message) in relay.all().unwrap() {
                    if posted.contains(&name) {
                        continue;
                    }
                    let answer = http.post(&post_to).json(&message).send().await;
                    // The suite may not listen yet, or no longer.
                    match answer {
                        Ok(answer) => assert_eq!(answer.status(), 204),
                        Err(_) => break,
                    }
                    posted.insert(name);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    });
    let output = suite(&[
        "--base-url",
        &server.url,
        "--capture",
        &url,
        "--filter",
        "refresh::a_reuse_is_told_to_the_owner",
        "--filter",
        "sms::",
    ]);
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    posting.join().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("ok      [strict] refresh::a_reuse"), "{said}");
    assert!(said.contains("ok      [strict] sms::"), "{said}");
}

#[test]
fn with_an_operator_and_an_outbox_accounts_can_be_closed_and_reopened() {
    let server = Server::start();
    let outbox = server.outbox().display().to_string();
    let output = suite(&[
        "--base-url",
        &server.url,
        "--outbox",
        &outbox,
        "--operator",
        &server.operator(),
        "--filter",
        "reactivate::",
    ]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("ok      [strict] reactivate::"), "{said}");
    assert!(!said.contains("no --operator"), "{said}");
}

/// A port that was free a moment ago.
fn free_address() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
