//! What the client sends, and what it makes of each kind of answer.

use bp_auth_client::{Error, ErrorCode, Secret, bearer_client, client, error_code, types};

use crate::one_answer::one_answer;

const MARKER: &str = "m4rk3r-of-a-secret";

#[tokio::test]
async fn a_login_sends_its_form_and_reads_a_refusal() {
    let body = r#"{"error_code":"invalid_credentials","message":"No.","request_id":"r","error":"invalid_grant"}"#;
    let (url, request) = one_answer("401 Unauthorized", body).await;
    let client = client(&format!("{url}/")).unwrap();
    let login = client
        .login()
        .body_map(|b| b.username("ada@example.org").password(MARKER));
    assert!(!format!("{login:?}").contains(MARKER));

    let error = login.send().await.unwrap_err();
    assert_eq!(error_code(&error), Some(&ErrorCode::InvalidCredentials));
    assert_eq!(error.status().map(|s| s.as_u16()), Some(401));

    let request = request.await.unwrap();
    assert!(
        request.starts_with("POST /api/auth/token HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{request}"
    );
    assert!(request.ends_with(&format!("password={MARKER}&username=ada%40example.org")));
}

#[tokio::test]
async fn a_bearer_client_presents_its_token_and_does_not_print_it() {
    let (url, request) = one_answer("204 No Content", "").await;
    let client = bearer_client(&url, &Secret::from(MARKER)).unwrap();
    assert!(!format!("{client:?}").contains(MARKER));

    client.logout().send().await.unwrap();
    let request = request.await.unwrap();
    assert!(
        request.contains(&format!("authorization: Bearer {MARKER}\r\n")),
        "{request}"
    );
}

#[tokio::test]
async fn a_token_that_fits_no_header_is_refused_before_it_is_sent() {
    let error = bearer_client("http://127.0.0.1:1", &Secret::from("m4rk3r\r\nx: y")).unwrap_err();
    assert!(matches!(error, Error::InvalidRequest(_)));
    assert!(!format!("{error:?}").contains("m4rk3r"));
}

#[tokio::test]
async fn a_logout_needs_no_body_and_takes_one() {
    let (url, request) = one_answer("204 No Content", "").await;
    client(&url).unwrap().logout().send().await.unwrap();
    assert!(request.await.unwrap().ends_with("\r\n\r\n{}"));

    let (url, request) = one_answer("204 No Content", "").await;
    let client = client(&url).unwrap();
    let logout = client
        .logout()
        .body_map(|b| b.refresh_token(Secret::from("bpr_1")));
    logout.send().await.unwrap();
    assert!(
        request
            .await
            .unwrap()
            .ends_with("\r\n\r\n{\"refresh_token\":\"bpr_1\"}")
    );
}

#[tokio::test]
async fn an_answer_of_somebody_else_has_no_code() {
    let (url, _request) = one_answer("502 Bad Gateway", "<h1>Bad gateway</h1>").await;
    let error = client(&url).unwrap().me().send().await.unwrap_err();
    assert_eq!(error_code(&error), None);
    assert!(error.to_string().contains("status 502"), "{error}");
}

#[tokio::test]
async fn a_body_that_does_not_decode_stays_out_of_the_error() {
    let bodies = [
        format!(r#"{{"access_token":"{MARKER}","refresh_token":"{MARKER}"}}"#),
        format!(r#""{MARKER}""#),
        format!("{MARKER} is no JSON"),
    ];
    for body in bodies {
        let (url, _request) = one_answer("200 OK", &body).await;
        let refresh = types::RefreshRequest {
            refresh_token: Some(Secret::from("bpr_1")),
        };
        let error = client(&url)
            .unwrap()
            .refresh_token_endpoint()
            .body(refresh)
            .send()
            .await
            .unwrap_err();
        assert!(matches!(error, Error::InvalidResponsePayload(..)));
        assert!(
            !format!("{error:?} {error} {error:#}").contains(MARKER),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_cookie_stays_out_of_the_error() {
    let cookie = format!("set-cookie: bp_token={MARKER}");
    let (url, _request) = one_answer(&format!("299 Odd\r\n{cookie}"), "").await;
    let error = client(&url).unwrap().me().send().await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedResponse(_)));
    assert!(!format!("{error:?}").contains(MARKER), "{error}");

    let body = r#"{"error_code":"internal_error","message":"No.","request_id":"r"}"#;
    let (url, _request) = one_answer(&format!("500 Oh\r\n{cookie}"), body).await;
    let error = client(&url).unwrap().me().send().await.unwrap_err();
    assert_eq!(error_code(&error), Some(&ErrorCode::InternalError));
    assert!(!format!("{error:?}").contains(MARKER), "{error}");
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_password_away() {
    let (elsewhere, stolen) = one_answer("204 No Content", "").await;
    let (url, _request) = one_answer(
        &format!("307 Temporary Redirect\r\nlocation: {elsewhere}/"),
        "",
    )
    .await;
    let client = client(&url).unwrap();
    let login = client
        .login()
        .body_map(|b| b.username("ada@example.org").password(MARKER));
    assert!(matches!(
        login.send().await.unwrap_err(),
        Error::UnexpectedResponse(_)
    ));
    assert!(!stolen.is_finished());
}
