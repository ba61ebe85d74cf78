//! Who may see more: whoever proves that the address is his.
//!
//! Two ways. By DNS: a TXT record that we dictate, under `_heloscope.` and the address's reverse name or
//! the host name that the reverse name gives (which must lead back to the address). By mail: a link sent
//! to postmaster at that host name, or at the domain above it. Nothing is stored here: who asks gets a
//! claim, signed for the address, in a cookie, and dictates the claim's hash to his DNS. A record that
//! everybody can read thus proves nothing for anybody else. With the proof comes a cookie that is good for
//! a day, on this address's pages alone.

use crate::page::{self, Frame};
use crate::state::{Inner, State};
use crate::token::Bad;
use crate::{address, guard, token};
use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State as With};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest, Sha256};
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// What comes back later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Asks name servers. A name that does not exist is an empty answer, not an error.
pub trait Resolver: Send + Sync {
    /// The names that an address's reverse name gives.
    fn names(&self, address: IpAddr) -> Later<'_, Result<Vec<String>, Unanswered>>;
    /// The addresses of a name.
    fn addresses(&self, name: String) -> Later<'_, Result<Vec<IpAddr>, Unanswered>>;
    /// The TXT records of a name, the strings of each put together.
    fn texts(&self, name: String) -> Later<'_, Result<Vec<String>, Unanswered>>;
}

/// No name server answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name servers did not answer: {0}")]
pub struct Unanswered(pub String);

/// Sends mail.
pub trait Postman: Send + Sync {
    /// Hands a letter over for delivery.
    fn send(&self, letter: Letter) -> Later<'_, Result<(), Undelivered>>;
}

/// A mail to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Whom to.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text, lines ended by `\n`.
    pub text: String,
}

/// The mail could not be handed over; the reason is told to who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mail could not be sent: {0}")]
pub struct Undelivered(pub String);

/// The cookie that says that the proof was given.
const COOKIE: &str = "heloscope_owner";
/// The cookie of who is about to prove it by DNS.
const CLAIM: &str = "heloscope_claim";
const DAY: u32 = 86_400;
/// Purposes of tokens.
const FORM: &str = "owner-form";
const CLAIMED: &str = "owner-claim";
const LINK: &str = "owner-link";
const PROVED: &str = "owner-proved";
/// What stands before the hash in a TXT record.
const MARK: &str = "heloscope-owner=";
/// Names and records of one answer that are looked at.
const MOST: usize = 10;

/// Whether a request carries the proof for an address.
pub(crate) fn proved(state: &Inner, address: IpAddr, headers: &HeaderMap) -> bool {
    cookies(headers, COOKIE).any(|token| state.is_lasting(PROVED, &address.to_string(), token))
}

/// The cookies of a name. There may be several, of paths that hold each other.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// `GET /lookup/{address}/owner`: the two ways.
pub(crate) async fn ways(
    With(state): With<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(address) = address::read(&text) else { return page::not_found(&state) };
    match unlisted(&state, address) {
        Some(response) => response,
        None => ways_page(&state, address, &headers, StatusCode::OK, "").await,
    }
}

/// Of an address that is not listed there is nothing to see, and nobody to be asked.
fn unlisted(state: &Inner, address: IpAddr) -> Option<Response> {
    if state.ledger.sublist(address).is_some() {
        return None;
    }
    let text = "This address is not listed, so there are no details to see.";
    let page = format!("/lookup/{address}");
    let back = Some((page.as_str(), "Open the address’s page"));
    Some(page::problem(state, StatusCode::NOT_FOUND, "Nothing to see", text, back))
}

async fn ways_page(
    state: &Inner,
    address: IpAddr,
    headers: &HeaderMap,
    status: StatusCode,
    wrong: &str,
) -> Response {
    let subject = address.to_string();
    let hosts = hosts(state, address).await.unwrap_or_default();
    let tokens = state.form_token(FORM, &subject).and_then(|form| {
        let claim = claim(state, &subject, headers).map(str::to_owned);
        Ok((form, claim.map_or_else(|| state.lasting_token(CLAIMED, &subject, 7 * DAY), Ok)?))
    });
    let (form, claim) = match tokens {
        Ok(tokens) => tokens,
        Err(error) => return error.page(state),
    };
    let page = Ways {
        frame: state.into(),
        proved: proved(state, address, headers),
        names: txt_names(address, &hosts),
        record: record(&claim),
        mailboxes: if state.rim.postman.is_some() { mailboxes(&hosts) } else { Vec::new() },
        has_name: !hosts.is_empty(),
        address: subject,
        form,
        wrong: wrong.to_owned(),
    };
    let mut response = page::html(status, &page);
    let path = format!("/lookup/{}/owner", page.address);
    set_cookie(state, &mut response, CLAIM, &claim, &path, 7 * DAY);
    response
}

/// The claim that a visitor holds for an address.
fn claim<'a>(state: &Inner, subject: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    cookies(headers, CLAIM).find(|token| state.is_lasting(CLAIMED, subject, token))
}

