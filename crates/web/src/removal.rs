//! A removal asked for by form. Anybody may ask, without saying why, by POST alone: the form carries a
//! token that is signed for the address, lasts an hour and works once, so that neither a crawler nor a
//! page elsewhere nor a form sent twice takes anything out. Whether it is granted is the ledger's to say.

use crate::page::{self, Frame};
use crate::state::{Inner, State};
use crate::{address, owner, words};
use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State as With};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use heloscope_ledger::{Asked, Error, Removal};
use std::net::IpAddr;

/// What a removal form's token is for.
pub(crate) const PURPOSE: &str = "removal";

#[derive(serde::Deserialize)]
pub(crate) struct Filled {
    token: String,
}

/// `POST /lookup/{address}/removal`
pub(crate) async fn by_form(
    With(state): With<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let Ok(address) = address::read(&text) else { return page::not_found(&state) };
    let back = format!("/lookup/{address}");
    let Ok(Form(filled)) = filled else {
        return page::bad_form(&state, crate::token::Bad::Forged, &back);
    };
    if let Err(bad) = state.take_form(PURPOSE, &address.to_string(), &filled.token) {
        return page::bad_form(&state, bad, &back);
    }
    let by = asker(&state, address, &headers);
    answer(&state, address, ask(&state, address, by).await)
}

/// The way back from a bookmark or a reload: there is nothing to see by GET.
pub(crate) async fn by_get(Path(text): Path<String>) -> Response {
    match address::read(&text) {
        Ok(address) => page::see_other(&format!("/lookup/{address}")),
        Err(_) => page::see_other("/"),
    }
}

/// Who asks.
pub(crate) fn asker(state: &Inner, address: IpAddr, headers: &HeaderMap) -> Asked {
    if owner::proved(state, address, headers) { Asked::Owner } else { Asked::Anybody }
}

/// Asks the ledger, which answers when the removal is durable.
pub(crate) async fn ask(state: &State, address: IpAddr, by: Asked) -> Result<Removal, Error> {
    let (state, now) = (state.clone(), state.now());
    tokio::task::spawn_blocking(move || state.ledger.remove(address, by, now))
        .await
        .unwrap_or_else(|error| Err(Error::Stopped(error.to_string())))
}

fn answer(state: &Inner, address: IpAddr, said: Result<Removal, Error>) -> Response {
    let (frame, address) = (Frame::from(state), address.to_string());
    match said {
        Ok(Removal::Granted) => {
            let lockout = words::term(state.site.policy.lockout_s);
            page::html(StatusCode::OK, &Removed { frame, address, lockout })
        }
        Ok(Removal::Refused { reason, retry_after_s }) => {
            let again = state.now().plus_secs(retry_after_s as f64);
            let refused = Refused {
                frame,
                address,
                reason,
                wait: words::span(retry_after_s),
                again: words::minute(again),
            };
            let mut response = page::html(StatusCode::CONFLICT, &refused);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
            response
        }
        Ok(Removal::NotListed) => page::problem(
            state,
            StatusCode::NOT_FOUND,
            "This address is not listed",
            "There is nothing to remove. If you removed it a moment ago, that has worked.",
            Some((&format!("/lookup/{address}"), "Open the address’s page")),
        ),
        Err(error) => page::broken(state, &error.to_string()),
    }
}

#[derive(Template)]
#[template(path = "removed.html")]
struct Removed {
    frame: Frame,
    address: String,
    lockout: String,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused {
    frame: Frame,
    address: String,
    reason: String,
    wait: String,
    again: String,
}
