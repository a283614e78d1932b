use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::worker::back_off;
use super::worker_bench::{Answer, Bench, CODE, START, seal};
use crate::app::message::{Message, SmsPurpose};
use crate::app::seal::Sealer;

#[tokio::test]
async fn mails_and_sms_are_sent_and_their_payloads_wiped() {
    let bench = Bench::new([]);
    let mail = bench.add("ada@example.org", &Message::RegisterAttempt);
    let code = bench.add_code();
    assert_eq!(bench.turn().await, 2);
    assert_eq!((bench.state(mail), bench.state(code)), ("sent", "sent"));
    assert_eq!(bench.row(code, |row| row.payload.clone()), "");
    let sent = bench.transport.sent.lock().unwrap();
    assert!(
        sent[0]
            .1
            .contains(&format!("Message-ID: <{mail}@auth.example.com>"))
    );
    assert!(
        sent[1]
            .1
            .starts_with("+4915112345678 493027 is your code to sign in")
    );
}

#[tokio::test]
async fn a_temporary_failure_backs_off_then_sends_once() {
    let bench = Bench::new([Answer::Temporary("451 later\r\nplease")]);
    let id = bench.add_code();
    assert_eq!(bench.turn().await, 1);
    assert_eq!(bench.state(id), "pending");
    assert_eq!(
        bench.row(id, |row| row.last_error.clone()),
        "451 later  please"
    );
    // Not before the back-off of one to two seconds is over.
    bench.clock.advance(Duration::from_millis(999));
    assert_eq!(bench.turn().await, 0);
    bench.clock.advance(Duration::from_millis(1001));
    assert_eq!(bench.turn().await, 1);
    assert_eq!(bench.state(id), "sent");
    bench.clock.advance(Duration::from_secs(120));
    assert_eq!(bench.turn().await, 0);
    assert_eq!(
        (bench.sent(), *bench.transport.calls.lock().unwrap()),
        (1, 2)
    );
}

#[tokio::test]
async fn the_twelfth_failure_is_the_last() {
    let failures = (0..20).map(|_| Answer::Temporary("421 closed"));
    let bench = Bench::new(failures);
    let id = bench.add_code();
    bench.store.rows.lock().unwrap()[0].expires_at = START.plus(Duration::from_secs(86_400));
    for attempt in 1..=12 {
        assert_eq!(bench.state(id), "pending", "attempt {attempt}");
        assert_eq!(bench.turn().await, 1);
        bench.clock.advance(Duration::from_secs(600));
    }
    assert_eq!(bench.state(id), "dead");
    assert_eq!(bench.turn().await, 0);
    assert_eq!(bench.row(id, |row| row.last_error.clone()), "421 closed");
}

#[tokio::test]
async fn a_permanent_failure_is_the_last() {
    let bench = Bench::new([Answer::Permanent("550 no such user")]);
    let id = bench.add("ada@example.org", &Message::RegisterAttempt);
    bench.turn().await;
    assert_eq!(bench.state(id), "dead");
    assert_eq!(bench.row(id, |row| row.payload.clone()), "");
}

#[tokio::test]
async fn an_expired_message_is_never_sent() {
    let bench = Bench::new([Answer::Temporary("451 later")]);
    let id = bench.add_code();
    bench.turn().await;
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.turn().await, 0);
    assert_eq!(bench.state(id), "expired");
    assert_eq!(bench.sent(), 0);
}

#[tokio::test]
async fn what_cannot_be_sent_is_dead_and_its_error_quotes_nothing() {
    let bench = Bench::new([]);
    let code = Message::SmsCode {
        code: CODE.to_owned(),
        purpose: SmsPurpose::Login,
        expires_minutes: 10,
    };
    let sealed = |text: &str, id: Uuid, recipient: &str| {
        seal(&bench.worker.sealer, id, recipient, text.as_bytes())
    };
    let (id, redirected) = (Uuid::now_v7(), Uuid::now_v7());
    let attempt = serde_json::to_string(&Message::RegisterAttempt).unwrap();
    let dead = [
        bench.add("0151 12345678", &code),
        bench.add("+49 151", &code),
        bench.add("+1\nTo: +2", &code),
        bench.add("ada", &Message::RegisterAttempt),
        // Sealed for another row, and for another recipient.
        bench.add_sealed(
            Uuid::now_v7(),
            "ada@example.org",
            sealed(&attempt, id, "ada@example.org"),
        ),
        bench.add_sealed(
            redirected,
            "eve@example.org",
            sealed(&attempt, redirected, "ada@example.org"),
        ),
    ];
    let unreadable = sealed(&format!("{{\"kind\":\"{CODE}\"}}"), id, "+1");
    let unreadable = bench.add_sealed(id, "+1", unreadable);
    let key = Uuid::now_v7();
    let other = seal(&Sealer::new([("k2", &[2; 32])]), key, "+1", b"{}");
    let unknown_key = bench.add_sealed(key, "+1", other);
    assert_eq!(bench.turn().await, 8);
    for id in dead {
        assert_eq!(bench.state(id), "dead");
    }
    // A newer instance may be able to send these.
    assert_eq!(
        (bench.state(unreadable), bench.state(unknown_key)),
        ("pending", "pending")
    );
    for row in bench.store.rows.lock().unwrap().iter() {
        assert!(!row.last_error.is_empty());
        assert!(!row.last_error.contains(CODE), "{}", row.last_error);
        assert!(!row.last_error.contains("151"), "{}", row.last_error);
    }
    assert_eq!(bench.sent(), 0);
}

