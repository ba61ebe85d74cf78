//! Honest users of a proxy on the server: a branch that browses, and whose old mail program reaches its own provider through it.

use super::backdrop;
use super::far::kept;
use super::scene::Scene;
use crate::host::Host;
use crate::letter;
use anyhow::{Context, Result};
use std::rc::Rc;

/// How much of it, a minute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Browsing {
    /// Pages without TLS.
    pub(super) rate: f64,
    /// Connections to port 443.
    pub(super) connect: f64,
    /// Letters over port 25 to the branch's own provider.
    pub(super) own_provider: f64,
}

/// The sites that people read; nothing else of the lab stands at this address.
const PORTAL: &str = "203.0.113.125";

/// Puts the readers into the scene, and what they read, which stands as long as the host that is given back.
pub(super) fn through(scene: &mut Scene, how: &Browsing) -> Result<Rc<Host>> {
    let portal = scene.world.public("portal", PORTAL, "UTC")?;
    crate::mta::certificate(&portal, "portal.example")?;
    portal.sh("mkdir -p /srv/www && seq 400 > /srv/www/index.html && cp /srv/www/index.html /srv/www/wetter.html && busybox httpd -p 80 -h /srv/www")?;
    portal.daemon(&[
        "openssl",
        "s_server",
        "-quiet",
        "-accept",
        "443",
        "-www",
        "-cert",
        "/etc/ssl/mail.pem",
        "-key",
        "/etc/ssl/mail.key",
    ])?;
    let length = scene.length;
    let address = scene.address;
    let proxy = format!("http://{address}:3128");
    let Scene { chance, line, far, .. } = scene;
    let branch: Vec<&str> = far.homes.iter().rev().take(2).copied().collect();
    for (rate, url) in [(how.rate, "http"), (how.connect, "https")] {
        for at in chance.arrivals(rate, 2.0, length - 4.0) {
            let url =
                format!("{url}://{PORTAL}/{}", chance.pick(&["", "wetter.html", "index.html"]));
            let from = chance.pick(&branch);
            line.at(
                at,
                &far.crowd,
                "browse",
                &[
                    "curl",
                    "-sS",
                    "-k",
                    "-o",
                    "/dev/null",
                    "--max-time",
                    "20",
                    "--interface",
                    from,
                    "-x",
                    &proxy,
                    &url,
                ],
                "",
            );
        }
    }
    let domain = far.domains.first().context("no provider")?;
    let sender = kept(format!("filiale.nord@{domain}"));
    let at_proxy = format!("{address}:3128");
    for at in chance.arrivals(how.own_provider, 5.0, length - 8.0) {
        let to = kept(format!("{}@{domain}", chance.pick(&["kunde", "zentrale", "hotel.riga"])));
        let from = branch.first().copied().unwrap_or_default();
        let text = letter::personal(chance, sender, to, "The Bat! 3.99.29");
        let words = [
            "--proxy",
            &at_proxy,
            "--bind",
            from,
            "--ehlo",
            "filiale-pc2",
            "--from",
            sender,
            "--rcpt",
            to,
        ];
        backdrop::speak(line, at, "own-provider", &far.crowd, &words, &text);
    }
    Ok(portal)
}
