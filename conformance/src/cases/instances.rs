//! Several instances on one database behave as one.

use crate::case::Case;

pub const CASES: &[Case] = &[];
