//! The OpenAPI document: emitted from the traits and finished by rule.
//!
//! The framework emits one success code plus `4XX` and `5XX` for an operation. What it has no words
//! for is added here by rule from what it did emit, never by copying from the committed file:
//! the `422` of an operation that takes a body or a path parameter, the `security` of an operation
//! that takes credentials, and a body that may be absent.

use dropshot::{ApiDescription, StubContext};
use openapiv3::{
    APIKeyLocation, MediaType, OpenAPI, Operation, Parameter, ReferenceOr, Response, Schema,
    SchemaKind, SecurityScheme, Server, StatusCode, Tag, Type,
};

use super::auth::auth_api_mod;
use super::mfa::{mfa_api_mod, mfa_method_api_mod};

/// The version of the contract, not of the server.
pub const CONTRACT_VERSION: dropshot::semver::Version = dropshot::semver::Version::new(2, 0, 0);

/// What is committed at the top of the repository; `serve` refuses to start when it differs.
pub const SNAPSHOT: &str = include_str!("../../../openapi-snapshot.json");

/// The document of this build, exactly as the file holds it: pretty, with a final newline.
pub fn emit() -> Result<String, DocumentError> {
    let mut document = describe(auth_api_mod::stub_api_description()?)?;
    merge(
        &mut document,
        describe(mfa_api_mod::stub_api_description()?)?,
    );
    merge(
        &mut document,
        describe(mfa_method_api_mod::stub_api_description()?)?,
    );
    let mut text = serde_json::to_string_pretty(&finish(document)?)?;
    text.push('\n');
    Ok(text)
}

#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("the API description is not valid: {0}")]
    Description(#[from] dropshot::ApiDescriptionBuildErrors),
    #[error("the document cannot be read or written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("operation `{0}` has no success response")]
    NoSuccess(String),
}

fn describe(api: ApiDescription<StubContext>) -> Result<OpenAPI, DocumentError> {
    Ok(serde_json::from_value(
        api.openapi("bp-auth", CONTRACT_VERSION).json()?,
    )?)
}

fn merge(document: &mut OpenAPI, more: OpenAPI) {
    document.paths.paths.extend(more.paths.paths);
    if let (Some(all), Some(more)) = (document.components.as_mut(), more.components) {
        all.schemas.extend(more.schemas);
        all.responses.extend(more.responses);
    }
}

fn finish(mut document: OpenAPI) -> Result<OpenAPI, DocumentError> {
    document.paths.paths.sort_keys();
    if let Some(all) = document.components.as_mut() {
        all.schemas.sort_keys();
        for schema in all.schemas.values_mut() {
            leave_out_absent_references(schema);
        }
        all.security_schemes = security_schemes();
        for response in all.responses.values_mut() {
            if let ReferenceOr::Item(response) = response {
                response.description = "Refused or failed; see `error_code`".to_owned();
            }
        }
    }
    describe_service(&mut document);
    for item in document.paths.paths.values_mut() {
        let ReferenceOr::Item(item) = item else {
            continue;
        };
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.delete,
            &mut item.put,
        ];
        for operation in operations.into_iter().flatten() {
            finish_operation(operation)?;
        }
    }
    Ok(document)
}

/// An optional member of another schema is left out when it is absent. The framework says that it may
/// be null, which OpenAPI 3.0 has no way to say beside a `$ref`.
fn leave_out_absent_references(schema: &mut ReferenceOr<Schema>) {
    let ReferenceOr::Item(schema) = schema else {
        return;
    };
    let SchemaKind::Type(Type::Object(object)) = &mut schema.schema_kind else {
        return;
    };
    for member in object.properties.values_mut() {
        let ReferenceOr::Item(item) = member else {
            continue;
        };
        let SchemaKind::AllOf { all_of } = &item.schema_kind else {
            continue;
        };
        if let ([ReferenceOr::Reference { reference }], None) =
            (all_of.as_slice(), &item.schema_data.description)
        {
            // Without a description there is nothing to say but the reference.
            *member = ReferenceOr::ref_(reference);
        } else {
            item.schema_data.nullable = false;
        }
    }
}

fn describe_service(document: &mut OpenAPI) {
    document.info.description = Some(
        "Registration, OAuth2 password login with an httpOnly cookie, refresh rotation with \
         families, API keys, phone verification, account reactivation and multi-factor \
         authentication."
            .to_owned(),
    );
    document.info.license = Some(openapiv3::License {
        name: "Apache-2.0 OR MIT".to_owned(),
        url: Some("https://spdx.org/licenses/Apache-2.0.html".to_owned()),
        ..openapiv3::License::default()
    });
    document.servers = vec![Server {
        url: "/".to_owned(),
        description: Some("The server that serves this document".to_owned()),
        ..Server::default()
    }];
    let tag = |name: &str, description: &str| Tag {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        ..Tag::default()
    };
    document.tags = vec![
        tag("Auth", "Accounts, login, sessions, API keys"),
        tag(
            "Auth Mfa",
            "Second factors, backup codes, trusted devices, reset",
        ),
    ];
}

