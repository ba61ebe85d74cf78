//! Random rule sets of iptables and ip6tables, loaded by their restore tools.

use super::chance::Chance;
use super::ground::{BEHIND4, BEHIND6, HOST4, HOST6, OUTSIDE4, OUTSIDE6, run};

/// The rules of one family as iptables-restore takes them, and the ipsets they name.
pub(crate) struct Rules {
    pub(crate) text: String,
    pub(crate) sets: String,
    /// Nothing that `nft list ruleset` shows as "xt match".
    pub(crate) translatable: bool,
}

struct Maker<'a> {
    chance: &'a mut Chance,
    v6: bool,
    sets: Vec<String>,
    set_text: String,
    translatable: bool,
}

/// Tables in the order in which they are dumped.
pub(crate) const TABLES: [&str; 4] = ["raw", "mangle", "nat", "filter"];

pub(crate) fn rules(chance: &mut Chance, v6: bool) -> Rules {
    let mut maker =
        Maker { chance, v6, sets: Vec::new(), set_text: String::new(), translatable: true };
    maker.ipsets();
    let mut text = String::new();
    for table in TABLES {
        maker.table(table, &mut text);
    }
    Rules { text, sets: maker.set_text, translatable: maker.translatable }
}

fn not(chance: &mut Chance, times: usize) -> &'static str {
    if chance.percent(times) { "! " } else { "" }
}

