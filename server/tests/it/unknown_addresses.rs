//! An address without an account does the work of one that has: the kinds of hash that imported accounts
//! have, as the rows say.

use std::collections::BTreeMap;
use std::time::Duration;

use bp_auth_server::app::clock::Clock;
use uuid::Uuid;

use crate::support::{PASSWORD, TestServer};

const BCRYPT: &str = "$2b$04$3Til5J6PRDpHSiEfHLIIC.ReHQLW2EPgPhKvuJEguOierVvtoGWTq";

fn kinds_of_strangers(server: &TestServer) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for n in 0..400 {
        let drawn = server
            .app()
            .hasher
            .kinds
            .draw(&format!("stranger{n}@example.com"));
        let kind = drawn.and_then(|hash| hash.kind());
        *kinds
            .entry(kind.unwrap_or_else(|| "ours".to_owned()))
            .or_default() += 1;
    }
    kinds
}

async fn look_again(server: &TestServer) {
    server.advance(Duration::from_secs(600));
    server.app().upkeep(Uuid::now_v7()).await.unwrap();
}

#[tokio::test]
async fn strangers_draw_from_the_hashes_that_there_are() {
    let server = TestServer::start().await;
    for name in ["ada", "bob", "cyd", "dan"] {
        server.register(&format!("{name}@example.com")).await;
    }
    look_again(&server).await;
    assert_eq!(
        kinds_of_strangers(&server),
        BTreeMap::from([("ours".to_owned(), 400)])
    );

    // As an import of an older release has left them: nobody has noted the kind yet.
    let imported = format!(
        "UPDATE users SET password_hash = '{BCRYPT}', hash_kind = '' \
         WHERE email_key IN ('bob@example.com', 'cyd@example.com', 'dan@example.com')"
    );
    server.db.execute(&imported).await;
    look_again(&server).await;
    let noted = "SELECT hash_kind FROM users WHERE hash_kind IS NOT NULL";
    assert_eq!(server.db.texts(noted).await, ["bcrypt 4 plain"; 3]);
    let kinds = kinds_of_strangers(&server);
    let bcrypt = kinds["bcrypt 4 plain"];
    assert!(
        (260..=340).contains(&bcrypt) && bcrypt + kinds["ours"] == 400,
        "{kinds:?}"
    );

    // The wrong password of either kind is refused alike.
    for n in 0..8 {
        let refused = server
            .raw_login(&format!("stranger{n}@example.com"), PASSWORD)
            .await;
        assert_eq!(refused.refusal(), (401, "invalid_credentials".to_owned()));
    }
    let right = server
        .raw_login("bob@example.com", "Tulpe-Kanu-9 grün")
        .await;
    assert_eq!(right.status, 200, "{}", right.body);
    assert_eq!(
        server.db.texts(noted).await,
        ["bcrypt 4 plain"; 2],
        "the login replaced a hash"
    );
    server.stop_and_check().await;
}

/// No number of rounds is zero in a hash of an account; here the drawn hash is one that cannot be made, so
/// that a login which skipped it would be a plain 401.
#[tokio::test]
async fn the_work_of_what_was_drawn_is_done() {
    let server = TestServer::start().await;
    let kinds = vec![(Some("scrypt 4 8 1 0".to_owned()), 1)];
    server.app().hasher.kinds.replace(kinds, server.clock.now());
    let answer = server.raw_login("stranger@example.com", PASSWORD).await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    server.stop_and_check().await;
}
