// Generated from openapi-snapshot.json by `cargo client-code`: do not edit.

#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///`ApiKey`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ApiKey {
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The last characters of the key, to tell keys apart.
        pub hint: ::std::string::String,
        pub id: ::uuid::Uuid,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_used_at: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        ///What every key of this server begins with.
        pub prefix: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub rotated_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        pub scopes: ::std::vec::Vec<::std::string::String>,
    }
    impl ApiKey {
        pub fn builder() -> builder::ApiKey {
            Default::default()
        }
    }
    ///An API key with its secret.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ApiKeySecret {
        ///Shown this one time; send it as `X-API-Key`.
        pub api_key: crate::Secret,
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The last characters of the key, to tell keys apart.
        pub hint: ::std::string::String,
        pub id: ::uuid::Uuid,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_used_at: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        ///What every key of this server begins with.
        pub prefix: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub rotated_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        pub scopes: ::std::vec::Vec<::std::string::String>,
    }
    impl ApiKeySecret {
        pub fn builder() -> builder::ApiKeySecret {
            Default::default()
        }
    }
    ///`BackupCodes`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct BackupCodes {
        ///Ten codes, each good for one login.
        pub codes: [crate::Secret; 10usize],
        pub generated_at: ::chrono::DateTime<::chrono::offset::Utc>,
    }
    impl BackupCodes {
        pub fn builder() -> builder::BackupCodes {
            Default::default()
        }
    }
    ///`CodeConfirm`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct CodeConfirm {
        ///Six digits, of any script; blanks and dashes do not count.
        pub code: crate::Secret,
    }
    impl CodeConfirm {
        pub fn builder() -> builder::CodeConfirm {
            Default::default()
        }
    }
    ///What became of a request to send a code by SMS.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct CodeSent {
        ///Seconds the code stays valid; 0 when none was sent.
        pub expires_in: u32,
        ///The number with most digits hidden.
        pub phone_hint: ::std::string::String,
        ///Seconds until another code can be sent; 0 when none was sent.
        pub retry_after: u32,
        ///False when there was nothing to verify.
        pub sent: bool,
    }
    impl CodeSent {
        pub fn builder() -> builder::CodeSent {
            Default::default()
        }
    }
    ///`Credential`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Credential {
        pub kind: CredentialKind,
        ///Whether the session passed a second factor or began on a trusted device.
        pub mfa_satisfied: bool,
    }
    impl Credential {
        pub fn builder() -> builder::Credential {
            Default::default()
        }
    }
    ///`CredentialKind`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum CredentialKind {
        #[serde(rename = "access_token")]
        AccessToken,
        #[serde(rename = "cookie")]
        Cookie,
        #[serde(rename = "api_key")]
        ApiKey,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for CredentialKind {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::AccessToken => f.write_str("access_token"),
                Self::Cookie => f.write_str("cookie"),
                Self::ApiKey => f.write_str("api_key"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for CredentialKind {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "access_token" => Ok(Self::AccessToken),
                "cookie" => Ok(Self::Cookie),
                "api_key" => Ok(Self::ApiKey),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for CredentialKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for CredentialKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`Entitlements`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Entitlements {
        pub computed_at: ::chrono::DateTime<::chrono::offset::Utc>,
        pub credential: Credential,
        ///Ask again after this time.
        pub expires_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Open map: products add keys.
        pub features: ::std::collections::BTreeMap<::std::string::String, bool>,
        ///Open map: products add keys.
        pub limits: ::std::collections::BTreeMap<::std::string::String, Limit>,
        pub plan: Plan,
        pub restrictions: ::std::vec::Vec<Restriction>,
        pub roles: ::std::vec::Vec<Role>,
        pub scopes: ::std::vec::Vec<::std::string::String>,
        pub tenant_id: ::uuid::Uuid,
        pub user_id: ::uuid::Uuid,
        ///Changes when anything in the envelope changes.
        pub version: ::std::string::String,
    }
    impl Entitlements {
        pub fn builder() -> builder::Entitlements {
            Default::default()
        }
    }
    ///The body of every answer that is not a success.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Error {
        ///RFC 6749 error code, on `/token` and `/refresh` only.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub error: ::std::option::Option<::std::string::String>,
        pub error_code: crate::ErrorCode,
        ///RFC 6749 error description, on `/token` and `/refresh` only.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub error_description: ::std::option::Option<::std::string::String>,
        ///The fields that a 422 is about.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub errors: ::std::option::Option<::std::vec::Vec<FieldError>>,
        ///For people; its wording may change.
        pub message: ::std::string::String,
        ///Identifies the request in the logs of the server; equals the header `x-request-id`.
        pub request_id: ::std::string::String,
    }
    impl Error {
        pub fn builder() -> builder::Error {
            Default::default()
        }
    }
    ///One field that was refused.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct FieldError {
        ///Where the field is: begins with `body` or `path`.
        pub loc: ::std::vec::Vec<::std::string::String>,
        pub msg: ::std::string::String,
        ///A stable word for the kind of refusal, such as `missing` or `too_long`.
        #[serde(rename = "type")]
        pub type_: ::std::string::String,
    }
    impl FieldError {
        pub fn builder() -> builder::FieldError {
            Default::default()
        }
    }
    ///`Limit`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Limit {
        ///Null is unlimited.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub limit: ::std::option::Option<u64>,
        pub period: LimitPeriod,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub resets_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        pub unit: LimitUnit,
        ///Reported for limits that this server enforces itself.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub used: ::std::option::Option<u64>,
    }
    impl Limit {
        pub fn builder() -> builder::Limit {
            Default::default()
        }
    }
    ///`LimitPeriod`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum LimitPeriod {
        #[serde(rename = "none")]
        None,
        #[serde(rename = "day")]
        Day,
        #[serde(rename = "month")]
        Month,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for LimitPeriod {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::None => f.write_str("none"),
                Self::Day => f.write_str("day"),
                Self::Month => f.write_str("month"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for LimitPeriod {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "none" => Ok(Self::None),
                "day" => Ok(Self::Day),
                "month" => Ok(Self::Month),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for LimitPeriod {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for LimitPeriod {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`LimitUnit`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum LimitUnit {
        #[serde(rename = "count")]
        Count,
        #[serde(rename = "seat")]
        Seat,
        #[serde(rename = "request")]
        Request,
        #[serde(rename = "byte")]
        Byte,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for LimitUnit {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Count => f.write_str("count"),
                Self::Seat => f.write_str("seat"),
                Self::Request => f.write_str("request"),
                Self::Byte => f.write_str("byte"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for LimitUnit {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "count" => Ok(Self::Count),
                "seat" => Ok(Self::Seat),
                "request" => Ok(Self::Request),
                "byte" => Ok(Self::Byte),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for LimitUnit {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for LimitUnit {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///RFC 6749, section 4.3.2. A parameter without a value is an absent one.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct LoginForm {
        ///Accepted and ignored: the password grant is for first-party clients only.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub client_id: ::std::option::Option<::std::string::String>,
        ///Accepted and ignored.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub client_secret: ::std::option::Option<crate::Secret>,
        ///`password`, which is also the default.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub grant_type: ::std::option::Option<::std::string::String>,
        pub password: crate::Secret,
        ///Accepted and ignored.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub scope: ::std::option::Option<::std::string::String>,
        ///The e-mail address.
        pub username: ::std::string::String,
    }
    impl LoginForm {
        pub fn builder() -> builder::LoginForm {
            Default::default()
        }
    }
    ///Tokens, or a pending second factor: `mfa_required` tells them apart.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    #[serde(untagged)]
    pub enum LoginResponse {
        TokenResponse(TokenResponse),
        MfaPending(MfaPending),
    }
    impl ::std::convert::From<TokenResponse> for LoginResponse {
        fn from(value: TokenResponse) -> Self {
            Self::TokenResponse(value)
        }
    }
    impl ::std::convert::From<MfaPending> for LoginResponse {
        fn from(value: MfaPending) -> Self {
            Self::MfaPending(value)
        }
    }
    ///`LogoutRequest`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct LogoutRequest {
        ///End every session of the user. Needs a valid token.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub all_sessions: ::std::option::Option<bool>,
        ///Finds the session when the request carries no token of its own.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub refresh_token: ::std::option::Option<crate::Secret>,
    }
    impl LogoutRequest {
        pub fn builder() -> builder::LogoutRequest {
            Default::default()
        }
    }
    ///`MfaChallengeRequest`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaChallengeRequest {
        ///Absent with `method: "sms"`: send a code (again).
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<crate::Secret>,
        ///A name for the trusted device.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub device_name: ::std::option::Option<MfaChallengeRequestDeviceName>,
        ///Absent: the default method when the code is six digits, else `backup_codes`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub method: ::std::option::Option<MfaMethod>,
        pub mfa_token: crate::Secret,
        ///Trust this device, so that later logins need no second factor.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub remember_device: ::std::option::Option<bool>,
    }
    impl MfaChallengeRequest {
        pub fn builder() -> builder::MfaChallengeRequest {
            Default::default()
        }
    }
    ///A name for the trusted device.
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[serde(transparent)]
    pub struct MfaChallengeRequestDeviceName(::std::string::String);
    impl ::std::ops::Deref for MfaChallengeRequestDeviceName {
        type Target = ::std::string::String;
        fn deref(&self) -> &::std::string::String {
            &self.0
        }
    }
    impl ::std::convert::From<MfaChallengeRequestDeviceName> for ::std::string::String {
        fn from(value: MfaChallengeRequestDeviceName) -> Self {
            value.0
        }
    }
    impl ::std::str::FromStr for MfaChallengeRequestDeviceName {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            if value.chars().count() > 100usize {
                return Err("longer than 100 characters".into());
            }
            Ok(Self(value.to_string()))
        }
    }
    impl ::std::convert::TryFrom<&str> for MfaChallengeRequestDeviceName {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String>
    for MfaChallengeRequestDeviceName {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl<'de> ::serde::Deserialize<'de> for MfaChallengeRequestDeviceName {
        fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
        where
            D: ::serde::Deserializer<'de>,
        {
            ::std::string::String::deserialize(deserializer)?
                .parse()
                .map_err(|e: self::error::ConversionError| {
                    <D::Error as ::serde::de::Error>::custom(e.to_string())
                })
        }
    }
    ///`MfaEnrolled`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaEnrolled {
        ///With the first method only, and shown this one time.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub backup_codes: ::std::option::Option<::std::vec::Vec<crate::Secret>>,
        pub backup_codes_remaining: u32,
        pub method: MfaMethod,
        pub mfa_enabled: bool,
        pub verified: bool,
    }
    impl MfaEnrolled {
        pub fn builder() -> builder::MfaEnrolled {
            Default::default()
        }
    }
    ///`MfaMethod`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum MfaMethod {
        #[serde(rename = "totp")]
        Totp,
        #[serde(rename = "sms")]
        Sms,
        #[serde(rename = "backup_codes")]
        BackupCodes,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for MfaMethod {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Totp => f.write_str("totp"),
                Self::Sms => f.write_str("sms"),
                Self::BackupCodes => f.write_str("backup_codes"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for MfaMethod {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "totp" => Ok(Self::Totp),
                "sms" => Ok(Self::Sms),
                "backup_codes" => Ok(Self::BackupCodes),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for MfaMethod {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for MfaMethod {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`MfaMethodInfo`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaMethodInfo {
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_used_at: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        pub method: MfaMethod,
        ///The number with most digits hidden.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub phone_hint: ::std::option::Option<::std::string::String>,
        pub verified: bool,
    }
    impl MfaMethodInfo {
        pub fn builder() -> builder::MfaMethodInfo {
            Default::default()
        }
    }
    ///`MfaMethods`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaMethods {
        pub backup_codes_remaining: u32,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub default_method: ::std::option::Option<MfaMethod>,
        ///Verified and pending methods; backup codes are counted beside them.
        pub methods: ::std::vec::Vec<MfaMethodInfo>,
        pub mfa_enabled: bool,
    }
    impl MfaMethods {
        pub fn builder() -> builder::MfaMethods {
            Default::default()
        }
    }
    ///The password was right; a second factor is still due.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaPending {
        ///Whether a code has been sent by SMS just now.
        pub code_sent: bool,
        pub default_method: MfaMethod,
        ///What the challenge accepts.
        pub methods: ::std::vec::Vec<MfaMethod>,
        ///Seconds until the token expires.
        pub mfa_expires_in: u32,
        pub mfa_required: bool,
        ///Only good for `POST /api/auth/mfa/challenge`.
        pub mfa_token: crate::Secret,
        ///The number of the method `sms`, with most digits hidden.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub phone_hint: ::std::option::Option<::std::string::String>,
        ///Seconds until another SMS code can be sent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub retry_after: ::std::option::Option<u32>,
    }
    impl MfaPending {
        pub fn builder() -> builder::MfaPending {
            Default::default()
        }
    }
    ///`MfaResetConfirm`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaResetConfirm {
        ///The token from the mail.
        pub token: crate::Secret,
    }
    impl MfaResetConfirm {
        pub fn builder() -> builder::MfaResetConfirm {
            Default::default()
        }
    }
    ///`MfaResetDone`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaResetDone {
        pub mfa_enabled: bool,
        pub status: MfaResetStatus,
    }
    impl MfaResetDone {
        pub fn builder() -> builder::MfaResetDone {
            Default::default()
        }
    }
    ///`MfaResetRequested`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MfaResetRequested {
        ///Seconds the token in the mail stays valid.
        pub expires_in: u32,
        pub message: ::std::string::String,
    }
    impl MfaResetRequested {
        pub fn builder() -> builder::MfaResetRequested {
            Default::default()
        }
    }
    ///`MfaResetStatus`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum MfaResetStatus {
        #[serde(rename = "mfa_reset")]
        MfaReset,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for MfaResetStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::MfaReset => f.write_str("mfa_reset"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for MfaResetStatus {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "mfa_reset" => Ok(Self::MfaReset),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for MfaResetStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for MfaResetStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`PhoneVerified`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct PhoneVerified {
        pub phone: ::std::string::String,
        pub phone_verified: bool,
        pub phone_verified_at: ::chrono::DateTime<::chrono::offset::Utc>,
    }
    impl PhoneVerified {
        pub fn builder() -> builder::PhoneVerified {
            Default::default()
        }
    }
    ///`Plan`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Plan {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub current_period_end: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        pub key: ::std::string::String,
        pub name: ::std::string::String,
        pub source: PlanSource,
        pub status: PlanStatus,
    }
    impl Plan {
        pub fn builder() -> builder::Plan {
            Default::default()
        }
    }
    ///`PlanSource`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum PlanSource {
        #[serde(rename = "default")]
        Default,
        #[serde(rename = "billing")]
        Billing,
        #[serde(rename = "manual")]
        Manual,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for PlanSource {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Default => f.write_str("default"),
                Self::Billing => f.write_str("billing"),
                Self::Manual => f.write_str("manual"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for PlanSource {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "default" => Ok(Self::Default),
                "billing" => Ok(Self::Billing),
                "manual" => Ok(Self::Manual),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for PlanSource {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for PlanSource {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`PlanStatus`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum PlanStatus {
        #[serde(rename = "active")]
        Active,
        #[serde(rename = "trialing")]
        Trialing,
        #[serde(rename = "past_due")]
        PastDue,
        #[serde(rename = "canceled")]
        Canceled,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for PlanStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Active => f.write_str("active"),
                Self::Trialing => f.write_str("trialing"),
                Self::PastDue => f.write_str("past_due"),
                Self::Canceled => f.write_str("canceled"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for PlanStatus {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "active" => Ok(Self::Active),
                "trialing" => Ok(Self::Trialing),
                "past_due" => Ok(Self::PastDue),
                "canceled" => Ok(Self::Canceled),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for PlanStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for PlanStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`ReactivateConfirm`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ReactivateConfirm {
        ///The token from the mail.
        pub token: crate::Secret,
    }
    impl ReactivateConfirm {
        pub fn builder() -> builder::ReactivateConfirm {
            Default::default()
        }
    }
    ///`ReactivateRequest`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ReactivateRequest {
        pub email: ReactivateRequestEmail,
    }
    impl ReactivateRequest {
        pub fn builder() -> builder::ReactivateRequest {
            Default::default()
        }
    }
    ///`ReactivateRequestEmail`
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[serde(transparent)]
    pub struct ReactivateRequestEmail(::std::string::String);
    impl ::std::ops::Deref for ReactivateRequestEmail {
        type Target = ::std::string::String;
        fn deref(&self) -> &::std::string::String {
            &self.0
        }
    }
    impl ::std::convert::From<ReactivateRequestEmail> for ::std::string::String {
        fn from(value: ReactivateRequestEmail) -> Self {
            value.0
        }
    }
    impl ::std::str::FromStr for ReactivateRequestEmail {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            if value.chars().count() > 254usize {
                return Err("longer than 254 characters".into());
            }
            Ok(Self(value.to_string()))
        }
    }
    impl ::std::convert::TryFrom<&str> for ReactivateRequestEmail {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for ReactivateRequestEmail {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl<'de> ::serde::Deserialize<'de> for ReactivateRequestEmail {
        fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
        where
            D: ::serde::Deserializer<'de>,
        {
            ::std::string::String::deserialize(deserializer)?
                .parse()
                .map_err(|e: self::error::ConversionError| {
                    <D::Error as ::serde::de::Error>::custom(e.to_string())
                })
        }
    }
    ///`Reactivated`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Reactivated {
        pub email: ::std::string::String,
        pub status: ReactivatedStatus,
    }
    impl Reactivated {
        pub fn builder() -> builder::Reactivated {
            Default::default()
        }
    }
    ///`ReactivatedStatus`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum ReactivatedStatus {
        #[serde(rename = "reactivated")]
        Reactivated,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for ReactivatedStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Reactivated => f.write_str("reactivated"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for ReactivatedStatus {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "reactivated" => Ok(Self::Reactivated),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for ReactivatedStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for ReactivatedStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`RefreshRequest`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct RefreshRequest {
        ///Wins over the cookie `bp_refresh`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub refresh_token: ::std::option::Option<crate::Secret>,
    }
    impl RefreshRequest {
        pub fn builder() -> builder::RefreshRequest {
            Default::default()
        }
    }
    ///`RegisterRequest`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct RegisterRequest {
        ///At most 254 characters; the part before the `@` is ASCII.
        pub email: RegisterRequestEmail,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub full_name: ::std::option::Option<RegisterRequestFullName>,
        ///A BCP 47 language tag, such as `en` or `de-DE`; `en_US` is read as `en-US`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub locale: ::std::option::Option<RegisterRequestLocale>,
        ///8 to 128 characters after Unicode normalisation (NFC), at most 1024 bytes before it.
        pub password: crate::Secret,
        ///As people write it, with the country code: blanks, dashes and a trunk zero do not matter. Kept and answered in E.164, such as `+4915112345678`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub phone: ::std::option::Option<RegisterRequestPhone>,
    }
    impl RegisterRequest {
        pub fn builder() -> builder::RegisterRequest {
            Default::default()
        }
    }
    ///At most 254 characters; the part before the `@` is ASCII.
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[serde(transparent)]
    pub struct RegisterRequestEmail(::std::string::String);
    impl ::std::ops::Deref for RegisterRequestEmail {
        type Target = ::std::string::String;
        fn deref(&self) -> &::std::string::String {
            &self.0
        }
    }
    impl ::std::convert::From<RegisterRequestEmail> for ::std::string::String {
        fn from(value: RegisterRequestEmail) -> Self {
            value.0
        }
    }
    impl ::std::str::FromStr for RegisterRequestEmail {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            if value.chars().count() > 254usize {
                return Err("longer than 254 characters".into());
            }
            Ok(Self(value.to_string()))
        }
    }
    impl ::std::convert::TryFrom<&str> for RegisterRequestEmail {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for RegisterRequestEmail {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl<'de> ::serde::Deserialize<'de> for RegisterRequestEmail {
        fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
        where
            D: ::serde::Deserializer<'de>,
        {
            ::std::string::String::deserialize(deserializer)?
                .parse()
                .map_err(|e: self::error::ConversionError| {
                    <D::Error as ::serde::de::Error>::custom(e.to_string())
                })
        }
    }
    ///`RegisterRequestFullName`
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[serde(transparent)]
    pub struct RegisterRequestFullName(::std::string::String);
    impl ::std::ops::Deref for RegisterRequestFullName {
        type Target = ::std::string::String;
        fn deref(&self) -> &::std::string::String {
            &self.0
        }
    }
    impl ::std::convert::From<RegisterRequestFullName> for ::std::string::String {
        fn from(value: RegisterRequestFullName) -> Self {
            value.0
        }
    }
    impl ::std::str::FromStr for RegisterRequestFullName {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            if value.chars().count() > 200usize {
                return Err("longer than 200 characters".into());
            }
            Ok(Self(value.to_string()))
        }
    }
    impl ::std::convert::TryFrom<&str> for RegisterRequestFullName {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for RegisterRequestFullName {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl<'de> ::serde::Deserialize<'de> for RegisterRequestFullName {
        fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
        where
            D: ::serde::Deserializer<'de>,
        {
            ::std::string::String::deserialize(deserializer)?
                .parse()
                .map_err(|e: self::error::ConversionError| {
                    <D::Error as ::serde::de::Error>::custom(e.to_string())
                })
        }
    }
    ///A BCP 47 language tag, such as `en` or `de-DE`; `en_US` is read as `en-US`.
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[serde(transparent)]
    pub struct RegisterRequestLocale(::std::string::String);
    impl ::std::ops::Deref for RegisterRequestLocale {
        type Target = ::std::string::String;
        fn deref(&self) -> &::std::string::String {
            &self.0
        }
    }
    impl ::std::convert::From<RegisterRequestLocale> for ::std::string::String {
        fn from(value: RegisterRequestLocale) -> Self {
            value.0
        }
    }
    impl ::std::str::FromStr for RegisterRequestLocale {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            if value.chars().count() > 35usize {
                return Err("longer than 35 characters".into());
            }
            Ok(Self(value.to_string()))
        }
    }
    impl ::std::convert::TryFrom<&str> for RegisterRequestLocale {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for RegisterRequestLocale {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl<'de> ::serde::Deserialize<'de> for RegisterRequestLocale {
        fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
        where
            D: ::serde::Deserializer<'de>,
        {
            ::std::string::String::deserialize(deserializer)?
                .parse()
                .map_err(|e: self::error::ConversionError| {
                    <D::Error as ::serde::de::Error>::custom(e.to_string())
                })
        }
    }
    ///As people write it, with the country code: blanks, dashes and a trunk zero do not matter. Kept and answered in E.164, such as `+4915112345678`.
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[serde(transparent)]
    pub struct RegisterRequestPhone(::std::string::String);
    impl ::std::ops::Deref for RegisterRequestPhone {
        type Target = ::std::string::String;
        fn deref(&self) -> &::std::string::String {
            &self.0
        }
    }
    impl ::std::convert::From<RegisterRequestPhone> for ::std::string::String {
        fn from(value: RegisterRequestPhone) -> Self {
            value.0
        }
    }
    impl ::std::str::FromStr for RegisterRequestPhone {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            if value.chars().count() > 40usize {
                return Err("longer than 40 characters".into());
            }
            Ok(Self(value.to_string()))
        }
    }
    impl ::std::convert::TryFrom<&str> for RegisterRequestPhone {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for RegisterRequestPhone {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl<'de> ::serde::Deserialize<'de> for RegisterRequestPhone {
        fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
        where
            D: ::serde::Deserializer<'de>,
        {
            ::std::string::String::deserialize(deserializer)?
                .parse()
                .map_err(|e: self::error::ConversionError| {
                    <D::Error as ::serde::de::Error>::custom(e.to_string())
                })
        }
    }
    ///`Restriction`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum Restriction {
        #[serde(rename = "phone_unverified")]
        PhoneUnverified,
        #[serde(rename = "mfa_enrollment_required")]
        MfaEnrollmentRequired,
        #[serde(rename = "payment_past_due")]
        PaymentPastDue,
        #[serde(rename = "read_only")]
        ReadOnly,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for Restriction {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::PhoneUnverified => f.write_str("phone_unverified"),
                Self::MfaEnrollmentRequired => f.write_str("mfa_enrollment_required"),
                Self::PaymentPastDue => f.write_str("payment_past_due"),
                Self::ReadOnly => f.write_str("read_only"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for Restriction {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "phone_unverified" => Ok(Self::PhoneUnverified),
                "mfa_enrollment_required" => Ok(Self::MfaEnrollmentRequired),
                "payment_past_due" => Ok(Self::PaymentPastDue),
                "read_only" => Ok(Self::ReadOnly),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Restriction {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Restriction {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`Role`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum Role {
        #[serde(rename = "owner")]
        Owner,
        #[serde(rename = "admin")]
        Admin,
        #[serde(rename = "member")]
        Member,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for Role {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Owner => f.write_str("owner"),
                Self::Admin => f.write_str("admin"),
                Self::Member => f.write_str("member"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for Role {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "owner" => Ok(Self::Owner),
                "admin" => Ok(Self::Admin),
                "member" => Ok(Self::Member),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Role {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Role {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`Session`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Session {
        ///How the user authenticated (RFC 8176).
        pub amr: ::std::vec::Vec<::std::string::String>,
        ///When the user authenticated; a refresh does not change it.
        pub auth_time: ::chrono::DateTime<::chrono::offset::Utc>,
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///When the session ends however often it is refreshed.
        pub expires_at: ::chrono::DateTime<::chrono::offset::Utc>,
        pub id: ::uuid::Uuid,
    }
    impl Session {
        pub fn builder() -> builder::Session {
            Default::default()
        }
    }
    ///`SmsSetupRequest`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct SmsSetupRequest {
        ///As people write it, with the country code: blanks, dashes and a trunk zero do not matter. Kept and answered in E.164, such as `+4915112345678`.
        pub phone_number: SmsSetupRequestPhoneNumber,
    }
    impl SmsSetupRequest {
        pub fn builder() -> builder::SmsSetupRequest {
            Default::default()
        }
    }
    ///As people write it, with the country code: blanks, dashes and a trunk zero do not matter. Kept and answered in E.164, such as `+4915112345678`.
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[serde(transparent)]
    pub struct SmsSetupRequestPhoneNumber(::std::string::String);
    impl ::std::ops::Deref for SmsSetupRequestPhoneNumber {
        type Target = ::std::string::String;
        fn deref(&self) -> &::std::string::String {
            &self.0
        }
    }
    impl ::std::convert::From<SmsSetupRequestPhoneNumber> for ::std::string::String {
        fn from(value: SmsSetupRequestPhoneNumber) -> Self {
            value.0
        }
    }
    impl ::std::str::FromStr for SmsSetupRequestPhoneNumber {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            if value.chars().count() > 40usize {
                return Err("longer than 40 characters".into());
            }
            Ok(Self(value.to_string()))
        }
    }
    impl ::std::convert::TryFrom<&str> for SmsSetupRequestPhoneNumber {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for SmsSetupRequestPhoneNumber {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl<'de> ::serde::Deserialize<'de> for SmsSetupRequestPhoneNumber {
        fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
        where
            D: ::serde::Deserializer<'de>,
        {
            ::std::string::String::deserialize(deserializer)?
                .parse()
                .map_err(|e: self::error::ConversionError| {
                    <D::Error as ::serde::de::Error>::custom(e.to_string())
                })
        }
    }
    ///`Tenant`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Tenant {
        pub id: ::uuid::Uuid,
        pub name: ::std::string::String,
        ///The plan's key.
        pub plan: ::std::string::String,
    }
    impl Tenant {
        pub fn builder() -> builder::Tenant {
            Default::default()
        }
    }
    ///`TokenResponse`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct TokenResponse {
        ///A JWT (RFC 9068).
        pub access_token: crate::Secret,
        ///Seconds until the access token expires.
        pub expires_in: u32,
        pub mfa_required: bool,
        ///Seconds until the refresh token expires if it is not used.
        pub refresh_expires_in: u32,
        ///Left out of an answer to the cookie `bp_refresh`: no script is to read it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub refresh_token: ::std::option::Option<crate::Secret>,
        ///Left out: scopes are not negotiated.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub scope: ::std::option::Option<::std::string::String>,
        pub token_type: TokenType,
        ///The device that was trusted or recognised at this login.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub trusted_device_id: ::std::option::Option<i64>,
        pub user: UserSummary,
    }
    impl TokenResponse {
        pub fn builder() -> builder::TokenResponse {
            Default::default()
        }
    }
    ///`TokenType`
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    #[non_exhaustive]
    pub enum TokenType {
        #[serde(rename = "bearer")]
        Bearer,
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String),
    }
    impl ::std::fmt::Display for TokenType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Bearer => f.write_str("bearer"),
                Self::Unknown(ref word) => f.write_str(word),
            }
        }
    }
    impl ::std::str::FromStr for TokenType {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "bearer" => Ok(Self::Bearer),
                word => Ok(Self::Unknown(word.to_owned())),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for TokenType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for TokenType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///`TotpSetup`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct TotpSetup {
        ///Seconds until the set-up lapses unless it is verified.
        pub expires_in: u32,
        ///The same as `otpauth` URI.
        pub provisioning_uri: crate::Secret,
        ///The same as QR code: an image in a `data:` URI.
        pub qr_code: crate::Secret,
        ///Base32, to be typed into an authenticator app.
        pub secret: crate::Secret,
    }
    impl TotpSetup {
        pub fn builder() -> builder::TotpSetup {
            Default::default()
        }
    }
    ///`TrustedDevice`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct TrustedDevice {
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        pub expires_at: ::chrono::DateTime<::chrono::offset::Utc>,
        pub id: i64,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ip_address: ::std::option::Option<::std::string::String>,
        ///Whether the request came from this device.
        pub is_current: bool,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_used_at: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user_agent: ::std::option::Option<::std::string::String>,
    }
    impl TrustedDevice {
        pub fn builder() -> builder::TrustedDevice {
            Default::default()
        }
    }
    ///`User`
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct User {
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///As the user typed it.
        pub email: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub full_name: ::std::option::Option<::std::string::String>,
        pub id: ::uuid::Uuid,
        pub is_active: bool,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_login_at: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub locale: ::std::option::Option<::std::string::String>,
        pub mfa_enabled: bool,
        ///The verified methods.
        pub mfa_methods: ::std::vec::Vec<MfaMethod>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub phone: ::std::option::Option<::std::string::String>,
        pub phone_verified: bool,
        pub roles: ::std::vec::Vec<Role>,
        ///The session of the token; left out for an API key and at registration.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub session: ::std::option::Option<Session>,
        pub tenant: Tenant,
    }
    impl User {
        pub fn builder() -> builder::User {
            Default::default()
        }
    }
    ///The user as a login shows it.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct UserSummary {
        pub email: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub full_name: ::std::option::Option<::std::string::String>,
        pub id: ::uuid::Uuid,
        pub mfa_enabled: bool,
        pub roles: ::std::vec::Vec<Role>,
        pub tenant_id: ::uuid::Uuid,
    }
    impl UserSummary {
        pub fn builder() -> builder::UserSummary {
            Default::default()
        }
    }
    /// Types for composing complex structures.
    pub mod builder {
        #[derive(Clone, Debug)]
        pub struct ApiKey {
            created_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            hint: ::std::result::Result<::std::string::String, ::std::string::String>,
            id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
            last_used_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            prefix: ::std::result::Result<::std::string::String, ::std::string::String>,
            rotated_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            scopes: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ApiKey {
            fn default() -> Self {
                Self {
                    created_at: Err("no value supplied for created_at".to_string()),
                    hint: Err("no value supplied for hint".to_string()),
                    id: Err("no value supplied for id".to_string()),
                    last_used_at: Ok(Default::default()),
                    prefix: Err("no value supplied for prefix".to_string()),
                    rotated_at: Ok(Default::default()),
                    scopes: Err("no value supplied for scopes".to_string()),
                }
            }
        }
        impl ApiKey {
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn hint<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.hint = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for hint: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn last_used_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.last_used_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for last_used_at: {e}")
                    });
                self
            }
            pub fn prefix<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.prefix = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for prefix: {e}")
                    });
                self
            }
            pub fn rotated_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.rotated_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for rotated_at: {e}")
                    });
                self
            }
            pub fn scopes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scopes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scopes: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ApiKey> for super::ApiKey {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ApiKey,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    created_at: value.created_at?,
                    hint: value.hint?,
                    id: value.id?,
                    last_used_at: value.last_used_at?,
                    prefix: value.prefix?,
                    rotated_at: value.rotated_at?,
                    scopes: value.scopes?,
                })
            }
        }
        impl ::std::convert::From<super::ApiKey> for ApiKey {
            fn from(value: super::ApiKey) -> Self {
                Self {
                    created_at: Ok(value.created_at),
                    hint: Ok(value.hint),
                    id: Ok(value.id),
                    last_used_at: Ok(value.last_used_at),
                    prefix: Ok(value.prefix),
                    rotated_at: Ok(value.rotated_at),
                    scopes: Ok(value.scopes),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ApiKeySecret {
            api_key: ::std::result::Result<crate::Secret, ::std::string::String>,
            created_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            hint: ::std::result::Result<::std::string::String, ::std::string::String>,
            id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
            last_used_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            prefix: ::std::result::Result<::std::string::String, ::std::string::String>,
            rotated_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            scopes: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ApiKeySecret {
            fn default() -> Self {
                Self {
                    api_key: Err("no value supplied for api_key".to_string()),
                    created_at: Err("no value supplied for created_at".to_string()),
                    hint: Err("no value supplied for hint".to_string()),
                    id: Err("no value supplied for id".to_string()),
                    last_used_at: Ok(Default::default()),
                    prefix: Err("no value supplied for prefix".to_string()),
                    rotated_at: Ok(Default::default()),
                    scopes: Err("no value supplied for scopes".to_string()),
                }
            }
        }
        impl ApiKeySecret {
            pub fn api_key<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.api_key = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for api_key: {e}")
                    });
                self
            }
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn hint<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.hint = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for hint: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn last_used_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.last_used_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for last_used_at: {e}")
                    });
                self
            }
            pub fn prefix<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.prefix = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for prefix: {e}")
                    });
                self
            }
            pub fn rotated_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.rotated_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for rotated_at: {e}")
                    });
                self
            }
            pub fn scopes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scopes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scopes: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ApiKeySecret> for super::ApiKeySecret {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ApiKeySecret,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    api_key: value.api_key?,
                    created_at: value.created_at?,
                    hint: value.hint?,
                    id: value.id?,
                    last_used_at: value.last_used_at?,
                    prefix: value.prefix?,
                    rotated_at: value.rotated_at?,
                    scopes: value.scopes?,
                })
            }
        }
        impl ::std::convert::From<super::ApiKeySecret> for ApiKeySecret {
            fn from(value: super::ApiKeySecret) -> Self {
                Self {
                    api_key: Ok(value.api_key),
                    created_at: Ok(value.created_at),
                    hint: Ok(value.hint),
                    id: Ok(value.id),
                    last_used_at: Ok(value.last_used_at),
                    prefix: Ok(value.prefix),
                    rotated_at: Ok(value.rotated_at),
                    scopes: Ok(value.scopes),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct BackupCodes {
            codes: ::std::result::Result<
                [crate::Secret; 10usize],
                ::std::string::String,
            >,
            generated_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for BackupCodes {
            fn default() -> Self {
                Self {
                    codes: Err("no value supplied for codes".to_string()),
                    generated_at: Err("no value supplied for generated_at".to_string()),
                }
            }
        }
        impl BackupCodes {
            pub fn codes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<[crate::Secret; 10usize]>,
                T::Error: ::std::fmt::Display,
            {
                self.codes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for codes: {e}")
                    });
                self
            }
            pub fn generated_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.generated_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for generated_at: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<BackupCodes> for super::BackupCodes {
            type Error = super::error::ConversionError;
            fn try_from(
                value: BackupCodes,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    codes: value.codes?,
                    generated_at: value.generated_at?,
                })
            }
        }
        impl ::std::convert::From<super::BackupCodes> for BackupCodes {
            fn from(value: super::BackupCodes) -> Self {
                Self {
                    codes: Ok(value.codes),
                    generated_at: Ok(value.generated_at),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct CodeConfirm {
            code: ::std::result::Result<crate::Secret, ::std::string::String>,
        }
        impl ::std::default::Default for CodeConfirm {
            fn default() -> Self {
                Self {
                    code: Err("no value supplied for code".to_string()),
                }
            }
        }
        impl CodeConfirm {
            pub fn code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for code: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<CodeConfirm> for super::CodeConfirm {
            type Error = super::error::ConversionError;
            fn try_from(
                value: CodeConfirm,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { code: value.code? })
            }
        }
        impl ::std::convert::From<super::CodeConfirm> for CodeConfirm {
            fn from(value: super::CodeConfirm) -> Self {
                Self { code: Ok(value.code) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct CodeSent {
            expires_in: ::std::result::Result<u32, ::std::string::String>,
            phone_hint: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
            retry_after: ::std::result::Result<u32, ::std::string::String>,
            sent: ::std::result::Result<bool, ::std::string::String>,
        }
        impl ::std::default::Default for CodeSent {
            fn default() -> Self {
                Self {
                    expires_in: Err("no value supplied for expires_in".to_string()),
                    phone_hint: Err("no value supplied for phone_hint".to_string()),
                    retry_after: Err("no value supplied for retry_after".to_string()),
                    sent: Err("no value supplied for sent".to_string()),
                }
            }
        }
        impl CodeSent {
            pub fn expires_in<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_in = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_in: {e}")
                    });
                self
            }
            pub fn phone_hint<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.phone_hint = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for phone_hint: {e}")
                    });
                self
            }
            pub fn retry_after<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.retry_after = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for retry_after: {e}")
                    });
                self
            }
            pub fn sent<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.sent = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for sent: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<CodeSent> for super::CodeSent {
            type Error = super::error::ConversionError;
            fn try_from(
                value: CodeSent,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    expires_in: value.expires_in?,
                    phone_hint: value.phone_hint?,
                    retry_after: value.retry_after?,
                    sent: value.sent?,
                })
            }
        }
        impl ::std::convert::From<super::CodeSent> for CodeSent {
            fn from(value: super::CodeSent) -> Self {
                Self {
                    expires_in: Ok(value.expires_in),
                    phone_hint: Ok(value.phone_hint),
                    retry_after: Ok(value.retry_after),
                    sent: Ok(value.sent),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Credential {
            kind: ::std::result::Result<super::CredentialKind, ::std::string::String>,
            mfa_satisfied: ::std::result::Result<bool, ::std::string::String>,
        }
        impl ::std::default::Default for Credential {
            fn default() -> Self {
                Self {
                    kind: Err("no value supplied for kind".to_string()),
                    mfa_satisfied: Err("no value supplied for mfa_satisfied".to_string()),
                }
            }
        }
        impl Credential {
            pub fn kind<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::CredentialKind>,
                T::Error: ::std::fmt::Display,
            {
                self.kind = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for kind: {e}")
                    });
                self
            }
            pub fn mfa_satisfied<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_satisfied = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_satisfied: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Credential> for super::Credential {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Credential,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    kind: value.kind?,
                    mfa_satisfied: value.mfa_satisfied?,
                })
            }
        }
        impl ::std::convert::From<super::Credential> for Credential {
            fn from(value: super::Credential) -> Self {
                Self {
                    kind: Ok(value.kind),
                    mfa_satisfied: Ok(value.mfa_satisfied),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Entitlements {
            computed_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            credential: ::std::result::Result<super::Credential, ::std::string::String>,
            expires_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            features: ::std::result::Result<
                ::std::collections::BTreeMap<::std::string::String, bool>,
                ::std::string::String,
            >,
            limits: ::std::result::Result<
                ::std::collections::BTreeMap<::std::string::String, super::Limit>,
                ::std::string::String,
            >,
            plan: ::std::result::Result<super::Plan, ::std::string::String>,
            restrictions: ::std::result::Result<
                ::std::vec::Vec<super::Restriction>,
                ::std::string::String,
            >,
            roles: ::std::result::Result<
                ::std::vec::Vec<super::Role>,
                ::std::string::String,
            >,
            scopes: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            tenant_id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
            user_id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
            version: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for Entitlements {
            fn default() -> Self {
                Self {
                    computed_at: Err("no value supplied for computed_at".to_string()),
                    credential: Err("no value supplied for credential".to_string()),
                    expires_at: Err("no value supplied for expires_at".to_string()),
                    features: Err("no value supplied for features".to_string()),
                    limits: Err("no value supplied for limits".to_string()),
                    plan: Err("no value supplied for plan".to_string()),
                    restrictions: Err("no value supplied for restrictions".to_string()),
                    roles: Err("no value supplied for roles".to_string()),
                    scopes: Err("no value supplied for scopes".to_string()),
                    tenant_id: Err("no value supplied for tenant_id".to_string()),
                    user_id: Err("no value supplied for user_id".to_string()),
                    version: Err("no value supplied for version".to_string()),
                }
            }
        }
        impl Entitlements {
            pub fn computed_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.computed_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for computed_at: {e}")
                    });
                self
            }
            pub fn credential<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::Credential>,
                T::Error: ::std::fmt::Display,
            {
                self.credential = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for credential: {e}")
                    });
                self
            }
            pub fn expires_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_at: {e}")
                    });
                self
            }
            pub fn features<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::BTreeMap<::std::string::String, bool>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.features = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for features: {e}")
                    });
                self
            }
            pub fn limits<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::BTreeMap<::std::string::String, super::Limit>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.limits = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limits: {e}")
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::Plan>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
            pub fn restrictions<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Restriction>>,
                T::Error: ::std::fmt::Display,
            {
                self.restrictions = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for restrictions: {e}")
                    });
                self
            }
            pub fn roles<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Role>>,
                T::Error: ::std::fmt::Display,
            {
                self.roles = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for roles: {e}")
                    });
                self
            }
            pub fn scopes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scopes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scopes: {e}")
                    });
                self
            }
            pub fn tenant_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.tenant_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for tenant_id: {e}")
                    });
                self
            }
            pub fn user_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.user_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for user_id: {e}")
                    });
                self
            }
            pub fn version<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.version = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for version: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Entitlements> for super::Entitlements {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Entitlements,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    computed_at: value.computed_at?,
                    credential: value.credential?,
                    expires_at: value.expires_at?,
                    features: value.features?,
                    limits: value.limits?,
                    plan: value.plan?,
                    restrictions: value.restrictions?,
                    roles: value.roles?,
                    scopes: value.scopes?,
                    tenant_id: value.tenant_id?,
                    user_id: value.user_id?,
                    version: value.version?,
                })
            }
        }
        impl ::std::convert::From<super::Entitlements> for Entitlements {
            fn from(value: super::Entitlements) -> Self {
                Self {
                    computed_at: Ok(value.computed_at),
                    credential: Ok(value.credential),
                    expires_at: Ok(value.expires_at),
                    features: Ok(value.features),
                    limits: Ok(value.limits),
                    plan: Ok(value.plan),
                    restrictions: Ok(value.restrictions),
                    roles: Ok(value.roles),
                    scopes: Ok(value.scopes),
                    tenant_id: Ok(value.tenant_id),
                    user_id: Ok(value.user_id),
                    version: Ok(value.version),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Error {
            error: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            error_code: ::std::result::Result<crate::ErrorCode, ::std::string::String>,
            error_description: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            errors: ::std::result::Result<
                ::std::option::Option<::std::vec::Vec<super::FieldError>>,
                ::std::string::String,
            >,
            message: ::std::result::Result<::std::string::String, ::std::string::String>,
            request_id: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Error {
            fn default() -> Self {
                Self {
                    error: Ok(Default::default()),
                    error_code: Err("no value supplied for error_code".to_string()),
                    error_description: Ok(Default::default()),
                    errors: Ok(Default::default()),
                    message: Err("no value supplied for message".to_string()),
                    request_id: Err("no value supplied for request_id".to_string()),
                }
            }
        }
        impl Error {
            pub fn error<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.error = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for error: {e}")
                    });
                self
            }
            pub fn error_code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::ErrorCode>,
                T::Error: ::std::fmt::Display,
            {
                self.error_code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for error_code: {e}")
                    });
                self
            }
            pub fn error_description<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.error_description = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for error_description: {e}"
                        )
                    });
                self
            }
            pub fn errors<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::vec::Vec<super::FieldError>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.errors = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for errors: {e}")
                    });
                self
            }
            pub fn message<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.message = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for message: {e}")
                    });
                self
            }
            pub fn request_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.request_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for request_id: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Error> for super::Error {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Error,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    error: value.error?,
                    error_code: value.error_code?,
                    error_description: value.error_description?,
                    errors: value.errors?,
                    message: value.message?,
                    request_id: value.request_id?,
                })
            }
        }
        impl ::std::convert::From<super::Error> for Error {
            fn from(value: super::Error) -> Self {
                Self {
                    error: Ok(value.error),
                    error_code: Ok(value.error_code),
                    error_description: Ok(value.error_description),
                    errors: Ok(value.errors),
                    message: Ok(value.message),
                    request_id: Ok(value.request_id),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct FieldError {
            loc: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            msg: ::std::result::Result<::std::string::String, ::std::string::String>,
            type_: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for FieldError {
            fn default() -> Self {
                Self {
                    loc: Err("no value supplied for loc".to_string()),
                    msg: Err("no value supplied for msg".to_string()),
                    type_: Err("no value supplied for type_".to_string()),
                }
            }
        }
        impl FieldError {
            pub fn loc<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.loc = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for loc: {e}")
                    });
                self
            }
            pub fn msg<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.msg = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for msg: {e}")
                    });
                self
            }
            pub fn type_<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.type_ = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for type_: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<FieldError> for super::FieldError {
            type Error = super::error::ConversionError;
            fn try_from(
                value: FieldError,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    loc: value.loc?,
                    msg: value.msg?,
                    type_: value.type_?,
                })
            }
        }
        impl ::std::convert::From<super::FieldError> for FieldError {
            fn from(value: super::FieldError) -> Self {
                Self {
                    loc: Ok(value.loc),
                    msg: Ok(value.msg),
                    type_: Ok(value.type_),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Limit {
            limit: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            period: ::std::result::Result<super::LimitPeriod, ::std::string::String>,
            resets_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            unit: ::std::result::Result<super::LimitUnit, ::std::string::String>,
            used: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Limit {
            fn default() -> Self {
                Self {
                    limit: Ok(Default::default()),
                    period: Err("no value supplied for period".to_string()),
                    resets_at: Ok(Default::default()),
                    unit: Err("no value supplied for unit".to_string()),
                    used: Ok(Default::default()),
                }
            }
        }
        impl Limit {
            pub fn limit<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.limit = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limit: {e}")
                    });
                self
            }
            pub fn period<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::LimitPeriod>,
                T::Error: ::std::fmt::Display,
            {
                self.period = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for period: {e}")
                    });
                self
            }
            pub fn resets_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.resets_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for resets_at: {e}")
                    });
                self
            }
            pub fn unit<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::LimitUnit>,
                T::Error: ::std::fmt::Display,
            {
                self.unit = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for unit: {e}")
                    });
                self
            }
            pub fn used<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.used = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for used: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Limit> for super::Limit {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Limit,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    limit: value.limit?,
                    period: value.period?,
                    resets_at: value.resets_at?,
                    unit: value.unit?,
                    used: value.used?,
                })
            }
        }
        impl ::std::convert::From<super::Limit> for Limit {
            fn from(value: super::Limit) -> Self {
                Self {
                    limit: Ok(value.limit),
                    period: Ok(value.period),
                    resets_at: Ok(value.resets_at),
                    unit: Ok(value.unit),
                    used: Ok(value.used),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct LoginForm {
            client_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            client_secret: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
            grant_type: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            password: ::std::result::Result<crate::Secret, ::std::string::String>,
            scope: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            username: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for LoginForm {
            fn default() -> Self {
                Self {
                    client_id: Ok(Default::default()),
                    client_secret: Ok(Default::default()),
                    grant_type: Ok(Default::default()),
                    password: Err("no value supplied for password".to_string()),
                    scope: Ok(Default::default()),
                    username: Err("no value supplied for username".to_string()),
                }
            }
        }
        impl LoginForm {
            pub fn client_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.client_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for client_id: {e}")
                    });
                self
            }
            pub fn client_secret<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.client_secret = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for client_secret: {e}")
                    });
                self
            }
            pub fn grant_type<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.grant_type = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for grant_type: {e}")
                    });
                self
            }
            pub fn password<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.password = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for password: {e}")
                    });
                self
            }
            pub fn scope<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scope = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scope: {e}")
                    });
                self
            }
            pub fn username<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.username = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for username: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<LoginForm> for super::LoginForm {
            type Error = super::error::ConversionError;
            fn try_from(
                value: LoginForm,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    client_id: value.client_id?,
                    client_secret: value.client_secret?,
                    grant_type: value.grant_type?,
                    password: value.password?,
                    scope: value.scope?,
                    username: value.username?,
                })
            }
        }
        impl ::std::convert::From<super::LoginForm> for LoginForm {
            fn from(value: super::LoginForm) -> Self {
                Self {
                    client_id: Ok(value.client_id),
                    client_secret: Ok(value.client_secret),
                    grant_type: Ok(value.grant_type),
                    password: Ok(value.password),
                    scope: Ok(value.scope),
                    username: Ok(value.username),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct LogoutRequest {
            all_sessions: ::std::result::Result<
                ::std::option::Option<bool>,
                ::std::string::String,
            >,
            refresh_token: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for LogoutRequest {
            fn default() -> Self {
                Self {
                    all_sessions: Ok(Default::default()),
                    refresh_token: Ok(Default::default()),
                }
            }
        }
        impl LogoutRequest {
            pub fn all_sessions<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<bool>>,
                T::Error: ::std::fmt::Display,
            {
                self.all_sessions = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for all_sessions: {e}")
                    });
                self
            }
            pub fn refresh_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.refresh_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for refresh_token: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<LogoutRequest> for super::LogoutRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: LogoutRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    all_sessions: value.all_sessions?,
                    refresh_token: value.refresh_token?,
                })
            }
        }
        impl ::std::convert::From<super::LogoutRequest> for LogoutRequest {
            fn from(value: super::LogoutRequest) -> Self {
                Self {
                    all_sessions: Ok(value.all_sessions),
                    refresh_token: Ok(value.refresh_token),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaChallengeRequest {
            code: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
            device_name: ::std::result::Result<
                ::std::option::Option<super::MfaChallengeRequestDeviceName>,
                ::std::string::String,
            >,
            method: ::std::result::Result<
                ::std::option::Option<super::MfaMethod>,
                ::std::string::String,
            >,
            mfa_token: ::std::result::Result<crate::Secret, ::std::string::String>,
            remember_device: ::std::result::Result<
                ::std::option::Option<bool>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for MfaChallengeRequest {
            fn default() -> Self {
                Self {
                    code: Ok(Default::default()),
                    device_name: Ok(Default::default()),
                    method: Ok(Default::default()),
                    mfa_token: Err("no value supplied for mfa_token".to_string()),
                    remember_device: Ok(Default::default()),
                }
            }
        }
        impl MfaChallengeRequest {
            pub fn code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for code: {e}")
                    });
                self
            }
            pub fn device_name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<super::MfaChallengeRequestDeviceName>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.device_name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for device_name: {e}")
                    });
                self
            }
            pub fn method<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::MfaMethod>>,
                T::Error: ::std::fmt::Display,
            {
                self.method = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for method: {e}")
                    });
                self
            }
            pub fn mfa_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_token: {e}")
                    });
                self
            }
            pub fn remember_device<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<bool>>,
                T::Error: ::std::fmt::Display,
            {
                self.remember_device = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for remember_device: {e}"
                        )
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaChallengeRequest>
        for super::MfaChallengeRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaChallengeRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    code: value.code?,
                    device_name: value.device_name?,
                    method: value.method?,
                    mfa_token: value.mfa_token?,
                    remember_device: value.remember_device?,
                })
            }
        }
        impl ::std::convert::From<super::MfaChallengeRequest> for MfaChallengeRequest {
            fn from(value: super::MfaChallengeRequest) -> Self {
                Self {
                    code: Ok(value.code),
                    device_name: Ok(value.device_name),
                    method: Ok(value.method),
                    mfa_token: Ok(value.mfa_token),
                    remember_device: Ok(value.remember_device),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaEnrolled {
            backup_codes: ::std::result::Result<
                ::std::option::Option<::std::vec::Vec<crate::Secret>>,
                ::std::string::String,
            >,
            backup_codes_remaining: ::std::result::Result<u32, ::std::string::String>,
            method: ::std::result::Result<super::MfaMethod, ::std::string::String>,
            mfa_enabled: ::std::result::Result<bool, ::std::string::String>,
            verified: ::std::result::Result<bool, ::std::string::String>,
        }
        impl ::std::default::Default for MfaEnrolled {
            fn default() -> Self {
                Self {
                    backup_codes: Ok(Default::default()),
                    backup_codes_remaining: Err(
                        "no value supplied for backup_codes_remaining".to_string(),
                    ),
                    method: Err("no value supplied for method".to_string()),
                    mfa_enabled: Err("no value supplied for mfa_enabled".to_string()),
                    verified: Err("no value supplied for verified".to_string()),
                }
            }
        }
        impl MfaEnrolled {
            pub fn backup_codes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::vec::Vec<crate::Secret>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.backup_codes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for backup_codes: {e}")
                    });
                self
            }
            pub fn backup_codes_remaining<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.backup_codes_remaining = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for backup_codes_remaining: {e}"
                        )
                    });
                self
            }
            pub fn method<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::MfaMethod>,
                T::Error: ::std::fmt::Display,
            {
                self.method = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for method: {e}")
                    });
                self
            }
            pub fn mfa_enabled<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_enabled = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_enabled: {e}")
                    });
                self
            }
            pub fn verified<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.verified = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for verified: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaEnrolled> for super::MfaEnrolled {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaEnrolled,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    backup_codes: value.backup_codes?,
                    backup_codes_remaining: value.backup_codes_remaining?,
                    method: value.method?,
                    mfa_enabled: value.mfa_enabled?,
                    verified: value.verified?,
                })
            }
        }
        impl ::std::convert::From<super::MfaEnrolled> for MfaEnrolled {
            fn from(value: super::MfaEnrolled) -> Self {
                Self {
                    backup_codes: Ok(value.backup_codes),
                    backup_codes_remaining: Ok(value.backup_codes_remaining),
                    method: Ok(value.method),
                    mfa_enabled: Ok(value.mfa_enabled),
                    verified: Ok(value.verified),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaMethodInfo {
            created_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            last_used_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            method: ::std::result::Result<super::MfaMethod, ::std::string::String>,
            phone_hint: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            verified: ::std::result::Result<bool, ::std::string::String>,
        }
        impl ::std::default::Default for MfaMethodInfo {
            fn default() -> Self {
                Self {
                    created_at: Err("no value supplied for created_at".to_string()),
                    last_used_at: Ok(Default::default()),
                    method: Err("no value supplied for method".to_string()),
                    phone_hint: Ok(Default::default()),
                    verified: Err("no value supplied for verified".to_string()),
                }
            }
        }
        impl MfaMethodInfo {
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn last_used_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.last_used_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for last_used_at: {e}")
                    });
                self
            }
            pub fn method<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::MfaMethod>,
                T::Error: ::std::fmt::Display,
            {
                self.method = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for method: {e}")
                    });
                self
            }
            pub fn phone_hint<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.phone_hint = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for phone_hint: {e}")
                    });
                self
            }
            pub fn verified<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.verified = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for verified: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaMethodInfo> for super::MfaMethodInfo {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaMethodInfo,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    created_at: value.created_at?,
                    last_used_at: value.last_used_at?,
                    method: value.method?,
                    phone_hint: value.phone_hint?,
                    verified: value.verified?,
                })
            }
        }
        impl ::std::convert::From<super::MfaMethodInfo> for MfaMethodInfo {
            fn from(value: super::MfaMethodInfo) -> Self {
                Self {
                    created_at: Ok(value.created_at),
                    last_used_at: Ok(value.last_used_at),
                    method: Ok(value.method),
                    phone_hint: Ok(value.phone_hint),
                    verified: Ok(value.verified),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaMethods {
            backup_codes_remaining: ::std::result::Result<u32, ::std::string::String>,
            default_method: ::std::result::Result<
                ::std::option::Option<super::MfaMethod>,
                ::std::string::String,
            >,
            methods: ::std::result::Result<
                ::std::vec::Vec<super::MfaMethodInfo>,
                ::std::string::String,
            >,
            mfa_enabled: ::std::result::Result<bool, ::std::string::String>,
        }
        impl ::std::default::Default for MfaMethods {
            fn default() -> Self {
                Self {
                    backup_codes_remaining: Err(
                        "no value supplied for backup_codes_remaining".to_string(),
                    ),
                    default_method: Ok(Default::default()),
                    methods: Err("no value supplied for methods".to_string()),
                    mfa_enabled: Err("no value supplied for mfa_enabled".to_string()),
                }
            }
        }
        impl MfaMethods {
            pub fn backup_codes_remaining<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.backup_codes_remaining = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for backup_codes_remaining: {e}"
                        )
                    });
                self
            }
            pub fn default_method<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::MfaMethod>>,
                T::Error: ::std::fmt::Display,
            {
                self.default_method = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for default_method: {e}"
                        )
                    });
                self
            }
            pub fn methods<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::MfaMethodInfo>>,
                T::Error: ::std::fmt::Display,
            {
                self.methods = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for methods: {e}")
                    });
                self
            }
            pub fn mfa_enabled<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_enabled = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_enabled: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaMethods> for super::MfaMethods {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaMethods,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    backup_codes_remaining: value.backup_codes_remaining?,
                    default_method: value.default_method?,
                    methods: value.methods?,
                    mfa_enabled: value.mfa_enabled?,
                })
            }
        }
        impl ::std::convert::From<super::MfaMethods> for MfaMethods {
            fn from(value: super::MfaMethods) -> Self {
                Self {
                    backup_codes_remaining: Ok(value.backup_codes_remaining),
                    default_method: Ok(value.default_method),
                    methods: Ok(value.methods),
                    mfa_enabled: Ok(value.mfa_enabled),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaPending {
            code_sent: ::std::result::Result<bool, ::std::string::String>,
            default_method: ::std::result::Result<
                super::MfaMethod,
                ::std::string::String,
            >,
            methods: ::std::result::Result<
                ::std::vec::Vec<super::MfaMethod>,
                ::std::string::String,
            >,
            mfa_expires_in: ::std::result::Result<u32, ::std::string::String>,
            mfa_required: ::std::result::Result<bool, ::std::string::String>,
            mfa_token: ::std::result::Result<crate::Secret, ::std::string::String>,
            phone_hint: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            retry_after: ::std::result::Result<
                ::std::option::Option<u32>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for MfaPending {
            fn default() -> Self {
                Self {
                    code_sent: Err("no value supplied for code_sent".to_string()),
                    default_method: Err(
                        "no value supplied for default_method".to_string(),
                    ),
                    methods: Err("no value supplied for methods".to_string()),
                    mfa_expires_in: Err(
                        "no value supplied for mfa_expires_in".to_string(),
                    ),
                    mfa_required: Err("no value supplied for mfa_required".to_string()),
                    mfa_token: Err("no value supplied for mfa_token".to_string()),
                    phone_hint: Ok(Default::default()),
                    retry_after: Ok(Default::default()),
                }
            }
        }
        impl MfaPending {
            pub fn code_sent<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.code_sent = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for code_sent: {e}")
                    });
                self
            }
            pub fn default_method<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::MfaMethod>,
                T::Error: ::std::fmt::Display,
            {
                self.default_method = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for default_method: {e}"
                        )
                    });
                self
            }
            pub fn methods<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::MfaMethod>>,
                T::Error: ::std::fmt::Display,
            {
                self.methods = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for methods: {e}")
                    });
                self
            }
            pub fn mfa_expires_in<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_expires_in = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for mfa_expires_in: {e}"
                        )
                    });
                self
            }
            pub fn mfa_required<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_required = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_required: {e}")
                    });
                self
            }
            pub fn mfa_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_token: {e}")
                    });
                self
            }
            pub fn phone_hint<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.phone_hint = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for phone_hint: {e}")
                    });
                self
            }
            pub fn retry_after<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u32>>,
                T::Error: ::std::fmt::Display,
            {
                self.retry_after = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for retry_after: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaPending> for super::MfaPending {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaPending,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    code_sent: value.code_sent?,
                    default_method: value.default_method?,
                    methods: value.methods?,
                    mfa_expires_in: value.mfa_expires_in?,
                    mfa_required: value.mfa_required?,
                    mfa_token: value.mfa_token?,
                    phone_hint: value.phone_hint?,
                    retry_after: value.retry_after?,
                })
            }
        }
        impl ::std::convert::From<super::MfaPending> for MfaPending {
            fn from(value: super::MfaPending) -> Self {
                Self {
                    code_sent: Ok(value.code_sent),
                    default_method: Ok(value.default_method),
                    methods: Ok(value.methods),
                    mfa_expires_in: Ok(value.mfa_expires_in),
                    mfa_required: Ok(value.mfa_required),
                    mfa_token: Ok(value.mfa_token),
                    phone_hint: Ok(value.phone_hint),
                    retry_after: Ok(value.retry_after),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaResetConfirm {
            token: ::std::result::Result<crate::Secret, ::std::string::String>,
        }
        impl ::std::default::Default for MfaResetConfirm {
            fn default() -> Self {
                Self {
                    token: Err("no value supplied for token".to_string()),
                }
            }
        }
        impl MfaResetConfirm {
            pub fn token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for token: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaResetConfirm> for super::MfaResetConfirm {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaResetConfirm,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { token: value.token? })
            }
        }
        impl ::std::convert::From<super::MfaResetConfirm> for MfaResetConfirm {
            fn from(value: super::MfaResetConfirm) -> Self {
                Self { token: Ok(value.token) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaResetDone {
            mfa_enabled: ::std::result::Result<bool, ::std::string::String>,
            status: ::std::result::Result<super::MfaResetStatus, ::std::string::String>,
        }
        impl ::std::default::Default for MfaResetDone {
            fn default() -> Self {
                Self {
                    mfa_enabled: Err("no value supplied for mfa_enabled".to_string()),
                    status: Err("no value supplied for status".to_string()),
                }
            }
        }
        impl MfaResetDone {
            pub fn mfa_enabled<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_enabled = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_enabled: {e}")
                    });
                self
            }
            pub fn status<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::MfaResetStatus>,
                T::Error: ::std::fmt::Display,
            {
                self.status = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for status: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaResetDone> for super::MfaResetDone {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaResetDone,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    mfa_enabled: value.mfa_enabled?,
                    status: value.status?,
                })
            }
        }
        impl ::std::convert::From<super::MfaResetDone> for MfaResetDone {
            fn from(value: super::MfaResetDone) -> Self {
                Self {
                    mfa_enabled: Ok(value.mfa_enabled),
                    status: Ok(value.status),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MfaResetRequested {
            expires_in: ::std::result::Result<u32, ::std::string::String>,
            message: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for MfaResetRequested {
            fn default() -> Self {
                Self {
                    expires_in: Err("no value supplied for expires_in".to_string()),
                    message: Err("no value supplied for message".to_string()),
                }
            }
        }
        impl MfaResetRequested {
            pub fn expires_in<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_in = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_in: {e}")
                    });
                self
            }
            pub fn message<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.message = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for message: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MfaResetRequested> for super::MfaResetRequested {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MfaResetRequested,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    expires_in: value.expires_in?,
                    message: value.message?,
                })
            }
        }
        impl ::std::convert::From<super::MfaResetRequested> for MfaResetRequested {
            fn from(value: super::MfaResetRequested) -> Self {
                Self {
                    expires_in: Ok(value.expires_in),
                    message: Ok(value.message),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct PhoneVerified {
            phone: ::std::result::Result<::std::string::String, ::std::string::String>,
            phone_verified: ::std::result::Result<bool, ::std::string::String>,
            phone_verified_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for PhoneVerified {
            fn default() -> Self {
                Self {
                    phone: Err("no value supplied for phone".to_string()),
                    phone_verified: Err(
                        "no value supplied for phone_verified".to_string(),
                    ),
                    phone_verified_at: Err(
                        "no value supplied for phone_verified_at".to_string(),
                    ),
                }
            }
        }
        impl PhoneVerified {
            pub fn phone<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.phone = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for phone: {e}")
                    });
                self
            }
            pub fn phone_verified<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.phone_verified = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for phone_verified: {e}"
                        )
                    });
                self
            }
            pub fn phone_verified_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.phone_verified_at = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for phone_verified_at: {e}"
                        )
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<PhoneVerified> for super::PhoneVerified {
            type Error = super::error::ConversionError;
            fn try_from(
                value: PhoneVerified,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    phone: value.phone?,
                    phone_verified: value.phone_verified?,
                    phone_verified_at: value.phone_verified_at?,
                })
            }
        }
        impl ::std::convert::From<super::PhoneVerified> for PhoneVerified {
            fn from(value: super::PhoneVerified) -> Self {
                Self {
                    phone: Ok(value.phone),
                    phone_verified: Ok(value.phone_verified),
                    phone_verified_at: Ok(value.phone_verified_at),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Plan {
            current_period_end: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            key: ::std::result::Result<::std::string::String, ::std::string::String>,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
            source: ::std::result::Result<super::PlanSource, ::std::string::String>,
            status: ::std::result::Result<super::PlanStatus, ::std::string::String>,
        }
        impl ::std::default::Default for Plan {
            fn default() -> Self {
                Self {
                    current_period_end: Ok(Default::default()),
                    key: Err("no value supplied for key".to_string()),
                    name: Err("no value supplied for name".to_string()),
                    source: Err("no value supplied for source".to_string()),
                    status: Err("no value supplied for status".to_string()),
                }
            }
        }
        impl Plan {
            pub fn current_period_end<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.current_period_end = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for current_period_end: {e}"
                        )
                    });
                self
            }
            pub fn key<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.key = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for key: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn source<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::PlanSource>,
                T::Error: ::std::fmt::Display,
            {
                self.source = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for source: {e}")
                    });
                self
            }
            pub fn status<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::PlanStatus>,
                T::Error: ::std::fmt::Display,
            {
                self.status = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for status: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Plan> for super::Plan {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Plan,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    current_period_end: value.current_period_end?,
                    key: value.key?,
                    name: value.name?,
                    source: value.source?,
                    status: value.status?,
                })
            }
        }
        impl ::std::convert::From<super::Plan> for Plan {
            fn from(value: super::Plan) -> Self {
                Self {
                    current_period_end: Ok(value.current_period_end),
                    key: Ok(value.key),
                    name: Ok(value.name),
                    source: Ok(value.source),
                    status: Ok(value.status),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ReactivateConfirm {
            token: ::std::result::Result<crate::Secret, ::std::string::String>,
        }
        impl ::std::default::Default for ReactivateConfirm {
            fn default() -> Self {
                Self {
                    token: Err("no value supplied for token".to_string()),
                }
            }
        }
        impl ReactivateConfirm {
            pub fn token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for token: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ReactivateConfirm> for super::ReactivateConfirm {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ReactivateConfirm,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { token: value.token? })
            }
        }
        impl ::std::convert::From<super::ReactivateConfirm> for ReactivateConfirm {
            fn from(value: super::ReactivateConfirm) -> Self {
                Self { token: Ok(value.token) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ReactivateRequest {
            email: ::std::result::Result<
                super::ReactivateRequestEmail,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ReactivateRequest {
            fn default() -> Self {
                Self {
                    email: Err("no value supplied for email".to_string()),
                }
            }
        }
        impl ReactivateRequest {
            pub fn email<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::ReactivateRequestEmail>,
                T::Error: ::std::fmt::Display,
            {
                self.email = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for email: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ReactivateRequest> for super::ReactivateRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ReactivateRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { email: value.email? })
            }
        }
        impl ::std::convert::From<super::ReactivateRequest> for ReactivateRequest {
            fn from(value: super::ReactivateRequest) -> Self {
                Self { email: Ok(value.email) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Reactivated {
            email: ::std::result::Result<::std::string::String, ::std::string::String>,
            status: ::std::result::Result<
                super::ReactivatedStatus,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Reactivated {
            fn default() -> Self {
                Self {
                    email: Err("no value supplied for email".to_string()),
                    status: Err("no value supplied for status".to_string()),
                }
            }
        }
        impl Reactivated {
            pub fn email<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.email = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for email: {e}")
                    });
                self
            }
            pub fn status<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::ReactivatedStatus>,
                T::Error: ::std::fmt::Display,
            {
                self.status = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for status: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Reactivated> for super::Reactivated {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Reactivated,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    email: value.email?,
                    status: value.status?,
                })
            }
        }
        impl ::std::convert::From<super::Reactivated> for Reactivated {
            fn from(value: super::Reactivated) -> Self {
                Self {
                    email: Ok(value.email),
                    status: Ok(value.status),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct RefreshRequest {
            refresh_token: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for RefreshRequest {
            fn default() -> Self {
                Self {
                    refresh_token: Ok(Default::default()),
                }
            }
        }
        impl RefreshRequest {
            pub fn refresh_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.refresh_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for refresh_token: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<RefreshRequest> for super::RefreshRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: RefreshRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    refresh_token: value.refresh_token?,
                })
            }
        }
        impl ::std::convert::From<super::RefreshRequest> for RefreshRequest {
            fn from(value: super::RefreshRequest) -> Self {
                Self {
                    refresh_token: Ok(value.refresh_token),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct RegisterRequest {
            email: ::std::result::Result<
                super::RegisterRequestEmail,
                ::std::string::String,
            >,
            full_name: ::std::result::Result<
                ::std::option::Option<super::RegisterRequestFullName>,
                ::std::string::String,
            >,
            locale: ::std::result::Result<
                ::std::option::Option<super::RegisterRequestLocale>,
                ::std::string::String,
            >,
            password: ::std::result::Result<crate::Secret, ::std::string::String>,
            phone: ::std::result::Result<
                ::std::option::Option<super::RegisterRequestPhone>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for RegisterRequest {
            fn default() -> Self {
                Self {
                    email: Err("no value supplied for email".to_string()),
                    full_name: Ok(Default::default()),
                    locale: Ok(Default::default()),
                    password: Err("no value supplied for password".to_string()),
                    phone: Ok(Default::default()),
                }
            }
        }
        impl RegisterRequest {
            pub fn email<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::RegisterRequestEmail>,
                T::Error: ::std::fmt::Display,
            {
                self.email = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for email: {e}")
                    });
                self
            }
            pub fn full_name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<super::RegisterRequestFullName>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.full_name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for full_name: {e}")
                    });
                self
            }
            pub fn locale<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<super::RegisterRequestLocale>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.locale = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for locale: {e}")
                    });
                self
            }
            pub fn password<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.password = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for password: {e}")
                    });
                self
            }
            pub fn phone<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<super::RegisterRequestPhone>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.phone = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for phone: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<RegisterRequest> for super::RegisterRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: RegisterRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    email: value.email?,
                    full_name: value.full_name?,
                    locale: value.locale?,
                    password: value.password?,
                    phone: value.phone?,
                })
            }
        }
        impl ::std::convert::From<super::RegisterRequest> for RegisterRequest {
            fn from(value: super::RegisterRequest) -> Self {
                Self {
                    email: Ok(value.email),
                    full_name: Ok(value.full_name),
                    locale: Ok(value.locale),
                    password: Ok(value.password),
                    phone: Ok(value.phone),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Session {
            amr: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            auth_time: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            created_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            expires_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
        }
        impl ::std::default::Default for Session {
            fn default() -> Self {
                Self {
                    amr: Err("no value supplied for amr".to_string()),
                    auth_time: Err("no value supplied for auth_time".to_string()),
                    created_at: Err("no value supplied for created_at".to_string()),
                    expires_at: Err("no value supplied for expires_at".to_string()),
                    id: Err("no value supplied for id".to_string()),
                }
            }
        }
        impl Session {
            pub fn amr<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.amr = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for amr: {e}")
                    });
                self
            }
            pub fn auth_time<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.auth_time = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for auth_time: {e}")
                    });
                self
            }
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn expires_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_at: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
        }
        impl ::std::convert::TryFrom<Session> for super::Session {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Session,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    amr: value.amr?,
                    auth_time: value.auth_time?,
                    created_at: value.created_at?,
                    expires_at: value.expires_at?,
                    id: value.id?,
                })
            }
        }
        impl ::std::convert::From<super::Session> for Session {
            fn from(value: super::Session) -> Self {
                Self {
                    amr: Ok(value.amr),
                    auth_time: Ok(value.auth_time),
                    created_at: Ok(value.created_at),
                    expires_at: Ok(value.expires_at),
                    id: Ok(value.id),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct SmsSetupRequest {
            phone_number: ::std::result::Result<
                super::SmsSetupRequestPhoneNumber,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for SmsSetupRequest {
            fn default() -> Self {
                Self {
                    phone_number: Err("no value supplied for phone_number".to_string()),
                }
            }
        }
        impl SmsSetupRequest {
            pub fn phone_number<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::SmsSetupRequestPhoneNumber>,
                T::Error: ::std::fmt::Display,
            {
                self.phone_number = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for phone_number: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<SmsSetupRequest> for super::SmsSetupRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: SmsSetupRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    phone_number: value.phone_number?,
                })
            }
        }
        impl ::std::convert::From<super::SmsSetupRequest> for SmsSetupRequest {
            fn from(value: super::SmsSetupRequest) -> Self {
                Self {
                    phone_number: Ok(value.phone_number),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Tenant {
            id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
            plan: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for Tenant {
            fn default() -> Self {
                Self {
                    id: Err("no value supplied for id".to_string()),
                    name: Err("no value supplied for name".to_string()),
                    plan: Err("no value supplied for plan".to_string()),
                }
            }
        }
        impl Tenant {
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Tenant> for super::Tenant {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Tenant,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    id: value.id?,
                    name: value.name?,
                    plan: value.plan?,
                })
            }
        }
        impl ::std::convert::From<super::Tenant> for Tenant {
            fn from(value: super::Tenant) -> Self {
                Self {
                    id: Ok(value.id),
                    name: Ok(value.name),
                    plan: Ok(value.plan),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct TokenResponse {
            access_token: ::std::result::Result<crate::Secret, ::std::string::String>,
            expires_in: ::std::result::Result<u32, ::std::string::String>,
            mfa_required: ::std::result::Result<bool, ::std::string::String>,
            refresh_expires_in: ::std::result::Result<u32, ::std::string::String>,
            refresh_token: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
            scope: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            token_type: ::std::result::Result<super::TokenType, ::std::string::String>,
            trusted_device_id: ::std::result::Result<
                ::std::option::Option<i64>,
                ::std::string::String,
            >,
            user: ::std::result::Result<super::UserSummary, ::std::string::String>,
        }
        impl ::std::default::Default for TokenResponse {
            fn default() -> Self {
                Self {
                    access_token: Err("no value supplied for access_token".to_string()),
                    expires_in: Err("no value supplied for expires_in".to_string()),
                    mfa_required: Err("no value supplied for mfa_required".to_string()),
                    refresh_expires_in: Err(
                        "no value supplied for refresh_expires_in".to_string(),
                    ),
                    refresh_token: Ok(Default::default()),
                    scope: Ok(Default::default()),
                    token_type: Err("no value supplied for token_type".to_string()),
                    trusted_device_id: Ok(Default::default()),
                    user: Err("no value supplied for user".to_string()),
                }
            }
        }
        impl TokenResponse {
            pub fn access_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.access_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for access_token: {e}")
                    });
                self
            }
            pub fn expires_in<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_in = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_in: {e}")
                    });
                self
            }
            pub fn mfa_required<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_required = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_required: {e}")
                    });
                self
            }
            pub fn refresh_expires_in<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.refresh_expires_in = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for refresh_expires_in: {e}"
                        )
                    });
                self
            }
            pub fn refresh_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.refresh_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for refresh_token: {e}")
                    });
                self
            }
            pub fn scope<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scope = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scope: {e}")
                    });
                self
            }
            pub fn token_type<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::TokenType>,
                T::Error: ::std::fmt::Display,
            {
                self.token_type = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for token_type: {e}")
                    });
                self
            }
            pub fn trusted_device_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<i64>>,
                T::Error: ::std::fmt::Display,
            {
                self.trusted_device_id = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for trusted_device_id: {e}"
                        )
                    });
                self
            }
            pub fn user<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::UserSummary>,
                T::Error: ::std::fmt::Display,
            {
                self.user = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for user: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<TokenResponse> for super::TokenResponse {
            type Error = super::error::ConversionError;
            fn try_from(
                value: TokenResponse,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    access_token: value.access_token?,
                    expires_in: value.expires_in?,
                    mfa_required: value.mfa_required?,
                    refresh_expires_in: value.refresh_expires_in?,
                    refresh_token: value.refresh_token?,
                    scope: value.scope?,
                    token_type: value.token_type?,
                    trusted_device_id: value.trusted_device_id?,
                    user: value.user?,
                })
            }
        }
        impl ::std::convert::From<super::TokenResponse> for TokenResponse {
            fn from(value: super::TokenResponse) -> Self {
                Self {
                    access_token: Ok(value.access_token),
                    expires_in: Ok(value.expires_in),
                    mfa_required: Ok(value.mfa_required),
                    refresh_expires_in: Ok(value.refresh_expires_in),
                    refresh_token: Ok(value.refresh_token),
                    scope: Ok(value.scope),
                    token_type: Ok(value.token_type),
                    trusted_device_id: Ok(value.trusted_device_id),
                    user: Ok(value.user),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct TotpSetup {
            expires_in: ::std::result::Result<u32, ::std::string::String>,
            provisioning_uri: ::std::result::Result<
                crate::Secret,
                ::std::string::String,
            >,
            qr_code: ::std::result::Result<crate::Secret, ::std::string::String>,
            secret: ::std::result::Result<crate::Secret, ::std::string::String>,
        }
        impl ::std::default::Default for TotpSetup {
            fn default() -> Self {
                Self {
                    expires_in: Err("no value supplied for expires_in".to_string()),
                    provisioning_uri: Err(
                        "no value supplied for provisioning_uri".to_string(),
                    ),
                    qr_code: Err("no value supplied for qr_code".to_string()),
                    secret: Err("no value supplied for secret".to_string()),
                }
            }
        }
        impl TotpSetup {
            pub fn expires_in<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_in = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_in: {e}")
                    });
                self
            }
            pub fn provisioning_uri<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.provisioning_uri = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for provisioning_uri: {e}"
                        )
                    });
                self
            }
            pub fn qr_code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.qr_code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for qr_code: {e}")
                    });
                self
            }
            pub fn secret<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.secret = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for secret: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<TotpSetup> for super::TotpSetup {
            type Error = super::error::ConversionError;
            fn try_from(
                value: TotpSetup,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    expires_in: value.expires_in?,
                    provisioning_uri: value.provisioning_uri?,
                    qr_code: value.qr_code?,
                    secret: value.secret?,
                })
            }
        }
        impl ::std::convert::From<super::TotpSetup> for TotpSetup {
            fn from(value: super::TotpSetup) -> Self {
                Self {
                    expires_in: Ok(value.expires_in),
                    provisioning_uri: Ok(value.provisioning_uri),
                    qr_code: Ok(value.qr_code),
                    secret: Ok(value.secret),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct TrustedDevice {
            created_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            expires_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            id: ::std::result::Result<i64, ::std::string::String>,
            ip_address: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            is_current: ::std::result::Result<bool, ::std::string::String>,
            last_used_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            user_agent: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for TrustedDevice {
            fn default() -> Self {
                Self {
                    created_at: Err("no value supplied for created_at".to_string()),
                    expires_at: Err("no value supplied for expires_at".to_string()),
                    id: Err("no value supplied for id".to_string()),
                    ip_address: Ok(Default::default()),
                    is_current: Err("no value supplied for is_current".to_string()),
                    last_used_at: Ok(Default::default()),
                    name: Ok(Default::default()),
                    user_agent: Ok(Default::default()),
                }
            }
        }
        impl TrustedDevice {
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn expires_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_at: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<i64>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn ip_address<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.ip_address = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for ip_address: {e}")
                    });
                self
            }
            pub fn is_current<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.is_current = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for is_current: {e}")
                    });
                self
            }
            pub fn last_used_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.last_used_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for last_used_at: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn user_agent<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.user_agent = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for user_agent: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<TrustedDevice> for super::TrustedDevice {
            type Error = super::error::ConversionError;
            fn try_from(
                value: TrustedDevice,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    created_at: value.created_at?,
                    expires_at: value.expires_at?,
                    id: value.id?,
                    ip_address: value.ip_address?,
                    is_current: value.is_current?,
                    last_used_at: value.last_used_at?,
                    name: value.name?,
                    user_agent: value.user_agent?,
                })
            }
        }
        impl ::std::convert::From<super::TrustedDevice> for TrustedDevice {
            fn from(value: super::TrustedDevice) -> Self {
                Self {
                    created_at: Ok(value.created_at),
                    expires_at: Ok(value.expires_at),
                    id: Ok(value.id),
                    ip_address: Ok(value.ip_address),
                    is_current: Ok(value.is_current),
                    last_used_at: Ok(value.last_used_at),
                    name: Ok(value.name),
                    user_agent: Ok(value.user_agent),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct User {
            created_at: ::std::result::Result<
                ::chrono::DateTime<::chrono::offset::Utc>,
                ::std::string::String,
            >,
            email: ::std::result::Result<::std::string::String, ::std::string::String>,
            full_name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
            is_active: ::std::result::Result<bool, ::std::string::String>,
            last_login_at: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
            locale: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            mfa_enabled: ::std::result::Result<bool, ::std::string::String>,
            mfa_methods: ::std::result::Result<
                ::std::vec::Vec<super::MfaMethod>,
                ::std::string::String,
            >,
            phone: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            phone_verified: ::std::result::Result<bool, ::std::string::String>,
            roles: ::std::result::Result<
                ::std::vec::Vec<super::Role>,
                ::std::string::String,
            >,
            session: ::std::result::Result<
                ::std::option::Option<super::Session>,
                ::std::string::String,
            >,
            tenant: ::std::result::Result<super::Tenant, ::std::string::String>,
        }
        impl ::std::default::Default for User {
            fn default() -> Self {
                Self {
                    created_at: Err("no value supplied for created_at".to_string()),
                    email: Err("no value supplied for email".to_string()),
                    full_name: Ok(Default::default()),
                    id: Err("no value supplied for id".to_string()),
                    is_active: Err("no value supplied for is_active".to_string()),
                    last_login_at: Ok(Default::default()),
                    locale: Ok(Default::default()),
                    mfa_enabled: Err("no value supplied for mfa_enabled".to_string()),
                    mfa_methods: Err("no value supplied for mfa_methods".to_string()),
                    phone: Ok(Default::default()),
                    phone_verified: Err(
                        "no value supplied for phone_verified".to_string(),
                    ),
                    roles: Err("no value supplied for roles".to_string()),
                    session: Ok(Default::default()),
                    tenant: Err("no value supplied for tenant".to_string()),
                }
            }
        }
        impl User {
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn email<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.email = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for email: {e}")
                    });
                self
            }
            pub fn full_name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.full_name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for full_name: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn is_active<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.is_active = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for is_active: {e}")
                    });
                self
            }
            pub fn last_login_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.last_login_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for last_login_at: {e}")
                    });
                self
            }
            pub fn locale<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.locale = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for locale: {e}")
                    });
                self
            }
            pub fn mfa_enabled<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_enabled = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_enabled: {e}")
                    });
                self
            }
            pub fn mfa_methods<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::MfaMethod>>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_methods = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_methods: {e}")
                    });
                self
            }
            pub fn phone<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.phone = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for phone: {e}")
                    });
                self
            }
            pub fn phone_verified<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.phone_verified = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for phone_verified: {e}"
                        )
                    });
                self
            }
            pub fn roles<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Role>>,
                T::Error: ::std::fmt::Display,
            {
                self.roles = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for roles: {e}")
                    });
                self
            }
            pub fn session<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Session>>,
                T::Error: ::std::fmt::Display,
            {
                self.session = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for session: {e}")
                    });
                self
            }
            pub fn tenant<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::Tenant>,
                T::Error: ::std::fmt::Display,
            {
                self.tenant = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for tenant: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<User> for super::User {
            type Error = super::error::ConversionError;
            fn try_from(
                value: User,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    created_at: value.created_at?,
                    email: value.email?,
                    full_name: value.full_name?,
                    id: value.id?,
                    is_active: value.is_active?,
                    last_login_at: value.last_login_at?,
                    locale: value.locale?,
                    mfa_enabled: value.mfa_enabled?,
                    mfa_methods: value.mfa_methods?,
                    phone: value.phone?,
                    phone_verified: value.phone_verified?,
                    roles: value.roles?,
                    session: value.session?,
                    tenant: value.tenant?,
                })
            }
        }
        impl ::std::convert::From<super::User> for User {
            fn from(value: super::User) -> Self {
                Self {
                    created_at: Ok(value.created_at),
                    email: Ok(value.email),
                    full_name: Ok(value.full_name),
                    id: Ok(value.id),
                    is_active: Ok(value.is_active),
                    last_login_at: Ok(value.last_login_at),
                    locale: Ok(value.locale),
                    mfa_enabled: Ok(value.mfa_enabled),
                    mfa_methods: Ok(value.mfa_methods),
                    phone: Ok(value.phone),
                    phone_verified: Ok(value.phone_verified),
                    roles: Ok(value.roles),
                    session: Ok(value.session),
                    tenant: Ok(value.tenant),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct UserSummary {
            email: ::std::result::Result<::std::string::String, ::std::string::String>,
            full_name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
            mfa_enabled: ::std::result::Result<bool, ::std::string::String>,
            roles: ::std::result::Result<
                ::std::vec::Vec<super::Role>,
                ::std::string::String,
            >,
            tenant_id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
        }
        impl ::std::default::Default for UserSummary {
            fn default() -> Self {
                Self {
                    email: Err("no value supplied for email".to_string()),
                    full_name: Ok(Default::default()),
                    id: Err("no value supplied for id".to_string()),
                    mfa_enabled: Err("no value supplied for mfa_enabled".to_string()),
                    roles: Err("no value supplied for roles".to_string()),
                    tenant_id: Err("no value supplied for tenant_id".to_string()),
                }
            }
        }
        impl UserSummary {
            pub fn email<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.email = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for email: {e}")
                    });
                self
            }
            pub fn full_name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.full_name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for full_name: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn mfa_enabled<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.mfa_enabled = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for mfa_enabled: {e}")
                    });
                self
            }
            pub fn roles<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Role>>,
                T::Error: ::std::fmt::Display,
            {
                self.roles = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for roles: {e}")
                    });
                self
            }
            pub fn tenant_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.tenant_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for tenant_id: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<UserSummary> for super::UserSummary {
            type Error = super::error::ConversionError;
            fn try_from(
                value: UserSummary,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    email: value.email?,
                    full_name: value.full_name?,
                    id: value.id?,
                    mfa_enabled: value.mfa_enabled?,
                    roles: value.roles?,
                    tenant_id: value.tenant_id?,
                })
            }
        }
        impl ::std::convert::From<super::UserSummary> for UserSummary {
            fn from(value: super::UserSummary) -> Self {
                Self {
                    email: Ok(value.email),
                    full_name: Ok(value.full_name),
                    id: Ok(value.id),
                    mfa_enabled: Ok(value.mfa_enabled),
                    roles: Ok(value.roles),
                    tenant_id: Ok(value.tenant_id),
                }
            }
        }
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for bp-auth

