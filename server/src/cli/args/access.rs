//! What a command does to the database, which decides what it may make and what it may find missing.

use super::{
    Command, DbCommand, KeysCommand, MigrateArgs, OutboxCommand, PlanCommand, RootCommand,
};
use super::{ImportArgs, UserCommand};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Makes what is missing: the directory, its keys, and a database in it.
    Creates,
    Changes,
    /// Changes a database whose keys are lost.
    Repairs,
    /// Changes nothing, neither in the database nor on the disk.
    Reads,
}

impl Command {
    pub fn access(&self) -> Access {
        match self {
            Command::Serve(_) | Command::Migrate(MigrateArgs { check: false }) => Access::Creates,
            Command::Migrate(MigrateArgs { check: true })
            | Command::Openapi(_)
            | Command::Docs(_)
            | Command::CheckConfig
            | Command::Check
            | Command::Audit(_)
            | Command::Keys(KeysCommand::List)
            | Command::Plan(PlanCommand::Show)
            | Command::Outbox(OutboxCommand::List(_) | OutboxCommand::Show(_))
            | Command::User(
                UserCommand::Show(_)
                | UserCommand::List(_)
                | UserCommand::Import(ImportArgs { dry_run: true, .. }),
            ) => Access::Reads,
            Command::Keys(KeysCommand::Root(RootCommand::ReplaceLost(_))) => Access::Repairs,
            Command::User(
                UserCommand::Create(_)
                | UserCommand::Import(ImportArgs { dry_run: false, .. })
                | UserCommand::Deactivate(_)
                | UserCommand::Suspend(_)
                | UserCommand::Activate(_)
                | UserCommand::ResetMfa(_)
                | UserCommand::RevokeKey(_)
                | UserCommand::SetPlan(_),
            )
            | Command::Tenant(_)
            | Command::Plan(
                PlanCommand::Set(_) | PlanCommand::Publish(_) | PlanCommand::Unpublish(_),
            )
            | Command::Sessions(_)
            | Command::Keys(
                KeysCommand::Rotate(_)
                | KeysCommand::Revoke(_)
                | KeysCommand::Root(
                    RootCommand::Add(_) | RootCommand::Use(_) | RootCommand::Remove(_),
                ),
            )
            | Command::Outbox(OutboxCommand::Retry(_) | OutboxCommand::Purge(_))
            | Command::Db(DbCommand::Copy(_) | DbCommand::Reopen(_)) => Access::Changes,
        }
    }

    /// Whether it sends mails and SMS, or judges whether that is possible.
    pub fn delivers(&self) -> bool {
        matches!(self, Command::Serve(_) | Command::CheckConfig)
    }
}
