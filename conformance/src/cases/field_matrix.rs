//! Every field of every body against values it must not take.

use crate::case::Case;

pub const CASES: &[Case] = &[];
