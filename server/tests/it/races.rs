//! Races over real connections: many requests at one moment, one of which may win. Afterwards the
//! database is looked at, because an answer alone does not show what was left behind.

mod accounts;
mod codes;
mod limits;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::RequestBuilder;
use tokio::sync::Barrier;

use crate::support::TestServer;
use crate::support::http::{Answer, send};

/// Sends all requests at one moment, each over a connection that is open already.
async fn all_at_once(server: &TestServer, requests: Vec<RequestBuilder>) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let http = server.http();
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let (barrier, http) = (barrier.clone(), http.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                assert_eq!(send(http.get("/healthz")).await.status, 200);
                barrier.wait().await;
                send(request).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("a task"));
    }
    answers
}

/// How often each verdict was given.
fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.verdict()).or_default() += 1;
    }
    counts
}

/// The answers that were successes.
fn winners(answers: &[Answer]) -> Vec<&Answer> {
    let won = |answer: &&Answer| (200..300).contains(&answer.status);
    answers.iter().filter(won).collect()
}

/// The one success there was.
fn the_winner(answers: &[Answer]) -> &Answer {
    let won = winners(answers);
    assert_eq!(won.len(), 1, "{:?}", tally(answers));
    won[0]
}

/// Asserts that no answer was any other than these.
fn only(answers: &[Answer], verdicts: &[&str]) {
    let tally = tally(answers);
    let known = tally.keys().all(|known| verdicts.contains(&&**known));
    assert!(known, "{tally:?}");
}
