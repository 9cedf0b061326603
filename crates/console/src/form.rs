//! What a command asks, for people and for programs.

use serde_json::{Map, Value, json};
use sestina_core::{Command, Server};
use sestina_stanza::{DataForm, Datatype, Field, FieldType};

/// What a field takes, in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Truth,
    Text,
    Texts,
    Whole { min: i64, max: i64 },
    Number,
}

/// What a field takes; nothing for what is not asked.
pub(crate) fn takes(field: &Field) -> Option<Takes> {
    match field.kind.unwrap_or(FieldType::TextSingle) {
        FieldType::Fixed | FieldType::Hidden => None,
        FieldType::Boolean => Some(Takes::Truth),
        FieldType::JidMulti | FieldType::ListMulti => Some(Takes::Texts),
        FieldType::TextSingle => Some(match field.datatype {
            Some(Datatype::Boolean) => Takes::Truth,
            Some(Datatype::Integer { min, max }) => Takes::Whole { min, max },
            Some(Datatype::Decimal) => Takes::Number,
            _ => Takes::Text,
        }),
        FieldType::JidSingle
        | FieldType::ListSingle
        | FieldType::TextMulti
        | FieldType::TextPrivate => Some(Takes::Text),
    }
}

/// The fields that are asked, with their names.
pub(crate) fn asked(pages: &[DataForm]) -> impl Iterator<Item = (&str, &Field)> {
    let fields = pages.iter().flat_map(|page| &page.fields);
    fields.filter(|field| takes(field).is_some()).filter_map(|it| Some((it.var.as_deref()?, it)))
}

/// The name of a command in paths: what follows the `#` of its node, unless others end in that too.
pub(crate) fn name(command: &Command, server: &Server) -> &'static str {
    let node = command.node();
    match node.rsplit_once('#') {
        Some((_, short)) if !short.is_empty() => {
            let alike = server.commands().filter(|other| is_named(other, short));
            if alike.count() == 1 { short } else { node }
        }
        _ => node,
    }
}

/// Whether a command is meant by a name.
pub(crate) fn is_named(command: &Command, name: &str) -> bool {
    let node = command.node();
    node == name || node.rsplit_once('#').is_some_and(|(_, short)| short == name)
}

/// A command, for people.
pub(crate) fn describe(command: &Command, pages: &[DataForm], server: &Server) -> Value {
    let instructions: Vec<_> =
        pages.first().map(|page| page.instructions.clone()).unwrap_or_default();
    json!({
        "name": name(command, server),
        "node": command.node(),
        "title": command.title(),
        "instructions": instructions,
        "fields": asked(pages).map(|(name, field)| describe_field(name, field)).collect::<Vec<_>>(),
    })
}

fn describe_field(name: &str, field: &Field) -> Value {
    let mut it = Map::new();
    it.insert("name".to_owned(), name.into());
    it.insert("label".to_owned(), field.label.as_deref().unwrap_or(name).into());
    it.insert("kind".to_owned(), field.kind.unwrap_or(FieldType::TextSingle).name().into());
    it.insert("required".to_owned(), field.required.into());
    if let Some(desc) = &field.desc {
        it.insert("description".to_owned(), desc.as_str().into());
    }
    if let Some(Takes::Whole { min, max }) = takes(field) {
        it.insert("minimum".to_owned(), min.into());
        it.insert("maximum".to_owned(), max.into());
    }
    if !field.options.is_empty() {
        let options = field.options.iter().map(|option| {
            let label = option.label.as_ref().unwrap_or(&option.value);
            json!({ "value": option.value, "label": label })
        });
        it.insert("options".to_owned(), options.collect());
    }
    if !field.values.is_empty() && field.kind != Some(FieldType::TextPrivate) {
        it.insert("value".to_owned(), value(field));
    }
    Value::Object(it)
}

/// What a field holds.
pub(crate) fn value(field: &Field) -> Value {
    let text = || field.values.join("\n");
    match takes(field) {
        Some(Takes::Texts) => field.values.clone().into(),
        Some(Takes::Truth) => matches!(&*text(), "1" | "true").into(),
        Some(Takes::Whole { .. }) => {
            text().parse::<i64>().map_or_else(|_| text().into(), Value::from)
        }
        Some(Takes::Number) => text().parse::<f64>().map_or_else(|_| text().into(), Value::from),
        Some(Takes::Text) | None => text().into(),
    }
}

/// What a command asks, as a schema of JSON (draft 2020-12).
pub(crate) fn schema(pages: &[DataForm]) -> Value {
    let properties: Map<_, _> =
        asked(pages).map(|(name, field)| (name.to_owned(), field_schema(field))).collect();
    let required: Vec<_> =
        asked(pages).filter(|(_, field)| field.required).map(|(name, _)| name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Some(schema), false) = (schema.as_object_mut(), required.is_empty()) {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

fn field_schema(field: &Field) -> Value {
    let mut it = match takes(field) {
        Some(Takes::Truth) => json!({ "type": "boolean" }),
        Some(Takes::Texts) => json!({ "type": "array", "items": { "type": "string" } }),
        Some(Takes::Whole { min, max }) => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Some(Takes::Number) => json!({ "type": "number" }),
        Some(Takes::Text) | None => json!({ "type": "string" }),
    };
    let options: Vec<_> = field.options.iter().map(|option| option.value.as_str()).collect();
    let Some(map) = it.as_object_mut() else { return it };
    if let Some(label) = &field.label {
        map.insert("title".to_owned(), label.as_str().into());
    }
    if let Some(desc) = &field.desc {
        map.insert("description".to_owned(), desc.as_str().into());
    }
    match field.kind {
        Some(FieldType::ListSingle) => {
            map.insert("enum".to_owned(), options.into());
        }
        Some(FieldType::ListMulti) => {
            map.insert("items".to_owned(), json!({ "type": "string", "enum": options }));
        }
        Some(FieldType::JidSingle) => {
            map.insert("format".to_owned(), "jid".into());
        }
        Some(FieldType::JidMulti) => {
            map.insert("items".to_owned(), json!({ "type": "string", "format": "jid" }));
        }
        Some(FieldType::TextPrivate) => {
            map.insert("format".to_owned(), "password".into());
            map.insert("writeOnly".to_owned(), true.into());
        }
        _ if field.datatype == Some(Datatype::DateTime) => {
            map.insert("format".to_owned(), "date-time".into());
        }
        _ => {}
    }
    it
}
