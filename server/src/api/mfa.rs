//! The group Auth Mfa: second factors, backup codes, trusted devices, reset.

use dropshot::{HttpResponseDeleted, HttpResponseOk, RequestContext};

use super::types::*;
use super::{Answer, Credentials, JsonBody, PathParam, extract};

#[dropshot::api_description]
pub trait MfaApi {
    type Context;

    /// Totp Setup
    ///
    /// Begin the enrolment of an authenticator app: a new secret, as text, as `otpauth` URI and as
    /// QR code. It is pending until verified; an authenticator verified earlier keeps working
    /// meanwhile. Needs a recent login, and a second factor when the user has one.
    #[endpoint { method = POST, path = "/api/auth/mfa/totp/setup", tags = ["Auth Mfa"] }]
    async fn totp_setup(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
    ) -> Answer<HttpResponseOk<TotpSetup>>;

    /// Totp Verify
    ///
    /// Finish the enrolment of an authenticator app with a code from it. The first method of a user
    /// comes with ten backup codes, shown this one time. The code cannot be used again to log in.
    #[endpoint { method = POST, path = "/api/auth/mfa/totp/verify", tags = ["Auth Mfa"] }]
    async fn totp_verify(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
        body: JsonBody<CodeConfirm>,
    ) -> Answer<HttpResponseOk<MfaEnrolled>>;

    /// Sms Setup
    ///
    /// Begin the enrolment of a phone number as second factor: sends a code to it. Needs a recent
    /// login, and a second factor when the user has one.
    #[endpoint { method = POST, path = "/api/auth/mfa/sms/setup", tags = ["Auth Mfa"] }]
    async fn sms_setup(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
        body: JsonBody<SmsSetupRequest>,
    ) -> Answer<HttpResponseOk<CodeSent>>;

    /// Sms Verify
    ///
    /// Finish the enrolment of a phone number with the code from the SMS. The first method of a user
    /// comes with ten backup codes, shown this one time.
    #[endpoint { method = POST, path = "/api/auth/mfa/sms/verify", tags = ["Auth Mfa"] }]
    async fn sms_verify(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
        body: JsonBody<CodeConfirm>,
    ) -> Answer<HttpResponseOk<MfaEnrolled>>;

    /// Mfa Challenge
    ///
    /// Trade an mfa-pending token and a second-factor code for full tokens. The frontend calls it
    /// after a password login answered `{mfa_required: true, mfa_token}`. Without `code` and with
    /// `method: "sms"` it sends a code (again) and answers `mfa_required: true`. With
    /// `remember_device` the device is trusted for later logins.
    #[endpoint { method = POST, path = "/api/auth/mfa/challenge", tags = ["Auth Mfa"] }]
    async fn mfa_challenge(
        rqctx: RequestContext<Self::Context>,
        body: JsonBody<MfaChallengeRequest>,
    ) -> Answer<HttpResponseOk<LoginResponse>>;

    /// Mfa Methods
    ///
    /// List the second factors of the current user, with the number of backup codes left. Shows no
    /// secret, and phone numbers only masked.
    #[endpoint { method = GET, path = "/api/auth/mfa/methods", tags = ["Auth Mfa"] }]
    async fn mfa_methods(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
    ) -> Answer<HttpResponseOk<MfaMethods>>;

    /// Regenerate Backup Codes
    ///
    /// Replace all backup codes by ten new ones, shown this one time. Needs a recent login with a
    /// second factor.
    #[endpoint { method = POST, path = "/api/auth/mfa/backup-codes/regenerate", tags = ["Auth Mfa"] }]
    async fn regenerate_backup_codes(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
    ) -> Answer<HttpResponseOk<BackupCodes>>;

    /// Mfa Reset Request
    ///
    /// For an authenticated user: issue a signed reset token and send it by mail; it appears nowhere
    /// else. Rate limited: `429 rate_limited` after three requests in an hour.
    #[endpoint { method = POST, path = "/api/auth/mfa/reset/request", tags = ["Auth Mfa"] }]
    async fn mfa_reset_request(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::TokenOrPending>,
    ) -> Answer<HttpResponseOk<MfaResetRequested>>;

    /// Mfa Reset Confirm
    ///
    /// Public: consume an mfa-reset token and clear the second factors of its user. Single use: the
    /// token's `jti` (or the SHA-256 of the token when it has no `jti`) is written to
    /// `mfa_reset_tokens_used` at the first consumption, and a second call with the same token is
    /// `410 token_used`. Removes methods, backup codes, trusted devices and sessions.
    #[endpoint { method = POST, path = "/api/auth/mfa/reset/confirm", tags = ["Auth Mfa"] }]
    async fn mfa_reset_confirm(
        rqctx: RequestContext<Self::Context>,
        body: JsonBody<MfaResetConfirm>,
    ) -> Answer<HttpResponseOk<MfaResetDone>>;

    /// List Trusted Devices
    ///
    /// List the active trusted devices of the authenticated user, the newest first.
    #[endpoint { method = GET, path = "/api/auth/mfa/trusted-devices", tags = ["Auth Mfa"] }]
    async fn list_trusted_devices(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
    ) -> Answer<HttpResponseOk<Vec<TrustedDevice>>>;

    /// Revoke Trusted Device
    ///
    /// Revoke a single trusted device and audit the event. A device that is absent, revoked or
    /// somebody else's is `404 not_found`.
    #[endpoint {
        method = DELETE, path = "/api/auth/mfa/trusted-devices/{device_id}", tags = ["Auth Mfa"]
    }]
    async fn revoke_trusted_device(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
        path: PathParam<DevicePath>,
    ) -> Answer<HttpResponseDeleted>;
}

/// The one operation with a variable beside literals; see the module's text.
#[dropshot::api_description]
pub trait MfaMethodApi {
    type Context;

    /// Delete Method
    ///
    /// Remove a second factor. Removing the last method also removes the backup codes and the
    /// trusted devices. Deleting a pending enrolment cancels it. `404 not_found` when the method is
    /// not enrolled. Needs a recent login with a second factor.
    #[endpoint { method = DELETE, path = "/api/auth/mfa/{method}", tags = ["Auth Mfa"] }]
    async fn delete_method(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
        path: PathParam<MethodPath>,
    ) -> Answer<HttpResponseDeleted>;
}
