//! What a command tells when it is done.

use sestina_stanza::DataForm;

use super::Fields;

/// What a command tells when it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Words for people.
    pub notes: Vec<Note>,
    /// What was found out.
    pub form: Option<DataForm>,
}

/// Words for people (XEP-0050 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much they matter.
    pub severity: Severity,
    /// What they say.
    pub text: String,
}

/// How much words matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// To know.
    Info,
    /// To think about.
    Warn,
    /// Something was not done.
    Error,
}

impl Severity {
    /// The name as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Report {
    /// Nothing to tell but that it is done.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds words to know.
    #[must_use]
    pub fn note(self, text: impl Into<String>) -> Self {
        self.with(Severity::Info, text.into())
    }

    /// Adds words about what was not done.
    #[must_use]
    pub fn error(self, text: impl Into<String>) -> Self {
        self.with(Severity::Error, text.into())
    }

    fn with(mut self, severity: Severity, text: String) -> Self {
        self.notes.push(Note { severity, text });
        self
    }
}

/// What a command may return.
pub trait IntoReport: Send {
    /// Tells it, as a form of this purpose (XEP-0068) where it is one.
    fn into_report(self, form_type: &str) -> Report;
}

impl IntoReport for Report {
    fn into_report(self, _: &str) -> Report {
        self
    }
}

/// Words for people.
impl IntoReport for String {
    fn into_report(self, _: &str) -> Report {
        Report::new().note(self)
    }
}

/// Words for people.
impl IntoReport for &'static str {
    fn into_report(self, _: &str) -> Report {
        Report::new().note(self)
    }
}

impl IntoReport for DataForm {
    fn into_report(self, _: &str) -> Report {
        Report { form: Some(self), ..Report::default() }
    }
}

/// What was found out, as a form.
impl<T: Fields> IntoReport for T {
    fn into_report(self, form_type: &str) -> Report {
        let fields = self.write();
        let mut form = DataForm::result(form_type);
        let tells = !fields.is_empty();
        form.fields.extend(fields);
        Report { form: tells.then_some(form), ..Report::default() }
    }
}
