//! What all pages share: what the operator set ([`Site`]), what the binary lends ([`Rim`]: clock,
//! randomness, name servers, mail, metrics), the ledger, and the few things that the pages remember
//! themselves (spent tokens, visitors of late), all of it bounded.

use crate::owner::{Postman, Resolver};
use crate::rate::{Rate, Visitors};
use crate::token::{Bad, Signer, Spent};
use heloscope_ledger::{Ledger, Policy};
use heloscope_model::Time;
use ipnet::IpNet;
use std::sync::Arc;

/// What the operator set.
#[derive(Clone, Debug)]
pub struct Site {
    /// The composite zone; also the list's name.
    pub zone: String,
    /// Where the pages are, without a slash at the end: `https://list.example`.
    pub url: String,
    /// Who runs the list, as the contact page says it.
    pub operator: String,
    /// Where people write to.
    pub contact: String,
    /// Signs cookies and owners' proofs; keep it over restarts, or owners prove themselves anew.
    pub key: [u8; 32],
    /// The desk's token; without one there is no desk.
    pub desk: Option<String>,
    /// Front ends whose `X-Forwarded-For` is believed.
    pub front_ends: Vec<IpNet>,
    /// Who may see the metrics and the generation, the machine itself as a rule. Everybody else must not:
    /// whoever mails one recipient and sees a number move has found a trap.
    pub watchers: Vec<IpNet>,
    /// How often one visitor may ask for a page.
    pub pages: Rate,
    /// How often one visitor may post a form.
    pub forms: Rate,
    /// The policy's numbers, as the policy pages tell them: the ledger's own.
    pub policy: Policy,
}

/// What the binary lends.
pub struct Rim {
    /// The clock.
    pub now: Box<dyn Fn() -> Time + Send + Sync>,
    /// Asks name servers, for owners' proofs.
    pub resolver: Arc<dyn Resolver>,
    /// Sends mail to owners; without one the way by mail is not offered.
    pub postman: Option<Arc<dyn Postman>>,
    /// The metrics in Prometheus' text format.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Sensors and traps, for the desk.
    pub sensors: Box<dyn Fn() -> Vec<Sensor> + Send + Sync>,
}

/// A sensor, for the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Its name.
    pub name: String,
    /// Where it listens, or what it reads.
    pub place: String,
    /// Sessions it took.
    pub sessions: u64,
    /// Its trap domains and addresses, each with its kind.
    pub traps: Vec<(String, String)>,
}

/// What all pages share; cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Inner>);

/// Behind a [`State`]; closed to others.
pub struct Inner {
    pub(crate) site: Site,
    pub(crate) rim: Rim,
    pub(crate) ledger: Ledger,
    /// Of cookies and proofs: holds over restarts.
    pub(crate) lasting: Signer,
    /// Of forms: this run of the program only, so that spent ones stay spent.
    pub(crate) fleeting: Signer,
    pub(crate) spent: Spent,
    pub(crate) pages: Visitors,
    pub(crate) forms: Visitors,
    /// Letters about one address: nobody has us fill a stranger's mailbox.
    pub(crate) letters: Visitors,
    /// Tries of the desk's token.
    pub(crate) knocks: Visitors,
}

impl std::ops::Deref for State {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The system gave no random bytes: no token can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes; look whether /dev/urandom can be read")]
pub struct NoRandomness;

impl State {
    /// The pages of a list.
    pub fn new(site: Site, rim: Rim, ledger: Ledger) -> Result<Self, NoRandomness> {
        let (pages, forms) = (Visitors::new(site.pages), Visitors::new(site.forms));
        Ok(Self(Arc::new(Inner {
            lasting: Signer::new(site.key),
            fleeting: Signer::new(random()?),
            spent: Spent::default(),
            pages,
            forms,
            letters: Visitors::new(Rate { burst: 3, every_ms: 3_600_000 }),
            knocks: Visitors::new(Rate { burst: 5, every_ms: 30_000 }),
            site,
            rim,
            ledger,
        })))
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Time {
        (self.rim.now)()
    }

    /// A form's token for a purpose and a subject, good for an hour, for one use.
    pub(crate) fn form_token(&self, purpose: &str, subject: &str) -> Result<String, NoRandomness> {
        Ok(self.fleeting.sign(purpose, subject, self.now().plus_secs(3600.0), random()?))
    }

    /// Takes a form's token, once.
    pub(crate) fn take_form(&self, purpose: &str, subject: &str, token: &str) -> Result<(), Bad> {
        let now = self.now();
        let good = self.fleeting.check(purpose, subject, token, now)?;
        self.spent.spend(good, now)
    }

    /// A word that holds over restarts: cookies, owners' proofs.
    pub(crate) fn lasting_token(
        &self,
        purpose: &str,
        subject: &str,
        seconds: u32,
    ) -> Result<String, NoRandomness> {
        let expires = self.now().plus_secs(f64::from(seconds));
        Ok(self.lasting.sign(purpose, subject, expires, random()?))
    }

    pub(crate) fn is_lasting(&self, purpose: &str, subject: &str, token: &str) -> bool {
        self.lasting.check(purpose, subject, token, self.now()).is_ok()
    }

    /// Whether cookies may be kept to encrypted connections.
    pub(crate) fn secure(&self) -> &'static str {
        if self.site.url.starts_with("https://") { "; Secure" } else { "" }
    }
}

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
