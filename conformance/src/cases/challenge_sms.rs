//! `POST /api/auth/mfa/challenge` by SMS.

use crate::case::Case;

pub const CASES: &[Case] = &[];
