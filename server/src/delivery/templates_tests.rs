use super::templates::{DEFAULT_LOCALE, Error, Rendered, Sources, Templates, samples};
use crate::app::message::{Message, SmsPurpose};

const PUBLIC_URL: &str = "https://auth.example.com";

fn built_in() -> Templates {
    Templates::new(None, DEFAULT_LOCALE).unwrap()
}

fn render(message: &Message) -> Rendered {
    built_in()
        .render(message, None, PUBLIC_URL)
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
            let Ok(Rendered::Sms { text }) = built_in().render(&message, None, url) else {
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
            let Ok(Rendered::Mail { text, html, .. }) = built_in().render(&message, None, base)
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
fn security_mails_say_when_from_where_and_what_to_do() {
    let mut seen = 0;
    for message in samples() {
        let template = message.template();
        let Rendered::Mail { text, html, .. } = render(&message) else {
            continue;
        };
        // Who is asked to prove an address has no account yet.
        if !text.contains("192.0.2.7") || template == "confirm_address" {
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
fn english_templates_are_ascii() {
    for (name, source) in Sources::built_in().files() {
        assert!(source.is_ascii() || !name.starts_with("en/"), "{name}");
        assert!(source.ends_with('\n') && !source.contains('\r'), "{name}");
    }
}

#[test]
fn everybody_reads_the_nearest_language_there_is() {
    let templates = built_in();
    for (locale, greeting) in [
        (None, "Hello"),
        (Some("en"), "Hello"),
        (Some("fr"), "Hello"),
        (Some("fr-CH"), "Hello"),
        (Some("de"), "Guten Tag"),
        (Some("de-AT"), "Guten Tag"),
        (Some("DE-ch-1996"), "Guten Tag"),
        (Some("den"), "Hello"),
    ] {
        for message in samples() {
            let rendered = templates.render(&message, locale, PUBLIC_URL).unwrap();
            let Rendered::Mail { text, html, .. } = rendered else {
                continue;
            };
            assert!(text.starts_with(greeting), "{locale:?}: {text}");
            let lang = if greeting == "Hello" { "en" } else { "de" };
            assert!(html.contains(&format!("<html lang=\"{lang}\">")), "{html}");
        }
    }
    let german = Templates::new(None, "de").unwrap();
    let Ok(Rendered::Mail { text, .. }) =
        german.render(&Message::RegisterAttempt, None, PUBLIC_URL)
    else {
        panic!("not a mail");
    };
    assert!(text.starts_with("Guten Tag"));
    assert!(matches!(
        Templates::new(None, "fr"),
        Err(Error::NoLocale(_))
    ));
}

#[test]
fn german_messages_say_the_same() {
    let templates = built_in();
    let mut said = String::new();
    for message in samples() {
        match templates.render(&message, Some("de"), PUBLIC_URL).unwrap() {
            Rendered::Mail { subject, text, .. } => {
                said += &format!("{subject}\n\n{text}\n-----\n");
            }
            Rendered::Sms { text } => {
                assert!(text.chars().count() <= 140, "{text}");
                said += &format!("{text}\n-----\n");
            }
        }
    }
    insta::assert_snapshot!("german", said);
}

#[test]
fn a_broken_template_stops_the_start() {
    let with = |file: &str, text: &str| {
        let mut sources = Sources::built_in();
        sources.put("en", file, text.to_owned());
        Templates::from_sources(sources, DEFAULT_LOCALE).err()
    };
    let broken = [
        ("welcome.html", "{% if %}"),
        ("reactivated.html", "{{ no_such_value }}"),
        ("reactivated.txt", "subject\n\n{{ at.year }}"),
        ("sms_code.txt", "{{ code }} {{ token }}"),
        (
            "words.txt",
            "{% macro moment(at) %}{{ at.week }}{% endmacro %}",
        ),
    ];
    for (file, text) in broken {
        let error = with(file, text);
        assert!(
            matches!(&error, Some(Error::Template { name, .. }) if *name == format!("en/{file}")),
            "{file}: {error:?}"
        );
    }
    assert!(matches!(
        with("mfa_reset.txt", "\n"),
        Some(Error::Empty(name)) if name == "en/mfa_reset"
    ));
}

#[test]
fn an_operators_directory_replaces_files_and_adds_whole_languages() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let read = || Templates::new(Some(directory.path()), DEFAULT_LOCALE);
    let refusal = || read().err().unwrap().to_string();
    put("en/sms_code.txt", "{{ code }} for Acme: {{ purpose }}\n");
    put(".git/config", "not a language");
    let code = Message::SmsCode {
        code: "493027".to_owned(),
        purpose: SmsPurpose::Login,
        expires_minutes: 10,
    };
    let text = |locale: &str| match read().unwrap().render(&code, Some(locale), PUBLIC_URL) {
        Ok(Rendered::Sms { text }) => text,
        _ => panic!("not an SMS"),
    };
    assert_eq!(text("en"), "493027 for Acme: sign in");
    assert!(
        text("de").starts_with("493027 ist Ihr Code"),
        "another language stays"
    );

    // A mail in two languages at once would be worse than one in the wrong one.
    put("fr/sms_code.txt", "{{ code }}");
    assert!(
        refusal().ends_with("fr: words.txt is missing"),
        "{}",
        refusal()
    );
    for (name, source) in Sources::built_in().files() {
        if let Some(file) = name.strip_prefix("de/") {
            put(&format!("fr/{file}"), source);
        }
    }
    put("fr/sms_code.txt", "{{ code }}: {{ purpose }}");
    assert_eq!(text("fr-CA"), "493027: zum Anmelden");

    put("fr/welcom.txt", "");
    assert!(refusal().ends_with("welcom.txt: there is no template of this name"));
    std::fs::remove_file(directory.path().join("fr/welcom.txt")).unwrap();
    put("EN/welcome.txt", "");
    assert!(
        refusal().contains("expected a language tag"),
        "{}",
        refusal()
    );
    std::fs::remove_dir_all(directory.path().join("EN")).unwrap();
    put("de/welcome.html", "{{ full_name }} {{ password }}");
    assert_eq!(
        refusal(),
        "template de/welcome.html, line 1: undefined value"
    );
}

#[test]
fn an_error_names_the_place_and_no_value() {
    let mut sources = Sources::built_in();
    let text = "{{ code }}\n{{ code.secret.part }}".to_owned();
    sources.put("en", "sms_code.txt", text);
    let error = Templates::from_sources(sources, DEFAULT_LOCALE)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "template en/sms_code.txt, line 2: undefined value"
    );
    assert!(!format!("{error:?}").contains("493027"));
}

#[test]
fn a_public_url_without_a_host_is_refused() {
    let templates = built_in();
    for url in ["", "auth.example.com", "data:x"] {
        let rendered = templates.render(&Message::RegisterAttempt, None, url);
        assert!(matches!(rendered, Err(Error::PublicUrl)), "{url}");
    }
}
