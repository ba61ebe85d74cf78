//! `heloscope top`: what `watch` sees, in the terminal. Reads /status.json once a second; q, Esc or Ctrl-C end it.
//!
//! Everything that is shown is others' text as well: it goes through `shown`, so that no name of a process moves the cursor.

use crate::cli::Top;
use crate::outcome::{Outcome, ServiceAway};
use anyhow::{Context, Result};
use heloscope_watch::shown;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table};
use serde_json::Value;
use std::io::{IsTerminal, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(3);
/// The largest answer that is read.
const MOST: u64 = 16 << 20;

pub(crate) fn run(args: &Top) -> Result<Outcome> {
    let first = ask(args.watch).map_err(|error| {
        eprintln!(
            "heloscope: {} does not answer ({error:#}); does heloscope watch run?",
            args.watch
        );
        ServiceAway("no watch answers")
    })?;
    if args.once || !std::io::stdout().is_terminal() {
        print!("{}", text(&first));
        let open = first.get("open").and_then(Value::as_array).is_some_and(|open| !open.is_empty());
        return Ok(if open { Outcome::Attention } else { Outcome::Done });
    }
    let mut terminal = ratatui::try_init().context("taking the terminal")?;
    let ended = live(&mut terminal, args.watch, first);
    ratatui::restore();
    ended.map(|()| Outcome::Done)
}

fn live(terminal: &mut ratatui::DefaultTerminal, watch: SocketAddr, first: Value) -> Result<()> {
    let (mut status, mut away) = (first, None);
    loop {
        terminal.draw(|frame| draw(frame, &status, away.as_deref())).context("drawing")?;
        if event::poll(EVERY).context("reading keys")?
            && let Event::Key(key) = event::read().context("reading keys")?
        {
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                KeyCode::Char('c') if control => return Ok(()),
                _ => {}
            }
        }
        match ask(watch) {
            Ok(new) => (status, away) = (new, None),
            Err(error) => away = Some(shown(&format!("no answer: {error:#}"))),
        }
    }
}

/// How things stand, from a watch.
fn ask(watch: SocketAddr) -> Result<Value> {
    let mut stream = TcpStream::connect_timeout(&watch, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /status.json HTTP/1.0\r\nHost: {watch}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").context("not an answer of HTTP")?;
    let (head, body) = answer.split_at(end);
    anyhow::ensure!(head.starts_with(b"HTTP/1.") && head.get(9..12) == Some(b"200"), "it refuses");
    let status: Value = serde_json::from_slice(body.get(4..).unwrap_or_default())?;
    anyhow::ensure!(
        status.get("format").and_then(Value::as_str) == Some("heloscope.watch/1"),
        "it is no watch"
    );
    Ok(status)
}

/// A text of the status, safe.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text),
        Value::Null => "-".to_owned(),
        other => shown(&other.to_string()),
    }
}

