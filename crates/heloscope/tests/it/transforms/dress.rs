//! The dresses: each changes how a case is handed over, and nothing of what happened. True where
//! it did anything.

use super::case::{Case, is_capture, is_loose, is_mail_log, is_mirrored, is_syslog, last};
use super::{packets, stamps};
use std::collections::BTreeMap;
use std::io::Write;

pub(crate) fn renamed(case: &mut Case) -> bool {
    let files = std::mem::take(&mut case.files);
    for (index, (name, bytes)) in files.into_iter().enumerate() {
        let keeps = is_mirrored(&name) || name == "expect.toml";
        case.files.insert(if keeps { name } else { format!("f{index:03}") }, bytes);
    }
    true
}

pub(crate) fn packed(case: &mut Case, pack: fn(&[u8]) -> Vec<u8>) -> bool {
    case.change(is_loose, |_, bytes| pack(bytes))
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
    xz.write_all(bytes).unwrap();
    xz.finish().unwrap()
}

pub(crate) fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz2.write_all(bytes).unwrap();
    bz2.finish().unwrap()
}

/// Five pieces of each log, under names whose order says nothing, every second one packed.
pub(crate) fn rotated(case: &mut Case) -> bool {
    let names = case.names(is_mail_log);
    for (log, name) in names.iter().enumerate() {
        let text = case.files.remove(name).unwrap();
        let lines: Vec<&[u8]> = text.split_inclusive(|&b| b == b'\n').collect();
        for (index, piece) in lines.chunks(lines.len().div_ceil(5).max(1)).enumerate() {
            let piece = piece.concat();
            let piece = if index % 2 == 1 { gz(&piece) } else { piece };
            let name = format!("old/{}-{log}", ["c", "a", "e", "b", "d"][index]);
            case.files.insert(name, piece);
        }
    }
    !names.is_empty()
}

/// All system logs become one file; the older ones stand first.
pub(crate) fn joined(case: &mut Case, order: fn(Vec<&[u8]>) -> Vec<&[u8]>) -> bool {
    let mut names = case.names(is_syslog);
    names.sort_by_key(|name| (!name.ends_with(".1"), name.clone()));
    let texts: Vec<Vec<u8>> = names.iter().filter_map(|name| case.files.remove(name)).collect();
    let lines = texts.iter().flat_map(|text| text.split_inclusive(|&b| b == b'\n')).collect();
    case.files.insert("messages".to_owned(), order(lines).concat());
    names.len() > 1
}

pub(crate) fn as_pcap(case: &mut Case, nanoseconds: bool, swapped: bool) -> bool {
    let one_link = case
        .names(is_capture)
        .iter()
        .all(|name| packets::is_of_one_link(&packets::read(&case.files[name])));
    if !one_link {
        eprintln!("skipped: {}: several link types fit no pcap file", case.name);
        return false;
    }
    case.change(is_capture, |_, bytes| packets::pcap(&packets::read(bytes), nanoseconds, swapped))
}

/// As text, with stamps that need no zone; in the form that was given where tcpdump refuses it.
pub(crate) fn printed(case: &mut Case, form: &str) -> bool {
    case.change(is_capture, |_, bytes| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("capture");
        std::fs::write(&file, bytes).unwrap();
        let args = ["-n", "-tt", form, "-r"];
        let done = std::process::Command::new("tcpdump").args(args).arg(&file).output().unwrap();
        if done.status.success() { done.stdout } else { bytes.to_vec() }
    }) && case.names(is_capture).iter().any(|name| case.files[name][0].is_ascii_digit())
}

/// Four files one after the other, as `tcpdump -G` writes them; connections lie across the cuts.
pub(crate) fn split(case: &mut Case) -> bool {
    let names = case.names(is_capture);
    for name in &names {
        let mut frames = packets::read(&case.files.remove(name).unwrap());
        frames.sort_by_key(|frame| frame.at);
        for (index, piece) in frames.chunks(frames.len().div_ceil(4)).enumerate() {
            let name = format!("captures/{}-{}", 9 - index, last(name));
            case.files.insert(name, packets::pcapng(piece));
        }
    }
    !names.is_empty()
}

/// Copies of what is counted and matched.
pub(crate) fn twice(case: &mut Case) -> bool {
    for name in case.names(|name| is_syslog(name) || is_capture(name)) {
        case.files.insert(format!("copies/{}", name.replace('/', "-")), case.files[&name].clone());
    }
    true
}

pub(crate) fn garbage(case: &mut Case) -> bool {
    let noise = |seed: u32, len: u32| -> Vec<u8> {
        (0..len).map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    };
    let mut put = |name: &str, bytes: Vec<u8>| case.files.insert(name.to_owned(), bytes);
    put("0-empty", Vec::new());
    put("0-noise", noise(7, 150_000));
    put("captures/0-noise.pcap", noise(11, 3000));
    put("logs/0-empty.log", Vec::new());
    put("zz-line", vec![b'x'; 1 << 20]);
    put("zz-lines", b"lorem ipsum\r\n\xff\xfe dolor\0\n".repeat(2000));
    put(
        "logs/mail.log.9",
        [b"Nov 24 04:50:00 x postfix/smtp[1]: ".as_slice(), &vec![b'y'; 1 << 20]].concat(),
    );
    put("0-cut.gz", gz(&noise(3, 9000))[..4000].to_vec());
    true
}

/// The mail log's clock goes differently from the capture's.
pub(crate) fn skewed(case: &mut Case, seconds: i64) -> bool {
    !case.names(is_capture).is_empty()
        && case.change(is_mail_log, |_, text| {
            stamps::lines(text, |line| stamps::shifted(line, seconds))
        })
}

/// RFC 3339 becomes BSD; the zone that is lost stands in site.toml.
pub(crate) fn bsd(case: &mut Case) -> bool {
    let zones: BTreeMap<bool, &str> = [(true, "\"Europe/Berlin\""), (false, "\"UTC\"")].into();
    let logs = case.names(is_syslog);
    let dated: Vec<String> =
        logs.into_iter().filter(|name| case.files[name].get(10) == Some(&b'T')).collect();
    let Some(first) = dated.first() else { return false };
    let ahead = String::from_utf8_lossy(&case.files[first]).contains("+01:00 ");
    case.site("timezone", zones[&ahead]);
    case.change(is_syslog, |_, text| stamps::lines(text, stamps::as_bsd))
}
