//! Mails by SMTP, to a server that takes them and to servers that do not.

use std::collections::BTreeMap;
use std::time::Duration;

use bp_auth_server::config::{Seconds, SecretText, SmtpTls};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::certificates::Authority;
use crate::support::http::send;
use crate::support::mail_server::{MailServer, header};
use crate::support::postgres::Kind;
use crate::support::process::Bench;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// State, tries and error of the message to somebody.
async fn row(server: &TestServer, to: &str) -> String {
    let sql = format!(
        "SELECT state || ' ' || CAST(attempts AS TEXT) || ' ' || COALESCE(last_error, '') \
         FROM outbox WHERE recipient = '{to}'"
    );
    server.db.texts(&sql).await.remove(0).trim_end().to_owned()
}

/// Waits until the message to somebody was tried and what came of it is noted.
async fn noted(server: &TestServer, to: &str, words: &str) -> String {
    for _ in 0..3000 {
        let row = row(server, to).await;
        if row.starts_with(words) {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {words:?}: {}", row(server, to).await);
}

#[tokio::test]
async fn mails_arrive_encrypted_from_a_client_that_says_who_it_is() {
    for tls in [SmtpTls::Starttls, SmtpTls::Implicit] {
        let Some(mail_server) = MailServer::start(tls) else {
            return;
        };
        let server = TestServer::start_with(|config| {
            mail_server.configure(config);
            config.delivery.from = "Accounts <accounts@auth.example.com>".to_owned();
        })
        .await;
        for (number, email) in [(1, ADA), (2, BOB)] {
            server.register(email).await;
            let mail = mail_server.until("mail", number).await.remove(number - 1);
            noted(&server, email, "sent 1").await;
            assert_eq!(mail["to"], json!([email]));
            assert_eq!(mail["sender"], "accounts@auth.example.com");
            assert_eq!(mail["encrypted"], true);
            assert_eq!(mail["authenticated"], true);
            assert_eq!(
                header(&mail, "From"),
                "Accounts <accounts@auth.example.com>"
            );
            assert!(header(&mail, "Subject").starts_with("Welcome to "));
            let id = server
                .db
                .texts(&format!(
                    "SELECT {} FROM outbox WHERE recipient = '{email}'",
                    server.db.hex("id")
                ))
                .await;
            let told = header(&mail, "Message-ID").replace('-', "");
            assert_eq!(told, format!("<{}@auth.example.com>", id[0]));
        }
        // The second went over the connection of the first, and none lies about as a file.
        let mails = mail_server.mails();
        assert_eq!(mails[0]["connection"], mails[1]["connection"]);
        assert_eq!(mail_server.told("auth").len(), 1);
        server.stop_and_check().await;
    }
}

#[tokio::test]
async fn everybody_gets_mails_in_the_language_named_at_registration() {
    let Some(mail_server) = MailServer::start(SmtpTls::Starttls) else {
        return;
    };
    let server = TestServer::start_with(|config| mail_server.configure(config)).await;
    for (number, locale, subject) in [
        (1, json!("de-AT"), "Willkommen bei "),
        (2, json!("fr"), "Welcome to "),
        (3, Value::Null, "Welcome to "),
    ] {
        let email = format!("a{number}@example.com");
        let body = json!({
            "email": email, "password": crate::support::PASSWORD, "locale": locale,
        });
        let answer = send(server.http().post_json("/api/auth/register", &body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let mail = mail_server.until("mail", number).await.remove(number - 1);
        assert_eq!(mail["to"], json!([email]));
        assert!(header(&mail, "Subject").starts_with(subject), "{locale}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_mail_server_that_cannot_prove_its_name_is_told_nothing() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let cases = [
        (
            SmtpTls::Starttls,
            &theirs,
            "localhost",
            &ours,
            "certificate",
        ),
        (
            SmtpTls::Implicit,
            &theirs,
            "localhost",
            &ours,
            "certificate",
        ),
        (
            SmtpTls::Starttls,
            &ours,
            "mail.example.com",
            &ours,
            "certificate",
        ),
        (SmtpTls::None, &ours, "localhost", &ours, "STARTTLS"),
    ];
    for (tls, authority, name, trusted, why) in cases {
        let Some(mail_server) = MailServer::showing(tls, authority, name, trusted) else {
            return;
        };
        let server = TestServer::start_with(|config| {
            mail_server.configure(config);
            if tls == SmtpTls::None {
                // Somebody in between takes the offer away.
                config.smtp.tls = SmtpTls::Starttls;
            }
        })
        .await;
        server.register(ADA).await;
        let row = noted(&server, ADA, "pending 1 the mail server").await;
        assert!(row.contains(why), "{row}");
        assert_eq!(mail_server.told("auth").len(), 0);
        assert_eq!(mail_server.mails().len(), 0);
        server.stop_and_check().await;
    }
}

#[tokio::test]
async fn a_reload_reads_the_file_of_the_authority_again() {
    let (right, wrong) = (Authority::new(), Authority::new());
    let Some(mail_server) = MailServer::showing(SmtpTls::Starttls, &right, "localhost", &wrong)
    else {
        return;
    };
    let server = TestServer::start_with(|config| mail_server.configure(config)).await;
    server.register(ADA).await;
    noted(&server, ADA, "pending 1 the mail server").await;
    std::fs::write(mail_server.authority(), right.pem()).unwrap();
    server.reload(|_| {});
    server.register(BOB).await;
    noted(&server, BOB, "sent 1").await;
    // What waited is sent the new way too.
    server.advance(Duration::from_secs(60));
    noted(&server, ADA, "sent 2").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn each_misbehaviour_of_a_mail_server_ends_as_it_should() {
    // What it does, what is noted of it, and how often the mail arrives once it behaves.
    let cases = [
        ("451", "pending 1 the mail server answers 451 4.1.1", 1),
        ("550", "dead 1 the mail server answers 550 5.1.1", 0),
        ("drop", "pending 1 the mail server breaks off", 1),
        // It has taken the mail, and nobody can know.
        ("swallow", "pending 1 the mail server breaks off", 2),
        ("stall", "pending 1 the transport took too long", 1),
        ("wrong password", "pending 1 the mail server answers 535", 1),
        ("away", "pending 1 the mail server cannot be reached", 1),
    ];
    for (mode, expected, arrivals) in cases {
        let Some(mut mail_server) = MailServer::start(SmtpTls::Starttls) else {
            return;
        };
        let server = TestServer::start_with(|config| {
            mail_server.configure(config);
            config.delivery.timeout = Seconds::new(2);
            match mode {
                "wrong password" => config.smtp.password = SecretText::new("hunter3"),
                "away" => config.smtp.port = 1,
                mode => mail_server.order(mode),
            }
        })
        .await;
        server.register(ADA).await;
        let first = noted(&server, ADA, expected).await;
        assert!(!first.contains(ADA), "{first}");
        let delay = "SELECT CAST(next_attempt_at AS TEXT) FROM outbox";
        let next: i64 = server.db.texts(delay).await[0].parse().unwrap();
        let delay = next - crate::support::START.ms();
        println!("{mode}: {first}, next try after {delay} ms");
        if mode == "550" {
            // For good, until an operator says otherwise.
            server.advance(Duration::from_secs(3600));
            mail_server.order("accept");
            server.register(BOB).await;
            mail_server.until("mail", 1).await;
            assert!(noted(&server, ADA, "dead 1").await.contains("550"));
        } else if matches!(mode, "wrong password" | "away") {
            // Nothing was lost; the operator's mistake is mended by a restart.
            assert!((1000..=2000).contains(&delay), "{delay}");
            assert_eq!(mail_server.mails().len(), 0);
            server.stop_and_check().await;
            continue;
        } else {
            assert!((1000..=2000).contains(&delay), "{delay}");
            mail_server.order("accept");
            server.advance(Duration::from_secs(2));
            noted(&server, ADA, "sent 2").await;
        }
        let mails = mail_server.mails();
        let to_ada: Vec<&Value> = mails.iter().filter(|mail| mail["to"][0] == ADA).collect();
        assert_eq!(to_ada.len(), arrivals, "{mode}");
        // A receiver can tell that it is the same.
        let ids = to_ada.iter().map(|mail| header(mail, "Message-ID"));
        let ids: std::collections::BTreeSet<String> = ids.collect();
        assert!(ids.len() <= 1, "{ids:?}");
        server.stop_and_check().await;
    }
}

#[tokio::test]
async fn nothing_is_sent_after_its_expiry() {
    let Some(mut mail_server) = MailServer::start(SmtpTls::Starttls) else {
        return;
    };
    let server = TestServer::start_with(|config| mail_server.configure(config)).await;
    mail_server.order("451");
    server.register(ADA).await;
    noted(&server, ADA, "pending 1 the mail server").await;
    server.advance(Duration::from_secs(365 * 86_400));
    mail_server.order("accept");
    server.register(BOB).await;
    mail_server.until("mail", 1).await;
    assert!(
        noted(&server, ADA, "expired")
            .await
            .starts_with("expired 1")
    );
    noted(&server, BOB, "sent 1").await;
    assert_eq!(mail_server.mails().len(), 1);
    assert_eq!(mail_server.mails()[0]["to"], json!([BOB]));
    let content = "SELECT recipient FROM outbox WHERE payload <> ''";
    assert!(server.db.texts(content).await.is_empty());
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_name_or_an_address_adds_no_header_and_no_recipient() {
    let Some(mail_server) = MailServer::start(SmtpTls::Starttls) else {
        return;
    };
    let server = TestServer::start_with(|config| mail_server.configure(config)).await;
    let register = |email: &str, name: &str| {
        let body =
            json!({ "email": email, "password": crate::support::PASSWORD, "full_name": name });
        let request = server.http().post_json("/api/auth/register", &body);
        async { send(request).await.status }
    };
    for name in [
        "Ada\r\nBcc: eve@example.com",
        "Ada\nBcc: eve@example.com",
        "\0",
    ] {
        assert_eq!(register("a@example.com", name).await, 422, "{name:?}");
    }
    for email in [
        "a@example.com\r\nRCPT TO:<eve@example.com>",
        "a@example.com>\r\nDATA",
        "a@example.com, eve@example.com",
        "<a@example.com>",
    ] {
        assert_eq!(register(email, "Ada").await, 422, "{email:?}");
    }
    // These are allowed in a name.
    let names = [
        "Bcc: eve@example.com",
        "\u{2028}Bcc: eve@example.com\u{85}To: eve@example.com",
        ".\u{2029}.",
        "Ada =?utf-8?q?=0D=0ABcc:_eve=40example.com?=",
    ];
    let mut sent = 0;
    for (number, name) in names.iter().enumerate() {
        let email = format!("a{number}@example.com");
        if register(&email, name).await == 201 {
            sent += 1;
            let mail = mail_server.until("mail", sent).await.remove(sent - 1);
            assert_eq!(mail["to"], json!([email]), "{name:?}");
            assert_eq!(header(&mail, "To"), email);
            let head = mail["text"]
                .as_str()
                .unwrap()
                .split("\r\n\r\n")
                .next()
                .unwrap();
            let fields = head
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']));
            let fields: Vec<&str> = fields.map(|line| line.split(':').next().unwrap()).collect();
            let expected = [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "MIME-Version",
                "Content-Type",
            ];
            assert!(
                fields.iter().all(|field| expected.contains(field)),
                "{fields:?}"
            );
        }
    }
    assert!(sent > 0);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_is_lost_and_few_come_twice_when_servers_are_killed() {
    let rounds = std::env::var("BP_AUTH_TEST_KILLS").map_or(5, |rounds| rounds.parse().unwrap());
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(mail_server) = MailServer::start(SmtpTls::Starttls) else {
            return;
        };
        let mut bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        for (name, value) in [
            ("BP_AUTH_DELIVERY__TRANSPORT", "smtp"),
            ("BP_AUTH_SMTP__HOST", "localhost"),
            ("BP_AUTH_SMTP__PORT", &mail_server.port.to_string()),
            ("BP_AUTH_SMTP__USERNAME", "bp-auth"),
            ("BP_AUTH_SMTP__PASSWORD", "hunter2"),
            ("BP_AUTH_SMTP__CA_FILE", &mail_server.authority()),
            ("BP_AUTH_LIMITS__REGISTER_PER_MINUTE", "1000000"),
        ] {
            bench.set(name, value);
        }
        let mut acknowledged = Vec::new();
        for round in 0..rounds {
            let serving = bench.serve();
            let http = serving.http();
            let before = mail_server.mails().len();
            let registrations = (0..16).map(|number| {
                let email = format!("{round}.{number}@example.com");
                let request = http.register(&email);
                async move {
                    request
                        .send()
                        .await
                        .is_ok_and(|it| it.status() == 201)
                        .then_some(email)
                }
            });
            let registrations = tokio::spawn(join_all(registrations.collect::<Vec<_>>()));
            // In the middle of it: some are sent, and others are being sent.
            mail_server.until("mail", before + 3 + round % 5).await;
            drop(serving);
            acknowledged.extend(registrations.await.unwrap().into_iter().flatten());
            // What the killed one held is given up a minute later.
            bench
                .db()
                .await
                .execute("UPDATE outbox SET lease_until = NULL")
                .await;
        }
        let serving = bench.serve();
        let db = bench.db().await;
        let pending = "SELECT count(*) FROM outbox WHERE state = 'pending'";
        for _ in 0..3000 {
            if db.number(pending).await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let states = db.texts("SELECT DISTINCT state FROM outbox").await;
        assert_eq!(states, ["sent"]);
        assert!(serving.terminate().status.success());
        let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
        for mail in mail_server.mails() {
            let to = mail["to"][0].as_str().unwrap().to_owned();
            *arrived.entry(to).or_default() += 1;
        }
        let lost = acknowledged
            .iter()
            .filter(|email| !arrived.contains_key(*email));
        let lost = lost.count();
        let twice: usize = arrived.values().map(|times| times - 1).sum();
        println!(
            "{rounds} kills, {} acknowledged, {} people told, {lost} lost, {twice} came twice",
            acknowledged.len(),
            arrived.len()
        );
        assert!(acknowledged.len() > rounds * 3);
        assert_eq!(lost, 0);
        assert!(twice <= rounds, "{twice} in {rounds} kills");
        assert_eq!(
            arrived.len() as i64,
            db.count("outbox").await,
            "nobody else is told"
        );
        bench.done(&["check"]);
    }
}
