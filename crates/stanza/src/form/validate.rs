//! Whether a form is filled in as it asks.

use std::collections::HashSet;
use std::fmt;

use super::{DataForm, FORM_TYPE, Field, FieldType, FormType, parse_boolean};
use crate::{Condition, Jid, StanzaError};

impl DataForm {
    /// Checks what was filled in against this form, which asked for it.
    ///
    /// Fields that this form does not ask for are dropped, the values of the others are as they were
    /// sent, except that those of addresses are in their normal form. Fields left out stay out:
    /// the values of the form are suggestions and not defaults.
    ///
    /// # Errors
    ///
    /// Every field that is not filled in as it asks, each with what is wrong.
    pub fn validate(&self, filled_in: &Self) -> Result<Submission, FormErrors> {
        let mut errors = Vec::new();
        let mut fields = Vec::new();
        if filled_in.kind != FormType::Submit {
            errors.push(FieldError { var: String::new(), fault: FieldFault::NotSubmitted });
        }
        // XEP-0068 §3: a form of another purpose is another form. Old clients leave it out.
        if let (Some(asked), Some(sent)) = (self.form_type(), filled_in.form_type())
            && asked != sent
        {
            errors.push(FieldError { var: FORM_TYPE.to_owned(), fault: FieldFault::OtherForm });
        }
        for field in &self.fields {
            let Some(var) = field.var.as_deref() else { continue };
            if field.kind == Some(FieldType::Fixed) || var == FORM_TYPE {
                continue;
            }
            let sent = filled_in.find(var);
            match judge(field, sent.map_or(&[], |sent| &sent.values)) {
                Ok(values) if sent.is_some() => fields.push((var.to_owned(), values)),
                Ok(_) => {}
                Err(fault) => errors.push(FieldError { var: var.to_owned(), fault }),
            }
        }
        if errors.is_empty() { Ok(Submission { fields }) } else { Err(FormErrors(errors)) }
    }
}

fn judge(field: &Field, values: &[String]) -> Result<Vec<String>, FieldFault> {
    let kind = field.kind.unwrap_or(FieldType::TextSingle);
    if values.iter().all(String::is_empty) {
        return if field.required { Err(FieldFault::Missing) } else { Ok(values.to_vec()) };
    }
    if !kind.is_multi() && values.len() > 1 {
        return Err(FieldFault::TooMany);
    }
    let mut values = values.to_vec();
    let offered =
        || -> HashSet<&str> { field.options.iter().map(|option| option.value.as_str()).collect() };
    match kind {
        FieldType::Boolean if values.iter().any(|value| parse_boolean(value).is_none()) => {
            return Err(FieldFault::NotBoolean);
        }
        FieldType::JidSingle | FieldType::JidMulti => {
            for value in &mut values {
                let jid = Jid::new(value.trim()).map_err(|_| FieldFault::NotAddress)?;
                *value = jid.as_str().to_owned();
            }
        }
        FieldType::ListSingle | FieldType::ListMulti => {
            let offered = offered();
            if values.iter().any(|value| !offered.contains(value.as_str())) {
                return Err(FieldFault::NotOffered);
            }
        }
        _ => {}
    }
    if matches!(kind, FieldType::JidMulti | FieldType::ListMulti) {
        // XEP-0004 §3.3: nothing is named twice.
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(value.clone()));
    }
    match field.datatype {
        Some(datatype) if !values.iter().all(|value| datatype.admits(value)) => {
            Err(FieldFault::OutOfRange)
        }
        _ => Ok(values),
    }
}

/// What was filled in, found to be as the form asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    fields: Vec<(String, Vec<String>)>,
}

impl Submission {
    /// The first value of a field; none where it was left out or empty.
    pub fn value(&self, var: &str) -> Option<&str> {
        self.values(var)?.first().map(String::as_str)
    }

    /// The values of a field; none where it was left out.
    pub fn values(&self, var: &str) -> Option<&[String]> {
        self.fields.iter().find(|(name, _)| name == var).map(|(_, values)| &**values)
    }

    /// The truth value of a field; none where it was left out.
    pub fn is_true(&self, var: &str) -> Option<bool> {
        parse_boolean(self.value(var)?)
    }

    /// The fields that were filled in, in the order of the form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.fields.iter().map(|(var, values)| (&**var, &**values))
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the field; empty where the whole form is wrong.
    pub var: String,
    /// What is wrong.
    pub fault: FieldFault,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldFault {
    /// It has to be filled in.
    Missing,
    /// It is no address.
    NotAddress,
    /// It is neither yes nor no.
    NotBoolean,
    /// It is none of those offered.
    NotOffered,
    /// The form was not sent as filled in.
    NotSubmitted,
    /// It is another form.
    OtherForm,
    /// It is not of its datatype, or beyond its bounds.
    OutOfRange,
    /// It takes one value only.
    TooMany,
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "has to be filled in",
            Self::NotAddress => "is no address",
            Self::NotBoolean => "is neither yes nor no",
            Self::NotOffered => "is none of those offered",
            Self::NotSubmitted => "the form was not sent as filled in",
            Self::OtherForm => "is of another form",
            Self::OutOfRange => "is not of its type, or beyond its bounds",
            Self::TooMany => "takes one value only",
        })
    }
}

