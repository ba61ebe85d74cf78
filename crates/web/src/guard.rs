//! What stands before every page: who asks (behind front ends that the operator named), whether he asks
//! too often, whether a form comes from a page of ours; and the headers that every answer carries.

use crate::page;
use crate::rate::Visitors;
use crate::serve::Peer;
use crate::state::{Inner, State};
use axum::Json;
use axum::extract::{ConnectInfo, Request, State as With};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// The address that asks, where it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor(pub(crate) Option<IpAddr>);

/// Whether the visitor may see what moves at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watches(pub(crate) bool);

/// Nothing but our own style and pictures is loaded, nobody frames us, forms go to us.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"),
    ),
];

/// The middleware.
pub(crate) async fn guard(With(state): With<State>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.0.ip());
    let visitor = peer.map(|peer| client(peer, request.headers(), &state));
    // Somebody's front end that we were not told of speaks for everybody.
    let spoken_for = request.headers().contains_key("x-forwarded-for") && visitor == peer;
    let among = |ip: IpAddr| state.site.watchers.iter().any(|net| net.contains(&ip));
    let watches = Watches(!spoken_for && visitor.is_some_and(among));
    request.extensions_mut().insert(Visitor(visitor));
    request.extensions_mut().insert(watches);
    let mut response = match turned_away(&state, &request, visitor) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    if state.site.url.starts_with("https://") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    // What a page says of an address changes with the next detection.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn turned_away(state: &Inner, request: &Request, visitor: Option<IpAddr>) -> Option<Response> {
    let path = request.uri().path();
    // Supervisors ask these every few seconds, and they cost nothing.
    if matches!(path, "/healthz" | "/metrics" | "/style.css" | "/icon.svg") {
        return None;
    }
    let api = path.starts_with("/api/");
    let form = request.method() == Method::POST;
    if form && is_foreign(request.headers()) {
        let text = "Your browser says that the form was sent from another web site. Nothing was changed. \
                    Please use the form on our own page.";
        if api {
            let answer = Json(serde_json::json!({ "error": text }));
            return Some((StatusCode::FORBIDDEN, answer).into_response());
        }
        let home = Some(("/", "To our own page"));
        let title = "This form came from elsewhere";
        return Some(page::problem(state, StatusCode::FORBIDDEN, title, text, home));
    }
    let now_ms = state.now().nanos() / 1_000_000;
    let who = visitor?;
    let visitors: &Visitors = if form { &state.forms } else { &state.pages };
    let wait = visitors.admit(who, now_ms).err()?;
    Some(too_often(state, wait, api))
}

/// Asked too often: when to come back.
pub(crate) fn too_often(state: &Inner, wait_s: u64, api: bool) -> Response {
    let again = crate::words::span(wait_s);
    let text = format!(
        "So many requests came from your address that we answer no more for a moment. Please try again in \
         {again}. If you look up many addresses, please ask our zone by DNS: it is made for that."
    );
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = if api {
        (status, Json(serde_json::json!({ "error": text }))).into_response()
    } else {
        page::problem(state, status, "Too many requests", &text, None)
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    response
}

/// Whether the browser says that a form came from another site.
fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// Who asks: the nearest address that is no front end of ours. Whoever is no front end is believed
/// nothing.
fn client(peer: IpAddr, headers: &HeaderMap, state: &Inner) -> IpAddr {
    let is_ours = |ip: IpAddr| state.site.front_ends.iter().any(|net| net.contains(&ip));
    let mut client = peer.to_canonical();
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").into_iter().filter_map(|v| v.to_str().ok()).collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    while is_ours(client) {
        match hops.next().map(|hop| hop.trim().parse::<IpAddr>()) {
            Some(Ok(before)) => client = before.to_canonical(),
            _ => break,
        }
    }
    client
}
