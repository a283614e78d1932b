//! A newcomer's whole way, once, end to end.

use bp_auth_client::ErrorCode;
use bp_auth_client::types::LoginResponse;

use crate::support::{RefreshSecret, TestServer, refusal};

#[tokio::test]
async fn a_newcomer_registers_enrols_logs_in_with_it_refreshes_and_logs_out() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    assert_eq!(user.backup_codes.len(), 10);

    let pending = server.login_pending("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let answer = server
        .challenge(&pending.mfa_token, &code)
        .await
        .unwrap()
        .into_inner();
    let LoginResponse::TokenResponse(tokens) = answer else {
        panic!("still pending")
    };

    let me = server.bearer(&tokens.access_token);
    let profile = me.me().send().await.unwrap().into_inner();
    assert!(profile.mfa_enabled);
    assert_eq!(profile.session.unwrap().amr, ["pwd", "otp", "mfa"]);

    let client = server.client();
    let refresh = |token: &bp_auth_client::Secret| {
        let token = token.clone();
        client
            .refresh_token_endpoint()
            .body_map(|body| body.refresh_token(token))
            .send()
    };
    let rotated = refresh(tokens.refresh_secret()).await.unwrap().into_inner();
    assert_ne!(
        rotated.refresh_secret().expose(),
        tokens.refresh_secret().expose()
    );
    server
        .bearer(&rotated.access_token)
        .logout()
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(refresh(rotated.refresh_secret()).await),
        (401, ErrorCode::TokenRevoked)
    );
    assert_eq!(
        refusal(server.bearer(&rotated.access_token).me().send().await),
        (401, ErrorCode::SessionRevoked)
    );

    let subjects: Vec<String> = server
        .mails_to("ada@example.com")
        .await
        .into_iter()
        .map(|mail| mail.subject)
        .collect();
    assert_eq!(
        subjects.len(),
        2,
        "a welcome and the enrolment, nothing else: {subjects:?}"
    );
    server.stop_and_check().await;
}
