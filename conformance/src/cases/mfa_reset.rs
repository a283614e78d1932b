//! `/api/auth/mfa/reset`: the way out of a lost factor.

use crate::case::Case;

pub const CASES: &[Case] = &[];
