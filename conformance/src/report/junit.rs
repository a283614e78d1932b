//! The report that CI systems read.

use std::path::Path;

use anyhow::Result;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Summary;
use crate::runner::Ended;

pub fn write(summary: &Summary, file: &Path) -> Result<()> {
    let mut report = Report::new("bp-auth-conformance");
    report.set_time(summary.took);
    for profile in &summary.profiles {
        let mut suite = TestSuite::new(profile.to_string());
        for outcome in summary
            .outcomes
            .iter()
            .filter(|one| one.profile == *profile)
        {
            let status = match &outcome.verdict {
                Ended::Passed => TestCaseStatus::success(),
                Ended::Failed(objection) => {
                    let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    failed.set_message(objection.as_str());
                    failed
                }
                Ended::Skipped(why) => {
                    let mut skipped = TestCaseStatus::skipped();
                    skipped.set_message(why.as_str());
                    skipped
                }
            };
            let mut case = TestCase::new(outcome.id.as_str(), status);
            case.set_classname(outcome.group);
            case.set_time(outcome.took);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    Ok(std::fs::write(file, report.to_string()?)?)
}
