//! Forms as elements.

use sestina_xml::{Builder, Element, ElementRef};

use super::{Choice, DataForm, Datatype, Field, FieldType, FormType};
use crate::{Invalid, Payload, ns};

impl Payload for DataForm {
    const NAME: &'static str = "x";
    const NAMESPACE: &'static str = ns::DATA_FORM;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let kind = element.attr("type").and_then(FormType::from_name);
        let mut form = Self::new(kind.ok_or_else(|| Invalid::attribute("type"))?);
        for child in element.children().filter(|child| child.namespace() == ns::DATA_FORM) {
            match child.name() {
                "title" => form.title = Some(child.text().into_owned()),
                "instructions" => form.instructions.push(child.text().into_owned()),
                "field" => form.fields.push(read_field(child)?),
                "reported" => form.reported = read_fields(child)?,
                "item" => form.items.push(read_fields(child)?),
                _ => {}
            }
        }
        Ok(form)
    }

    fn write(&self) -> Element {
        let mut form = Self::builder().attr("type", self.kind.name());
        if let Some(title) = &self.title {
            form = form.child_with("title", |to| to.text(title));
        }
        for paragraph in &self.instructions {
            form = form.child_with("instructions", |to| to.text(paragraph));
        }
        form = form.children(self.fields.iter().map(|field| write_field(field, self.kind)));
        let row = |name: &str, fields: &[Field]| {
            let fields = fields.iter().map(|field| write_field(field, self.kind));
            Element::builder(name, ns::DATA_FORM).children(fields)
        };
        if !self.reported.is_empty() {
            form = form.child(row("reported", &self.reported));
        }
        form.children(self.items.iter().map(|item| row("item", item))).build()
    }
}

fn read_fields(element: ElementRef<'_>) -> Result<Vec<Field>, Invalid> {
    let fields = element.children().filter(|child| child.is("field", ns::DATA_FORM));
    fields.map(read_field).collect()
}

fn read_field(element: ElementRef<'_>) -> Result<Field, Invalid> {
    // A type that nobody knows is a line of text, as is one that is left out.
    let kind = element
        .attr("type")
        .map(|kind| FieldType::from_name(kind).unwrap_or(FieldType::TextSingle));
    let var = element.attr("var").map(ToOwned::to_owned);
    if var.is_none() && kind != Some(FieldType::Fixed) {
        // XEP-0004 §3.2
        return Err(Invalid::new("a field without 'var' is fixed text"));
    }
    let mut field = Field {
        kind,
        var,
        label: element.attr("label").map(ToOwned::to_owned),
        ..Field::default()
    };
    for child in element.children() {
        match (child.name(), child.namespace()) {
            ("value", ns::DATA_FORM) => field.values.push(child.text().into_owned()),
            ("required", ns::DATA_FORM) => field.required = true,
            ("desc", ns::DATA_FORM) => field.desc = Some(child.text().into_owned()),
            ("option", ns::DATA_FORM) => {
                let value = child.child_text("value", ns::DATA_FORM);
                field.options.push(Choice {
                    label: child.attr("label").map(ToOwned::to_owned),
                    value: value.ok_or_else(|| Invalid::child("value"))?.into_owned(),
                });
            }
            ("validate", ns::DATA_VALIDATE) => field.datatype = read_datatype(child),
            _ => {}
        }
    }
    Ok(field)
}

/// Reads the datatypes that are known; the others say nothing here.
fn read_datatype(validate: ElementRef<'_>) -> Option<Datatype> {
    let range = validate.child("range", ns::DATA_VALIDATE);
    let bound = |name| range.and_then(|range| range.attr(name)).and_then(|at| at.parse().ok());
    match validate.attr("datatype")? {
        "xs:boolean" => Some(Datatype::Boolean),
        "xs:dateTime" => Some(Datatype::DateTime),
        "xs:decimal" => Some(Datatype::Decimal),
        "xs:integer" | "xs:int" | "xs:long" | "xs:short" | "xs:byte" => Some(Datatype::Integer {
            min: bound("min").unwrap_or(i64::MIN),
            max: bound("max").unwrap_or(i64::MAX),
        }),
        _ => None,
    }
}

