//! The program: which cases, which server, and what is told of it.

use std::sync::Arc;
#[cfg(feature = "spawn")]
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::args::Arguments;
use crate::case::{Needs, Profile};
#[cfg(feature = "spawn")]
use crate::drills;
use crate::report::{self, Summary};
use crate::runner::{Run, Source};
use crate::target::messages::{Messages, capture};
use crate::target::operator::Operator;
#[cfg(feature = "spawn")]
use crate::target::restarts::Restarts;
use crate::target::{Description, Target, parse_url};
use crate::trial::Trial;
use crate::witness::Recorder;
use crate::witness::contract::Contract;
use crate::{examples, lanes};

/// What their story needs: time stands still, so that it is told the same way each time.
const EXAMPLES: Needs = Needs {
    clock: true,
    ..Needs::NOTHING
};

/// Judges; true if there was nothing to object to.
pub async fn run(arguments: Arguments) -> Result<bool> {
    let selected = arguments.selected()?;
    if arguments.list {
        for lane in lanes::of(&arguments).iter().filter(|_| arguments.affected) {
            lane.print();
        }
        report::list(&selected);
        return Ok(true);
    }
    #[cfg(feature = "spawn")]
    if let Some(drill) = arguments.drill {
        return drilled(drill, &arguments).await;
    }
    let recorder = Recorder::new(Contract::parse(crate::SNAPSHOT)?);
    let source = source(&arguments, &recorder).await?;
    #[cfg(feature = "spawn")]
    if arguments.faults || arguments.fault.is_some() {
        // Some of them are triggers in SQLite's words.
        ensure!(
            arguments.database == crate::target::stored::Kind::Sqlite,
            "faults break servers on SQLite only"
        );
        return crate::faults::judge::run(&arguments, source, recorder).await;
    }
    let mut run = Run::new(source, recorder.clone(), arguments.jobs);
    run.instances = usize::from(arguments.instances);
    run.options = arguments.options();
    run.every_profile = arguments.every_profile;
    #[cfg(feature = "spawn")]
    if let Some(seconds) = arguments.restart_every {
        ensure!(
            arguments.instances > 1,
            "--restart-every needs --instances 2 or more: others answer meanwhile"
        );
        run.restarts = Some(Restarts::new(Duration::from_secs(seconds)));
    }
    if let Some(file) = &arguments.examples {
        let target = run.target(Profile::Strict, &EXAMPLES).await?;
        let trial = Trial::new(Arc::new(target), recorder, 0, run.options);
        std::fs::write(file, examples::collect(&trial).await?)?;
        return Ok(true);
    }
    println!("seed {}", run.options.seed);
    let mut summary = Summary::new(&arguments);
    for profile in arguments.profiles() {
        let progress = report::Progress::start(profile, run.tried(profile, &selected).len());
        let outcomes = run
            .profile(profile, &selected, |outcome| progress.tell(outcome))
            .await?;
        progress.end();
        summary.add(profile, outcomes);
    }
    summary.finish(recorder.coverage(), &recorder.contract);
    summary.print();
    #[cfg(feature = "spawn")]
    if let Some(restarts) = &run.restarts {
        println!(
            "{} times an instance was killed and came back",
            restarts.done()?
        );
    }
    if let Some(file) = &arguments.junit {
        report::junit::write(&summary, file)?;
    }
    if let Some(file) = &arguments.report {
        report::html::write(&summary, file)?;
    }
    Ok(summary.is_good())
}

#[cfg(feature = "spawn")]
async fn drilled(drill: drills::Drill, arguments: &Arguments) -> Result<bool> {
    let spawner = crate::target::spawn::Spawner::new(arguments.database).await?;
    let size = drills::Size {
        instances: usize::from(arguments.instances),
        clients: arguments.size.clients,
        amount: arguments.size.amount,
        rounds: arguments.size.rounds,
        seconds: arguments.size.seconds,
    };
    drills::run(drill, size, &spawner, arguments.database).await
}

async fn source(arguments: &Arguments, recorder: &Arc<Recorder>) -> Result<Source> {
    #[cfg(feature = "spawn")]
    if arguments.spawn {
        let mut spawner = crate::target::spawn::Spawner::new(arguments.database).await?;
        if let Some(file) = &arguments.nginx {
            ensure!(
                arguments.instances > 1,
                "--nginx needs --instances 2 or more: one has an address of its own"
            );
            spawner.front = Some(crate::target::front::Recipe::read(file)?);
        }
        return Ok(Source::Spawned(Arc::new(spawner)));
    }
    ensure!(
        !arguments.spawn,
        "this build carries no server to spawn; give --base-url"
    );
    let url = arguments.base_url.as_deref().context("no --base-url")?;
    let profiles = arguments.profiles();
    ensure!(
        profiles.len() == 1,
        "a running server has one configuration: give one --profile"
    );
    let messages = match (&arguments.outbox, &arguments.capture) {
        (Some(directory), _) => Some(Messages::outbox(directory.clone())),
        (None, Some(url)) => Some(capture::listen(&listening(url)?).await?),
        (None, None) => None,
    };
    let operator = arguments.operator.as_deref().map(Operator::parse);
    let description = Description {
        profile: profiles[0],
        instances: vec![parse_url(url)?],
        messages,
        operator: operator.transpose()?,
        clock: None,
        #[cfg(feature = "spawn")]
        spawned: None,
    };
    let target = Target::new(description, recorder.clone(), None).await?;
    Ok(Source::Given(Arc::new(target)))
}

/// `HOST:PORT` of an address to listen on.
fn listening(url: &str) -> Result<String> {
    let uri = parse_url(url)?;
    let port = uri.port_u16().context("--capture needs a port")?;
    Ok(format!("{}:{port}", uri.host().unwrap_or_default()))
}
