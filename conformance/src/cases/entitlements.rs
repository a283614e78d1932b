//! `GET /api/auth/me/entitlements`: the access envelope.

use crate::case::Case;

pub const CASES: &[Case] = &[];
