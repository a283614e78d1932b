//! Everything that is good once, tried many times at once.

use crate::case::Case;

pub const CASES: &[Case] = &[];