Registration, OAuth2 password login with an httpOnly cookie, refresh rotation with families, API keys, phone verification, account reactivation and multi-factor authentication.

Version: 2.0.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: crate::Transport,
}
impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str, inner: crate::Transport) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap(), inner)
    }
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: crate::Transport,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }
}
impl ClientInfo<crate::Transport> for Client {
    fn api_version() -> &'static str {
        "2.0.0"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &crate::Transport {
        &self.inner
    }
}
impl ClientHooks<crate::Transport> for &Client {}
impl Client {
    /**Get Api Key

Return the metadata of the current user's API key, and create the key when there is none. The secret is never shown here: rotate the key to get one that you can use.

Sends a `GET` request to `/api/auth/api-key`

```ignore
let response = client.get_api_key()
    .send()
    .await;
```*/
    pub fn get_api_key(&self) -> builder::GetApiKey<'_> {
        builder::GetApiKey::new(self)
    }
    /**Rotate Api Key

Rotate (regenerate) the API key of the current user. The old key stops working at once; the new secret is shown this one time. Needs a recent login, and a second factor when the user has one (`403 reauthentication_required`).

Sends a `POST` request to `/api/auth/api-key/rotate`

```ignore
let response = client.rotate_api_key()
    .send()
    .await;
```*/
    pub fn rotate_api_key(&self) -> builder::RotateApiKey<'_> {
        builder::RotateApiKey::new(self)
    }
    /**Logout

Clear the cookies and revoke the current session with its refresh tokens. Best effort by design: the cookies are cleared even when the presented token is stale or invalid, because only such a token keeps a browser in a login loop. The session of every presented `bp_token` ends. It is found from an expired token of ours too, or from `refresh_token`. `all_sessions` needs a valid token and is ignored without one. The body may be absent.

Sends a `POST` request to `/api/auth/logout`

```ignore
let response = client.logout()
    .body(body)
    .send()
    .await;
```*/
    pub fn logout(&self) -> builder::Logout<'_> {
        builder::Logout::new(self)
    }
    /**Me

Return the profile of the currently authenticated user, with the session the token belongs to. `session` is left out for an API key.

Sends a `GET` request to `/api/auth/me`

```ignore
let response = client.me()
    .send()
    .await;
```*/
    pub fn me(&self) -> builder::Me<'_> {
        builder::Me::new(self)
    }
    /**Me Entitlements

Return the effective access envelope of the current user: plan, roles, scopes, features, limits and restrictions, computed from the database at the time of the call. Features and limits are open maps: a product may add keys at any time.

Sends a `GET` request to `/api/auth/me/entitlements`

```ignore
let response = client.me_entitlements()
    .send()
    .await;
```*/
    pub fn me_entitlements(&self) -> builder::MeEntitlements<'_> {
        builder::MeEntitlements::new(self)
    }
    /**Regenerate Backup Codes

Replace all backup codes by ten new ones, shown this one time. Needs a recent login with a second factor.

Sends a `POST` request to `/api/auth/mfa/backup-codes/regenerate`

```ignore
let response = client.regenerate_backup_codes()
    .send()
    .await;
```*/
    pub fn regenerate_backup_codes(&self) -> builder::RegenerateBackupCodes<'_> {
        builder::RegenerateBackupCodes::new(self)
    }
    /**Mfa Challenge

Trade an mfa-pending token and a second-factor code for full tokens. The frontend calls it after a password login answered `{mfa_required: true, mfa_token}`. Without `code` and with `method: "sms"` it sends a code (again) and answers `mfa_required: true`. With `remember_device` the device is trusted for later logins.

Sends a `POST` request to `/api/auth/mfa/challenge`

```ignore
let response = client.mfa_challenge()
    .body(body)
    .send()
    .await;
```*/
    pub fn mfa_challenge(&self) -> builder::MfaChallenge<'_> {
        builder::MfaChallenge::new(self)
    }
    /**Mfa Methods

List the second factors of the current user, with the number of backup codes left. Shows no secret, and phone numbers only masked.

Sends a `GET` request to `/api/auth/mfa/methods`

```ignore
let response = client.mfa_methods()
    .send()
    .await;
```*/
    pub fn mfa_methods(&self) -> builder::MfaMethods<'_> {
        builder::MfaMethods::new(self)
    }
    /**Mfa Reset Confirm

Public: consume an mfa-reset token and clear the second factors of its user. Single use: the token's `jti` (or the SHA-256 of the token when it has no `jti`) is written to `mfa_reset_tokens_used` at the first consumption, and a second call with the same token is `410 token_used`. Removes methods, backup codes, trusted devices and sessions.

Sends a `POST` request to `/api/auth/mfa/reset/confirm`

```ignore
let response = client.mfa_reset_confirm()
    .body(body)
    .send()
    .await;
```*/
    pub fn mfa_reset_confirm(&self) -> builder::MfaResetConfirm<'_> {
        builder::MfaResetConfirm::new(self)
    }
    /**Mfa Reset Request

For an authenticated user: issue a signed reset token and send it by mail; it appears nowhere else. Rate limited: `429 rate_limited` after three requests in an hour.

Sends a `POST` request to `/api/auth/mfa/reset/request`

```ignore
let response = client.mfa_reset_request()
    .send()
    .await;
```*/
    pub fn mfa_reset_request(&self) -> builder::MfaResetRequest<'_> {
        builder::MfaResetRequest::new(self)
    }
    /**Sms Setup

Begin the enrolment of a phone number as second factor: sends a code to it. Needs a recent login, and a second factor when the user has one.

Sends a `POST` request to `/api/auth/mfa/sms/setup`

```ignore
let response = client.sms_setup()
    .body(body)
    .send()
    .await;
```*/
    pub fn sms_setup(&self) -> builder::SmsSetup<'_> {
        builder::SmsSetup::new(self)
    }
    /**Sms Verify

Finish the enrolment of a phone number with the code from the SMS. The first method of a user comes with ten backup codes, shown this one time.

Sends a `POST` request to `/api/auth/mfa/sms/verify`

```ignore
let response = client.sms_verify()
    .body(body)
    .send()
    .await;
```*/
    pub fn sms_verify(&self) -> builder::SmsVerify<'_> {
        builder::SmsVerify::new(self)
    }
    /**Totp Setup

Begin the enrolment of an authenticator app: a new secret, as text, as `otpauth` URI and as QR code. It is pending until verified; an authenticator verified earlier keeps working meanwhile. Needs a recent login, and a second factor when the user has one.

Sends a `POST` request to `/api/auth/mfa/totp/setup`

```ignore
let response = client.totp_setup()
    .send()
    .await;
```*/
    pub fn totp_setup(&self) -> builder::TotpSetup<'_> {
        builder::TotpSetup::new(self)
    }
    /**Totp Verify

Finish the enrolment of an authenticator app with a code from it. The first method of a user comes with ten backup codes, shown this one time. The code cannot be used again to log in.

Sends a `POST` request to `/api/auth/mfa/totp/verify`

```ignore
let response = client.totp_verify()
    .body(body)
    .send()
    .await;
```*/
    pub fn totp_verify(&self) -> builder::TotpVerify<'_> {
        builder::TotpVerify::new(self)
    }
    /**List Trusted Devices

List the active trusted devices of the authenticated user, the newest first.

Sends a `GET` request to `/api/auth/mfa/trusted-devices`

```ignore
let response = client.list_trusted_devices()
    .send()
    .await;
```*/
    pub fn list_trusted_devices(&self) -> builder::ListTrustedDevices<'_> {
        builder::ListTrustedDevices::new(self)
    }
    /**Revoke Trusted Device

Revoke a single trusted device and audit the event. A device that is absent, revoked or somebody else's is `404 not_found`.

Sends a `DELETE` request to `/api/auth/mfa/trusted-devices/{device_id}`

```ignore
let response = client.revoke_trusted_device()
    .device_id(device_id)
    .send()
    .await;
```*/
    pub fn revoke_trusted_device(&self) -> builder::RevokeTrustedDevice<'_> {
        builder::RevokeTrustedDevice::new(self)
    }
    /**Delete Method

Remove a second factor. Removing the last method also removes the backup codes and the trusted devices. Deleting a pending enrolment cancels it. `404 not_found` when the method is not enrolled. Needs a recent login with a second factor.

Sends a `DELETE` request to `/api/auth/mfa/{method}`

```ignore
let response = client.delete_method()
    .method(method)
    .send()
    .await;
```*/
    pub fn delete_method(&self) -> builder::DeleteMethod<'_> {
        builder::DeleteMethod::new(self)
    }
    /**Reactivate Confirm

Reactivate the account with the token from the mail. Single use: a second call with the same token is `410 token_used`. Gives no tokens: log in next.

Sends a `POST` request to `/api/auth/reactivate/confirm`

```ignore
let response = client.reactivate_confirm()
    .body(body)
    .send()
    .await;
```*/
    pub fn reactivate_confirm(&self) -> builder::ReactivateConfirm<'_> {
        builder::ReactivateConfirm::new(self)
    }
    /**Reactivate Request

Ask for a mail that reactivates a deactivated account. The answer is the same for every address, whether it has an account or not, and whether a mail was sent or not.

Sends a `POST` request to `/api/auth/reactivate/request`

```ignore
let response = client.reactivate_request()
    .body(body)
    .send()
    .await;
```*/
    pub fn reactivate_request(&self) -> builder::ReactivateRequest<'_> {
        builder::ReactivateRequest::new(self)
    }
    /**Refresh Token Endpoint

Rotate a refresh token and issue a new pair of access and refresh token. The first use of a valid token marks it as used and puts a new token into the same family. The use of a token that was used before revokes the entire family and its session and answers `401 token_reused`. While the feature flag `REFRESH_ROTATION_ENABLED` is off, a new access token is issued and the refresh token stays the same. Every `401` clears the cookies. The body may be absent: then the httpOnly cookie `bp_refresh` counts, the answer's body has no `refresh_token`, and the same predecessor may come again for some seconds, because the tabs of a browser cannot agree on who refreshes.

Sends a `POST` request to `/api/auth/refresh`

```ignore
let response = client.refresh_token_endpoint()
    .body(body)
    .send()
    .await;
```*/
    pub fn refresh_token_endpoint(&self) -> builder::RefreshTokenEndpoint<'_> {
        builder::RefreshTokenEndpoint::new(self)
    }
    /**Register

Create a public user account in an isolated tenant of its own on the Free plan, of which the user is the owner. Unknown fields are ignored and never applied. Gives no tokens: log in next. `409 email_taken` when the address has an account, unless the operator hides existing accounts, in which case the answer is the same `201` and the owner of the address is told by mail.

Sends a `POST` request to `/api/auth/register`

```ignore
let response = client.register()
    .body(body)
    .send()
    .await;
```*/
    pub fn register(&self) -> builder::Register<'_> {
        builder::Register::new(self)
    }
    /**Login

OAuth2 password flow: sets the httpOnly cookies `bp_token` and `bp_refresh` and also returns the tokens in the body, for clients that cannot keep cookies. When the user has a verified second factor, the answer is an mfa-pending token instead of an access token, no cookie is set, and the client must call `POST /api/auth/mfa/challenge` with a code. A valid trusted device (cookie `bp_trusted_device`, or header `X-Trusted-Device`) skips the second factor. Deviations from RFC 6749: refused credentials are `401`, a pending second factor is a `200` without `access_token`, and `scope` is accepted and ignored.

Sends a `POST` request to `/api/auth/token`

```ignore
let response = client.login()
    .body(body)
    .send()
    .await;
```*/
    pub fn login(&self) -> builder::Login<'_> {
        builder::Login::new(self)
    }
    /**Verify Phone Confirm

Verify the phone number of the profile with the code from the SMS. A code lives ten minutes and takes five tries.

Sends a `POST` request to `/api/auth/verify-phone/confirm`

```ignore
let response = client.verify_phone_confirm()
    .body(body)
    .send()
    .await;
```*/
    pub fn verify_phone_confirm(&self) -> builder::VerifyPhoneConfirm<'_> {
        builder::VerifyPhoneConfirm::new(self)
    }
    /**Verify Phone Request

Send a code by SMS to the phone number of the profile. A new code voids the one before. `409 phone_missing` without a number; `sent` is false when the number is verified already.

Sends a `POST` request to `/api/auth/verify-phone/request`

```ignore
let response = client.verify_phone_request()
    .send()
    .await;
```*/
    pub fn verify_phone_request(&self) -> builder::VerifyPhoneRequest<'_> {
        builder::VerifyPhoneRequest::new(self)
    }
}
/// Types for composing operation parameters.
#[allow(clippy::all)]
pub mod builder {
    use super::types;
    #[allow(unused_imports)]
    use super::{
        encode_path, ByteStream, ClientInfo, ClientHooks, Error, OperationInfo,
        RequestBuilderExt, ResponseValue,
    };
    /**Builder for [`Client::get_api_key`]

[`Client::get_api_key`]: super::Client::get_api_key*/
    #[derive(Debug, Clone)]
    pub struct GetApiKey<'a> {
        client: &'a super::Client,
    }
    impl<'a> GetApiKey<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/auth/api-key`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::ApiKey>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/api-key", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "get_api_key",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::rotate_api_key`]

