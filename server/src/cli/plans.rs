//! `bp-auth plan`.

use std::path::PathBuf;

use super::args::PlanCommand;
use super::operator::{Said, changed, explain};
use crate::app::App;
use crate::app::entitlements::PlanStatus;
use crate::app::operator::{Operator, PlanChange};
use crate::app::plans::Plan;
use crate::app::plans_shared::PlansSource;

pub async fn run(app: &App, command: PlanCommand, operator: &Operator) -> Said {
    match command {
        PlanCommand::Set(args) => set(app, &args.tenant, args.plan, operator).await,
        PlanCommand::Show => show(app).await,
        PlanCommand::Publish(args) => publish(app, args.file, operator).await,
        PlanCommand::Unpublish(_) => changed(app.operator_plans_unpublish(operator).await),
    }
}

/// Changes the plan of a tenant.
pub async fn set(app: &App, tenant: &str, plan: String, operator: &Operator) -> Said {
    let change = PlanChange {
        plan,
        status: PlanStatus::Active,
        period_end: None,
    };
    changed(app.operator_plan_set(tenant, &change, operator).await)
}

async fn publish(app: &App, file: Option<PathBuf>, operator: &Operator) -> Said {
    let file = file
        .or_else(|| app.config.plans_path())
        .ok_or("there is no plans file; name one")?;
    let text =
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    changed(app.operator_plans_publish(&text, operator).await)
}

async fn show(app: &App) -> Said {
    let (plans, source) = explain(app.operator_plans_show().await)?;
    match source {
        PlansSource::Builtin => println!("built in"),
        PlansSource::File(path) => println!("from {}", path.display()),
        PlansSource::Published(at) => println!("published {}", at.to_utc().to_rfc3339()),
    }
    for plan in plans.iter() {
        println!("{}", block(plan));
    }
    Ok(())
}

fn block(plan: &Plan) -> String {
    let mut lines = vec![format!("{}: {}", plan.key, plan.name)];
    for (key, on) in &plan.features {
        lines.push(format!("  {key}: {}", if *on { "yes" } else { "no" }));
    }
    for (key, limit) in &plan.limits {
        let number = limit
            .limit
            .map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
        let (unit, period) = (limit.unit.as_str(), limit.period.as_str());
        lines.push(format!("  {key}: {number} ({unit}, period {period})"));
    }
    lines.join("\n")
}
