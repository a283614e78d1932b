//! `/api/auth/api-key`: creation, rotation, use.

use crate::case::Case;

pub const CASES: &[Case] = &[];
