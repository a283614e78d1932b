//! What operators do: accounts, tenants, sessions, keys, and a look at how things stand.

use std::io::Read;
use std::process::ExitCode;

use nix::unistd::{Uid, User};
use zeroize::Zeroizing;

use super::args::*;
use super::{Outcome, nowhere, parts};
use crate::app::clock::Timestamp;
use crate::app::operator::{Operator, TenantState, UserLine};
use crate::app::register::Registration;
use crate::app::{App, Error};
use crate::config::Config;
use crate::datastore::Datastore;
use crate::http::server::Parts;

pub(super) type Said<T = ()> = Result<T, Box<dyn std::error::Error>>;

pub async fn migrate(config: &Config, check: bool) -> Outcome {
    if check && super::missing_database(config)?.is_some() {
        for name in Datastore::migrations() {
            println!("pending: {name}");
        }
        return Ok(ExitCode::FAILURE);
    }
    let access = Command::Migrate(MigrateArgs { check }).access();
    let parts = parts(config.clone(), access).await?;
    let store = parts.store;
    closing(&store, access, migrated(&store, access)).await
}

async fn migrated(store: &Datastore, access: Access) -> Outcome {
    super::refuse_unusable(store, access).await?;
    if access == Access::Reads {
        let pending = store.migrations_pending().await?;
        for name in &pending {
            println!("pending: {name}");
        }
        return Ok(match pending.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        });
    }
    for name in store.migrations_apply().await? {
        println!("applied: {name}");
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let reason = command.reason(config.mode)?.map(str::to_owned);
    let operator = Operator {
        actor: format!("operator:{}", unix_user()),
        reason,
    };
    if let Command::Db(DbCommand::Copy(args)) = &command {
        return super::db::copy(config, args, &operator).await;
    }
    let access = command.access();
    let parts = parts(config, access).await?;
    let store = parts.store.clone();
    closing(&store, access, answer(parts, command, &operator)).await
}

/// Whatever becomes of the command, the database is closed, so that nothing lies beside its file; and a
/// command that changes something says what it has changed, or has not.
async fn closing(
    store: &Datastore,
    access: Access,
    work: impl Future<Output = Outcome>,
) -> Outcome {
    let done = work.await;
    let closed = store.clone().close().await;
    if access == Access::Reads {
        closed?;
        return done;
    }
    let code = done.map_err(|error| format!("{error} (database: {})", store.location()))?;
    println!("database: {}", store.location());
    closed?;
    Ok(code)
}

