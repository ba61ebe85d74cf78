//! A TCP conversation made packet by packet, to be mixed up by the tests and written as a capture.

use etherparse::{Ipv4Header, TcpHeader, TcpOptionElement};
use heloscope_capture::{Options, Report, read};
use heloscope_model::{Session, SourceId};
use std::net::{IpAddr, SocketAddr};

/// One packet, before it is put into IP and a link.
#[derive(Clone, Debug)]
pub(crate) struct Pkt {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    /// Any of S, F, R, P.
    pub(crate) flags: String,
    pub(crate) data: Vec<u8>,
    pub(crate) ttl: u8,
    /// Microseconds since the capture's start.
    pub(crate) at: u64,
    pub(crate) mac: [u8; 6],
}

/// A conversation under way.
pub(crate) struct Call {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    seq: [u32; 2],
    pub(crate) at: u64,
    pub(crate) packets: Vec<Pkt>,
    /// Largest payload of one packet.
    pub(crate) segment: usize,
}

pub(crate) const START: u64 = 1_795_530_667_000_000;

impl Call {
    pub(crate) fn new(client: &str, server: &str) -> Self {
        Self {
            client: client.parse().unwrap(),
            server: server.parse().unwrap(),
            seq: [1000, 500_000],
            at: 0,
            packets: Vec::new(),
            segment: 1400,
        }
    }

    /// With other initial sequence numbers.
    pub(crate) fn isn(mut self, client: u32, server: u32) -> Self {
        self.seq = [client, server];
        self
    }

    pub(crate) fn after(mut self, micros: u64) -> Self {
        self.at = micros;
        self
    }

    pub(crate) fn send(&mut self, client: bool, flags: &str, data: &[u8]) {
        let me = usize::from(!client);
        let (src, dst) =
            if client { (self.client, self.server) } else { (self.server, self.client) };
        let ack = (!(client && flags == "S")).then_some(self.seq[1 - me]);
        self.packets.push(Pkt {
            src,
            dst,
            seq: self.seq[me],
            ack,
            flags: flags.to_owned(),
            data: data.to_vec(),
            ttl: if client { 63 } else { 57 },
            at: self.at,
            mac: if client { [2, 0, 0, 0, 0, 1] } else { [2, 0, 0, 0, 0, 2] },
        });
        self.at += 10_000;
        let extra = u32::from(flags.contains('S') || flags.contains('F'));
        self.seq[me] = self.seq[me].wrapping_add(data.len() as u32 + extra);
    }

    pub(crate) fn open(&mut self) {
        self.send(true, "S", b"");
        self.send(false, "S", b"");
        self.send(true, "", b"");
    }

    pub(crate) fn say(&mut self, client: bool, data: &[u8]) {
        for chunk in data.chunks(self.segment) {
            self.send(client, "P", chunk);
        }
    }

    pub(crate) fn close(&mut self) {
        self.send(true, "F", b"");
        self.send(false, "F", b"");
        self.send(true, "", b"");
    }

    /// A whole session with one message.
    pub(crate) fn mail(&mut self) {
        self.open();
        self.say(false, b"220 mx.example.net ESMTP\r\n");
        self.say(true, b"EHLO [127.0.0.1]\r\n");
        self.say(false, b"250-mx.example.net\r\n250 PIPELINING\r\n");
        self.say(true, b"MAIL FROM:<a@example.org>\r\n");
        self.say(false, b"250 2.1.0 Ok\r\n");
        self.say(true, b"RCPT TO:<b@example.net>\r\n");
        self.say(false, b"250 2.1.5 Ok\r\n");
        self.say(true, b"DATA\r\n");
        self.say(false, b"354 go on\r\n");
        self.say(true, BODY);
        self.say(false, b"250 2.0.0 queued as ABC\r\n");
        self.say(true, b"QUIT\r\n");
        self.say(false, b"221 2.0.0 Bye\r\n");
        self.close();
    }
}

pub(crate) const BODY: &[u8] =
    b"From: <a@example.org>\r\nTo: <b@example.net>\r\nSubject: hello\r\n\r\nA line of text.\r\nAnother one, a little longer.\r\n.\r\n";

/// A whole session between the usual two.
pub(crate) fn mail() -> Call {
    let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:25");
    call.mail();
    call
}