#[tokio::test]
async fn a_transport_that_panics_or_hangs_holds_up_nobody() {
    let bench = Bench::new([Answer::Panic, Answer::Hang]);
    let panicked = bench.add_code();
    let hung = bench.add_code();
    let fine = bench.add_code();
    assert_eq!(bench.turn().await, 3);
    assert_eq!(bench.state(fine), "sent");
    assert_eq!(
        bench.row(panicked, |row| row.last_error.clone()),
        "delivery panicked"
    );
    assert_eq!(
        bench.row(hung, |row| row.last_error.clone()),
        "the transport took too long"
    );
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(bench.turn().await, 2);
    assert_eq!(bench.sent(), 3);
}

#[test]
fn the_back_off_doubles_up_to_ten_minutes_and_at_most_half_of_it_is_cut() {
    let seconds = |attempts, fraction| back_off(attempts, fraction).as_secs_f64();
    let full: Vec<_> = (1..=12).map(|attempts| seconds(attempts, 1.0)).collect();
    let expected = [
        2., 4., 8., 16., 32., 64., 128., 256., 512., 600., 600., 600.,
    ];
    assert_eq!(full, expected);
    assert_eq!(seconds(1, 0.0), 1.0);
    assert_eq!(seconds(3, 0.5), 6.0);
    assert_eq!(seconds(u32::MAX, 0.0), 300.0);
}

#[tokio::test]
async fn the_loop_wakes_up_survives_its_store_and_stops_when_told() {
    let bench = Arc::new(Bench::new([Answer::Temporary("451 later")]));
    let (stop, stopped) = watch::channel(false);
    let running = {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.worker.run(stopped).await })
    };
    let sent = async |count: usize| {
        while bench.sent() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let soon = async |count: usize| {
        tokio::time::timeout(Duration::from_secs(4), sent(count))
            .await
            .is_ok()
    };
    let id = bench.add_code();
    bench.worker.wake.notify_one();
    while bench.row(id, |row| row.last_error.is_empty()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.clock.advance(Duration::from_secs(2));
    assert!(
        soon(1).await,
        "the loop looks again by itself when the next attempt is due"
    );

    for _ in 0..40 {
        bench.add_code();
    }
    bench.worker.wake.notify_one();
    assert!(
        soon(41).await,
        "a full batch is followed by the next at once"
    );

    *bench.store.down.lock().unwrap() = true;
    bench.add_code();
    bench.worker.wake.notify_one();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(bench.sent(), 41);
    *bench.store.down.lock().unwrap() = false;
    bench.worker.wake.notify_one();
    assert!(
        soon(42).await,
        "the loop goes on when the store answers again"
    );

    stop.send(true).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(1), running).await;
    ended.expect("the loop stops when told").unwrap();
}

#[tokio::test]
async fn a_message_sealed_with_a_key_that_is_new_is_sent_at_once() {
    let bench = Bench::new([]);
    let id = Uuid::now_v7();
    let json = serde_json::to_vec(&Message::RegisterAttempt).unwrap();
    let other = Sealer::new([("k2", &[2; 32])]);
    let payload = seal(&other, id, "ada@example.org", &json);
    bench.add_sealed(id, "ada@example.org", payload);
    let sealer = bench.worker.sealer.clone();
    let learn = move || sealer.replace([("k1", &[1; 32]), ("k2", &[2; 32])]);
    *bench.store.news.lock().unwrap() = Some(Box::new(learn));
    assert_eq!(bench.turn().await, 1);
    assert_eq!((bench.state(id), bench.sent()), ("sent", 1));
    assert_eq!(bench.row(id, |row| row.attempts), 1);
}
