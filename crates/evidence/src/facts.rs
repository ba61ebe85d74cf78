//! The records of the kinds that are not sessions or mails.

use crate::firewall::RuleSet;
use heloscope_model::notice::Subject;
use heloscope_model::{Notice, Octets, Place, Time};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// The small kinds, read whole when the evidence is opened.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Notices, in the order found.
    pub notices: Vec<Notice>,
    /// What the administrator knows (`site.toml`).
    pub site: Site,
    /// DHCP leases.
    pub leases: Vec<Lease>,
    /// Processes (`ps`).
    pub processes: Vec<Process>,
    /// Users of the host (`passwd`).
    pub users: Vec<User>,
    /// The files that processes run.
    pub running: Vec<Running>,
    /// Crontab lines.
    pub cron: Vec<CronEntry>,
    /// MTA settings (`postconf -n`, `main.cf`).
    pub settings: Vec<Setting>,
    /// Files of web roots that a reader should look at, and why.
    pub web_files: Vec<WebFile>,
    /// Roots of the web-root trees, as the absolute paths they stand for.
    pub web_roots: Vec<String>,
    /// Firewalls, one for each table of rules handed over.
    pub firewalls: Vec<RuleSet>,
    /// Clients of VPN servers here.
    pub vpn_clients: Vec<VpnClient>,
    /// What scanners of files and root kits said.
    pub scans: Vec<ScanFinding>,
    /// What name servers said of the site.
    pub dns: Vec<DnsFact>,
    /// What blocklists answered when they were asked.
    pub list_answers: Vec<ListAnswer>,
    /// Figures of mail summaries (pflogsumm).
    pub figures: Vec<Figure>,
    /// What `heloscope collect` could not read on the host.
    pub unread: Vec<Unread>,
}

/// Something that `heloscope collect` could not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The host it ran on.
    pub host: String,
    /// A path or a command.
    pub what: String,
    /// `permission`, `failed`, `limit`, `cut`, `link`.
    pub kind: String,
    /// In the words of the host.
    pub why: String,
    /// The line.
    pub place: Place,
}

/// `site.toml`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// Public addresses.
    pub addresses: Vec<IpAddr>,
    /// Inside networks.
    pub networks: Vec<IpNet>,
    /// Smarthosts.
    pub relays: Vec<IpAddr>,
    /// MTAs that should be sending.
    pub mta: Vec<String>,
    /// What they should say.
    pub helo: Vec<String>,
    /// Where captures were taken, if said.
    pub vantage: Option<Vantage>,
    /// Others use the same public address.
    pub shared: bool,
    /// Zone name of stamps without a zone.
    pub timezone: Option<String>,
    /// Year of stamps without a year.
    pub year: Option<i16>,
    /// What was changed, when.
    pub fixed: Vec<(Time, String)>,
}

/// Where a capture was taken, seen from the address translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vantage {
    /// On the mail server itself.
    Host,
    /// On the inside of the gateway.
    Inside,
    /// On its outside.
    Outside,
}

/// A DHCP lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// The address given.
    pub ip: IpAddr,
    /// The link-layer address, lower case with colons.
    pub mac: String,
    /// The name the client gave.
    pub name: Option<String>,
    /// Valid from, where said.
    pub from: Option<Time>,
    /// Valid until, where said.
    pub until: Option<Time>,
    /// The line.
    pub place: Place,
}

/// A TCP connection or attempt as a firewall log or socket table names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// When; none for a table without a stamp.
    pub time: Option<Time>,
    /// Source address.
    pub src: IpAddr,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination address.
    pub dst: IpAddr,
    /// Destination port.
    pub dst_port: u16,
    /// Source after translation (`conntrack`).
    pub translated: Option<IpAddr>,
    /// Link-layer source.
    pub mac: Option<String>,
    /// Interface it came in by; none when this host itself sends.
    pub in_interface: Option<String>,
    /// Interface it left by.
    pub out_interface: Option<String>,
    /// Process, where known.
    pub pid: Option<u32>,
    /// Program name, where known.
    pub program: Option<String>,
    /// Who opened it, where the recorder noted that.
    pub opener: Option<Arc<Opener>>,
    /// The HELO that was heard, where the recorder heard it.
    pub helo: Option<Octets>,
    /// Bytes that were sent, where the recorder saw the end.
    pub sent: Option<u64>,
    /// When the process began, where the recorder noted that.
    pub process_started: Option<Time>,
    /// User id, where known.
    pub uid: Option<u32>,
    /// State (`ESTAB`, `SYN-SENT`, `LISTEN`) or the log prefix of the rule.
    pub state: String,
    /// The line.
    pub place: Place,
}

