//! Plays `tests/cases/*.txt`: what is listed, questions, and the answers that must come.
//!
//! ```text
//! list PREFIX CODE[,CODE] REASON     unlist PREFIX     serial UNIX_SECONDS
//! > NAME TYPE [tcp] [edns SIZE] [version N] [do] [rd] [class CH] [opcode N]
//! > raw HEX [tcp]
//! OUTCOME: CODE [aa] [tc] [rd] [edns SIZE [do]]      or the outcome alone, where there is silence
//! [authority] OWNER TTL TYPE DATA
//! ```
//!
//! A blank line ends an answer; `#` begins a comment.

use crate::asking::{Ask, printed};
use crate::world::{listing, zones};
use heloscope_dnsbl::{Change, Table, Transport, answer};
use std::path::Path;

#[test]
fn every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut asked = 0;
    let mut wrong = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        play(&name, &std::fs::read_to_string(file).unwrap(), &mut asked, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() >= 6 && asked >= 60, "{} files, {asked} questions", files.len());
}

fn play(file: &str, text: &str, asked: &mut usize, wrong: &mut Vec<String>) {
    let (zones, table) = (zones(), Table::new());
    let mut generation = 0;
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words {
            [] | ["#", ..] => {}
            ["list", prefix, codes, ..] => {
                let reason = line.splitn(4, ' ').nth(3).unwrap_or_default();
                let codes: Vec<_> =
                    codes.split(',').map(|c| (c.parse().unwrap(), reason)).collect();
                generation += 1;
                table.apply(generation, &[listing(prefix, &codes)]).unwrap();
            }
            ["unlist", prefix] => {
                generation += 1;
                let change = Change { prefix: prefix.parse().unwrap(), value: None };
                table.apply(generation, &[change]).unwrap();
            }
            ["serial", now] => {
                table.publish(now.parse().unwrap());
            }
            [">", ..] => {
                let mut expected = String::new();
                while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
                    expected.push_str(line.trim());
                    expected.push('\n');
                }
                *asked += 1;
                let got = ask(&words[1..], |request, transport| {
                    let mut out = Vec::new();
                    let outcome = answer(&zones, &table, request, transport, &mut out);
                    assert_eq!(outcome.responds(), !out.is_empty(), "{file}:{number}");
                    if out.is_empty() {
                        return format!("{}\n", outcome.word());
                    }
                    format!("{}: {}", outcome.word(), printed(&out))
                });
                if got != expected {
                    let at = number + 1;
                    wrong.push(format!("{file}:{at} {line}\nexpected:\n{expected}got:\n{got}"));
                }
            }
            _ => panic!("{file}:{}: not understood: {line}", number + 1),
        }
    }
}

fn ask(words: &[&str], play: impl Fn(&[u8], Transport) -> String) -> String {
    let transport = if words.contains(&"tcp") { Transport::Tcp } else { Transport::Udp };
    if words[0] == "raw" {
        let hex: Vec<u8> = words[1..]
            .iter()
            .filter(|word| **word != "tcp")
            .flat_map(|word| word.as_bytes().chunks(2))
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        return play(&hex, transport);
    }
    let mut ask = Ask::new(words[0], words[1].parse().unwrap());
    let mut words = words[2..].iter();
    while let Some(word) = words.next() {
        match *word {
            "tcp" => {}
            "do" => ask.dnssec_ok = true,
            "rd" => ask.recursion = true,
            "edns" => ask.size = Some(words.next().unwrap().parse().unwrap()),
            "version" => ask.version = words.next().unwrap().parse().unwrap(),
            "class" => ask.class = words.next().unwrap().parse().unwrap(),
            "opcode" => ask.opcode = words.next().unwrap().parse::<u8>().unwrap().into(),
            other => panic!("not an option: {other}"),
        }
    }
    play(&ask.bytes(0x1234), transport)
}