/// The text of the TXT record for a claim, which it does not give away.
fn record(claim: &str) -> String {
    let hash = token::hex(&Sha256::digest(claim));
    format!("{MARK}{}", hash.get(..40).unwrap_or(&hash))
}

#[derive(serde::Deserialize)]
pub(crate) struct Filled {
    token: String,
    #[serde(default)]
    mailbox: String,
}

/// `POST /lookup/{address}/owner/dns`: looks whether the record is there.
pub(crate) async fn by_dns(
    With(state): With<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let (address, _) = match taken(&state, &text, filled) {
        Ok(taken) => taken,
        Err(response) => return *response,
    };
    let subject = address.to_string();
    let Some(record) = claim(&state, &subject, &headers).map(record) else {
        let wrong = "Your browser did not keep the cookie that goes with the record, or it was another \
                     browser that opened this page first. Please set the record that is shown now.";
        return ways_page(&state, address, &headers, StatusCode::CONFLICT, wrong).await;
    };
    let hosts = hosts(&state, address).await.unwrap_or_default();
    let mut silent = false;
    for name in txt_names(address, &hosts) {
        let texts = match state.rim.resolver.texts(name).await {
            Ok(texts) => texts,
            Err(_) => {
                silent = true;
                continue;
            }
        };
        if texts.iter().take(MOST).any(|text| text.trim() == record) {
            return let_in(&state, address);
        }
    }
    let wrong = if silent {
        "A name server did not answer, so we could not look. Please try again in a few minutes."
    } else {
        "We found no such record yet. A new record can take some minutes until it is seen everywhere. \
         Please compare its name and its text with those below, and try again."
    };
    ways_page(&state, address, &headers, StatusCode::CONFLICT, wrong).await
}

/// `POST /lookup/{address}/owner/mail`: sends the link.
pub(crate) async fn by_mail(
    With(state): With<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let (address, filled) = match taken(&state, &text, filled) {
        Ok(taken) => taken,
        Err(response) => return *response,
    };
    let Some(postman) = state.rim.postman.clone() else { return page::not_found(&state) };
    // Only where the reverse name leads: nobody makes us write to strangers.
    let hosts = hosts(&state, address).await.unwrap_or_default();
    let Some(mailbox) = mailboxes(&hosts).into_iter().find(|m| *m == filled.mailbox) else {
        let wrong = "Please choose one of the mailboxes offered.";
        return ways_page(&state, address, &headers, StatusCode::BAD_REQUEST, wrong).await;
    };
    if let Err(wait) = state.letters.admit(address, state.now().nanos() / 1_000_000) {
        return guard::too_often(&state, wait, false);
    }
    let token = match state.lasting_token(LINK, &address.to_string(), DAY) {
        Ok(token) => token,
        Err(error) => return error.page(&state),
    };
    match postman.send(letter(&state, address, &mailbox, &token)).await {
        Ok(()) => {
            let address = address.to_string();
            page::html(StatusCode::OK, &Sent { frame: Frame::from(&*state), address, mailbox })
        }
        // Here he finds the other way beside it.
        Err(Undelivered(why)) => {
            let wrong = format!("No mail was sent: {why}.");
            ways_page(&state, address, &headers, StatusCode::SERVICE_UNAVAILABLE, &wrong).await
        }
    }
}

fn letter(state: &Inner, address: IpAddr, mailbox: &str, token: &str) -> Letter {
    let (zone, url) = (&state.site.zone, &state.site.url);
    Letter {
        to: mailbox.to_owned(),
        subject: format!("{zone}: details about {address}"),
        text: format!(
            "Hello,\n\nsomebody asked the blocklist {zone} for the details of what it saw from the address\n\
             {address}. The reverse name of that address leads to your domain, so we send the key to you.\n\n\
             If it was you, or somebody whom you trust with your logs, open this link within a day:\n\n\
             {url}/lookup/{address}/owner/confirm?token={token}\n\n\
             If not, do nothing: without the link nobody sees more than everybody may.\n\n\
             {}\n{}\n",
            state.site.operator, state.site.contact
        ),
    }
}

#[derive(serde::Deserialize)]
pub(crate) struct Followed {
    #[serde(default)]
    token: String,
}

/// `GET /lookup/{address}/owner/confirm`: a button, because programs that check mail follow links too.
pub(crate) async fn link(
    With(state): With<State>,
    Path(text): Path<String>,
    Query(followed): Query<Followed>,
) -> Response {
    let Ok(address) = address::read(&text) else { return page::not_found(&state) };
    let address = address.to_string();
    if !state.is_lasting(LINK, &address, &followed.token) {
        let back = format!("/lookup/{address}/owner");
        return page::bad_form(&state, Bad::Stale, &back);
    }
    let page = Confirm { frame: Frame::from(&*state), address, token: followed.token };
    page::html(StatusCode::OK, &page)
}

