//! As much of a reader of OpenMetrics as tells whether others can read a text.

use std::collections::{BTreeMap, BTreeSet};

/// What a text says: families by their name, and samples by name and labels.
#[derive(Debug, Default)]
pub(crate) struct Text {
    pub(crate) families: BTreeMap<String, String>,
    pub(crate) samples: BTreeMap<String, f64>,
    units: BTreeMap<String, String>,
    helped: BTreeSet<String>,
}

impl Text {
    /// Reads a text, and asserts that it keeps to the rules.
    pub(crate) fn read(text: &str) -> Self {
        let mut read = Self::default();
        let mut lines = text.lines();
        assert_eq!(lines.next_back(), Some("# EOF"));
        let mut current = String::new();
        for line in lines {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let [what, name, rest] = [(); 3].map(|()| words.next().unwrap_or_default());
                if name != current {
                    assert!(!read.families.contains_key(name), "{name} stands apart");
                    current = name.to_owned();
                }
                let new = match what {
                    "TYPE" => read.families.insert(current.clone(), rest.to_owned()).is_none(),
                    "UNIT" => read.units.insert(current.clone(), rest.to_owned()).is_none(),
                    "HELP" => read.helped.insert(current.clone()) && !rest.is_empty(),
                    _ => false,
                };
                assert!(new, "{line}");
            } else {
                read.sample(&current, line);
            }
        }
        for (name, unit) in &read.units {
            assert!(name.ends_with(unit.as_str()), "{name} is in {unit}");
        }
        assert!(read.families.keys().all(|name| read.helped.contains(name)), "{text}");
        read
    }

    fn sample(&mut self, family: &str, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
            None => (series, ""),
        };
        let kind = self.families.get(family).expect("a sample has a type before it");
        let suffix = name.strip_prefix(family).expect("a sample stands with its family");
        let fits = match kind.as_str() {
            "counter" => suffix == "_total",
            "gauge" => suffix.is_empty(),
            "histogram" => matches!(suffix, "_sum" | "_count" | "_bucket"),
            "info" => suffix == "_info",
            _ => false,
        };
        assert!(fits, "{line} is no {kind}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once("=\"").expect("a label has a value");
            assert!(key.bytes().all(|byte| byte.is_ascii_lowercase()), "{line}");
            assert!(!value.trim_end_matches('"').contains(['"', '\\', '@']), "{line}");
        }
        let value: f64 = value.parse().expect("a number");
        assert!(kind != "counter" || value >= 0.0, "{line}");
        assert!(self.samples.insert(series.to_owned(), value).is_none(), "{line} is there twice");
    }

    /// The value of a sample.
    pub(crate) fn of(&self, series: &str) -> Option<f64> {
        self.samples.get(series).copied()
    }
}
