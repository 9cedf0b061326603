//! What is measured, for the page that draws it.

use serde::Serialize;

/// Whoever measures something, and tells it when asked.
pub trait Figures: Send + Sync + 'static {
    /// What is measured, as it stands now.
    fn figures(&self) -> Vec<Figure>;
}

impl<F: Fn() -> Vec<Figure> + Send + Sync + 'static> Figures for F {
    fn figures(&self) -> Vec<Figure> {
        self()
    }
}

/// Something that is measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figure {
    /// Its name, which stays the same.
    pub name: String,
    /// What it is, for people.
    pub label: String,
    /// What it is counted in, such as `stanzas` or `s`; empty for plain numbers.
    pub unit: String,
    /// What kind of number it is.
    pub kind: Kind,
    /// The number.
    pub value: f64,
    /// How many it is the sum of, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<f64>,
}

/// What kind of number a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It only grows: how fast is what matters.
    Total,
    /// It goes up and down.
    Level,
    /// A sum of many: how large one of them is on average is what matters.
    Mean,
}

impl Figure {
    /// Something that only grows.
    #[must_use]
    pub fn total(name: &str, label: &str, unit: &str, value: f64) -> Self {
        Self::new(name, label, unit, Kind::Total, value)
    }

    /// Something that goes up and down.
    #[must_use]
    pub fn level(name: &str, label: &str, unit: &str, value: f64) -> Self {
        Self::new(name, label, unit, Kind::Level, value)
    }

    /// A sum that only grows, and of how many, such as the seconds that all requests have taken.
    #[must_use]
    pub fn mean(name: &str, label: &str, unit: &str, sum: f64, of: f64) -> Self {
        Self { of: Some(of), ..Self::new(name, label, unit, Kind::Mean, sum) }
    }

    fn new(name: &str, label: &str, unit: &str, kind: Kind, value: f64) -> Self {
        let (name, label, unit) = (name.to_owned(), label.to_owned(), unit.to_owned());
        Self { name, label, unit, kind, value, of: None }
    }
}