[`Client::rotate_api_key`]: super::Client::rotate_api_key*/
    #[derive(Debug, Clone)]
    pub struct RotateApiKey<'a> {
        client: &'a super::Client,
    }
    impl<'a> RotateApiKey<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `POST` request to `/api/auth/api-key/rotate`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::ApiKeySecret>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/api-key/rotate", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "rotate_api_key",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::logout`]

[`Client::logout`]: super::Client::logout*/
    #[derive(Debug, Clone)]
    pub struct Logout<'a> {
        client: &'a super::Client,
        body: Result<types::builder::LogoutRequest, String>,
    }
    impl<'a> Logout<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::LogoutRequest>,
            <V as std::convert::TryInto<types::LogoutRequest>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `LogoutRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::LogoutRequest,
            ) -> types::builder::LogoutRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/logout`
        pub async fn send(self) -> Result<ResponseValue<()>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::LogoutRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/logout", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "logout",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                204u16 => Ok(ResponseValue::empty(response)),
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::me`]

[`Client::me`]: super::Client::me*/
    #[derive(Debug, Clone)]
    pub struct Me<'a> {
        client: &'a super::Client,
    }
    impl<'a> Me<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/auth/me`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::User>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/me", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "me",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::me_entitlements`]

[`Client::me_entitlements`]: super::Client::me_entitlements*/
    #[derive(Debug, Clone)]
    pub struct MeEntitlements<'a> {
        client: &'a super::Client,
    }
    impl<'a> MeEntitlements<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/auth/me/entitlements`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Entitlements>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/me/entitlements", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "me_entitlements",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::regenerate_backup_codes`]

