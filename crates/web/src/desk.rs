//! The operator's desk: what comes in, evidence with the traps, and what only the operator may do (recall,
//! exempt, withdraw). Behind a token, which a cookie then stands for; to everybody else every page of
//! the desk is a page that does not exist. Tries of the token are counted by address.

use crate::guard::{self, Visitor};
use crate::page::{self, Frame};
use crate::state::{Inner, Sensor, State};
use crate::token::Bad;
use crate::{address, owner, words};
use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Path, State as With};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use heloscope_ledger::{Error, Incident, Ledger, OperatorEvidence, OwnerEvidence, Past};
use heloscope_model::Time;
use ipnet::IpNet;

const COOKIE: &str = "heloscope_desk";
/// A working day.
const SHIFT: u32 = 8 * 3600;
const PURPOSE: &str = "desk";
const FORM: &str = "desk-form";
const KNOCK: &str = "desk-knock";
/// Detections shown.
const RECENT: usize = 100;
/// The longest text of an incident or a reason.
const WORDS: usize = 2000;

fn is_operator(state: &Inner, headers: &HeaderMap) -> bool {
    let Some(secret) = &state.site.desk else { return false };
    // The cookie ends when the token is changed: the token is part of what is signed.
    owner::cookies(headers, COOKIE).any(|token| state.is_lasting(PURPOSE, secret, token))
}

/// `GET /desk/enter`
pub(crate) async fn door(With(state): With<State>) -> Response {
    if state.site.desk.is_none() {
        return page::not_found(&state);
    }
    door_page(&state, StatusCode::OK, false)
}

fn door_page(state: &Inner, status: StatusCode, wrong: bool) -> Response {
    match state.form_token(KNOCK, "") {
        Ok(token) => page::html(status, &Door { frame: state.into(), token, wrong }),
        Err(error) => error.page(state),
    }
}

#[derive(serde::Deserialize)]
pub(crate) struct Knock {
    token: String,
    secret: String,
}

/// `POST /desk/enter`
pub(crate) async fn enter(
    With(state): With<State>,
    Extension(Visitor(visitor)): Extension<Visitor>,
    filled: Result<Form<Knock>, FormRejection>,
) -> Response {
    let Some(secret) = &state.site.desk else { return page::not_found(&state) };
    if let Some(visitor) = visitor
        && let Err(wait) = state.knocks.admit(visitor, state.now().nanos() / 1_000_000)
    {
        return guard::too_often(&state, wait, false);
    }
    let Ok(Form(knock)) = filled else {
        return page::bad_form(&state, Bad::Forged, "/desk/enter");
    };
    if let Err(bad) = state.take_form(KNOCK, "", &knock.token) {
        return page::bad_form(&state, bad, "/desk/enter");
    }
    if secret.is_empty() || !state.lasting.same(secret, &knock.secret) {
        tracing::warn!(?visitor, "a wrong token was tried at the desk");
        return door_page(&state, StatusCode::FORBIDDEN, true);
    }
    match state.lasting_token(PURPOSE, secret, SHIFT) {
        Ok(token) => cookie(&state, &token, SHIFT, "/desk"),
        Err(error) => error.page(&state),
    }
}

/// `POST /desk/leave`
pub(crate) async fn leave(With(state): With<State>) -> Response {
    cookie(&state, "", 0, "/")
}

