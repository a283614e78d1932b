//! Bodies that cannot be read, and what is said of them.

use crate::case::Case;

pub const CASES: &[Case] = &[];
