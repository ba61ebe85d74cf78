//! What a list owes those whom it lists (RFC 6471): criteria, terms, removal, evidence and privacy,
//! incidents, how to use the zone and how it would end. The numbers are the policy's own.

use crate::page::{self, Frame};
use crate::state::{Inner, State};
use crate::words::{self, Meaning};
use askama::Template;
use axum::extract::{Path, State as With};
use axum::http::StatusCode;
use axum::response::Response;
use heloscope_ledger::{Incident, Policy};

/// `GET /policy`
pub(crate) async fn overview(With(state): With<State>) -> Response {
    page::html(StatusCode::OK, &Overview { frame: Frame::from(&*state), terms: Terms::new(&state) })
}

/// `GET /policy/{page}`
pub(crate) async fn chapter(With(state): With<State>, Path(chapter): Path<String>) -> Response {
    let (frame, terms) = (Frame::from(&*state), Terms::new(&state));
    match chapter.as_str() {
        "criteria" => page::html(StatusCode::OK, &Criteria { frame, terms, rules: rules() }),
        "removal" => page::html(StatusCode::OK, &Removal { frame, terms }),
        "privacy" => page::html(StatusCode::OK, &Privacy { frame, terms }),
        "incidents" => {
            let told = state.ledger.incidents();
            page::html(StatusCode::OK, &Incidents { frame, told })
        }
        "use" => page::html(StatusCode::OK, &Use { frame, url: state.site.url.clone() }),
        _ => page::not_found(&state),
    }
}

/// The policy's numbers in words.
struct Terms {
    window: String,
    days: usize,
    sensors: usize,
    traps: usize,
    members: usize,
    term: String,
    dynamic: String,
    longest: String,
    longest_dynamic: String,
    lockout: String,
    longest_lockout: String,
    memory: String,
    tolerance: String,
    delayed: bool,
}

impl Terms {
    fn new(state: &Inner) -> Self {
        let p: &Policy = &state.site.policy;
        Self {
            window: words::term(p.window_s),
            days: p.repeat_days,
            sensors: p.repeat_sensors,
            traps: p.traps,
            members: p.net_members,
            term: words::term(p.term_s),
            dynamic: words::term(p.dynamic_term_s),
            longest: words::term(p.longest_term_s),
            longest_dynamic: words::term(p.longest_dynamic_term_s),
            lockout: words::term(p.lockout_s),
            longest_lockout: words::term(p.longest_lockout_s),
            memory: words::term(p.memory_s),
            tolerance: words::term(p.slot_s / 2),
            delayed: p.delay.is_some(),
        }
    }
}

/// A detector, for the table of criteria.
struct Rule {
    id: &'static str,
    version: u32,
    class: char,
    family: &'static str,
    innocent: &'static str,
    meaning: Meaning,
}

fn rules() -> Vec<Rule> {
    let rule = |d: &&heloscope_detect::Detector| Rule {
        id: d.id,
        version: d.version,
        class: d.class,
        family: d.family,
        innocent: d.innocent,
        meaning: words::meaning(d.id),
    };
    heloscope_detect::CATALOGUE.iter().map(rule).collect()
}

#[derive(Template)]
#[template(path = "policy.html")]
struct Overview {
    frame: Frame,
    terms: Terms,
}

#[derive(Template)]
#[template(path = "policy_criteria.html")]
struct Criteria {
    frame: Frame,
    terms: Terms,
    rules: Vec<Rule>,
}

#[derive(Template)]
#[template(path = "policy_removal.html")]
struct Removal {
    frame: Frame,
    terms: Terms,
}

#[derive(Template)]
#[template(path = "policy_privacy.html")]
struct Privacy {
    frame: Frame,
    terms: Terms,
}

#[derive(Template)]
#[template(path = "policy_incidents.html")]
struct Incidents {
    frame: Frame,
    told: Vec<Incident>,
}

#[derive(Template)]
#[template(path = "policy_use.html")]
struct Use {
    frame: Frame,
    url: String,
}
