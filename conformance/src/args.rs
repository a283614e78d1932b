//! What can be asked of the suite on the command line.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{ArgGroup, Parser};

use crate::case::{Case, Profile};
use crate::trial::Options;
use crate::{cases, lanes};

/// Judge a server by the bp-auth contract
#[derive(Debug, Parser)]
#[command(version)]
#[command(group(ArgGroup::new("server").args(["spawn", "base_url", "list"]).required(true).multiple(true)))]
pub struct Arguments {
    /// Start our own server, as often and as configured as the cases need it
    #[arg(long, conflicts_with_all = ["base_url", "outbox", "capture", "operator"])]
    pub spawn: bool,
    /// Address of the server
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Directory that the server writes its mails and SMS to
    #[arg(long, value_name = "DIR", conflicts_with = "capture")]
    pub outbox: Option<PathBuf>,
    /// Listen here for mails and SMS that the server posts as JSON
    #[arg(long, value_name = "URL")]
    pub capture: Option<String>,
    /// Command that is called as CMD ACTION EMAIL to deactivate, suspend or activate a user
    #[arg(long, value_name = "CMD")]
    pub operator: Option<String>,
    /// How the server is configured; with --spawn, only these [default: all with --spawn, else strict]
    #[arg(long, value_name = "PROFILE", value_delimiter = ',')]
    pub profile: Vec<Profile>,
    /// Only cases whose group::name contains TEXT; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Only the groups that several instances, nginx or a strict isolation level can change, as far as
    /// this run has them; with --list, also the reasons
    #[arg(long)]
    pub affected: bool,
    /// Try each case in every profile that it holds in, also where the profile cannot change it
    #[arg(long)]
    pub every_profile: bool,
    /// Break the server on purpose, in every way of a table, and see that the cases notice
    #[cfg(feature = "spawn")]
    #[arg(long, requires = "spawn", conflicts_with_all = ["filter", "profile", "junit", "report"])]
    pub faults: bool,
    /// Break the server in this way, and tell which of the cases notice
    #[cfg(feature = "spawn")]
    #[arg(long, requires = "spawn", value_name = "NAME", conflicts_with_all = ["faults", "profile", "junit", "report"])]
    pub fault: Option<String>,
    /// Judge nothing, but break what stands beside the server, and count what came of it
    #[cfg(feature = "spawn")]
    #[arg(long, requires = "spawn", value_name = "NAME",
        conflicts_with_all = ["filter", "profile", "junit", "report", "faults", "fault", "restart_every"])]
    pub drill: Option<crate::drills::Drill>,
    #[cfg(feature = "spawn")]
    #[command(flatten)]
    pub size: DrillSize,
    /// List the cases and the sentences they hold to
    #[arg(long)]
    pub list: bool,
    /// How many cases run at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub jobs: usize,
    /// What spawned servers keep their data in
    #[cfg(feature = "spawn")]
    #[arg(
        long,
        value_name = "KIND",
        default_value = "sqlite",
        requires = "spawn"
    )]
    pub database: crate::target::stored::Kind,
    /// Run every deployment with N instances on one database
    #[arg(long, value_name = "N", default_value_t = 1, requires = "spawn",
        value_parser = clap::value_parser!(u8).range(1..=16))]
    pub instances: u8,
    /// Meanwhile kill one of the instances that cases share every so often, and start it again
    #[cfg(feature = "spawn")]
    #[arg(long, value_name = "SECONDS", requires = "spawn", conflicts_with_all = ["faults", "fault", "examples"],
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub restart_every: Option<u64>,
    /// Put nginx before the instances, configured by this file
    #[cfg(feature = "spawn")]
    #[arg(long, value_name = "FILE", requires = "spawn",
        conflicts_with_all = ["faults", "fault", "drill", "examples", "restart_every"])]
    pub nginx: Option<PathBuf>,
    /// Seed of the random walk [default: a new one each run]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many steps the random walks take together
    #[arg(long, value_name = "N", default_value_t = Options::WALK_STEPS)]
    pub steps: usize,
    /// Write the examples of the API reference, and judge nothing
    #[arg(long, value_name = "FILE", requires = "spawn")]
    pub examples: Option<PathBuf>,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a report for people
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// How large a drill is
#[cfg(feature = "spawn")]
#[derive(Debug, clap::Args)]
pub struct DrillSize {
    /// Clients of a drill
    #[arg(long, value_name = "N", default_value_t = 200, requires = "drill")]
    pub clients: usize,
    /// What the clients of a drill do together
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "drill")]
    pub amount: usize,
    /// Rounds of a drill
    #[arg(long, value_name = "N", default_value_t = 30, requires = "drill")]
    pub rounds: usize,
    /// How long an outage is
    #[arg(long, value_name = "N", default_value_t = 20, requires = "drill")]
    pub seconds: u64,
}

impl Arguments {
    pub fn profiles(&self) -> Vec<Profile> {
        match (self.profile.is_empty(), self.spawn) {
            (false, _) => self.profile.clone(),
            (true, true) => Profile::ALL.to_vec(),
            (true, false) => vec![Profile::Strict],
        }
    }

    /// The choices of the cases that throw dice.
    pub fn options(&self) -> Options {
        let options = Options::default();
        Options {
            seed: self.seed.unwrap_or(options.seed),
            walk_steps: self.steps,
        }
    }

    /// The cases that the filters leave.
    pub fn selected(&self) -> Result<Vec<Case>> {
        let lanes = lanes::of(self);
        ensure!(
            !self.affected || !lanes.is_empty(),
            "--affected needs --instances, --nginx or --database postgres-serializable"
        );
        let filtered = |case: &Case| {
            let id = case.id();
            self.filter.is_empty() || self.filter.iter().any(|text| id.contains(text.as_str()))
        };
        let affected = |case: &Case| !self.affected || lanes.iter().any(|lane| lane.changes(case));
        let mut cases = cases::all();
        cases.retain(|case| filtered(case) && affected(case));
        // A filter that matches nothing has judged nothing.
        ensure!(!cases.is_empty(), "no case has such a name; try --list");
        Ok(cases)
    }

    /// Whether something of this suite's own stands before the instances.
    pub fn has_front(&self) -> bool {
        #[cfg(feature = "spawn")]
        return self.nginx.is_some();
        #[cfg(not(feature = "spawn"))]
        false
    }

    pub fn is_serializable(&self) -> bool {
        #[cfg(feature = "spawn")]
        return self.database == crate::target::stored::Kind::PostgresSerializable;
        #[cfg(not(feature = "spawn"))]
        false
    }
}
