//! `site.toml` (CONTRACT.md) -> [`Site`]. Keys are strict: one that is not known, or a value of
//! the wrong form, is named with its line and a remedy, and the rest is still used. To that end
//! the file is read statement by statement, so that a broken one costs only itself.

use crate::facts::{Site, Vantage};
use heloscope_model::Time;
use toml::Value;

/// The keys of the contract.
const KEYS: [&str; 10] = [
    "addresses",
    "networks",
    "relays",
    "mta",
    "helo",
    "vantage",
    "shared",
    "timezone",
    "year",
    "fixed",
];

/// Whether a text is a `site.toml`: its first statement sets one of the keys, in TOML's form,
/// or most of its statements do.
pub(crate) fn recognise(text: &str) -> bool {
    let statements = statements(text);
    let ours = |s: &Statement<'_>| {
        let value = s.text.split_once('=').map_or("", |(_, v)| v.trim_start());
        KEYS.contains(&s.key.as_str())
            && value.starts_with(|c: char| {
                matches!(c, '[' | '"' | '\'' | 't' | 'f') || c.is_ascii_digit()
            })
            || s.key == "fixed" && s.text.trim_start().starts_with("[[")
    };
    let known = statements.iter().filter(|s| ours(s)).count();
    known > 0 && (known * 2 >= statements.len() || statements.first().is_some_and(ours))
}

/// Reads the text; the second part says what was wrong.
pub fn read(text: &str) -> (Site, Vec<String>) {
    let mut site = Site::default();
    let mut notes = Vec::new();
    let mut fixed_local = Vec::new();
    for statement in statements(text) {
        let line = statement.line;
        let table: toml::Table = match toml::from_str(statement.text) {
            Ok(table) => table,
            Err(error) => {
                notes.push(format!(
                    "line {line}: `{}` is not TOML ({}); check quotes and brackets, the other lines are used",
                    statement.key,
                    error.message()
                ));
                continue;
            }
        };
        for (key, value) in &table {
            if let Err(problem) = set(&mut site, key, value, &mut fixed_local) {
                notes.push(format!("line {line}: {problem}"));
            }
        }
    }
    // Stamps of `fixed` without an offset are in the site's own zone, wherever it is said.
    let zone = site
        .timezone
        .as_deref()
        .and_then(|name| jiff::tz::TimeZone::get(name).ok())
        .unwrap_or(jiff::tz::TimeZone::UTC);
    for (civil, what) in fixed_local {
        if let Ok(stamp) = zone.to_timestamp(civil) {
            site.fixed.push((Time::from(stamp), what));
        }
    }
    site.fixed.sort();
    (site, notes)
}

impl Site {
    /// Takes over what another file says; what both say, the later says.
    pub(crate) fn join(&mut self, other: Self) {
        self.addresses.extend(other.addresses);
        self.networks.extend(other.networks);
        self.relays.extend(other.relays);
        self.mta.extend(other.mta);
        self.helo.extend(other.helo);
        self.fixed.extend(other.fixed);
        self.shared |= other.shared;
        self.vantage = other.vantage.or(self.vantage);
        self.timezone = other.timezone.or(self.timezone.take());
        self.year = other.year.or(self.year);
    }
}

type Local = (jiff::civil::DateTime, String);

