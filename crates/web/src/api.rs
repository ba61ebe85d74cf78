//! The JSON API of CONTRACT.md, section 4, and its description in OpenAPI.

use crate::state::State;
use crate::{address, removal, words};
use axum::Json;
use axum::extract::{Path, State as With};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use heloscope_ledger::{Asked, Past, PublicListing, Removal, Told};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// What the list says of an address.
#[derive(Serialize, ToSchema)]
struct Address {
    /// Always `heloscope.address/1`.
    format: &'static str,
    /// The address asked for.
    address: String,
    /// Whether it is listed.
    listed: bool,
    /// Its listings.
    listings: Vec<Listing>,
    /// What happened before, newest first.
    history: Vec<Event>,
}

/// A listing.
#[derive(Serialize, ToSchema)]
struct Listing {
    /// The composite zone.
    zone: String,
    /// What the zone answers.
    code: String,
    /// Listed since (RFC 3339).
    since: String,
    /// The last detection.
    last_detection: Detection,
    /// When it ends if nothing comes (RFC 3339).
    expires: String,
    /// Ids of the detectors, most telling first.
    detectors: Vec<String>,
    /// The class of the HELO: none, local-literal, literal, localhost, dotless, name or invalid.
    helo: &'static str,
    /// Why, in a sentence.
    reason: String,
    /// How often it was listed, this time included.
    times_listed: u32,
}

/// A time and its tolerance: the true one lies within.
#[derive(Serialize, ToSchema)]
struct Detection {
    /// The middle (RFC 3339).
    time: String,
    /// Seconds either way.
    tolerance_s: u32,
}

/// Something that happened to a listing.
#[derive(Serialize, ToSchema)]
struct Event {
    /// listed, expired, removed, refused, withdrawn, recalled or exempted.
    event: &'static str,
    /// When (RFC 3339).
    time: String,
    /// The reason then.
    reason: String,
}

/// The answer to a removal that was not granted.
#[derive(Serialize, ToSchema)]
struct Refused {
    /// Always false.
    granted: bool,
    /// Why, for a person.
    reason: String,
    /// Ask again after so many seconds without a new detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

/// The answer to a removal that was granted.
#[derive(Serialize, ToSchema)]
struct Granted {
    /// Always true.
    granted: bool,
}

/// Why a request could not be answered.
#[derive(Serialize, ToSchema)]
struct Problem {
    /// For a person.
    error: String,
}

/// What the list says of an address
#[utoipa::path(
    get,
    path = "/api/v1/addresses/{address}",
    params(("address" = String, Path, description = "An IPv4 or IPv6 address")),
    responses(
        (status = 200, description = "What the list says, listed or not", body = Address),
        (status = 400, description = "Not an address", body = Problem),
        (status = 429, description = "Asked too often; see Retry-After"),
    )
)]
pub(crate) async fn address(With(state): With<State>, Path(text): Path<String>) -> Response {
    let address = match address::read(&text) {
        Ok(address) => address,
        Err(rubbish) => return refuse(StatusCode::BAD_REQUEST, rubbish.words()),
    };
    let (listing, past) = state.ledger.public(address);
    let zone = &state.site.zone;
    let listings: Vec<Listing> =
        listing.iter().map(|l| Listing::new(l, zone, words::code(l.sublist))).collect();
    Json(Address {
        format: "heloscope.address/1",
        address: address.to_string(),
        listed: !listings.is_empty(),
        listings,
        history: past.iter().map(Event::from).collect(),
    })
    .into_response()
}

/// Ask for a removal
///
/// A first removal is granted at once. One after which a detection came is refused until the lock-out
/// has run out without a new detection.
#[utoipa::path(
    post,
    path = "/api/v1/addresses/{address}/removal",
    params(("address" = String, Path, description = "An IPv4 or IPv6 address")),
    responses(
        (status = 200, description = "Removed", body = Granted),
        (status = 400, description = "Not an address", body = Problem),
        (status = 404, description = "Not listed", body = Refused),
        (status = 409, description = "Not yet: it still sends, or a lock-out runs", body = Refused),
        (status = 429, description = "Asked too often; see Retry-After"),
        (status = 503, description = "The list could not write it down; nothing was changed", body = Problem),
    )
)]
pub(crate) async fn remove(With(state): With<State>, Path(text): Path<String>) -> Response {
    let address = match address::read(&text) {
        Ok(address) => address,
        Err(rubbish) => return refuse(StatusCode::BAD_REQUEST, rubbish.words()),
    };
    match removal::ask(&state, address, Asked::Anybody).await {
        Ok(Removal::Granted) => Json(Granted { granted: true }).into_response(),
        Ok(Removal::Refused { reason, retry_after_s }) => {
            let body = Refused { granted: false, reason, retry_after_s: Some(retry_after_s) };
            let again = [(header::RETRY_AFTER, HeaderValue::from(retry_after_s))];
            (StatusCode::CONFLICT, again, Json(body)).into_response()
        }
        Ok(Removal::NotListed) => {
            let reason = format!("{address} is not listed: there is nothing to remove");
            let body = Refused { granted: false, reason, retry_after_s: None };
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, %address, "a removal could not be written down");
            refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "The list could not write this down; nothing was changed. Please try again in a few minutes.",
            )
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Heloscope list",
        description = "What the list says of an address, and how to get it out. Free, without an account.",
        version = "1",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(address, remove)
)]
struct Description;

/// `GET /api/v1/openapi.json`
pub(crate) async fn openapi() -> Response {
    Json(Description::openapi()).into_response()
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(Problem { error: error.to_owned() })).into_response()
}

impl Listing {
    fn new(listing: &PublicListing, zone: &str, code: String) -> Self {
        Self {
            zone: zone.to_owned(),
            code,
            since: listing.since.rfc3339(),
            last_detection: listing.last.into(),
            expires: listing.expires.rfc3339(),
            detectors: listing.detectors.clone(),
            helo: words::helo_id(listing.helo),
            reason: listing.reason.clone(),
            times_listed: listing.times_listed,
        }
    }
}

impl From<Told> for Detection {
    fn from(told: Told) -> Self {
        Self { time: told.time.rfc3339(), tolerance_s: told.tolerance_s }
    }
}

impl From<&Past> for Event {
    fn from(past: &Past) -> Self {
        Self { event: past.event.word(), time: past.time.rfc3339(), reason: past.reason.clone() }
    }
}