/// `POST /lookup/{address}/owner/confirm`
pub(crate) async fn by_link(
    With(state): With<State>,
    Path(text): Path<String>,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let Ok(address) = address::read(&text) else { return page::not_found(&state) };
    match filled {
        Ok(Form(f)) if state.is_lasting(LINK, &address.to_string(), &f.token) => {
            let_in(&state, address)
        }
        _ => page::bad_form(&state, Bad::Forged, &format!("/lookup/{address}/owner")),
    }
}

/// Gives the cookie and leads to the address's page.
fn let_in(state: &Inner, address: IpAddr) -> Response {
    let subject = address.to_string();
    let token = match state.lasting_token(PROVED, &subject, DAY) {
        Ok(token) => token,
        Err(error) => return error.page(state),
    };
    let path = format!("/lookup/{subject}");
    let mut response = page::see_other(&path);
    set_cookie(state, &mut response, COOKIE, &token, &path, DAY);
    response
}

fn set_cookie(
    state: &Inner,
    response: &mut Response,
    name: &str,
    value: &str,
    path: &str,
    seconds: u32,
) {
    let secure = state.secure();
    let cookie = format!(
        "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The address and the form, if the form is ours.
fn taken(
    state: &Inner,
    text: &str,
    filled: Result<Form<Filled>, FormRejection>,
) -> Result<(IpAddr, Filled), Box<Response>> {
    let address = address::read(text).map_err(|_| Box::new(page::not_found(state)))?;
    let back = format!("/lookup/{address}/owner");
    let refuse = |bad| Box::new(page::bad_form(state, bad, &back));
    let Form(filled) = filled.map_err(|_| refuse(Bad::Forged))?;
    state.take_form(FORM, &address.to_string(), &filled.token).map_err(refuse)?;
    if let Some(response) = unlisted(state, address) {
        return Err(Box::new(response));
    }
    Ok((address, filled))
}

/// The host names that an address's reverse name gives and that lead back to it.
async fn hosts(state: &Inner, address: IpAddr) -> Result<Vec<String>, Unanswered> {
    let mut hosts = Vec::new();
    for name in state.rim.resolver.names(address).await?.into_iter().take(MOST) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if !is_host(&name) || hosts.contains(&name) {
            continue;
        }
        let back = state.rim.resolver.addresses(name.clone()).await.unwrap_or_default();
        if back.iter().any(|a| a.to_canonical() == address) {
            hosts.push(name);
        }
    }
    Ok(hosts)
}

fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.len() <= 240 && name.contains('.') && name.split('.').all(label)
}

/// Where the record may stand.
fn txt_names(address: IpAddr, hosts: &[String]) -> Vec<String> {
    let reverse = format!("_heloscope.{}", reverse_name(address));
    std::iter::once(reverse).chain(hosts.iter().map(|h| format!("_heloscope.{h}"))).collect()
}

/// Whom the link may be sent to: postmaster at the host, and at the domain above it. A domain of one
/// label is nobody's.
fn mailboxes(hosts: &[String]) -> Vec<String> {
    let mut boxes: Vec<String> = Vec::new();
    for host in hosts {
        let above = host.split_once('.').map(|(_, above)| above).filter(|a| a.contains('.'));
        for domain in std::iter::once(host.as_str()).chain(above) {
            let mailbox = format!("postmaster@{domain}");
            if !boxes.contains(&mailbox) {
                boxes.push(mailbox);
            }
        }
    }
    boxes
}

/// `10.2.0.192.in-addr.arpa`, `…ip6.arpa`.
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(six) => {
            let nibbles = six.octets().into_iter().rev().flat_map(|b| [b & 15, b >> 4]);
            nibbles.map(|n| format!("{n:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

#[derive(Template)]
#[template(path = "owner.html")]
struct Ways {
    frame: Frame,
    address: String,
    proved: bool,
    names: Vec<String>,
    record: String,
    mailboxes: Vec<String>,
    has_name: bool,
    form: String,
    wrong: String,
}

#[derive(Template)]
#[template(path = "owner_sent.html")]
struct Sent {
    frame: Frame,
    address: String,
    mailbox: String,
}

#[derive(Template)]
#[template(path = "owner_confirm.html")]
struct Confirm {
    frame: Frame,
    address: String,
    token: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_proof_may_stand_and_whom_we_write_to() {
        let host = ["mail.example.org".to_owned()];
        let names = txt_names("192.0.2.10".parse().unwrap(), &host);
        assert_eq!(names, ["_heloscope.10.2.0.192.in-addr.arpa", "_heloscope.mail.example.org"]);
        assert!(
            reverse_name("2001:db8::1".parse().unwrap())
                .starts_with("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6")
        );
        assert_eq!(mailboxes(&host), ["postmaster@mail.example.org", "postmaster@example.org"]);
        let bare = ["example.org".to_owned()];
        assert_eq!(mailboxes(&bare), ["postmaster@example.org"], "org is nobody's");
    }

    #[test]
    fn names_that_would_break_a_mail_or_a_page_are_no_hosts() {
        for bad in ["a", "a b.example", "x\r\nBcc: y.example", "<b>.example", "a..b", ""] {
            assert!(!is_host(bad), "{bad:?}");
        }
        assert!(is_host("mail-1.example.org"));
    }
}
