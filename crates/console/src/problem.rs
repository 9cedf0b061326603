//! What a request is told that came to nothing (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sestina_core::{CommandError, NotFollowed, Refusal, Unproven};
use sestina_stanza::Condition;

/// Why something was not done.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    #[serde(rename = "status")]
    code: u16,
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The condition that a client would be told on its stream (RFC 6120 §8.3.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'static str>,
    /// What is wrong with which answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Wrong>,
    /// Seconds until it is worth trying again.
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// Something that is wrong with an answer.
#[derive(Debug, Serialize)]
pub(crate) struct Wrong {
    pub(crate) field: String,
    pub(crate) what: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &'static str) -> Self {
        Self {
            status,
            code: status.as_u16(),
            title,
            detail: None,
            condition: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn wrong(errors: Vec<Wrong>) -> Self {
        let it = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "This is not what was asked");
        Self { errors, ..it }
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    pub(crate) fn bad(what: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, what)
    }

    pub(crate) fn login() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Log in first")
    }

    /// Whether it is that nobody has logged in.
    pub(crate) fn is_login(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub(crate) fn foreign() -> Self {
        Self::new(StatusCode::FORBIDDEN, "This came from a page of somebody else's")
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Not just now")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1. Basic is taken as well, but browsers would ask for it in a window of
            // their own, and keep it.
            let bearer = HeaderValue::from_static("Bearer realm=\"sestina\"");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Unproven> for Problem {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            // Whether there is such an account, and whether it may do anything here, nobody learns.
            Unproven::Wrong => {
                Self::new(StatusCode::UNAUTHORIZED, "This is no administrator's password")
            }
            Unproven::Later(wait) => {
                let it = Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many failed logins");
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Self { retry_after: Some(seconds), ..it }
            }
            _ => Self::unavailable(),
        }
    }
}

impl From<NotFollowed> for Problem {
    fn from(error: NotFollowed) -> Self {
        match error {
            NotFollowed::TooMany => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many follow a session already")
            }
            _ => Self::new(StatusCode::FORBIDDEN, "Only administrators may follow a session"),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        use Condition as C;
        let condition = refusal.error().condition();
        let (status, title) = match condition {
            C::BadRequest | C::JidMalformed => (StatusCode::BAD_REQUEST, "This makes no sense"),
            C::Conflict => (StatusCode::CONFLICT, "There is one already"),
            C::FeatureNotImplemented => (StatusCode::NOT_IMPLEMENTED, "Nobody here can do this"),
            C::Forbidden | C::NotAllowed => (StatusCode::FORBIDDEN, "This is not allowed"),
            C::ItemNotFound => (StatusCode::NOT_FOUND, "There is no such thing"),
            C::NotAcceptable => (StatusCode::UNPROCESSABLE_ENTITY, "This cannot be accepted"),
            C::ResourceConstraint | C::ServiceUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "Not just now")
            }
            C::InternalServerError => (StatusCode::INTERNAL_SERVER_ERROR, "The server has failed"),
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "This was refused"),
        };
        let mut problem = Self::new(status, title);
        problem.condition = Some(condition.name());
        problem.detail = refusal.error().text().map(ToOwned::to_owned);
        problem
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Forbidden => Self::new(
                StatusCode::FORBIDDEN,
                "This command is not for you, or cannot be run here",
            ),
            CommandError::Answers(what) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "This is not what was asked")
                    .detail(what)
            }
            CommandError::Refused(refusal) => refusal.into(),
        }
    }
}
