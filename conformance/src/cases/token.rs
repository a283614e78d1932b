//! `POST /api/auth/token`: the password login.

use crate::case::Case;

pub const CASES: &[Case] = &[];