/// How credentials are presented; see [`super::extract`]. The cookie is a security scheme and not a
/// parameter, because that is what it is, and because client generators refuse cookie parameters.
fn security_schemes() -> indexmap::IndexMap<String, ReferenceOr<SecurityScheme>> {
    let key = |location, name: &str, description: &str| SecurityScheme::APIKey {
        location,
        name: name.to_owned(),
        description: Some(description.to_owned()),
        extensions: Default::default(),
    };
    let bearer = SecurityScheme::HTTP {
        scheme: "bearer".to_owned(),
        bearer_format: Some("JWT".to_owned()),
        description: Some("The access token".to_owned()),
        extensions: Default::default(),
    };
    [
        (BEARER, bearer),
        (
            COOKIE,
            key(
                APIKeyLocation::Cookie,
                "bp_token",
                "The access token, set at login",
            ),
        ),
        (
            REFRESH_COOKIE,
            key(
                APIKeyLocation::Cookie,
                "bp_refresh",
                "The refresh token, set at login and sent to `POST /api/auth/refresh` only",
            ),
        ),
        (
            API_KEY,
            key(APIKeyLocation::Header, "X-API-Key", "The API key of a user"),
        ),
    ]
    .into_iter()
    .map(|(name, scheme)| (name.to_owned(), ReferenceOr::Item(scheme)))
    .collect()
}

const BEARER: &str = "bearer";
const COOKIE: &str = "cookie";
const REFRESH_COOKIE: &str = "refreshCookie";
const API_KEY: &str = "apiKey";

fn finish_operation(operation: &mut Operation) -> Result<(), DocumentError> {
    let markers = take_markers(operation);
    let alternatives = |names: &[&str]| {
        names
            .iter()
            .map(|name| [((*name).to_owned(), Vec::new())].into_iter().collect())
            .collect()
    };
    // An operation without a marker is public, and says so: `security: []`.
    let mut security: Vec<openapiv3::SecurityRequirement> = Vec::new();
    for marker in &markers {
        match marker.as_str() {
            "x-document-token" | "x-document-token-or-pending" => {
                security = alternatives(&[BEARER, COOKIE]);
            }
            "x-document-token-or-api-key" => security = alternatives(&[BEARER, COOKIE, API_KEY]),
            "x-document-optional-token" => {
                security = alternatives(&[BEARER, COOKIE]);
                security.push(Default::default());
            }
            "x-document-refresh-cookie" => {
                security = alternatives(&[REFRESH_COOKIE]);
                security.push(Default::default());
            }
            _ => {
                if let Some(ReferenceOr::Item(body)) = &mut operation.request_body {
                    body.required = false;
                }
            }
        }
    }
    operation.security = Some(security);
    if operation.request_body.is_some() || !operation.parameters.is_empty() {
        add_validation_error(operation)?;
    }
    Ok(())
}

/// Removes the header parameters by which extractors speak to this module.
fn take_markers(operation: &mut Operation) -> Vec<String> {
    let mut markers = Vec::new();
    operation.parameters.retain(|parameter| match parameter {
        ReferenceOr::Item(Parameter::Header { parameter_data, .. })
            if parameter_data.name.starts_with("x-document-") =>
        {
            markers.push(parameter_data.name.clone());
            false
        }
        _ => true,
    });
    markers
}

fn add_validation_error(operation: &mut Operation) -> Result<(), DocumentError> {
    let responses = &mut operation.responses.responses;
    let success = responses.shift_remove_index(0);
    let Some((code @ StatusCode::Code(200..=299), success)) = success else {
        return Err(DocumentError::NoSuccess(
            operation.operation_id.clone().unwrap_or_default(),
        ));
    };
    let schema = ReferenceOr::Reference {
        reference: "#/components/schemas/Error".to_owned(),
    };
    let body = MediaType {
        schema: Some(schema),
        ..MediaType::default()
    };
    let refused = Response {
        description: "Validation Error".to_owned(),
        content: [("application/json".to_owned(), body)]
            .into_iter()
            .collect(),
        ..Response::default()
    };
    let ranges = std::mem::take(responses);
    responses.insert(code, success);
    responses.insert(StatusCode::Code(422), ReferenceOr::Item(refused));
    responses.extend(ranges);
    Ok(())
}