[`Client::regenerate_backup_codes`]: super::Client::regenerate_backup_codes*/
    #[derive(Debug, Clone)]
    pub struct RegenerateBackupCodes<'a> {
        client: &'a super::Client,
    }
    impl<'a> RegenerateBackupCodes<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `POST` request to `/api/auth/mfa/backup-codes/regenerate`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::BackupCodes>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!(
                "{}/api/auth/mfa/backup-codes/regenerate", client.baseurl,
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "regenerate_backup_codes",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::mfa_challenge`]

[`Client::mfa_challenge`]: super::Client::mfa_challenge*/
    #[derive(Debug, Clone)]
    pub struct MfaChallenge<'a> {
        client: &'a super::Client,
        body: Result<types::builder::MfaChallengeRequest, String>,
    }
    impl<'a> MfaChallenge<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::MfaChallengeRequest>,
            <V as std::convert::TryInto<
                types::MfaChallengeRequest,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `MfaChallengeRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::MfaChallengeRequest,
            ) -> types::builder::MfaChallengeRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/mfa/challenge`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::LoginResponse>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::MfaChallengeRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/mfa/challenge", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "mfa_challenge",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::mfa_methods`]

[`Client::mfa_methods`]: super::Client::mfa_methods*/
    #[derive(Debug, Clone)]
    pub struct MfaMethods<'a> {
        client: &'a super::Client,
    }
    impl<'a> MfaMethods<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/auth/mfa/methods`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::MfaMethods>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/mfa/methods", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "mfa_methods",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::mfa_reset_confirm`]

