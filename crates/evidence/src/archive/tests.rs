//! Hostile archives: names, links, bombs, damage. Nothing is written, what came is used.

use super::*;
use crate::opened;
use ::tar::{Builder, EntryType, Header};
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// An archive given itself.
fn given(name: &str, bytes: impl Into<Arc<[u8]>>) -> Found {
    let body = Body::Bytes(bytes.into());
    Found {
        path: PathBuf::from(name),
        root: PathBuf::from(name),
        below: PathBuf::new(),
        size: body.size(),
        body,
        modified: None,
        problem: None,
        note: None,
        archived: false,
    }
}

/// `PATH: CONTENT` of every member, and the archive's trouble.
fn opened(bytes: impl Into<Arc<[u8]>>) -> (Vec<String>, Option<String>) {
    let found = expand(vec![given("x.tar", bytes)], &|_| true);
    let (trouble, members): (Vec<_>, Vec<_>) = found.into_iter().partition(|f| f.problem.is_some());
    let shown = members.iter().map(|f| {
        let (bytes, ..) = opened::whole(&f.body, 40).unwrap();
        format!("{}: {}", f.path.display(), String::from_utf8_lossy(&bytes))
    });
    let trouble: Vec<_> = trouble.into_iter().filter_map(|f| f.problem).collect();
    (shown.collect(), (!trouble.is_empty()).then(|| trouble.join("\n")))
}

/// A tar whose names are written as they stand: the builder refuses hostile ones.
fn tar(members: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in members {
        let link = matches!(kind, EntryType::Symlink | EntryType::Link);
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        if link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        header.set_entry_type(*kind);
        header.set_mtime(1_449_239_400);
        header.set_mode(0o644);
        header.set_size(if link { 0 } else { content.len() as u64 });
        header.set_cksum();
        builder.append(&header, if link { &b""[..] } else { content.as_bytes() }).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A zip of deflated members, each with its exact time.
pub(crate) fn zip(members: &[(&str, &[u8])], mode: u32) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut packed =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(content).unwrap();
        let packed = packed.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let extra = [&[0x55, 0x54, 5, 0, 1][..], &1_449_239_400_u32.to_le_bytes()].concat();
        let at = out.len() as u32;
        let common = [
            &[20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0][..],
            &crc.sum().to_le_bytes(),
            &(packed.len() as u32).to_le_bytes(),
            &(content.len() as u32).to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &(extra.len() as u16).to_le_bytes(),
        ]
        .concat();
        out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &extra, &packed].concat());
        directory.extend([b"PK\x01\x02", &[20, 3][..], &common, &[0; 6]].concat());
        directory.extend([&(mode << 16).to_le_bytes()[..], &at.to_le_bytes()].concat());
        directory.extend([name.as_bytes(), &extra].concat());
    }
    let at = out.len() as u32;
    let count = (members.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend([b"PK\x05\x06", &[0; 4][..], &count, &count].concat());
    out.extend([&(directory.len() as u32).to_le_bytes()[..], &at.to_le_bytes(), &[0, 0]].concat());
    out
}

#[test]
fn names_are_labels_and_links_are_not_followed() {
    let bytes = tar(&[
        ("../../etc/passwd", EntryType::Regular, "evil"),
        ("/etc/shadow", EntryType::Regular, "absolute"),
        ("log/mail.log", EntryType::Regular, "first"),
        ("log/mail.log", EntryType::Regular, "second"),
        ("link", EntryType::Symlink, "/etc/hostname"),
        ("hard", EntryType::Link, "log/mail.log"),
        ("sda", EntryType::Block, ""),
        ("fifo", EntryType::Fifo, ""),
        ("folder/", EntryType::Directory, ""),
    ]);
    let (members, trouble) = opened(bytes);
    assert_eq!(
        members,
        ["x.tar/etc/passwd: evil", "x.tar/etc/shadow: absolute", "x.tar/log/mail.log: second"]
    );
    let trouble = trouble.unwrap();
    for said in [
        "1 member whose name leads out of the archive, read under the rest of its name: ../../etc/passwd",
        "1 member with an absolute name, read as if it were relative: /etc/shadow",
        "1 member that is there more than once, the last one read: log/mail.log",
        "2 members, each one that is a link, not followed, the first link to /etc/hostname",
        "2 members, each one that is a device or pipe, not made, the first sda",
    ] {
        assert!(trouble.contains(said), "{said}\nis not in\n{trouble}");
    }
    let (members, trouble) = opened(zip(&[("..\\..\\x", b"evil"), ("C:/a", b"b")], 0o100_644));
    assert_eq!(members, ["x.tar/..\\..\\x: evil", "x.tar/C:/a: b"]);
    assert_eq!(trouble, None);
    let (members, trouble) = opened(zip(&[("link", b"/etc/passwd")], 0o120_777));
    assert!(members.is_empty());
    assert!(trouble.unwrap().contains("not followed: link to /etc/passwd"));
}

#[test]
fn a_member_keeps_its_time_and_its_own_compression() {
    for bytes in [tar(&[("a.gz", EntryType::Regular, "text")]), zip(&[("a.gz", b"text")], 0)] {
        let found = expand(vec![given("x", bytes)], &|_| true);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].modified, Some(1_449_239_400));
        assert_eq!(found[0].below, PathBuf::from("a.gz"));
    }
}

