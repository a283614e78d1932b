//! What other origins may do from a browser.

use crate::case::Case;

pub const CASES: &[Case] = &[];
