//! What only a database with many writers can get wrong. Always run where PostgreSQL is found; all
//! other tests run on it with `BP_AUTH_TEST_DATABASE=postgres` or `postgres-serializable`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bp_auth_server::config::{Config, HashProfile, SecretText};
use bp_auth_server::datastore::{Datastore, Taken, retried};
use futures::future::join_all;
use tempfile::TempDir;

use crate::support::http::{refused, send};
use crate::support::postgres::{Database, Kind, database, empty_database};
use crate::support::process::Bench;
use crate::support::{RefreshSecret, START, TestServer, refusal};

const EMAIL: &str = "ada@example.com";
const BOTH: [Kind; 2] = [Kind::Postgres, Kind::Serializable];
const PRODUCTION: &str = "mode = \"production\"\nserver.public_url = \"https://auth.example.com\"\n\
                          delivery.acknowledge_file = true\nsms.allowed_countries = [\"DE\"]\n\
                          security.hsts_max_age = \"365d\"\n";

fn config(database: &Database, data: &TempDir) -> Config {
    let mut config = Config::default();
    config.data_dir = data.path().join("data");
    config.server.bind = "127.0.0.1:0".parse().expect("an address");
    config.hash.profile = HashProfile::Cheap;
    config.database.url = SecretText::new(&database.url);
    // As behind one public address.
    config.tokens.issuer = Some("https://auth.example.com".to_owned());
    config
}

#[tokio::test]
async fn servers_that_migrate_together_run_each_step_once() {
    for kind in BOTH {
        let Some(database) = empty_database(kind) else {
            return;
        };
        let stores = join_all((0..4).map(|_| Datastore::connect(&database.url))).await;
        let stores: Vec<Datastore> = stores.into_iter().map(|store| store.unwrap()).collect();
        let pending = stores[0].migrations_pending().await.unwrap();
        assert!(!pending.is_empty());
        let applied = join_all(stores.iter().map(Datastore::migrations_apply)).await;
        let mut applied: Vec<_> = applied.into_iter().map(|it| it.unwrap()).collect();
        applied.retain(|steps| !steps.is_empty());
        assert_eq!(applied, [pending]);
        assert!(stores[3].migrations_pending().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bucket_grants_its_limit_to_those_who_come_at_once() {
    for kind in BOTH {
        let Some(database) = database(kind) else {
            return;
        };
        let store = Datastore::connect(&database.url).await.unwrap();
        let store = Arc::new(store);
        let takers = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.rate_take("b", START.ms(), 60_000, 5).await })
        });
        let taken = join_all(takers).await;
        let granted = taken
            .into_iter()
            .filter(|taken| matches!(taken, Ok(Ok(Taken::Granted(_)))))
            .count();
        assert_eq!(granted, 5);
        let next = store.rate_take("b", START.ms(), 60_000, 6).await.unwrap();
        assert!(matches!(next, Taken::Granted(_)), "refusals counted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_on_one_database_are_as_one() {
    for kind in BOTH {
        let Some(database) = database(kind) else {
            return;
        };
        let data = TempDir::new().unwrap();
        let servers = [
            TestServer::start_configured(TempDir::new().unwrap(), config(&database, &data), None),
            TestServer::start_configured(TempDir::new().unwrap(), config(&database, &data), None),
        ];
        let [one, two] = servers;
        let one = one.await;
        let two = two.await;
        one.register(EMAIL).await;
        let tokens = two.login(EMAIL).await;
        let me = one.bearer(&tokens.access_token).me().send().await;
        assert_eq!(me.unwrap().email, EMAIL);

        // One token, refreshed at both at once: one wins, and the family ends.
        let token = tokens.refresh_secret().expose();
        let tries = (0..12).map(|n| {
            let server = if n % 2 == 0 { &one } else { &two };
            send(server.http().refresh(token))
        });
        let answers = join_all(tries).await;
        let won = answers.iter().filter(|it| it.status == 200).count();
        assert_eq!(won, 1, "{answers:?}");
        for answer in answers.iter().filter(|it| it.status != 200) {
            assert_eq!(answer.verdict(), "401 token_reused");
        }
        assert_eq!(one.db.audited("refresh.token_reused").await, 1);

        // Wrong passwords at both count together.
        let mut verdicts = Vec::new();
        for n in 0..8 {
            let server = if n % 2 == 0 { &one } else { &two };
            let answer = server.password_login(EMAIL, "wrong password").await;
            verdicts.push(refusal(answer).0);
        }
        assert_eq!(verdicts, [401, 401, 401, 401, 401, 429, 429, 429]);
        one.stop_and_check().await;
        two.stop_and_check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_that_wait_for_each_other_are_both_done_in_the_end() {
    for kind in BOTH {
        let Some(database) = database(kind) else {
            return;
        };
        let data = TempDir::new().unwrap();
        let server =
            TestServer::start_configured(TempDir::new().unwrap(), config(&database, &data), None)
                .await;
        let ada = server.register(EMAIL).await.id;
        let bob = server.register("bob@example.com").await.id;
        let store = &server.app().store;
        let tries = AtomicUsize::new(0);
        let lock = async |first, second| {
            retried(|| async {
                let turn = tries.fetch_add(1, Ordering::Relaxed);
                let txn = store.begin().await?;
                txn.user_lock(first).await?;
                if turn < 2 {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                txn.user_lock(second).await?;
                txn.commit().await
            })
            .await
        };
        let (one, two) = tokio::join!(lock(ada, bob), lock(bob, ada));
        one.unwrap();
        two.unwrap();
        assert!(tries.into_inner() > 2, "they did not meet");
        server.stop_and_check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_that_is_not_given_up_costs_others_three_seconds() {
    let Some(database) = database(Kind::Postgres) else {
        return;
    };
    let data = TempDir::new().unwrap();
    let server =
        TestServer::start_configured(TempDir::new().unwrap(), config(&database, &data), None).await;
    let user = server.register(EMAIL).await;
    let txn = server.app().store.begin().await.unwrap();
    txn.user_lock(user.id).await.unwrap();
    let asked = Instant::now();
    let answer = send(server.http().login(EMAIL)).await;
    let took = asked.elapsed();
    refused(&answer, 503, "overloaded");
    assert!(answer.retry_after() >= 1);
    // What the machine under test adds is no part of the promise.
    assert!(took < Duration::from_millis(3500), "{took:?}");
    txn.rollback().await.unwrap();
    server.login(EMAIL).await;
    server.stop_and_check().await;
}

#[test]
fn a_server_that_may_not_migrate_refuses_to_serve() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut bench = Bench::empty(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        bench.unset("BP_AUTH_HASH__PROFILE");
        bench.write("bp-auth.toml", PRODUCTION);
        let said = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
        assert!(said.contains("bp-auth migrate"), "{said}");
        assert!(bench.fails(&["migrate", "--check"]).contains("pending: "));
        assert!(
            bench
                .serve_with(&["--migrate"])
                .terminate()
                .status
                .success()
        );
        assert_eq!(bench.done(&["migrate", "--check"]), "");
        assert!(bench.serve().terminate().status.success());
    }
}
