//! What handlers receive. Every extractor carries a `Result`, and says in its metadata what the
//! document needs to know.

use std::marker::PhantomData;

use async_trait::async_trait;
use dropshot::{
    ApiEndpointBodyContentType, Body, ExclusiveExtractor, ExtractorMetadata, Header, HttpError,
    Path, RequestContext, ServerContext, SharedExtractor, TypedBody,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap};
use http_body_util::BodyExt;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::FieldError;
use super::json;
use super::secret::Secret;

pub const TOKEN_COOKIE: &str = "bp_token";
pub const REFRESH_COOKIE: &str = "bp_refresh";

// -- Credentials ------------------------------------------------------------------------------

/// The credentials that a request presents, not verified yet. `K` says which kinds the operation
/// accepts; the document's `security` follows from it.
pub struct Credentials<K> {
    pub presented: Presented,
    kind: PhantomData<fn() -> K>,
}

/// At most one credential counts: `Authorization`, else the cookie, else the API key.
pub enum Presented {
    Nothing,
    /// An `Authorization` header with another scheme, or several of them.
    OtherScheme,
    Bearer(Secret),
    /// Every cookie of the name; the first that verifies counts.
    Cookies(Vec<Secret>),
    ApiKey(Secret),
}

/// Which credentials an operation takes. The marker is a header parameter that `document.rs` takes
/// out of the emitted document again and turns into `security`.
pub trait CredentialKind: Send + Sync + 'static {
    type Marker: DeserializeOwned + JsonSchema + Send + Sync + 'static;
    const ACCEPTS_API_KEY: bool;
}

macro_rules! credential_kinds {
    ($($(#[$doc:meta])* $kind:ident, $marker:ident, $name:literal, $api_key:literal;)*) => {$(
        $(#[$doc])*
        pub struct $kind;

        #[derive(Deserialize, JsonSchema)]
        pub struct $marker {
            #[serde(rename = $name)]
            #[expect(dead_code, reason = "It exists for its schema only.")]
            marker: String,
        }

        impl CredentialKind for $kind {
            type Marker = $marker;
            const ACCEPTS_API_KEY: bool = $api_key;
        }
    )*};
}

credential_kinds! {
    /// An access token, as bearer or in the cookie.
    Token, TokenMarker, "x-document-token", false;
    /// An access token or an API key.
    TokenOrApiKey, TokenOrApiKeyMarker, "x-document-token-or-api-key", true;
    /// An access token, or nothing.
    OptionalToken, OptionalTokenMarker, "x-document-optional-token", false;
    /// An access token, or an mfa-pending token where the operator allows it.
    TokenOrPending, TokenOrPendingMarker, "x-document-token-or-pending", false;
}

impl Presented {
    fn in_headers(headers: &HeaderMap, accepts_api_key: bool) -> Self {
        let mut authorizations = headers.get_all(AUTHORIZATION).iter();
        if let Some(first) = authorizations.next() {
            // A token that is no text is a bad token, not another scheme.
            let mut words = first.as_bytes().splitn(2, |byte| *byte == b' ');
            let is_bearer = words
                .next()
                .is_some_and(|s| s.eq_ignore_ascii_case(b"bearer"));
            let token = words.next().filter(|_| is_bearer);
            let token = token.map(|token| std::str::from_utf8(token).unwrap_or_default().trim());
            return match (token, authorizations.next()) {
                (Some(token), None) => Self::Bearer(token.into()),
                _ => Self::OtherScheme,
            };
        }
        let cookies = cookies(headers, TOKEN_COOKIE);
        if !cookies.is_empty() {
            return Self::Cookies(cookies);
        }
        match headers.get("x-api-key").filter(|_| accepts_api_key) {
            Some(key) => Self::ApiKey(key.to_str().unwrap_or_default().into()),
            None => Self::Nothing,
        }
    }
}

/// A browser has one cookie of a name for each path and domain that sets it, which are few. Each
/// value costs a signature or a query, so that what else fits a header is not looked at.
const MOST_COOKIES: usize = 16;

/// The non-empty values of a cookie, in the order of the request.
pub fn cookies(headers: &HeaderMap, name: &str) -> Vec<Secret> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| Secret::from(value.trim_matches('"')))
        .take(MOST_COOKIES)
        .collect()
}

#[async_trait]
impl<K: CredentialKind> SharedExtractor for Credentials<K> {
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        let presented = Presented::in_headers(rqctx.request.headers(), K::ACCEPTS_API_KEY);
        Ok(Self {
            presented,
            kind: PhantomData,
        })
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <Header<K::Marker> as SharedExtractor>::metadata(content_type)
    }
}

