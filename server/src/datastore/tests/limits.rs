use super::*;

const FREE: i64 = 5;
const BASE: i64 = 2_000;
const MAX: i64 = 900_000;

async fn reserve(store: &Datastore, network: &str, now: i64) -> Reservation {
    store
        .password_attempt_reserve("ada", network, now, FREE, BASE, MAX)
        .await
        .unwrap()
}

#[tokio::test]
async fn wrong_passwords_cost_a_doubling_delay() {
    let scene = Scene::new().await;
    let store = &scene.store;
    for attempt in 1..=FREE {
        let granted = reserve(store, "192.0.2.1", NOW).await;
        assert_eq!(granted, Reservation::Granted, "attempt {attempt}");
    }
    let mut now = NOW;
    for delay in [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
        let until = now + delay * 1000;
        for inside in [now, until - 1] {
            let blocked = reserve(store, "192.0.2.1", inside).await;
            assert_eq!(blocked, Reservation::Blocked { until });
        }
        now = until;
        let granted = reserve(store, "192.0.2.1", now).await;
        assert_eq!(granted, Reservation::Granted, "after {delay} s");
    }

    let elsewhere = reserve(store, "198.51.100.7", now).await;
    assert_eq!(elsewhere, Reservation::Granted);

    let txn = store.begin().await.unwrap();
    let reset = txn.password_failures_reset("ada", "192.0.2.1").await;
    assert!(reset.unwrap());
    txn.commit().await.unwrap();
    for _ in 0..FREE {
        let granted = reserve(store, "192.0.2.1", now).await;
        assert_eq!(granted, Reservation::Granted);
    }
}

