//! `bp-auth outbox`.

use super::args::{OutboxCommand, OutboxState};
use super::operator::{Said, explain};
use crate::app::App;
use crate::app::clock::Timestamp;
use crate::app::operator::Operator;
use crate::app::operator_outbox::MessageLine;

pub async fn run(app: &App, command: OutboxCommand, operator: &Operator) -> Said {
    match command {
        OutboxCommand::List(args) => {
            let state = args.state.map(OutboxState::as_str);
            for message in explain(app.operator_outbox_list(state, args.lines).await)? {
                println!("{}", line(&message));
            }
        }
        OutboxCommand::Show(args) => {
            println!(
                "{}",
                block(&explain(app.operator_outbox_show(args.id).await)?)
            );
        }
        OutboxCommand::Retry(args) => {
            let retried = explain(app.operator_outbox_retry(args.id, operator).await)?;
            match (args.id, retried) {
                (Some(_), 0) => {
                    return Err("it was sent, has expired, or is being sent at the moment".into());
                }
                (_, number) => println!("{number} messages will be sent"),
            }
        }
        OutboxCommand::Purge(args) => {
            let before = app.clock.now().minus(args.older_than.duration());
            let state = args.state.as_str();
            let removed = app.operator_outbox_purge(state, before, operator).await;
            println!("{} messages removed", explain(removed)?);
        }
    }
    Ok(())
}

fn line(message: &MessageLine) -> String {
    let error = message.last_error.as_deref().unwrap_or_default();
    format!(
        "{} {} {} {} {} tries {} {error}",
        message.id,
        text(message.created_at),
        message.state,
        message.template,
        message.attempts,
        message.recipient,
    )
    .trim_end()
    .to_owned()
}

fn block(message: &MessageLine) -> String {
    let mut lines = vec![
        format!("id:           {}", message.id),
        format!("template:     {} ({})", message.template, message.kind),
        format!("recipient:    {}", message.recipient),
        format!("state:        {}", message.state),
        format!("tries:        {}", message.attempts),
        format!("created:      {}", text(message.created_at)),
        format!("expires:      {}", text(message.expires_at)),
    ];
    if let Some(user) = message.user_id {
        lines.push(format!("user:         {user}"));
    }
    match message.finished_at {
        Some(at) => lines.push(format!("ended:        {}", text(at))),
        None => lines.push(format!("next try:     {}", text(message.next_attempt_at))),
    }
    if let Some(error) = &message.last_error {
        lines.push(format!("last error:   {error}"));
    }
    let content = match message.has_content {
        true => "sealed, for its recipient only",
        false => "forgotten",
    };
    lines.push(format!("content:      {content}"));
    lines.join("\n")
}

fn text(at: Timestamp) -> String {
    at.to_utc().to_rfc3339()
}
