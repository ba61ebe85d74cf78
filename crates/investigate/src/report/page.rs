//! The report as one self-contained HTML page: no script, no style sheet or picture from
//! elsewhere, everything escaped by the template engine, a time line as inline SVG.

use super::words::Shown;
use super::{plot, words};
use crate::answer::{Cause, Investigation};
use askama::Template;

/// The template's view of the answer.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    answer: String,
    investigation: &'a Investigation,
    causes: Vec<CauseView<'a>>,
    notices: Vec<String>,
    sessions: String,
    plot: String,
    firewall: Vec<Shown<'a>>,
}

struct CauseView<'a> {
    cause: &'a Cause,
    percent: String,
    path: &'static str,
    who: String,
    attributes: String,
    span: String,
    explains: String,
    evidence: Vec<Shown<'a>>,
    against: Vec<Shown<'a>>,
}

/// The page.
pub fn render(investigation: &Investigation) -> Result<String, askama::Error> {
    let causes = investigation
        .causes
        .iter()
        .map(|cause| CauseView {
            cause,
            percent: format!("{:.0}", cause.confidence * 100.0),
            path: words::path(cause.path),
            who: cause.culprit.as_ref().map_or_else(
                || "nobody can be named yet".to_owned(),
                |c| words::printable(&c.value),
            ),
            attributes: cause.culprit.as_ref().map(words::attributes).unwrap_or_default(),
            span: words::span(cause).unwrap_or_default(),
            explains: words::explains(investigation, cause).unwrap_or_default(),
            evidence: words::shown(&cause.evidence),
            against: words::shown(&cause.against),
        })
        .collect();
    Page {
        answer: words::printable(&words::answer(investigation)),
        investigation,
        causes,
        notices: words::notices(investigation),
        sessions: words::sessions(investigation).unwrap_or_default(),
        plot: plot::svg(&investigation.timeline),
        firewall: words::shown(&investigation.firewall),
    }
    .render()
}

/// The template's filters.
#[expect(unreachable_pub, reason = "the macro makes its own items public")]
mod filters {
    use super::super::words;
    use heloscope_model::Time;

    /// A stamp for people; empty where unknown.
    #[askama::filter_fn]
    pub(super) fn stamp(time: &Option<Time>, _: &dyn askama::Values) -> askama::Result<String> {
        Ok(time.map(words::stamp).unwrap_or_default())
    }

    /// Control characters made visible.
    #[askama::filter_fn]
    pub(super) fn printable(text: &str, _: &dyn askama::Values) -> askama::Result<String> {
        Ok(words::printable(text))
    }
}
