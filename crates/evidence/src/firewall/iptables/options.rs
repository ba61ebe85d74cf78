//! The options of a rule as `iptables-save` and `iptables -S` write them -> tests and a target.

use super::{Target, maybe};
use crate::firewall::names;
use crate::firewall::rules::{Among, Counters, Key, Mark, Rule, Step, Test, Value};
use heloscope_model::Place;

/// Words of one rule that are looked at.
const MOST: usize = 4000;

/// The words of a line, quotes opened: `--comment "say \"hi\""`.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut inside = false;
    let (mut quote, mut escaped) = (None, false);
    for c in line.chars() {
        if escaped {
            word.push(c);
            escaped = false;
        } else if c == '\\' && quote != Some('\'') {
            (escaped, inside) = (true, true);
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '"' | '\'') {
            (quote, inside) = (Some(c), true);
        } else if quote.is_none() && c.is_whitespace() {
            if std::mem::take(&mut inside) {
                found.push(std::mem::take(&mut word));
            }
            if found.len() > MOST {
                return found;
            }
        } else {
            word.push(c);
            inside = true;
        }
    }
    if inside {
        found.push(word);
    }
    found
}

/// Reads the options that follow `-A CHAIN`.
pub(crate) fn rule(words: &[String], table: &str, chain: &str, place: Place, text: String) -> Rule {
    let mut reader = Reader { words, at: 0, module: "", tests: Vec::new(), counters: None };
    let mut target = Target { name: "", goto: false, options: Vec::new() };
    while let Some(word) = reader.next() {
        let not = word == "!";
        let option = if not { reader.next().unwrap_or_default() } else { word };
        // After the target long options are its own, until another match begins.
        let of_target = !target.name.is_empty() && reader.module.is_empty();
        match option {
            "-j" | "--jump" | "-g" | "--goto" => {
                target.name = reader.value();
                target.goto = matches!(option, "-g" | "--goto");
                reader.module = "";
            }
            _ if of_target && option.starts_with("--") && !is_general(option) => {
                let mut values = Vec::new();
                while let Some(value) = reader.peek().filter(|w| !w.starts_with("--")) {
                    // Short options of the rule may follow in lines written by hand.
                    if is_general(value) || matches!(value, "!" | "-j" | "-g" | "-m") {
                        break;
                    }
                    values.push(value.to_owned());
                    reader.at += 1;
                }
                target.options.push((option.to_owned(), values.join(" ")));
            }
            _ => reader.option(option, not),
        }
    }
    let mut steps: Vec<Step> = reader.tests.into_iter().map(Step::Test).collect();
    steps.extend(target.step(table, chain));
    Rule { place, text, steps, counters: reader.counters }
}

fn is_general(option: &str) -> bool {
    matches!(
        option,
        "-p" | "--protocol"
            | "--proto"
            | "-s"
            | "--source"
            | "--src"
            | "-d"
            | "--destination"
            | "--dst"
            | "-i"
            | "--in-interface"
            | "-o"
            | "--out-interface"
            | "-f"
            | "--fragment"
            | "-m"
            | "--match"
            | "-c"
            | "--set-counters"
            | "-4"
            | "-6"
            | "--ipv4"
            | "--ipv6"
    )
}

