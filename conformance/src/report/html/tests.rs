use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::*;
use crate::case::Profile;
use crate::witness::recorder::Transcript;
use crate::witness::{Answer, Sent};

/// Every kind of secret, in every place where a transcript could carry one.
const SECRET: &str = "s3cr3tVALUE";

fn headers(lines: &[(&str, String)]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        let name = http::HeaderName::try_from(*name).unwrap();
        (name, value.parse().unwrap())
    });
    lines.collect()
}

fn leaky() -> Exchange {
    Exchange {
        sent: Sent {
            method: Method::POST,
            uri: format!("/api/auth/token?token={SECRET}").parse().unwrap(),
            headers: headers(&[
                (
                    "content-type",
                    "application/x-www-form-urlencoded".to_owned(),
                ),
                ("authorization", format!("Bearer {SECRET}")),
                (
                    "cookie",
                    format!("bp_token={SECRET}; bp_trusted_device={SECRET}"),
                ),
                ("x-api-key", SECRET.to_owned()),
                ("x-trusted-device", SECRET.to_owned()),
            ]),
            body: Bytes::from(format!("username=ada&password={SECRET}")),
        },
        answer: Answer {
            status: StatusCode::OK,
            headers: headers(&[
                ("content-type", "application/json".to_owned()),
                ("set-cookie", format!("bp_token={SECRET}; HttpOnly")),
            ]),
            body: Bytes::from(format!(
                r#"{{"access_token":"{SECRET}","user":{{"secret":"{SECRET}"}},"codes":["{SECRET}"],"name":"<b>Ada</b>"}}"#
            )),
        },
        operation: Some("login"),
        error_code: None,
        objections: vec!["its body breaks the schema".to_owned()],
    }
}

fn summary() -> Summary {
    let mut summary = Summary::empty();
    summary.profiles = vec![Profile::Strict];
    summary.outcomes = vec![Outcome {
        profile: Profile::Strict,
        id: "token::a_case".to_owned(),
        group: "token",
        sentence: "A sentence.",
        verdict: Ended::Failed("an objection".to_owned()),
        took: Duration::from_millis(7),
        transcript: Transcript {
            exchanges: VecDeque::from([Arc::new(leaky())]),
            total: 1,
            ..Transcript::default()
        },
        notes: Vec::new(),
    }];
    summary
}

#[test]
fn a_failure_shows_its_sentence_its_objection_and_what_was_said() {
    let page = page(&summary()).into_string();
    for shown in [
        "token::a_case",
        "A sentence.",
        "an objection",
        "POST /api/auth/token",
        "username=ada",
        "its body breaks the schema",
    ] {
        assert!(page.contains(shown), "{shown} is missing");
    }
}

#[test]
fn no_secret_and_no_markup_of_an_answer_gets_into_the_page() {
    let page = page(&summary()).into_string();
    assert!(!page.contains(SECRET));
    assert!(!page.contains("<b>Ada"));
    assert!(page.contains("&lt;b&gt;Ada"));
}
