//! What wrong passwords cost, and whom.

use crate::case::Case;

pub const CASES: &[Case] = &[];
