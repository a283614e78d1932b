use std::{fmt, ops::ControlFlow, sync::Arc};

use reqwest::{
    Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};

use super::{
    auth::Settings,
    keeper::{Keeper, NotRefreshed},
    retry::{Attempts, is_busy},
    trace::event,
};
use crate::{Error, ErrorCode, Transport, retry_after::retry_after, transport::send, types};

pub(crate) const DEVICE_HEADER: HeaderName = HeaderName::from_static("x-trusted-device");

/// How often one call asks for a new token: another process may have left one that has expired too.
const REPLACEMENTS: u32 = 2;

/// Sends the calls of a client with a credential, and again when that is safe.
pub(crate) struct Caller {
    pub settings: Arc<Settings>,
    pub credential: Credential,
    /// Sent where a trusted device means something.
    pub device: Option<HeaderValue>,
}

/// What calls present.
pub(crate) enum Credential {
    None,
    Fixed(HeaderName, HeaderValue),
    Session(Arc<Keeper>),
}

/// What an operation makes of a credential.
enum Use {
    /// It needs one that is valid.
    Valid,
    /// It takes one that has expired too: a logout must not begin by refreshing.
    Any,
    /// It is public: its body says who asks.
    None,
}

impl Caller {
    /// What a client sends its calls through.
    pub fn transport(
        settings: &Arc<Settings>,
        credential: Credential,
        device: Option<HeaderValue>,
    ) -> Transport {
        let caller = Self {
            settings: Arc::clone(settings),
            credential,
            device,
        };
        Transport {
            caller: Some(Arc::new(caller)),
        }
    }

    /// Puts on what the operation takes.
    pub async fn prepare(
        &self,
        request: &mut Request,
        operation: &str,
    ) -> Result<(), Error<types::Error>> {
        if let Some(device) = &self.device
            && knows_devices(operation)
        {
            request.headers_mut().insert(DEVICE_HEADER, device.clone());
        }
        let (name, value) = match (&self.credential, what_it_takes(operation)) {
            (Credential::None, _) | (_, Use::None) => return Ok(()),
            (Credential::Fixed(name, value), _) => (name.clone(), value.clone()),
            (Credential::Session(keeper), Use::Any) => {
                (AUTHORIZATION, keeper.current().header.clone())
            }
            (Credential::Session(keeper), Use::Valid) => match keeper.access().await {
                Ok(access) => (AUTHORIZATION, access.header.clone()),
                Err(why) => return Err(why.into_error()),
            },
        };
        request.headers_mut().insert(name, value);
        Ok(())
    }

    /// Sends the request until there is an answer to give.
    pub async fn exec(
        &self,
        http: &reqwest::Client,
        request: Request,
        operation: &'static str,
    ) -> reqwest::Result<Response> {
        let sent = self.send(http, request, operation);
        #[cfg(feature = "tracing")]
        let sent = tracing::Instrument::instrument(sent, super::trace::call(operation));
        sent.await
    }

    async fn send(
        &self,
        http: &reqwest::Client,
        mut request: Request,
        operation: &'static str,
    ) -> reqwest::Result<Response> {
        let mut attempts = self.settings.budget.begin();
        let mut replacements = 0;
        loop {
            let again = request.try_clone();
            let is_get = *request.method() == Method::GET;
            attempts.count_one();
            let result = send(http, request).await;
            record(&attempts, &result);
            let result = match (result, &self.credential, what_it_takes(operation)) {
                (Ok(answer), Credential::Session(keeper), Use::Valid)
                    if answer.status() == StatusCode::UNAUTHORIZED =>
                {
                    replacements += 1;
                    let again = again.filter(|_| replacements <= REPLACEMENTS);
                    match with_new_token(keeper, answer, again, replacements).await? {
                        ControlFlow::Continue(again) => {
                            request = again;
                            continue;
                        }
                        ControlFlow::Break(answer) => return Ok(answer),
                    }
                }
                (Ok(answer), Credential::Session(keeper), Use::Any)
                    if answer.status().is_success() =>
                {
                    keeper.log_out_here().await;
                    return Ok(answer);
                }
                (result, ..) => result,
            };
            match again {
                Some(again) if self.may_repeat(&attempts, is_get, &result).await => {
                    event!(DEBUG, operation, "the request is sent again");
                    request = again;
                }
                _ => return result,
            }
        }
    }

