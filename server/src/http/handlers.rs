//! The interface, implemented: each operation unpacks, authenticates, calls the logic and wraps.

use dropshot::{
    Body, HttpResponseCreated, HttpResponseDeleted, HttpResponseOk, HttpResponseUpdatedNoContent,
    RequestContext,
};
use http::StatusCode;
use serde::Serialize;
use zeroize::Zeroizing;

use super::call::Call;
use super::failure::Failure;
use super::{Context, convert};
use crate::api::extract::{OptionalToken, Presented, Token, TokenOrApiKey, TokenOrPending};
use crate::api::types::*;
use crate::api::{
    Answer, AuthApi, Credentials, FormBody, JsonBody, MfaMethodApi, OptionalJsonBody, PathParam,
    Reply, Secret, document,
};
use crate::app::challenge::Challenge;
use crate::app::login::{Login, LoginOutcome};
use crate::app::logout::Logout;
use crate::app::register::Registration;

/// Uninhabited: it only carries the implementation.
pub enum Api {}

type Request = RequestContext<Context>;

fn ok<T: Serialize + schemars::JsonSchema + Send + Sync + 'static>(
    body: &T,
) -> Result<Reply<HttpResponseOk<T>>, Failure> {
    Ok(Reply::json(StatusCode::OK, body)?)
}

/// Tokens come with their cookies; a pending second factor comes with none.
fn logged_in(
    call: &Call<'_>,
    outcome: LoginOutcome,
) -> Result<Reply<HttpResponseOk<LoginResponse>>, Failure> {
    let issued = match outcome {
        LoginOutcome::Tokens(issued) => issued,
        LoginOutcome::MfaPending(pending) => {
            return ok(&LoginResponse::MfaPending(convert::pending(pending)));
        }
    };
    let mut reply = ok(&LoginResponse::Tokens(Box::new(convert::tokens(&issued)?)))?;
    let cookies = &call.context().rules.cookies;
    let headers = reply.headers_mut();
    cookies.set_token(headers, &issued.access_token, issued.refresh_expires_in);
    if let Some(device) = &issued.trusted_device {
        cookies.set_device(headers, &device.secret, device.expires_in);
    }
    Ok(reply)
}

impl AuthApi for Api {
    type Context = Context;

