//! Random rule sets of nftables, loaded and listed by nft.

use super::chance::Chance;
use super::ground::{BEHIND4, BEHIND6, HOST4, HOST6, OUTSIDE4, OUTSIDE6, run};

struct Maker<'a> {
    chance: &'a mut Chance,
    family: &'static str,
    chains: usize,
}

pub(crate) fn load(chance: &mut Chance) -> Result<(), String> {
    let families: &[&str] = match chance.below(3) {
        0 => &["inet"],
        1 => &["ip", "ip6"],
        _ => &["inet", "ip", "ip6"],
    };
    let mut text = String::new();
    for family in families {
        let mut maker = Maker { chance, family, chains: 0 };
        text += &maker.table(&format!("t{}", text.len()));
    }
    // Tests that exclude each other are refused: the lines named are left out.
    let mut why = String::new();
    for _ in 0..20 {
        match run(&["nft", "-f", "-"], &text) {
            Ok(_) => return Ok(()),
            Err(said) => why = said,
        }
        let bad: Vec<usize> = why
            .lines()
            .filter_map(|l| l.split("/dev/stdin:").nth(1)?.split(':').next()?.parse().ok())
            .collect();
        if bad.is_empty() {
            break;
        }
        let kept = text.lines().enumerate().filter(|(n, _)| !bad.contains(&(n + 1)));
        text = kept.map(|(_, line)| format!("{line}\n")).collect();
    }
    Err(why)
}

/// The form's name, the command and what it printed.
pub(crate) fn dump(chance: &mut Chance) -> Result<(&'static str, (String, String)), String> {
    let (form, words): (_, &[&str]) = match chance.below(4) {
        0 => ("nft text", &["nft", "list", "ruleset"]),
        1 => ("nft text with handles", &["nft", "-a", "list", "ruleset"]),
        2 => ("nft text without counters", &["nft", "-s", "list", "ruleset"]),
        _ => ("nft JSON", &["nft", "-j", "list", "ruleset"]),
    };
    Ok((form, (words.join(" "), run(words, "")?)))
}

