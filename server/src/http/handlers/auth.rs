//! The group Auth, and what is served beside the contract.

use dropshot::{Body, HttpResponseCreated, HttpResponseOk, HttpResponseUpdatedNoContent};
use http::StatusCode;
use zeroize::Zeroizing;

use super::{Api, Request, logged_in, ok};
use crate::api::extract::{OptionalToken, Presented as Credential, Token, TokenOrApiKey};
use crate::api::types::*;
use crate::api::{
    Answer, AuthApi, Credentials, FormBody, JsonBody, OptionalJsonBody, RefreshCookies, Reply,
    Secret, document,
};
use crate::app::login::Login;
use crate::app::logout::Logout;
use crate::app::refresh::Presented;
use crate::app::register::Registration;
use crate::http::call::Call;
use crate::http::{Context, convert};

impl AuthApi for Api {
    type Context = Context;

    async fn register(
        rqctx: Request,
        body: JsonBody<RegisterRequest>,
    ) -> Answer<HttpResponseCreated<User>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let body = match body.0 {
                Ok(body) => body,
                // It counts like any other, and is told what is wrong with it all the same.
                Err(refusal) => {
                    let _ = call.app.register_count(&call.client).await;
                    return Err(refusal.into());
                }
            };
            let form = Registration {
                email: body.email,
                password: Zeroizing::new(body.password.expose().to_owned()),
                full_name: body.full_name,
                phone: body.phone,
                locale: body.locale,
            };
            let profile = call.app.register(form, &call.client).await?;
            call.is_of(profile.user.id);
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
        cookies: RefreshCookies,
        body: OptionalJsonBody<RefreshRequest>,
    ) -> Answer<HttpResponseOk<TokenResponse>> {
        let call = Call::new(&rqctx);
        let rules = &call.context().rules.cookies;
        let mut reply = call
            .answer(async {
                call.refuse_cross_site()?;
                let body = body.0?.unwrap_or_default();
                let presented = match &body.refresh_token {
                    Some(token) => Presented::Body(token.expose()),
                    None => Presented::Cookies(cookies.0.iter().map(Secret::expose).collect()),
                };
                let by_cookie = body.refresh_token.is_none();
                let issued = call.app.refresh(presented, &call.client).await?;
                call.is_of(issued.user.id);
                let mut tokens = convert::tokens(&issued)?;
                if by_cookie {
                    tokens.refresh_token = None;
                }
                let mut reply = ok(&tokens)?;
                rules.set_tokens(reply.headers_mut(), &issued);
                Ok(reply)
            })
            .await?;
        if reply.status() == StatusCode::UNAUTHORIZED {
            rules.clear_tokens(reply.headers_mut());
        }
        Ok(reply)
    }

    async fn logout(
        rqctx: Request,
        credentials: Credentials<OptionalToken>,
        body: OptionalJsonBody<LogoutRequest>,
    ) -> Answer<HttpResponseUpdatedNoContent> {
        let call = Call::new(&rqctx);
        let same_site = call.refuse_cross_site();
        let foreign = same_site.is_err();
        let mut reply = call
            .answer(async {
                let access_tokens = match &credentials.presented {
                    Credential::Bearer(token) => vec![token.expose()],
                    Credential::Cookies(tokens) => {
                        same_site?;
                        tokens.iter().map(Secret::expose).collect()
                    }
                    Credential::Nothing | Credential::OtherScheme | Credential::ApiKey(_) => {
                        vec![]
                    }
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
        // page of another site is not listened to. A form of such a page comes without the cookie,
        // because of its `SameSite`, but the answer could clear it all the same.
        let foreign = foreign
            && matches!(
                credentials.presented,
                Credential::Nothing | Credential::Cookies(_)
            );
        if !foreign {
            call.context()
                .rules
                .cookies
                .clear_tokens(reply.headers_mut());
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

    async fn jwks(rqctx: Request) -> Answer<HttpResponseOk<()>> {
        let call = Call::new(&rqctx);
        call.answer(async {
            let mut reply = Reply::json(StatusCode::OK, &call.app.jwks().await)?;
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
            if call.app.is_stopping() {
                return Err(crate::app::Error::Overloaded.into());
            }
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
