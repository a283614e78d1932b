//! `/api/auth/verify-phone`: the number of the profile.

use crate::case::Case;

pub const CASES: &[Case] = &[];