    async fn register(
        rqctx: Request,
        body: JsonBody<RegisterRequest>,
    ) -> Answer<HttpResponseCreated<User>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let body = body.0?;
            let form = Registration {
                email: body.email,
                password: Zeroizing::new(body.password.expose().to_owned()),
                full_name: body.full_name,
                phone: body.phone,
                locale: body.locale,
            };
            let profile = call.app.register(form, &call.client).await?;
            Ok(Reply::json(StatusCode::CREATED, &convert::user(profile)?)?)
        })
        .await
    }

    async fn login(
        rqctx: Request,
        body: FormBody<LoginForm>,
    ) -> Answer<HttpResponseOk<LoginResponse>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            call.refuse_cross_site()?;
            let (body, devices) = (body.0?, call.trusted_devices());
            let form = Login {
                username: &body.username,
                password: body.password.expose(),
                grant_type: body.grant_type.as_deref(),
                trusted_devices: devices.iter().map(Secret::expose).collect(),
            };
            let outcome = call.app.login(form, &call.client).await?;
            logged_in(&call, outcome)
        })
        .await
    }

    async fn refresh_token_endpoint(
        rqctx: Request,
        body: JsonBody<RefreshRequest>,
    ) -> Answer<HttpResponseOk<TokenResponse>> {
        let call = Call::new(&rqctx);
        let mut reply = call
            .answer(async {
                call.refuse_cross_site()?;
                let body = body.0?;
                let token = body.refresh_token.expose();
                let issued = call.app.refresh(token, &call.client).await?;
                let mut reply = ok(&convert::tokens(&issued)?)?;
                let (token, max_age) = (&issued.access_token, issued.refresh_expires_in);
                call.context()
                    .rules
                    .cookies
                    .set_token(reply.headers_mut(), token, max_age);
                Ok(reply)
            })
            .await?;
        if reply.status() == StatusCode::UNAUTHORIZED {
            call.context()
                .rules
                .cookies
                .clear_token(reply.headers_mut());
        }
        Ok(reply)
    }

    async fn logout(
        rqctx: Request,
        credentials: Credentials<OptionalToken>,
        body: OptionalJsonBody<LogoutRequest>,
    ) -> Answer<HttpResponseUpdatedNoContent> {
        let call = Call::new(&rqctx);
        let mut reply = call
            .answer(async {
                let access_tokens = match &credentials.presented {
                    Presented::Bearer(token) => vec![token.expose()],
                    Presented::Cookies(tokens) => {
                        call.refuse_cross_site()?;
                        tokens.iter().map(Secret::expose).collect()
                    }
                    Presented::Nothing | Presented::OtherScheme | Presented::ApiKey(_) => vec![],
                };
                let body = body.0?.unwrap_or_default();
                let request = Logout {
                    access_tokens,
                    refresh_token: body.refresh_token.as_ref().map(Secret::expose),
                    all_sessions: body.all_sessions.unwrap_or(false),
                };
                call.app.logout(request, &call.client).await?;
                Ok(Reply::no_content())
            })
            .await?;
        // Whatever came of it, a browser must not keep a token that it wanted to be rid of; only a
        // page of another site is not listened to.
        if reply.status() != StatusCode::FORBIDDEN {
            call.context()
                .rules
                .cookies
                .clear_token(reply.headers_mut());
        }
        Ok(reply)
    }

    async fn me(
        rqctx: Request,
        credentials: Credentials<TokenOrApiKey>,
    ) -> Answer<HttpResponseOk<User>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            ok(&convert::user(call.app.me(caller).await?)?)
        })
        .await
    }

    async fn me_entitlements(
        rqctx: Request,
        credentials: Credentials<TokenOrApiKey>,
    ) -> Answer<HttpResponseOk<Entitlements>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            ok(&convert::entitlements(
                call.app.entitlements(&caller).await?,
            )?)
        })
        .await
    }

    async fn get_api_key(
        rqctx: Request,
        credentials: Credentials<Token>,
    ) -> Answer<HttpResponseOk<ApiKey>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            ok(&convert::api_key(
                call.app.api_key_get(&caller, &call.client).await?,
            ))
        })
        .await
    }

    async fn rotate_api_key(
        rqctx: Request,
        credentials: Credentials<Token>,
    ) -> Answer<HttpResponseOk<ApiKeySecret>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let rotated = call.app.api_key_rotate(&caller, &call.client).await?;
            ok(&convert::api_key_secret(rotated.row, &rotated.secret))
        })
        .await
    }

    async fn reactivate_request(
        rqctx: Request,
        body: JsonBody<ReactivateRequest>,
    ) -> Answer<HttpResponseUpdatedNoContent> {
        let call = Call::new(&rqctx);
        call.answer(async {
            call.app
                .reactivate_request(&body.0?.email, &call.client)
                .await?;
            Ok(Reply::no_content())
        })
        .await
    }

    async fn reactivate_confirm(
        rqctx: Request,
        body: JsonBody<ReactivateConfirm>,
    ) -> Answer<HttpResponseOk<Reactivated>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let body = body.0?;
            let email = call
                .app
                .reactivate_confirm(body.token.expose(), &call.client)
                .await?;
            ok(&Reactivated {
                status: ReactivatedStatus::Reactivated,
                email,
            })
        })
        .await
    }

    async fn verify_phone_request(
        rqctx: Request,
        credentials: Credentials<Token>,
    ) -> Answer<HttpResponseOk<CodeSent>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let code = call.app.phone_verify_request(&caller, &call.client).await?;
            ok(&convert::code_sent(code))
        })
        .await
    }

    async fn verify_phone_confirm(
        rqctx: Request,
        credentials: Credentials<Token>,
        body: JsonBody<CodeConfirm>,
    ) -> Answer<HttpResponseOk<PhoneVerified>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let body = body.0?;
            let code = body.code.expose();
            let (phone, at) = call
                .app
                .phone_verify_confirm(&caller, code, &call.client)
                .await?;
            let phone_verified_at = convert::time(at);
            ok(&PhoneVerified {
                phone,
                phone_verified: Always,
                phone_verified_at,
            })
        })
        .await
    }

    async fn totp_setup(
        rqctx: Request,
        credentials: Credentials<Token>,
    ) -> Answer<HttpResponseOk<TotpSetup>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let pending = call.app.totp_setup(&caller, &call.client).await?;
            ok(&TotpSetup {
                secret: pending.secret.as_str().into(),
                provisioning_uri: pending.provisioning_uri.as_str().into(),
                qr_code: pending.qr_code.as_str().into(),
                expires_in: convert::seconds(pending.expires_in),
            })
        })
        .await
    }

    async fn totp_verify(
        rqctx: Request,
        credentials: Credentials<Token>,
        body: JsonBody<CodeConfirm>,
    ) -> Answer<HttpResponseOk<MfaEnrolled>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let body = body.0?;
            let enrolled = call
                .app
                .totp_verify(&caller, body.code.expose(), &call.client)
                .await?;
            ok(&convert::enrolled(enrolled))
        })
        .await
    }

    async fn sms_setup(
        rqctx: Request,
        credentials: Credentials<Token>,
        body: JsonBody<SmsSetupRequest>,
    ) -> Answer<HttpResponseOk<CodeSent>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let body = body.0?;
            let code = call
                .app
                .sms_setup(&caller, &body.phone_number, &call.client)
                .await?;
            ok(&convert::code_sent(code))
        })
        .await
    }

    async fn sms_verify(
        rqctx: Request,
        credentials: Credentials<Token>,
        body: JsonBody<CodeConfirm>,
    ) -> Answer<HttpResponseOk<MfaEnrolled>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let body = body.0?;
            let enrolled = call
                .app
                .sms_verify(&caller, body.code.expose(), &call.client)
                .await?;
            ok(&convert::enrolled(enrolled))
        })
        .await
    }

    async fn mfa_challenge(
        rqctx: Request,
        body: JsonBody<MfaChallengeRequest>,
    ) -> Answer<HttpResponseOk<LoginResponse>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            call.refuse_cross_site()?;
            let body = body.0?;
            let form = Challenge {
                mfa_token: body.mfa_token.expose(),
                code: body.code.as_ref().map(Secret::expose),
                method: body.method.map(convert::method_from),
                remember_device: body.remember_device.unwrap_or(false),
                device_name: body.device_name.as_deref(),
            };
            let outcome = call.app.mfa_challenge(form, &call.client).await?;
            logged_in(&call, outcome)
        })
        .await
    }

    async fn mfa_methods(
        rqctx: Request,
        credentials: Credentials<Token>,
    ) -> Answer<HttpResponseOk<MfaMethods>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            ok(&convert::methods(call.app.mfa_methods(&caller).await?))
        })
        .await
    }

    async fn regenerate_backup_codes(
        rqctx: Request,
        credentials: Credentials<Token>,
    ) -> Answer<HttpResponseOk<BackupCodes>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let fresh = call
                .app
                .backup_codes_regenerate(&caller, &call.client)
                .await?;
            ok(&BackupCodes {
                codes: fresh
                    .codes
                    .iter()
                    .map(|code| code.as_str().into())
                    .collect(),
                generated_at: convert::time(fresh.generated_at),
            })
        })
        .await
    }

    async fn mfa_reset_request(
        rqctx: Request,
        credentials: Credentials<TokenOrPending>,
    ) -> Answer<HttpResponseOk<MfaResetRequested>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let expires_in = match (
                call.authenticate(&credentials).await,
                &credentials.presented,
            ) {
                (Ok(caller), _) => call.app.mfa_reset_request(&caller, &call.client).await?,
                (
                    Err(Failure::App(crate::app::Error::AccessTokenInvalid)),
                    Presented::Bearer(token),
                ) => {
                    let token = token.expose();
                    call.app
                        .mfa_reset_request_pending(token, &call.client)
                        .await?
                }
                (Err(refusal), _) => return Err(refusal),
            };
            ok(&MfaResetRequested {
                message: "A reset link has been sent to your e-mail address.".to_owned(),
                expires_in: convert::seconds(expires_in),
            })
        })
        .await
    }

    async fn mfa_reset_confirm(
        rqctx: Request,
        body: JsonBody<MfaResetConfirm>,
    ) -> Answer<HttpResponseOk<MfaResetDone>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            call.app
                .mfa_reset_confirm(body.0?.token.expose(), &call.client)
                .await?;
            ok(&MfaResetDone {
                status: MfaResetStatus::MfaReset,
                mfa_enabled: Always,
            })
        })
        .await
    }

    async fn list_trusted_devices(
        rqctx: Request,
        credentials: Credentials<Token>,
    ) -> Answer<HttpResponseOk<Vec<TrustedDevice>>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let presented = call.trusted_devices();
            let presented: Vec<&str> = presented.iter().map(Secret::expose).collect();
            let devices = call.app.trusted_devices(&caller, &presented).await?;
            ok(&devices.into_iter().map(convert::trusted_device).collect())
        })
        .await
    }

    async fn revoke_trusted_device(
        rqctx: Request,
        credentials: Credentials<Token>,
        path: PathParam<DevicePath>,
    ) -> Answer<HttpResponseDeleted> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let id = path
                .0
                .ok_or(Failure::Path {
                    parameter: "device_id",
                })?
                .device_id;
            let presented = call.trusted_devices();
            let presented: Vec<&str> = presented.iter().map(Secret::expose).collect();
            let app = call.app;
            let current = app
                .trusted_device_revoke(&caller, id, &presented, &call.client)
                .await?;
            let mut reply = Reply::no_content();
            if current {
                call.context()
                    .rules
                    .cookies
                    .clear_device(reply.headers_mut());
            }
            Ok(reply)
        })
        .await
    }

    async fn jwks(rqctx: Request) -> Answer<HttpResponseOk<()>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let mut reply = Reply::json(StatusCode::OK, call.app.tokens.jwks())?;
            let value = http::HeaderValue::from_static("public, max-age=300");
            reply
                .headers_mut()
                .insert(http::header::CACHE_CONTROL, value);
            Ok(reply)
        })
        .await
    }

    async fn openapi_json(_: Request) -> Answer<HttpResponseOk<()>> {
        let mut reply = Reply::raw(StatusCode::OK, Body::from(document::SNAPSHOT));
        let value = http::HeaderValue::from_static("application/json");
        reply
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, value);
        Ok(reply)
    }

    async fn healthz(rqctx: Request) -> Answer<HttpResponseOk<()>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            Ok(Reply::json(
                StatusCode::OK,
                &serde_json::json!({ "status": "ok" }),
            )?)
        })
        .await
    }

    async fn readyz(rqctx: Request) -> Answer<HttpResponseOk<()>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            call.app
                .store
                .ping()
                .await
                .map_err(crate::app::Error::from)?;
            let pending = call.app.store.migrations_pending().await;
            if !pending.map_err(crate::app::Error::from)?.is_empty() {
                return Err(crate::app::Error::Overloaded.into());
            }
            Ok(Reply::json(
                StatusCode::OK,
                &serde_json::json!({ "status": "ready" }),
            )?)
        })
        .await
    }
}

impl MfaMethodApi for Api {
    type Context = Context;

    async fn delete_method(
        rqctx: Request,
        credentials: Credentials<Token>,
        path: PathParam<MethodPath>,
    ) -> Answer<HttpResponseDeleted> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let caller = call.authenticate(&credentials).await?;
            let method = path
                .0
                .ok_or(Failure::Path {
                    parameter: "method",
                })?
                .method;
            let method = convert::method_from(method);
            call.app
                .mfa_method_delete(&caller, method, &call.client)
                .await?;
            Ok(Reply::no_content())
        })
        .await
    }
}