fn write_field(field: &Field, kind: FormType) -> Builder {
    let mut element = Element::builder("field", ns::DATA_FORM)
        .attr_opt("var", field.var.as_ref())
        .attr_opt("type", field.kind.map(FieldType::name))
        .attr_opt("label", field.label.as_ref());
    if let Some(desc) = &field.desc {
        element = element.child_with("desc", |to| to.text(desc));
    }
    if field.required {
        element = element.child_with("required", |to| to);
    }
    if let Some(datatype) = field.datatype {
        element = element.child(write_datatype(datatype));
    }
    for value in &field.values {
        element = element.child_with("value", |to| to.text(value));
    }
    // What is offered belongs to the question (XEP-0004 §3.2).
    let options = if kind == FormType::Form { &*field.options } else { &[] };
    for option in options {
        element = element.child_with("option", |to| {
            to.attr_opt("label", option.label.as_ref())
                .child_with("value", |to| to.text(&option.value))
        });
    }
    element
}

fn write_datatype(datatype: Datatype) -> Builder {
    let validate =
        Element::builder("validate", ns::DATA_VALIDATE).attr("datatype", datatype.name());
    match datatype {
        Datatype::Integer { min, max } if datatype != Datatype::INTEGER => {
            let bound = |at: i64, open: i64| (at != open).then(|| at.to_string());
            validate.child_with("range", |to| {
                to.attr_opt("min", bound(min, i64::MIN)).attr_opt("max", bound(max, i64::MAX))
            })
        }
        _ => validate.child_with("basic", |to| to),
    }
}

#[cfg(test)]
mod tests {
    use sestina_xml::Limits;

    use super::*;

    fn read(xml: &str) -> Result<DataForm, Invalid> {
        DataForm::read(Element::parse(xml, &Limits::default()).expect(xml).root())
    }

    #[test]
    fn a_form_of_everything_reads_as_it_was_written() {
        let form = DataForm::form("urn:example:bot")
            .title("A bot & its ways")
            .instructions("Fill in.")
            .instructions("Send.")
            .field(Field::fixed("Section 1"))
            .field(Field::boolean("public", true).label("Public?"))
            .field(Field::hidden("secret", "<1>"))
            .field(Field::jid_single("owner").required())
            .field(Field::jid_multi("guests").values(["a@b", "c@d"]))
            .field(Field::list_single("size", [("s", "Small"), ("l", "Large")]).value("s"))
            .field(Field::list_multi("topics", ["news", "chess"]).desc("Pick some"))
            .field(Field::text_multi("about").values(["line one", "line two"]))
            .field(Field::text_private("password"))
            .field(Field::text_single("age").datatype(Datatype::Integer { min: 0, max: i64::MAX }))
            .field(Field::text_single("since").datatype(Datatype::DateTime));
        assert_eq!(DataForm::read(form.write().root()), Ok(form.clone()));
        assert_eq!(form.form_type(), Some("urn:example:bot"));
        assert_eq!(form.is_true("public"), Some(true));
        assert_eq!(form.values("guests").len(), 2);

        let report = DataForm {
            reported: vec![Field::text_single("name").label("Name")],
            items: vec![vec![Field::new("name").value("a")], vec![Field::new("name").value("b")]],
            ..DataForm::result("urn:example:search")
        };
        assert_eq!(DataForm::read(report.write().root()), Ok(report));
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let form = read(
            "<x xmlns='jabber:x:data' type='submit'><y/><field var='a' type='colour'>\
             <value>red</value><media xmlns='urn:xmpp:media-element'/></field></x>",
        );
        let form = form.expect("a form");
        assert_eq!(form.find("a").and_then(|a| a.kind), Some(FieldType::TextSingle));
        assert_eq!(form.value("a"), Some("red"));
    }

    #[test]
    fn nonsense_is_refused() {
        for xml in [
            "<x xmlns='jabber:x:data'/>",
            "<x xmlns='jabber:x:data' type='ask'/>",
            "<x xmlns='jabber:x:data' type='submit'><field/></x>",
            "<x xmlns='jabber:x:data' type='submit'><item><field/></item></x>",
            "<x xmlns='jabber:x:data' type='form'><field var='a'><option/></field></x>",
        ] {
            assert!(read(xml).is_err(), "{xml}");
        }
    }
}
