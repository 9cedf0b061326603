//! Data forms (XEP-0004).

mod field;
mod validate;
mod wire;

pub use self::field::{Choice, Datatype, Field, FieldType};
pub use self::validate::{FieldError, FieldFault, FormErrors, Submission};

/// The name of the field that says what a form is for (XEP-0068).
pub const FORM_TYPE: &str = "FORM_TYPE";

/// What a form is at: asked, answered, given up, or a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormType {
    /// The asked one gives up.
    Cancel,
    /// Asks to be filled in.
    Form,
    /// Reports data.
    Result,
    /// Filled in.
    Submit,
}

impl FormType {
    /// The type as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Form => "form",
            Self::Result => "result",
            Self::Submit => "submit",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "cancel" => Some(Self::Cancel),
            "form" => Some(Self::Form),
            "result" => Some(Self::Result),
            "submit" => Some(Self::Submit),
            _ => None,
        }
    }
}

/// A form to fill in, filled in, or reported: `<x xmlns='jabber:x:data'/>`.
///
/// # Examples
///
/// ```
/// use sestina_stanza::{DataForm, Field, FieldFault};
///
/// let form = DataForm::form("jabber:iq:register")
///     .title("A new account")
///     .field(Field::text_single("username").label("Name").required())
///     .field(Field::list_single("size", ["small", "large"]).value("small"));
///
/// let filled_in = DataForm::submit("jabber:iq:register")
///     .field(Field::new("username").value("juliet"))
///     .field(Field::new("size").value("huge"));
/// let errors = form.validate(&filled_in).unwrap_err();
/// assert_eq!(errors.fields()[0].var, "size");
/// assert_eq!(errors.fields()[0].fault, FieldFault::NotOffered);
///
/// let filled_in = DataForm::submit("jabber:iq:register")
///     .field(Field::new("username").value("juliet"));
/// let submission = form.validate(&filled_in)?;
/// assert_eq!(submission.value("username"), Some("juliet"));
/// assert_eq!(submission.value("size"), None);
/// # Ok::<(), sestina_stanza::FormErrors>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataForm {
    /// What the form is at.
    pub kind: FormType,
    /// Its title, for people.
    pub title: Option<String>,
    /// What to do with it, for people, in paragraphs.
    pub instructions: Vec<String>,
    /// Its fields in their order, [`FORM_TYPE`] included.
    pub fields: Vec<Field>,
    /// The columns of a report with several items.
    pub reported: Vec<Field>,
    /// The rows of a report with several items.
    pub items: Vec<Vec<Field>>,
}

impl DataForm {
    /// An empty form of this kind.
    pub const fn new(kind: FormType) -> Self {
        Self {
            kind,
            title: None,
            instructions: Vec::new(),
            fields: Vec::new(),
            reported: Vec::new(),
            items: Vec::new(),
        }
    }

    /// A form to be filled in, for this purpose (XEP-0068).
    pub fn form(form_type: &str) -> Self {
        Self::new(FormType::Form).field(Field::form_type(form_type))
    }

    /// A form filled in, for this purpose (XEP-0068).
    pub fn submit(form_type: &str) -> Self {
        Self::new(FormType::Submit).field(Field::form_type(form_type))
    }

    /// A report, of this purpose (XEP-0068).
    pub fn result(form_type: &str) -> Self {
        Self::new(FormType::Result).field(Field::form_type(form_type))
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds a paragraph of instructions.
    #[must_use]
    pub fn instructions(mut self, paragraph: impl Into<String>) -> Self {
        self.instructions.push(paragraph.into());
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// What the form is for, where it says so.
    pub fn form_type(&self) -> Option<&str> {
        self.value(FORM_TYPE)
    }

    /// The field of this name.
    pub fn find(&self, var: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.var.as_deref() == Some(var))
    }

    /// The first value of the field of this name.
    pub fn value(&self, var: &str) -> Option<&str> {
        self.values(var).first().map(String::as_str)
    }

    /// The values of the field of this name; none where there is no such field.
    pub fn values(&self, var: &str) -> &[String] {
        self.find(var).map_or(&[], |field| &field.values)
    }

    /// The truth value of the field of this name, where it has one.
    pub fn is_true(&self, var: &str) -> Option<bool> {
        parse_boolean(self.value(var)?)
    }
}

/// XEP-0004 §3.3: `1`, `true`, `0` and `false`.
fn parse_boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}
