//! Real Postfix (Debian's) on a host, with Dovecot for SASL and IMAP where accounts log in.

use crate::host::Host;
use crate::syslog::{self, Stamps};
use anyhow::Result;

/// What to set up.
#[derive(Clone, Debug, Default)]
pub struct Mta {
    /// `myhostname`, also said as HELO.
    pub hostname: &'static str,
    /// Domains delivered locally.
    pub domains: &'static str,
    /// System accounts with mailboxes: name and password.
    pub users: &'static [(&'static str, &'static str)],
    /// `mynetworks`.
    pub networks: &'static str,
    /// Port 587 with STARTTLS and SASL.
    pub submission: bool,
    /// IMAP as well.
    pub imap: bool,
    /// How its log is stamped; RFC 3339 where not given.
    pub stamps: Option<Stamps>,
    /// Prefix of the host's netfilter LOG lines to keep, where it logs packets.
    pub packets: Option<&'static str>,
    /// More lines for main.cf.
    pub settings: &'static str,
}

impl Mta {
    /// Makes the accounts, starts rsyslog, then Dovecot and Postfix.
    pub fn start(&self, host: &Host) -> Result<()> {
        for (name, password) in self.users {
            host.sh(&format!(
                "id {name} >/dev/null 2>&1 || useradd -m -s /usr/sbin/nologin {name}; echo '{name}:{password}' | chpasswd"
            ))?;
        }
        syslog::start(host, self.stamps.unwrap_or(Stamps::Rfc3339), self.packets)?;
        certificate(host, self.hostname)?;
        let networks = if self.networks.is_empty() { "127.0.0.0/8" } else { self.networks };
        host.write(
            "/etc/postfix/main.cf",
            format!(
                "smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)\nbiff = no\nappend_dot_mydomain = no\nreadme_directory = no\n\
                 compatibility_level = 3.6\nmyhostname = {}\nmyorigin = $mydomain\nmydestination = {}, $myhostname, localhost.localdomain, localhost\n\
                 relayhost =\nmynetworks = {networks}\ninet_interfaces = all\ninet_protocols = ipv4\nrecipient_delimiter = +\n\
                 alias_maps = hash:/etc/aliases\nalias_database = hash:/etc/aliases\nmailbox_size_limit = 0\nhome_mailbox = Maildir/\n\
                 smtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_tls_key_file = /etc/ssl/mail.key\nsmtpd_tls_security_level = may\n\
                 smtp_tls_security_level = may\nsmtp_tls_session_cache_database = btree:${{data_directory}}/smtp_scache\n\
                 smtp_tls_loglevel = 1\nsmtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination\n{}",
                self.hostname, self.domains, self.settings
            ),
            0o644,
        )?;
        host.sh("test -e /etc/aliases || printf 'postmaster: root\\n' > /etc/aliases; newaliases")?;
        if self.submission {
            dovecot(host, self.imap)?;
            host.sh(&format!("cat >> /etc/postfix/master.cf <<'X'\n{SUBMISSION}X\n"))?;
        }
        up(host)
    }
}

/// Starts the Postfix that is configured on a host.
pub(crate) fn up(host: &Host) -> Result<()> {
    host.sh("rm -f /var/lib/postfix/master.lock /var/spool/postfix/pid/*; /usr/lib/postfix/configure-instance.sh - >/dev/null 2>&1; postfix start >/dev/null 2>&1")?;
    Ok(())
}

/// A self-signed certificate, as most servers showed to each other for years.
pub(crate) fn certificate(host: &Host, name: &str) -> Result<()> {
    host.sh(&format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 700 -subj /CN={name} \
         -keyout /etc/ssl/mail.key -out /etc/ssl/mail.pem 2>/dev/null"
    ))?;
    Ok(())
}

fn dovecot(host: &Host, imap: bool) -> Result<()> {
    let protocols = if imap { "imap" } else { "" };
    host.write(
        "/etc/dovecot/dovecot.conf",
        format!(
            "protocols = {protocols}\nlisten = *\nauth_mechanisms = plain login\nauth_verbose = yes\ndisable_plaintext_auth = no\n\
             ssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\nmail_location = maildir:~/Maildir\n\
             passdb {{\n  driver = pam\n}}\nuserdb {{\n  driver = passwd\n}}\n\
             service auth {{\n  unix_listener /var/spool/postfix/private/auth {{\n    mode = 0660\n    user = postfix\n    group = postfix\n  }}\n}}\n"
        ),
        0o644,
    )?;
    host.sh("dovecot")?;
    Ok(())
}

const SUBMISSION: &str = "submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_sasl_type=dovecot
  -o smtpd_sasl_path=private/auth
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o milter_macro_daemon_name=ORIGINATING
";
