//! The programs that the kernel runs over each packet (classic BPF, on the network header): which it lets through, and how much of
//! each. IPv6 with extension headers is not let through. Pure.

use socket2::SockFilter;

/// Bytes of a packet to a server that are let through where words are heard: commands fit, bodies' segments do not.
const SMALL: u32 = 1100;
/// Ports, and interfaces, that fit, with jumps of a byte.
const MOST: usize = 32;
/// Where the kernel tells the interface's number (SKF_AD_OFF + SKF_AD_IFINDEX).
const INTERFACE: u32 = 0xffff_f000 + 8;
/// FIN, SYN or RST.
const BEGINS_OR_ENDS: u32 = 7;
/// As large as DHCP gets without further agreement (RFC 2131, 2), and then some.
const DHCP: u32 = 1500;

/// A jump's target by its name; nothing for the next instruction.
type To = &'static str;

/// An instruction, and its name.
type Step = (To, u16, To, To, u32);

/// Lets nothing through.
pub(crate) fn nothing() -> Vec<SockFilter> {
    built(&[("", 0x06, "", "", 0)])
}

/// TCP from or to these ports, but nothing large that goes to a server; of very many ports only the first are heard.
pub(crate) fn mail(ports: &[u16]) -> Vec<SockFilter> {
    let mut steps = version();
    steps.extend([
        ("", 0x30, "", "", 9),   // A = protocol
        ("", 0x15, "", "no", 6), // TCP?
    ]);
    steps.extend(behind_header());
    steps.push(("tcp", 0x48, "", "", 0)); // A = source port
    steps.extend(any(ports, "all"));
    steps.push(("", 0x48, "", "", 2)); // A = destination port
    steps.extend(any(ports, "server"));
    steps.push(("no", 0x06, "", "", 0));
    steps.push(("server", 0x80, "", "", 0)); // A = length
    steps.push(("", 0x25, "no", "", SMALL));
    // Jumps only go forward: this "no" stands for the instruction above.
    steps.push(("all", 0x06, "", "", u32::MAX));
    steps.push(("no", 0x06, "", "", 0));
    built(&steps)
}

/// On these interfaces: of TCP from or to these ports what begins or ends a connection, to the end of the fixed header and no
/// further; and DHCP, whole.
pub(crate) fn headers(ports: &[u16], interfaces: &[u32]) -> Vec<SockFilter> {
    let interfaces = interfaces.get(..MOST).unwrap_or(interfaces);
    let mut steps = vec![("", 0x20, "", "", INTERFACE)]; // A = interface
    steps.extend(interfaces.iter().map(|&number| ("", 0x15, "version", "", number)));
    steps.push(("", 0x06, "", "", 0));
    steps.extend(version());
    steps.extend([
        ("", 0x30, "", "", 9), // A = protocol
        ("", 0x15, "four", "", 6),
        ("", 0x15, "", "no", 17),     // UDP?
        ("", 0x28, "", "", 6),        // A = fragment
        ("", 0x45, "no", "", 0x1fff), // not the first?
        ("", 0xb1, "", "", 0),        // X = length of the header
        ("", 0x48, "", "", 2),        // A = destination port
        ("", 0x15, "dhcp", "", 67),
        ("", 0x15, "", "no", 68),
        ("dhcp", 0x06, "", "", DHCP),
        // Jumps only go forward.
        ("no", 0x06, "", "", 0),
    ]);
    steps.extend(behind_header());
    steps.extend([
        ("tcp", 0x50, "", "", 13), // A = flags
        ("", 0x45, "", "no", BEGINS_OR_ENDS),
        ("", 0x48, "", "", 0), // A = source port
    ]);
    steps.extend(any(ports, "head"));
    steps.push(("", 0x48, "", "", 2)); // A = destination port
    steps.extend(any(ports, "head"));
    steps.extend([
        ("no", 0x06, "", "", 0),
        ("head", 0x87, "", "", 0), // A = X
        ("", 0x04, "", "", 20),
        ("", 0x16, "", "", 0), // so many bytes
    ]);
    built(&steps)
}

/// IPv4 goes on here, IPv6 at "six".
fn version() -> Vec<Step> {
    vec![
        ("version", 0x30, "", "", 0), // A = first byte
        ("", 0x54, "", "", 0xf0),
        ("", 0x15, "", "six", 0x40),
    ]
}

/// X = where the TCP header begins: of IPv4 at "four", of IPv6 at "six"; both go on at "tcp".
fn behind_header() -> Vec<Step> {
    vec![
        ("four", 0x28, "", "", 6),    // A = fragment
        ("", 0x45, "no", "", 0x1fff), // not the first?
        ("", 0xb1, "", "", 0),        // X = length of the header
        ("", 0x05, "tcp", "", 0),
        ("six", 0x15, "", "no", 0x60),
        ("", 0x30, "", "", 6), // A = next header
        ("", 0x15, "", "no", 6),
        ("", 0x01, "", "", 40), // X = 40
    ]
}

fn any(ports: &[u16], to: To) -> impl Iterator<Item = Step> {
    let ports = ports.get(..MOST).unwrap_or(ports).to_vec();
    ports.into_iter().map(move |port| ("", 0x15, to, "", u32::from(port)))
}

/// The program with its jumps counted out.
fn built(steps: &[Step]) -> Vec<SockFilter> {
    let named = |to: To, from: usize| {
        let place = steps.iter().enumerate().skip(from + 1).find(|(_, (name, ..))| *name == to);
        place.map_or(0, |(at, _)| at - from - 1)
    };
    let built = steps.iter().enumerate().map(|(at, &(_, code, yes, no, k))| {
        let jump = |to: To| if to.is_empty() { 0 } else { named(to, at) };
        let byte = |to: To| u8::try_from(jump(to)).unwrap_or(u8::MAX);
        match code {
            // Of jumps the one without a question has its distance elsewhere.
            0x05 => SockFilter::new(code, 0, 0, u32::try_from(jump(yes)).unwrap_or(u32::MAX)),
            _ if code & 7 == 5 => SockFilter::new(code, byte(yes), byte(no), k),
            _ => SockFilter::new(code, 0, 0, k),
        }
    });
    built.collect()
}
