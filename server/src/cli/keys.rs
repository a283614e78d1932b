//! `bp-auth keys`.

use super::args::{KeysCommand, RootCommand, RotateKeysArgs};
use super::operator::{Said, explain};
use crate::app::App;
use crate::app::clock::Timestamp;
use crate::app::key_loss::LostReplaced;
use crate::app::key_rotation::{KeyLine, KeyUse, Publish, Rotation};
use crate::app::operator::Operator;

pub async fn run(app: &App, command: KeysCommand, operator: &Operator) -> Said {
    match command {
        KeysCommand::List => {
            for key in explain(app.operator_keys_list().await)? {
                println!("{}", line(&key));
            }
        }
        KeysCommand::Rotate(args) => {
            let rotated = app.operator_keys_rotate(rotation(&args)?, operator).await;
            let rotated = explain(rotated)?;
            if let Some((kid, from)) = rotated.signing {
                println!("signing key {kid} signs from {}", text(from));
            }
            if let Some(id) = rotated.sealing {
                println!("sealing key {id} seals from now on");
            }
        }
        KeysCommand::Revoke(args) => {
            explain(app.operator_keys_revoke(&args.kid, operator).await)?;
            println!("revoked; what {} has signed is refused", args.kid);
        }
        KeysCommand::Root(command) => root(app, command, operator).await?,
    }
    Ok(())
}

async fn root(app: &App, command: RootCommand, operator: &Operator) -> Said {
    match command {
        RootCommand::Add(_) => {
            let id = explain(app.operator_root_add(operator).await)?;
            println!(
                "root {id} added; copy keys.json to every instance, then: bp-auth keys root use {id}"
            );
        }
        RootCommand::Use(args) => {
            let used = explain(app.operator_root_use(&args.id, operator).await)?;
            println!("root {} seals {} keys", args.id, used.keys + 1);
            println!(
                "sealing key {} seals from now on, and {} TOTP secrets that others sealed",
                used.sealing, used.secrets
            );
        }
        RootCommand::ReplaceLost(_) => {
            let replaced = explain(app.operator_root_replace_lost(operator).await)?;
            for line in given_up(&replaced) {
                println!("{line}");
            }
        }
        RootCommand::Remove(args) => {
            explain(app.operator_root_remove(&args.id, operator).await)?;
            println!("root {} removed; copy keys.json to every instance", args.id);
        }
    }
    Ok(())
}

fn given_up(replaced: &LostReplaced) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(root) = &replaced.root {
        lines.push(format!(
            "keys.json made with the root {root}; copy it to every instance, and back it up"
        ));
    }
    for key in &replaced.keys {
        lines.push(format!("key {key} given up"));
    }
    if let Some(kid) = &replaced.signing {
        lines.push(format!("signing key {kid} signs from now on"));
    }
    lines.push(format!(
        "{} codes and {} messages given up",
        replaced.codes, replaced.messages
    ));
    for (email, others) in &replaced.users {
        lines.push(match others {
            true => format!("authenticator of {email} removed; another second factor is left"),
            false => format!(
                "authenticator of {email} removed; no second factor is left, the password alone logs in"
            ),
        });
    }
    lines
}

fn rotation(args: &RotateKeysArgs) -> Said<Rotation> {
    let signing = match (args.rotates_signing(), args.now) {
        (true, true) => Some(Publish::Now),
        (true, false) => Some(Publish::Ahead),
        (false, true) => {
            return Err("--now is about a signing key; sealing keys seal at once".into());
        }
        (false, false) => None,
    };
    Ok(Rotation {
        signing,
        sealing: args.rotates_sealing(),
    })
}

fn line(key: &KeyLine) -> String {
    let (kind, usage) = match key.use_ {
        KeyUse::SignsFrom(at) => ("signing", format!("signs from {}", text(at))),
        KeyUse::Signs => ("signing", "signs".to_owned()),
        KeyUse::VerifiesUntil(at) => ("signing", format!("verifies until {}", text(at))),
        KeyUse::Retired(at) => ("signing", format!("retired {}", text(at))),
        KeyUse::Seals => ("sealing", "seals".to_owned()),
        KeyUse::Opens => ("sealing", "opens".to_owned()),
    };
    format!("{kind} {} made {}, {usage}", key.id, text(key.created_at))
}

fn text(at: Timestamp) -> String {
    at.to_utc().to_rfc3339()
}