async fn answer(parts: Parts, command: Command, operator: &Operator) -> Outcome {
    let bound = nowhere(&parts.config);
    let access = command.access();
    if let Command::Db(DbCommand::Reopen(_)) = &command {
        changed(parts.app(bound)?.operator_reopen(operator).await)?;
        return Ok(ExitCode::SUCCESS);
    }
    super::refuse_unusable(&parts.store, access).await?;
    let pending = parts.store.migrations_pending().await?;
    if !pending.is_empty() {
        return Err("the database is not up to date; run `bp-auth migrate` first".into());
    }
    let app = match access {
        Access::Creates | Access::Changes => parts.opened(bound).await?,
        Access::Repairs => parts.app(bound)?,
        Access::Reads => {
            let app = parts.app(bound)?;
            if !parts.keyring.sealing.is_empty() {
                explain(app.keys.refresh().await)?;
            }
            app
        }
    };
    match command {
        Command::Check => return check(&app).await,
        Command::User(UserCommand::Import(args)) => {
            return super::import::import(&app, &args, operator).await;
        }
        Command::User(command) => user(&app, command, operator).await?,
        Command::Tenant(command) => tenant(&app, command, operator).await?,
        Command::Plan(command) => super::plans::run(&app, command, operator).await?,
        Command::Sessions(SessionsCommand::Revoke(args)) => {
            let ended = match &args.email {
                Some(email) => app.operator_sessions_revoke(email, operator).await,
                None => app.operator_sessions_revoke_everywhere(operator).await,
            };
            let ended = explain(ended)?;
            println!("{ended} sessions ended");
        }
        Command::Keys(command) => super::keys::run(&app, command, operator).await?,
        Command::Outbox(command) => super::outbox::run(&app, command, operator).await?,
        Command::Audit(AuditCommand::Tail(args)) => tail(&app, args.lines).await?,
        Command::Serve(_)
        | Command::Migrate(_)
        | Command::Openapi(_)
        | Command::Docs(_)
        | Command::Db(_)
        | Command::CheckConfig => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn tail(app: &App, lines: u64) -> Said {
    let mut events = explain(app.operator_audit_tail(lines).await)?;
    events.reverse();
    for event in events {
        let at = Timestamp(event.at).to_utc().to_rfc3339();
        let user = event.user_id.map(|id| id.to_string()).unwrap_or_default();
        let again = match event.last_at {
            Some(last) => {
                let last = Timestamp(last).to_utc().to_rfc3339();
                let from = event.ip.as_deref().unwrap_or_default();
                format!(" {} times until {last}, first from {from}", event.times)
            }
            None => String::new(),
        };
        let line = format!(
            "{at} {} {} {user} {}{again}",
            event.event, event.actor, event.detail
        );
        println!("{}", printable(&line));
    }
    Ok(())
}

async fn check(app: &App) -> Outcome {
    let violations = explain(app.operator_check().await)?;
    for violation in &violations {
        println!("{}: {}", violation.name, violation.detail);
    }
    if violations.is_empty() {
        println!("all invariants hold");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

async fn user(app: &App, command: UserCommand, operator: &Operator) -> Said {
    match command {
        UserCommand::Create(args) => {
            let form = Registration {
                email: args.email,
                password: password(args.password_file.as_deref())?,
                full_name: args.full_name,
                phone: None,
                locale: None,
            };
            let profile = explain(app.register_by_operator(form, operator).await)?;
            println!("created {} {}", profile.user.id, profile.user.email);
        }
        UserCommand::Show(args) => {
            let report = explain(app.operator_user_show(&args.email).await)?;
            println!("{}", line(&report.user));
            let methods: Vec<&str> = report
                .methods
                .iter()
                .map(|method| method.as_str())
                .collect();
            println!("name: {}", report.full_name.as_deref().unwrap_or("-"));
            println!("role: {}", report.role);
            println!(
                "phone: {}{}",
                report.phone.as_deref().unwrap_or("-"),
                if report.phone_verified {
                    " (verified)"
                } else {
                    ""
                }
            );
            println!("tenant: {} {}", report.tenant.id, report.tenant.state);
            println!("plan: {} {}", report.tenant.plan, report.tenant.plan_status);
            println!("second factors: {}", methods.join(" "));
            println!("backup codes left: {}", report.backup_codes_remaining);
            println!("live sessions: {}", report.live_sessions);
            println!("trusted devices: {}", report.trusted_devices.len());
        }
        UserCommand::List(args) => {
            for user in explain(app.operator_users_list(args.limit, None).await)? {
                println!("{}", line(&user));
            }
        }
        UserCommand::Deactivate(args) => {
            changed(app.operator_user_deactivate(&args.email, operator).await)?;
        }
        UserCommand::Suspend(args) => {
            changed(app.operator_user_suspend(&args.email, operator).await)?;
        }
        UserCommand::Activate(args) => {
            changed(app.operator_user_activate(&args.email, operator).await)?;
        }
        UserCommand::ResetMfa(args) => {
            changed(app.operator_mfa_reset(&args.email, operator).await)?;
        }
        UserCommand::RevokeKey(args) => {
            changed(app.operator_api_key_revoke(&args.email, operator).await)?;
        }
        // Done before: its outcome is a status of its own.
        UserCommand::Import(_) => {}
        UserCommand::SetPlan(args) => {
            super::plans::set(app, &args.email, args.plan, operator).await?;
        }
    }
    Ok(())
}

async fn tenant(app: &App, command: TenantCommand, operator: &Operator) -> Said {
    let (tenant, state) = match command {
        TenantCommand::Deactivate(args) => (args.tenant, TenantState::Deactivated),
        TenantCommand::Activate(args) => (args.tenant, TenantState::Active),
    };
    changed(app.operator_tenant_state(&tenant, state, operator).await)
}

pub(super) fn changed(result: Result<bool, Error>) -> Said {
    println!(
        "{}",
        if explain(result)? {
            "changed"
        } else {
            "unchanged"
        }
    );
    Ok(())
}

/// The logic's refusals, in an operator's words.
pub(super) fn explain<T>(result: Result<T, Error>) -> Said<T> {
    result.map_err(|error| match error {
        Error::Invalid(faults) => {
            let list: Vec<String> = faults
                .iter()
                .map(|fault| format!("{}: {}", fault.field, fault.msg))
                .collect();
            list.join("; ").into()
        }
        Error::PhoneNotAllowed { field, why } => format!("{field}: {}", why.reason()).into(),
        Error::WeakPassword(advice) => format!("password: too weak: {advice}").into(),
        Error::NotFound => "there is no such user or tenant".into(),
        Error::EmailTaken => "email: the address has an account".into(),
        Error::Overloaded => "the database is busy or unavailable; try again".into(),
        Error::Internal(text) => text.into(),
        other => format!("refused: {other:?}").into(),
    })
}

fn line(user: &UserLine) -> String {
    let time = |at: Timestamp| at.to_utc().to_rfc3339();
    let last = user.last_login_at.map_or_else(|| "never".to_owned(), time);
    let created = time(user.created_at);
    format!(
        "{} {} {} created {created} last login {last}",
        user.id, user.email, user.state
    )
}

fn password(file: Option<&std::path::Path>) -> Said<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    match file {
        Some(file) => {
            *text = std::fs::read_to_string(file)
                .map_err(|error| format!("{}: {error}", file.display()))?
        }
        None => {
            // An argument would show in the list of processes and in the shell's history.
            std::io::stdin().take(4096).read_to_string(&mut text)?;
        }
    }
    let end = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(end);
    Ok(text)
}

/// Who runs the command, by the process and not by what its environment claims. Under sudo, root's
/// environment names the user who asked.
fn unix_user() -> String {
    let own = Uid::current();
    let asked = std::env::var("SUDO_UID").ok().filter(|_| own.is_root());
    let uid = asked.and_then(|uid| uid.parse().ok());
    let uid = uid.map_or(own, Uid::from_raw);
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => format!("uid {uid}"),
    }
}

/// Text that somebody else has chosen, so that it cannot move the cursor or the direction of a terminal.
fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let escaped = |c: char| match steers(c) {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escaped).collect()
}
