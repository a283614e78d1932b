//! What can be written on the command line. Nothing here does anything yet.

mod access;
mod outbox;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{Mode, Sources};
pub use access::Access;
pub use outbox::{OutboxCommand, OutboxState};

mod import;

pub use import::{ImportArgs, ImportFormat};

/// Read when it exists and no other file is named.
const DEFAULT_FILE: &str = "bp-auth.toml";

/// The release, and the commit it was built from.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILD_COMMIT"), ")");

/// An authentication server.
#[derive(Debug, Parser)]
#[command(name = "bp-auth", version = VERSION, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Without a command, the server runs.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command; they win over the environment and the configuration file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub struct GlobalArgs {
    /// Configuration file [default: bp-auth.toml, if there is one]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BP_AUTH_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Set any key of the configuration, such as limits.mfa_failures=5
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Directory of the keys, the outbox and the default database
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// development or production
    #[arg(long, global = true, value_name = "MODE")]
    pub mode: Option<String>,
    /// Address of the API, such as 127.0.0.1:8080 or localhost:8080
    #[arg(long, global = true, value_name = "ADDR")]
    pub bind: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Bring the database to the current version
    Migrate(MigrateArgs),
    /// Print the OpenAPI document
    Openapi(OpenapiArgs),
    /// Render the API reference
    Docs(DocsArgs),
    /// Show every setting, its value and who set it; fails if one cannot be used
    CheckConfig,
    /// Test the invariants of the database
    Check,
    /// The database as a whole
    #[command(subcommand)]
    Db(DbCommand),
    /// Users
    #[command(subcommand)]
    User(UserCommand),
    /// Tenants, named by id or by the e-mail address of their owner
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Plans
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Sessions
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Signing and sealing keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Mails and SMS on their way
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// The audit log
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Apply pending migrations first, whatever database.migrate_on_start says
    #[arg(long)]
    pub migrate: bool,
}

#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// Change nothing; fail if migrations are pending
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Clone, Args)]
pub struct OpenapiArgs {
    /// Fail if FILE differs from the document
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub check: Option<PathBuf>,
    /// Write the document to FILE
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct DocsArgs {
    /// Fail if the reference is out of date
    #[arg(long)]
    pub check: bool,
    /// Write the reference to DIR; with --check, the directory to compare
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum DbCommand {
    /// Copy everything from SQLite to an empty PostgreSQL database; goes on where it was interrupted
    Copy(CopyArgs),
    /// Use a database again that was moved elsewhere; what was written there since stays there
    Reopen(Reason),
}

#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    /// The database to copy, as sqlite://FILE; nobody can write to it meanwhile
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// The database to fill, as postgres://… [default: database.url]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Empty a target that an unfinished copy has filled, and begin anew
    #[arg(long)]
    pub restart: bool,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// Create a user with a tenant of their own; the password is read from standard input
    Create(CreateUserArgs),
    /// Create accounts out of a file, with the hashes of their passwords; sends no mails
    Import(ImportArgs),
    /// Show one user
    Show(UserArgs),
    /// List users, newest first
    List(ListUsersArgs),
    /// Close an account; the user may reopen it by mail
    Deactivate(ChangeUserArgs),
    /// Close an account; only an operator may reopen it
    Suspend(ChangeUserArgs),
    /// Reopen an account
    Activate(ChangeUserArgs),
    /// Remove all second factors and trusted devices, and end all sessions
    ResetMfa(ChangeUserArgs),
    /// Delete the API key of a user; the next one is made by rotating
    RevokeKey(ChangeUserArgs),
    /// Change the plan of the user's tenant
    SetPlan(SetUserPlanArgs),
}

#[derive(Debug, Clone, Args)]
pub struct CreateUserArgs {
    pub email: String,
    #[arg(long, value_name = "NAME")]
    pub full_name: Option<String>,
    /// Read the password from FILE, without the end of its line
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct UserArgs {
    pub email: String,
}

#[derive(Debug, Clone, Args)]
pub struct ListUsersArgs {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u64,
}

#[derive(Debug, Clone, Args)]
pub struct ChangeUserArgs {
    pub email: String,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Args)]
pub struct SetUserPlanArgs {
    pub email: String,
    pub plan: String,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Subcommand)]
pub enum TenantCommand {
    /// Take every entitlement from a tenant
    Deactivate(ChangeTenantArgs),
    /// Give them back
    Activate(ChangeTenantArgs),
}

#[derive(Debug, Clone, Args)]
pub struct ChangeTenantArgs {
    pub tenant: String,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Subcommand)]
pub enum PlanCommand {
    /// Change the plan of a tenant, named by id or by the e-mail address of its owner
    Set(SetPlanArgs),
    /// Show the plans in force, and where they come from
    Show,
    /// Let the plans of a file count at every instance, at once and instead of their files
    Publish(PublishPlansArgs),
    /// Go back to the plans file of each instance
    Unpublish(Reason),
}

#[derive(Debug, Clone, Args)]
pub struct PublishPlansArgs {
    /// The file [default: plans_file of the configuration]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Args)]
pub struct SetPlanArgs {
    pub tenant: String,
    pub plan: String,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Subcommand)]
pub enum SessionsCommand {
    /// End all sessions of a user, with devices, the API key and mailed links
    Revoke(RevokeSessionsArgs),
}

#[derive(Debug, Clone, Args)]
pub struct RevokeSessionsArgs {
    #[arg(required_unless_present = "all")]
    pub email: Option<String>,
    /// Of every user, as after somebody has read the database
    #[arg(long, conflicts_with = "email")]
    pub all: bool,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Show every key and what it is used for; nothing secret
    List,
    /// Add new keys; without a flag, of both kinds
    Rotate(RotateKeysArgs),
    /// Refuse everything that a signing key has signed, for one that may be known to others
    Revoke(RevokeKeyArgs),
    /// Replace the key of keys.json that seals all others: add, copy the file to every instance, use, remove
    #[command(subcommand)]
    Root(RootCommand),
}

