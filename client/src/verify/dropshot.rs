//! For dropshot, whose server context has a [`Verifier`].

use std::any::Any;
use std::marker::PhantomData;

use async_trait::async_trait;
use dropshot::{
    ApiEndpointBodyContentType, ErrorStatusCode, ExtensionMode, ExtractorMetadata, HttpError,
    RequestContext, ServerContext, SharedExtractor,
};

use super::{Authenticated, Entitlement, Refusal, RequireEntitlement, Verifier};

/// A server context that has a verifier.
///
/// ```
/// use bp_auth_client::verify::{HasVerifier, Verifier};
///
/// struct Service { verifier: Verifier }
///
/// impl HasVerifier for Service {
///     fn verifier(&self) -> &Verifier {
///         &self.verifier
///     }
/// }
/// ```
pub trait HasVerifier: ServerContext {
    /// The verifier.
    fn verifier(&self) -> &Verifier;
}

/// [`Authenticated`], as an argument of a handler. `C` is the context of the server: an extractor of dropshot
/// is not told it, and one that is used with another context answers 500.
///
/// ```
/// use bp_auth_client::verify::{Authenticated, DropshotAuthenticated};
/// # use bp_auth_client::verify::{HasVerifier, Verifier};
/// # struct Service(Verifier);
/// # impl HasVerifier for Service { fn verifier(&self) -> &Verifier { &self.0 } }
/// use dropshot::{ApiDescription, HttpError, HttpResponseOk, RequestContext, endpoint};
///
/// #[endpoint { method = GET, path = "/orders" }]
/// async fn orders(
///     _: RequestContext<Service>,
///     caller: DropshotAuthenticated<Service>,
/// ) -> Result<HttpResponseOk<String>, HttpError> {
///     let Authenticated(verified) = caller.caller;
///     Ok(HttpResponseOk(format!("the orders of {}", verified.claims.subject)))
/// }
///
/// let mut api = ApiDescription::new();
/// api.register(orders)?;
/// # Ok::<(), dropshot::ApiDescriptionRegisterError>(())
/// ```
pub struct DropshotAuthenticated<C> {
    /// The caller.
    pub caller: Authenticated,
    context: PhantomData<fn() -> C>,
}

/// [`RequireEntitlement`], as an argument of a handler.
///
/// ```
/// use bp_auth_client::verify::{DropshotRequireEntitlement, Entitlement};
/// # use bp_auth_client::verify::{HasVerifier, Verifier};
/// # struct Service(Verifier);
/// # impl HasVerifier for Service { fn verifier(&self) -> &Verifier { &self.0 } }
/// use dropshot::{ApiDescription, HttpError, HttpResponseOk, RequestContext, endpoint};
///
/// struct AuditExport;
/// impl Entitlement for AuditExport {
///     const FEATURE: &'static str = "audit_export";
/// }
///
/// #[endpoint { method = GET, path = "/export" }]
/// async fn export(
///     _: RequestContext<Service>,
///     caller: DropshotRequireEntitlement<Service, AuditExport>,
/// ) -> Result<HttpResponseOk<String>, HttpError> {
///     let claims = caller.caller.verified.claims;
///     Ok(HttpResponseOk(format!("all that {} may see", claims.subject)))
/// }
///
/// let mut api = ApiDescription::new();
/// api.register(export)?;
/// # Ok::<(), dropshot::ApiDescriptionRegisterError>(())
/// ```
pub struct DropshotRequireEntitlement<C, E> {
    /// The caller.
    pub caller: RequireEntitlement<E>,
    context: PhantomData<fn() -> C>,
}

#[async_trait]
impl<C: HasVerifier> SharedExtractor for DropshotAuthenticated<C> {
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        let caller = Authenticated::by(verifier::<C, _>(rqctx)?, authorization(rqctx)).await?;
        Ok(Self {
            caller,
            context: PhantomData,
        })
    }

    fn metadata(_: ApiEndpointBodyContentType) -> ExtractorMetadata {
        nothing_of_the_request()
    }
}

#[async_trait]
impl<C: HasVerifier, E: Entitlement + 'static> SharedExtractor
    for DropshotRequireEntitlement<C, E>
{
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        let verifier = verifier::<C, _>(rqctx)?;
        let caller = RequireEntitlement::by(verifier, authorization(rqctx)).await?;
        Ok(Self {
            caller,
            context: PhantomData,
        })
    }

    fn metadata(_: ApiEndpointBodyContentType) -> ExtractorMetadata {
        nothing_of_the_request()
    }
}

impl From<Refusal> for HttpError {
    fn from(refusal: Refusal) -> Self {
        let status = ErrorStatusCode::from_u16(refusal.status());
        let mut error = Self {
            status_code: status.unwrap_or(ErrorStatusCode::UNAUTHORIZED),
            error_code: Some(refusal.error_code()),
            external_message: refusal.message(),
            internal_message: refusal.message(),
            headers: None,
        };
        let retry_after = refusal.retry_after().map(|seconds| seconds.to_string());
        let headers = [
            ("www-authenticate", refusal.challenge().map(str::to_owned)),
            ("retry-after", retry_after),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                // Both are made of letters and digits of ours.
                let _ = error.add_header(name, value);
            }
        }
        error
    }
}

fn verifier<C: HasVerifier, Context: ServerContext>(
    rqctx: &RequestContext<Context>,
) -> Result<&Verifier, HttpError> {
    let context: &dyn Any = rqctx.context();
    let context = context.downcast_ref::<C>().ok_or_else(|| {
        HttpError::for_internal_error("the extractor names another server context".to_owned())
    })?;
    Ok(context.verifier())
}

fn authorization<Context: ServerContext>(rqctx: &RequestContext<Context>) -> Option<&[u8]> {
    let header = rqctx.request.headers().get("authorization")?;
    Some(header.as_bytes())
}

/// Security schemes are the document's, not an extractor's, to name.
fn nothing_of_the_request() -> ExtractorMetadata {
    ExtractorMetadata {
        extension_mode: ExtensionMode::None,
        parameters: Vec::new(),
    }
}
