//! Devices that skip the second factor.

use crate::case::Case;

pub const CASES: &[Case] = &[];