[`Client::mfa_reset_confirm`]: super::Client::mfa_reset_confirm*/
    #[derive(Debug, Clone)]
    pub struct MfaResetConfirm<'a> {
        client: &'a super::Client,
        body: Result<types::builder::MfaResetConfirm, String>,
    }
    impl<'a> MfaResetConfirm<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::MfaResetConfirm>,
            <V as std::convert::TryInto<
                types::MfaResetConfirm,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `MfaResetConfirm` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::MfaResetConfirm,
            ) -> types::builder::MfaResetConfirm,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/mfa/reset/confirm`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::MfaResetDone>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::MfaResetConfirm::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/mfa/reset/confirm", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "mfa_reset_confirm",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::mfa_reset_request`]

[`Client::mfa_reset_request`]: super::Client::mfa_reset_request*/
    #[derive(Debug, Clone)]
    pub struct MfaResetRequest<'a> {
        client: &'a super::Client,
    }
    impl<'a> MfaResetRequest<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `POST` request to `/api/auth/mfa/reset/request`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::MfaResetRequested>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/mfa/reset/request", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "mfa_reset_request",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::sms_setup`]

[`Client::sms_setup`]: super::Client::sms_setup*/
    #[derive(Debug, Clone)]
    pub struct SmsSetup<'a> {
        client: &'a super::Client,
        body: Result<types::builder::SmsSetupRequest, String>,
    }
    impl<'a> SmsSetup<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::SmsSetupRequest>,
            <V as std::convert::TryInto<
                types::SmsSetupRequest,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `SmsSetupRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::SmsSetupRequest,
            ) -> types::builder::SmsSetupRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/mfa/sms/setup`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::CodeSent>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::SmsSetupRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/mfa/sms/setup", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "sms_setup",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::sms_verify`]