/// Who opened a connection, as the kernel told the recorder at that moment, or soon after it ([`late`](Self::late)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Opener {
    /// The file that is executed.
    pub exe: String,
    /// Whether that file is gone.
    pub deleted: bool,
    /// Whether he was looked up when the connection had begun: who had it by then.
    pub late: bool,
    /// The script that it runs, where it is an interpreter.
    pub script: Option<String>,
    /// The command line, as the process shows it.
    pub command: String,
    /// The command line that it was started with, where it shows another.
    pub began_as: Option<String>,
    /// The command lines of those that started it, the nearest first.
    pub parents: Vec<String>,
    /// The unit that it belongs to.
    pub unit: Option<String>,
    /// The container that it runs in.
    pub container: Option<String>,
}

/// A process of `ps`.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// User name, or the number where `ps` shows no name.
    pub user: String,
    /// User id, where a column of its own shows it.
    pub uid: Option<u32>,
    /// Process id.
    pub pid: u32,
    /// Parent, where shown.
    pub parent: Option<u32>,
    /// Start as shown, resolved where it can be.
    pub started: Option<Time>,
    /// The command line.
    pub command: String,
    /// The line.
    pub place: Place,
}

/// A user of the host, as `passwd(5)` lists him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// His name.
    pub name: String,
    /// His number.
    pub uid: u32,
    /// The line.
    pub place: Place,
}

/// The file that a process runs (`/proc/PID/exe`), whatever its command line claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Process id.
    pub pid: u32,
    /// The file.
    pub exe: String,
    /// The line.
    pub place: Place,
}

/// A line of a crontab.
#[derive(Clone, Debug, PartialEq)]
pub struct CronEntry {
    /// The five fields, or `@reboot` and the like.
    pub when: String,
    /// User of a system crontab.
    pub user: Option<String>,
    /// The command.
    pub command: String,
    /// The line.
    pub place: Place,
}

/// An MTA setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Parameter. Of `master.cf`: `smtp/inet` (a service, its columns and command as value) and
    /// `smtp/inet/mynetworks` (an `-o` option of it), as `postconf -P` names them.
    pub name: String,
    /// Value, continuation lines joined.
    pub value: String,
    /// The line.
    pub place: Place,
}

/// A file of a web root and what static reading says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct WebFile {
    /// The absolute path it stands for (`/var/www/shop/x.php`).
    pub path: String,
    /// Why it stands out.
    pub findings: Vec<Finding>,
    /// Modified.
    pub modified: Option<Time>,
    /// It contains code that sends mail or opens connections itself.
    pub can_mail: bool,
    /// The file.
    pub place: Place,
}

/// One reason why a file stands out.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Rule or structure id (`eval-chain`, `code-in-uploads`, `hidden-folder`, `newer-than-neighbours`, …).
    pub rule: String,
    /// One sentence.
    pub because: String,
    /// How much this alone says that the file was planted, 0..1.
    pub weight: f32,
    /// The bytes.
    pub place: Place,
}

/// A request of a web log.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// When it was answered.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// Client.
    pub client: Option<IpAddr>,
    /// Virtual host, where logged.
    pub host: Option<Octets>,
    /// GET, POST, ….
    pub method: Octets,
    /// Path with query as logged.
    pub target: Octets,
    /// Status.
    pub status: u16,
    /// User agent.
    pub agent: Option<Octets>,
    /// Seconds it took, where logged.
    pub took_s: Option<f32>,
}

/// A message kept as a file: always_bcc copies, mbox, Maildir.
#[derive(Clone, Debug, PartialEq)]
pub struct MailCopy {
    /// The file, or the mbox's `From ` line.
    pub place: Place,
    /// Date header, resolved.
    pub date: Option<Time>,
    /// Message-ID.
    pub message_id: Option<Octets>,
    /// From header's address.
    pub from: Option<Octets>,
    /// Subject.
    pub subject: Option<Octets>,
    /// Queue id our own MTA gave it (newest Received line that names one).
    pub queue_id: Option<Octets>,
    /// `X-PHP-Originating-Script` (uid, script), where there.
    pub php_script: Option<(Option<u32>, Octets)>,
    /// Client address of the oldest Received line by our MTA.
    pub received_from: Option<IpAddr>,
}

