//! A list on a free port, with a clock, name servers and a post office that the test holds; and a visitor who
//! speaks plain HTTP over a socket.

use heloscope_ledger::{Config, Detected, HeloClass, Ledger, Rule};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use heloscope_web::{
    Later, Letter, Limits, Postman, Rate, Resolver, Rim, Sensor, Site, State, Unanswered,
    Undelivered,
};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A list that runs until it is dropped.
pub(crate) struct Lab {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Ledger,
    outside: Arc<Outside>,
    _runtime: tokio::runtime::Runtime,
}

/// Clock, name servers, post office.
struct Outside {
    now: AtomicI64,
    texts: Mutex<HashMap<String, Vec<String>>>,
    letters: Mutex<Vec<Letter>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(Rate { burst: 1000, every_ms: 1 })
    }

    /// Five requests at once, one more each ten seconds.
    pub(crate) fn strict() -> Self {
        Self::with(Rate { burst: 5, every_ms: 10_000 })
    }

    fn with(rate: Rate) -> Self {
        let start = Time::from_secs(1_790_000_000);
        let outside = Arc::new(Outside {
            now: AtomicI64::new(start.secs()),
            texts: Mutex::default(),
            letters: Mutex::default(),
        });
        let config = Config::memory(true);
        let policy = config.policy.clone();
        let ledger = Ledger::open(config, start).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let site = Site {
            zone: "list.example".to_owned(),
            url: format!("http://{address}"),
            operator: "the Example Society".to_owned(),
            contact: "list@list.example".to_owned(),
            key: [1; 32],
            desk: Some("open sesame".to_owned()),
            front_ends: vec!["127.0.0.1/32".parse().unwrap()],
            watchers: vec!["127.0.0.0/8".parse().unwrap()],
            pages: rate,
            forms: rate,
            policy,
        };
        let clock = outside.clone();
        let rim = Rim {
            now: Box::new(move || Time::from_secs(clock.now.load(Ordering::SeqCst))),
            resolver: outside.clone(),
            postman: Some(outside.clone()),
            metrics: Box::new(|| "heloscope_up 1\n# EOF\n".to_owned()),
            sensors: Box::new(|| {
                let traps = vec![("trap.example".to_owned(), "never used".to_owned())];
                let (name, place) = ("lab".to_owned(), "127.0.0.1:25".to_owned());
                vec![Sensor { name, place, sessions: 1, traps }]
            }),
        };
        let router = heloscope_web::router(State::new(site, rim, ledger.clone()).unwrap());
        let limits = Limits { idle: Duration::from_millis(700), ..Limits::default() };
        runtime.spawn(heloscope_web::serve(listener, router, limits, std::future::pending()));
        Self { address, ledger, outside, _runtime: runtime }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_secs(self.outside.now.load(Ordering::SeqCst))
    }

    /// Lets time pass, in seconds; the ledger's clock follows.
    pub(crate) fn pass(&self, seconds: u32) {
        self.outside.now.fetch_add(i64::from(seconds), Ordering::SeqCst);
        self.ledger.tick(self.now()).unwrap();
    }

    /// A bot at an address says its HELO to the trap, now.
    pub(crate) fn bot(&self, address: &str, helo: &str) {
        let at = self.now();
        let rule = Rule {
            detector: "helo-ylmf-pc".to_owned(),
            version: 1,
            class: 'A',
            family: "helo".to_owned(),
            owner: format!("It said {helo}."),
            operator: "EHLO".to_owned(),
        };
        let literal = helo.starts_with('[');
        let detected = Detected {
            address: address.parse().unwrap(),
            port: 51_324,
            at,
            arrived: at,
            sensor: "lab".to_owned(),
            rules: vec![rule],
            traps: vec![("anna@trap.example".to_owned(), TrapKind::NeverUsed)],
            helo: Some(helo.to_owned()),
            helo_class: if literal { HeloClass::LocalLiteral } else { HeloClass::Dotless },
            key: 1,
            dialect: 2,
            session: format!("{{\"helo\":{helo:?}}}"),
        };
        self.ledger.detected(detected).unwrap();
        self.ledger.tick(at).unwrap();
        assert!(self.is_listed(address));
    }

    /// A session that hits a trap and says nothing else: too little to list.
    pub(crate) fn hidden_session(&self, address: &str) {
        let at = self.now();
        let traps = vec![("anna@trap.example".to_owned(), TrapKind::NeverUsed)];
        let (helo, session) = (Some("mail.example.net".to_owned()), "{}".to_owned());
        let (rules, helo_class) = (Vec::new(), HeloClass::Name);
        let (address, sensor, port) = (address.parse().unwrap(), "lab".to_owned(), 40_000);
        let (key, dialect, arrived) = (5, 6, at);
        let detected = Detected {
            address,
            port,
            at,
            arrived,
            sensor,
            rules,
            traps,
            helo,
            helo_class,
            key,
            dialect,
            session,
        };
        self.ledger.detected(detected).unwrap();
        self.ledger.tick(at.plus_secs(1.0)).unwrap();
    }

    pub(crate) fn is_listed(&self, address: &str) -> bool {
        self.ledger.public(address.parse().unwrap()).0.is_some()
    }

    pub(crate) fn set_txt(&self, name: &str, text: &str) {
        self.outside.texts.lock().unwrap().insert(name.to_owned(), vec![text.to_owned()]);
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.outside.letters.lock().unwrap().clone()
    }

    /// The desk's cookie.
    pub(crate) fn enter_desk(&self) -> String {
        let form = format!("{}&secret=open+sesame", self.get("/desk/enter").form(0));
        self.post("/desk/enter", &form, &[]).cookie("heloscope_desk")
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes, reads until the other end closes.
    pub(crate) fn raw(&self, request: &str) -> Reply {
        let mut stream = self.connect();
        // A refusal may come, and the connection close, before all is sent.
        let _ = stream.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        Reply {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            headers: lines.filter_map(header).collect(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    pub(crate) fn get_as(&self, path: &str, cookie: &str) -> Reply {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nCookie: a=b; {cookie}\r\nConnection: close\r\n\r\n"
        ))
    }

    pub(crate) fn get_from(&self, path: &str, visitor: &str) -> Reply {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, {visitor}\r\nConnection: close\r\n\r\n"
        ))
    }

    pub(crate) fn post(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
        let extra: String = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{extra}\r\n{body}",
            body.len()
        ))
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// What stands between two texts.
    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let rest = self.body.split(before).nth(1).unwrap_or_else(|| panic!("{}", self.body));
        rest.split(after).next().unwrap()
    }

    /// The hidden token of the page's n-th form, as a body.
    pub(crate) fn form(&self, n: usize) -> String {
        let mark = "name=\"token\" value=\"";
        let rest = self.body.split(mark).nth(n + 1).unwrap_or_else(|| panic!("{}", self.body));
        format!("token={}", rest.split('"').next().unwrap())
    }

    /// A cookie that was set, as `name=value`.
    pub(crate) fn cookie(&self, name: &str) -> String {
        let set = self.headers.iter().filter(|(n, _)| n == "set-cookie").map(|(_, v)| v);
        let found = set.into_iter().find(|v| v.starts_with(&format!("{name}=")));
        let found = found.unwrap_or_else(|| panic!("no {name}: {} {}", self.status, self.body));
        found.split(';').next().unwrap().to_owned()
    }
}

impl Resolver for Outside {
    fn names(&self, _: IpAddr) -> Later<'_, Result<Vec<String>, Unanswered>> {
        Box::pin(async { Ok(vec!["Mail.example.org.".to_owned(), "liar.example.net.".to_owned()]) })
    }

    fn addresses(&self, name: String) -> Later<'_, Result<Vec<IpAddr>, Unanswered>> {
        Box::pin(async move {
            let own = (name == "mail.example.org").then(|| IpAddr::from([203, 0, 113, 10]));
            Ok(own.into_iter().collect())
        })
    }

    fn texts(&self, name: String) -> Later<'_, Result<Vec<String>, Unanswered>> {
        let texts = self.texts.lock().unwrap().get(&name).cloned().unwrap_or_default();
        Box::pin(async { Ok(texts) })
    }
}

impl Postman for Outside {
    fn send(&self, letter: Letter) -> Later<'_, Result<(), Undelivered>> {
        self.letters.lock().unwrap().push(letter);
        Box::pin(async { Ok(()) })
    }
}
