//! The group Auth Mfa.

use dropshot::{HttpResponseDeleted, HttpResponseOk};

use super::{Api, Request, logged_in, ok};
use crate::api::extract::{Presented, Token, TokenOrPending};
use crate::api::types::*;
use crate::api::{
    Answer, Credentials, JsonBody, MfaApi, MfaMethodApi, PathParam, Reply, Secret, Typed,
};
use crate::app::challenge::Challenge;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::{Context, convert};

impl MfaApi for Api {
    type Context = Context;

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
                code: body.code.as_ref().map(Typed::expose),
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
