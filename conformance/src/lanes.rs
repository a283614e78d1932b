//! Which groups of cases a kind of deployment can change, and why. `--affected` runs these alone; a group
//! that is in no lane says the same everywhere and is tried on one server with SQLite.

use crate::args::Arguments;
use crate::case::Case;

/// A kind of deployment that differs from one server with SQLite.
pub struct Lane {
    pub name: &'static str,
    /// Whether a run with these arguments is in it.
    has: fn(&Arguments) -> bool,
    /// Each group with the reason why the deployment can change its cases.
    pub groups: &'static [(&'static str, &'static str)],
}

const INSTANCES: Lane = Lane {
    name: "instances",
    has: |arguments| arguments.instances > 1 && !arguments.has_front(),
    groups: &[
        ("walk", "its model knows no instances"),
        ("register_limits", COUNTED),
        ("password_delay", COUNTED),
        ("sms_limits", COUNTED),
        ("challenge_lock", COUNTED),
        ("limits", COUNTED),
        ("networks", COUNTED),
        ("refresh", FAMILY),
        ("refresh_limits", FAMILY),
        ("refresh_cookie", FAMILY),
        ("refresh_leeway", FAMILY),
        ("logout", FAMILY),
        ("sessions", FAMILY),
        (
            "token_pending",
            "a login begins at one instance and ends at another",
        ),
        (
            "challenge",
            "a login begins at one instance and ends at another",
        ),
        (
            "challenge_sms",
            "the code is sent by one instance and read by another",
        ),
        (
            "phone",
            "the code is sent by one instance and read by another",
        ),
        (
            "mfa_reset",
            "the link is mailed by one instance and used at another",
        ),
        (
            "reactivate",
            "the link is mailed by one instance and used at another",
        ),
        (
            "trusted_devices",
            "the device is remembered by one instance and used at another",
        ),
        (
            "api_key",
            "the key is made by one instance and used at another",
        ),
        ("entitlements_change", "plans are held in memory"),
        ("tokens", "keys are held in memory"),
        ("client_life", "a client's session meets all instances"),
        (
            "instances",
            "its cases are about several instances; races and counters are among them",
        ),
    ],
};

const SERIALIZABLE: Lane = Lane {
    name: "serializable",
    has: Arguments::is_serializable,
    groups: &[
        ("races", CONFLICT),
        ("race_counters", CONFLICT),
        ("instances", CONFLICT),
        ("refresh", CONFLICT),
        ("refresh_limits", CONFLICT),
        ("refresh_cookie", CONFLICT),
        ("refresh_leeway", CONFLICT),
        ("password_delay", CONFLICT),
        ("challenge_lock", CONFLICT),
        ("limits", CONFLICT),
        ("backup_codes", CONFLICT),
        ("walk", "it takes every operation that writes"),
    ],
};

const NGINX: Lane = Lane {
    name: "nginx",
    has: Arguments::has_front,
    groups: &[
        ("document", "the proxy passes paths on"),
        (
            "gateway",
            "the proxy judges paths, methods, sizes and headers first",
        ),
        ("syntax", "the proxy reads bodies and paths first"),
        ("order", "the proxy's refusals come before the server's"),
        ("cross_site", HEADERS),
        ("cors", HEADERS),
        ("cookies", HEADERS),
        ("credential_precedence", HEADERS),
        ("register_limits", ADDRESS),
        ("password_delay", ADDRESS),
        ("limits", ADDRESS),
        (
            "trouble",
            "the proxy waits for the server, and may repeat a request",
        ),
        ("races", "the proxy may repeat a request"),
        ("client_life", "a client meets the proxy's answers too"),
    ],
};

const COUNTED: &str = "instances count together";
const FAMILY: &str = "a session begins at one instance and goes on or ends at another";
const CONFLICT: &str = "transactions that write the same rows are cancelled and repeated";
const HEADERS: &str = "the proxy passes headers on";
const ADDRESS: &str = "the client's address comes from the proxy";

const ALL: [&Lane; 3] = [&INSTANCES, &SERIALIZABLE, &NGINX];

/// The lanes that a run with these arguments is in.
pub fn of(arguments: &Arguments) -> Vec<&'static Lane> {
    let lanes = ALL.into_iter();
    lanes.filter(|lane| (lane.has)(arguments)).collect()
}

impl Lane {
    pub fn changes(&self, case: &Case) -> bool {
        self.groups.iter().any(|(group, _)| *group == case.group)
    }

    /// Names the groups and their reasons.
    pub fn print(&self) {
        for (group, reason) in self.groups {
            println!("{}: {group}, because {reason}", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn every_lane_names_groups_that_have_cases_and_each_once() {
        let cases = cases::all();
        for lane in ALL {
            for (number, (group, reason)) in lane.groups.iter().enumerate() {
                assert!(
                    cases.iter().any(|case| case.group == *group),
                    "{}: no case is in {group}",
                    lane.name
                );
                assert!(!reason.is_empty());
                let before = &lane.groups[..number];
                assert!(before.iter().all(|(other, _)| other != group), "{group}");
            }
        }
    }
}
