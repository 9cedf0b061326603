//! What a command asks and tells, as a struct on this side and a form on the other.

use std::fmt;

use sestina_stanza::{Datatype, Field, FieldType, Jid, Submission, Timestamp};
use zeroize::Zeroizing;

/// A struct whose fields are those of a form; made by [`fields!`](crate::fields).
pub trait Fields: Sized + Send + 'static {
    /// The fields, page by page.
    fn pages() -> Vec<Vec<Field>>;

    /// Reads it out of what was filled in; none where something is missing or not what it should be.
    fn read(given: &Submission) -> Option<Self>;

    /// Its values, all pages in one.
    fn write(&self) -> Vec<Field>;
}

/// Nothing is asked, nothing is told.
impl Fields for () {
    fn pages() -> Vec<Vec<Field>> {
        Vec::new()
    }

    fn read(_: &Submission) -> Option<Self> {
        Some(())
    }

    fn write(&self) -> Vec<Field> {
        Vec::new()
    }
}

/// A type that is a field of a form.
pub trait FieldValue: Sized + Send + 'static {
    /// The field of this name: its type, and whether it must be filled in.
    fn field(var: &str) -> Field;

    /// Reads it out of a field's values; none where there is nothing, or nothing that it can be.
    fn read(values: &[String]) -> Option<Self>;

    /// The field's values.
    fn write(&self) -> Vec<String>;
}

