//! What goes over the wire.

use sestina_stanza::{DataForm, Field, FormType, Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='jabber:iq:register'/>`: asked, filled in, or a wish to be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Whoever asks has an account.
    pub registered: bool,
    /// What to do, for people.
    pub instructions: Option<String>,
    /// The fields, each by its name and with what it holds.
    pub fields: Vec<(String, String)>,
    /// The same fields as a form, which outweighs them.
    pub form: Option<DataForm>,
    /// The account shall be removed.
    pub remove: bool,
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::REGISTER;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let mut query = Self::default();
        for child in element.children() {
            match (child.name(), child.namespace()) {
                ("registered", ns::REGISTER) => query.registered = true,
                ("instructions", ns::REGISTER) => {
                    query.instructions = Some(child.text().into_owned());
                }
                ("remove", ns::REGISTER) => query.remove = true,
                (name, ns::REGISTER) => {
                    query.fields.push((name.to_owned(), child.text().into_owned()));
                }
                _ if DataForm::is(child) => query.form = Some(DataForm::read(child)?),
                _ => {}
            }
        }
        // XEP-0077 §3.2
        if query.remove && element.children().count() > 1 {
            return Err(Invalid::new("<remove/> comes alone"));
        }
        Ok(query)
    }

    fn write(&self) -> Element {
        let mut query = Self::builder();
        if self.registered {
            query = query.child_with("registered", |to| to);
        }
        if let Some(instructions) = &self.instructions {
            query = query.child_with("instructions", |to| to.text(instructions));
        }
        for (name, value) in &self.fields {
            query = query.child_with(name, |to| to.text(value));
        }
        if self.remove {
            query = query.child_with("remove", |to| to);
        }
        query.child_opt(self.form.as_ref().map(Payload::write)).build()
    }
}

impl Query {
    /// What was filled in, in the one shape that is checked: the form, or else the plain fields
    /// (XEP-0077 §4).
    pub(crate) fn filled_in(&self) -> DataForm {
        match &self.form {
            Some(form) => form.clone(),
            None => {
                let mut form = DataForm::submit(ns::REGISTER);
                for (name, value) in &self.fields {
                    let known = form.fields.iter().position(|it| it.var.as_ref() == Some(name));
                    match known.and_then(|at| form.fields.get_mut(at)) {
                        Some(field) => field.values.push(value.clone()),
                        None => form.fields.push(Field::new(name.as_str()).value(value.as_str())),
                    }
                }
                form
            }
        }
    }

    /// Whether whoever was asked gives up (XEP-0004 §3.1).
    pub(crate) fn is_cancelled(&self) -> bool {
        self.form.as_ref().is_some_and(|form| form.kind == FormType::Cancel)
    }
}

#[cfg(test)]
mod tests {
    use sestina_xml::Limits;

    use super::*;

    fn read(content: &str) -> Result<Query, Invalid> {
        let xml = format!("<query xmlns='jabber:iq:register'>{content}</query>");
        Query::read(Element::parse(xml, &Limits::default()).expect("well-formed").root())
    }

    #[test]
    fn both_shapes_are_read_as_they_were_written() {
        let query = Query {
            registered: true,
            instructions: Some("Go & on".into()),
            fields: vec![("username".into(), "juliet".into()), ("email".into(), String::new())],
            form: Some(DataForm::form(ns::REGISTER).field(Field::text_single("username"))),
            remove: false,
        };
        assert_eq!(Query::read(query.write().root()), Ok(query));
        let remove = Query { remove: true, ..Query::default() };
        assert_eq!(Query::read(remove.write().root()), Ok(remove));
    }

    #[test]
    fn white_space_between_elements_says_nothing() {
        let query = read("\n  <username>bill</username>\n  <password>x y</password>\n").unwrap();
        assert_eq!(query.filled_in().value("password"), Some("x y"));
        assert_eq!(query.fields.len(), 2);
    }

    #[test]
    fn remove_comes_alone() {
        assert!(read("<remove/>").is_ok());
        assert!(read("<remove/><username>bill</username>").is_err());
        assert!(read("<remove/><remove/>").is_err());
    }

    #[test]
    fn the_form_outweighs_the_fields() {
        let query = read(
            "<username>romeo</username><x xmlns='jabber:x:data' type='submit'>\
             <field var='username'><value>juliet</value></field></x>",
        );
        assert_eq!(query.unwrap().filled_in().value("username"), Some("juliet"));
    }

    #[test]
    fn a_field_given_twice_has_two_values() {
        let query = read("<username>a</username><username>b</username>").unwrap();
        assert_eq!(query.filled_in().values("username"), ["a", "b"]);
    }
}
