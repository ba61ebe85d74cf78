//! The filter that the kernel runs over each packet (classic BPF, on the network header): TCP from or to these ports, not
//! fragments, and nothing large that goes to a server. IPv6 with extension headers is not let through. Pure.

use socket2::SockFilter;

/// Bytes of a packet to a server that are let through: commands fit, bodies' segments do not.
const SMALL: u32 = 1100;
/// Ports that fit, with jumps of a byte.
const PORTS: usize = 32;

/// One instruction, its jumps by name.
struct Step(u16, To, To, u32);

#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Next,
    Six,
    Ports,
    Server,
    Take,
    Drop,
}

/// The program for these ports; of very many only the first are heard.
pub(super) fn mail(ports: &[u16]) -> Vec<SockFilter> {
    let ports = ports.get(..PORTS).unwrap_or(ports);
    // X is where the TCP header begins.
    let mut steps = vec![
        (None, Step(0x30, To::Next, To::Next, 0)), // A = first byte
        (None, Step(0x54, To::Next, To::Next, 0xf0)), // its version
        (None, Step(0x15, To::Next, To::Six, 0x40)), // IPv4?
        (None, Step(0x30, To::Next, To::Next, 9)), // protocol
        (None, Step(0x15, To::Next, To::Drop, 6)), // TCP?
        (None, Step(0x28, To::Next, To::Next, 6)), // fragment
        (None, Step(0x45, To::Drop, To::Next, 0x1fff)), // not the first?
        (None, Step(0xb1, To::Next, To::Next, 0)), // X = length of the header
        (None, Step(0x05, To::Next, To::Next, 4)), // over IPv6's four
        (Some(To::Six), Step(0x15, To::Next, To::Drop, 0x60)),
        (None, Step(0x30, To::Next, To::Next, 6)),
        (None, Step(0x15, To::Next, To::Drop, 6)),
        (None, Step(0x01, To::Next, To::Next, 40)), // X = 40
        (Some(To::Ports), Step(0x48, To::Next, To::Next, 0)), // A = source port
    ];
    let any = |to| ports.iter().map(move |&p| (None, Step(0x15, to, To::Next, u32::from(p))));
    steps.extend(any(To::Take));
    steps.push((None, Step(0x48, To::Next, To::Next, 2))); // A = destination port
    steps.extend(any(To::Server));
    steps.push((Some(To::Drop), Step(0x06, To::Next, To::Next, 0)));
    steps.push((Some(To::Server), Step(0x80, To::Next, To::Next, 0))); // A = length
    steps.push((None, Step(0x25, To::Drop, To::Next, SMALL)));
    // Jumps only go forward: the second "drop" stands for the instruction above.
    steps.push((Some(To::Take), Step(0x06, To::Next, To::Next, u32::MAX)));
    steps.push((Some(To::Drop), Step(0x06, To::Next, To::Next, 0)));
    let named = |to: To, from: usize| {
        let place =
            steps.iter().enumerate().skip(from + 1).find(|(_, (name, _))| *name == Some(to));
        place.map_or(0, |(at, _)| u8::try_from(at - from - 1).unwrap_or(u8::MAX))
    };
    let built = steps.iter().enumerate().map(|(at, (_, Step(code, yes, no, k)))| {
        let jump = |to: To| if to == To::Next { 0 } else { named(to, at) };
        // Only conditional jumps have targets.
        let (yes, no) = if code & 7 == 5 && *code != 5 { (jump(*yes), jump(*no)) } else { (0, 0) };
        SockFilter::new(*code, yes, no, *k)
    });
    built.collect()
}