/// Makes structs that are forms: each field has the name by which it travels, and a label. Where a
/// form has several pages, dots stand between them.
///
/// ```
/// use sestina_core::{Fields, Lines, fields};
/// use sestina_stanza::Jid;
///
/// fields! {
///     /// A feast that is to be.
///     #[derive(Debug)]
///     pub struct Feast {
///         /// Who gives it.
///         host: Jid = "host", "Who gives it";
///         ...
///         /// Who comes.
///         guests: Option<Vec<Jid>> = "guests", "Who comes";
///         /// What the invitation says.
///         invitation: Lines = "invitation", "What the invitation says";
///     }
/// }
/// assert_eq!(Feast::pages().len(), 2);
/// ```
#[macro_export]
macro_rules! fields {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {$($(
            $(#[$doc:meta])* $field:ident: $kind:ty = $var:literal, $label:literal;
        )*)...+}
    )+) => {$(
        $(#[$meta])*
        $vis struct $name {$($(
            $(#[$doc])* $vis $field: $kind,
        )*)+}

        impl $crate::Fields for $name {
            fn pages() -> ::std::vec::Vec<::std::vec::Vec<$crate::reexport::Field>> {
                ::std::vec![$(::std::vec![$(
                    <$kind as $crate::FieldValue>::field($var).label($label),
                )*],)+]
            }

            fn read(given: &$crate::reexport::Submission) -> ::std::option::Option<Self> {
                ::std::option::Option::Some(Self {$($(
                    $field: <$kind as $crate::FieldValue>::read(
                        given.values($var).unwrap_or_default(),
                    )?,
                )*)+})
            }

            fn write(&self) -> ::std::vec::Vec<$crate::reexport::Field> {
                ::std::vec![$($({
                    let mut field = <$kind as $crate::FieldValue>::field($var).label($label);
                    field.values = $crate::FieldValue::write(&self.$field);
                    field.required = false;
                    field
                },)*)+]
            }
        }
    )+};
}

/// A value that must be there.
fn one(values: &[String]) -> Option<&str> {
    values.first().map(String::as_str).filter(|value| !value.is_empty())
}

impl FieldValue for Jid {
    fn field(var: &str) -> Field {
        Field::jid_single(var).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        Self::new(one(values)?).ok()
    }

    fn write(&self) -> Vec<String> {
        vec![self.to_string()]
    }
}

impl FieldValue for Vec<Jid> {
    fn field(var: &str) -> Field {
        Field::jid_multi(var).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        let values = values.iter().filter(|value| !value.is_empty());
        values.map(|value| Jid::new(value).ok()).collect()
    }

    fn write(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

impl FieldValue for String {
    fn field(var: &str) -> Field {
        Field::text_single(var).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        one(values).map(ToOwned::to_owned)
    }

    fn write(&self) -> Vec<String> {
        vec![self.clone()]
    }
}

/// Something that may be left out.
impl<T: FieldValue> FieldValue for Option<T> {
    fn field(var: &str) -> Field {
        Field { required: false, ..T::field(var) }
    }

    fn read(values: &[String]) -> Option<Self> {
        if values.iter().all(String::is_empty) { Some(None) } else { T::read(values).map(Some) }
    }

    fn write(&self) -> Vec<String> {
        self.as_ref().map(T::write).unwrap_or_default()
    }
}

impl FieldValue for bool {
    fn field(var: &str) -> Field {
        Field::of(FieldType::Boolean, var)
    }

    fn read(values: &[String]) -> Option<Self> {
        match one(values) {
            Some("1" | "true") => Some(true),
            Some("0" | "false") | None => Some(false),
            Some(_) => None,
        }
    }

    fn write(&self) -> Vec<String> {
        vec![if *self { "1" } else { "0" }.to_owned()]
    }
}

impl FieldValue for u32 {
    fn field(var: &str) -> Field {
        let datatype = Datatype::Integer { min: 0, max: Self::MAX.into() };
        Field::text_single(var).datatype(datatype).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        one(values)?.parse().ok()
    }

    fn write(&self) -> Vec<String> {
        vec![self.to_string()]
    }
}

impl FieldValue for Timestamp {
    fn field(var: &str) -> Field {
        Field::text_single(var).datatype(Datatype::DateTime).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        one(values)?.parse().ok()
    }

    fn write(&self) -> Vec<String> {
        vec![self.to_string()]
    }
}

/// A text of several lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(pub String);

impl FieldValue for Lines {
    fn field(var: &str) -> Field {
        Field::text_multi(var).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        let text = values.join("\n");
        (!text.trim().is_empty()).then_some(Self(text))
    }

    fn write(&self) -> Vec<String> {
        self.0.split('\n').map(ToOwned::to_owned).collect()
    }
}

/// A password: not shown where it is typed, nor in any log, and never told again.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// What it is.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl FieldValue for Secret {
    fn field(var: &str) -> Field {
        Field::text_private(var).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        one(values).map(|value| Self(Zeroizing::new(value.to_owned())))
    }

    fn write(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use sestina_stanza::DataForm;

    use super::*;

    crate::fields! {
        #[derive(Debug)]
        struct Feast {
            host: Jid = "host", "Host";
            masked: bool = "masked", "Masked";
            ...
            guests: Option<Vec<Jid>> = "guests", "Guests";
            dances: Option<u32> = "dances", "Dances";
            words: Lines = "words", "Words";
            password: Option<Secret> = "password", "Password";
        }
    }

    fn read(filled_in: DataForm) -> Option<Feast> {
        let mut form = DataForm::form("f");
        form.fields.extend(Feast::pages().into_iter().flatten());
        Feast::read(&form.validate(&filled_in).ok()?)
    }

    #[test]
    fn a_form_is_read_as_it_was_written() {
        let filled_in = DataForm::submit("f")
            .field(Field::new("host").value("Capulet@Capulet.example"))
            .field(Field::new("guests").values(["paris@capulet.example"]))
            .field(Field::new("dances").value("3"))
            .field(Field::new("password").value("rose"))
            .field(Field::new("words").values(["Come,", "dance"]));
        let feast = read(filled_in).unwrap();
        assert_eq!(feast.words, Lines("Come,\ndance".to_owned()));
        assert_eq!(feast.password.as_ref().map(Secret::reveal), Some("rose"));
        assert!(!format!("{feast:?}").contains("rose"));
        let written: Vec<_> = feast.write().into_iter().map(|field| field.values).collect();
        let expected: [&[&str]; 6] = [
            &["capulet@capulet.example"],
            &["0"],
            &["paris@capulet.example"],
            &["3"],
            &["Come,", "dance"],
            &[],
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_missing_or_wrong_makes_no_struct() {
        let good = |host: &str| DataForm::submit("f").field(Field::new("host").value(host));
        let words = || Field::new("words").value("Come");
        assert!(read(good("a@b").field(words())).is_some());
        assert!(read(good("@").field(words())).is_none());
        assert!(read(good("a@b")).is_none());
        assert!(read(good("a@b").field(words()).field(Field::new("dances").value("-1"))).is_none());
        assert!(read(good("a@b").field(words()).field(Field::new("masked").value("x"))).is_none());
    }
}
