use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes each code once: the variant, its name on the wire and the list of all.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Why a request was refused: the closed list of the API, and what a newer server adds.
        ///
        /// Treat a code that you do not know by the status of the answer.
        ///
        /// ```
        /// use bp_auth_client::ErrorCode;
        ///
        /// assert_eq!(ErrorCode::from("token_expired"), ErrorCode::TokenExpired);
        /// assert_eq!(ErrorCode::TokenExpired.as_str(), "token_expired");
        /// let newer = ErrorCode::from("moon_phase");
        /// assert_eq!(newer, ErrorCode::Unknown("moon_phase".to_owned()));
        /// assert!(!ErrorCode::KNOWN.contains(&newer));
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
            /// A code that this version of the client does not know.
            Unknown(String),
        }

        impl ErrorCode {
            /// All codes that this version of the client knows.
            pub const KNOWN: &[Self] = &[$(Self::$variant,)*];

            /// The code as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(name) => name,
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    _ => Self::Unknown(name.to_owned()),
                }
            }
        }
    };
}

error_codes! {
    /// The path or the body is not valid; `errors` names the fields.
    ValidationError = "validation_error",
    /// The password is too short, too long or too easy to guess.
    WeakPassword = "weak_password",
    /// The phone number is not valid or its country is not served.
    PhoneNotAllowed = "phone_not_allowed",
    /// Only the grant type `password` is supported.
    UnsupportedGrantType = "unsupported_grant_type",
    /// The code is wrong.
    CodeInvalid = "code_invalid",
    /// The code has expired, or none was sent.
    CodeExpired = "code_expired",
    /// Too many wrong codes: ask for a new one.
    CodeAttemptsExceeded = "code_attempts_exceeded",
    /// The token is unreadable, of another issuer or of another kind.
    TokenInvalid = "token_invalid",
    /// The token has expired.
    TokenExpired = "token_expired",
    /// The request cannot be understood.
    BadRequest = "bad_request",
    /// The e-mail address or the password is wrong; which of them is not told.
    InvalidCredentials = "invalid_credentials",
    /// The request carries no credential that this operation accepts.
    NotAuthenticated = "not_authenticated",
    /// A refresh token was used twice: its session has been ended.
    TokenReused = "token_reused",
    /// The refresh token belongs to a session that has ended.
    TokenRevoked = "token_revoked",
    /// The session of the access token has ended.
    SessionRevoked = "session_revoked",
    /// The API key is unknown or was replaced.
    ApiKeyInvalid = "api_key_invalid",
    /// The MFA token is used up, expired or not valid: log in again.
    MfaTokenInvalid = "mfa_token_invalid",
    /// The account is deactivated; its owner can reactivate it.
    AccountDeactivated = "account_deactivated",
    /// The account is suspended by an operator.
    AccountSuspended = "account_suspended",
    /// The operation needs a recent login, with a second factor when there is one.
    ReauthenticationRequired = "reauthentication_required",
    /// The request comes from a site that is not allowed.
    CsrfRejected = "csrf_rejected",
    /// This server registers nobody.
    RegistrationDisabled = "registration_disabled",
    /// Absent, or somebody else's.
    NotFound = "not_found",
    /// The path exists, but not for this method.
    MethodNotAllowed = "method_not_allowed",
    /// The body took too long to arrive.
    RequestTimeout = "request_timeout",
    /// The e-mail address is registered already.
    EmailTaken = "email_taken",
    /// The profile has no phone number.
    PhoneMissing = "phone_missing",
    /// The phone number is verified already.
    PhoneAlreadyVerified = "phone_already_verified",
    /// There is no enrolment to verify.
    MfaNotPending = "mfa_not_pending",
    /// The user has no second factor.
    MfaNotEnabled = "mfa_not_enabled",
    /// The user has not enrolled this second factor.
    MfaMethodUnavailable = "mfa_method_unavailable",
    /// The token was good for one use, and has been used.
    TokenUsed = "token_used",
    /// The body is too large.
    PayloadTooLarge = "payload_too_large",
    /// The body has another media type than the operation takes.
    UnsupportedMediaType = "unsupported_media_type",
    /// Too many requests: wait as long as `Retry-After` says.
    RateLimited = "rate_limited",
    /// Too many wrong second factors: wait as long as `Retry-After` says.
    MfaLocked = "mfa_locked",
    /// The server failed; `request_id` finds the reason in its log.
    InternalError = "internal_error",
    /// The server is saturated: wait as long as `Retry-After` says.
    Overloaded = "overloaded",
    /// The mail or message cannot be sent at present.
    DeliveryUnavailable = "delivery_unavailable",
}

impl From<String> for ErrorCode {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl FromStr for ErrorCode {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(name))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
