//! `POST /api/auth/refresh` where rotation is off.

use crate::case::Case;

pub const CASES: &[Case] = &[];
