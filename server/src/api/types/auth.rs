//! Shapes of the group Auth.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use schemars::schema::{Schema, SchemaObject, SubschemaValidation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::secret::{Secret, Typed};
use super::{Always, MfaMethod, MfaPending};

#[derive(Debug, Deserialize, JsonSchema)]
pub struct RegisterRequest {
    /// At most 254 characters; the part before the `@` is ASCII.
    #[schemars(length(max = 254))]
    pub email: String,
    /// 8 to 128 characters after Unicode normalisation (NFC), at most 1024 bytes before it.
    pub password: Typed,
    #[schemars(length(max = 200))]
    pub full_name: Option<String>,
    /// As people write it, with the country code: blanks, dashes and a trunk zero do not matter. Kept and
    /// answered in E.164, such as `+4915112345678`.
    #[schemars(length(max = 40))]
    pub phone: Option<String>,
    /// A BCP 47 language tag, such as `en` or `de-DE`; `en_US` is read as `en-US`.
    #[schemars(length(max = 35))]
    pub locale: Option<String>,
}

/// RFC 6749, section 4.3.2. A parameter without a value is an absent one.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct LoginForm {
    /// The e-mail address.
    pub username: String,
    pub password: Typed,
    /// `password`, which is also the default.
    pub grant_type: Option<String>,
    /// Accepted and ignored.
    pub scope: Option<String>,
    /// Accepted and ignored: the password grant is for first-party clients only.
    pub client_id: Option<String>,
    /// Accepted and ignored.
    pub client_secret: Option<Secret>,
}

/// Tokens, or a pending second factor: `mfa_required` tells them apart.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LoginResponse {
    Tokens(Box<TokenResponse>),
    MfaPending(MfaPending),
}

impl JsonSchema for LoginResponse {
    fn schema_name() -> String {
        "LoginResponse".to_owned()
    }

    // Derived, it would be `anyOf`; the variants exclude each other.
    fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> Schema {
        let variants = vec![
            generator.subschema_for::<TokenResponse>(),
            generator.subschema_for::<MfaPending>(),
        ];
        SchemaObject {
            metadata: Some(Box::new(schemars::schema::Metadata {
                description: Some(
                    "Tokens, or a pending second factor: `mfa_required` tells them apart.".into(),
                ),
                ..Default::default()
            })),
            subschemas: Some(Box::new(SubschemaValidation {
                one_of: Some(variants),
                ..SubschemaValidation::default()
            })),
            ..SchemaObject::default()
        }
        .into()
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenResponse {
    /// A JWT (RFC 9068).
    pub access_token: Secret,
    /// Left out of an answer to the cookie `bp_refresh`: no script is to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    pub token_type: TokenType,
    /// Seconds until the access token expires.
    pub expires_in: u32,
    /// Seconds until the refresh token expires if it is not used.
    pub refresh_expires_in: u32,
    /// Left out: scopes are not negotiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    pub mfa_required: Always<false>,
    pub user: UserSummary,
    /// The device that was trusted or recognised at this login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_device_id: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenType {
    Bearer,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct RefreshRequest {
    /// Wins over the cookie `bp_refresh`.
    pub refresh_token: Option<Secret>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct LogoutRequest {
    /// Finds the session when the request carries no token of its own.
    pub refresh_token: Option<Secret>,
    /// End every session of the user. Needs a valid token.
    pub all_sessions: Option<bool>,
}

/// The user as a login shows it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct UserSummary {
    pub id: Uuid,
    pub email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    pub tenant_id: Uuid,
    pub roles: Vec<Role>,
    pub mfa_enabled: bool,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct User {
    pub id: Uuid,
    /// As the user typed it.
    pub email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub is_active: bool,
    pub mfa_enabled: bool,
    /// The verified methods.
    pub mfa_methods: Vec<MfaMethod>,
    pub roles: Vec<Role>,
    pub tenant: Tenant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<DateTime<Utc>>,
    /// The session of the token; left out for an API key and at registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Admin,
    Member,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tenant {
    pub id: Uuid,
    pub name: String,
    /// The plan's key.
    pub plan: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    /// When the session ends however often it is refreshed.
    pub expires_at: DateTime<Utc>,
    /// How the user authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// When the user authenticated; a refresh does not change it.
    pub auth_time: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApiKey {
    pub id: Uuid,
    /// What every key of this server begins with.
    pub prefix: String,
    /// The last characters of the key, to tell keys apart.
    pub hint: String,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
    pub scopes: Vec<String>,
}

/// An API key with its secret.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeySecret {
    pub id: Uuid,
    /// What every key of this server begins with.
    pub prefix: String,
    /// The last characters of the key, to tell keys apart.
    pub hint: String,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
    pub scopes: Vec<String>,
    /// Shown this one time; send it as `X-API-Key`.
    pub api_key: Secret,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct ReactivateRequest {
    #[schemars(length(max = 254))]
    pub email: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct ReactivateConfirm {
    /// The token from the mail.
    pub token: Secret,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reactivated {
    pub status: ReactivatedStatus,
    pub email: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReactivatedStatus {
    Reactivated,
}

/// What became of a request to send a code by SMS.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CodeSent {
    /// False when there was nothing to verify.
    pub sent: bool,
    /// The number with most digits hidden.
    pub phone_hint: String,
    /// Seconds the code stays valid; 0 when none was sent.
    pub expires_in: u32,
    /// Seconds until another code can be sent; 0 when none was sent.
    pub retry_after: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct CodeConfirm {
    /// Six digits, of any script; blanks and dashes do not count.
    pub code: Typed,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PhoneVerified {
    pub phone: String,
    pub phone_verified: Always<true>,
    pub phone_verified_at: DateTime<Utc>,
}
