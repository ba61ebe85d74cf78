//! What name servers say around a session: its address's reverse names, whether they lead back to it, and
//! where the HELO's name leads. Asked of every session alike, whatever it wrote to, so that who watches his own
//! name server learns of a sensor no more than that it is one.
//!
//! Nobody is kept waiting by a slow name server: what has not answered in time is unknown, and while
//! very many sessions wait the next are not asked about.

use super::names::Names;
use heloscope_detect::{Answer, ReverseName, Surroundings};
use heloscope_model::Sighting;
use heloscope_web::{Resolver, Unanswered};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// A session and what name servers said around it.
pub(crate) type Surrounded = (Sighting, Surroundings);

/// Sessions that are asked about at once.
const ASKING: usize = 512;
/// Reverse names of one address that are looked at.
const REVERSE_NAMES: usize = 4;
/// What lists on one hit is not kept waiting longer: no answer would change it.
const PRESSING: Duration = Duration::from_millis(50);

/// Asks about each session that comes in, and hands it on as soon as it is answered. Ends when no more come.
pub(crate) async fn surround(
    names: Arc<Names>,
    patience: Duration,
    mut sightings: mpsc::Receiver<Sighting>,
    out: mpsc::Sender<Surrounded>,
) {
    let asking = Arc::new(Semaphore::new(ASKING));
    while let Some(sighting) = sightings.recv().await {
        // Room first: when the judge is behind, the trap must notice.
        let Ok(room) = out.clone().reserve_owned().await else { return };
        let Ok(ticket) = Arc::clone(&asking).try_acquire_owned() else {
            room.send((sighting, Surroundings::default()));
            continue;
        };
        let names = Arc::clone(&names);
        tokio::spawn(async move {
            let lists = heloscope_detect::judge(&sighting.session).iter().any(|d| d.class == 'A');
            let patience = if lists { patience.min(PRESSING) } else { patience };
            let around = around(&*names, &sighting, patience).await;
            drop(ticket);
            room.send((sighting, around));
        });
    }
}

/// The answers about one session; no history.
async fn around(names: &impl Resolver, sighting: &Sighting, patience: Duration) -> Surroundings {
    let client = sighting.session.client.ip().to_canonical();
    let helo = sighting.session.helo().map(|(_, argument)| argument.text().0.into_owned());
    let (ptr, helo_addresses) = tokio::join!(
        within(patience, reverse(names, client)),
        within(patience, forward(names, helo)),
    );
    Surroundings { ptr, helo_addresses, ..Surroundings::default() }
}

async fn within<T>(patience: Duration, asked: impl Future<Output = Answer<T>>) -> Answer<T> {
    tokio::time::timeout(patience, asked).await.unwrap_or(Answer::Failed)
}

async fn reverse(names: &impl Resolver, client: IpAddr) -> Answer<Vec<ReverseName>> {
    let found = match names.names(client).await {
        Ok(found) if found.is_empty() => return Answer::None,
        Ok(found) => found,
        Err(Unanswered(_)) => return Answer::Failed,
    };
    let confirm = async |name: String| {
        let addresses = names.addresses(name.clone()).await.ok();
        let leads_back = |all: Vec<IpAddr>| all.iter().any(|a| a.to_canonical() == client);
        ReverseName { name, confirmed: addresses.map(leads_back) }
    };
    let mut confirmed = Vec::new();
    for name in found.into_iter().take(REVERSE_NAMES) {
        confirmed.push(confirm(name).await);
    }
    Answer::Found(confirmed)
}

async fn forward(names: &impl Resolver, helo: Option<String>) -> Answer<Vec<IpAddr>> {
    // Literals, bare addresses and names without a dot lead nowhere.
    let Some(name) = helo.filter(|h| h.contains('.') && !h.starts_with('[')) else {
        return Answer::NotAsked;
    };
    if name.parse::<IpAddr>().is_ok() {
        return Answer::NotAsked;
    }
    match names.addresses(name).await {
        Ok(found) if found.is_empty() => Answer::None,
        Ok(found) => Answer::Found(found),
        Err(Unanswered(_)) => Answer::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::station::tests::{MAIL, sighting};
    use heloscope_web::Later;
    use std::collections::BTreeMap;

    /// Names as a table; what it does not hold does not exist, and `stuck.example` never answers.
    #[derive(Default)]
    struct Book {
        reverse: BTreeMap<IpAddr, Vec<String>>,
        forward: BTreeMap<String, Vec<IpAddr>>,
    }

    impl Resolver for Book {
        fn names(&self, address: IpAddr) -> Later<'_, Result<Vec<String>, Unanswered>> {
            let found = self.reverse.get(&address).cloned().unwrap_or_default();
            Box::pin(async { Ok(found) })
        }

        fn addresses(&self, name: String) -> Later<'_, Result<Vec<IpAddr>, Unanswered>> {
            let found = self.forward.get(&name).cloned().unwrap_or_default();
            Box::pin(async move {
                if name == "stuck.example" {
                    std::future::pending::<()>().await;
                }
                Ok(found)
            })
        }

        fn texts(&self, _: String) -> Later<'_, Result<Vec<String>, Unanswered>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    const PATIENCE: Duration = Duration::from_millis(20);

    fn client() -> IpAddr {
        sighting(&MAIL[..9], &[]).session.client.ip()
    }

    #[tokio::test]
    async fn names_are_confirmed_by_where_they_lead() {
        let mut book = Book::default();
        book.reverse.insert(client(), vec!["mail.example.org".into(), "other.example".into()]);
        book.forward.insert("mail.example.org".into(), vec![client()]);
        book.forward.insert("other.example".into(), vec!["192.0.2.99".parse().unwrap()]);
        let around = around(&book, &sighting(&MAIL[..9], &[]), PATIENCE).await;
        let confirmed = |name: &str, confirmed| ReverseName { name: name.into(), confirmed };
        let names = vec![
            confirmed("mail.example.org", Some(true)),
            confirmed("other.example", Some(false)),
        ];
        assert_eq!(around.ptr, Answer::Found(names));
        assert_eq!(around.helo_addresses, Answer::Found(vec![client()]));
    }

    #[tokio::test]
    async fn no_name_is_an_answer_and_no_answer_is_none() {
        let mut book = Book::default();
        let quiet = around(&book, &sighting(&MAIL[..9], &[]), PATIENCE).await;
        assert_eq!((quiet.ptr, quiet.helo_addresses), (Answer::None, Answer::None));
        book.reverse.insert(client(), vec!["stuck.example".into()]);
        let mut lines = MAIL;
        lines[1].1 = "EHLO stuck.example";
        let stuck = around(&book, &sighting(&lines[..9], &[]), PATIENCE).await;
        assert_eq!((stuck.ptr, stuck.helo_addresses), (Answer::Failed, Answer::Failed));
        lines[1].1 = "EHLO [192.0.2.7]";
        let literal = around(&book, &sighting(&lines[..9], &[]), PATIENCE).await;
        assert_eq!(literal.helo_addresses, Answer::NotAsked);
    }
}
