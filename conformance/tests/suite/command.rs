use crate::support::{Server, said, suite};

#[test]
fn a_filter_that_matches_nothing_has_judged_nothing() {
    let output = suite(&["--spawn", "--filter", "no_such_case"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no case has such a name"));
}

#[test]
fn a_list_names_each_case_with_its_sentence() {
    let output = suite(&["--list", "--filter", "document::"]);
    assert_eq!(output.status.code(), Some(0));
    let said = said(&output);
    assert!(said.contains("document::the_server_shows_the_document_it_is_held_to"));
    assert!(said.contains("byte for byte."));
}

#[test]
fn one_server_has_one_profile() {
    let output = suite(&[
        "--base-url",
        "http://127.0.0.1:9",
        "--profile",
        "strict,leeway",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("one --profile"));
}

/// The suite's own rules for a foreign server: what it cannot be asked is skipped and said.
#[test]
fn what_a_server_by_its_address_cannot_be_asked_is_skipped_with_the_reason() {
    let server = Server::start();
    let arguments = [
        "--base-url",
        &server.url,
        "--filter",
        "refresh::a_reuse_is_told_to_the_owner",
        "--filter",
        "refresh::a_used_token_ends_its_family",
    ];
    let output = suite(&arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("its messages cannot be read"), "{said}");
    assert!(said.contains("1 passed, 0 failed, 1 skipped;"), "{said}");
}

/// Judged by the profile of another configuration, our own server is a broken one.
#[test]
fn a_server_that_breaks_a_sentence_fails_the_run_and_both_reports_say_so() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (junit, html) = (file("junit.xml"), file("report.html"));
    let output = suite(&[
        "--base-url",
        &server.url,
        "--profile",
        "rotation-off",
        "--filter",
        "refresh_static::",
        "--junit",
        &junit,
        "--report",
        &html,
    ]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAILED"), "{said}");
    let junit = std::fs::read_to_string(junit).unwrap();
    assert!(junit.contains("<failure"), "{junit}");
    let html = std::fs::read_to_string(html).unwrap();
    assert!(html.contains("Transcript: the last"), "{html}");
    assert!(!html.contains("bpr_"), "the page shows a refresh token");
}

/// Somebody else's web server is told what it lacks, not met with a panic.
#[test]
fn nobody_there_fails_every_case() {
    let output = suite(&[
        "--base-url",
        "http://127.0.0.1:9",
        "--filter",
        "refresh::a_used_token_ends_its_family",
    ]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("0 passed, 1 failed"), "{said}");
}
