//! What somebody answers to a command, from JSON to the form that it is.

use serde_json::{Map, Value};
use sestina_stanza::{DataForm, Field, FieldType, FormType};

use crate::{
    form::{Takes, asked, takes},
    problem::{Problem, Wrong},
};

/// Reads the answers to all that is asked.
///
/// What is wrong is told without what was given: it may be a password.
pub(crate) fn read(pages: &[DataForm], given: &[u8]) -> Result<DataForm, Problem> {
    // Nothing at all is as good as no answers.
    let given = if given.iter().all(u8::is_ascii_whitespace) { b"{}" } else { given };
    let given: Map<String, Value> = serde_json::from_slice(given)
        .map_err(|_| Problem::bad("The request's body is no object of JSON"))?;
    let mut wrong = Vec::new();
    let mut form = DataForm::new(FormType::Submit);
    for (name, field) in asked(pages) {
        match given.get(name).filter(|value| !value.is_null()) {
            Some(value) => match values(field, value) {
                Ok(values) => form.fields.push(Field::new(name).values(values)),
                Err(what) => wrong.push(Wrong { field: name.to_owned(), what }),
            },
            None if field.required => {
                wrong.push(Wrong { field: name.to_owned(), what: "has to be given".to_owned() });
            }
            None => {}
        }
    }
    for name in given.keys().filter(|name| asked(pages).all(|(asked, _)| asked != *name)) {
        // Shown to whoever has written it, and no longer than anybody needs.
        let field = name.chars().take(64).collect();
        wrong.push(Wrong { field, what: "is not asked".to_owned() });
    }
    if wrong.is_empty() { Ok(form) } else { Err(Problem::wrong(wrong)) }
}

fn values(field: &Field, value: &Value) -> Result<Vec<String>, String> {
    let expected = |what: &str| Err(format!("has to be {what}"));
    match (takes(field), value) {
        (Some(Takes::Truth), Value::Bool(truth)) => Ok(vec![u8::from(*truth).to_string()]),
        (Some(Takes::Truth), _) => expected("true or false"),
        (Some(Takes::Whole { min, max }), Value::Number(number)) => {
            match number.as_i64().filter(|number| (min..=max).contains(number)) {
                Some(number) => Ok(vec![number.to_string()]),
                None => expected(&format!("a whole number from {min} to {max}")),
            }
        }
        (Some(Takes::Whole { .. }), _) => expected("a whole number"),
        (Some(Takes::Number), Value::Number(number)) => Ok(vec![number.to_string()]),
        (Some(Takes::Number), _) => expected("a number"),
        (Some(Takes::Texts), Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(ToOwned::to_owned));
            texts.collect::<Option<_>>().map_or_else(|| expected("a list of strings"), Ok)
        }
        (Some(Takes::Texts), _) => expected("a list of strings"),
        (Some(Takes::Text) | None, Value::String(text)) => Ok(match field.kind {
            Some(FieldType::TextMulti) => text.split('\n').map(ToOwned::to_owned).collect(),
            _ => vec![text.clone()],
        }),
        (Some(Takes::Text) | None, _) => expected("a string"),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn pages() -> Vec<DataForm> {
        let mut form = DataForm::form("urn:example:feast");
        form.fields.extend([
            Field::jid_single("host").required(),
            Field::boolean("masked", false),
            Field::jid_multi("guests"),
            Field::text_multi("words"),
            Field::text_private("word"),
            Field::text_single("dances").datatype(Datatype::Integer { min: 0, max: 9 }),
            Field::fixed("Come!"),
        ]);
        vec![form]
    }

    use sestina_stanza::Datatype;

    #[test]
    fn answers_become_a_form() {
        let given = br#"{"host":"a@b","masked":true,"guests":["c@d","e@f"],"words":"Come,\ndance",
            "word":"rose","dances":3}"#;
        let form = read(&pages(), given).unwrap();
        assert_eq!(form.value("host"), Some("a@b"));
        assert_eq!(form.is_true("masked"), Some(true));
        assert_eq!(form.values("guests"), ["c@d", "e@f"]);
        assert_eq!(form.values("words"), ["Come,", "dance"]);
        assert_eq!(form.value("dances"), Some("3"));
        let form = read(&pages(), br#"{"host":"a@b","dances":null}"#).unwrap();
        assert_eq!(form.fields.len(), 1, "{form:?}");
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        for given in [
            r#"{"host":17}"#,
            r#"{"host":"a@b","masked":"true"}"#,
            r#"{"host":"a@b","guests":"c@d"}"#,
            r#"{"host":"a@b","guests":["c@d",1]}"#,
            r#"{"host":"a@b","dances":10}"#,
            r#"{"host":"a@b","dances":1.5}"#,
            r#"{"host":"a@b","word":["rose"]}"#,
            r#"{"host":"a@b","pets":"rose"}"#,
            r#"{"masked":true}"#,
            r#"["rose"]"#,
            r#"{"host":"#,
        ] {
            let problem = read(&pages(), given.as_bytes()).unwrap_err();
            let told = serde_json::to_string(&problem).unwrap();
            assert!(!told.contains("rose"), "{told}");
            assert!(problem.into_response().status().is_client_error());
        }
        assert!(read(&pages(), b" ").is_err());
        assert!(read(&[], b" \n").is_ok());
    }
}
