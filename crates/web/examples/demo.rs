//! The pages over a ledger in memory, filled with sessions of the lab: something to look at.
//!
//! `cargo run -p heloscope-web --example demo` prints where it serves; the desk's token is `demo`.

use heloscope_ledger::{Asked, Config, Detected, HeloClass, Ledger, Rule};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use heloscope_web::{
    Later, Letter, Limits, Postman, Rate, Resolver, Rim, Sensor, Site, State, Unanswered,
    Undelivered,
};
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

const DAY: f64 = 86_400.0;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::memory(true);
    let policy = config.policy.clone();
    // The lab's days lie behind us, so that the pages show ages.
    let start = now().plus_secs(-60.0 * DAY);
    let ledger = Ledger::open(config, start)?;
    tokio::task::spawn_blocking({
        let ledger = ledger.clone();
        move || fill(&ledger, start)
    })
    .await??;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let site = Site {
        zone: "list.example".to_owned(),
        url: url.clone(),
        operator: "the Example Postmasters’ Society".to_owned(),
        contact: "list@list.example".to_owned(),
        key: [1; 32],
        desk: Some("demo".to_owned()),
        front_ends: Vec::new(),
        watchers: vec!["127.0.0.0/8".parse()?],
        pages: Rate { burst: 300, every_ms: 100 },
        forms: Rate { burst: 100, every_ms: 1000 },
        policy,
    };
    let rim = Rim {
        now: Box::new(now),
        resolver: Arc::new(Lab),
        postman: Some(Arc::new(Lab)),
        metrics: Box::new(|| "# EOF\n".to_owned()),
        sensors: Box::new(|| {
            let trap = |a: &str, kind: &str| (a.to_owned(), kind.to_owned());
            vec![Sensor {
                name: "lab".to_owned(),
                place: "192.0.2.25:25".to_owned(),
                sessions: 4711,
                traps: vec![trap("trap.example", "never used"), trap("gmial.example", "typo")],
            }]
        }),
    };
    println!("ready web {url}");
    let end = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    let router = heloscope_web::router(State::new(site, rim, ledger)?);
    heloscope_web::serve(listener, router, Limits::default(), end).await?;
    Ok(())
}

/// Two months of the lab.
fn fill(ledger: &Ledger, start: Time) -> Result<(), heloscope_ledger::Error> {
    let mut seed = 42_u64;
    let mut dice = |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides
    };
    for day in 0..60_u32 {
        let morning = start.plus_secs(f64::from(day) * DAY);
        for _ in 0..4 + dice(9) + u64::from(day) / 10 {
            let at = morning.plus_secs(dice(86_000) as f64);
            let address = IpAddr::from([198, 51, 100, u8::try_from(dice(200)).unwrap_or(0)]);
            let (id, class, helo) = match dice(4) {
                0 => ("proxy-command", 'A', None),
                _ => ("helo-ylmf-pc", 'A', Some("ylmf-pc")),
            };
            ledger.detected(session(address, at, &[(id, class)], helo))?;
            // A second later: the session itself has moved the clock to its own instant.
            ledger.tick(at.plus_secs(1.0))?;
            if dice(5) == 0 {
                ledger.remove(address, Asked::Anybody, at.plus_secs(60.0))?;
            }
        }
    }
    // Something that a detector got wrong once.
    let wrong = start.plus_secs(40.0 * DAY);
    ledger.tick(wrong)?;
    ledger.recall(
        "proxy-command",
        1,
        "Monitoring of a large hoster asked our sensors for a web page, which this version took for the misuse \
         of a proxy. The next version wants mail to follow.",
        wrong,
    )?;
    let lately = now().plus_secs(-3.0 * DAY);
    let rules = [("helo-loopback-private", 'B'), ("pregreet", 'B')];
    for hours in [0.0, 20.0, 44.0] {
        let at = lately.plus_secs(hours * 3600.0);
        ledger.detected(session(
            "203.0.113.10".parse().unwrap_or(LOCAL),
            at,
            &rules,
            Some("[127.0.0.1]"),
        ))?;
    }
    // Removed, and seen again.
    let again = "203.0.113.20".parse().unwrap_or(LOCAL);
    let hostile = "<script>alert(1)</script>\"'&";
    ledger.detected(session(again, lately, &[("helo-ylmf-pc", 'A')], Some("ylmf-pc")))?;
    ledger.tick(lately.plus_secs(3600.0))?;
    ledger.remove(again, Asked::Anybody, lately.plus_secs(7200.0))?;
    let at = now().plus_secs(-7200.0);
    ledger.detected(session(again, at, &[("helo-ylmf-pc", 'A')], Some(hostile)))?;
    ledger.exempt("192.0.2.0/24".parse().map_err(|_| stopped())?, "our own sensors", None, at)?;
    ledger.pause("bare-lf", "fires on a new version of a well-known script", at)?;
    ledger.tick(now())
}

fn stopped() -> heloscope_ledger::Error {
    heloscope_ledger::Error::Stopped("the example’s own prefix".to_owned())
}

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn session(address: IpAddr, at: Time, rules: &[(&str, char)], helo: Option<&str>) -> Detected {
    let rule = |(id, class): &(&str, char)| Rule {
        detector: (*id).to_owned(),
        version: 1,
        class: *class,
        family: if id.starts_with("helo") { "helo" } else { "protocol" }.to_owned(),
        owner: format!("The client said {}.", helo.unwrap_or("nothing")),
        operator: format!("{id}: raw bytes kept"),
    };
    Detected {
        address,
        port: 51_324,
        at,
        arrived: at,
        sensor: "lab".to_owned(),
        rules: rules.iter().map(rule).collect(),
        traps: vec![("anna@trap.example".to_owned(), TrapKind::NeverUsed)],
        helo: helo.map(str::to_owned),
        helo_class: match helo {
            None => HeloClass::None,
            Some(h) if h.starts_with('[') => HeloClass::LocalLiteral,
            Some(h) if h.starts_with('<') => HeloClass::Invalid,
            Some(_) => HeloClass::Dotless,
        },
        key: 1,
        dialect: 2,
        session: "{\"format\":\"heloscope.session/1\",\"helo\":\"…\"}".to_owned(),
    }
}

/// The one clock of the example.
#[allow(clippy::disallowed_methods)] // a rim: the example is its own binary
fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Time::from_secs(since.map_or(0, |s| i64::try_from(s.as_secs()).unwrap_or(0)))
}

/// Name servers that know one name, and a post that prints letters.
struct Lab;

impl Resolver for Lab {
    fn names(&self, address: IpAddr) -> Later<'_, Result<Vec<String>, Unanswered>> {
        Box::pin(async move {
            Ok(vec![format!("mail-{}.example.org", address.to_string().replace([':', '.'], "-"))])
        })
    }
    fn addresses(&self, name: String) -> Later<'_, Result<Vec<IpAddr>, Unanswered>> {
        Box::pin(async move {
            let text =
                name.trim_start_matches("mail-").trim_end_matches(".example.org").replace('-', ".");
            Ok(text.parse().into_iter().collect())
        })
    }
    fn texts(&self, _: String) -> Later<'_, Result<Vec<String>, Unanswered>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Postman for Lab {
    fn send(&self, letter: Letter) -> Later<'_, Result<(), Undelivered>> {
        Box::pin(async move {
            println!("To: {}\nSubject: {}\n\n{}", letter.to, letter.subject, letter.text);
            Ok(())
        })
    }
}
