//! A random walk over the state machine of logins and factors.

use crate::case::Case;

pub const CASES: &[Case] = &[];