impl Pkt {
    /// The TCP segment.
    pub(crate) fn tcp(&self) -> Vec<u8> {
        let mut header = TcpHeader::new(self.src.port(), self.dst.port(), self.seq, 64_240);
        header.syn = self.flags.contains('S');
        header.fin = self.flags.contains('F');
        header.rst = self.flags.contains('R');
        header.psh = self.flags.contains('P');
        if let Some(ack) = self.ack {
            header.ack = true;
            header.acknowledgment_number = ack;
        }
        if header.syn {
            header
                .set_options(&[
                    TcpOptionElement::MaximumSegmentSize(1460),
                    TcpOptionElement::SelectiveAcknowledgementPermitted,
                    TcpOptionElement::Timestamp(7, 0),
                    TcpOptionElement::Noop,
                    TcpOptionElement::WindowScale(7),
                ])
                .unwrap();
        }
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(&self.data);
        bytes
    }

    /// The IP packet.
    pub(crate) fn ip(&self) -> Vec<u8> {
        self.ip_around(6, &self.tcp())
    }

    /// An IP packet of these addresses around any payload.
    pub(crate) fn ip_around(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        match (self.src.ip(), self.dst.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let mut header = Ipv4Header::new(
                    payload.len() as u16,
                    self.ttl,
                    protocol.into(),
                    src.octets(),
                    dst.octets(),
                )
                .unwrap();
                header.dont_fragment = true;
                let mut bytes = header.to_bytes().to_vec();
                bytes.extend_from_slice(payload);
                bytes
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let mut bytes = vec![0x60, 0, 0, 0];
                bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
                bytes.extend_from_slice(&[protocol, self.ttl]);
                bytes.extend_from_slice(&src.octets());
                bytes.extend_from_slice(&dst.octets());
                bytes.extend_from_slice(payload);
                bytes
            }
            _ => panic!("addresses of two families"),
        }
    }

    pub(crate) fn ethertype(&self) -> [u8; 2] {
        if self.src.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] }
    }

    /// The frame on Ethernet.
    pub(crate) fn ethernet(&self) -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, 9];
        frame.extend_from_slice(&self.mac);
        frame.extend_from_slice(&self.ethertype());
        frame.extend_from_slice(&self.ip());
        // What is shorter than a minimal frame is padded.
        frame.resize(frame.len().max(60), 0);
        frame
    }
}

/// A pcap file, microseconds, little endian.
pub(crate) fn pcap(link: u32, frames: impl IntoIterator<Item = (u64, Vec<u8>)>) -> Vec<u8> {
    let mut file = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    file.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    file.extend_from_slice(&link.to_le_bytes());
    for (at, frame) in frames {
        let at = START + at;
        let len = frame.len() as u32;
        for field in [(at / 1_000_000) as u32, (at % 1_000_000) as u32, len, len] {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(&frame);
    }
    file
}

/// The packets on Ethernet in a pcap file.
pub(crate) fn ethernet<'p>(packets: impl IntoIterator<Item = &'p Pkt>) -> Vec<u8> {
    pcap(1, packets.into_iter().map(|p| (p.at, p.ethernet())))
}

pub(crate) fn read_with(file: &[u8], options: &Options) -> (Vec<Session>, Report) {
    let mut sessions = Vec::new();
    let report = read(SourceId(0), &mut &file[..], options, &mut |s| sessions.push(s));
    assert_eq!(report.sessions, sessions.len() as u64);
    (sessions, report)
}

pub(crate) fn read_all(file: &[u8]) -> (Vec<Session>, Report) {
    read_with(file, &Options::default())
}

/// The one session of these packets on Ethernet.
pub(crate) fn one<'p>(packets: impl IntoIterator<Item = &'p Pkt>) -> Session {
    let (mut sessions, report) = read_all(&ethernet(packets));
    assert_eq!(report.problem, None);
    assert_eq!(sessions.len(), 1, "{sessions:#?}");
    sessions.remove(0)
}

/// What was said, without times: equal for recordings of the same conversation.
pub(crate) fn story(session: &Session) -> String {
    let dialogue = &session.dialogue;
    let mut story = String::new();
    if let Some(greeting) = &dialogue.greeting {
        story.push_str(&format!("S {} {}\n", greeting.code, greeting.text));
    }
    for command in &dialogue.commands {
        let reply = dialogue.reply(command.reply).map(|r| (r.code, r.text.to_string()));
        story.push_str(&format!(
            "C {:?} {:?} {} -> {reply:?}\n",
            command.verb, command.raw, command.early
        ));
    }
    for message in &dialogue.messages {
        let reply = dialogue.reply(message.reply).map(|r| r.code);
        story.push_str(&format!(
            "M {} {:?} {} {:?} {} -> {reply:?}\n",
            message.from, message.to, message.bytes, message.header, message.complete
        ));
    }
    story.push_str(&format!(
        "gaps {} midstream {} bytes {:?} {:?}\n",
        dialogue.gaps, dialogue.midstream, session.bytes, session.end_state
    ));
    story
}