impl Maker<'_> {
    fn ipsets(&mut self) {
        let family = if self.v6 { "inet6" } else { "inet" };
        let tag = if self.v6 { "6" } else { "4" };
        let (to, own, behind) = self.addresses();
        for (n, kind) in ["hash:ip", "hash:net", "hash:ip,port", "bitmap:port"].iter().enumerate() {
            if !self.chance.percent(35) {
                continue;
            }
            let name = format!("s{n}v{tag}");
            let port = *kind == "bitmap:port";
            let options =
                if port { "range 0-65535".to_owned() } else { format!("family {family}") };
            self.set_text += &format!("create {name} {kind} {options}\n");
            for member in [&to, &own, &behind] {
                if !self.chance.percent(50) {
                    continue;
                }
                let member = match *kind {
                    "bitmap:port" => ["25", "587", "20-30"][self.chance.below(3)].to_owned(),
                    "hash:ip,port" => format!("{member},tcp:{}", self.chance.pick(&[25, 587])),
                    "hash:net" if self.chance.percent(50) => {
                        format!("{member}/{}", if self.v6 { 48 } else { 16 })
                    }
                    _ => member.clone(),
                };
                if !self.set_text.contains(&format!("add {name} {member}\n")) {
                    self.set_text += &format!("add {name} {member}\n");
                }
            }
            self.sets.push(name);
        }
    }

    fn addresses(&self) -> (String, String, String) {
        if self.v6 {
            (OUTSIDE6.to_string(), HOST6.to_string(), BEHIND6.to_string())
        } else {
            (OUTSIDE4.to_string(), HOST4.to_string(), BEHIND4.to_string())
        }
    }

    fn table(&mut self, table: &str, text: &mut String) {
        let built_in: &[&str] = match table {
            "raw" => &["PREROUTING", "OUTPUT"],
            "nat" => &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
            "mangle" => &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
            _ => &["INPUT", "FORWARD", "OUTPUT"],
        };
        *text += &format!("*{table}\n");
        let busy = match table {
            "filter" => true,
            "nat" => self.chance.percent(25),
            "mangle" => self.chance.percent(35),
            _ => self.chance.percent(12),
        };
        let own = if busy { self.chance.below(4) } else { 0 };
        let own: Vec<String> = (0..own).map(|n| format!("own{n}")).collect();
        for chain in built_in {
            let policy = match (table, *chain) {
                ("filter", "INPUT") if self.chance.percent(30) => "DROP",
                ("filter", "OUTPUT" | "FORWARD") if self.chance.percent(30) => "DROP",
                ("mangle", _) if busy && self.chance.percent(3) => "DROP",
                _ => "ACCEPT",
            };
            let counters = if self.chance.percent(50) { "[0:0]" } else { "[12:720]" };
            *text += &format!(":{chain} {policy} {counters}\n");
        }
        for chain in &own {
            *text += &format!(":{chain} - [0:0]\n");
        }
        if busy {
            for chain in built_in {
                let state = table == "filter" && self.chance.percent(80);
                if state && (*chain != "OUTPUT" || self.chance.percent(60)) {
                    let word = [
                        "-m conntrack --ctstate RELATED,ESTABLISHED",
                        "-m state --state ESTABLISHED",
                    ][self.chance.below(2)];
                    *text += &format!("-A {chain} {word} -j ACCEPT\n");
                }
                let most = if table == "filter" { 7 } else { 3 };
                for _ in 0..self.chance.below(most) {
                    self.rule(table, chain, chain, &own, text);
                }
            }
            for (n, chain) in own.iter().enumerate() {
                // Own chains are called from anywhere, so they hold what may stand anywhere.
                let below = own[n + 1..].to_vec();
                for _ in 0..self.chance.below(5) {
                    self.rule(table, chain, "", &below, text);
                }
            }
        }
        *text += "COMMIT\n";
    }

    fn rule(&mut self, table: &str, chain: &str, hook: &str, own: &[String], text: &mut String) {
        let mut words = vec![format!("-A {chain}")];
        let tcp = self.chance.percent(75);
        if tcp {
            words.push("-p tcp".to_owned());
        } else if self.chance.percent(15) {
            words.push(format!("{}-p udp", not(self.chance, 40)));
        }
        let tests = self.chance.below(3);
        if tcp && self.chance.percent(70) {
            words.push(self.ports());
        }
        for _ in 0..tests {
            let word = self.test(hook, tcp);
            // The tools take each of these once; of two tests of TCP's flags iptables-nft-save
            // prints one.
            let again = ["-s ", "-d ", "-i ", "-o ", "-m tcp"].iter().any(|option| {
                let has = |w: &String| w.trim_start_matches("! ").starts_with(option);
                has(&word) && words.iter().any(has)
            });
            if !again {
                words.push(word);
            }
        }
        let target = self.target(table, hook, own, tcp);
        words.push(target);
        *text += &words.join(" ");
        text.push('\n');
    }

    fn ports(&mut self) -> String {
        let not = not(self.chance, 12);
        match self.chance.below(5) {
            0 => format!("-m multiport {not}--dports 25,587"),
            1 => format!(
                "-m multiport {not}--dports {}",
                self.chance.pick(&["25,465", "110,143", "20:30,80", "smtp,submission"])
            ),
            2 => format!(
                "-m tcp {not}--dport {}",
                self.chance.pick(&["1:1023", "26:65535", "587", "500:600"])
            ),
            3 if self.chance.percent(30) => format!("-m multiport {not}--ports 25,80"),
            _ => format!("-m tcp {not}--dport 25"),
        }
    }

    fn test(&mut self, hook: &str, tcp: bool) -> String {
        let (to, own, behind) = self.addresses();
        let not = not(self.chance, 30);
        let net = |address: &str, v6: bool| format!("{address}/{}", if v6 { 64 } else { 24 });
        match self.chance.below(12) {
            0 | 1 if matches!(hook, "OUTPUT" | "POSTROUTING") => {
                let user = *self.chance.pick(&["108", "33", "0", "100-200", "1000", "0-65535"]);
                match self.chance.below(6) {
                    0 => format!(
                        "-m owner {not}--gid-owner {}",
                        self.chance.pick(&["115", "33", "0-40"])
                    ),
                    1 => format!("-m owner {not}--socket-exists"),
                    _ => format!("-m owner {not}--uid-owner {user}"),
                }
            }
            2 if matches!(hook, "OUTPUT" | "FORWARD" | "POSTROUTING") => {
                format!("{not}-o {}", self.chance.pick(&["eth0", "lo", "eth1", "eth+", "wg0"]))
            }
            3 if matches!(hook, "INPUT" | "FORWARD" | "PREROUTING") => {
                format!("{not}-i {}", self.chance.pick(&["eth0", "lo", "eth1", "eth+", "wg0"]))
            }
            4 => {
                let to = match self.chance.below(4) {
                    0 => net(&to, self.v6),
                    1 => {
                        if self.v6 {
                            "::1/128".to_owned()
                        } else {
                            "127.0.0.0/8".to_owned()
                        }
                    }
                    2 => net(&own, self.v6),
                    _ => to,
                };
                format!("{not}-d {to}")
            }
            5 => {
                let from = match self.chance.below(4) {
                    0 => net(&behind, self.v6),
                    1 => own,
                    2 => to,
                    _ => behind,
                };
                format!("{not}-s {from}")
            }
            6 => {
                let word = *self.chance.pick(&[
                    "NEW",
                    "NEW,ESTABLISHED",
                    "RELATED,ESTABLISHED",
                    "INVALID",
                    "UNTRACKED,NEW",
                ]);
                format!("-m conntrack {not}--ctstate {word}")
            }
            7 if !self.sets.is_empty() => {
                self.translatable = false;
                let name = self.chance.pick(&self.sets).clone();
                let side = if self.chance.percent(75) { "dst" } else { "src" };
                let fields =
                    if name.starts_with("s2") { format!("{side},{side}") } else { side.to_owned() };
                format!("-m set {not}--match-set {name} {fields}")
            }
            8 => {
                format!("-m mark {not}--mark {}", self.chance.pick(&["0x0/0xff", "0x1", "0x2/0x3"]))
            }
            9 if tcp => match self.chance.below(3) {
                0 => "-m tcp --tcp-flags FIN,SYN,RST,ACK SYN".to_owned(),
                1 => "-m tcp --sport 1024:65535".to_owned(),
                _ => "-m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN".to_owned(),
            },
            10 => {
                self.translatable = false;
                format!(
                    "-m addrtype {not}--dst-type {}",
                    self.chance.pick(&["LOCAL", "UNICAST", "MULTICAST"])
                )
            }
            11 if !self.v6 => {
                format!(
                    "-m iprange {not}--dst-range 203.0.113.0-203.0.113.{}",
                    self.chance.pick(&[20, 30])
                )
            }
            _ => {
                let words = [
                    "plain",
                    "with \\\"quotes\\\" -j ACCEPT",
                    "/* tcp dpt:25 */ or not",
                    "<b>&amp;",
                ];
                format!("-m comment --comment \"{}\"", self.chance.pick(&words))
            }
        }
    }

    fn target(&mut self, table: &str, hook: &str, own: &[String], tcp: bool) -> String {
        if !own.is_empty() && self.chance.percent(25) {
            let way = if self.chance.percent(75) { "-j" } else { "-g" };
            return format!("{way} {}", self.chance.pick(own));
        }
        let text = match table {
            "filter" => match self.chance.below(9) {
                0..=2 => "-j ACCEPT",
                3 | 4 => "-j DROP",
                5 | 6 => "-j REJECT",
                7 => "-j RETURN",
                _ => "-j LOG --log-prefix \"tried -j ACCEPT: \"",
            },
            "mangle" => match self.chance.below(6) {
                0 => "-j DROP",
                1 => "-j MARK --set-xmark 0x1/0xffffffff",
                2 => "-j MARK --or-mark 0x2",
                3 => "-j CONNMARK --save-mark",
                4 => "-j CONNMARK --restore-mark",
                _ => "-j ACCEPT",
            },
            "nat" => match (hook, self.chance.below(3)) {
                ("OUTPUT" | "PREROUTING", 0 | 1) if tcp => "-j REDIRECT --to-ports 2525",
                ("POSTROUTING", 0 | 1) => "-j MASQUERADE",
                (_, 0) => "-j RETURN",
                _ => "-j ACCEPT",
            },
            _ => match self.chance.below(4) {
                0 => "-j DROP",
                1 => "-j CT --notrack",
                _ => "-j ACCEPT",
            },
        };
        text.to_owned()
    }
}

