//! What every page has in common: its frame, how a template becomes an answer, and the pages that say
//! no (rubbish, not found, too often, a forged form), which tell what to do next.

use crate::state::{Inner, NoRandomness};
use crate::token::Bad;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The frame's words.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) zone: String,
    pub(crate) operator: String,
    pub(crate) contact: String,
}

impl From<&Inner> for Frame {
    fn from(state: &Inner) -> Self {
        let site = &state.site;
        Self {
            zone: site.zone.clone(),
            operator: site.operator.clone(),
            contact: site.contact.clone(),
        }
    }
}

/// A template as an answer.
pub(crate) fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Plain text as an answer.
pub(crate) fn plain(status: StatusCode, text: String) -> Response {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Sends the browser on, by GET.
pub(crate) fn see_other(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A page that says no.
#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    back: Option<(&'a str, &'a str)>,
}

/// Says no, why, and where to go (a link and its words).
pub(crate) fn problem(
    state: &Inner,
    status: StatusCode,
    title: &str,
    text: &str,
    back: Option<(&str, &str)>,
) -> Response {
    html(status, &Problem { frame: state.into(), title, text, back })
}

/// No such page; also what the desk looks like to everybody else.
pub(crate) fn not_found(state: &Inner) -> Response {
    let text = "There is nothing at this address. To find out whether an IP address is listed, go to \
                the look-up form.";
    problem(state, StatusCode::NOT_FOUND, "Page not found", text, Some(("/", "Look an address up")))
}

/// A form that was forged, is too old, or was sent before.
pub(crate) fn bad_form(state: &Inner, bad: Bad, back: &str) -> Response {
    let (status, title, text) = match bad {
        Bad::Forged => (
            StatusCode::FORBIDDEN,
            "This form was not made by us",
            "The form that arrived here does not carry our mark for this address, or was made before \
             our server was last started. Nothing was changed. Please open the page again and use \
             the form there.",
        ),
        Bad::Stale => (
            StatusCode::FORBIDDEN,
            "This form is too old",
            "The form was opened more than an hour ago. Nothing was changed. Please open the page \
             again and use the form there.",
        ),
        Bad::Replayed => (
            StatusCode::CONFLICT,
            "This form was sent before",
            "Each form works once, and this one has been used. Nothing was changed by sending it a \
             second time. The address’s page shows what became of the first.",
        ),
        Bad::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many forms at the moment",
            "So many forms arrived within the last hour that we take no more just now. Nothing was \
             changed. Please try again in an hour.",
        ),
    };
    problem(state, status, title, text, Some((back, "Open the page again")))
}

/// Something of ours is broken.
pub(crate) fn broken(state: &Inner, what: &str) -> Response {
    tracing::error!(what, "a request could not be served");
    let text = "Something on our side is broken, and your request was not carried out. Please try again in \
                a few minutes. If it stays so, please write to us.";
    problem(state, StatusCode::SERVICE_UNAVAILABLE, "We cannot do this just now", text, None)
}

impl NoRandomness {
    pub(crate) fn page(self, state: &Inner) -> Response {
        broken(state, &self.to_string())
    }
}
