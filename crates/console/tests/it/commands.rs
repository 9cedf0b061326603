//! Commands as programs have them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::cast::{Desk, SCRIPT, stage};

async fn run(desk: &Desk, name: &str, given: Value) -> (StatusCode, Value) {
    let token = desk.token().await;
    let path = format!("/api/commands/{name}");
    let answer = desk.post(&path, &given.to_string(), &[("x-sestina-token", &token)]).await;
    (answer.status, answer.json())
}

#[tokio::test(start_paused = true)]
async fn answers_are_typed_and_reports_are_told() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    let given = json!({
        "guest": "paris@capulet.example",
        "dances": 3,
        "masked": true,
        "with": ["tybalt@capulet.example"],
        "words": "Come,\ndance",
        "word": "rose",
    });
    let (status, told) = run(&desk, "invite", given).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let note = told["notes"][0]["text"].as_str().unwrap();
    assert!(note.starts_with("paris@capulet.example Some(3) true"), "{note}");
    assert!(note.contains("Come,\\ndance") && note.ends_with(" 4 the operator"), "{note}");
    assert!(!note.contains("rose"));
    let (status, told) = run(&desk, "list", json!({})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        told["fields"],
        json!([{ "name": "words", "label": "Words", "kind": "text-single", "value": SCRIPT }]),
        "secrets are not told"
    );
    let table = json!({
        "columns": [
            { "name": "guest", "label": "guest", "kind": "jid-single" },
            { "name": "with", "label": "With", "kind": "jid-multi" },
        ],
        "rows": [["paris@capulet.example", ["a@b", "c@d"]]],
    });
    assert_eq!(told["table"], table);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_a_problem() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    let (status, told) = run(&desk, "invite", json!({ "dances": -1, "pet": "cat" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = told["errors"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap());
    assert_eq!(fields.collect::<Vec<_>>(), ["guest", "dances", "pet"]);
    let (status, told) = run(&desk, "invite", json!({ "guest": "@" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    let (status, told) = run(&desk, "invite", json!({ "guest": "romeo@montague.example" })).await;
    assert_eq!((status, &told["condition"]), (StatusCode::FORBIDDEN, &"not-allowed".into()));
    for name in ["nothing", "%2e%2e", "..%2f..%2fetc", "urn:example:feast", "a%00b"] {
        let (status, _) = run(&desk, name, json!({})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{name}");
    }
    let whole = "urn%3Aexample%3Afeast%23list";
    assert_eq!(run(&desk, whole, json!({})).await.0, StatusCode::OK);
    let elsewhere = run(&desk, "list?domain=verona.example", json!({})).await.0;
    assert_eq!(elsewhere, StatusCode::NOT_FOUND);
    assert_eq!(run(&desk, "list?domain=capulet.example", json!({})).await.0, StatusCode::OK);
    assert_eq!(
        desk.get("/api/commands?domain=a&domain=b", &[]).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(start_paused = true)]
async fn commands_are_listed_with_what_they_ask() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), sestina_console::Access::default());
    let (cookie, token) = desk.login("nurse@capulet.example", "nurse").await;
    let known = [("cookie", cookie.as_str()), ("x-sestina-token", token.as_str())];
    let listed = desk.get("/api/commands", &known).await.json();
    let commands = listed["commands"].as_array().unwrap();
    let names: Vec<_> = commands.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["invite", "list"], "what asks for a session is not there");
    let invite = desk.get("/api/commands/invite", &known).await.json();
    assert_eq!(invite["instructions"], json!(["Nobody of the other house."]));
    let word = &invite["fields"][5];
    assert_eq!((&word["name"], &word["kind"]), (&"word".into(), &"text-private".into()));
    let hidden = desk.get("/api/commands/dance", &known).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let hidden = desk.post("/api/commands/dance", "{}", &known).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
}

/// What must hold of every OpenAPI document (3.1.0 §4.8), as far as this one goes.
#[tokio::test(start_paused = true)]
async fn the_description_is_whole() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    let api = desk.get("/api/openapi.json", &[]).await.json();
    assert_eq!(api["openapi"], "3.1.0");
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        let in_path: Vec<_> =
            path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}')).collect();
        for (method, operation) in item.as_object().unwrap() {
            assert!(["get", "post"].contains(&method.as_str()));
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
            assert!(operation["responses"]["default"].is_object());
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for name in &in_path {
                let named =
                    parameters.iter().any(|it| it["name"] == *name && it["required"] == true);
                assert!(named, "{path} {name}");
            }
        }
        // What is described is there.
        let path = path.replace("{jid}", "juliet@capulet.example/balcony");
        if !path.contains("/follow/") {
            let status = desk.get(&path, &[]).await.status;
            let posts = item.get("get").is_none();
            let expected = if posts { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::OK };
            let fits = status == expected || path.contains("/sessions/");
            assert!(fits, "{path} {status}");
        }
    }
    let references = api.to_string();
    for reference in references.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(api.pointer(pointer).is_some(), "{pointer}");
    }
    let invite = &api["paths"]["/api/commands/invite"]["post"];
    let schema = &invite["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["guest"]));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["word"]["writeOnly"], true);
    assert_eq!(schema["properties"]["dances"]["maximum"], u32::MAX);
    assert!(api["paths"].get("/api/commands/dance").is_some(), "operators may do all");
}
