//! The group Auth: accounts, login, sessions, API keys.

use dropshot::{HttpResponseCreated, HttpResponseOk, HttpResponseUpdatedNoContent, RequestContext};

use super::types::*;
use super::{Answer, Credentials, FormBody, JsonBody, OptionalJsonBody, RefreshCookies, extract};

#[dropshot::api_description]
pub trait AuthApi {
    type Context;

    /// Register
    ///
    /// Create a public user account in an isolated tenant of its own on the Free plan, of which the
    /// user is the owner. Unknown fields are ignored and never applied. Gives no tokens: log in next.
    /// `409 email_taken` when the address has an account, unless the operator hides existing
    /// accounts, in which case the answer is the same `201` and the owner of the address is told by mail.
    #[endpoint { method = POST, path = "/api/auth/register", tags = ["Auth"] }]
    async fn register(
        rqctx: RequestContext<Self::Context>,
        body: JsonBody<RegisterRequest>,
    ) -> Answer<HttpResponseCreated<User>>;

    /// Login
    ///
    /// OAuth2 password flow: sets the httpOnly cookies `bp_token` and `bp_refresh` and also returns
    /// the tokens in the body, for clients that cannot keep cookies. When the user has a verified second factor, the
    /// answer is an mfa-pending token instead of an access token, no cookie is set, and the client
    /// must call `POST /api/auth/mfa/challenge` with a code. A valid trusted device (cookie
    /// `bp_trusted_device`, or header `X-Trusted-Device`) skips the second factor.
    /// Deviations from RFC 6749: refused credentials are `401`, a pending second factor is a `200`
    /// without `access_token`, and `scope` is accepted and ignored.
    #[endpoint {
        method = POST, path = "/api/auth/token", tags = ["Auth"],
        content_type = "application/x-www-form-urlencoded"
    }]
    async fn login(
        rqctx: RequestContext<Self::Context>,
        body: FormBody<LoginForm>,
    ) -> Answer<HttpResponseOk<LoginResponse>>;

    /// Refresh Token Endpoint
    ///
    /// Rotate a refresh token and issue a new pair of access and refresh token. The first use of a
    /// valid token marks it as used and puts a new token into the same family. The use of a token
    /// that was used before revokes the entire family and its session and answers `401
    /// token_reused`. While the feature flag `REFRESH_ROTATION_ENABLED` is off, a new access token
    /// is issued and the refresh token stays the same. Every `401` clears the cookies. The body may
    /// be absent: then the httpOnly cookie `bp_refresh` counts, the answer's body has no
    /// `refresh_token`, and the same predecessor may come again for some seconds, because the tabs
    /// of a browser cannot agree on who refreshes.
    #[endpoint { method = POST, path = "/api/auth/refresh", tags = ["Auth"] }]
    async fn refresh_token_endpoint(
        rqctx: RequestContext<Self::Context>,
        cookies: RefreshCookies,
        body: OptionalJsonBody<RefreshRequest>,
    ) -> Answer<HttpResponseOk<TokenResponse>>;

    /// Logout
    ///
    /// Clear the cookies and revoke the current session with its refresh tokens. Best effort by
    /// design: the cookies are cleared even when the presented token is stale or invalid, because
    /// only such a token keeps a browser in a login loop. The session of every presented `bp_token`
    /// ends. It is found from an expired token of ours too, or from `refresh_token`. `all_sessions`
    /// needs a valid token and is ignored without one. The body may be absent.
    #[endpoint { method = POST, path = "/api/auth/logout", tags = ["Auth"] }]
    async fn logout(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::OptionalToken>,
        body: OptionalJsonBody<LogoutRequest>,
    ) -> Answer<HttpResponseUpdatedNoContent>;

    /// Me
    ///
    /// Return the profile of the currently authenticated user, with the session the token belongs
    /// to. `session` is left out for an API key.
    #[endpoint { method = GET, path = "/api/auth/me", tags = ["Auth"] }]
    async fn me(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::TokenOrApiKey>,
    ) -> Answer<HttpResponseOk<User>>;

    /// Me Entitlements
    ///
    /// Return the effective access envelope of the current user: plan, roles, scopes, features,
    /// limits and restrictions, computed from the database at the time of the call. Features and
    /// limits are open maps: a product may add keys at any time.
    #[endpoint { method = GET, path = "/api/auth/me/entitlements", tags = ["Auth"] }]
    async fn me_entitlements(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::TokenOrApiKey>,
    ) -> Answer<HttpResponseOk<Entitlements>>;

    /// Get Api Key
    ///
    /// Return the metadata of the current user's API key, and create the key when there is none.
    /// The secret is never shown here: rotate the key to get one that you can use.
    #[endpoint { method = GET, path = "/api/auth/api-key", tags = ["Auth"] }]
    async fn get_api_key(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
    ) -> Answer<HttpResponseOk<ApiKey>>;

    /// Rotate Api Key
    ///
    /// Rotate (regenerate) the API key of the current user. The old key stops working at once; the
    /// new secret is shown this one time. Needs a recent login, and a second factor when the user
    /// has one (`403 reauthentication_required`).
    #[endpoint { method = POST, path = "/api/auth/api-key/rotate", tags = ["Auth"] }]
    async fn rotate_api_key(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
    ) -> Answer<HttpResponseOk<ApiKeySecret>>;

    /// Reactivate Request
    ///
    /// Ask for a mail that reactivates a deactivated account. The answer is the same for every
    /// address, whether it has an account or not, and whether a mail was sent or not.
    #[endpoint { method = POST, path = "/api/auth/reactivate/request", tags = ["Auth"] }]
    async fn reactivate_request(
        rqctx: RequestContext<Self::Context>,
        body: JsonBody<ReactivateRequest>,
    ) -> Answer<HttpResponseUpdatedNoContent>;

    /// Reactivate Confirm
    ///
    /// Reactivate the account with the token from the mail. Single use: a second call with the same
    /// token is `410 token_used`. Gives no tokens: log in next.
    #[endpoint { method = POST, path = "/api/auth/reactivate/confirm", tags = ["Auth"] }]
    async fn reactivate_confirm(
        rqctx: RequestContext<Self::Context>,
        body: JsonBody<ReactivateConfirm>,
    ) -> Answer<HttpResponseOk<Reactivated>>;

    /// Verify Phone Request
    ///
    /// Send a code by SMS to the phone number of the profile. A new code voids the one before.
    /// `409 phone_missing` without a number; `sent` is false when the number is verified already.
    #[endpoint { method = POST, path = "/api/auth/verify-phone/request", tags = ["Auth"] }]
    async fn verify_phone_request(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
    ) -> Answer<HttpResponseOk<CodeSent>>;

    /// Verify Phone Confirm
    ///
    /// Verify the phone number of the profile with the code from the SMS. A code lives ten minutes
    /// and takes five tries.
    #[endpoint { method = POST, path = "/api/auth/verify-phone/confirm", tags = ["Auth"] }]
    async fn verify_phone_confirm(
        rqctx: RequestContext<Self::Context>,
        credentials: Credentials<extract::Token>,
        body: JsonBody<CodeConfirm>,
    ) -> Answer<HttpResponseOk<PhoneVerified>>;

    // -- Unpublished --------------------------------------------------------------------------

    /// The public keys of access tokens, so that other services can verify them offline.
    #[endpoint { method = GET, path = "/.well-known/jwks.json", unpublished = true }]
    async fn jwks(rqctx: RequestContext<Self::Context>) -> Answer<HttpResponseOk<()>>;

    /// The contract itself, byte for byte the committed document.
    #[endpoint { method = GET, path = "/openapi.json", unpublished = true }]
    async fn openapi_json(rqctx: RequestContext<Self::Context>) -> Answer<HttpResponseOk<()>>;

    /// The process lives.
    #[endpoint { method = GET, path = "/healthz", unpublished = true }]
    async fn healthz(rqctx: RequestContext<Self::Context>) -> Answer<HttpResponseOk<()>>;

    /// The process can serve: its database answers and has every migration.
    #[endpoint { method = GET, path = "/readyz", unpublished = true }]
    async fn readyz(rqctx: RequestContext<Self::Context>) -> Answer<HttpResponseOk<()>>;
}
