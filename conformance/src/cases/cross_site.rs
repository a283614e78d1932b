//! Requests that other sites have browsers send.

use crate::case::Case;

pub const CASES: &[Case] = &[];
