//! One request on its way to the logic: who sends it, with which credentials, from where.

use std::sync::OnceLock;

use dropshot::{Body, HttpResponse, RequestContext};
use http::Response;
use uuid::Uuid;

use super::Context;
use super::cookies::presented_devices;
use super::failure::Failure;
use crate::api::extract::{CredentialKind, Credentials, Presented};
use crate::api::{Answer, Reply, Secret};
use crate::app::caller::Caller;
use crate::app::{App, Client, Error};
use crate::datastore::for_one_request;

/// Travels with an answer as far as the gateway.
#[derive(Debug, Clone, Copy)]
pub struct LoggedUser(pub Uuid);

pub struct Call<'r> {
    pub app: &'r App,
    pub client: Client,
    /// For the log.
    user: OnceLock<Uuid>,
    rqctx: &'r RequestContext<Context>,
}

impl<'r> Call<'r> {
    pub fn new(rqctx: &'r RequestContext<Context>) -> Self {
        let context = rqctx.context();
        Self {
            app: context.app.as_ref(),
            client: client(context, rqctx),
            user: OnceLock::new(),
            rqctx,
        }
    }

    /// Runs the work and turns its refusal into a response.
    pub async fn answer<R: HttpResponse>(
        &self,
        work: impl Future<Output = Result<Reply<R>, Failure>>,
    ) -> Answer<R> {
        let mut reply = match for_one_request(work).await {
            Ok(reply) => reply,
            Err(failure) => {
                let oauth = is_oauth(self.rqctx.request.uri().path());
                let response: Response<Body> =
                    failure.into_response(&self.client.request_id, oauth);
                Reply::finished(response)
            }
        };
        if let Some(user) = self.user.get() {
            reply.extensions_mut().insert(LoggedUser(*user));
        }
        Ok(reply)
    }

    /// Whose request it turned out to be, for its line in the log; the first one counts.
    pub fn is_of(&self, user: Uuid) {
        let _ = self.user.set(user);
    }

    /// Verifies the credentials of the request. A cookie authenticates only what a page of ours
    /// could have sent.
    pub async fn authenticate<K: CredentialKind>(
        &self,
        credentials: &Credentials<K>,
    ) -> Result<Caller, Failure> {
        let caller = match &credentials.presented {
            Presented::Nothing | Presented::OtherScheme => {
                return Err(Error::NotAuthenticated.into());
            }
            Presented::Bearer(token) => self.app.caller_from_bearer(token.expose()).await,
            Presented::Cookies(tokens) => {
                if !self.rqctx.request.method().is_safe() {
                    self.refuse_cross_site()?;
                }
                self.app
                    .caller_from_cookies(tokens.iter().map(Secret::expose))
                    .await
            }
            Presented::ApiKey(key) => self.app.caller_from_api_key(key.expose()).await,
        };
        let caller = caller?;
        self.is_of(caller.user.id);
        Ok(caller)
    }

    /// For the operations that set the cookie, whoever authenticates them.
    pub fn refuse_cross_site(&self) -> Result<(), Failure> {
        let origins = &self.rqctx.context().rules.origins;
        Ok(origins.refuse_cross_site(self.rqctx.request.headers())?)
    }

    pub fn context(&self) -> &'r Context {
        self.rqctx.context()
    }

    pub fn trusted_devices(&self) -> Vec<Secret> {
        presented_devices(self.rqctx.request.headers())
    }
}

fn client(context: &Context, rqctx: &RequestContext<Context>) -> Client {
    let headers = rqctx.request.headers();
    let addresses = &context.rules.client_addresses;
    let address = addresses.of(rqctx.request.remote_addr(), headers);
    if address.is_unreadable {
        context.app.metrics.forwarded_unreadable();
    }
    // Kept for people to recognise a device by; nobody needs more of it than this.
    let user_agent = headers
        .get(http::header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(|value| {
            value
                .chars()
                .filter(|c| !c.is_control())
                .take(256)
                .collect()
        });
    Client {
        request_id: rqctx.request_id.clone(),
        ip: address.ip,
        user_agent,
    }
}

/// Where RFC 6749 has a say in the error body, however the path is spelled.
pub fn is_oauth(path: &str) -> bool {
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    matches!(&*path, "/api/auth/token" | "/api/auth/refresh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_path_is_the_same_path() {
        for path in ["/api/auth/token", "/api/auth/%74oken", "/api/auth/refresh"] {
            assert!(is_oauth(path), "{path}");
        }
        for path in ["/api/auth/me", "/api/auth/token/", "/api/auth/%2574oken"] {
            assert!(!is_oauth(path), "{path}");
        }
    }
}
