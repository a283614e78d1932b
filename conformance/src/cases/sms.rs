//! `/api/auth/mfa/sms`: enrolment of phones.

use crate::case::Case;

pub const CASES: &[Case] = &[];
