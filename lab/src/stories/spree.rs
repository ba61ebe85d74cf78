//! An offender's mail: many sessions of the scripted client, spread over a part of the story, each with its own sender and victims.

use super::backdrop;
use super::scene::Scene;
use crate::host::Host;
use crate::letter;
use std::rc::Rc;

/// How the offender goes about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spree<'a> {
    /// The machine it runs on.
    pub(super) host: &'a Rc<Host>,
    /// Mails a minute of the whole story; they fall into the part below.
    pub(super) rate: f64,
    /// From and to, as parts of the story's length.
    pub(super) part: (f64, f64),
    /// The server to speak to; the victim's own exchanger where empty.
    pub(super) server: &'a str,
    /// What to say after EHLO, one of these a session.
    pub(super) ehlo: &'a [&'a str],
    /// Addresses to speak from, where the machine has several.
    pub(super) from_ip: &'a [&'a str],
    /// The envelope sender; made up each time where empty.
    pub(super) sender: &'a str,
    /// Most victims a mail.
    pub(super) victims: usize,
    /// More words of the dialect.
    pub(super) words: &'a [&'a str],
}

/// Adds it to the scene's timeline under `tag`.
pub(super) fn spree(scene: &mut Scene, tag: &str, way: &Spree<'_>) {
    let length = scene.length;
    let Scene { chance, line, far, .. } = scene;
    let count = ((length / 60.0 * way.rate) as usize).max(8);
    for at in chance.scatter(count, length * way.part.0, length * way.part.1) {
        // One domain a session where the victim's exchanger is asked itself.
        let victims = if way.server.is_empty() {
            vec![far.victim(chance)]
        } else {
            let count = 1 + chance.below(way.victims.max(1));
            far.victims(chance, count)
        };
        let sender = if way.sender.is_empty() {
            format!("{}@{}", chance.word("abdegiklmnorst", 7), chance.pick(&far.domains))
        } else {
            way.sender.to_owned()
        };
        let to = victims.join(",");
        let text = letter::spam(chance, &sender, victims.first().map_or("", String::as_str));
        let ehlo = chance.pick(way.ehlo);
        let mut words = vec!["--ehlo", ehlo, "--from", &sender, "--rcpt", &to];
        if !way.server.is_empty() {
            words.extend(["--server", way.server]);
        }
        let from_ip = chance.pick(way.from_ip);
        if !from_ip.is_empty() {
            words.extend(["--bind", from_ip]);
        }
        words.extend(way.words);
        backdrop::speak(line, at, tag, way.host, &words, &text);
    }
}
