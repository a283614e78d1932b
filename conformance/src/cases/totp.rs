//! `/api/auth/mfa/totp`: authenticator apps.

use crate::case::Case;

pub const CASES: &[Case] = &[];
