//! From a selection of cases to outcomes: which server each case meets, and how many run at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use futures::StreamExt;

use crate::case::{Case, Needs, Profile, Setting};
use crate::target::Target;
use crate::trial::{Options, Trial};
use crate::witness::recorder::Transcript;
use crate::witness::{Misbehaviour, Recorder};

/// No case may take longer: a server that hangs must not hang the suite.
const PATIENCE: Duration = Duration::from_secs(170);

/// Begins what is told of a case whose server did not come up.
pub const NO_SERVER: &str = "no server";

/// What became of one case in one profile.
pub struct Outcome {
    pub profile: Profile,
    /// `group::name`.
    pub id: String,
    pub group: &'static str,
    pub sentence: &'static str,
    pub verdict: Ended,
    pub took: Duration,
    /// What was said on the wire; kept for failures only.
    pub transcript: Transcript,
    /// What the case had to tell beside its verdict.
    pub notes: Vec<String>,
}

pub enum Ended {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Where servers come from. Clones share them.
#[derive(Clone)]
pub enum Source {
    /// One server, reached by its address; the profile is what the caller says it is.
    Given(Arc<Target>),
    /// Our own, started as needed.
    #[cfg(feature = "spawn")]
    Spawned(Arc<crate::target::spawn::Spawner>),
}

pub struct Run {
    pub source: Source,
    pub recorder: Arc<Recorder>,
    pub jobs: usize,
    /// How many instances every spawned deployment has at least.
    pub instances: usize,
    /// What the witness does wrong on purpose.
    pub fault: Option<Arc<dyn Misbehaviour>>,
    /// Settings of every spawned server, beside those of profiles and cases.
    pub settings: &'static [(&'static str, &'static str)],
    /// SQL that spoils the database of every spawned server before it is used.
    pub sabotage: Option<&'static str>,
    pub next_case: AtomicU64,
    /// Whether profiles also try the cases that they cannot change.
    pub every_profile: bool,
    /// For the cases that throw dice.
    pub options: Options,
    /// How often one of several instances that cases share is killed and started again.
    #[cfg(feature = "spawn")]
    pub restarts: Option<crate::target::restarts::Restarts>,
}

impl Run {
    pub fn new(source: Source, recorder: Arc<Recorder>, jobs: usize) -> Self {
        Self {
            source,
            recorder,
            jobs,
            instances: 1,
            fault: None,
            settings: &[],
            sabotage: None,
            next_case: AtomicU64::new(1),
            every_profile: false,
            options: Options::default(),
            #[cfg(feature = "spawn")]
            restarts: None,
        }
    }

    /// Tries the cases in one profile, several at a time, and tells each outcome as it comes.
    pub async fn profile(
        &self,
        profile: Profile,
        cases: &[Case],
        mut told: impl FnMut(&Outcome),
    ) -> Result<Vec<Outcome>> {
        let cases = self.tried(profile, cases);
        let shared = self.shared(profile, &cases).await?;
        #[cfg(feature = "spawn")]
        let restarting = self
            .restarts
            .as_ref()
            .map(|restarts| restarts.begin(shared.values()));
        let mut running = futures::stream::iter(cases)
            .map(|case| {
                let shared = shared.get(&self.instances_for(&case.needs));
                self.one(profile, case, shared.cloned())
            })
            .buffer_unordered(self.jobs.max(1));
        let mut outcomes = Vec::new();
        while let Some(outcome) = running.next().await {
            told(&outcome);
            outcomes.push(outcome);
        }
        drop(running);
        #[cfg(feature = "spawn")]
        if let Some(restarting) = restarting {
            restarting.end().await?;
        }
        for shared in shared.values() {
            if let Some(outcome) = self.leave(profile, shared).await {
                told(&outcome);
                outcomes.push(outcome);
            }
        }
        Ok(outcomes)
    }

    /// Those of the cases that a profile tries.
    pub fn tried(&self, profile: Profile, cases: &[Case]) -> Vec<Case> {
        let tried = |case: &&Case| match self.every_profile {
            true => case.profiles.contains(&profile),
            false => case.is_tried_in(profile),
        };
        cases.iter().filter(tried).copied().collect()
    }

    /// The deployments that cases share, by how many instances they have.
    async fn shared(
        &self,
        profile: Profile,
        cases: &[Case],
    ) -> Result<BTreeMap<usize, Arc<Target>>> {
        let mut shared = BTreeMap::new();
        for case in cases.iter().filter(|case| !self.needs_own(case)) {
            let instances = self.instances_for(&case.needs);
            if shared.contains_key(&instances) {
                continue;
            }
            let needs = Needs {
                instances,
                ..Needs::NOTHING
            };
            let target = match self.given() {
                Some(target) => target,
                None => Arc::new(self.target(profile, &needs).await?),
            };
            shared.insert(instances, target);
        }
        Ok(shared)
    }

    /// The one server there is, if it was given.
    fn given(&self) -> Option<Arc<Target>> {
        match &self.source {
            Source::Given(target) => Some(target.clone()),
            #[cfg(feature = "spawn")]
            Source::Spawned(_) => None,
        }
    }

    fn instances_for(&self, needs: &Needs) -> usize {
        needs.instances.max(self.instances)
    }

    /// Whether the case meets a server that no other case does.
    fn needs_own(&self, case: &Case) -> bool {
        !matches!(self.source, Source::Given(_)) && case.wants_own_server()
    }

    /// What such a server leaves behind says nothing about the server that it was made from.
    fn is_broken_on_purpose(&self) -> bool {
        self.fault.is_some() || self.sabotage.is_some() || !self.settings.is_empty()
    }