/// What a login service, `su`, `sudo`, `cron` or an FTP server logged.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthEvent {
    /// When.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// The program: `sshd` (its SFTP server, too), `dropbear`, `sudo`, `su`, `login`, `CRON`,
    /// `crontab`, `systemd-logind`, `vsftpd`, `proftpd`, `pure-ftpd`; `ftp` of a transfer log.
    pub service: Octets,
    /// Its process id.
    pub pid: Option<u32>,
    /// The account it is about.
    pub user: Option<String>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// What happened.
    pub what: AuthWhat,
}

/// What an [`AuthEvent`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthWhat {
    /// Logged in, and by which method (`password`, `publickey SHA256:…`).
    Accepted(String),
    /// Was refused.
    Failed,
    /// A session began.
    Opened,
    /// A session ended.
    Closed,
    /// Ran a command (`sudo`, `CRON`, forced commands). One that `sudo` ran as another than root
    /// has `sudo -u NAME` in front; the account of the event is who called it.
    Ran(String),
    /// Asked to be passed on to a host and port (sshd: `connect_to`, `direct-tcpip`); port 0
    /// where the line does not say it.
    Tunnel(String, u16),
    /// Put a file there (FTP, SFTP).
    Uploaded(String),
}

/// A client of a VPN server (`wg show`, OpenVPN's status).
#[derive(Clone, Debug, PartialEq)]
pub struct VpnClient {
    /// `wg0`, `tun0`; none where not shown.
    pub interface: Option<String>,
    /// Common name (OpenVPN) or public key (WireGuard).
    pub name: String,
    /// Where it comes from.
    pub endpoint: Option<IpAddr>,
    /// Addresses it may use inside.
    pub inside: Vec<IpNet>,
    /// Last handshake, or connected since; none where only said as "2 minutes ago".
    pub seen: Option<Time>,
    /// The line that names it.
    pub place: Place,
}

/// One thing a scanner found.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanFinding {
    /// `clamscan`, `rkhunter`, `chkrootkit`, `aide`, `tripwire`, `debsums`, `maldet`.
    pub scanner: &'static str,
    /// The file it speaks of.
    pub path: Option<String>,
    /// What it says of it.
    pub what: String,
    /// Malware by name, or merely a change, or a warning that is often false.
    pub kind: ScanKind,
    /// The line.
    pub place: Place,
}

/// How much a scanner's finding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanKind {
    /// A known piece of malware, by name.
    Malware,
    /// A file changed, appeared or vanished against a data base or package.
    Changed,
    /// A warning.
    Warning,
}

/// One record of a name server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsFact {
    /// The name asked for, lower case, without the last dot.
    pub name: String,
    /// `A`, `AAAA`, `PTR`, `MX`, `TXT`, ….
    pub kind: String,
    /// The answer; none where the name does not exist or has no such record.
    pub value: Option<String>,
    /// The line.
    pub place: Place,
}

/// What one blocklist answered about one address or domain (`heloscope check --json`).
#[derive(Clone, Debug, PartialEq)]
pub struct ListAnswer {
    /// Who was asked about.
    pub subject: Subject,
    /// The list's short name.
    pub list: String,
    /// Its name for people.
    pub title: String,
    /// What it said.
    pub state: ListState,
    /// Why it could not be asked.
    pub because: Option<String>,
    /// When it was asked.
    pub asked: Option<Time>,
    /// The line.
    pub place: Place,
}

/// What a blocklist said; the last three are no listing and no acquittal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListState {
    /// It is on the list.
    Listed,
    /// It is not.
    Clean,
    /// The list does not answer the resolver.
    Refused,
    /// What was heard means nothing.
    Error,
    /// The list has ended.
    Dead,
}

impl ListState {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Clean => "clean",
            Self::Refused => "refused",
            Self::Error => "error",
            Self::Dead => "dead",
        }
    }
}

/// A figure of a mail summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The summary's heading above it (`Grand Totals`, `Senders by message count`).
    pub section: String,
    /// What it counts (`received`, `anna@example.org`).
    pub name: String,
    /// How many.
    pub count: u64,
    /// The line.
    pub place: Place,
}

/// A request that a proxy took (squid, HAProxy, nginx stream).
#[derive(Clone, Debug, PartialEq)]
pub struct Proxied {
    /// When it ended.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// Who asked.
    pub client: Option<IpAddr>,
    /// `CONNECT`, `GET`, `TCP`, ….
    pub method: Octets,
    /// The host asked for; the name of the server that HAProxy chose; empty where not said.
    pub host: String,
    /// Its port; 0 where not said.
    pub port: u16,
    /// Whether it was let through, and the other side was reached.
    pub granted: bool,
    /// The program: `squid`, `haproxy`, `nginx`.
    pub program: &'static str,
}