#[test]
fn the_only_folder_is_what_was_given() {
    let below = |members: &[(&str, EntryType, &str)]| -> Vec<String> {
        let found = expand(vec![given("x", tar(members))], &|_| true);
        found.iter().map(|f| f.below.display().to_string()).collect()
    };
    let file = |name| (name, EntryType::Regular, "x");
    assert_eq!(
        below(&[file("case/expect.toml"), file("case/var/log/a"), file("case/sub/README.md")]),
        ["sub/README.md", "var/log/a"]
    );
    assert_eq!(below(&[file("var/log/a")]), ["var/log/a"]);
    assert_eq!(below(&[file("a/b"), file("expect.toml"), file("c")]), ["a/b", "c"]);
}

#[test]
fn archives_within_archives() {
    let inner = zip(&[("mail.log", b"log")], 0);
    let middle = gz(&tar_of("inner.zip", &inner));
    let (members, trouble) = opened(middle.clone());
    assert_eq!((members, trouble), (vec!["x.tar/inner.zip/mail.log: log".to_owned()], None));
    let (members, trouble) = opened(tar_of("middle.tgz", &middle));
    assert!(members.is_empty());
    assert!(trouble.unwrap().contains("not opened: unpack it"));
}

fn tar_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_ustar();
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, name, content).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn bombs_end_at_a_bound() {
    // 600 MB of zeros pack to 600 kB.
    let mut header = Header::new_ustar();
    header.set_path("zeros").unwrap();
    header.set_size(600 << 20);
    header.set_cksum();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&tar(&[("notice.txt", EntryType::Regular, "kept")])[..1024]).unwrap();
    packed.write_all(header.as_bytes()).unwrap();
    for _ in 0..600 {
        packed.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = packed.finish().unwrap();
    let (members, trouble) = opened(bomb);
    assert_eq!(members[0], "x.tar/notice.txt: kept");
    assert!(trouble.unwrap().contains("more than 500 times its size"), "{members:?}");

    let zeros = vec![0; 300 << 20];
    let (members, trouble) = opened(zip(&[("a", b"kept"), ("b", &zeros), ("c", b"not")], 0));
    assert_eq!((members.len(), &members[0][..]), (2, "x.tar/a: kept"));
    assert!(trouble.unwrap().contains("more than 500 times its size"));
}

#[test]
fn members_are_bounded() {
    let mut bytes = Vec::new();
    let mut header = Header::new_ustar();
    header.set_size(0);
    for index in 0..410_000 {
        header.set_path(format!("f{index}")).unwrap();
        header.set_cksum();
        bytes.extend(header.as_bytes());
    }
    let (members, trouble) = opened(bytes);
    assert_eq!(members.len(), walk::MOST - 1);
    assert!(trouble.unwrap().contains("more than 400000 members"));
}

#[test]
fn a_name_of_gigabytes_is_not_held() {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(200 << 20);
    header.set_cksum();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(header.as_bytes()).unwrap();
    packed.write_all(&vec![b'x'; 200 << 20]).unwrap();
    packed.write_all(&tar(&[("short", EntryType::Regular, "text")])).unwrap();
    let (members, trouble) = opened(packed.finish().unwrap());
    assert!(members.is_empty());
    assert!(trouble.unwrap().contains("without a name that a file can have"));
}

#[test]
fn cut_off_archives_give_what_came() {
    let text = "line\n".repeat(400);
    let members = [("a", EntryType::Regular, "whole"), ("b", EntryType::Regular, &text[..])];
    let whole = tar(&members);
    let found = expand(vec![given("x.tar", &whole[..2000])], &|_| true);
    assert_eq!(found[1].note.as_deref(), Some("the archive ends within it, after byte 464"));
    assert!(found[2].problem.as_deref().unwrap().contains("the last member that was read: b"));

    let packed = gz(&whole);
    let (members, trouble) = opened(&packed[..packed.len() * 3 / 4]);
    assert_eq!(members[0], "x.tar/a: whole");
    assert!(trouble.unwrap().contains("the archive is cut off after byte"));

    let zipped = zip(&[("a", b"whole"), ("b", text.as_bytes())], 0);
    let (members, trouble) = opened(&zipped[..zipped.len() - 60]);
    assert_eq!(members[0], "x.tar/a: whole");
    assert!(trouble.unwrap().contains("its directory is missing"));
    let mut damaged = zipped.clone();
    damaged[14] ^= 1;
    let at = damaged.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    damaged[at + 16] ^= 1;
    let found = expand(vec![given("x.zip", damaged)], &|_| true);
    assert!(found[0].note.as_deref().unwrap().contains("its check sum is another"));
}

#[test]
fn documents_are_no_archives() {
    let (members, trouble) = opened(zip(&[("[Content_Types].xml", b"<x/>")], 0));
    assert_eq!((members.len(), trouble), (1, None));
    assert!(members[0].starts_with("x.tar: PK"), "{members:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn never_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12), cut in any::<prop::sample::Index>(), form in 0..3) {
        let mut bytes = match form {
            0 => tar(&[("a", EntryType::Regular, "x"), ("b", EntryType::GNULongName, "name"), ("c", EntryType::XHeader, "12 path=abc\n"), ("d", EntryType::Symlink, "e")]),
            1 => zip(&[("a", b"text"), ("b/", b""), ("c", b"more")], 0),
            _ => gz(&tar(&[("a", EntryType::Regular, "x")])),
        };
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        opened(bytes);
    }

    #[test]
    fn never_panics_on_noise(noise in prop::collection::vec(any::<u8>(), 0..900), form in 0..3) {
        let mut bytes: Vec<u8> = match form {
            0 => b"PK\x03\x04".to_vec(),
            1 => tar(&[("c", EntryType::XHeader, "12 path=abc\n")])[..512].to_vec(),
            _ => Vec::new(),
        };
        bytes.extend(noise);
        opened(bytes);
    }
}
