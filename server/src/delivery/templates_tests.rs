use super::templates::{Error, Rendered, SOURCES, Templates, samples};
use crate::app::message::{Message, SmsPurpose};

const PUBLIC_URL: &str = "https://auth.example.com";

fn render(message: &Message) -> Rendered {
    Templates::new()
        .unwrap()
        .render(message, PUBLIC_URL)
        .unwrap_or_else(|e| panic!("{e}"))
}

fn mail(message: &Message) -> (String, String, String) {
    match render(message) {
        Rendered::Mail {
            subject,
            text,
            html,
        } => (subject, text, html),
        Rendered::Sms { .. } => panic!("an SMS where a mail was expected"),
    }
}

fn welcome(full_name: &str) -> (String, String, String) {
    mail(&Message::Welcome {
        full_name: Some(full_name.to_owned()),
    })
}

#[test]
fn every_sms_is_one_short_line_that_begins_with_the_code() {
    for purpose in [
        SmsPurpose::VerifyPhone,
        SmsPurpose::MfaSetup,
        SmsPurpose::Login,
    ] {
        let message = Message::SmsCode {
            code: "493027".to_owned(),
            purpose,
            expires_minutes: 10,
        };
        let longest_site = format!("https://{}.example.com", "a".repeat(28));
        for url in [
            PUBLIC_URL,
            &longest_site,
            &format!("https://{}.test", "b".repeat(60)),
        ] {
            let Ok(Rendered::Sms { text }) = Templates::new().unwrap().render(&message, url) else {
                panic!("not an SMS");
            };
            assert!(text.starts_with("493027 "), "{text}");
            assert!(text.len() <= 140, "{} characters: {text}", text.len());
            // There is room for a longer lifetime, and all of these are in the GSM 7-bit alphabet.
            let gsm = |c: char| c.is_ascii_alphanumeric() || " .-:()".contains(c);
            assert!(text.chars().all(gsm), "{text}");
            if url == PUBLIC_URL {
                insta::assert_snapshot!(format!("sms_{}", purpose.as_str()), text);
            }
        }
    }
}

#[test]
fn links_carry_the_token_in_the_fragment_below_the_public_url() {
    let token = "aaa.bbb-_.ccc".to_owned();
    let links = [
        (
            "reactivate",
            Message::ReactivationLink {
                token: token.clone(),
                expires_at: 0,
            },
        ),
        (
            "mfa-reset",
            Message::MfaResetLink {
                token,
                expires_at: 0,
            },
        ),
    ];
    for (page, message) in links {
        for base in [
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/",
            "https://h.example/auth",
        ] {
            let Ok(Rendered::Mail { text, html, .. }) =
                Templates::new().unwrap().render(&message, base)
            else {
                panic!("not a mail");
            };
            let link = format!("{}/{page}#token=aaa.bbb-_.ccc", base.trim_end_matches('/'));
            assert!(text.lines().any(|line| line == link), "{text}");
            let escaped = link.replace('/', "&#x2f;");
            assert!(html.contains(&format!("href=\"{escaped}\"")), "{html}");
        }
    }
}

#[test]
fn a_token_cannot_leave_its_link() {
    let message = Message::ReactivationLink {
        token: "a\" onclick=\"x\r\n<b>".to_owned(),
        expires_at: 0,
    };
    let (_, text, html) = mail(&message);
    assert!(
        text.contains("#token=a%22%20onclick%3D%22x%0D%0A%3Cb%3E\n"),
        "{text}"
    );
    assert!(!html.contains("onclick="), "{html}");
}

#[test]
fn a_name_is_escaped_in_html_and_left_alone_in_text() {
    let (_, text, html) = welcome("<script>alert(\"1\")</script>");
    assert!(
        text.starts_with("Hello <script>alert(\"1\")</script>,\n"),
        "{text}"
    );
    assert!(!html.contains("<script"), "{html}");
    assert!(
        html.contains("Hello &lt;script&gt;alert(&quot;1&quot;)"),
        "{html}"
    );
}

