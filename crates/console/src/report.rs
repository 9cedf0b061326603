//! What a command tells, in JSON.

use serde_json::{Value, json};
use sestina_core::Report;
use sestina_stanza::{DataForm, Field, FieldType};

use crate::form::value;

/// A report.
pub(crate) fn tell(report: &Report) -> Value {
    let notes = report.notes.iter();
    let notes: Vec<_> =
        notes.map(|note| json!({ "severity": note.severity.name(), "text": note.text })).collect();
    let mut told = json!({ "notes": notes, "fields": [], "table": null });
    if let (Some(form), Some(told)) = (&report.form, told.as_object_mut()) {
        told.insert("fields".to_owned(), fields(form));
        told.insert("table".to_owned(), table(form));
    }
    told
}

fn is_told(field: &&Field) -> bool {
    let secret = matches!(field.kind, Some(FieldType::Hidden | FieldType::TextPrivate));
    field.var.is_some() && !secret
}

fn column(field: &Field) -> Value {
    let name = field.var.as_deref().unwrap_or_default();
    json!({
        "name": name,
        "label": field.label.as_deref().unwrap_or(name),
        "kind": field.kind.unwrap_or(FieldType::TextSingle).name(),
    })
}

fn fields(form: &DataForm) -> Value {
    let fields = form.fields.iter().filter(is_told).map(|field| {
        let mut told = column(field);
        told["value"] = value(field);
        told
    });
    fields.collect()
}

fn table(form: &DataForm) -> Value {
    if form.reported.is_empty() {
        return Value::Null;
    }
    let columns: Vec<_> = form.reported.iter().filter(is_told).collect();
    let rows = form.items.iter().map(|item| {
        let cells = columns.iter().map(|column| {
            let cell = item.iter().find(|cell| cell.var == column.var);
            // A cell is of the kind that its column is.
            let values = cell.map(|cell| cell.values.clone()).unwrap_or_default();
            value(&Field { values, ..(*column).clone() })
        });
        cells.collect::<Value>()
    });
    json!({
        "columns": columns.iter().map(|field| column(field)).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

/// A report's schema.
pub(crate) fn schema() -> Value {
    let value = json!({ "description": "a string, a list of strings, a number or a truth value" });
    let column = json!({
        "name": { "type": "string" },
        "label": { "type": "string" },
        "kind": { "type": "string", "description": "as fields of forms have it (XEP-0004)" },
    });
    let mut field = column.clone();
    field["value"] = value.clone();
    json!({
        "type": "object",
        "required": ["notes", "fields", "table"],
        "properties": {
            "notes": {
                "type": "array",
                "description": "Words for people.",
                "items": {
                    "type": "object",
                    "required": ["severity", "text"],
                    "properties": {
                        "severity": { "type": "string", "enum": ["info", "warn", "error"] },
                        "text": { "type": "string" },
                    },
                },
            },
            "fields": {
                "type": "array",
                "description": "What was found out.",
                "items": {
                    "type": "object",
                    "required": ["name", "label", "kind", "value"],
                    "properties": field,
                },
            },
            "table": {
                "type": ["object", "null"],
                "description": "What was found out of several.",
                "required": ["columns", "rows"],
                "properties": {
                    "columns": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["name", "label", "kind"],
                            "properties": column,
                        },
                    },
                    "rows": { "type": "array", "items": { "type": "array", "items": value } },
                },
            },
        },
    })
}
