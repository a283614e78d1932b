//! Races over real connections: many requests at one moment, one of which may win. Afterwards the
//! database is looked at, because an answer alone does not show what was left behind.

mod accounts;
mod codes;
mod limits;
mod tokens;
