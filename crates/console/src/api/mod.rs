//! The API: what programs and the console's own pages ask.

pub(crate) mod commands;
pub(crate) mod follow;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod server;
pub(crate) mod sessions;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{FromRequestParts, Query, State},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{console::Shared, gate::Visitor, openapi, problem::Problem};

/// Which of several domains is meant.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct At {
    pub(crate) domain: Option<String>,
}

/// What stands behind the `?` of a request.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(asked) = Query::try_from_uri(&parts.uri)
            .map_err(|_| Problem::bad("What stands behind the ? is not what is asked"))?;
        Ok(Self(asked))
    }
}

/// An answer in JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let mut response = body.into_response();
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Problem::unavailable().into_response()
        }
    }
}

/// `GET /api/openapi.json`: all of this, as programs read it.
pub(crate) async fn describe(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Asked(at): Asked<At>,
) -> Result<Response, Problem> {
    let server = shared.meant(&visitor, at.domain.as_deref())?;
    Ok(json(&openapi::describe(&server, &visitor.caller)))
}

/// What is nowhere.
pub(crate) async fn nothing() -> Problem {
    Problem::not_found("There is nothing here")
}
