//! The API as OpenAPI 3.1 describes it, made of the same definitions that answer.

use serde_json::{Map, Value, json};
use sestina_core::{Caller, Command, Server};

use crate::{form, report};

/// Describes the API as somebody has it.
pub(crate) fn describe(server: &Server, caller: &Caller) -> Value {
    let mut paths = fixed();
    for command in server.commands().filter(|command| command.allows(caller, server)) {
        let name = form::name(command, server);
        paths.insert(format!("/api/commands/{}", escaped(name)), of_command(command, name));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The console of a sestina server",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": "Every command is the same that administrators have in their clients \
                            (XEP-0050) and at the machine (`sestinad command`).",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, { "basic": [] }, { "cookie": [], "page": [] }],
        "tags": [
            { "name": "commands", "description": "What can be done." },
            { "name": "server", "description": "What is there." },
            { "name": "login", "description": "Who asks." },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token that /api/login gives to whoever asks for a bearer.",
                },
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "An administrator's address and password, each time.",
                },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "sestina-console" },
                "page": { "type": "apiKey", "in": "header", "name": crate::gate::CSRF },
            },
            "schemas": { "Report": report::schema(), "Problem": problem() },
            "parameters": {
                "domain": {
                    "name": "domain",
                    "in": "query",
                    "description": "Which of several domains is meant.",
                    "schema": { "type": "string" },
                },
            },
        },
    })
}

fn fixed() -> Map<String, Value> {
    let object = |what: &str| json!({ "type": "object", "description": what });
    let jid = json!({
        "name": "jid",
        "in": "path",
        "required": true,
        "description": "A full address is one session, a bare one all of an account.",
        "schema": { "type": "string" },
    });
    let query = |name: &str, kind: &str, what: &str| {
        json!({
            "name": name,
            "in": "query",
            "description": what,
            "schema": { "type": kind },
        })
    };
    let login = json!({
        "type": "object",
        "required": ["account", "password"],
        "properties": {
            "account": { "type": "string", "format": "jid" },
            "password": { "type": "string", "format": "password", "writeOnly": true },
            "bearer": { "type": "boolean", "default": false },
        },
    });
    let mut login = post("login", "login", "Log in", login, object("Who that is, and a token."));
    login["security"] = json!([]);
    let mut session = get("session", "login", "Tell who asks", vec![], object("Who asks."));
    session["security"] = json!([{}, { "bearer": [] }, { "basic": [] }, { "cookie": [] }]);
    let events = json!({
        "operationId": "follow",
        "tags": ["server"],
        "summary": "Follow a session",
        "parameters": [jid, domain(), query("texts", "boolean", "Show what people write.")],
        "responses": {
            "200": {
                "description": "Each stanza as an event, as it happens.",
                "content": { "text/event-stream": { "schema": { "type": "string" } } },
            },
            "default": refused(),
        },
    });
    let pages = vec![
        domain(),
        query("after", "string", "Those behind this address."),
        query("limit", "integer", "How many at most."),
        query("search", "string", "Those in whose address this occurs."),
    ];
    let look = |id: &str, tag: &str, summary: &str, parameters: Vec<Value>, told: &str| json!({ "get": get(id, tag, summary, parameters, object(told)) });
    let one = vec![jid, domain()];
    let logout = post("logout", "login", "Log out", object("Nothing."), object("Nothing."));
    let list = "The commands, and what they ask.";
    let made_of = "Plugins, bounds, stream features.";
    let paths = [
        ("/api/session", json!({ "get": session })),
        ("/api/login", json!({ "post": login })),
        ("/api/logout", json!({ "post": logout })),
        ("/api/commands", look("commands", "commands", "List the commands", vec![domain()], list)),
        ("/api/openapi.json", look("openapi", "server", "Describe this", vec![domain()], "This.")),
        (
            "/api/server",
            look("server", "server", "Tell what the server is made of", vec![domain()], made_of),
        ),
        (
            "/api/sessions",
            look("sessions", "server", "List who is connected", pages, "A page of sessions."),
        ),
        (
            "/api/sessions/{jid}",
            look("session-of", "server", "Tell of a session", one, "It, or those of the account."),
        ),
        ("/api/follow/{jid}", json!({ "get": events })),
        ("/api/live", look("live", "server", "Tell how it goes", vec![], "Figures.")),
    ];
    paths.into_iter().map(|(path, item)| (path.to_owned(), item)).collect()
}

fn of_command(command: &Command, name: &str) -> Value {
    let pages = command.pages();
    let summary = command.title();
    let told = json!({ "$ref": "#/components/schemas/Report" });
    let mut run = post(&format!("run-{name}"), "commands", summary, form::schema(&pages), told);
    let words: Vec<_> = pages.first().map(|page| page.instructions.clone()).unwrap_or_default();
    if !words.is_empty() {
        run["description"] = words.join("\n\n").into();
    }
    run["parameters"] = json!([domain()]);
    let form = json!({ "type": "object", "description": "What it asks, and what is suggested." });
    let ask = format!("Tell what “{summary}” asks");
    json!({
        "get": get(&format!("ask-{name}"), "commands", &ask, vec![domain()], form),
        "post": run,
    })
}

fn get(id: &str, tag: &str, summary: &str, parameters: Vec<Value>, schema: Value) -> Value {
    json!({
        "operationId": id,
        "tags": [tag],
        "summary": summary,
        "parameters": parameters,
        "responses": { "200": answered(schema), "default": refused() },
    })
}

fn post(id: &str, tag: &str, summary: &str, body: Value, schema: Value) -> Value {
    json!({
        "operationId": id,
        "tags": [tag],
        "summary": summary,
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": body } },
        },
        "responses": { "200": answered(schema), "default": refused() },
    })
}

fn answered(schema: Value) -> Value {
    json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } })
}

fn refused() -> Value {
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    json!({
        "description": "Not done, and why.",
        "content": { "application/problem+json": { "schema": problem } },
    })
}

fn domain() -> Value {
    json!({ "$ref": "#/components/parameters/domain" })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457",
        "required": ["status", "title"],
        "properties": {
            "status": { "type": "integer" },
            "title": { "type": "string" },
            "detail": { "type": "string" },
            "condition": { "type": "string", "description": "as RFC 6120 §8.3.3 names it" },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "what"],
                    "properties": {
                        "field": { "type": "string" },
                        "what": { "type": "string" },
                    },
                },
            },
        },
    })
}

/// A name as it stands in a path.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let pieces = name.bytes().map(|byte| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    });
    pieces.collect()
}