struct Reader<'a> {
    words: &'a [String],
    at: usize,
    /// The match whose options are being read.
    module: &'a str,
    tests: Vec<Test>,
    counters: Option<Counters>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(String::as_str)
    }

    /// An option's value.
    fn value(&mut self) -> &'a str {
        self.next().unwrap_or_default()
    }

    /// A value that old versions negate behind the option: `--dport ! 25`.
    fn negated(&mut self, not: &mut bool) -> &'a str {
        if self.peek() == Some("!") {
            self.at += 1;
            *not = !*not;
        }
        self.value()
    }

    fn is(&mut self, key: Key, not: bool, values: Vec<Value>) {
        self.tests.push(Test::one(key, not, values));
    }

    fn option(&mut self, option: &'a str, mut not: bool) {
        match option {
            "-m" | "--match" => {
                self.module = self.value();
                self.module_begins();
            }
            "-c" | "--set-counters" => {
                let first = self.value();
                let (packets, bytes) = match first.split_once(',') {
                    Some((p, b)) => (p, b),
                    None => (first, self.value()),
                };
                if let (Ok(packets), Ok(bytes)) = (packets.parse(), bytes.parse()) {
                    self.counters = Some(Counters { packets, bytes });
                }
            }
            "-4" | "--ipv4" | "-6" | "--ipv6" => {}
            "-p" | "--protocol" | "--proto" => {
                let word = self.negated(&mut not);
                self.module = word;
                match names::protocol(word) {
                    Some(value) => self.is(Key::Protocol, not, vec![value]),
                    None if not => self.tests.push(Test::Never),
                    None => {}
                }
            }
            "-s" | "--source" | "--src" => self.addresses(Key::Source, not),
            "-d" | "--destination" | "--dst" => self.addresses(Key::Destination, not),
            "-i" | "--in-interface" => self.interface(Key::In, not),
            "-o" | "--out-interface" => self.interface(Key::Out, not),
            // Later pieces of a packet in fragments: none of these is.
            "-f" | "--fragment" => {
                self.tests.push(if not { Test::Always } else { Test::Never });
            }
            _ => self.of_module(option, not),
        }
    }

    fn addresses(&mut self, key: Key, mut not: bool) {
        let word = self.negated(&mut not);
        let values = word.split(',').map(names::address).collect();
        self.is(key, not, values);
    }

    fn interface(&mut self, key: Key, mut not: bool) {
        let word = self.negated(&mut not);
        self.is(key, not, vec![names::interface(word)]);
    }

    fn ports(&mut self, key: Key, mut not: bool) {
        let word = self.negated(&mut not);
        let values = word.split(',').map(names::ports).collect();
        self.is(key, not, values);
    }

    /// Matches that say something by being there.
    fn module_begins(&mut self) {
        match self.module {
            "tcp" | "udp" | "multiport" | "state" | "conntrack" | "owner" | "set" | "mark"
            | "connmark" | "comment" | "iprange" | "addrtype" | "pkttype" | "recent"
            | "rpfilter" | "socket" => {}
            // A rule for other protocols says so with -p as well.
            "icmp" | "icmp6" | "ipv6-icmp" | "icmpv6" | "udplite" | "sctp" | "dccp" | "esp"
            | "ah" => {}
            other => self.tests.push(maybe(&format!("the match {other}"))),
        }
        if self.module == "rpfilter" {
            // What comes back the way it went out passes the reverse path check.
            self.tests.push(Test::Always);
        }
    }

    fn of_module(&mut self, option: &'a str, mut not: bool) {
        match (self.module, option) {
            ("comment", "--comment") => {
                self.value();
            }
            ("multiport", "--dports" | "--destination-ports" | "--dport") => {
                self.ports(Key::DestinationPort, not);
            }
            ("multiport", "--sports" | "--source-ports" | "--sport") => {
                self.ports(Key::SourcePort, not);
            }
            ("multiport", "--ports" | "--port") => {
                let word = self.negated(&mut not);
                let values: Vec<Value> = word.split(',').map(names::ports).collect();
                let either = [Key::SourcePort, Key::DestinationPort]
                    .map(|key| Test::one(key, false, values.clone()));
                if not {
                    // Neither: both negated.
                    for key in [Key::SourcePort, Key::DestinationPort] {
                        self.is(key, true, values.clone());
                    }
                } else {
                    self.tests.push(Test::Either(either.to_vec()));
                }
            }
            (_, "--dport" | "--destination-port") => self.ports(Key::DestinationPort, not),
            (_, "--sport" | "--source-port") => self.ports(Key::SourcePort, not),
            (_, "--syn") => {
                self.tests.push(Test::TcpFlags { mask: 0x17, value: 2, any: false, not })
            }
            (_, "--tcp-flags") => {
                let (mask, value) = (self.negated(&mut not), self.value());
                self.tests.push(match (names::tcp_flags(mask), names::tcp_flags(value)) {
                    (Some(mask), Some(value)) => Test::TcpFlags { mask, value, any: false, not },
                    _ => maybe("tcp flags that are not known"),
                });
            }
            ("state", "--state") | ("conntrack", "--ctstate") => {
                let values = self.negated(&mut not).split(',').map(state).collect();
                self.is(Key::State, not, values);
            }
            ("conntrack", "--ctproto") => {
                let value = names::protocol(self.value());
                let values = vec![value.unwrap_or(Value::Any)];
                self.is(Key::Protocol, not, values);
            }
            ("conntrack", "--ctorigsrc") => self.addresses(Key::FirstSource, not),
            ("conntrack", "--ctorigdst") => self.addresses(Key::FirstDestination, not),
            ("conntrack", "--ctorigdstport") => self.ports(Key::FirstPort, not),
            ("conntrack", "--ctdir") => {
                let value = Value::Word(self.value().to_ascii_lowercase());
                self.is(Key::Direction, not, vec![value]);
            }
            ("owner", "--uid-owner") => {
                let value = names::user(self.negated(&mut not));
                self.is(Key::User, not, vec![value]);
            }
            ("owner", "--gid-owner") => {
                let value = names::user(self.negated(&mut not));
                self.is(Key::Group, not, vec![value]);
            }
            ("owner", "--socket-exists") => self.is(Key::Socket, not, vec![Value::number(1)]),
            ("set", "--match-set" | "--set") => {
                let name = self.negated(&mut not).to_owned();
                let sources = self.value().split(',').map(|f| f == "src").collect();
                self.tests.push(Test::Ipset { name, sources, not });
            }
            ("mark", "--mark") => self.mark(Mark::Packet, not),
            ("connmark", "--mark") => self.mark(Mark::Connection, not),
            ("iprange", "--src-range") => self.range(Key::Source, not),
            ("iprange", "--dst-range") => self.range(Key::Destination, not),
            ("addrtype", "--src-type") => self.kinds(Key::SourceKind, not),
            ("addrtype", "--dst-type") => self.kinds(Key::DestinationKind, not),
            ("pkttype", "--pkt-type") => self.kinds(Key::PacketType, not),
            // It notes the address and lets every packet match.
            ("recent", "--set") if !not => {}
            ("recent", "--name" | "--rsource" | "--rdest" | "--mask") => self.skip(),
            ("rpfilter", "--invert") => self.tests.push(Test::Never),
            ("rpfilter", _) => self.skip(),
            (module, _) => {
                self.skip();
                if let Some(last @ Test::Maybe(_)) = self.tests.last_mut()
                    && matches!(last, Test::Maybe(what) if what.ends_with(module))
                {
                    return;
                }
                let what = if module.is_empty() { option } else { module };
                self.tests.push(maybe(&format!("the match {what}")));
            }
        }
    }

    /// Passes over an option's values.
    fn skip(&mut self) {
        while let Some(word) = self.peek() {
            let option = word.starts_with('-')
                && word.len() > 1
                && !word.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
            if option || word == "!" {
                return;
            }
            self.at += 1;
        }
    }

    fn mark(&mut self, mark: Mark, mut not: bool) {
        let word = self.negated(&mut not);
        self.tests.push(mark_test(mark, word, not));
    }

    fn range(&mut self, key: Key, mut not: bool) {
        let value = names::address(self.negated(&mut not));
        self.is(key, not, vec![value]);
    }

    fn kinds(&mut self, key: Key, mut not: bool) {
        let words = self.negated(&mut not).split(',');
        let values = words.map(|w| Value::Word(w.to_ascii_lowercase())).collect();
        self.is(key, not, values);
    }
}

pub(crate) fn mark_test(mark: Mark, word: &str, not: bool) -> Test {
    match names::masked(word) {
        Some((value, mask)) => Test::Mark { mark, mask, low: value, high: value, not },
        None => maybe("a mark that is not a number"),
    }
}

/// A connection's state.
pub(crate) fn state(word: &str) -> Value {
    Value::Word(word.trim().to_ascii_lowercase())
}

/// Used where a listing does not show what iptables-save would.
pub(crate) fn any_interface() -> Test {
    Test::Is {
        keys: vec![Key::In, Key::Out],
        not: false,
        among: Among::These(vec![vec![Value::Unclear; 2]]),
    }
}
