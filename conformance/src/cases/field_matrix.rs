//! Every field of every body against values that it must not take: null, other types, empty, too long,
//! control characters, look-alikes, keys twice; and against those that it must take. What is tried, and
//! what is expected of it, is in [`crate::matrix::field`].

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::matrix::field::judge;
use crate::trial::Trial;

const STRICT: &[Profile] = &[Profile::Strict];

pub const CASES: &[Case] = &[
    case!(register_judges_each_field, "`POST /api/auth/register` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").only(STRICT).set(&[("limits.register_per_minute", "1000")]),
    case!(login_judges_each_field, "`POST /api/auth/token` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").only(STRICT),
    case!(refresh_token_endpoint_judges_each_field, "`POST /api/auth/refresh` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").only(STRICT),
    case!(logout_judges_each_field, "`POST /api/auth/logout` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").only(STRICT),
    case!(reactivate_request_judges_each_field, "`POST /api/auth/reactivate/request` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").messages().operator().only(STRICT),
    case!(reactivate_confirm_judges_each_field, "`POST /api/auth/reactivate/confirm` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").messages().operator().only(STRICT),
    case!(verify_phone_confirm_judges_each_field, "`POST /api/auth/verify-phone/confirm` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").messages().only(STRICT),
    case!(totp_verify_judges_each_field, "`POST /api/auth/mfa/totp/verify` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").only(STRICT),
    case!(sms_setup_judges_each_field, "`POST /api/auth/mfa/sms/setup` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").only(STRICT),
    case!(sms_verify_judges_each_field, "`POST /api/auth/mfa/sms/verify` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").messages().only(STRICT),
    case!(mfa_challenge_judges_each_field, "`POST /api/auth/mfa/challenge` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").only(STRICT),
    case!(mfa_reset_confirm_judges_each_field, "`POST /api/auth/mfa/reset/confirm` refuses what a field cannot be and names the field, ignores keys that it does not know, and does nothing for a refused body.").messages().only(STRICT),
];

async fn register_judges_each_field(t: Trial) -> Verdict {
    judge(t, "register").await
}

async fn login_judges_each_field(t: Trial) -> Verdict {
    judge(t, "login").await
}

async fn refresh_token_endpoint_judges_each_field(t: Trial) -> Verdict {
    judge(t, "refresh_token_endpoint").await
}

async fn logout_judges_each_field(t: Trial) -> Verdict {
    judge(t, "logout").await
}

async fn reactivate_request_judges_each_field(t: Trial) -> Verdict {
    judge(t, "reactivate_request").await
}

async fn reactivate_confirm_judges_each_field(t: Trial) -> Verdict {
    judge(t, "reactivate_confirm").await
}

async fn verify_phone_confirm_judges_each_field(t: Trial) -> Verdict {
    judge(t, "verify_phone_confirm").await
}

async fn totp_verify_judges_each_field(t: Trial) -> Verdict {
    judge(t, "totp_verify").await
}

async fn sms_setup_judges_each_field(t: Trial) -> Verdict {
    judge(t, "sms_setup").await
}

async fn sms_verify_judges_each_field(t: Trial) -> Verdict {
    judge(t, "sms_verify").await
}

async fn mfa_challenge_judges_each_field(t: Trial) -> Verdict {
    judge(t, "mfa_challenge").await
}

async fn mfa_reset_confirm_judges_each_field(t: Trial) -> Verdict {
    judge(t, "mfa_reset_confirm").await
}
