//! What servers do by themselves: of several on one database one does it, and another goes on when that
//! one is gone.

use std::time::Duration;

use bp_auth_server::app::upkeep::Job;
use uuid::Uuid;

use crate::support::{START, TestServer};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many failures of a password that nobody cares about any more.
async fn leave_over(server: &TestServer, rows: usize) {
    for number in 0..rows {
        let sql = format!(
            "INSERT INTO password_failures (account, network, failures, blocked_until, updated_at) \
             VALUES ('account {number}', '127.0.0.1', 1, 0, 0)"
        );
        server.db.execute(&sql).await;
    }
}

#[tokio::test]
async fn of_several_instances_one_does_what_is_due_and_only_when_it_is() {
    let server = TestServer::start().await;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    server.advance(DAY);
    leave_over(&server, 3).await;
    let app = server.app();
    let (first, second) = tokio::join!(app.upkeep(one), app.upkeep(two));
    let mut done = [first.unwrap(), second.unwrap()].concat();
    done.sort_by_key(|job| *job as u8);
    assert_eq!(done, Job::ALL);
    assert_eq!(server.db.count("password_failures").await, 0);

    // Nothing is due, for whoever did it neither.
    leave_over(&server, 1).await;
    for holder in [one, two] {
        assert_eq!(server.app().upkeep(holder).await.unwrap(), []);
    }
    assert_eq!(server.db.count("password_failures").await, 1);

    // Whoever did it has died: another does it when its time comes.
    server.advance(HOUR);
    let three = Uuid::now_v7();
    assert_eq!(server.app().upkeep(three).await.unwrap(), [Job::Purge]);
    assert_eq!(server.db.count("password_failures").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_clock_that_was_ahead_puts_nothing_off() {
    let server = TestServer::start().await;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    server.clock.jump_to(START.plus(365 * DAY));
    assert_eq!(server.app().upkeep(one).await.unwrap(), Job::ALL);
    server.clock.jump_to(START.plus(DAY));
    assert_eq!(server.app().upkeep(two).await.unwrap(), Job::ALL);
    // Clocks that are a little apart are no reason to do it again.
    server
        .clock
        .jump_to(START.plus(DAY - Duration::from_secs(4)));
    assert_eq!(server.app().upkeep(one).await.unwrap(), []);
    server.stop_and_check().await;
}

#[tokio::test]
async fn more_than_a_batch_is_removed_in_one_go() {
    let server = TestServer::start().await;
    server.advance(DAY);
    let many = "INSERT INTO password_failures (account, network, failures, blocked_until, updated_at) \
                WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) \
                SELECT 'account ' || n, '127.0.0.1', 1, 0, 0 FROM n";
    server.db.execute(many).await;
    server.app().upkeep(Uuid::now_v7()).await.unwrap();
    assert_eq!(server.db.count("password_failures").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn audit_rows_are_kept_as_long_as_configured_and_for_ever_with_zero() {
    for (days, left) in [(30, 0), (0, 1)] {
        let server = TestServer::start_with(|config| {
            config.retention.audit = bp_auth_server::config::Seconds::days(days);
        })
        .await;
        server.register("ada@example.com").await;
        let before = server.db.audited("user.registered").await;
        assert_eq!(before, 1);
        server.advance(29 * DAY);
        server.app().upkeep(Uuid::now_v7()).await.unwrap();
        assert_eq!(server.db.audited("user.registered").await, 1, "too soon");
        server.advance(2 * DAY);
        server.register("bob@example.com").await;
        server.app().upkeep(Uuid::now_v7()).await.unwrap();
        let of_ada = format!(
            "SELECT count(*) FROM audit_events WHERE event = 'user.registered' AND at = {}",
            START.ms()
        );
        assert_eq!(server.db.number(&of_ada).await, left);
        let all = server.db.audited("user.registered").await;
        assert_eq!(all, left + 1, "what is young stays");
        server.stop_and_check().await;
    }
}
