//! Fields of a form.

use crate::Timestamp;

/// How a field is shown and what it takes (XEP-0004 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Yes or no.
    Boolean,
    /// Words for people only.
    Fixed,
    /// Not shown, but sent back.
    Hidden,
    /// Several addresses.
    JidMulti,
    /// One address.
    JidSingle,
    /// Several of those offered.
    ListMulti,
    /// One of those offered.
    ListSingle,
    /// Several lines.
    TextMulti,
    /// One line, not shown.
    TextPrivate,
    /// One line; also what leaving the type out means.
    TextSingle,
}

impl FieldType {
    /// The type as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Fixed => "fixed",
            Self::Hidden => "hidden",
            Self::JidMulti => "jid-multi",
            Self::JidSingle => "jid-single",
            Self::ListMulti => "list-multi",
            Self::ListSingle => "list-single",
            Self::TextMulti => "text-multi",
            Self::TextPrivate => "text-private",
            Self::TextSingle => "text-single",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "fixed" => Self::Fixed,
            "hidden" => Self::Hidden,
            "jid-multi" => Self::JidMulti,
            "jid-single" => Self::JidSingle,
            "list-multi" => Self::ListMulti,
            "list-single" => Self::ListSingle,
            "text-multi" => Self::TextMulti,
            "text-private" => Self::TextPrivate,
            "text-single" => Self::TextSingle,
            _ => return None,
        })
    }

    /// Whether it takes more than one value.
    pub const fn is_multi(self) -> bool {
        matches!(self, Self::Fixed | Self::JidMulti | Self::ListMulti | Self::TextMulti)
    }
}

/// What the text of a field stands for (XEP-0122 §3), beyond plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Datatype {
    /// `xs:boolean`
    Boolean,
    /// `xs:dateTime`
    DateTime,
    /// `xs:decimal`
    Decimal,
    /// `xs:integer` within these bounds, both included.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
}

impl Datatype {
    /// Any integer this type can hold.
    pub const INTEGER: Self = Self::Integer { min: i64::MIN, max: i64::MAX };

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "xs:boolean",
            Self::DateTime => "xs:dateTime",
            Self::Decimal => "xs:decimal",
            Self::Integer { .. } => "xs:integer",
        }
    }

    pub(super) fn admits(self, text: &str) -> bool {
        match self {
            Self::Boolean => super::parse_boolean(text).is_some(),
            Self::DateTime => text.parse::<Timestamp>().is_ok(),
            Self::Decimal => is_decimal(text),
            Self::Integer { min, max } => {
                text.parse::<i64>().is_ok_and(|number| (min..=max).contains(&number))
            }
        }
    }
}

/// An optional sign, digits, and a point among or around them; no exponent.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// One of those offered by a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is shown; the value where there is none.
    pub label: Option<String>,
    /// What is sent.
    pub value: String,
}

impl From<&str> for Choice {
    fn from(value: &str) -> Self {
        Self { label: None, value: value.to_owned() }
    }
}

impl From<(&str, &str)> for Choice {
    /// From value and label.
    fn from((value, label): (&str, &str)) -> Self {
        Self { label: Some(label.to_owned()), value: value.to_owned() }
    }
}

/// A field of a form; without a type in one that is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// How it is shown and what it takes.
    pub kind: Option<FieldType>,
    /// Its name; only words for people have none.
    pub var: Option<String>,
    /// What it is called, for people.
    pub label: Option<String>,
    /// What it is for, for people.
    pub desc: Option<String>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What its text stands for.
    pub datatype: Option<Datatype>,
    /// Those offered by a list.
    pub options: Vec<Choice>,
    /// What it holds.
    pub values: Vec<String>,
}

impl Field {
    /// A field of this name without a type, as one fills it in.
    pub fn new(var: impl Into<String>) -> Self {
        Self { var: Some(var.into()), ..Self::default() }
    }

    /// A field of this name and type.
    pub fn of(kind: FieldType, var: impl Into<String>) -> Self {
        Self { kind: Some(kind), ..Self::new(var) }
    }

    /// The hidden field that says what the form is for (XEP-0068).
    pub fn form_type(form_type: &str) -> Self {
        Self::hidden(super::FORM_TYPE, form_type)
    }

    /// Yes or no.
    pub fn boolean(var: impl Into<String>, value: bool) -> Self {
        Self::of(FieldType::Boolean, var).value(if value { "1" } else { "0" })
    }

    /// Words for people.
    pub fn fixed(text: impl Into<String>) -> Self {
        Self { kind: Some(FieldType::Fixed), ..Self::default() }.value(text)
    }

    /// A value that comes back as it is.
    pub fn hidden(var: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of(FieldType::Hidden, var).value(value)
    }

    /// One address.
    pub fn jid_single(var: impl Into<String>) -> Self {
        Self::of(FieldType::JidSingle, var)
    }

    /// Several addresses.
    pub fn jid_multi(var: impl Into<String>) -> Self {
        Self::of(FieldType::JidMulti, var)
    }

    /// One of those offered.
    pub fn list_single<C: Into<Choice>>(
        var: impl Into<String>,
        options: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::of(FieldType::ListSingle, var).options(options)
    }

    /// Several of those offered.
    pub fn list_multi<C: Into<Choice>>(
        var: impl Into<String>,
        options: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::of(FieldType::ListMulti, var).options(options)
    }

    /// Several lines.
    pub fn text_multi(var: impl Into<String>) -> Self {
        Self::of(FieldType::TextMulti, var)
    }

    /// One line that is not shown.
    pub fn text_private(var: impl Into<String>) -> Self {
        Self::of(FieldType::TextPrivate, var)
    }

    /// One line.
    pub fn text_single(var: impl Into<String>) -> Self {
        Self::of(FieldType::TextSingle, var)
    }

    /// Says what it is called.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says what it is for.
    #[must_use]
    pub fn desc(mut self, desc: impl Into<String>) -> Self {
        self.desc = Some(desc.into());
        self
    }

    /// Demands that it be filled in.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Says what its text stands for.
    #[must_use]
    pub const fn datatype(mut self, datatype: Datatype) -> Self {
        self.datatype = Some(datatype);
        self
    }

    /// Adds to those offered.
    #[must_use]
    pub fn options<C: Into<Choice>>(mut self, options: impl IntoIterator<Item = C>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Adds a value.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds values.
    #[must_use]
    pub fn values<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }
}