[`Client::sms_verify`]: super::Client::sms_verify*/
    #[derive(Debug, Clone)]
    pub struct SmsVerify<'a> {
        client: &'a super::Client,
        body: Result<types::builder::CodeConfirm, String>,
    }
    impl<'a> SmsVerify<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::CodeConfirm>,
            <V as std::convert::TryInto<types::CodeConfirm>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `CodeConfirm` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::CodeConfirm,
            ) -> types::builder::CodeConfirm,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/mfa/sms/verify`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::MfaEnrolled>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| types::CodeConfirm::try_from(v).map_err(|e| e.to_string()))
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/mfa/sms/verify", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "sms_verify",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::totp_setup`]

[`Client::totp_setup`]: super::Client::totp_setup*/
    #[derive(Debug, Clone)]
    pub struct TotpSetup<'a> {
        client: &'a super::Client,
    }
    impl<'a> TotpSetup<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `POST` request to `/api/auth/mfa/totp/setup`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::TotpSetup>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/mfa/totp/setup", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "totp_setup",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::totp_verify`]

[`Client::totp_verify`]: super::Client::totp_verify*/
    #[derive(Debug, Clone)]
    pub struct TotpVerify<'a> {
        client: &'a super::Client,
        body: Result<types::builder::CodeConfirm, String>,
    }
    impl<'a> TotpVerify<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::CodeConfirm>,
            <V as std::convert::TryInto<types::CodeConfirm>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `CodeConfirm` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::CodeConfirm,
            ) -> types::builder::CodeConfirm,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/mfa/totp/verify`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::MfaEnrolled>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| types::CodeConfirm::try_from(v).map_err(|e| e.to_string()))
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/mfa/totp/verify", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "totp_verify",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::list_trusted_devices`]

