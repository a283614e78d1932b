//! `POST /api/auth/mfa/challenge`: the second factor at login.

use crate::case::Case;

pub const CASES: &[Case] = &[];
