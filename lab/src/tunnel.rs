//! Tunnels by real software: WireGuard (wireguard-go, where the kernel has none) and OpenVPN.

use crate::host::Host;
use anyhow::{Context, Result};

/// One end of a WireGuard tunnel.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The host.
    pub host: &'a Host,
    /// Its address in the tunnel.
    pub address: &'a str,
    /// Its public address.
    pub public: &'a str,
}

/// Starts a WireGuard server on port 51820 as `wg0` and connects the clients to it. A client's default route leads
/// into the tunnel, as a phone's or a laptop's does that is told to send everything home.
pub fn wireguard(server: End<'_>, clients: &[End<'_>]) -> Result<()> {
    let server_key = key(server.host)?;
    start(server.host)?;
    server.host.sh("wg set wg0 listen-port 51820 private-key /etc/wireguard/key")?;
    up(server.host, server.address, 24)?;
    for client in clients {
        let client_key = key(client.host)?;
        start(client.host)?;
        server
            .host
            .sh(&format!("wg set wg0 peer '{client_key}' allowed-ips {}/32", client.address))?;
        client.host.sh(&format!(
            "wg set wg0 private-key /etc/wireguard/key peer '{server_key}' endpoint {0}:51820 allowed-ips 0.0.0.0/0 persistent-keepalive 25",
            server.public
        ))?;
        up(client.host, client.address, 32)?;
        client.host.sh(&format!(
            "via=$(ip route show default | cut -d' ' -f3); ip route add {}/32 via $via; ip route replace default dev wg0",
            server.public
        ))?;
    }
    Ok(())
}

fn start(host: &Host) -> Result<()> {
    host.sh("mkdir -p /var/run/wireguard")?;
    host.daemon(&["wireguard-go", "-f", "wg0"])?;
    host.sh("for i in $(seq 40); do test -S /var/run/wireguard/wg0.sock && exit 0; sleep 0.25; done; exit 1")?;
    Ok(())
}

fn up(host: &Host, address: &str, length: u8) -> Result<()> {
    host.sh(&format!("ip addr add {address}/{length} dev wg0 && ip link set wg0 mtu 1420 up"))?;
    Ok(())
}

/// Makes a key pair and gives the public key.
fn key(host: &Host) -> Result<String> {
    let public = host.sh(
        "mkdir -p /etc/wireguard && umask 077 && wg genkey > /etc/wireguard/key && wg pubkey < /etc/wireguard/key",
    )?;
    Ok(String::from_utf8(public).context("a key is text")?.trim().to_owned())
}

/// Starts an OpenVPN server (port 1194, tun0, 10.8.0.0/24) with a certificate authority of its own, and its clients by
/// name. With `everything`, the server tells clients to send all their traffic through it.
pub fn openvpn(server: &Host, public: &str, push: &str, clients: &[(&Host, &str)]) -> Result<()> {
    server.sh(
        "mkdir -p /etc/openvpn/server /var/log/openvpn && cd /etc/openvpn/server
         openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=ca -keyout ca.key -out ca.crt 2>/dev/null",
    )?;
    certificate(server, "server", "serverAuth")?;
    server.write(
        "/etc/openvpn/server/server.conf",
        format!(
            "port 1194\nproto udp\ndev tun\nca ca.crt\ncert server.crt\nkey server.key\ndh none\ntopology subnet\nserver 10.8.0.0 255.255.255.0\n\
             ifconfig-pool-persist /var/log/openvpn/ipp.txt\nkeepalive 10 60\n{push}status /var/log/openvpn/openvpn-status.log 20\nstatus-version 2\n\
             log-append /var/log/openvpn/openvpn.log\nverb 3\n"
        ),
        0o644,
    )?;
    server.daemon(&["openvpn", "--cd", "/etc/openvpn/server", "--config", "server.conf"])?;
    for (client, name) in clients {
        certificate(server, name, "clientAuth")?;
        for file in ["ca.crt".to_owned(), format!("{name}.crt"), format!("{name}.key")] {
            let content = server.read(&format!("/etc/openvpn/server/{file}"))?;
            client.write(&format!("/etc/openvpn/client/{file}"), content, 0o600)?;
        }
        client.daemon(&[
            "openvpn",
            "--cd",
            "/etc/openvpn/client",
            "--client",
            "--dev",
            "tun",
            "--proto",
            "udp",
            "--remote",
            public,
            "1194",
            "--nobind",
            "--ca",
            "ca.crt",
            "--cert",
            &format!("{name}.crt"),
            "--key",
            &format!("{name}.key"),
            "--verb",
            "3",
            "--log",
            "/var/log/openvpn.log",
        ])?;
    }
    for (client, name) in clients {
        client
            .sh("for i in $(seq 80); do ip -4 addr show dev tun0 2>/dev/null | grep -q inet && exit 0; sleep 0.25; done; exit 1")
            .with_context(|| format!("{name} has no tunnel"))?;
    }
    Ok(())
}

fn certificate(server: &Host, name: &str, usage: &str) -> Result<()> {
    server.sh(&format!(
        "cd /etc/openvpn/server
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr 2>/dev/null
         openssl x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out {name}.crt -extfile <(echo extendedKeyUsage={usage}) 2>/dev/null"
    ))?;
    Ok(())
}
