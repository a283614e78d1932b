//! A login with a password that attackers try first is a login like any other; its owner is told once.

use bp_auth_server::app::network::Networks;
use bp_auth_server::app::password::Plain;

use crate::support::TestServer;

/// An account whose password was chosen before there was a list, or elsewhere.
async fn with_password(server: &TestServer, email: &str, password: &str) {
    server.register(email).await;
    let hasher = &server.app().hasher;
    let permit = hasher.permit_aside(&Networks::operator()).await.unwrap();
    let hash = hasher
        .hash(permit, Plain::presented(password).unwrap())
        .await
        .unwrap();
    let sql = format!("UPDATE users SET password_hash = '{hash}' WHERE email_key = '{email}'");
    server.db.execute(&sql).await;
}

#[tokio::test]
async fn the_account_is_marked_and_its_owner_told_once() {
    let server = TestServer::start().await;
    with_password(&server, "ada@example.com", "Summer2024!").await;
    with_password(&server, "quillfeather@example.com", "Quillfeather77").await;
    server.register("eve@example.com").await;
    let marked = "SELECT count(*) FROM users WHERE password_common_at IS NOT NULL";
    for wrong in ["Summer2023!", "password1"] {
        assert_eq!(server.raw_login("ada@example.com", wrong).await.status, 401);
    }
    server.login("eve@example.com").await;
    assert_eq!(
        server.db.number(marked).await,
        0,
        "a wrong or a good password"
    );

    let told = async |email: &str| {
        let mails = server.mails_to(email).await;
        mails
            .iter()
            .filter(|mail| mail.subject.contains("easy to guess"))
            .count()
    };
    // At once, and once more: the row decides who was first.
    let (one, two) = tokio::join!(
        server.raw_login("ada@example.com", "Summer2024!"),
        server.raw_login("ada@example.com", "Summer2024!")
    );
    assert_eq!((one.status, two.status), (200, 200));
    let again = server.raw_login("ada@example.com", "Summer2024!").await;
    assert_eq!(again.status, 200);
    assert_eq!(server.db.number(marked).await, 1);
    assert_eq!(
        server
            .raw_login("quillfeather@example.com", "Quillfeather77")
            .await
            .status,
        200
    );
    assert_eq!(server.db.number(marked).await, 2, "a word of the context");
    assert_eq!(server.db.audited("user.password_common").await, 2);
    assert_eq!(
        (
            told("ada@example.com").await,
            told("quillfeather@example.com").await
        ),
        (1, 1)
    );
    assert_eq!(told("eve@example.com").await, 0);
    let metrics = server.app().scrape().await.unwrap();
    assert!(
        metrics.contains("bp_auth_common_passwords_total 2"),
        "{metrics}"
    );

    // The mail does not say which password it was.
    for mail in server.mails_to("ada@example.com").await {
        assert!(!mail.source.contains("Summer2024"), "{}", mail.source);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_suspended_account_is_not_marked() {
    let server = TestServer::start().await;
    with_password(&server, "ada@example.com", "Summer2024!").await;
    server
        .db
        .execute("UPDATE users SET state = 'suspended'")
        .await;
    assert_eq!(
        server
            .raw_login("ada@example.com", "Summer2024!")
            .await
            .status,
        403
    );
    assert_eq!(server.db.audited("user.password_common").await, 0);
    server.stop_and_check().await;
}
