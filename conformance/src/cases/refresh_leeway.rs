//! `POST /api/auth/refresh` where the immediate predecessor is forgiven for a while.

use crate::case::Case;

pub const CASES: &[Case] = &[];
