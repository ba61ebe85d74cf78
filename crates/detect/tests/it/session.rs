//! A session from a written dialogue, and what is known around it.

use heloscope_detect::{Answer, Detection, Dialects, ReverseName, Surroundings};
use heloscope_model::session::{EndState, Syn};
use heloscope_model::sighting::{Receiver, Sighting, TrapHit, TrapKind};
use heloscope_model::{Octets, Place, Session, SourceId, Time};
use heloscope_smtp::script::{Turn, parse};
use heloscope_smtp::{Limits, Machine};

/// Between two sessions of a case, in seconds.
const PAUSE_S: f64 = 600.0;

/// Reads a case and judges its last session, in the light of those before it.
///
/// Sessions are parted by lines `@then` (the next begins ten minutes later) or `@then SECONDS`. In
/// each, lines `@client ADDRESS:PORT`, `@server …`, `@inside …`, `@syn STACK [MSS]` (linux, windows, bsd,
/// custom), `@end close` (else the session ends with QUIT where it was said), then the script; with
/// `@each A B C` the session is held once for each word, which stands for `%` in it.
/// What stands around all of them: `@ptr none`, `@ptr failed`, `@ptr NAME [confirmed]`, `@helo none`,
/// `@helo failed`, `@helo ADDRESS` (what the HELO's name leads to), `@receiver NAME-OR-ADDRESS`,
/// `@trap ADDRESS`, `@trap-login`, and `@dialect LINE` for each line of a file of dialects.
pub(crate) fn judge(text: &str) -> Vec<Detection> {
    let case = Case::read(text);
    let (mut around, mut found) = (case.around.clone(), Vec::new());
    for sighting in case.sightings() {
        found = heloscope_detect::judge_sighting(&sighting, &around, &case.dialects);
        around.history.note(&sighting, None, None);
    }
    found
}

/// The sessions of a case, in the same notation.
pub(crate) fn sightings(text: &str) -> Vec<Sighting> {
    Case::read(text).sightings()
}

#[derive(Default)]
struct Case {
    around: Surroundings,
    dialects: Dialects,
    receiver: Receiver,
    traps: Vec<TrapHit>,
    trap_login: bool,
    /// Seconds since the one before, and what was said.
    sessions: Vec<(f64, String)>,
}

impl Case {
    fn read(text: &str) -> Self {
        let mut case = Self { sessions: vec![(0.0, String::new())], ..Self::default() };
        let mut file = String::new();
        for line in text.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match (word, rest) {
                ("@ptr", "none") => case.around.ptr = Answer::None,
                ("@ptr", "failed") => case.around.ptr = Answer::Failed,
                ("@ptr", rest) => {
                    let name = rest.strip_suffix(" confirmed");
                    let name = ReverseName {
                        name: name.unwrap_or(rest).into(),
                        confirmed: name.map(|_| true),
                    };
                    case.around.ptr = Answer::Found(vec![name]);
                }
                ("@helo", "none") => case.around.helo_addresses = Answer::None,
                ("@helo", "failed") => case.around.helo_addresses = Answer::Failed,
                ("@helo", address) => {
                    case.around.helo_addresses = Answer::Found(vec![address.parse().unwrap()]);
                }
                ("@receiver", who) => match who.parse() {
                    Ok(address) => case.receiver.addresses.push(address),
                    Err(_) => case.receiver.names.push(who.into()),
                },
                ("@trap", recipient) => {
                    case.traps
                        .push(TrapHit { recipient: recipient.into(), kind: TrapKind::NeverUsed });
                }
                ("@trap-login", "") => case.trap_login = true,
                ("@dialect", line) => file += &format!("{line}\n"),
                ("@then", "") => case.sessions.push((PAUSE_S, String::new())),
                ("@then", later) => case.sessions.push((later.parse().unwrap(), String::new())),
                _ => case.sessions.last_mut().unwrap().1 += &format!("{line}\n"),
            }
        }
        case.dialects.add("case", &file).unwrap();
        case
    }

    fn sightings(&self) -> Vec<Sighting> {
        let (mut all, mut at) = (Vec::new(), 0.0);
        for (later, text) in &self.sessions {
            let each = text.lines().find_map(|line| line.strip_prefix("@each "));
            let words: Vec<_> = each.unwrap_or("%").split(' ').collect();
            for (number, word) in words.into_iter().enumerate() {
                at += if number == 0 { *later } else { PAUSE_S };
                let mut session = read(&text.replace('%', word));
                session.start = session.start.plus_secs(at);
                session.end = session.end.plus_secs(at);
                let receiver = self.receiver.clone();
                let (traps, trap_login) = (self.traps.clone(), self.trap_login);
                let (sensor, hello, bodies) = ("one".to_owned(), None, Vec::new());
                all.push(Sighting { sensor, receiver, session, traps, trap_login, hello, bodies });
            }
        }
        all
    }
}

pub(crate) fn read(text: &str) -> Session {
    let (facts, script): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('@'));
    let turns = parse(&script.join("\n")).unwrap();
    let mut session = play(&turns);
    for fact in facts {
        let (name, value) = fact.split_once(' ').unwrap();
        match name {
            "@each" => {}
            "@client" => session.client = value.parse().unwrap(),
            "@server" => session.server = value.parse().unwrap(),
            "@inside" => session.inside = Some(value.parse().unwrap()),
            "@syn" => session.syn = Some(syn(value)),
            "@end" => {
                session.end_state = match value {
                    "close" => EndState::Close,
                    "reset" => EndState::Reset,
                    "timeout" => EndState::Timeout,
                    "truncated" => EndState::Truncated,
                    other => panic!("{other}"),
                }
            }
            other => panic!("{other}"),
        }
    }
    session
}

/// The SYN of a stack, some routers away.
pub(crate) fn syn(text: &str) -> Syn {
    let (stack, mss) = text.split_once(' ').unwrap_or((text, "1460"));
    let (ttl, options): (u8, &[u8]) = match stack {
        "linux" => (52, &[2, 4, 8, 1, 3]),
        "windows" => (116, &[2, 1, 3, 1, 1, 4]),
        "bsd" => (57, &[2, 1, 3, 1, 1, 8, 4]),
        "custom" => (116, &[2, 4, 8, 1, 3]),
        other => panic!("{other}"),
    };
    let options = Octets::new(options);
    Syn { ttl, window: 64240, mss: Some(mss.parse().unwrap()), scale: Some(7), options, df: true }
}

/// A session between documentation addresses, read by the real machine.
pub(crate) fn play(turns: &[Turn]) -> Session {
    let mut machine = Machine::new(&Limits::default());
    for (turn, second) in turns.iter().zip(1..) {
        let at = Time::from_secs(second);
        match turn {
            Turn::Says(side, bytes) => machine.feed(*side, at, bytes),
            Turn::Gap(side, len) => machine.gap(*side, at, *len),
            Turn::Midstream => machine.midstream(),
        }
    }
    let end_state = if machine.quit_said() { EndState::Quit } else { EndState::Close };
    let proxy = machine.proxied();
    Session {
        place: Place::whole(SourceId(0)),
        start: Time::from_secs(0),
        end: Time::from_secs(turns.len() as i64 + 1),
        client: "192.0.2.7:40000".parse().unwrap(),
        server: "198.51.100.1:25".parse().unwrap(),
        inside: None,
        client_mac: None,
        syn: None,
        sequence: (None, None),
        proxy,
        dialogue: machine.finish(),
        bytes: (0, 0),
        end_state,
    }
}
