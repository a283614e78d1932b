//! `GET /api/auth/me`: the profile and its session.

use crate::case::Case;

pub const CASES: &[Case] = &[];