    async fn may_repeat(
        &self,
        attempts: &Attempts,
        is_get: bool,
        result: &reqwest::Result<Response>,
    ) -> bool {
        match result {
            // Nothing was sent, or what was sent changes nothing.
            Err(e) if e.is_connect() || (is_get && e.is_request()) => attempts.wait(None).await,
            Ok(answer) if is_get && is_busy(answer.status()) => {
                let now = (self.settings.clock)();
                attempts.wait(retry_after(answer.headers(), now)).await
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.credential {
            Credential::None => "Caller",
            Credential::Fixed(..) => "Caller with a credential",
            Credential::Session(_) => "Caller with a session",
        })
    }
}

/// The public operations are named; one that is new gets the credential, and a refusal if it wants
/// none is better than a call without it.
fn what_it_takes(operation: &str) -> Use {
    match operation {
        "login"
        | "mfa_challenge"
        | "mfa_reset_confirm"
        | "reactivate_confirm"
        | "reactivate_request"
        | "refresh_token_endpoint"
        | "register" => Use::None,
        "logout" => Use::Any,
        _ => Use::Valid,
    }
}

fn knows_devices(operation: &str) -> bool {
    matches!(
        operation,
        "login" | "mfa_challenge" | "list_trusted_devices" | "revoke_trusted_device"
    )
}

/// The request with a new token, when the server says that its own has expired, or is not valid; else
/// the answer. A token is no longer valid when its signing key was revoked, which is no end of the
/// session.
///
/// It was turned away at the door, so it was not executed, whatever its method is.
async fn with_new_token(
    keeper: &Arc<Keeper>,
    answer: Response,
    again: Option<Request>,
    replacements: u32,
) -> reqwest::Result<ControlFlow<Response, Request>> {
    let (answer, code) = read_code(answer).await?;
    let Some(mut again) = again else {
        return Ok(ControlFlow::Break(answer));
    };
    let Some(presented) = again.headers().get(AUTHORIZATION) else {
        return Ok(ControlFlow::Break(answer));
    };
    let helps = match code {
        Some(ErrorCode::TokenExpired) => true,
        Some(ErrorCode::TokenInvalid) => keeper.doubts_invalid(presented, replacements > 1),
        _ => false,
    };
    if !helps {
        return Ok(ControlFlow::Break(answer));
    }
    Ok(match keeper.replace(presented).await {
        Ok(access) => {
            let header = access.header.clone();
            again.headers_mut().insert(AUTHORIZATION, header);
            ControlFlow::Continue(again)
        }
        Err(NotRefreshed::Refused(refusal)) => {
            ControlFlow::Break(refusal.into_response().unwrap_or(answer))
        }
        // Without a new token, the answer about the old one stands.
        Err(NotRefreshed::Trouble(_)) => ControlFlow::Break(answer),
    })
}

/// Reads the code of a refusal, and gives the answer back as it was.
async fn read_code(mut answer: Response) -> reqwest::Result<(Response, Option<ErrorCode>)> {
    let headers = std::mem::take(answer.headers_mut());
    let (status, version) = (answer.status(), answer.version());
    let body = answer.bytes().await?;
    let refusal = serde_json::from_slice::<types::Error>(&body);
    let mut again = http::Response::new(body);
    *again.status_mut() = status;
    *again.version_mut() = version;
    *again.headers_mut() = headers;
    Ok((again.into(), refusal.ok().map(|refusal| refusal.error_code)))
}

fn record(attempts: &Attempts, result: &reqwest::Result<Response>) {
    #[cfg(feature = "tracing")]
    {
        let span = tracing::Span::current();
        span.record("attempts", attempts.sent());
        if let Ok(answer) = result {
            span.record("status", answer.status().as_u16());
        }
    }
    let _ = (attempts, result);
}