/// Which programs: of iptables-legacy or iptables-nft.
fn program(legacy: bool, v6: bool, end: &str) -> String {
    let six = if v6 { "6" } else { "" };
    let kind = if legacy { "legacy" } else { "nft" };
    format!("ip{six}tables-{kind}{end}")
}

pub(crate) fn load(legacy: bool, v6: bool, rules: &Rules) -> Result<(), String> {
    if !rules.sets.is_empty() {
        run(&["ipset", "-exist", "restore"], &rules.sets)?;
    }
    run(&[&program(legacy, v6, "-restore")], &rules.text).map(|_| ())
}

/// Takes rules and sets away again.
pub(crate) fn clear(legacy: bool) {
    for v6 in [false, true] {
        let open = "*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n*mangle\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n";
        if legacy {
            let _ = run(&[&program(true, v6, "-restore")], open);
        }
    }
    if !legacy {
        let _ = run(&["nft", "flush", "ruleset"], "");
    }
    let _ = run(&["ipset", "destroy"], "");
}

/// The dumps of one family in a form drawn by lot: what printed each, and what it printed.
pub(crate) fn dump(
    chance: &mut Chance,
    legacy: bool,
    v6: bool,
    rules: &Rules,
) -> Result<Vec<(String, String)>, String> {
    let mut dumps = Vec::new();
    if !rules.sets.is_empty() {
        let words: &[&str] =
            if chance.percent(50) { &["ipset", "save"] } else { &["ipset", "list"] };
        dumps.push((words.join(" "), run(words, "")?));
    }
    let form = chance.below(5);
    let shown = program(false, v6, "").replace("-nft", "");
    if form <= 1 {
        let save = program(legacy, v6, "-save");
        let words: Vec<&str> = if form == 0 { vec![&save] } else { vec![&save, "-c"] };
        dumps.push((String::new(), run(&words, "")?));
        return Ok(dumps);
    }
    let more: &[&str] = match form {
        2 => &["-v", "-n"],
        3 => &["-v"],
        _ => &["-v", "-n", "-x", "--line-numbers"],
    };
    let program = program(legacy, v6, "");
    for table in TABLES {
        let mut words = vec![program.as_str(), "-t", table, "-L"];
        words.extend(more);
        let text = if form == 3 {
            // With names: of users and services, but no name server is to be waited for.
            let script = format!(
                "f=$(mktemp) && echo 'hosts: files' >$f && mount --bind $f /etc/nsswitch.conf && rm $f; {}",
                words.join(" ")
            );
            run(&["unshare", "-m", "sh", "-c", &script], "")?
        } else {
            run(&words, "")?
        };
        dumps.push((format!("{shown} -t {table} -L {}", more.join(" ")), text));
    }
    Ok(dumps)
}