    async fn one(&self, profile: Profile, case: Case, shared: Option<Arc<Target>>) -> Outcome {
        let started = Instant::now();
        let id = self.next_case.fetch_add(1, Ordering::Relaxed);
        let verdict = self.verdict(profile, case, shared, id).await;
        let mut transcript = self.recorder.take(id);
        let notes = std::mem::take(&mut transcript.notes);
        let undeclared = self.undeclared(profile, &case, &transcript);
        let verdict = match verdict {
            Ended::Passed if !transcript.objections.is_empty() => {
                transcript.objections.dedup();
                let all = transcript.objections.join("\n");
                Ended::Failed(format!("answers break the contract:\n{all}"))
            }
            Ended::Passed => undeclared.map_or(Ended::Passed, Ended::Failed),
            other => other,
        };
        if !matches!(verdict, Ended::Failed(_)) {
            transcript = Transcript::default();
        }
        Outcome {
            profile,
            id: case.id(),
            group: case.group,
            sentence: case.sentence,
            verdict,
            took: started.elapsed(),
            transcript,
            notes,
        }
    }

    /// Why other profiles may lack this case: it met a setting that it does not say it depends on.
    fn undeclared(&self, profile: Profile, case: &Case, met: &Transcript) -> Option<String> {
        if profile != Profile::Strict || self.is_broken_on_purpose() {
            return None;
        }
        let holds = |setting: Setting| {
            let mut profiles = case.profiles.iter();
            profiles.any(|profile| profile.setting() == Some(setting))
        };
        let undeclared: Vec<&str> = met
            .settings
            .iter()
            .filter(|met| holds(**met) && !case.settings.contains(met))
            .map(|met| met.name())
            .collect();
        (!undeclared.is_empty()).then(|| {
            let names = undeclared.join(", ");
            format!("it does not say that it depends on {names}, and met an answer that does")
        })
    }

    async fn verdict(
        &self,
        profile: Profile,
        case: Case,
        shared: Option<Arc<Target>>,
        id: u64,
    ) -> Ended {
        let own = self.needs_own(&case);
        let target = match shared {
            Some(shared) if !own => shared,
            _ => match self.target(profile, &case.needs).await {
                Ok(target) => Arc::new(target),
                Err(error) => return Ended::Failed(format!("{NO_SERVER}: {error:#}")),
            },
        };
        if let Some(why) = target.lacks(&case.needs) {
            return Ended::Skipped(why);
        }
        let trial = Trial::new(target.clone(), self.recorder.clone(), id, self.options);
        // A task of its own, so that a panic is this case's failure only.
        let task = tokio::spawn((case.run)(trial));
        let patience = if case.needs.unhurried {
            Duration::MAX
        } else {
            PATIENCE
        };
        let verdict = match tokio::time::timeout(patience, task).await {
            Err(_) => Err(anyhow!("it did not end within {PATIENCE:?}")),
            Ok(Err(panic)) => Err(anyhow!("the case panicked: {panic}")),
            Ok(Ok(verdict)) => verdict,
        };
        match (verdict, own) {
            (Err(error), _) => Ended::Failed(format!("{error:#}")),
            (Ok(()), false) => Ended::Passed,
            (Ok(()), true) if self.is_broken_on_purpose() => Ended::Passed,
            (Ok(()), true) => match end(&target).await {
                Ok(()) => Ended::Passed,
                Err(error) => Ended::Failed(format!("afterwards: {error:#}")),
            },
        }
    }

    /// A server as a case with these needs would meet it.
    pub async fn target(&self, profile: Profile, needs: &Needs) -> Result<Target> {
        match &self.source {
            Source::Given(_) => Err(anyhow!(
                "a given server is one for all cases; it cannot become {profile} with {needs:?}"
            )),
            #[cfg(feature = "spawn")]
            Source::Spawned(spawner) => {
                let settings: Vec<_> = self
                    .settings
                    .iter()
                    .chain(needs.settings)
                    .copied()
                    .collect();
                let description = spawner
                    .start(crate::target::spawn::Wanted {
                        profile,
                        settings: &settings,
                        instances: self.instances_for(needs),
                        clock: needs.clock,
                        sabotage: self.sabotage,
                    })
                    .await?;
                Target::new(description, self.recorder.clone(), self.fault.clone()).await
            }
        }
    }

    /// What a shared server leaves behind is an outcome of its own.
    async fn leave(&self, profile: Profile, target: &Target) -> Option<Outcome> {
        if !target.is_spawned() || self.is_broken_on_purpose() {
            return None;
        }
        let started = Instant::now();
        let verdict = match end(target).await {
            Ok(()) => Ended::Passed,
            Err(error) => Ended::Failed(format!("{error:#}")),
        };
        let several = match target.instances.len() {
            1 => String::new(),
            several => format!("_of_{several}_instances"),
        };
        Some(Outcome {
            profile,
            id: format!("run::every_invariant_holds_afterwards{several}"),
            group: "run",
            sentence: "After the run the server stops in order, has not panicked, and every invariant of its database holds.",
            verdict,
            took: started.elapsed(),
            transcript: Transcript::default(),
            notes: Vec::new(),
        })
    }
}

#[cfg(feature = "spawn")]
async fn end(target: &Target) -> Result<()> {
    match &target.spawned {
        Some(processes) => processes.end().await,
        None => Ok(()),
    }
}

#[cfg(not(feature = "spawn"))]
async fn end(_: &Target) -> Result<()> {
    Ok(())
}
