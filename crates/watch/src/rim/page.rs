//! The status page and its JSON: how things stand, for whoever may reach the socket (loopback, as a rule).
//!
//! GET alone; nothing can be changed here. Refused is a request under a foreign name (a page of somebody's browser that was led to
//! loopback). The page loads nothing from anybody else, runs no script, and loads itself again now and then.

use super::inbox::Ending;
use super::metrics;
use crate::alert::Alert;
use crate::session::Session;
use crate::status::Status;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use heloscope_model::Time;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

/// Of the same look as the list's pages.
const STYLE: &str = concat!(
    include_str!("../../../web/templates/style.css"),
    include_str!("../../templates/watch.css")
);

/// How things stand, shared.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    host: Arc<str>,
    blind: Arc<[String]>,
    status: Arc<RwLock<Arc<Status>>>,
}

impl Shared {
    /// What cannot be seen from the start on is told each time.
    pub(crate) fn new(host: String, blind: Vec<String>) -> Self {
        let status = Status { host: host.clone(), blind: blind.clone(), ..Status::default() };
        Self {
            host: host.into(),
            blind: blind.into(),
            status: Arc::new(RwLock::new(Arc::new(status))),
        }
    }

    pub(crate) fn set(&self, mut status: Status, notes: Vec<String>) {
        status.host = self.host.to_string();
        status.blind = self.blind.iter().cloned().chain(notes).collect();
        *self.status.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(status);
    }

    fn get(&self) -> Arc<Status> {
        self.status.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves until the end.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    shared: Shared,
    ending: Ending,
) -> std::io::Result<()> {
    let router = axum::Router::new()
        .route("/", get(page))
        .route("/status.json", get(json))
        .route("/metrics", get(meters))
        .route("/healthz", get(async || "alive\n"))
        .route(
            "/style.css",
            get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)),
        )
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared);
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(listener, router).with_graceful_shutdown(ending.ended()).await
}

/// A name that leads here without being ours is somebody's trick with a browser.
async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if !named.is_some_and(|named| is_ours(named, &shared.host)) {
        return (StatusCode::MISDIRECTED_REQUEST, "ask by address, not by name\n").into_response();
    }
    let mut answer = next.run(request).await;
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn is_ours(named: &str, host: &str) -> bool {
    let name = match named.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => named,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || name.eq_ignore_ascii_case(host)
}

async fn json(State(shared): State<Shared>) -> Response {
    let status = shared.get();
    let Ok(mut value) = serde_json::to_value(status.as_ref()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("format".to_owned(), "heloscope.watch/1".into());
    }
    axum::Json(value).into_response()
}

async fn meters(State(shared): State<Shared>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics::text(shared.get())).into_response()
}

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    status: &'a Status,
    bars: Vec<Bar>,
    most: u64,
    total: u64,
}

/// One hour of the plot.
struct Bar {
    x: usize,
    y: u64,
    height: u64,
}

async fn page(State(shared): State<Shared>) -> Response {
    let status = shared.get();
    let most = status.by_hour.iter().copied().max().unwrap_or(0).max(1);
    let bar = |(n, many): (usize, &u64)| {
        let height = (many * 80).div_ceil(most);
        Bar { x: n * 25 + 2, y: 90 - height, height }
    };
    let page = Page {
        bars: status.by_hour.iter().enumerate().map(bar).collect(),
        most,
        total: status.by_hour.iter().sum(),
        status: &status,
    };
    match page.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the status page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Page<'_> {
    fn time(&self, at: &Time) -> String {
        let text = at.rfc3339();
        // Of today the time is enough.
        let (day, clock) = text.split_once('T').unwrap_or(("", &text));
        let clock: String = clock.chars().take(8).collect();
        if self.status.time.rfc3339().starts_with(day) { clock } else { format!("{day} {clock}") }
    }

    fn when(&self, at: &Option<Time>) -> String {
        at.as_ref().map_or_else(|| "never".to_owned(), |at| self.time(at))
    }

    fn state(&self, session: &Session) -> String {
        match (&session.end, &session.outcome) {
            (None, Some(open)) if open == "open" => "open".to_owned(),
            (Some(_), Some(open)) if open == "open" => format!("over, {} bytes", session.sent),
            (_, Some(error)) => crate::shown(error),
            (_, None) => "under way".to_owned(),
        }
    }

    fn seen(&self, alert: &Alert) -> String {
        match alert.count {
            1 => format!("seen {}", self.time(&alert.first)),
            n => {
                format!("seen {n} times, {} to {}", self.time(&alert.first), self.time(&alert.last))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_ours_are_refused() {
        for (named, ours) in [
            ("127.0.0.1:8925", true),
            ("[::1]:8925", true),
            ("localhost", true),
            ("mail.example.org:8925", true),
            ("evil.example:8925", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_ours(named, "mail.example.org"), ours, "{named}");
        }
    }
}
