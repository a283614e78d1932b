//! Operations that need a fresh login with a second factor.

use crate::case::Case;

pub const CASES: &[Case] = &[];