[`Client::list_trusted_devices`]: super::Client::list_trusted_devices*/
    #[derive(Debug, Clone)]
    pub struct ListTrustedDevices<'a> {
        client: &'a super::Client,
    }
    impl<'a> ListTrustedDevices<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/auth/mfa/trusted-devices`
        pub async fn send(
            self,
        ) -> Result<
            ResponseValue<::std::vec::Vec<types::TrustedDevice>>,
            Error<types::Error>,
        > {
            let Self { client } = self;
            let url = format!("{}/api/auth/mfa/trusted-devices", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "list_trusted_devices",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::revoke_trusted_device`]

[`Client::revoke_trusted_device`]: super::Client::revoke_trusted_device*/
    #[derive(Debug, Clone)]
    pub struct RevokeTrustedDevice<'a> {
        client: &'a super::Client,
        device_id: Result<i64, String>,
    }
    impl<'a> RevokeTrustedDevice<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                device_id: Err("device_id was not initialized".to_string()),
            }
        }
        pub fn device_id<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<i64>,
        {
            self.device_id = value
                .try_into()
                .map_err(|_| "conversion to `i64` for device_id failed".to_string());
            self
        }
        ///Sends a `DELETE` request to `/api/auth/mfa/trusted-devices/{device_id}`
        pub async fn send(self) -> Result<ResponseValue<()>, Error<types::Error>> {
            let Self { client, device_id } = self;
            let device_id = device_id.map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/auth/mfa/trusted-devices/{}", client.baseurl, encode_path(&
                device_id.to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .delete(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "revoke_trusted_device",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                204u16 => Ok(ResponseValue::empty(response)),
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::delete_method`]

[`Client::delete_method`]: super::Client::delete_method*/
    #[derive(Debug, Clone)]
    pub struct DeleteMethod<'a> {
        client: &'a super::Client,
        method: Result<types::MfaMethod, String>,
    }
    impl<'a> DeleteMethod<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                method: Err("method was not initialized".to_string()),
            }
        }
        pub fn method<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::MfaMethod>,
        {
            self.method = value
                .try_into()
                .map_err(|_| "conversion to `MfaMethod` for method failed".to_string());
            self
        }
        ///Sends a `DELETE` request to `/api/auth/mfa/{method}`
        pub async fn send(self) -> Result<ResponseValue<()>, Error<types::Error>> {
            let Self { client, method } = self;
            let method = method.map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/auth/mfa/{}", client.baseurl, encode_path(& method.to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .delete(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "delete_method",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                204u16 => Ok(ResponseValue::empty(response)),
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::reactivate_confirm`]

[`Client::reactivate_confirm`]: super::Client::reactivate_confirm*/
    #[derive(Debug, Clone)]
    pub struct ReactivateConfirm<'a> {
        client: &'a super::Client,
        body: Result<types::builder::ReactivateConfirm, String>,
    }
    impl<'a> ReactivateConfirm<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::ReactivateConfirm>,
            <V as std::convert::TryInto<
                types::ReactivateConfirm,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `ReactivateConfirm` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::ReactivateConfirm,
            ) -> types::builder::ReactivateConfirm,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/reactivate/confirm`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Reactivated>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::ReactivateConfirm::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/reactivate/confirm", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "reactivate_confirm",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::reactivate_request`]

[`Client::reactivate_request`]: super::Client::reactivate_request*/
    #[derive(Debug, Clone)]
    pub struct ReactivateRequest<'a> {
        client: &'a super::Client,
        body: Result<types::builder::ReactivateRequest, String>,
    }
    impl<'a> ReactivateRequest<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::ReactivateRequest>,
            <V as std::convert::TryInto<
                types::ReactivateRequest,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `ReactivateRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::ReactivateRequest,
            ) -> types::builder::ReactivateRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/reactivate/request`
        pub async fn send(self) -> Result<ResponseValue<()>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::ReactivateRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/reactivate/request", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "reactivate_request",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                204u16 => Ok(ResponseValue::empty(response)),
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::refresh_token_endpoint`]

[`Client::refresh_token_endpoint`]: super::Client::refresh_token_endpoint*/
    #[derive(Debug, Clone)]
    pub struct RefreshTokenEndpoint<'a> {
        client: &'a super::Client,
        body: Result<types::builder::RefreshRequest, String>,
    }
    impl<'a> RefreshTokenEndpoint<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::RefreshRequest>,
            <V as std::convert::TryInto<
                types::RefreshRequest,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `RefreshRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::RefreshRequest,
            ) -> types::builder::RefreshRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/refresh`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::TokenResponse>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::RefreshRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/refresh", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "refresh_token_endpoint",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::register`]

