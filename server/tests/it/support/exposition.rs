//! A strict reader of Prometheus's text format 0.0.4: what it does not understand is a failure.

use std::collections::{BTreeMap, BTreeSet};

use super::http::{Http, send};

/// The samples of one scrape, by name and sorted labels: `name{a=1,b=2}`, or `name` alone.
#[derive(Debug, Clone)]
pub struct Scrape {
    pub text: String,
    pub samples: BTreeMap<String, f64>,
}

impl Scrape {
    pub async fn of(admin: &Http) -> Self {
        let answer = send(admin.get("/metrics")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        Self::parse(answer.body)
    }

    pub fn parse(text: String) -> Self {
        assert!(text.ends_with('\n'), "an unfinished line");
        let mut kinds: BTreeMap<String, String> = BTreeMap::new();
        let (mut described, mut ended) = (BTreeSet::new(), BTreeSet::new());
        let mut samples = BTreeMap::new();
        let mut family = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a text");
                assert!(!help.is_empty() && described.insert(name.to_owned()));
                assert!(!ended.contains(name), "{name} comes twice");
                ended.insert(std::mem::replace(&mut family, name.to_owned()));
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(name, family, "a type without a text before it");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none());
            } else {
                let (name, labels, value) = sample(line);
                let kind = kinds.get(&family).expect("a type before its samples");
                let own = match (kind.as_str(), name.strip_prefix(family.as_str())) {
                    ("histogram", Some("_bucket" | "_sum" | "_count")) => true,
                    (_, suffix) => kind != "histogram" && suffix == Some(""),
                };
                assert!(own, "{line} among the samples of {family}");
                assert!(kind == "gauge" || value >= 0.0, "{line}");
                let labels: Vec<String> = labels
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                let series = match labels.is_empty() {
                    true => name.to_owned(),
                    false => format!("{name}{{{}}}", labels.join(",")),
                };
                assert!(samples.insert(series, value).is_none(), "twice: {line}");
            }
        }
        let scrape = Self { text, samples };
        for (name, _) in kinds.iter().filter(|(_, kind)| *kind == "histogram") {
            scrape.assert_histogram(name);
        }
        scrape
    }

    /// Zero where there is no such series.
    pub fn value(&self, series: &str) -> f64 {
        self.samples.get(series).copied().unwrap_or(0.0)
    }

    /// The counters that are not what they were, with the difference.
    pub fn counted_since(&self, before: &Self) -> BTreeMap<String, f64> {
        let counters = self.samples.iter().filter(|(series, _)| {
            let name = series.split('{').next().unwrap_or_default();
            name.ends_with("_total")
        });
        let differences =
            counters.map(|(series, value)| (series.clone(), value - before.value(series)));
        differences.filter(|(_, by)| *by != 0.0).collect()
    }

    /// Buckets grow, and the last one counts everything.
    fn assert_histogram(&self, name: &str) {
        let counts = format!("{name}_count");
        let of = |series: &&String| series.split('{').next() == Some(counts.as_str());
        for series in self.samples.keys().filter(of) {
            let labels = series.split_once('{').map_or("", |(_, labels)| labels);
            let labels = labels.trim_end_matches('}');
            let mut buckets: Vec<(f64, f64)> = Vec::new();
            for (bucket, count) in &self.samples {
                let Some(rest) = bucket.strip_prefix(&format!("{name}_bucket{{le=")) else {
                    continue;
                };
                let rest = rest.trim_end_matches('}');
                let (le, others) = rest.split_once(',').unwrap_or((rest, ""));
                if others == labels {
                    buckets.push((number(le), *count));
                }
            }
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1));
            let last = buckets.last().expect("buckets");
            assert_eq!(*last, (f64::INFINITY, self.value(series)), "{series}");
        }
    }
}

/// `name{key="value",...} number`, labels sorted.
fn sample(line: &str) -> (&str, Vec<(String, String)>, f64) {
    let end = line.find(['{', ' ']).expect("a name");
    let (name, rest) = line.split_at(end);
    assert_name(name);
    let mut labels = Vec::new();
    let rest = match rest.strip_prefix('{') {
        None => rest,
        Some(mut rest) => loop {
            let (key, after) = rest.split_once("=\"").expect("a label");
            assert_name(key);
            // No label of ours needs an escape, so that a quotation mark is the end.
            let (value, after) = after.split_once('"').expect("the end of a value");
            assert!(!value.contains('\\'), "{line}");
            labels.push((key.to_owned(), value.to_owned()));
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => break after.strip_prefix('}').expect("the end of the labels"),
            }
        },
    };
    labels.sort();
    let keys: BTreeSet<_> = labels.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), labels.len(), "{line}");
    let value = rest.strip_prefix(' ').expect("a value");
    (name, labels, number(value))
}

fn assert_name(name: &str) {
    let fits = |c: char| c.is_ascii_lowercase() || c == '_';
    assert!(!name.is_empty() && name.chars().all(fits), "{name}");
}

fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        text => {
            let number: f64 = text.parse().unwrap_or_else(|_| panic!("{text}"));
            assert!(number.is_finite(), "{text}");
            number
        }
    }
}
