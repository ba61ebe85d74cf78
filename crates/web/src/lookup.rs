//! The look-up form, the page of one address, its notice. Nothing here changes anything.

use crate::guard::Visitor;
use crate::page::{self, Frame};
use crate::state::{Inner, State};
use crate::words::{self, Meaning};
use crate::{address, notice, owner};
use askama::Template;
use axum::extract::{Extension, Path, Query, State as With};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use heloscope_ledger::{OwnerEvidence, OwnerListing, Past, PublicListing};
use std::net::IpAddr;

/// `GET /`
pub(crate) async fn form(
    With(state): With<State>,
    Extension(Visitor(visitor)): Extension<Visitor>,
) -> Response {
    let own = visitor.map(|v| v.to_string()).unwrap_or_default();
    page::html(StatusCode::OK, &Form { frame: Frame::from(&*state), own, given: "", wrong: "" })
}

#[derive(serde::Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    address: String,
}

/// `GET /lookup?address=`: to the page of the address.
pub(crate) async fn redirect(With(state): With<State>, Query(asked): Query<Asked>) -> Response {
    match address::read(&asked.address) {
        Ok(address) => page::see_other(&format!("/lookup/{address}")),
        Err(rubbish) => wrong(&state, &asked.address, rubbish),
    }
}

/// `GET /lookup/{address}`
pub(crate) async fn address(
    With(state): With<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let address = match address::read(&text) {
        Ok(address) => address,
        Err(rubbish) => return wrong(&state, &text, rubbish),
    };
    let (listing, past) = state.ledger.public(address);
    match listing {
        Some(listing) => {
            let proved = owner::proved(&state, address, &headers);
            let seen = proved.then(|| state.ledger.owner(address)).flatten();
            match Listed::new(&state, address, &listing, &past, proved, seen) {
                Ok(listed) => page::html(StatusCode::OK, &listed),
                Err(error) => error.page(&state),
            }
        }
        None => page::html(StatusCode::OK, &Unlisted::new(&state, address, &past)),
    }
}

/// `GET /lookup/{address}/notice.txt`
pub(crate) async fn notice(
    With(state): With<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(address) = address::read(&text) else {
        let text = "That is not an IP address. Ask for /lookup/192.0.2.10/notice.txt\n";
        return page::plain(StatusCode::BAD_REQUEST, text.to_owned());
    };
    match notice_text(&state, address, &headers) {
        Some(text) => page::plain(StatusCode::OK, text),
        None => {
            let text =
                format!("{address} is not listed in {}, and was not of late.\n", state.site.zone);
            page::plain(StatusCode::NOT_FOUND, text)
        }
    }
}

fn notice_text(state: &Inner, address: IpAddr, headers: &HeaderMap) -> Option<String> {
    let (zone, now) = (&state.site.zone, state.now());
    let (listing, past) = state.ledger.public(address);
    let Some(listing) = listing else {
        return notice::of_past(&past, address, zone, now).map(|n| n.to_text());
    };
    if owner::proved(state, address, headers)
        && let Some(owner) = state.ledger.owner(address)
        && let seen = own(owner.seen, address)
        && !seen.is_empty()
    {
        let exact = seen.iter().map(|s| notice::of_evidence(s, &listing, zone, now).to_text());
        return Some(exact.collect::<Vec<_>>().join("\n"));
    }
    let memory_s = state.site.policy.memory_s;
    Some(notice::of_listing(&listing, address, zone, memory_s, now).to_text())
}

/// What was seen of the very address that was proved: its neighbours in a listed /64 may be others'.
fn own(mut seen: Vec<OwnerEvidence>, address: IpAddr) -> Vec<OwnerEvidence> {
    seen.retain(|s| s.address.to_canonical() == address);
    seen
}

/// The form again, with what is wrong.
fn wrong(state: &Inner, given: &str, rubbish: address::Rubbish) -> Response {
    let given: String = given.chars().take(100).collect();
    let frame = Frame::from(state);
    let form = Form { frame, own: String::new(), given: &given, wrong: rubbish.words() };
    page::html(StatusCode::BAD_REQUEST, &form)
}

#[derive(Template)]
#[template(path = "lookup.html")]
struct Form<'a> {
    frame: Frame,
    own: String,
    given: &'a str,
    wrong: &'a str,
}

/// The page of a listed address.
#[derive(Template)]
#[template(path = "listing.html")]
struct Listed {
    frame: Frame,
    url: String,
    address: String,
    /// Where more than the address is listed.
    net: Option<String>,
    code: String,
    sublist: &'static str,
    reason: String,
    since: String,
    last: String,
    ago: String,
    expires: String,
    times: u32,
    helo: &'static str,
    /// Whether it rests on the operator's word alone.
    by_hand: bool,
    meanings: Vec<Meaning>,
    token: String,
    lockout: String,
    /// Whether the visitor proved that the address is his.
    proved: bool,
    seen: Vec<OwnerEvidence>,
    history: Vec<Row>,
}

impl Listed {
    fn new(
        state: &Inner,
        address: IpAddr,
        listing: &PublicListing,
        past: &[Past],
        proved: bool,
        owner: Option<OwnerListing>,
    ) -> Result<Self, crate::state::NoRandomness> {
        let (site, now) = (&state.site, state.now());
        let single = listing.prefix.prefix_len() == listing.prefix.max_prefix_len();
        let ip = address;
        let address = address.to_string();
        Ok(Self {
            frame: state.into(),
            url: site.url.clone(),
            net: (!single).then(|| listing.prefix.to_string()),
            code: words::code(listing.sublist),
            sublist: words::sublist(listing.sublist),
            reason: listing.reason.clone(),
            since: words::minute(listing.since),
            last: words::told(listing.last),
            ago: words::ago(listing.last.time, now),
            expires: words::minute(listing.expires),
            times: listing.times_listed,
            helo: words::helo(listing.helo),
            by_hand: listing.by_hand,
            meanings: listing.detectors.iter().map(|id| words::meaning(id)).collect(),
            token: state.form_token(crate::removal::PURPOSE, &address)?,
            lockout: words::term(site.policy.lockout_s),
            proved,
            seen: owner.map(|o| own(o.seen, ip)).unwrap_or_default(),
            history: rows(past),
            address,
        })
    }
}

/// The page of an address that is not listed.
#[derive(Template)]
#[template(path = "unlisted.html")]
struct Unlisted {
    frame: Frame,
    address: String,
    /// When it was taken out, how long ago, how, and the reason then.
    gone: Option<(String, String, &'static str, String)>,
    memory: String,
    history: Vec<Row>,
}

impl Unlisted {
    fn new(state: &Inner, address: IpAddr, past: &[Past]) -> Self {
        let now = state.now();
        let gone = past.iter().find(|p| notice::is_end(p.event)).map(|p| {
            let (time, ago) = (words::minute(p.time), words::ago(p.time, now));
            (time, ago, words::event(p.event), p.reason.clone())
        });
        Self {
            frame: state.into(),
            address: address.to_string(),
            gone,
            memory: words::term(state.site.policy.memory_s),
            history: rows(past),
        }
    }
}

/// One line of what happened.
pub(crate) struct Row {
    time: String,
    event: &'static str,
    reason: String,
}

/// What happened, newest first.
pub(crate) fn rows(past: &[Past]) -> Vec<Row> {
    let row = |p: &Past| Row {
        time: words::minute(p.time),
        event: words::event(p.event),
        reason: match p.last {
            Some(last) => format!("{} Last seen {}.", p.reason, words::told(last)),
            None => p.reason.clone(),
        },
    };
    past.iter().map(row).collect()
}
