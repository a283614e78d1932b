//! `POST /api/auth/logout`: best effort, and its end of sessions.

use crate::case::Case;

pub const CASES: &[Case] = &[];
