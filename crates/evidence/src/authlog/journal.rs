//! `journalctl -o json`: one entry a line -> who wrote it, when, what. An entry's message may be
//! an array of bytes where it is not UTF-8.

use crate::stamp;
use heloscope_model::Time;
use serde_json::Value;

/// An entry, as far as it matters.
pub(super) struct Entry {
    pub(super) time: Time,
    pub(super) program: String,
    pub(super) pid: Option<u32>,
    pub(super) message: String,
}

/// Takes an entry apart.
pub(super) fn entry(line: &[u8]) -> Option<Entry> {
    memchr::memmem::find(line, b"\"__REALTIME_TIMESTAMP\"")?;
    let value: Value = serde_json::from_slice(line).ok()?;
    let word = |name: &str| value.get(name).and_then(Value::as_str);
    let micros = word("__REALTIME_TIMESTAMP")?.parse::<i64>().ok()?;
    let program = word("SYSLOG_IDENTIFIER").or_else(|| word("_COMM"))?;
    let pid = word("SYSLOG_PID").or_else(|| word("_PID"));
    Some(Entry {
        time: Time::from_micros(micros),
        program: super::field(program),
        pid: pid.and_then(|pid| stamp::number(pid.as_bytes())),
        message: message(value.get("MESSAGE")?)?,
    })
}

fn message(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        let end = text.char_indices().nth(super::MESSAGE).map_or(text.len(), |(end, _)| end);
        return text.get(..end).map(str::to_owned);
    }
    let bytes: Vec<u8> = value
        .as_array()?
        .iter()
        .take(super::MESSAGE)
        .filter_map(|byte| u8::try_from(byte.as_u64()?).ok())
        .collect();
    Some(heloscope_model::octets::lossy_text(&bytes).0.into_owned())
}