#[derive(Debug, Clone, Subcommand)]
pub enum RootCommand {
    /// Add a new root to keys.json; nothing is sealed with it yet
    Add(Reason),
    /// Seal all keys with this root, and all TOTP secrets with a new key
    Use(RootArgs),
    /// Remove a root from keys.json that nothing needs any longer
    Remove(RootArgs),
    /// Go on without the roots that are lost; what they sealed is given up, second factors among it
    ReplaceLost(Reason),
}

#[derive(Debug, Clone, Args)]
pub struct RootArgs {
    /// The id of the root, as `keys list` and `keys root add` show it
    pub id: String,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Args)]
pub struct RevokeKeyArgs {
    /// The `kid` of the key
    // One in sixty-four begins as a flag does.
    #[arg(allow_hyphen_values = true)]
    pub kid: String,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Args)]
pub struct RotateKeysArgs {
    /// The key that signs tokens
    #[arg(long)]
    pub signing: bool,
    /// The key that seals secrets at rest
    #[arg(long)]
    pub sealing: bool,
    /// Let the new signing key sign at once, before others have seen it
    #[arg(long)]
    pub now: bool,
    #[command(flatten)]
    pub why: Reason,
}

impl RotateKeysArgs {
    pub fn rotates_signing(&self) -> bool {
        self.signing || !self.sealing
    }

    pub fn rotates_sealing(&self) -> bool {
        self.sealing || !self.signing
    }
}

#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// Show the latest events, oldest first
    Tail(TailArgs),
}

#[derive(Debug, Clone, Args)]
pub struct TailArgs {
    /// How many
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20)]
    pub lines: u64,
}

/// Why an operator does this; it goes into the audit log.
#[derive(Debug, Clone, Default, Args)]
pub struct Reason {
    /// Why; demanded in production
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("in production this command needs --reason TEXT, for the audit log")]
pub struct ReasonMissing;

impl Command {
    /// The reason that was given, or its absence as an error where it is demanded.
    pub fn reason(&self, mode: Mode) -> Result<Option<&str>, ReasonMissing> {
        let Some(why) = self.asks_why() else {
            return Ok(None);
        };
        let reason = why
            .reason
            .as_deref()
            .map(str::trim)
            .filter(|reason| !reason.is_empty());
        match mode {
            Mode::Production if reason.is_none() => Err(ReasonMissing),
            Mode::Production | Mode::Development => Ok(reason),
        }
    }

    fn asks_why(&self) -> Option<&Reason> {
        match self {
            Command::Serve(_)
            | Command::Migrate(_)
            | Command::Openapi(_)
            | Command::Docs(_)
            | Command::CheckConfig
            | Command::Check
            | Command::Audit(AuditCommand::Tail(_))
            | Command::Keys(KeysCommand::List)
            | Command::Plan(PlanCommand::Show)
            | Command::User(UserCommand::Create(_) | UserCommand::Show(_) | UserCommand::List(_)) => {
                None
            }
            Command::User(
                UserCommand::Deactivate(args)
                | UserCommand::Suspend(args)
                | UserCommand::Activate(args)
                | UserCommand::ResetMfa(args)
                | UserCommand::RevokeKey(args),
            ) => Some(&args.why),
            Command::User(UserCommand::SetPlan(args)) => Some(&args.why),
            // A rehearsal changes nothing that there could be a reason for.
            Command::User(UserCommand::Import(args)) => (!args.dry_run).then_some(&args.why),
            Command::Tenant(TenantCommand::Deactivate(args) | TenantCommand::Activate(args)) => {
                Some(&args.why)
            }
            Command::Plan(PlanCommand::Set(args)) => Some(&args.why),
            Command::Plan(PlanCommand::Publish(args)) => Some(&args.why),
            Command::Plan(PlanCommand::Unpublish(why)) => Some(why),
            Command::Sessions(SessionsCommand::Revoke(args)) => Some(&args.why),
            Command::Keys(KeysCommand::Rotate(args)) => Some(&args.why),
            Command::Keys(KeysCommand::Revoke(args)) => Some(&args.why),
            Command::Keys(KeysCommand::Root(
                RootCommand::Add(why) | RootCommand::ReplaceLost(why),
            )) => Some(why),
            Command::Keys(KeysCommand::Root(
                RootCommand::Use(args) | RootCommand::Remove(args),
            )) => Some(&args.why),
            Command::Outbox(command) => command.asks_why(),
            Command::Db(DbCommand::Copy(args)) => Some(&args.why),
            Command::Db(DbCommand::Reopen(why)) => Some(why),
        }
    }
}

impl Sources {
    /// The flags given, this process's environment, and the file they or the directory name.
    pub fn from_cli(args: &GlobalArgs) -> Self {
        let environment = std::env::vars_os().map(|(name, value)| {
            let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
            (text(name), text(value))
        });
        Self::from_args(args, environment.collect())
    }

    fn from_args(args: &GlobalArgs, environment: Vec<(String, String)>) -> Self {
        let default = Path::new(DEFAULT_FILE);
        let file = args
            .config
            .clone()
            .or_else(|| default.exists().then(|| default.to_owned()));
        let named = [
            ("data_dir", args.data_dir.clone()),
            ("mode", args.mode.clone()),
            ("server.bind", args.bind.clone()),
        ];
        let named = named
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Self {
            file,
            environment,
            overrides: args.set.iter().cloned().chain(named).collect(),
        }
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests;
