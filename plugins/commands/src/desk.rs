//! What one client has begun and not ended.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use sestina_core::Server;
use sestina_stanza::{DataForm, FieldType, FormType};

/// The commands that one session has begun; it goes when the session goes, and no other session's
/// hand reaches it.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Drawers>);

#[derive(Debug, Default)]
struct Drawers {
    /// What the names of its commands begin with.
    name: String,
    /// How many commands were begun here.
    begun: u64,
    ongoing: VecDeque<(Duration, Ongoing)>,
}

/// Why there is no command of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It was here and has ended.
    Over,
    /// It never was.
    Unknown,
}

impl Desk {
    /// A name for a command that is begun.
    pub(crate) fn name(&self, server: &Server) -> String {
        let mut drawers = self.0.lock();
        if drawers.name.is_empty() {
            drawers.name = server.random_name();
        }
        drawers.begun += 1;
        format!("{}-{}", drawers.name, drawers.begun)
    }

    /// Takes out a command to go on with it.
    pub(crate) fn take(&self, id: &str, node: &str, now: Duration) -> Result<Ongoing, Gone> {
        let mut drawers = self.0.lock();
        drawers.ongoing.retain(|(until, _)| *until > now);
        match drawers.ongoing.iter().position(|(_, ongoing)| ongoing.id == id) {
            Some(at) => match drawers.ongoing.remove(at) {
                Some((_, ongoing)) if ongoing.node == node => Ok(ongoing),
                other => {
                    // It is another command's, and stays.
                    drawers.ongoing.extend(other);
                    Err(Gone::Unknown)
                }
            },
            None if drawers.gave(id) => Err(Gone::Over),
            None => Err(Gone::Unknown),
        }
    }

    /// Lays a command down until somebody goes on with it; the oldest gives way to one too many.
    pub(crate) fn lay(&self, ongoing: Ongoing, until: Duration, most: usize) {
        let mut drawers = self.0.lock();
        while drawers.ongoing.len() >= most {
            drawers.ongoing.pop_front();
        }
        drawers.ongoing.push_back((until, ongoing));
    }
}

impl Drawers {
    /// Whether a command of this name was begun here.
    fn gave(&self, id: &str) -> bool {
        let number = id.strip_prefix(&*self.name).and_then(|rest| rest.strip_prefix('-'));
        let number = number.and_then(|number| number.parse::<u64>().ok());
        number.is_some_and(|number| {
            (1..=self.begun).contains(&number) && id == format!("{}-{number}", self.name)
        })
    }
}

/// A command that was begun, at one of its pages.
#[derive(Debug)]
pub(crate) struct Ongoing {
    id: String,
    node: &'static str,
    /// What is asked, filled in with what was answered; never empty.
    pages: Vec<DataForm>,
    at: usize,
}

impl Ongoing {
    pub(crate) fn new(id: String, node: &'static str, pages: Vec<DataForm>) -> Self {
        Self { id, node, pages, at: 0 }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn is_first(&self) -> bool {
        self.at == 0
    }

    pub(crate) fn is_last(&self) -> bool {
        self.at + 1 >= self.pages.len()
    }

    /// Goes one page back, if there is one.
    pub(crate) fn back(&mut self) -> bool {
        let can = self.at > 0;
        self.at = self.at.saturating_sub(1);
        can
    }

    /// Goes one page forth, if there is one.
    pub(crate) fn forth(&mut self) {
        if !self.is_last() {
            self.at += 1;
        }
    }

    /// The page that is shown. What is not shown where it is typed does not come back.
    pub(crate) fn page(&self) -> DataForm {
        let mut page = self.pages.get(self.at).cloned();
        for field in page.iter_mut().flat_map(|page| &mut page.fields) {
            if field.kind == Some(FieldType::TextPrivate) {
                field.values.clear();
            }
        }
        page.unwrap_or_else(|| DataForm::new(FormType::Form))
    }

    /// Takes the answers to the page that is shown; says what is wrong with them.
    pub(crate) fn answer(&mut self, form: Option<DataForm>) -> Result<(), String> {
        let form = form.ok_or_else(|| "the form is missing".to_owned())?;
        // XEP-0050 §4.5.1: a form that is given up counts as one that is filled in.
        let kind = match form.kind {
            FormType::Cancel => FormType::Submit,
            kind => kind,
        };
        let Some(page) = self.pages.get_mut(self.at) else { return Ok(()) };
        let given = page.validate(&DataForm { kind, ..form }).map_err(|wrong| wrong.to_string())?;
        for field in &mut page.fields {
            let Some(var) = &field.var else { continue };
            if !matches!(field.kind, Some(FieldType::Hidden | FieldType::Fixed)) {
                field.values = given.values(var).unwrap_or_default().to_vec();
            }
        }
        Ok(())
    }

    /// The answers to all pages.
    pub(crate) fn answers(&self) -> DataForm {
        let mut answers = DataForm::new(FormType::Submit);
        answers.fields = self.pages.iter().flat_map(|page| page.fields.clone()).collect();
        answers
    }
}
