//! The name of a great mail provider, from an address whose reverse name is somebody else's and to
//! which the name does not lead. Silent unless both look-ups were answered; providers whose customers
//! have reverse names below the provider's domain (Internet access) are left out.

use crate::case::Case;
use crate::domain_name::is_below;
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-big-name-wrong-ptr",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "a forwarder set up with the provider's name",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

/// Domains of each provider's mail, and of its machines.
const PROVIDERS: [(&[&str], &[&str]); 12] = [
    (&["gmail.com", "googlemail.com", "google.com"], &["1e100.net"]),
    (
        &["outlook.com", "hotmail.com", "hotmail.co.uk", "live.com", "msn.com"],
        &["microsoft.com", "office365.com", "exchangelabs.com", "phx.gbl"],
    ),
    (
        &["yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "yahoo.co.uk", "yahoo.co.jp"],
        &["yahoodns.net", "oath.com", "aolmail.net"],
    ),
    (&["icloud.com"], &["apple.com", "me.com", "mac.com"]),
    (&["mail.ru", "inbox.ru", "list.ru", "bk.ru"], &["vk.com", "vk.company", "odkl.ru"]),
    (&["yandex.ru", "yandex.com", "ya.ru"], &["yandex.net", "yandex-team.ru"]),
    (
        &["gmx.de", "gmx.net", "gmx.com", "gmx.at", "gmx.ch", "web.de"],
        &["mail.com", "kundenserver.de", "1and1.com", "1und1.de", "ionos.com", "server.lan"],
    ),
    (&["qq.com", "foxmail.com"], &["tencent.com"]),
    (&["163.com", "126.com", "yeah.net"], &["netease.com", "188.com"]),
    (&["proton.me", "protonmail.com"], &["protonmail.ch", "proton.ch"]),
    (&["zoho.com", "zohomail.com"], &["zoho.eu", "zoho.in", "zohocorp.com"]),
    (&["fastmail.com"], &["messagingengine.com", "fastmail.fm"]),
];

fn see(case: &Case<'_>) -> Option<Finding> {
    let name = case.helo_host()?;
    let (mail, machines) =
        PROVIDERS.iter().find(|(mail, _)| mail.iter().any(|domain| is_below(&name, domain)))?;
    if case.says_its_own_name() != Some(false) {
        return None;
    }
    let reverse = case.around.reverse_names();
    let theirs = |name: &String| mail.iter().chain(*machines).any(|domain| is_below(name, domain));
    if reverse.iter().any(theirs) {
        return None;
    }
    let (verb, said) = case.session.helo()?;
    let (said, reverse) = (Quote(said.as_bytes()), Quote(reverse.first()?.as_bytes()));
    Finding::new(format!(
        "it said {verb} {said}, a great provider's name that does not lead to it; its reverse name is {reverse}"
    ))
}