impl Maker<'_> {
    fn v6(&mut self) -> bool {
        match self.family {
            "ip" => false,
            "ip6" => true,
            _ => self.chance.percent(50),
        }
    }

    fn table(&mut self, name: &str) -> String {
        let mut text = format!("table {} {name} {{\n", self.family);
        text += "\tset ports { type inet_service; flags interval; elements = { ";
        text += self.chance.word(&["25, 587", "20-30, 80", "110, 143, 993", "25", "26-1024"]);
        text += " } }\n";
        if self.family != "ip6" {
            text += &format!(
                "\tset far4 {{ type ipv4_addr; flags interval; elements = {{ {} }} }}\n",
                self.chance.pick(&[
                    "203.0.113.0/24",
                    "198.51.100.1, 192.0.2.7",
                    "203.0.113.25",
                    "10.0.0.0/8, 203.0.113.20-203.0.113.30"
                ])
            );
        }
        if self.family != "ip" {
            text += &format!(
                "\tset far6 {{ type ipv6_addr; flags interval; elements = {{ {} }} }}\n",
                self.chance.pick(&[
                    "2001:db8:25::/48",
                    "2001:db8:1::1",
                    "2001:db8:25::25",
                    "fd00::/8"
                ])
            );
        }
        text += "\tset users { type uid; elements = { ";
        text += self.chance.word(&["108", "0, 108", "33, 1000"]);
        text += " } }\n";
        // Chains that are called stand first: what they call in turn stands before them.
        for _ in 0..self.chance.below(4) {
            let n = self.chains;
            text += &format!("\tchain own{n} {{\n");
            for _ in 0..self.chance.below(5) {
                text += &self.rule("");
            }
            text += "\t}\n";
            self.chains = n + 1;
        }
        for (hook, times) in [
            ("output", 85),
            ("forward", 75),
            ("input", 60),
            ("prerouting", 15),
            ("postrouting", 15),
        ] {
            for n in 0..2 {
                if !self.chance.percent(if n == 0 { times } else { 12 }) {
                    continue;
                }
                let priority = match hook {
                    "prerouting" => *self.chance.pick(&["mangle", "raw", "filter - 5"]),
                    "postrouting" => *self.chance.pick(&["mangle", "filter", "120"]),
                    _ => *self.chance.pick(&["filter", "filter + 10", "-10", "security", "mangle"]),
                };
                let drop =
                    matches!(hook, "output" | "forward" | "input") && self.chance.percent(30);
                let policy = if drop { "drop" } else { "accept" };
                text += &format!(
                    "\tchain {hook}{n} {{\n\t\ttype filter hook {hook} priority {priority}; policy {policy};\n"
                );
                let keeps = if hook == "output" { 60 } else { 85 };
                if self.chance.percent(keeps) {
                    text += "\t\t";
                    text += self.chance.word(&[
                        "ct state established,related accept",
                        "ct state { established, related } accept",
                        "ct state vmap { established : accept, related : accept, invalid : drop }",
                        "ct state established counter accept",
                    ]);
                    text.push('\n');
                }
                for _ in 0..self.chance.below(7) {
                    text += &self.rule(hook);
                }
                text += "\t}\n";
            }
        }
        if self.chance.percent(25) {
            text += "\tchain natout {\n\t\ttype nat hook output priority -100; policy accept;\n";
            for _ in 0..self.chance.below(3) {
                let test = self.test("output");
                text += &format!("\t\t{test} tcp dport 25 redirect to :2525\n");
            }
            text += "\t}\n\tchain natpost {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n";
            if self.chance.percent(60) {
                text += "\t\toifname \"eth0\" masquerade\n";
            }
            text += "\t}\n";
        }
        text + "}\n"
    }

    fn rule(&mut self, hook: &str) -> String {
        if self.chance.percent(8) {
            return format!("\t\t{}\n", self.map());
        }
        let mut words = Vec::new();
        if self.chance.percent(60) {
            words.push(self.ports());
        }
        for _ in 0..self.chance.below(3) {
            words.push(self.test(hook));
        }
        if self.chance.percent(30) {
            words.push("counter".to_owned());
        }
        if self.chance.percent(10) {
            words.push("log prefix \"tried accept \"".to_owned());
        }
        let mut verdict = self.verdict(hook);
        // nft 1.0.6 does not list the family of a rule that rejects by a reset.
        if verdict.ends_with("tcp reset") && words.iter().any(|w| w.contains("nfproto")) {
            verdict = "drop".to_owned();
        }
        words.push(verdict);
        if self.chance.percent(10) {
            words.push("comment \"drop accept # x\"".to_owned());
        }
        format!("\t\t{}\n", words.join(" "))
    }

    fn ports(&mut self) -> String {
        (*self.chance.pick(&[
            "tcp dport 25",
            "tcp dport 25",
            "tcp dport { 25, 587 }",
            "tcp dport { 20-30, 80 }",
            "tcp dport != 25",
            "tcp dport != { 25, 80 }",
            "tcp dport @ports",
            "tcp dport != @ports",
            "tcp dport 1-1023",
            "tcp dport < 100",
            "tcp dport >= 26",
            "meta l4proto tcp",
            "meta l4proto { tcp, udp } th dport 25",
            "udp dport 25",
            "tcp sport 1024-65535",
            "meta l4proto != tcp",
        ]))
        .to_owned()
    }

    fn test(&mut self, hook: &str) -> String {
        let v6 = self.v6();
        let ip = if v6 { "ip6" } else { "ip" };
        let (to, own, behind, set) = if v6 {
            (OUTSIDE6.to_string(), HOST6.to_string(), BEHIND6.to_string(), "@far6")
        } else {
            (OUTSIDE4.to_string(), HOST4.to_string(), BEHIND4.to_string(), "@far4")
        };
        let length = if v6 { 64 } else { 24 };
        let no = if self.chance.percent(30) { "!= " } else { "" };
        match self.chance.below(12) {
            0 | 1 if hook != "input" && hook != "prerouting" && !hook.is_empty() => {
                let user = *self.chance.pick(&[
                    "108",
                    "33",
                    "0",
                    "{ 0, 108 }",
                    "100-200",
                    "@users",
                    "1000",
                ]);
                if self.chance.percent(15) {
                    format!("meta skgid {no}{}", self.chance.pick(&["115", "33"]))
                } else {
                    format!("meta skuid {no}{user}")
                }
            }
            2 => format!(
                "oifname {no}{}",
                self.chance.pick(&["\"eth0\"", "\"lo\"", "\"eth*\"", "{ \"eth0\", \"wg0\" }"])
            ),
            3 => format!(
                "iifname {no}{}",
                self.chance.pick(&["\"eth0\"", "\"eth1\"", "\"lo\"", "\"eth*\""])
            ),
            4 => {
                let to = match self.chance.below(4) {
                    0 => format!("{to}/{length}"),
                    1 => set.to_owned(),
                    2 => format!("{{ {to}, {own} }}"),
                    _ => to,
                };
                format!("{ip} daddr {no}{to}")
            }
            5 => {
                let from = match self.chance.below(3) {
                    0 => format!("{behind}/{length}"),
                    1 => own,
                    _ => behind,
                };
                format!("{ip} saddr {no}{from}")
            }
            6 => format!(
                "ct state {no}{}",
                self.chance.pick(&[
                    "new",
                    "established,related",
                    "{ new, established }",
                    "invalid"
                ])
            ),
            7 => {
                format!("meta mark {}", self.chance.pick(&["0x1", "!= 0x1", "& 0x3 == 0x2", "0x0"]))
            }
            8 => {
                let element = format!("{{ {to} . 25, {own} . 80 }}");
                format!("{ip} daddr . tcp dport {no}{element}")
            }
            9 => (*self.chance.pick(&[
                "tcp flags syn / fin,syn,rst,ack",
                "tcp flags & (fin | syn | rst | ack) == syn",
                "tcp flags syn",
                "fib daddr type local",
                "fib daddr type unicast",
                "meta pkttype host",
            ]))
            .to_owned(),
            10 => (*self.chance.pick(&[
                "meta nfproto ipv4",
                "meta nfproto ipv6",
                "meta l4proto tcp",
                "ct direction original",
            ]))
            .to_owned(),
            _ => String::new(),
        }
    }

    fn verdict(&mut self, hook: &str) -> String {
        if self.chains > 0 && self.chance.percent(25) {
            let way = if self.chance.percent(75) { "jump" } else { "goto" };
            return format!("{way} own{}", self.chance.below(self.chains));
        }
        match self.chance.below(12) {
            0..=3 => "accept",
            4 | 5 => "drop",
            6 if matches!(hook, "output" | "forward" | "input") => "reject",
            7 if matches!(hook, "output" | "forward" | "input") => "reject with tcp reset",
            8 => "meta mark set 0x1",
            9 => "return",
            10 => "ct mark set meta mark",
            _ => "drop",
        }
        .to_owned()
    }

    fn map(&mut self) -> String {
        let to = if self.chains > 0 {
            format!("jump own{}", self.chance.below(self.chains))
        } else {
            "accept".to_owned()
        };
        match self.chance.below(3) {
            0 => format!("tcp dport vmap {{ 25 : {to}, 80-90 : accept, 587 : drop }}"),
            1 => format!("tcp dport vmap {{ 22 : accept, 25 : {to} }}"),
            _ => format!("meta l4proto vmap {{ tcp : {to}, udp : drop }}"),
        }
    }
}