/// Sets one key.
fn set(site: &mut Site, key: &str, value: &Value, local: &mut Vec<Local>) -> Result<(), String> {
    match key {
        "addresses" => list(key, value, "\"203.0.113.10\"", &mut site.addresses),
        "networks" => list(key, value, "\"192.168.1.0/24\"", &mut site.networks),
        "relays" => list(key, value, "\"192.0.2.25\"", &mut site.relays),
        "mta" => list(key, value, "\"postfix\"", &mut site.mta),
        "helo" => list(key, value, "\"mail.example.org\"", &mut site.helo),
        "vantage" => match value.as_str() {
            Some("host") => put(&mut site.vantage, Vantage::Host),
            Some("inside") => put(&mut site.vantage, Vantage::Inside),
            Some("outside") => put(&mut site.vantage, Vantage::Outside),
            _ => Err(format!("vantage = {value}: write \"host\", \"inside\" or \"outside\"")),
        },
        "shared" => match value.as_bool() {
            Some(shared) => {
                site.shared = shared;
                Ok(())
            }
            None => Err(format!("shared = {value}: write true or false")),
        },
        "timezone" => match value.as_str() {
            Some(name) if jiff::tz::TimeZone::get(name).is_ok() => {
                put(&mut site.timezone, name.to_owned())
            }
            _ => Err(format!(
                "timezone = {value} is no zone of the tz database: write one like \"Europe/Berlin\""
            )),
        },
        "year" => match value.as_integer().and_then(|y| i16::try_from(y).ok()) {
            Some(year @ 1980..=2200) => put(&mut site.year, year),
            _ => Err(format!("year = {value}: write a year like 2015")),
        },
        "fixed" => fixed(site, value, local),
        _ => Err(match nearest(key) {
            Some(known) => format!("unknown key `{key}`: did you mean `{known}`? It was left out"),
            None => format!("unknown key `{key}` was left out; known are {}", KEYS.join(", ")),
        }),
    }
}

fn put<T>(slot: &mut Option<T>, value: T) -> Result<(), String> {
    *slot = Some(value);
    Ok(())
}

/// A list of values that parse; a single string is taken as a list of one.
fn list<T: std::str::FromStr>(
    key: &str,
    value: &Value,
    example: &str,
    into: &mut Vec<T>,
) -> Result<(), String> {
    let one = std::slice::from_ref(value);
    let values = value.as_array().map_or(one, Vec::as_slice);
    let mut wrong = Vec::new();
    for value in values {
        match value.as_str().map(str::trim).and_then(|s| s.parse().ok()) {
            Some(parsed) => into.push(parsed),
            None => wrong.push(value.to_string()),
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("{key}: {} left out; write values like {example}", wrong.join(", ")))
    }
}

fn fixed(site: &mut Site, value: &Value, local: &mut Vec<Local>) -> Result<(), String> {
    const REMEDY: &str = "write fixed = [{ time = 2015-12-05T09:00:00Z, what = \"...\" }]";
    let one = std::slice::from_ref(value);
    let rows = value.as_array().map_or(one, Vec::as_slice);
    for row in rows {
        let what = row.get("what").and_then(Value::as_str).unwrap_or("a change").to_owned();
        let text = match row.get("time") {
            Some(Value::Datetime(time)) => time.to_string(),
            Some(Value::String(time)) => time.clone(),
            _ => return Err(format!("an entry of fixed has no time; {REMEDY}")),
        };
        if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
            site.fixed.push((Time::from(stamp), what));
        } else if let Ok(civil) = text.parse::<jiff::civil::DateTime>() {
            local.push((civil, what));
        } else {
            return Err(format!("fixed: {text} is no time; {REMEDY}"));
        }
        if let Some(extra) =
            row.as_table().and_then(|t| t.keys().find(|k| !["time", "what"].contains(&k.as_str())))
        {
            return Err(format!("fixed: unknown key `{extra}`; {REMEDY}"));
        }
    }
    Ok(())
}

/// The known key that is most like a mistyped one.
fn nearest(key: &str) -> Option<&'static str> {
    let key = key.to_ascii_lowercase();
    KEYS.into_iter()
        .map(|known| (distance(&key, known), known))
        .filter(|(d, known)| *d <= known.len() / 3 + 1)
        .min()
        .map(|(_, known)| known)
}

