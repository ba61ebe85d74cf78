//! The tools that speak to the kernel, run with a transaction on their standard input; what they complain of is
//! handed on with what helps. Never a rule in an argument, never a shell.

use super::policy::Policy;
use super::state::Tool;
use super::{TABLE, iptables, nft};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// What a tool may answer; a rule set of a hundred thousand rules stays below.
const MOST: usize = 64 << 20;

/// Why nothing was loaded, or nothing can be seen.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// Neither of the two is installed.
    #[error("neither nft nor iptables is here: install the package nftables")]
    Neither,
    /// It is not installed.
    #[error("{0} is not here: {1}")]
    Missing(String, &'static str),
    /// It refused.
    #[error("{program}: {said}{remedy}")]
    Failed {
        /// Which.
        program: String,
        /// In its words.
        said: String,
        /// What helps, where that is known.
        remedy: String,
    },
    /// It could not be run.
    #[error("running {program}: {source}")]
    Run {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
}

/// In which network namespace the tools work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// A file of a namespace (`/run/netns/NAME`); else our own.
    pub namespace: Option<String>,
}

impl Place {
    /// Runs a tool; what it printed.
    pub fn run(&self, words: &[&str], input: &str) -> Result<String, ToolError> {
        let program = words.first().copied().unwrap_or_default();
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                ToolError::Missing(program.to_owned(), package(program))
            }
            _ => ToolError::Run { program: program.to_owned(), source },
        };
        let path = installed(program);
        let rest = words.get(1..).unwrap_or_default();
        let mut command = match &self.namespace {
            Some(file) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={file}")).arg("--").arg(&path);
                command
            }
            None => Command::new(&path),
        };
        let mut child = command
            .args(rest)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // The tools read all of it before they answer; one that ended before says why below.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(failed)?;
        if output.status.success() {
            let text = output.stdout.get(..output.stdout.len().min(MOST)).unwrap_or_default();
            return Ok(String::from_utf8_lossy(text).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.trim().chars().take(2000).collect();
        if said.starts_with("nsenter: failed to execute") {
            return Err(ToolError::Missing(program.to_owned(), package(program)));
        }
        let remedy = remedy(&said).map(|r| format!("\n  {r}")).unwrap_or_default();
        Err(ToolError::Failed { program: program.to_owned(), said, remedy })
    }

    /// The tool to use: nft, or iptables where that is not installed.
    pub fn tool(&self) -> Result<Tool, ToolError> {
        match self.run(&["nft", "--version"], "") {
            Ok(_) => Ok(Tool::Nft),
            Err(ToolError::Missing(..)) => self
                .run(&["iptables-restore", "--version"], "")
                .map(|_| Tool::Iptables)
                .map_err(|_| ToolError::Neither),
            Err(error) => Err(error),
        }
    }

    /// Loads a policy in place of whatever of ours stands; for so many seconds, or for good.
    pub fn load(&self, tool: Tool, policy: &Policy, seconds: Option<u32>) -> Result<(), ToolError> {
        match tool {
            Tool::Nft => self.nft(&nft::rules(policy, seconds)),
            Tool::Iptables => self.tables(policy).inspect_err(|_| {
                // One family without the other is half a guard: neither.
                let _ = self.remove(Tool::Iptables);
            }),
        }
    }

    /// Asks the kernel whether it would take a policy; loads nothing.
    pub fn check(&self, tool: Tool, policy: &Policy) -> Result<(), ToolError> {
        match tool {
            Tool::Nft => {
                self.run(&["nft", "--check", "-f", "-"], &nft::rules(policy, None)).map(drop)
            }
            Tool::Iptables => {
                for family in self.families()? {
                    let text = iptables::rules(policy, family.v6, "");
                    self.run(&[family.restore, "--test", "--noflush"], &text)?;
                }
                Ok(())
            }
        }
    }

    /// Takes ours away; nothing where there is nothing.
    pub fn remove(&self, tool: Tool) -> Result<(), ToolError> {
        match tool {
            Tool::Nft => self.nft(&nft::removal()),
            Tool::Iptables => {
                for family in self.families()? {
                    let saved = self.run(&[family.save, "-t", "filter"], "")?;
                    if let Some(text) = iptables::removal(&saved) {
                        self.run(&[family.restore, "--noflush"], &text)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Lets stay what was loaded for a time.
    pub fn keep(&self, tool: Tool, policy: &Policy) -> Result<(), ToolError> {
        match tool {
            Tool::Nft => self.nft(&nft::lasting(policy)),
            Tool::Iptables => Ok(()),
        }
    }

    /// Names the senders anew, whose control groups were made again.
    pub fn renew(&self, tool: Tool, policy: &Policy) -> Result<(), ToolError> {
        match tool {
            Tool::Nft => self.nft(&nft::renewal(policy)),
            Tool::Iptables => self.tables(policy),
        }
    }

    /// Whether ours stands.
    pub fn stands(&self, tool: Tool) -> Result<bool, ToolError> {
        match tool {
            Tool::Nft => match self.run(&["nft", "list", "table", "inet", TABLE], "") {
                Ok(_) => Ok(true),
                Err(ToolError::Failed { said, .. }) if said.contains("No such file") => Ok(false),
                Err(error) => Err(error),
            },
            Tool::Iptables => {
                let mut all = true;
                for family in self.families()? {
                    all &= iptables::stands(&self.run(&[family.save, "-t", "filter"], "")?);
                }
                Ok(all)
            }
        }
    }

    fn nft(&self, text: &str) -> Result<(), ToolError> {
        self.run(&["nft", "-f", "-"], text).map(drop)
    }

    fn tables(&self, policy: &Policy) -> Result<(), ToolError> {
        for family in self.families()? {
            let saved = self.run(&[family.save, "-t", "filter"], "")?;
            let text = iptables::rules(policy, family.v6, &saved);
            self.run(&[family.restore, "--noflush"], &text)?;
        }
        Ok(())
    }

    /// The families of iptables that are here. A host with IPv6 and no ip6tables would be half open.
    fn families(&self) -> Result<Vec<iptables::Tools>, ToolError> {
        let mut found = Vec::new();
        for family in iptables::FAMILIES {
            match self.run(&[family.save, "--version"], "") {
                Ok(_) => found.push(family),
                Err(ToolError::Missing(..))
                    if family.v6 && !Path::new("/proc/net/if_inet6").exists() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// Where a program stands: the folders of the administrator's programs are not in everybody's path.
fn installed(program: &str) -> String {
    let folders = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
    let found = folders.iter().map(|f| format!("{f}/{program}")).find(|p| Path::new(p).exists());
    found.unwrap_or_else(|| program.to_owned())
}

fn package(program: &str) -> &'static str {
    match program {
        "nft" => "install the package nftables, or use --with iptables",
        p if p.contains("tables") => "install the package iptables",
        "ip" => "install the package iproute2",
        _ => "install it",
    }
}

/// What helps against what a tool said.
fn remedy(said: &str) -> Option<&'static str> {
    const REMEDIES: [(&str, &str); 10] = [
        (
            "Operation not permitted",
            "the kernel lets only root with CAP_NET_ADMIN change rules: run it as root, and not in a container without that right",
        ),
        (
            "Permission denied",
            "the kernel lets only root with CAP_NET_ADMIN change rules: run it as root, and not in a container without that right",
        ),
        (
            "cgroupv2 path fails",
            "the mail server's control group is not there (was it stopped?): start it, or ask for its user alone with --uid-only",
        ),
        (
            "socket cgroupv2",
            "this nft or kernel cannot ask for control groups (nft 0.9.9 and Linux 5.13 can): ask for the user alone with --uid-only",
        ),
        (
            "cgroup match",
            "this kernel cannot ask for control groups by path: ask for the user alone with --uid-only",
        ),
        (
            "xt_cgroup",
            "this kernel cannot ask for control groups by path: ask for the user alone with --uid-only",
        ),
        ("Protocol not supported", "this kernel has no nf_tables: use --with iptables"),
        ("cache initialization failed", "this kernel has no nf_tables: use --with iptables"),
        (
            "syntax error",
            "this nft is older than what the rules are written for (0.9.9): use --with iptables",
        ),
        ("Device or resource busy", "another program changes the rules just now: try again"),
    ];
    REMEDIES.iter().find(|(sign, _)| said.contains(sign)).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_is_refused_are_told_apart() {
        let place = Place::default();
        let error = place.run(&["no-such-tool-of-tables"], "").unwrap_err();
        assert!(matches!(error, ToolError::Missing(..)), "{error}");
        let error = place
            .run(&["sh", "-c", "echo 'Error: cgroupv2 path fails: No such file' >&2; exit 1"], "");
        let said = error.unwrap_err().to_string();
        assert!(said.contains("cgroupv2 path fails") && said.contains("--uid-only"), "{said}");
    }
}
