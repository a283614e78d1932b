//! Every counter, under many tries at once.

use crate::case::Case;

pub const CASES: &[Case] = &[];