fn cookie(state: &Inner, token: &str, seconds: u32, to: &str) -> Response {
    let secure = state.secure();
    let cookie = format!(
        "{COOKIE}={token}; Path=/desk; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    let mut response = page::see_other(to);
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// `GET /desk`
pub(crate) async fn desk(With(state): With<State>, headers: HeaderMap) -> Response {
    if !is_operator(&state, &headers) {
        return page::not_found(&state);
    }
    let token = match state.form_token(FORM, "") {
        Ok(token) => token,
        Err(error) => return error.page(&state),
    };
    let ledger = &state.ledger;
    let recent = ledger.recent(RECENT);
    let exemptions = ledger.exemptions();
    let desk = Desk {
        frame: Frame::from(&*state),
        listed: words::number(ledger.active()),
        generation: ledger.generation(),
        recent: recent
            .into_iter()
            .map(|s| Line {
                at: words::second(s.at),
                public: s.visible <= state.now(),
                address: s.address.to_string(),
                sensor: s.sensor,
                detectors: s.detectors.join(", "),
                traps: s.traps.len(),
                state: match (s.listable, s.listed) {
                    (_, Some(sublist)) => words::code(sublist),
                    (true, None) => "not listed".to_owned(),
                    (false, None) => "cannot be listed".to_owned(),
                },
            })
            .collect(),
        exemptions: exemptions
            .into_iter()
            .map(|(prefix, e)| (prefix.to_string(), e.why, e.until.map(words::minute)))
            .collect(),
        paused: ledger.paused(),
        incidents: ledger.incidents(),
        detectors: heloscope_detect::CATALOGUE.iter().map(|d| d.id).collect(),
        sensors: (state.rim.sensors)(),
        token,
    };
    page::html(StatusCode::OK, &desk)
}

/// `GET /desk/addresses/{address}`
pub(crate) async fn evidence(
    With(state): With<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_operator(&state, &headers) {
        return page::not_found(&state);
    }
    let address = match address::read(&text) {
        Ok(address) => address,
        Err(rubbish) => {
            let back = Some(("/desk", "To the desk"));
            let title = "Not an address";
            return page::problem(&state, StatusCode::BAD_REQUEST, title, rubbish.words(), back);
        }
    };
    let token = match state.form_token(FORM, "") {
        Ok(token) => token,
        Err(error) => return error.page(&state),
    };
    let listing = state.ledger.operator(address);
    let (public, past) = state.ledger.public(address);
    let seen = match &listing {
        Some(listing) => listing.seen.clone(),
        None => state.ledger.evidence(address),
    };
    let page = Evidence {
        frame: Frame::from(&*state),
        address: address.to_string(),
        reason: public.map(|l| l.reason),
        owner: listing.map(|l| l.owner.seen).unwrap_or_default(),
        seen,
        past,
        token,
    };
    page::html(StatusCode::OK, &page)
}

#[derive(serde::Deserialize)]
pub(crate) struct Order {
    token: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    detector: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    why: String,
}

/// `POST /desk/orders/{what}`: recall, exempt, unexempt, withdraw, remove, pause, resume.
pub(crate) async fn order(
    With(state): With<State>,
    Path(what): Path<String>,
    headers: HeaderMap,
    filled: Result<Form<Order>, FormRejection>,
) -> Response {
    if !is_operator(&state, &headers) {
        return page::not_found(&state);
    }
    let Ok(Form(order)) = filled else {
        return page::bad_form(&state, Bad::Forged, "/desk");
    };
    if let Err(bad) = state.take_form(FORM, "", &order.token) {
        return page::bad_form(&state, bad, "/desk");
    }
    let act = match Act::read(&what, order) {
        Ok(act) => act,
        Err(wrong) => {
            let back = Some(("/desk", "To the desk"));
            let title = "This order cannot be carried out";
            return page::problem(&state, StatusCode::BAD_REQUEST, title, wrong, back);
        }
    };
    let (ledger, now) = (state.ledger.clone(), state.now());
    tracing::info!(?act, "an order from the desk");
    match tokio::task::spawn_blocking(move || act.carry_out(&ledger, now)).await {
        Ok(Ok(())) => page::see_other("/desk"),
        Ok(Err(error)) => page::broken(&state, &error.to_string()),
        Err(error) => page::broken(&state, &error.to_string()),
    }
}

/// An order that makes sense.
#[derive(Debug)]
enum Act {
    Recall(String, u32, String),
    Exempt(IpNet, String),
    Unexempt(IpNet),
    Withdraw(IpNet, String),
    Pause(String, String),
    Resume(String),
}

impl Act {
    fn read(what: &str, order: Order) -> Result<Self, &'static str> {
        let prefix = || {
            let text = order.prefix.trim();
            let net = text.parse().or_else(|_| text.parse().map(|ip: std::net::IpAddr| ip.into()));
            net.map_err(|_| "That is neither an address nor a prefix such as 192.0.2.0/24.")
        };
        let why = || match order.why.trim() {
            "" => Err(
                "Please say why: the words are kept, and where they are published people read them.",
            ),
            long if long.len() > WORDS => Err("The text is longer than 2,000 letters."),
            why => Ok(why.to_owned()),
        };
        let detector = || match order.detector.trim() {
            "" => Err("Please name the detector."),
            id if id.len() > 100 => Err("No detector’s name is that long."),
            id => Ok(id.to_owned()),
        };
        match what {
            "recall" => {
                let version = order.version.trim().parse();
                let version = version.map_err(|_| "The version is a whole number.")?;
                Ok(Self::Recall(detector()?, version, why()?))
            }
            "exempt" => Ok(Self::Exempt(prefix()?, why()?)),
            "unexempt" => Ok(Self::Unexempt(prefix()?)),
            "withdraw" => Ok(Self::Withdraw(prefix()?, why()?)),
            "pause" => Ok(Self::Pause(detector()?, why()?)),
            "resume" => Ok(Self::Resume(detector()?)),
            _ => Err("There is no such order."),
        }
    }

    fn carry_out(&self, ledger: &Ledger, now: Time) -> Result<(), Error> {
        match self {
            Self::Recall(detector, version, why) => ledger.recall(detector, *version, why, now),
            Self::Exempt(prefix, why) => ledger.exempt(*prefix, why, None, now),
            Self::Unexempt(prefix) => ledger.unexempt(*prefix, now),
            Self::Withdraw(prefix, why) => ledger.withdraw(*prefix, why, now),
            Self::Pause(detector, why) => ledger.pause(detector, why, now),
            Self::Resume(detector) => ledger.resume(detector, now),
        }
    }
}

#[derive(Template)]
#[template(path = "desk_door.html")]
struct Door {
    frame: Frame,
    token: String,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "desk.html")]
struct Desk {
    frame: Frame,
    listed: String,
    generation: u64,
    recent: Vec<Line>,
    exemptions: Vec<(String, String, Option<String>)>,
    paused: Vec<(String, String)>,
    incidents: Vec<Incident>,
    detectors: Vec<&'static str>,
    sensors: Vec<Sensor>,
    token: String,
}

/// A detection as it came.
struct Line {
    at: String,
    public: bool,
    address: String,
    sensor: String,
    detectors: String,
    traps: usize,
    state: String,
}

#[derive(Template)]
#[template(path = "desk_address.html")]
struct Evidence {
    frame: Frame,
    address: String,
    reason: Option<String>,
    owner: Vec<OwnerEvidence>,
    seen: Vec<OperatorEvidence>,
    past: Vec<Past>,
    token: String,
}
