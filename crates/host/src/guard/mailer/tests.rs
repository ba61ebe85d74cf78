//! Hosts as small trees of files.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.file("etc/passwd", "root:x:0:0::/root:/bin/sh\npostfix:x:102:106::/:/bin/false\nDebian-exim:x:105:112::/:/\nwww-data:x:33:33::/:/\n");
        tree.file("etc/group", "root:x:0:\nmail:x:8:\n");
        tree.file("sys/fs/cgroup/cgroup.controllers", "");
        tree.process(1, "systemd", "/usr/lib/systemd/systemd", "/init.scope", 1);
        fs::create_dir_all(tree.0.path().join("proc/self/ns")).unwrap();
        symlink("net:[1]", tree.0.path().join("proc/self/ns/net")).unwrap();
        tree
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn process(&self, pid: u32, comm: &str, exe: &str, cgroup: &str, network: u32) {
        let folder = format!("proc/{pid}");
        self.file(&format!("{folder}/comm"), &format!("{comm}\n"));
        self.file(&format!("{folder}/cgroup"), &format!("1:name=systemd:/x\n0::{cgroup}\n"));
        let at = |name: &str| self.0.path().join(&folder).join(name);
        fs::create_dir_all(at("ns")).unwrap();
        symlink(format!("net:[{network}]"), at("ns/net")).unwrap();
        if !exe.is_empty() {
            symlink(exe, at("exe")).unwrap();
        }
        self.file(&format!("sys/fs/cgroup{cgroup}/cgroup.procs"), "");
    }

    fn find(&self) -> Found {
        find(&Surroundings::read(self.0.path()))
    }
}

const UNIT: &str = "/system.slice/system-postfix.slice/postfix@-.service";

#[test]
fn debians_postfix_under_systemd() {
    let tree = Tree::new();
    tree.process(800, "master", "/usr/lib/postfix/sbin/master", UNIT, 1);
    tree.process(801, "qmgr", "/usr/lib/postfix/sbin/qmgr", UNIT, 1);
    // Somebody's own program of that name is not it.
    tree.process(900, "master", "/home/u/master", "/user.slice/x.service", 1);
    let found = tree.find();
    let [postfix] = &found.mailers[..] else { panic!("{found:?}") };
    assert_eq!((postfix.name, postfix.running), ("postfix", true));
    assert_eq!(postfix.who, [Who::Uid(102)]);
    assert_eq!(postfix.cgroups, [Cgroup::new(UNIT).unwrap()]);
    assert!(postfix.limits.is_empty(), "{:?}", postfix.limits);
    let senders = found.senders(true);
    assert_eq!(senders.len(), 1);
    assert_eq!(senders[0].cgroup, Cgroup::new(UNIT));
    assert_eq!(found.senders(false)[0].cgroup, None);
}

#[test]
fn another_owner_in_its_settings() {
    let tree = Tree::new();
    tree.file("etc/postfix/main.cf", "mail_owner = www-data\n#mail_owner = x\n");
    tree.process(800, "master", "/usr/lib/postfix/sbin/master", "/", 1);
    let postfix = tree.find().mailers.remove(0);
    assert_eq!(postfix.who, [Who::Uid(33)]);
    assert!(postfix.cgroups.is_empty());
    assert!(
        postfix.limits.iter().any(|l| l.contains("a bot that runs as uid 33")),
        "{:?}",
        postfix.limits
    );
}

#[test]
fn exims_unit_is_not_asked_for() {
    let tree = Tree::new();
    tree.process(700, "exim4", "/usr/sbin/exim4", "/system.slice/exim4.service", 1);
    let exim = tree.find().mailers.remove(0);
    assert_eq!((exim.name, &exim.who[..]), ("exim", &[Who::Uid(105)][..]));
    assert!(exim.cgroups.is_empty());
    assert!(exim.limits[0].contains("hands a mail in"));
}

#[test]
fn one_that_runs_goes_before_one_that_is_installed() {
    let tree = Tree::new();
    tree.file("usr/sbin/postfix", "");
    tree.file("etc/postfix/main.cf", "");
    tree.process(700, "exim4", "/usr/sbin/exim4", "/", 1);
    let found = tree.find();
    let names: Vec<_> = found.mailers.iter().map(|m| (m.name, m.running)).collect();
    assert_eq!(names, [("exim", true), ("postfix", false)]);
    assert_eq!(found.senders(true).iter().map(|s| s.who).collect::<Vec<_>>(), [Who::Uid(105)]);
}

#[test]
fn of_a_container_it_is_said() {
    let tree = Tree::new();
    tree.process(800, "master", "/usr/lib/postfix/sbin/master", "/system.slice/docker-1.scope", 2);
    let found = tree.find();
    assert!(found.mailers.is_empty());
    assert!(found.notes[0].contains("network namespace of its own"), "{:?}", found.notes);
}

#[test]
fn callers_and_root_are_told_of() {
    let tree = Tree::new();
    tree.file("usr/bin/msmtp", "");
    tree.file("usr/sbin/dma", "");
    tree.file("etc/dma/dma.conf", "");
    tree.process(600, "sendmail-mta", "/usr/sbin/sendmail-mta", "/", 1);
    let found = tree.find();
    let of = |name| found.mailers.iter().find(|m| m.name == name).unwrap();
    assert_eq!(of("dma").who, [Who::Gid(8)]);
    assert!(of("msmtp").who.is_empty() && of("msmtp").limits[0].contains("--allow-uid"));
    assert!(of("sendmail").limits.iter().any(|l| l.contains("every program of root")));
}

#[test]
fn names_alone_where_nothing_more_may_be_read() {
    let tree = Tree::new();
    tree.process(801, "qmgr", "", UNIT, 1);
    fs::remove_file(tree.0.path().join("proc/801/ns/net")).unwrap();
    let found = tree.find();
    assert_eq!(found.mailers[0].who, [Who::Uid(102)]);
    assert!(found.notes[0].contains("without root"), "{:?}", found.notes);
}

#[test]
fn a_host_without_anything() {
    assert!(find(&Surroundings::read(Path::new("/nowhere"))).mailers.is_empty());
}

proptest::proptest! {
    // Each makes a tree of files.
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]
    #[test]
    fn never_panics(passwd: String, group: String, cf: String, cgroup: String) {
        let tree = Tree::new();
        tree.file("etc/passwd", &passwd);
        tree.file("etc/group", &group);
        tree.file("etc/postfix/main.cf", &cf);
        tree.process(800, "master", "/usr/lib/postfix/sbin/master", "/a", 1);
        tree.file("proc/800/cgroup", &format!("0::{cgroup}"));
        for sender in tree.find().senders(true) {
            proptest::prop_assert!(sender.cgroup.is_none_or(|c| !c.path().contains(['"', '\n'])));
        }
    }
}
