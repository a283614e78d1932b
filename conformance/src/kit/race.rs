//! Many requests at one moment, each over a connection that is open already.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use bp_auth_client::{Client, Error, ErrorCode, ResponseValue, Secret, error_code, types};
use http::HeaderName;
use http::header::AUTHORIZATION;
use tokio::sync::Barrier;

use crate::trial::Trial;

/// How often a racer that the server was too busy for comes back, and after what rest: the least that
/// `Retry-After` can say.
const HEATS: usize = 5;
const REST: Duration = Duration::from_secs(1);

/// What the generated client makes of an answer.
pub type Answer<T> = Result<ResponseValue<T>, Error<types::Error>>;

/// How a race ended.
#[derive(Debug)]
pub struct Race<T> {
    pub won: Vec<ResponseValue<T>>,
    /// Refusals, as `401 token_reused`, and how often each was given.
    pub lost: BTreeMap<String, usize>,
}

/// Sends one request of each racer at one moment. The racers' connections are open, so nothing but the
/// server decides who comes first. Those it was too busy for come back together, as it asked them to.
pub async fn race<T, F, R>(racers: Vec<Client>, request: R) -> Result<Race<T>>
where
    T: Send + 'static,
    F: Future<Output = Answer<T>> + Send + 'static,
    R: Fn(Client, usize) -> F,
{
    let mut race = Race {
        won: Vec::new(),
        lost: BTreeMap::new(),
    };
    let mut running: Vec<_> = racers.into_iter().enumerate().collect();
    for heat in 1..=HEATS {
        let answers = at_once(&running, &request).await?;
        let mut again = Vec::new();
        for (runner, answer) in running.into_iter().zip(answers) {
            match answer {
                Err(error) if heat < HEATS && is_overloaded(&error) => again.push(runner),
                answer => race.enter(answer)?,
            }
        }
        if again.is_empty() {
            break;
        }
        tokio::time::sleep(REST).await;
        running = again;
    }
    Ok(race)
}

async fn at_once<T, F, R>(racers: &[(usize, Client)], request: R) -> Result<Vec<Answer<T>>>
where
    T: Send + 'static,
    F: Future<Output = Answer<T>> + Send + 'static,
    R: Fn(Client, usize) -> F,
{
    let barrier = Arc::new(Barrier::new(racers.len()));
    let running: Vec<_> = racers
        .iter()
        .map(|(number, racer)| {
            let (barrier, request) = (barrier.clone(), request(racer.clone(), *number));
            tokio::spawn(async move {
                barrier.wait().await;
                request.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(running.len());
    for running in running {
        answers.push(running.await?);
    }
    Ok(answers)
}

/// The server's own word for a request that it has not looked at.
fn is_overloaded(error: &Error<types::Error>) -> bool {
    error_code(error) == Some(&ErrorCode::Overloaded)
}

impl<T> Race<T> {
    fn enter(&mut self, answer: Answer<T>) -> Result<()> {
        match answer {
            Ok(answer) => self.won.push(answer),
            Err(Error::ErrorResponse(answer)) => {
                let refusal = format!("{} {}", answer.status().as_u16(), answer.error_code);
                *self.lost.entry(refusal).or_default() += 1;
            }
            Err(other) => return Err(anyhow!("no answer: {other}")),
        }
        Ok(())
    }
}

impl Trial {
    /// Clients without credentials, each with a connection of its own. With several instances, each
    /// racer runs to one of them, in turn.
    pub async fn racers(&self, count: usize) -> Result<Vec<Client>> {
        self.racers_with(count, &[]).await
    }

    /// Racers that present an access token.
    pub async fn racers_of(&self, token: &Secret, count: usize) -> Result<Vec<Client>> {
        let bearer = format!("Bearer {}", token.expose());
        self.racers_with(count, &[(AUTHORIZATION, bearer)]).await
    }

    /// Racers that present these headers.
    pub async fn racers_with(
        &self,
        count: usize,
        headers: &[(HeaderName, String)],
    ) -> Result<Vec<Client>> {
        let ready = (0..count).map(|number| async move {
            let racer = self.on(number).with(headers);
            // Whatever it answers: the connection is open then, all the way to the instance.
            match racer.me().send().await {
                Ok(_) => Ok(racer),
                Err(error) if error_code(&error).is_some() => Ok(racer),
                Err(error) => Err(anyhow!("no answer: {error}")),
            }
        });
        futures::future::try_join_all(ready).await
    }
}

impl<T> Race<T> {
    /// The one success, or an objection.
    #[track_caller]
    pub fn one(mut self) -> Result<ResponseValue<T>> {
        let at = std::panic::Location::caller();
        ensure!(
            self.won.len() == 1,
            "{} instead of one won ({at})",
            self.tally()
        );
        Ok(self.won.remove(0))
    }

    /// So many successes, and exactly these refusals.
    #[track_caller]
    pub fn ended(&self, won: usize, lost: &[(&str, usize)]) -> Result<&Self> {
        let at = std::panic::Location::caller();
        let expected: BTreeMap<String, usize> = lost
            .iter()
            .filter(|(_, times)| *times > 0)
            .map(|(refusal, times)| ((*refusal).to_owned(), *times))
            .collect();
        ensure!(
            self.won.len() == won && self.lost == expected,
            "{} instead of {won} won, lost {expected:?} ({at})",
            self.tally()
        );
        Ok(self)
    }

    /// No refusal but these.
    #[track_caller]
    pub fn lost_only(&self, refusals: &[&str]) -> Result<&Self> {
        let at = std::panic::Location::caller();
        let known = self.lost.keys().all(|seen| refusals.contains(&&**seen));
        ensure!(known, "{} instead of {refusals:?} ({at})", self.tally());
        Ok(self)
    }

    pub fn lost_to(&self, refusal: &str) -> usize {
        self.lost.get(refusal).copied().unwrap_or_default()
    }

    fn tally(&self) -> String {
        format!("{} won, lost {:?}", self.won.len(), self.lost)
    }
}