[`Client::register`]: super::Client::register*/
    #[derive(Debug, Clone)]
    pub struct Register<'a> {
        client: &'a super::Client,
        body: Result<types::builder::RegisterRequest, String>,
    }
    impl<'a> Register<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::RegisterRequest>,
            <V as std::convert::TryInto<
                types::RegisterRequest,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `RegisterRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::RegisterRequest,
            ) -> types::builder::RegisterRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/register`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::User>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::RegisterRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/register", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "register",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                201u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::login`]

[`Client::login`]: super::Client::login*/
    #[derive(Debug, Clone)]
    pub struct Login<'a> {
        client: &'a super::Client,
        body: Result<types::builder::LoginForm, String>,
    }
    impl<'a> Login<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::LoginForm>,
            <V as std::convert::TryInto<types::LoginForm>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `LoginForm` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(types::builder::LoginForm) -> types::builder::LoginForm,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/token`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::LoginResponse>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| types::LoginForm::try_from(v).map_err(|e| e.to_string()))
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/token", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .form_urlencoded(&body)?
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "login",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::verify_phone_confirm`]

[`Client::verify_phone_confirm`]: super::Client::verify_phone_confirm*/
    #[derive(Debug, Clone)]
    pub struct VerifyPhoneConfirm<'a> {
        client: &'a super::Client,
        body: Result<types::builder::CodeConfirm, String>,
    }
    impl<'a> VerifyPhoneConfirm<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::CodeConfirm>,
            <V as std::convert::TryInto<types::CodeConfirm>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `CodeConfirm` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::CodeConfirm,
            ) -> types::builder::CodeConfirm,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/auth/verify-phone/confirm`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::PhoneVerified>, Error<types::Error>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| types::CodeConfirm::try_from(v).map_err(|e| e.to_string()))
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/auth/verify-phone/confirm", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "verify_phone_confirm",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                422u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::verify_phone_request`]

[`Client::verify_phone_request`]: super::Client::verify_phone_request*/
    #[derive(Debug, Clone)]
    pub struct VerifyPhoneRequest<'a> {
        client: &'a super::Client,
    }
    impl<'a> VerifyPhoneRequest<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `POST` request to `/api/auth/verify-phone/request`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::CodeSent>, Error<types::Error>> {
            let Self { client } = self;
            let url = format!("{}/api/auth/verify-phone/request", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "verify_phone_request",
            };
            crate::transport::prepare(client, &mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => crate::response::decode(response).await,
                400u16..=499u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                500u16..=599u16 => {
                    Err(
                        Error::ErrorResponse(
                            crate::response::decode(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    pub use self::super::Client;
}