/// What is wrong with a form that was filled in, field by field; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormErrors(Vec<FieldError>);

impl FormErrors {
    /// The fields that are wrong, in the order of the form.
    pub fn fields(&self) -> &[FieldError] {
        &self.0
    }
}

impl fmt::Display for FormErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            match error.var.as_str() {
                "" => write!(f, "{separator}{}", error.fault)?,
                var => write!(f, "{separator}'{var}' {}", error.fault)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for FormErrors {}

impl From<FormErrors> for StanzaError {
    fn from(errors: FormErrors) -> Self {
        Self::new(Condition::NotAcceptable).with_text(errors.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Datatype;

    fn check(field: Field, values: &[&str]) -> Result<Vec<String>, FieldFault> {
        let form = DataForm::form("f").field(Field { var: Some("v".into()), ..field });
        let sent = DataForm::submit("f").field(Field::new("v").values(values.iter().copied()));
        match form.validate(&sent) {
            Ok(submission) => Ok(submission.values("v").expect("sent").to_vec()),
            Err(errors) => Err(errors.fields()[0].fault),
        }
    }

    #[test]
    fn each_type_takes_what_it_says() {
        use FieldFault::{Missing, NotAddress, NotBoolean, NotOffered, OutOfRange, TooMany};
        let list = || Field::list_single("v", ["a", "b"]);
        let many = || Field::list_multi("v", ["a", "b"]);
        let number = Datatype::Integer { min: 1, max: 9 };
        type Case<'a> = (Field, &'a [&'a str], Result<&'a [&'a str], FieldFault>);
        let cases: [Case<'_>; 22] = [
            (Field::boolean("v", false), &["true"], Ok(&["true"])),
            (Field::boolean("v", false), &["yes"], Err(NotBoolean)),
            (Field::text_single("v"), &["a", "b"], Err(TooMany)),
            (Field::text_single("v").required(), &[], Err(Missing)),
            (Field::text_single("v").required(), &[""], Err(Missing)),
            (Field::text_single("v"), &[""], Ok(&[""])),
            (Field::text_multi("v"), &["a", "", "b"], Ok(&["a", "", "b"])),
            (Field::text_private("v"), &["a", "b"], Err(TooMany)),
            (Field::hidden("v", "1"), &["2"], Ok(&["2"])),
            (Field::jid_single("v"), &["A@B/c"], Ok(&["a@b/c"])),
            (Field::jid_single("v"), &["a@"], Err(NotAddress)),
            (Field::jid_multi("v"), &["A@b", "a@b", "c"], Ok(&["a@b", "c"])),
            (list(), &["b"], Ok(&["b"])),
            (list(), &["c"], Err(NotOffered)),
            (list(), &["a", "b"], Err(TooMany)),
            (many(), &["a", "b", "a"], Ok(&["a", "b"])),
            (many(), &["a", "c"], Err(NotOffered)),
            (Field::text_single("v").datatype(number), &["9"], Ok(&["9"])),
            (Field::text_single("v").datatype(number), &["10"], Err(OutOfRange)),
            (Field::text_single("v").datatype(number), &["x"], Err(OutOfRange)),
            (Field::text_single("v").datatype(Datatype::Decimal), &["-1.50"], Ok(&["-1.50"])),
            (Field::text_single("v").datatype(Datatype::Decimal), &["."], Err(OutOfRange)),
        ];
        for (field, values, outcome) in cases {
            let outcome = outcome.map(|values| values.iter().map(ToString::to_string).collect());
            assert_eq!(check(field.clone(), values), outcome, "{field:?} {values:?}");
        }
        let moment = Field::text_single("v").datatype(Datatype::DateTime);
        assert!(check(moment.clone(), &["2026-01-01T00:00:00Z"]).is_ok());
        assert_eq!(check(moment, &["today"]), Err(OutOfRange));
        let truth = Field::text_single("v").datatype(Datatype::Boolean);
        assert_eq!(check(truth, &["2"]), Err(OutOfRange));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let form = DataForm::form("f")
            .field(Field::fixed("words"))
            .field(Field::text_single("name").required())
            .field(Field::boolean("ok", true));
        let sent = DataForm::new(FormType::Form)
            .field(Field::form_type("g"))
            .field(Field::new("ok").value("maybe"))
            .field(Field::new("more").value("1"));
        let errors = form.validate(&sent).expect_err("wrong");
        assert_eq!(errors.fields().len(), 4);
        let error = StanzaError::from(errors);
        assert_eq!(error.condition(), Condition::NotAcceptable);
        assert_eq!(
            error.text(),
            Some(
                "the form was not sent as filled in; 'FORM_TYPE' is of another form; \
                 'name' has to be filled in; 'ok' is neither yes nor no",
            ),
        );
    }

    #[test]
    fn what_was_not_asked_is_dropped() {
        let form = DataForm::form("f").field(Field::boolean("ok", true));
        let sent = DataForm::new(FormType::Submit).field(Field::new("more").value("1"));
        let submission = form.validate(&sent).expect("nothing is required");
        assert_eq!(submission.iter().count(), 0);
        assert_eq!(submission.is_true("ok"), None);
    }
}
