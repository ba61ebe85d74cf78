//! People at the shell of a scene's server: OpenSSH with accounts, logins from the crowd, and socket tables taken by cron.

use super::scene::Scene;
use crate::evidence::Folder;
use anyhow::Result;

/// Where cron keeps the socket tables.
const TABLES: &str = "/var/log/sockets";

impl Scene {
    /// Starts sshd and lets these accounts (name and password) log in.
    pub(super) fn logins(&self, accounts: &[(&str, &str)]) -> Result<()> {
        for (user, password) in accounts {
            self.server.sh(&format!(
                "id {user} >/dev/null 2>&1 || useradd -m {user}; usermod -s /bin/bash {user}; echo '{user}:{password}' | chpasswd"
            ))?;
        }
        // The log begins with sshd: the accounts are old.
        self.server.sh(
            ": > /var/log/auth.log; ssh-keygen -A >/dev/null; mkdir -p /run/sshd; /usr/sbin/sshd",
        )?;
        Ok(())
    }

    /// A login from an address of the crowd with more options for ssh, to run `command`.
    #[allow(clippy::too_many_arguments)] // a login has this many parts
    pub(super) fn login(
        &mut self,
        at: f64,
        tag: &str,
        from: &str,
        user: &str,
        password: &str,
        options: &str,
        command: &str,
    ) {
        let line = format!(
            "sshpass -p '{password}' ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 -b {from} {options} {user}@{} \"$COMMAND\"",
            self.address
        );
        let argv = ["env", &format!("COMMAND={command}"), "bash", "-c", &line];
        self.line.at(at, &self.far.crowd, tag, &argv, "");
    }

    /// Has cron take a socket table `per_minute` times a minute.
    pub(super) fn socket_snapshots(&self, per_minute: u32) -> Result<()> {
        let pause = 60 / per_minute.max(1);
        let script = format!(
            "#!/bin/sh\n# Who is connected to what? One table each {pause} seconds, named by the time.\nmkdir -p {TABLES}\n\
             for n in $(seq {per_minute}); do\n    {{ date; ss -tnpe; }} > {TABLES}/ss-$(date +%H%M%S).txt\n    [ $n = {per_minute} ] || sleep {pause}\ndone\n"
        );
        self.cron("sockets", "* * * * *", "root", "/usr/local/sbin/take-sockets", &script)
    }

    /// Puts those tables into the case.
    pub(super) fn take_snapshots(&self, folder: &mut Folder) -> Result<()> {
        let names = self.server.sh(&format!("ls {TABLES}"))?;
        for name in String::from_utf8_lossy(&names).lines() {
            folder.take(
                &self.server,
                &format!("{TABLES}/{name}"),
                &format!("host/sockets/{name}"),
            )?;
        }
        Ok(())
    }
}