fn all(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn clock(value: &Value) -> String {
    let text = word(value);
    text.split_once('T').map_or(text.clone(), |(_, clock)| clock.chars().take(8).collect())
}

fn standing(value: &Value) -> String {
    let is = word(&value["is"]);
    if value["name"].is_string() { format!("{is}: {}", word(&value["name"])) } else { is }
}

fn figures(status: &Value) -> String {
    let queue = &status["queue"];
    let sent: u64 = all(&status["by_hour"]).filter_map(Value::as_u64).sum();
    let waiting = queue["active"].as_u64().unwrap_or(0) + queue["deferred"].as_u64().unwrap_or(0);
    let day = &status["day"];
    format!(
        "{} recipients in 24 h   {} mails wait   connections: {} of the MTA, {} past it   last line {}   {}",
        sent,
        if queue.is_null() { "?".to_owned() } else { waiting.to_string() },
        word(&day["by_the_mta"]),
        word(&day["past_the_mta"]),
        clock(&status["last_line"]),
        word(&status["time"]),
    )
}

/// As text.
fn text(status: &Value) -> String {
    let mut text = format!("{}: {}\n", word(&status["host"]), figures(status));
    for note in all(&status["blind"]) {
        text.push_str(&format!("! {}\n", word(note)));
    }
    for alert in all(&status["open"]) {
        text.push_str(&format!(
            "{} {}: {}\n",
            word(&alert["severity"]),
            word(&alert["rule"]),
            word(&alert["summary"])
        ));
        for line in all(&alert["proof"]) {
            text.push_str(&format!("    {}\n", word(line)));
        }
    }
    for program in all(&status["programs"]) {
        text.push_str(&format!(
            "{:>6} {:<24} uid {:<6} {}\n",
            word(&program["connections"]),
            standing(&program["standing"]),
            word(&program["uid"]),
            word(&program["what"])
        ));
    }
    for known in all(&status["lists"]) {
        let last = &known["last"];
        text.push_str(&format!(
            "{:<8} {} {}\n",
            word(&last["state"]),
            word(&last["address"]),
            word(&last["list"])
        ));
    }
    text
}

fn draw(frame: &mut Frame<'_>, status: &Value, away: Option<&str>) {
    let alerts: Vec<Line<'_>> = all(&status["open"])
        .flat_map(|alert| {
            let proof =
                all(&alert["proof"]).next().map(|line| Line::from(format!("  {}", word(line))));
            let title = Line::from(vec![
                Span::styled(
                    format!("{} ", word(&alert["rule"])),
                    Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
                ),
                Span::raw(word(&alert["summary"])),
            ]);
            [title].into_iter().chain(proof)
        })
        .collect();
    let notes: Vec<Line<'_>> = away
        .map(str::to_owned)
        .into_iter()
        .chain(all(&status["blind"]).map(word))
        .map(|note| Line::styled(note, Style::new().fg(Color::Yellow)))
        .collect();
    let high = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
    let [top, noted, alerting, programs, sessions] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(high(notes.len()).min(3)),
        Constraint::Length(high(alerts.len()).min(10) + 2),
        Constraint::Length(high(all(&status["programs"]).count()).clamp(1, 8) + 3),
        Constraint::Min(3),
    ])
    .areas(frame.area());

    let many = all(&status["open"]).count();
    let (state, colour) = match many {
        0 => ("nothing is wrong".to_owned(), Color::Green),
        1 => ("1 alert".to_owned(), Color::Red),
        n => (format!("{n} alerts"), Color::Red),
    };
    let title = Line::from(vec![
        Span::styled(word(&status["host"]), Style::new().add_modifier(Modifier::BOLD)),
        Span::raw("  "),
        Span::styled(state, Style::new().fg(colour).add_modifier(Modifier::BOLD)),
        Span::raw("  (q ends)"),
    ]);
    frame.render_widget(Paragraph::new(vec![title, Line::from(figures(status))]), top);
    frame.render_widget(Paragraph::new(notes), noted);
    frame.render_widget(
        Paragraph::new(alerts).block(Block::new().borders(Borders::TOP).title("Alerts")),
        alerting,
    );

    let bad = |standing: &Value| matches!(standing["is"].as_str(), Some("past" | "foreign"));
    let style =
        |standing: &Value| if bad(standing) { Style::new().fg(Color::Red) } else { Style::new() };
    let rows = all(&status["programs"]).map(|p| {
        Row::new([
            Cell::from(word(&p["connections"])),
            Cell::from(word(&p["bytes"])),
            Cell::from(standing(&p["standing"])),
            Cell::from(clock(&p["last"])),
            Cell::from(word(&p["uid"])),
            Cell::from(word(&p["what"])),
        ])
        .style(style(&p["standing"]))
    });
    let widths = [7, 11, 18, 9, 7].map(Constraint::Length).into_iter().chain([Constraint::Min(20)]);
    let table = Table::new(rows, widths)
        .header(
            Row::new(["CONN", "BYTES", "IS", "LAST", "UID", "PROGRAM"])
                .style(Style::new().add_modifier(Modifier::DIM)),
        )
        .block(Block::new().borders(Borders::TOP).title("Programs"));
    frame.render_widget(table, programs);

    let rows = all(&status["sessions"]).map(|s| {
        Row::new([
            Cell::from(clock(&s["start"])),
            Cell::from(word(&s["server"])),
            Cell::from(word(&s["outcome"])),
            Cell::from(word(&s["pid"])),
            Cell::from(word(&s["explained"])),
            Cell::from(word(&s["command"])),
        ])
        .style(style(&s["standing"]))
    });
    let widths =
        [9, 28, 13, 8, 14].map(Constraint::Length).into_iter().chain([Constraint::Min(20)]);
    let table = Table::new(rows, widths)
        .header(
            Row::new(["START", "SERVER", "STATE", "PID", "MAIL", "COMMAND"])
                .style(Style::new().add_modifier(Modifier::DIM)),
        )
        .block(Block::new().borders(Borders::TOP).title("Connections"));
    frame.render_widget(table, sessions);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    fn status() -> Value {
        json!({
            "host": "mx", "time": "2026-11-24T14:30:00Z", "queue": null, "by_hour": [1, 2],
            "day": { "by_the_mta": 3, "past_the_mta": 1 }, "last_line": "2026-11-24T14:29:00Z", "blind": ["no list is asked"],
            "open": [{ "rule": "past-the-mta", "severity": "alert", "summary": "/tmp/a\u{1b}[2J.pl connects", "proof": ["pid 7"] }],
            "programs": [{ "connections": 1, "bytes": 9, "standing": { "is": "past" }, "uid": 33, "last": "2026-11-24T14:29:00Z", "what": "/tmp/a.pl" }],
            "sessions": [{ "start": "2026-11-24T14:29:00Z", "server": "198.51.100.7:25", "outcome": "open", "pid": 7, "explained": null, "command": "perl \u{202e}x", "standing": { "is": "past" } }],
            "lists": [{ "last": { "list": "zen", "address": "203.0.113.10", "state": "clean" } }],
        })
    }

    #[test]
    fn the_screen_names_what_is_wrong_and_obeys_nobody() {
        let mut terminal = Terminal::new(TestBackend::new(120, 30)).unwrap();
        terminal.draw(|frame| draw(frame, &status(), None)).unwrap();
        let screen: String =
            terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
        for word in [
            "1 alert",
            "past-the-mta",
            "/tmp/a\\u{1b}[2J.pl",
            "198.51.100.7:25",
            "no list is asked",
            "perl \\u{202e}x",
        ] {
            assert!(screen.contains(word), "{word}: {screen}");
        }
        // Too small to show anything: no panic.
        let mut terminal = Terminal::new(TestBackend::new(5, 3)).unwrap();
        terminal.draw(|frame| draw(frame, &status(), Some("away"))).unwrap();
        terminal.draw(|frame| draw(frame, &json!({}), None)).unwrap();
    }

    #[test]
    fn the_text_says_the_same() {
        let text = text(&status());
        assert!(
            text.contains("alert past-the-mta: /tmp/a\\u{1b}[2J.pl connects\n    pid 7\n"),
            "{text}"
        );
        assert!(text.contains("clean    203.0.113.10 zen"), "{text}");
    }
}