#[test]
fn a_name_cannot_add_lines_or_links() {
    let (subject, text, _) = welcome("Ada\r\nBcc: x\u{2028}Lovelace");
    assert_eq!(subject, "Welcome to auth.example.com");
    assert!(text.starts_with("Hello Ada Bcc: x Lovelace,\n"), "{text}");
    for advertisement in [
        "Win at evil.example",
        "http://evil",
        "a@evil",
        &"x".repeat(65),
    ] {
        let (_, text, html) = welcome(advertisement);
        assert!(text.starts_with("Hello,\n"), "{text}");
        assert!(html.contains("<p>Hello,</p>"), "{html}");
    }
    assert!(
        welcome("J. R. R. Tolkien Jr.")
            .1
            .starts_with("Hello J. R. R. Tolkien Jr.,")
    );
    let nameless = mail(&Message::Welcome { full_name: None });
    assert!(nameless.1.starts_with("Hello,\n"));
}

#[test]
fn security_mails_say_when_from_where_and_what_to_do() {
    let mut seen = 0;
    for message in samples() {
        let template = message.template();
        let Rendered::Mail { text, html, .. } = render(&message) else {
            continue;
        };
        if !text.contains("192.0.2.7") {
            continue;
        }
        seen += 1;
        for part in [&text, &html] {
            assert!(
                part.contains("22 Nov 2026, 18:40 UTC"),
                "{template}: {part}"
            );
            assert!(part.contains("192.0.2.7"), "{template}: {part}");
            assert!(part.contains("ask the people") || part.contains("Ask the people"));
        }
    }
    assert_eq!(seen, 7);
}

/// A mail in plain ASCII needs no transfer encoding, so its links stay whole lines in the file.
#[test]
fn templates_are_ascii_with_short_lines_of_text() {
    for (name, source) in SOURCES {
        assert!(source.is_ascii(), "{name}");
        assert!(source.ends_with('\n') && !source.contains('\r'), "{name}");
    }
}

#[test]
fn a_broken_template_stops_the_start() {
    let with = |name: &str, source: &'static str| {
        let mut sources = SOURCES.to_vec();
        for entry in &mut sources {
            if entry.0 == name {
                entry.1 = source;
            }
        }
        Templates::from_sources(&sources).err()
    };
    let broken = [
        ("welcome.html", "{% if %}"),
        ("reactivated.html", "{{ no_such_value }}"),
        ("reactivated.txt", "subject\n\n{{ at.year }}"),
        ("sms_code.txt", "{{ code }} {{ token }}"),
    ];
    for (name, source) in broken {
        let error = with(name, source);
        assert!(
            matches!(&error, Some(Error::Template { name: found, .. }) if found == name),
            "{name}: {error:?}"
        );
    }
    assert!(matches!(
        with("mfa_reset.txt", "\n"),
        Some(Error::Empty("mfa_reset"))
    ));

    let mut sources = SOURCES.to_vec();
    sources.push(("orphan.txt", "never sent"));
    let error = Templates::from_sources(&sources).err();
    assert!(matches!(error, Some(Error::NoSample(name)) if name == "orphan"));
}

#[test]
fn an_error_names_the_place_and_no_value() {
    let mut sources = SOURCES.to_vec();
    for entry in &mut sources {
        if entry.0 == "sms_code.txt" {
            entry.1 = "{{ code }}\n{{ code.secret.part }}";
        }
    }
    let error = Templates::from_sources(&sources).err().unwrap();
    assert_eq!(
        error.to_string(),
        "template sms_code.txt, line 2: undefined value"
    );
    assert!(!format!("{error:?}").contains("493027"));
}

#[test]
fn a_public_url_without_a_host_is_refused() {
    let templates = Templates::new().unwrap();
    for url in ["", "auth.example.com", "data:x"] {
        let rendered = templates.render(&Message::RegisterAttempt, url);
        assert!(matches!(rendered, Err(Error::PublicUrl)), "{url}");
    }
}
