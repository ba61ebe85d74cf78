//! The programs and libraries that mail by themselves, and how each is made to speak to a port of ours.
//!
//! What hands its mail to `sendmail` (PHP's mail(), cron, most of a system) says nothing itself: the mail server speaks for
//! it. A library's name here is its default; an application may set another.

use super::Said;
use super::sink::Sink;
use anyhow::Result;
use std::ffi::OsStr;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long one may take.
const MOST: Duration = Duration::from_secs(12);
/// Envelope and message of what is said; RFC 2606 names, which lead nowhere.
const MAIL: &[u8] =
    b"From: probe@example.invalid\nTo: probe@example.invalid\nSubject: HELO\n\nto a sink\n";

/// A program that mails by itself.
pub(crate) struct Sender {
    /// As it is shown.
    name: &'static str,
    program: &'static str,
    /// It is a part of the program (a library, an applet) that may be missing.
    part: bool,
    /// Its arguments, with `PORT` for the port.
    args: &'static [&'static str],
}

/// All of them.
pub(crate) const SENDERS: &[Sender] = &[
    Sender {
        name: "curl",
        program: "curl",
        part: false,
        args: &[
            "-sS",
            "--noproxy",
            "*",
            "--url",
            "smtp://127.0.0.1:PORT",
            "--mail-from",
            "probe@example.invalid",
            "--mail-rcpt",
            "probe@example.invalid",
            "-T",
            "-",
        ],
    },
    Sender {
        name: "msmtp",
        program: "msmtp",
        part: false,
        args: &[
            "--host=127.0.0.1",
            "--port=PORT",
            "--tls=off",
            "--auth=off",
            "--from=probe@example.invalid",
            "probe@example.invalid",
        ],
    },
    Sender {
        name: "swaks",
        program: "swaks",
        part: false,
        args: &[
            "--server",
            "127.0.0.1",
            "--port",
            "PORT",
            "--from",
            "probe@example.invalid",
            "--to",
            "probe@example.invalid",
            "--quit-after",
            "RCPT",
        ],
    },
    Sender {
        name: "busybox sendmail",
        program: "busybox",
        part: true,
        args: &[
            "sendmail",
            "-S",
            "127.0.0.1:PORT",
            "-f",
            "probe@example.invalid",
            "probe@example.invalid",
        ],
    },
    Sender {
        name: "perl, Net::SMTP",
        program: "perl",
        part: true,
        args: &[
            "-MNet::SMTP",
            "-e",
            "(Net::SMTP->new('127.0.0.1', Port => PORT, Timeout => 8) or die $@)->quit",
        ],
    },
    Sender {
        name: "python, smtplib",
        program: "python3",
        part: true,
        args: &[
            "-c",
            "import smtplib; s = smtplib.SMTP('127.0.0.1', PORT, timeout=8); s.ehlo(); s.quit()",
        ],
    },
    Sender {
        name: "ruby, net/smtp",
        program: "ruby",
        part: true,
        args: &["-rnet/smtp", "-e", "Net::SMTP.start('127.0.0.1', PORT) {}"],
    },
    Sender {
        name: "node, nodemailer",
        program: "node",
        part: true,
        args: &[
            "-e",
            "require('nodemailer').createTransport({host: '127.0.0.1', port: PORT, ignoreTLS: true}).verify().catch(() => process.exit(1))",
        ],
    },
];

/// Where a program stands, if it is installed.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let beyond = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(beyond).map(|d| d.join(program)).find(|p| p.is_file())
}

/// Makes one speak; none where it is not installed, or its library is not.
pub(crate) fn ask(sender: &Sender, public: Option<IpAddr>) -> Result<Option<Said>> {
    let &Sender { name, program, part, args } = sender;
    let Some(path) = installed(program) else { return Ok(None) };
    let sink = Sink::open()?;
    let port = sink.port().to_string();
    let args = args.iter().map(|arg| arg.replace("PORT", &port));
    let why = run(path.as_os_str(), args, MAIL)?;
    let heard = sink.heard(Duration::from_millis(if why.is_none() { 2000 } else { 100 }));
    Ok(match (heard.is_empty(), why) {
        (false, _) => Some(Said::of(name, &heard, public)),
        (true, Some(_)) if part => None,
        (true, why) => Some(Said::silent(name, why.unwrap_or_else(|| "said nothing".to_owned()))),
    })
}

/// Runs a program to its end; the reason where it failed.
pub(crate) fn run(
    program: &OsStr,
    args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    input: &[u8],
) -> Result<Option<String>> {
    let spawned = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Ok(Some(format!("could not be started: {error}"))),
    };
    if let Some(mut pipe) = child.stdin.take() {
        // One that does not read it has no use for it.
        let _ = pipe.write_all(input);
    }
    #[expect(clippy::disallowed_methods, reason = "a bound on another program's time")]
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > MOST {
            child.kill()?;
            child.wait()?;
            return Ok(Some(format!("did not end within {} s", MOST.as_secs())));
        }
        thread::sleep(Duration::from_millis(20));
    };
    if status.success() {
        return Ok(None);
    }
    let mut words = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(&mut errors, 4096), &mut bytes)?;
        words = String::from_utf8_lossy(&bytes).lines().last().unwrap_or_default().to_owned();
    }
    Ok(Some(if words.is_empty() { status.to_string() } else { words }))
}
