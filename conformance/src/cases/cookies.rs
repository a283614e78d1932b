//! `bp_token` and `bp_trusted_device`.

use crate::case::Case;

pub const CASES: &[Case] = &[];
