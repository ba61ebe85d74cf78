//! A session from a written dialogue and a few facts about the connection.

use heloscope_detect::{Answer, Detection, Dialects, ReverseName, Surroundings};
use heloscope_model::session::EndState;
use heloscope_model::sighting::{Receiver, Sighting, TrapHit, TrapKind};
use heloscope_model::{Place, Session, SourceId, Time};
use heloscope_smtp::script::{Turn, parse};
use heloscope_smtp::{Limits, Machine};

/// Reads a case: lines `@client ADDRESS:PORT`, `@server …`, `@inside …`, `@end close` (else the
/// session ends with QUIT where it was said), then the script.
/// What stands around it: `@ptr none`, `@ptr failed`, `@ptr NAME`, `@trap ADDRESS`, and
/// `@dialect LINE` for each line of a file of dialects.
pub(crate) fn judge(text: &str) -> Vec<Detection> {
    let (mut around, mut dialects, mut file) =
        (Surroundings::default(), Dialects::default(), String::new());
    let mut traps = Vec::new();
    let mut rest = String::new();
    for line in text.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("@ptr", "none") => around.ptr = Answer::None,
            ("@ptr", "failed") => around.ptr = Answer::Failed,
            ("@ptr", name) => {
                let name = ReverseName { name: name.into(), confirmed: None };
                around.ptr = Answer::Found(vec![name]);
            }
            ("@trap", recipient) => {
                traps.push(TrapHit { recipient: recipient.into(), kind: TrapKind::NeverUsed });
            }
            ("@dialect", line) => file += &format!("{line}\n"),
            _ => rest += &format!("{line}\n"),
        }
    }
    dialects.add("case", &file).unwrap();
    let session = read(&rest);
    let (sensor, receiver) = ("one".to_owned(), Receiver::default());
    let sighting = Sighting { sensor, receiver, session, traps, hello: None, bodies: Vec::new() };
    heloscope_detect::judge_sighting(&sighting, &around, &dialects)
}

pub(crate) fn read(text: &str) -> Session {
    let (facts, script): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('@'));
    let turns = parse(&script.join("\n")).unwrap();
    let mut session = play(&turns);
    for fact in facts {
        let (name, value) = fact.split_once(' ').unwrap();
        match name {
            "@client" => session.client = value.parse().unwrap(),
            "@server" => session.server = value.parse().unwrap(),
            "@inside" => session.inside = Some(value.parse().unwrap()),
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
