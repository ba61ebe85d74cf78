use super::*;
use std::os::unix::fs::symlink;

const ALL: Bounds = Bounds { depth: 64, entries: 10_000 };

fn walked(tree: &Tree, start: &str, bounds: Bounds) -> (Vec<String>, Vec<String>) {
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    tree.walk(
        Path::new(start),
        bounds,
        &|| false,
        &mut |e| found.push(format!("{:?} {}", e.kind, super::super::finding::shown(&e.path))),
        &mut |p, why| unseen.push(format!("{}: {why}", p.display())),
    );
    (found, unseen)
}

#[test]
fn links_stay_inside_and_nothing_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("secret");
    std::fs::write(&outside, "outside").unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("a/b")).unwrap();
    std::fs::write(root.join("secret"), "inside").unwrap();
    symlink("../../../../secret", root.join("a/up")).unwrap();
    symlink("/secret", root.join("a/absolute")).unwrap();
    symlink("loop2", root.join("a/loop1")).unwrap();
    symlink("loop1", root.join("a/loop2")).unwrap();
    symlink("..", root.join("a/b/parent")).unwrap();
    nix::unistd::mkfifo(&root.join("a/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let odd = OsStr::from_bytes(b"new\nline\xff");
    std::fs::write(root.join("a").join(odd), "x").unwrap();
    let huge = File::create(root.join("a/sparse")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let tree = Tree::open(&root).unwrap();
    for by_hand in [false, true] {
        tree.old_kernel.store(by_hand, Ordering::Relaxed);
        for path in ["/a/up", "/a/absolute", "a/b/parent/up", "/../secret"] {
            assert_eq!(tree.read(path, 100).unwrap(), b"inside", "{path}");
        }
        assert!(tree.read("/a/loop1", 100).is_err());
        assert!(tree.read("/a/fifo", 100).is_err(), "and it did not block");
        assert!(tree.file(Path::new("/a/fifo"), true).is_err(), "swapped after it was listed");
        assert!(tree.read("/a/b", 100).is_err());
        assert_eq!(tree.read("/a/sparse", 10).unwrap(), [0; 10]);
        assert_eq!(tree.link(Path::new("/a/absolute")).unwrap(), Path::new("/secret"));
        let (found, unseen) = walked(&tree, "/", ALL);
        assert_eq!(
            found,
            [
                "Folder /a",
                "File /secret",
                "Link /a/absolute",
                "Folder /a/b",
                "Other /a/fifo",
                "Link /a/loop1",
                "Link /a/loop2",
                "File /a/new\\nline\u{ff}",
                "File /a/sparse",
                "Link /a/up",
                "Link /a/b/parent",
            ]
        );
        assert!(unseen.is_empty(), "{unseen:?}");
        assert_eq!(walked(&tree, "/", Bounds { depth: 0, ..ALL }).1.len(), 1);
        assert_eq!(walked(&tree, "/", Bounds { entries: 3, ..ALL }).0.len(), 3);
    }
}

#[test]
fn file_systems_of_the_kernel_are_not_entered() {
    let tree = Tree::open(Path::new("/")).unwrap();
    let (found, unseen) = walked(&tree, "/proc", ALL);
    assert!(found.is_empty() && unseen.len() == 1, "{unseen:?}");
}
