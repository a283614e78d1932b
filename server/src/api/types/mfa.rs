//! Shapes of the group Auth Mfa.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::secret::{Secret, Typed};
use super::Always;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MfaMethod {
    Totp,
    Sms,
    BackupCodes,
}

/// The password was right; a second factor is still due.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MfaPending {
    pub mfa_required: Always<true>,
    /// Only good for `POST /api/auth/mfa/challenge`.
    pub mfa_token: Secret,
    /// Seconds until the token expires.
    pub mfa_expires_in: u32,
    /// What the challenge accepts.
    pub methods: Vec<MfaMethod>,
    pub default_method: MfaMethod,
    /// The number of the method `sms`, with most digits hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_hint: Option<String>,
    /// Whether a code has been sent by SMS just now.
    pub code_sent: bool,
    /// Seconds until another SMS code can be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct MfaChallengeRequest {
    pub mfa_token: Secret,
    /// Absent with `method: "sms"`: send a code (again).
    pub code: Option<Typed>,
    /// Absent: the default method when the code is six digits, else `backup_codes`.
    pub method: Option<MfaMethod>,
    /// Trust this device, so that later logins need no second factor.
    pub remember_device: Option<bool>,
    /// A name for the trusted device.
    #[schemars(length(max = 100))]
    pub device_name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TotpSetup {
    /// Base32, to be typed into an authenticator app.
    pub secret: Secret,
    /// The same as `otpauth` URI.
    pub provisioning_uri: Secret,
    /// The same as QR code: an image in a `data:` URI.
    pub qr_code: Secret,
    /// Seconds until the set-up lapses unless it is verified.
    pub expires_in: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MfaEnrolled {
    pub method: MfaMethod,
    pub verified: Always<true>,
    pub mfa_enabled: Always<true>,
    /// With the first method only, and shown this one time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_codes: Option<Vec<Secret>>,
    pub backup_codes_remaining: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct SmsSetupRequest {
    /// As people write it, with the country code: blanks, dashes and a trunk zero do not matter. Kept and
    /// answered in E.164, such as `+4915112345678`.
    #[schemars(length(max = 40))]
    pub phone_number: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MfaMethods {
    pub mfa_enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_method: Option<MfaMethod>,
    /// Verified and pending methods; backup codes are counted beside them.
    pub methods: Vec<MfaMethodInfo>,
    pub backup_codes_remaining: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MfaMethodInfo {
    pub method: MfaMethod,
    pub verified: bool,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
    /// The number with most digits hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_hint: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct BackupCodes {
    /// Ten codes, each good for one login.
    #[schemars(length(min = 10, max = 10))]
    pub codes: Vec<Secret>,
    pub generated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MfaResetRequested {
    pub message: String,
    /// Seconds the token in the mail stays valid.
    pub expires_in: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct MfaResetConfirm {
    /// The token from the mail.
    pub token: Secret,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MfaResetDone {
    pub status: MfaResetStatus,
    pub mfa_enabled: Always<false>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MfaResetStatus {
    MfaReset,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustedDevice {
    pub id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    /// Whether the request came from this device.
    pub is_current: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct DevicePath {
    pub device_id: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct MethodPath {
    pub method: MfaMethod,
}
