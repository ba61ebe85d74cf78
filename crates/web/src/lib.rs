//! Listings to pages and an API: why an address is listed, how its owner finds the cause, how he gets it
//! out; and the operator's desk.
//!
//! In: HTTP requests, a [`Ledger`](heloscope_ledger::Ledger), and what the binary lends ([`Rim`]). Out: pages that work without
//! scripts, JSON, plain notices. Refused: whoever asks too often, forms that are not ours, and on every
//! page anything from a third party (Content-Security-Policy). Only the ledger changes listings.
//!
//! In reading order: `state` what all pages share; `guard` what stands before them; `lookup`,
//! `notice`, `removal`, `owner` an address's pages; `api`; `policy`, `statistics` what the
//! list tells of itself; `desk`; `serve()` the socket. Words stand in `words` and the templates.

mod address;
mod api;
mod desk;
mod guard;
mod lookup;
mod notice;
mod owner;
mod page;
mod plot;
mod policy;
mod rate;
mod removal;
mod serve;
mod state;
mod statistics;
mod token;
mod words;

pub use owner::{Later, Letter, Postman, Resolver, Unanswered, Undelivered};
pub use rate::Rate;
pub use serve::{Limits, Peer, serve};
pub use state::{NoRandomness, Rim, Sensor, Site, State};

use crate::guard::Watches;
use axum::extract::{DefaultBodyLimit, Extension, State as With};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;

/// The largest form, in bytes.
const BODY: usize = 16 * 1024;
/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// All routes.
pub fn router(state: State) -> axum::Router {
    axum::Router::new()
        .route("/", get(lookup::form))
        .route("/lookup", get(lookup::redirect))
        .route("/lookup/{address}", get(lookup::address))
        .route("/lookup/{address}/notice.txt", get(lookup::notice))
        .route("/lookup/{address}/removal", post(removal::by_form).get(removal::by_get))
        .route("/lookup/{address}/owner", get(owner::ways))
        .route("/lookup/{address}/owner/dns", post(owner::by_dns))
        .route("/lookup/{address}/owner/mail", post(owner::by_mail))
        .route("/lookup/{address}/owner/confirm", get(owner::link).post(owner::by_link))
        .route("/api/v1/addresses/{address}", get(api::address))
        .route("/api/v1/addresses/{address}/removal", post(api::remove))
        .route("/api/v1/openapi.json", get(api::openapi))
        .route("/policy", get(policy::overview))
        .route("/policy/{chapter}", get(policy::chapter))
        .route("/statistics", get(statistics::statistics))
        .route("/desk", get(desk::desk))
        .route("/desk/enter", get(desk::door).post(desk::enter))
        .route("/desk/leave", post(desk::leave))
        .route("/desk/addresses/{address}", get(desk::evidence))
        .route("/desk/orders/{what}", post(desk::order))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
        .route("/robots.txt", get(robots))
        .fallback(missing)
        .method_not_allowed_fallback(method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(middleware::from_fn_with_state(state.clone(), guard::guard))
        .with_state(state)
}

/// Liveness, and the last change that is applied.
async fn health(
    With(state): With<State>,
    Extension(Watches(watches)): Extension<Watches>,
) -> Response {
    let generation = watches.then(|| state.ledger.generation());
    axum::Json(serde_json::json!({ "alive": true, "generation": generation })).into_response()
}

async fn metrics(
    With(state): With<State>,
    Extension(Watches(watches)): Extension<Watches>,
) -> Response {
    if !watches {
        return page::not_found(&state);
    }
    let kind =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], (state.rim.metrics)()).into_response()
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../templates/style.css"))
}

async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../templates/icon.svg"))
}

/// Crawlers have no business among single addresses.
async fn robots() -> Response {
    asset(
        "text/plain; charset=utf-8",
        "User-agent: *\nDisallow: /lookup\nDisallow: /api\nDisallow: /desk\n",
    )
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let keep = (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    ([kind, keep], text).into_response()
}

async fn missing(With(state): With<State>) -> Response {
    page::not_found(&state)
}

async fn method(With(state): With<State>) -> Response {
    let text = "This page is not asked for in this way. Please begin at the look-up form.";
    let back = Some(("/", "Look an address up"));
    let title = "This does not work that way";
    page::problem(&state, StatusCode::METHOD_NOT_ALLOWED, title, text, back)
}
