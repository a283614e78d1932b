//! What servers do by themselves: of several on one database one does it, and another goes on when that
//! one is gone.

use std::time::Duration;

use bp_auth_server::app::upkeep::Job;
use uuid::Uuid;

use crate::support::postgres::Kind;
use crate::support::process::Bench;
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

/// When each signing key signs, as days after the start, the oldest first.
async fn signing_days(server: &TestServer) -> Vec<i64> {
    let sql =
        "SELECT CAST(active_from AS TEXT) FROM keys WHERE kind = 'signing' ORDER BY active_from";
    let days = |at: String| (at.parse::<i64>().unwrap() - START.ms()) / 86_400_000;
    server.db.texts(sql).await.into_iter().map(days).collect()
}

#[tokio::test]
async fn of_several_instances_one_replaces_a_signing_key_that_is_old() {
    let server = TestServer::start().await;
    let app = server.app();
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    server.advance(89 * DAY);
    app.upkeep(one).await.unwrap();
    assert_eq!(signing_days(&server).await, [0], "too soon");
    server.advance(DAY);
    let (first, second) = tokio::join!(app.upkeep(one), app.upkeep(two));
    let done = [first.unwrap(), second.unwrap()].concat();
    assert_eq!(done.iter().filter(|job| **job == Job::Rotation).count(), 1);
    assert_eq!(signing_days(&server).await, [0, 90]);
    let by = "SELECT actor FROM audit_events WHERE event = 'keys.rotated'";
    assert_eq!(server.db.texts(by).await, ["system"]);
    let token = server.registered("ada@example.com").await.access_token;
    assert_eq!(server.raw_me(&token).await.status, 200);

    // Neither the one that is to sign soon nor a young one is replaced, whoever looks.
    for by in [Duration::from_secs(60), DAY, 88 * DAY] {
        server.advance(by);
        app.upkeep(Uuid::now_v7()).await.unwrap();
        assert_eq!(signing_days(&server).await.last(), Some(&90));
    }
    // Whoever did it has died. The first key is forgotten: nobody comes back with what it signed.
    server.advance(2 * DAY);
    app.upkeep(two).await.unwrap();
    assert_eq!(signing_days(&server).await, [90, 181]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_clock_that_was_ahead_puts_no_rotation_off() {
    let server = TestServer::start().await;
    let app = server.app();
    server.clock.jump_to(START.plus(1000 * DAY));
    app.upkeep(Uuid::now_v7()).await.unwrap();
    assert_eq!(signing_days(&server).await, [0, 1000]);
    server.clock.jump_to(START.plus(DAY));
    app.upkeep(Uuid::now_v7()).await.unwrap();
    let tokens = server.registered("ada@example.com").await;
    assert_eq!(server.raw_me(&tokens.access_token).await.status, 200);
    server.clock.jump_to(START.plus(91 * DAY));
    app.upkeep(Uuid::now_v7()).await.unwrap();
    assert_eq!(signing_days(&server).await, [0, 91]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn keys_are_left_to_the_operator_with_a_period_of_zero() {
    let server = TestServer::start_with(|config| {
        config.keys.rotation_period = bp_auth_server::config::Seconds::ZERO;
    })
    .await;
    server.advance(1000 * DAY);
    server.app().upkeep(Uuid::now_v7()).await.unwrap();
    assert_eq!(signing_days(&server).await, [0]);
    assert_eq!(server.db.audited("keys.rotated").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn processes_that_are_killed_leave_what_is_due_to_others() {
    // One that has ended is only a row that is still to be removed.
    const HELD: &str = "SELECT count(*) FROM leases WHERE name LIKE 'job:%' AND until > 0";
    const ROTATED: &str = "SELECT count(*) FROM audit_events WHERE event = 'keys.rotated'";
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        drop(bench.serve());
        let db = bench.db().await;
        for round in 1..=3 {
            // A quarter of a year goes by, in which nobody runs.
            db.execute(
                "UPDATE keys SET active_from = active_from - 7900000000, \
                 retires_at = retires_at - 7900000000",
            )
            .await;
            db.execute("UPDATE leases SET until = 0").await;
            db.execute(
                "INSERT INTO password_failures \
                 (account, network, failures, blocked_until, updated_at) \
                 VALUES ('nobody', '127.0.0.1', 1, 0, 0)",
            )
            .await;
            // What a process looks for first is what is due, so the first of three dies over it, and
            // whatever it has taken is given up a period later.
            let (first, _others) = (bench.serve(), [bench.serve(), bench.serve()]);
            drop(first);
            db.execute("UPDATE leases SET until = 0").await;
            let _late = bench.serve();
            for _ in 0..1000 {
                let (rotated, over) = (db.number(ROTATED).await, "password_failures");
                let all_held = db.number(HELD).await == Job::ALL.len() as i64;
                if rotated == round && db.count(over).await == 0 && all_held {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(db.number(HELD).await, Job::ALL.len() as i64);
            assert_eq!(db.count("password_failures").await, 0);
            assert_eq!(db.number(ROTATED).await, round, "once for all of them");
        }
        bench.done(&["check"]);
    }
}