#[tokio::test]
async fn a_single_free_attempt_is_followed_by_a_delay() {
    let scene = Scene::new().await;
    for free in [0, 1] {
        let account = free.to_string();
        let first = scene
            .store
            .password_attempt_reserve(&account, "n", NOW, free, BASE, MAX);
        assert_eq!(first.await.unwrap(), Reservation::Granted);
        let second = scene
            .store
            .password_attempt_reserve(&account, "n", NOW, free, BASE, MAX);
        let until = NOW + BASE;
        assert_eq!(second.await.unwrap(), Reservation::Blocked { until });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_get_no_more_than_the_free_ones() {
    let scene = Scene::new().await;
    let granted = winners(&scene.store, 16, |txn| async move {
        let reservation = txn
            .password_attempt_reserve("ada", "n", NOW, FREE, BASE, MAX)
            .await?;
        Ok(reservation == Reservation::Granted)
    });
    assert_eq!(granted.await, 5);
}

#[tokio::test]
async fn a_window_slides() {
    let scene = Scene::new().await;
    let store = &scene.store;
    let take = |now| store.rate_take("b", now, MINUTE, 2);
    assert!(matches!(take(NOW).await.unwrap(), Taken::Granted(_)));
    let Taken::Granted(second) = take(NOW + 10).await.unwrap() else {
        panic!("the second of two must be granted");
    };
    let retry_at = NOW + MINUTE;
    let limited = Taken::Limited { retry_at };
    assert_eq!(take(NOW + 20).await.unwrap(), limited);
    assert_eq!(take(retry_at - 1).await.unwrap(), limited);
    let elsewhere = store.rate_take("other", NOW + 20, MINUTE, 2).await;
    assert!(matches!(elsewhere.unwrap(), Taken::Granted(_)));

    let txn = store.begin().await.unwrap();
    assert!(txn.rate_give_back(&second).await.unwrap());
    assert!(!txn.rate_give_back(&second).await.unwrap());
    txn.commit().await.unwrap();
    assert!(matches!(take(NOW + 20).await.unwrap(), Taken::Granted(_)));
    assert!(matches!(take(retry_at).await.unwrap(), Taken::Granted(_)));

    for limit in [0, -1] {
        let never = store.rate_take("none", NOW, MINUTE, limit).await.unwrap();
        assert_eq!(never, limited);
    }
}

#[tokio::test]
async fn a_lowered_limit_waits_for_enough_events_to_leave() {
    let scene = Scene::new().await;
    for at in [0, 10, 20, 30] {
        scene
            .store
            .rate_take("b", NOW + at, MINUTE, 4)
            .await
            .unwrap();
    }
    let taken = scene.store.rate_take("b", NOW + 40, MINUTE, 2).await;
    let retry_at = NOW + 20 + MINUTE;
    assert_eq!(taken.unwrap(), Taken::Limited { retry_at });
}

#[tokio::test]
async fn a_refusal_counts_nothing_and_a_returned_event_is_only_ones_own() {
    let scene = Scene::new().await;
    let store = &scene.store;
    let take = |now| store.rate_take("b", now, MINUTE, 2);
    // Both in the same millisecond: only their numbers tell them apart.
    let Taken::Granted(first) = take(NOW).await.unwrap() else {
        panic!("the first of two must be granted");
    };
    assert!(matches!(take(NOW).await.unwrap(), Taken::Granted(_)));
    for late in 1..50 {
        let limited = Taken::Limited {
            retry_at: NOW + MINUTE,
        };
        assert_eq!(take(NOW + late).await.unwrap(), limited);
    }
    let txn = store.begin().await.unwrap();
    assert!(txn.rate_give_back(&first).await.unwrap());
    assert!(!txn.rate_give_back(&first).await.unwrap());
    txn.commit().await.unwrap();
    assert!(matches!(take(NOW + 60).await.unwrap(), Taken::Granted(_)));
    let retry_at = NOW + MINUTE;
    assert_eq!(take(NOW + 61).await.unwrap(), Taken::Limited { retry_at });
    // Rolled back is as good as never taken.
    let txn = store.begin().await.unwrap();
    let taken = txn.rate_take("b", NOW + MINUTE, MINUTE, 2).await.unwrap();
    assert!(matches!(taken, Taken::Granted(_)));
    txn.rollback().await.unwrap();
    let taken = take(NOW + MINUTE).await.unwrap();
    assert!(matches!(taken, Taken::Granted(_)));
}

#[tokio::test]
async fn a_clock_that_was_ahead_locks_no_bucket_for_longer_than_its_window() {
    let scene = Scene::new().await;
    let store = &scene.store;
    let take = |now| store.rate_take("b", now, MINUTE, 2);
    let ahead = NOW + 400 * DAY;
    for now in [ahead, ahead + 1] {
        assert!(matches!(take(now).await.unwrap(), Taken::Granted(_)));
    }
    // Nothing is forgotten either: what was used up ahead of time is used up.
    let retry_at = NOW + MINUTE;
    for now in [NOW, NOW + 1, retry_at - 1] {
        assert_eq!(take(now).await.unwrap(), Taken::Limited { retry_at });
    }
    for now in [retry_at, retry_at + 1] {
        assert!(matches!(take(now).await.unwrap(), Taken::Granted(_)));
    }
    // Back by an hour, and the two still count.
    let back = NOW - 60 * MINUTE;
    let retry_at = back + MINUTE;
    assert_eq!(take(back).await.unwrap(), Taken::Limited { retry_at });
}

#[tokio::test]
async fn a_clock_that_was_ahead_delays_no_password_for_longer_than_the_longest_delay() {
    let scene = Scene::new().await;
    let ahead = NOW + 400 * DAY;
    for _ in 0..FREE {
        let granted = reserve(&scene.store, "n", ahead).await;
        assert_eq!(granted, Reservation::Granted);
    }
    // The failures still count: the next one is followed by the next longer delay.
    let granted = reserve(&scene.store, "n", NOW).await;
    assert_eq!(granted, Reservation::Granted);
    let until = NOW + 2 * BASE;
    for now in [NOW, until - 1] {
        let blocked = reserve(&scene.store, "n", now).await;
        assert_eq!(blocked, Reservation::Blocked { until });
    }
    // Set back by a little, the delay is as much longer, and no attempt is revived.
    let blocked = reserve(&scene.store, "n", NOW - MINUTE).await;
    assert_eq!(blocked, Reservation::Blocked { until });
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_takers_share_one_limit() {
    let scene = Scene::new().await;
    let granted = winners(&scene.store, 16, |txn| async move {
        let taken = txn.rate_take("b", NOW, MINUTE, 3).await?;
        Ok(matches!(taken, Taken::Granted(_)))
    });
    assert_eq!(granted.await, 3);
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_ends() {
    let scene = Scene::new().await;
    let txn = scene.store.begin().await.unwrap();
    for (holder, now, granted) in [
        ("one", NOW, true),
        ("two", NOW + 1, false),
        ("one", NOW + 2, true),
        ("two", NOW + MINUTE + 2, true),
    ] {
        let taken = txn.lease_take("purge", holder, now, now + MINUTE).await;
        assert_eq!(taken.unwrap(), granted, "{holder} at {now}");
    }
    assert!(!txn.lease_release("purge", "one").await.unwrap());
    assert!(txn.lease_release("purge", "two").await.unwrap());
}

#[tokio::test]
async fn an_upgrade_gives_nobody_new_tries() {
    let scene = Scene::before_step(2).await;
    let rows: Vec<String> = [0, 10, 10]
        .iter()
        .zip(1..)
        .map(|(at, id)| {
            let id = match scene.database {
                None => format!("x'0{id}'"),
                Some(_) => "gen_random_uuid()".to_owned(),
            };
            format!("({id}, 'b', {})", NOW + at)
        })
        .collect();
    scene
        .sql(&format!(
            "INSERT INTO rate_events (id, bucket, at) VALUES {}; \
             INSERT INTO password_failures (account, network, failures, blocked_until, updated_at) \
             VALUES ('ada', 'n', 5, {}, {NOW})",
            rows.join(", "),
            NOW + BASE
        ))
        .await;
    scene.store.migrations_apply().await.unwrap();

    let take = |now| scene.store.rate_take("b", now, MINUTE, 3);
    let retry_at = NOW + MINUTE;
    assert_eq!(take(NOW + 20).await.unwrap(), Taken::Limited { retry_at });
    assert!(matches!(take(retry_at).await.unwrap(), Taken::Granted(_)));
    let retry_at = NOW + 10 + MINUTE;
    let limited = take(NOW + MINUTE + 1).await.unwrap();
    assert_eq!(limited, Taken::Limited { retry_at });
    let blocked = reserve(&scene.store, "n", NOW).await;
    let until = NOW + BASE;
    assert_eq!(blocked, Reservation::Blocked { until });
}

#[tokio::test]
async fn a_level_grants_as_many_as_it_holds_and_falls_evenly() {
    let scene = Scene::new().await;
    let take = async |now: i64| {
        let txn = scene.store.begin().await.unwrap();
        let taken = txn.rate_level_take("l", now, MINUTE, 4).await.unwrap();
        txn.commit().await.unwrap();
        taken
    };
    for _ in 0..4 {
        assert!(matches!(take(NOW).await, Taken::Granted(_)));
    }
    let step = MINUTE / 4;
    let full = |retry_at| Taken::Limited { retry_at };
    assert_eq!(take(NOW).await, full(NOW + step));
    assert_eq!(take(NOW + step - 1).await, full(NOW + step));
    let event = match take(NOW + step).await {
        Taken::Granted(event) => event,
        limited => panic!("{limited:?}"),
    };
    assert_eq!(take(NOW + step).await, full(NOW + 2 * step));
    // What is given back is there for somebody else.
    let txn = scene.store.begin().await.unwrap();
    assert!(txn.rate_give_back(&event).await.unwrap());
    txn.commit().await.unwrap();
    assert!(matches!(take(NOW + step).await, Taken::Granted(_)));
    // A clock that was ahead has left no more than a full level.
    assert_eq!(take(NOW - 9 * MINUTE).await, full(NOW - 9 * MINUTE + step));
    for limit in [0, -1] {
        let txn = scene.store.begin().await.unwrap();
        let never = txn.rate_level_take("none", NOW, MINUTE, limit).await;
        assert_eq!(never.unwrap(), full(NOW + MINUTE));
    }
    let purged = scene.store.purge(NOW + DAY, 10).await.unwrap();
    assert!(purged.contains(&("rate_levels", 1)), "{purged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_takers_of_a_level_get_no_more_than_it_holds() {
    let scene = Scene::new().await;
    let granted = winners(&scene.store, 16, |txn| async move {
        let taken = txn.rate_level_take("l", NOW, MINUTE, 3).await?;
        Ok(matches!(taken, Taken::Granted(_)))
    });
    assert_eq!(granted.await, 3);
}

#[tokio::test]
async fn an_account_knows_the_networks_that_it_was_used_from_last() {
    let scene = Scene::new().await;
    let note = async |network: &str, now: i64| {
        let txn = scene.store.begin().await.unwrap();
        txn.known_network_note(scene.user.id, network, now, now - DAY, 2)
            .await
            .unwrap();
        txn.commit().await.unwrap();
    };
    let known = async |network: &str| {
        let key = &scene.user.email_key;
        scene.store.known_network_is(key, network).await.unwrap()
    };
    assert!(!known("a").await);
    for (network, at) in [("a", 0), ("b", 1), ("a", DAY + 1), ("c", DAY + 2)] {
        note(network, NOW + at).await;
    }
    assert!(known("a").await && known("c").await && !known("b").await);
    let other = scene.store.known_network_is("nobody@example.org", "a");
    assert!(!other.await.unwrap());
    let purged = scene.store.known_networks_purge(NOW + DAY + 2, 10).await;
    assert_eq!(purged.unwrap(), 1);
    assert!(!known("a").await && known("c").await);
}