/// The refresh tokens in the cookies of a request, which count where its body has none.
pub struct RefreshCookies(pub Vec<Secret>);

/// Becomes the `security` of the operation; see [`CredentialKind`].
#[derive(Deserialize, JsonSchema)]
pub struct RefreshCookieMarker {
    #[serde(rename = "x-document-refresh-cookie")]
    #[expect(dead_code, reason = "It exists for its schema only.")]
    marker: String,
}

#[async_trait]
impl SharedExtractor for RefreshCookies {
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        Ok(Self(cookies(rqctx.request.headers(), REFRESH_COOKIE)))
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <Header<RefreshCookieMarker> as SharedExtractor>::metadata(content_type)
    }
}

// -- Bodies -----------------------------------------------------------------------------------

/// Why a body could not be read as what the operation declares.
#[derive(Debug)]
pub enum BodyRefusal {
    UnsupportedMediaType { expected: &'static str },
    Invalid(Vec<FieldError>),
}

/// A JSON body whose media type was declared.
pub struct JsonBody<T>(pub Result<T, BodyRefusal>);

/// A JSON body that may be absent: empty, white space, or JSON `null`, which generated clients send for
/// an argument that was left out.
pub struct OptionalJsonBody<T>(pub Result<Option<T>, BodyRefusal>);

/// A form, as OAuth2's token endpoint takes it.
pub struct FormBody<T>(pub Result<T, BodyRefusal>);

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Takes the optional body's marker out of the emitted document; see [`CredentialKind`].
#[derive(Deserialize, JsonSchema)]
pub struct OptionalBodyMarker {
    #[serde(rename = "x-document-optional-body")]
    #[expect(dead_code, reason = "It exists for its schema only.")]
    marker: String,
}

fn has_media_type(headers: &HeaderMap, expected: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
}

/// The gateway has read the body already, within its limits of size and time.
async fn bytes(request: hyper::Request<Body>) -> Result<bytes::Bytes, HttpError> {
    let collected = request.into_body().collect().await;
    Ok(collected
        .map_err(|error| HttpError::for_internal_error(error.to_string()))?
        .to_bytes())
}

fn read<T>(
    headers: &HeaderMap,
    expected: &'static str,
    parse: impl FnOnce() -> Result<T, Vec<FieldError>>,
) -> Result<T, BodyRefusal> {
    if !has_media_type(headers, expected) {
        return Err(BodyRefusal::UnsupportedMediaType { expected });
    }
    parse().map_err(BodyRefusal::Invalid)
}

#[async_trait]
impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> ExclusiveExtractor for JsonBody<T> {
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
        request: hyper::Request<Body>,
    ) -> Result<Self, HttpError> {
        let bytes = bytes(request).await?;
        Ok(Self(read(rqctx.request.headers(), JSON, || {
            json::from_json(&bytes)
        })))
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <TypedBody<T> as ExclusiveExtractor>::metadata(content_type)
    }
}

#[async_trait]
impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> ExclusiveExtractor
    for OptionalJsonBody<T>
{
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
        request: hyper::Request<Body>,
    ) -> Result<Self, HttpError> {
        let bytes = bytes(request).await?;
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Ok(Self(Ok(None)));
        }
        Ok(Self(read(rqctx.request.headers(), JSON, || match text {
            b"null" => Ok(None),
            _ => json::from_json(&bytes).map(Some),
        })))
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        let mut body = <TypedBody<T> as ExclusiveExtractor>::metadata(content_type.clone());
        let marker = <Header<OptionalBodyMarker> as SharedExtractor>::metadata(content_type);
        body.parameters.extend(marker.parameters);
        body
    }
}

#[async_trait]
impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> ExclusiveExtractor for FormBody<T> {
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
        request: hyper::Request<Body>,
    ) -> Result<Self, HttpError> {
        let bytes = bytes(request).await?;
        Ok(Self(read(rqctx.request.headers(), FORM, || {
            json::from_form(&bytes)
        })))
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <TypedBody<T> as ExclusiveExtractor>::metadata(content_type)
    }
}

// -- Path parameters --------------------------------------------------------------------------

/// The path parameters, or `None` when they do not have their declared form.
pub struct PathParam<T>(pub Option<T>);

#[async_trait]
impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> SharedExtractor for PathParam<T> {
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        let path = <Path<T> as SharedExtractor>::from_request(rqctx).await;
        Ok(Self(path.ok().map(Path::into_inner)))
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <Path<T> as SharedExtractor>::metadata(content_type)
    }
}