/// Edits from one word to another; keys are short.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().take(32).enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.bytes().enumerate() {
            let (up, diagonal) =
                (row.get(j + 1).copied().unwrap_or(0), row.get(j).copied().unwrap_or(0));
            let left = next.last().copied().unwrap_or(0);
            next.push((up + 1).min(left + 1).min(diagonal + usize::from(x != y)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// One statement of the file.
struct Statement<'a> {
    key: String,
    text: &'a str,
    line: usize,
}

/// The statements: each begins at a line `key =` or `[table]`; keys below a table belong to it.
fn statements(text: &str) -> Vec<Statement<'_>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut starts: Vec<(usize, usize, String)> = Vec::new();
    let mut offset = 0;
    let mut in_table = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim_start();
        // `[[fixed]]` and `[x]` are headers; `["a",` inside a list is not.
        let header = trimmed.starts_with("[[") && trimmed.contains("]]")
            || trimmed.starts_with('[')
                && trimmed
                    .get(1..)
                    .is_some_and(|t| t.starts_with(|c: char| c.is_ascii_alphabetic()));
        if header {
            in_table = true;
            let key = trimmed.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
            starts.push((offset, number + 1, key));
        } else if !in_table && let Some((key, _)) = trimmed.split_once('=') {
            let key = key.trim().trim_matches('"');
            let bare = !key.is_empty()
                && key.len() < 64
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            if bare {
                starts.push((offset, number + 1, key.to_owned()));
            }
        }
        offset += line.len();
        if starts.len() > 500 {
            break;
        }
    }
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|s| s.0).chain(std::iter::once(text.len())).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|((start, line, key), end)| Statement {
            key,
            text: text.get(start..end).unwrap_or_default(),
            line,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
addresses = ["203.0.113.10", "2001:db8::10"]  # the site's public addresses
networks  = ["192.168.1.0/24"]
relays    = ["192.0.2.25"]
mta       = ["postfix"]
helo      = ["mail.example.org"]
vantage   = "host"
shared    = false
timezone  = "America/New_York"
year      = 2015
fixed     = [
  { time = 2015-12-05T09:00:00Z, what = "removed wp-cache.php" },
  { time = 2015-12-06T09:00:00, what = "closed port 25" },
]
"#;

    #[test]
    fn the_contracts_example() {
        let (site, notes) = read(GOOD);
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(site.addresses.len(), 2);
        assert_eq!(site.networks, ["192.168.1.0/24".parse().unwrap()]);
        assert_eq!(site.vantage, Some(Vantage::Host));
        assert_eq!((site.year, site.timezone.as_deref()), (Some(2015), Some("America/New_York")));
        let fixed: Vec<String> = site.fixed.iter().map(|(t, w)| format!("{t} {w}")).collect();
        assert_eq!(
            fixed,
            ["2015-12-05T09:00:00Z removed wp-cache.php", "2015-12-06T14:00:00Z closed port 25"]
        );
        assert!(recognise(GOOD));
    }

    #[test]
    fn one_bad_line_costs_only_itself() {
        let (site, notes) = read(
            "adresses = [\"203.0.113.10\"]\nnetworks = [\"192.168.1.0/24\", \"x\"]\nhelo = [\"a\nyear = 2015\nshared = \"yes\"\ntimezone = \"Mars/Phobos\"\n",
        );
        assert_eq!(site.year, Some(2015));
        assert_eq!(site.networks.len(), 1);
        assert_eq!(notes.len(), 5, "{notes:#?}");
        assert!(
            notes[0].starts_with("line 1: unknown key `adresses`: did you mean `addresses`?"),
            "{}",
            notes[0]
        );
        assert!(notes[1].contains("line 2") && notes[1].contains("\"x\""));
        assert!(notes[2].starts_with("line 3: `helo` is not TOML"));
        assert!(notes[4].contains("Mars/Phobos"));
    }

    #[test]
    fn other_settings_files_are_not_ours() {
        assert!(!recognise(
            "myhostname = mail.example.org\nmynetworks = 127.0.0.0/8\nrelayhost =\n"
        ));
        assert!(!recognise("[package]\nname = \"x\"\n"));
        assert!(!recognise("Dear Bob,\nyear = never\n"));
    }

    #[test]
    fn tables_of_fixes() {
        let (site, notes) = read(
            "year = 2015\n[[fixed]]\ntime = 2015-12-05T09:00:00Z\nwhat = \"x\"\n[[fixed]]\ntime = 2015-12-06\nwhat = \"y\"\n",
        );
        assert_eq!(site.fixed.len(), 2, "{notes:?}");
    }
}
