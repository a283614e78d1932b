//! `POST /api/auth/register`: accounts, tenants, and what is never applied.

use crate::case::Case;

pub const CASES: &[Case] = &[];
