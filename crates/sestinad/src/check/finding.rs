//! What a check has found.

use std::fmt;

use serde::Serialize;

use crate::config::{Place, Problem};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// As it should be.
    Good,
    /// It could not be found out.
    Unknown,
    /// It works, and is worth a thought.
    Warning,
    /// Somebody will miss something.
    Wrong,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// The key that has to do with it, or a word for the part of the machine.
    pub(crate) at: String,
    pub(crate) what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Findings {
    findings: Vec<Finding>,
}

impl Finding {
    fn new(severity: Severity, at: impl Into<String>, what: String) -> Self {
        Self { severity, at: at.into(), what, mend: None }
    }

    pub(crate) fn wrong(at: impl Into<String>, what: String) -> Self {
        Self::new(Severity::Wrong, at, what)
    }

    pub(crate) fn warning(at: impl Into<String>, what: String) -> Self {
        Self::new(Severity::Warning, at, what)
    }

    pub(crate) fn unknown(at: impl Into<String>, what: String) -> Self {
        Self::new(Severity::Unknown, at, what)
    }

    /// What to do about it.
    pub(crate) fn mend(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }

    pub(crate) fn of_problem(problem: &Problem) -> Self {
        let at = problem.key.clone().unwrap_or_else(|| "configuration".to_owned());
        let mend = match &problem.place {
            Place::File(file, line) => format!("change line {line} of {}", file.display()),
            Place::Whole(file) => format!("change {}", file.display()),
            Place::Variable(name) => format!("change the environment variable {name}"),
            Place::Flag(name) => format!("change the flag {name}"),
            Place::Together => "set the key".to_owned(),
        };
        Self::wrong(at, problem.what.clone()).mend(mend)
    }
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(crate) fn good(&mut self, at: impl Into<String>, what: String) {
        self.add(Finding::new(Severity::Good, at, what));
    }

    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|it| it.severity == severity).count()
    }

    pub(crate) fn json(&self) -> String {
        // Strings and names: there is nothing that could not be written.
        serde_json::to_string_pretty(self).map(|json| json + "\n").unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { severity, at, what, mend } in &self.findings {
            let severity = match severity {
                Severity::Good => "good",
                Severity::Unknown => "unknown",
                Severity::Warning => "warning",
                Severity::Wrong => "wrong",
            };
            writeln!(f, "{severity:<8} {at}: {what}")?;
            if let Some(mend) = mend {
                writeln!(f, "{:<8} → {mend}", "")?;
            }
        }
        let [good, unknown, warnings, wrong] =
            [Severity::Good, Severity::Unknown, Severity::Warning, Severity::Wrong]
                .map(|severity| self.count(severity));
        writeln!(f, "\n{wrong} wrong, {warnings} to think about, {unknown} unknown, {good} good")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What was found, each as its severity and its words.
    pub(crate) fn found(look: impl FnOnce(&mut Findings)) -> Vec<(Severity, String)> {
        let mut findings = Findings::default();
        look(&mut findings);
        let told = |it: &Finding| {
            let mend = it.mend.as_deref().unwrap_or_default();
            assert!(
                matches!(it.severity, Severity::Good | Severity::Unknown) || !mend.is_empty(),
                "{it:?} has no mend"
            );
            (it.severity, format!("{}: {} → {mend}", it.at, it.what))
        };
        findings.all().iter().map(told).collect()
    }

    #[test]
    fn findings_are_lines_or_json() {
        let mut findings = Findings::default();
        findings.good("clock", "fine".to_owned());
        findings.add(Finding::wrong("data", "is not there".to_owned()).mend("make it"));
        assert_eq!(
            findings.to_string(),
            "good     clock: fine\nwrong    data: is not there\n         → make it\n\n\
             1 wrong, 0 to think about, 0 unknown, 1 good\n"
        );
        let json: serde_json::Value = serde_json::from_str(&findings.json()).unwrap();
        assert_eq!(json["findings"][1]["severity"], "wrong");
        assert_eq!(json["findings"][1]["mend"], "make it");
        assert!(json["findings"][0].get("mend").is_none());
    }
}
