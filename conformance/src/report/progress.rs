//! A bar on a terminal, plain lines otherwise.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::case::Profile;
use crate::runner::{Ended, Outcome};

pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn start(profile: Profile, cases: usize) -> Self {
        let bar = if std::io::stdout().is_terminal() {
            let style = "{msg:14} [{bar:40}] {pos}/{len} {elapsed}";
            let style = ProgressStyle::with_template(style)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(cases as u64)
                .with_style(style)
                .with_message(profile.to_string())
        } else {
            ProgressBar::hidden()
        };
        Self { bar }
    }

    /// On a terminal only what is not as it should be gets a line.
    pub fn tell(&self, outcome: &Outcome) {
        let head = format!("[{}] {}", outcome.profile, outcome.id);
        let ms = outcome.took.as_millis();
        let line = match &outcome.verdict {
            Ended::Passed if self.bar.is_hidden() => Some(format!("ok      {head} ({ms} ms)")),
            Ended::Passed => None,
            Ended::Skipped(why) => Some(format!("skipped {head}: {why}")),
            Ended::Failed(objection) => Some(format!("FAILED  {head}: {objection}")),
        };
        if let Some(line) = line {
            self.bar.suspend(|| println!("{line}"));
        }
        self.bar.inc(1);
    }

    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}
