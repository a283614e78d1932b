use uuid::Uuid;

use super::mail::{Draft, Error, compose, sender};
use super::templates::{Rendered, Templates, samples};
use crate::app::clock::Timestamp;
use crate::app::message::Message;

const ID: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);
const CREATED: Timestamp = Timestamp(1_795_372_800_123);

fn composed(message: &Message, to: &str) -> Result<String, Error> {
    let rendered = Templates::new(None, "en")
        .unwrap()
        .render(message, None, "https://auth.example.com")
        .unwrap();
    let Rendered::Mail {
        subject,
        text,
        html,
    } = rendered
    else {
        panic!("not a mail");
    };
    let from = sender("Example Accounts <no-reply@auth.example.com>").unwrap();
    let mail = compose(Draft {
        id: ID,
        created_at: CREATED,
        from: &from,
        to,
        subject: &subject,
        text: &text,
        html: &html,
    })?;
    Ok(String::from_utf8(mail.formatted()).unwrap())
}

fn headers(eml: &str) -> Vec<&str> {
    let (head, _) = eml.split_once("\r\n\r\n").unwrap();
    head.split("\r\n").collect()
}

#[test]
fn every_mail() {
    for message in samples() {
        if !matches!(message, Message::SmsCode { .. }) {
            let eml = composed(&message, "ada@example.org").unwrap();
            insta::assert_snapshot!(format!("mail_{}", message.template()), eml);
        }
    }
}

#[test]
fn the_same_draft_gives_the_same_bytes() {
    let mail = || composed(&Message::RegisterAttempt, "ada@example.org").unwrap();
    assert_eq!(mail(), mail());
}

#[test]
fn headers_are_those_of_an_automatic_message() {
    let eml = composed(&Message::RegisterAttempt, "Ada.L@Example.org").unwrap();
    let headers = headers(&eml);
    for expected in [
        "From: \"Example Accounts\" <no-reply@auth.example.com>",
        "To: Ada.L@Example.org",
        "Subject: You already have an account at auth.example.com",
        "Date: Sun, 22 Nov 2026 18:40:00 +0000",
        "Message-ID: <01990000-0000-7000-8000-000000000001@auth.example.com>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(
            headers.contains(&expected),
            "{expected} is not in {headers:#?}"
        );
    }
}

#[test]
fn a_recipient_cannot_add_a_header() {
    for to in [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\nX: y",
        "\"a\r\nBcc: eve@example.org\r\n\"@example.org",
        "ada@example.org, eve@example.org",
        "Ada <ada@example.org>",
        "ada@example.org\u{2028}",
        "ada",
        "@example.org",
        "",
    ] {
        let result = composed(&Message::RegisterAttempt, to);
        assert!(matches!(result, Err(Error::Address)), "{to:?} was accepted");
    }
}

#[test]
fn a_subject_cannot_add_a_header() {
    let from = sender("no-reply@auth.example.com").unwrap();
    let mail = compose(Draft {
        id: ID,
        created_at: CREATED,
        from: &from,
        to: "ada@example.org",
        subject: "Gr\u{fc}\u{df}e\r\nBcc: eve@example.org",
        text: "",
        html: "",
    })
    .unwrap();
    let eml = String::from_utf8(mail.formatted()).unwrap();
    assert!(!eml.contains("\nBcc:"), "{eml}");
    assert!(eml.contains("Subject: =?utf-8?b?"), "{eml}");
}

#[test]
fn an_international_domain_is_sent_as_a_labels() {
    let eml = composed(&Message::RegisterAttempt, "ada@b\u{fc}cher.example").unwrap();
    assert!(
        headers(&eml).contains(&"To: ada@xn--bcher-kva.example"),
        "{eml}"
    );
    let result = composed(&Message::RegisterAttempt, "\u{e4}da@example.org");
    assert!(matches!(result, Err(Error::Address)));
}

#[test]
fn a_sender_is_an_address_with_an_optional_name() {
    for good in [
        "bp-auth@localhost",
        "Accounts <a@b.example>",
        "\"A, B\" <a@b.example>",
    ] {
        assert!(sender(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "nobody",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example\n",
    ] {
        assert!(sender(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn ascii_lines_stay_whole_unless_they_are_longer_than_a_mail_may_have() {
    let link = |length: usize| Message::ReactivationLink {
        token: "t".repeat(length),
        expires_at: 0,
    };
    let eml = composed(&link(900), "ada@example.org").unwrap();
    let line = format!(
        "\r\nhttps://auth.example.com/reactivate#token={}\r\n",
        "t".repeat(900)
    );
    assert!(eml.contains(&line), "{eml}");
    let eml = composed(&link(2000), "ada@example.org").unwrap();
    assert!(eml.split("\r\n").all(|line| line.len() <= 998), "{eml}");
    assert!(eml.contains("quoted-printable"), "{eml}");
    for eml in [eml, composed(&link(9), "ada@example.org").unwrap()] {
        assert_eq!(eml.matches('\n').count(), eml.matches("\r\n").count());
    }
}
