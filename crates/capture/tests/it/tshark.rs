//! The differential test: HELO, MAIL and RCPT of every complete session in the corpus of others'
//! captures, against what tshark extracts from the same file.
//!
//! Runs where tshark and the corpus are there, and says so where it is skipped. Where tshark and
//! this reader differ for a reason that is tshark's, the difference stands in [`LIMITS`].

use heloscope_capture::{Options, read};
use heloscope_model::session::{EndState, Session, Verb};
use heloscope_model::{SourceId, octets::lossy_text};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What one session said: verbs in capitals with their arguments.
type Said = Vec<(String, String)>;

/// A known difference: file, client port, and why it is no fault of ours.
const LIMITS: &[(&str, u16, &str)] = &[
    (
        "arkime_smtp-bof.pcap",
        50328,
        "the client speaks before the greeting (frame 4, before frame 6); tshark takes the commands \
         in that segment for a fragment of DATA",
    ),
    (
        "suricata_mta_data_rejected_2019.pcap",
        49898,
        "DATA was pipelined and refused (frames 8 and 10); tshark waits for its content and misses \
         the second MAIL and RCPT",
    ),
    (
        "suricata_pipelining_nullif.pcap",
        50287,
        "MAIL, RCPT, DATA and the message stand in one segment (frame 11); tshark takes all of it \
         for the message",
    ),
    (
        "zeek_bdat_pipeline.pcap",
        56074,
        "MAIL, RCPT and BDAT are pipelined; tshark takes the segments with the chunk for content",
    ),
];

fn corpus() -> Option<PathBuf> {
    let mut dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    loop {
        let corpus = dir.parent()?.join("shared/corpus/pcap");
        if corpus.is_dir() {
            return Some(corpus);
        }
        dir = dir.parent()?;
    }
}

fn unpacked(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).unwrap();
    let mut plain = Vec::new();
    match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => flate2::read::MultiGzDecoder::new(&raw[..]).read_to_end(&mut plain).unwrap(),
        Some("xz") => liblzma::read::XzDecoder::new(&raw[..]).read_to_end(&mut plain).unwrap(),
        _ => return raw,
    };
    plain
}

/// By client port and number of the stream, as tshark has it.
fn by_tshark(file: &Path) -> Option<BTreeMap<(u16, u32), Said>> {
    let output = Command::new("tshark")
        .args(["-d", "tcp.port==2525,smtp", "-d", "tcp.port==587,smtp", "-Y", "smtp.req"])
        .args(["-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"])
        .args(["-e", "tcp.stream", "-e", "tcp.srcport"])
        .args(["-e", "smtp.req.command", "-e", "smtp.req.parameter", "-r"])
        .arg(file)
        .output()
        .ok()?;
    let mut said: BTreeMap<(u16, u32), Said> = BTreeMap::new();
    for line in lossy_text(&output.stdout).0.lines() {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (stream, port) = (field().parse().unwrap(), field().parse().unwrap());
        let commands: Vec<_> = field().split('|').map(str::to_ascii_uppercase).collect();
        let mut parameters = field().split('|');
        let of_stream = said.entry((port, stream)).or_default();
        for command in commands {
            // Commands without a parameter leave no place in the list of them.
            if matches!(command.as_str(), "DATA" | "QUIT" | "RSET" | "NOOP" | "STARTTLS") {
                continue;
            }
            let parameter = parameters.next().unwrap_or_default().trim().to_owned();
            if matches!(command.as_str(), "HELO" | "EHLO" | "MAIL" | "RCPT") {
                of_stream.push((command, parameter));
            }
        }
    }
    Some(said)
}

fn by_us(session: &Session) -> Said {
    let of_interest = session.dialogue.commands.iter().filter_map(|command| {
        let verb = match command.verb {
            Verb::Helo => "HELO",
            Verb::Ehlo => "EHLO",
            Verb::Mail => "MAIL",
            Verb::Rcpt => "RCPT",
            _ => return None,
        };
        Some((verb.to_owned(), command.argument().to_string()))
    });
    of_interest.collect()
}

fn complete(session: &Session) -> bool {
    let ended = !matches!(session.end_state, EndState::Truncated | EndState::Timeout);
    ended && session.dialogue.gaps == 0 && !session.dialogue.midstream && session.proxy.is_none()
}

#[test]
fn helo_mail_and_rcpt_agree_with_tshark() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus");
        return;
    };
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: no tshark");
        return;
    }
    let mut files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let scratch = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    // One EHLO of the corpus is 2,000 bytes long.
    options.limits.line_bytes = 65_536;
    let (mut sessions, mut compared, mut differences) = (0, 0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let plain = unpacked(path);
        let file = scratch.path().join("capture");
        std::fs::write(&file, &plain).unwrap();
        let mut theirs = by_tshark(&file).expect("tshark runs");
        read(SourceId(0), &mut &plain[..], &options, &mut |session| {
            sessions += 1;
            if !complete(&session) {
                return;
            }
            let port = session.client.port();
            let ours = by_us(&session);
            let stream = theirs.keys().find(|(p, _)| *p == port).copied();
            let their = stream.and_then(|s| theirs.remove(&s)).unwrap_or_default();
            compared += 1;
            let limit = LIMITS.iter().find(|(f, p, _)| *f == name && *p == port);
            match (ours == their, limit) {
                (true, None) => {}
                (true, Some(_)) => {
                    differences.push(format!("{name} {port}: agrees now, drop its limit"))
                }
                (false, Some((_, _, why))) => println!("{name} {port}: {why}"),
                (false, None) => differences
                    .push(format!("{name} {port}:\n  ours   {ours:?}\n  tshark {their:?}")),
            }
        });
    }
    println!("{compared} of {sessions} sessions are complete and were compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared >= 20, "only {compared} complete sessions: the corpus has more");
}
