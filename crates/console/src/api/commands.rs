//! The commands of a server: the same that clients and the command line have.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use serde_json::{Value, json};
use sestina_core::{Command, Server};

use super::{Asked, At, json};
use crate::{answers, console::Shared, form, gate::Visitor, problem::Problem, report};

/// `GET /api/commands`
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Asked(at): Asked<At>,
) -> Result<Response, Problem> {
    let server = shared.meant(&visitor, at.domain.as_deref())?;
    let commands = server.commands().filter(|command| command.allows(&visitor.caller, &server));
    let commands = commands.map(|command| form::describe(command, &command.pages(), &server));
    Ok(json(&json!({ "commands": commands.collect::<Vec<Value>>() })))
}

/// `GET /api/commands/{name}`: what it asks, filled in with what is suggested.
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Asked(at): Asked<At>,
) -> Result<Response, Problem> {
    let server = shared.meant(&visitor, at.domain.as_deref())?;
    let command = find(&server, &name, &visitor)?;
    let pages = command.ask(&server).await?;
    Ok(json(&form::describe(command, &pages, &server)))
}

/// `POST /api/commands/{name}`
pub(crate) async fn run(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Asked(at): Asked<At>,
    request: Request,
) -> Result<Response, Problem> {
    let server = shared.meant(&visitor, at.domain.as_deref())?;
    let command = find(&server, &name, &visitor)?;
    let body = shared.body(request).await?;
    let given = answers::read(&command.pages(), &body)?;
    let home = at
        .domain
        .as_deref()
        .and_then(|domain| server.domains().find(|served| served.domain() == domain));
    let home = home.or_else(|| server.domains().next()).cloned();
    let home = home.ok_or_else(Problem::unavailable)?;
    let told = command.run(visitor.caller.clone(), home, given, &server).await?;
    Ok(json(&report::tell(&told)))
}

/// The command that is meant. One that somebody may not run is not there for them.
fn find<'a>(server: &'a Server, name: &str, visitor: &Visitor) -> Result<&'a Command, Problem> {
    let mut named = server.commands().filter(|command| form::is_named(command, name));
    match (named.next(), named.next()) {
        (Some(command), None) if command.allows(&visitor.caller, server) => Ok(command),
        _ => Err(Problem::not_found("There is no such command")),
    }
}
