//! Access tokens as other services verify them.

use crate::case::Case;

pub const CASES: &[Case] = &[];
