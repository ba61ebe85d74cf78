//! Writes a capture of mixed traffic for measuring: `make_capture FILE MEGABYTES`.
//!
//! The same arguments give the same bytes. Every conversation is distinct: TLS downloads and
//! small exchanges, plain HTTP, QUIC and DNS datagrams, SSH keystrokes, and 5 % of the bytes
//! SMTP on port 25, 587 and 2525, each session with its own names, recipients and text. A fifth
//! of it is IPv6, a tenth carries a VLAN tag; one packet in 200 is out of order, one in 400 is
//! sent twice. Hundreds of conversations are under way at any time.

// An example's arithmetic on its own numbers; it panics only on a bug of its own.
#![allow(clippy::indexing_slicing, clippy::expect_used)]

use etherparse::{PacketBuilder, PacketBuilderStep, VlanId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{BufWriter, Write};

/// Conversations under way at a time.
const CONVERSATIONS: usize = 400;
/// Stretches the pauses: half a gigabyte is a few minutes of a busy office.
const PACE: u64 = 40;
/// Bytes of SMTP among a thousand.
const SMTP_SHARE: u64 = 55;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let usage = || std::io::Error::other("usage: make_capture FILE MEGABYTES");
    let path = args.next().ok_or_else(usage)?;
    let size: u64 = args.next().and_then(|a| a.to_str()?.parse().ok()).ok_or_else(usage)?;
    let mut out = Output::new(BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?))?;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let noise: Vec<u8> = (0..1 << 20).map(|_| dice.roll(256) as u8).collect();
    let mut queue = BinaryHeap::new();
    let mut open: Vec<Option<Conversation>> = (0..CONVERSATIONS).map(|_| None).collect();
    for slot in 0..CONVERSATIONS {
        queue.push(Reverse((START + dice.roll(1_000_000), slot)));
    }
    while out.written < size << 20 {
        let Some(Reverse((now, slot))) = queue.pop() else { break };
        let conversation = match &mut open[slot] {
            Some(conversation) => conversation,
            empty => {
                let mail = out.smtp * 1000 < out.written * SMTP_SHARE;
                out.conversations += 1;
                empty.insert(Conversation::new(out.conversations, mail, &mut dice))
            }
        };
        let pause = match conversation.step(&mut out, now, &mut dice, &noise)? {
            Some(pause) => pause,
            None => {
                open[slot] = None;
                dice.roll(20_000)
            }
        };
        queue.push(Reverse((now + pause.max(1) * PACE, slot)));
    }
    out.file.flush()
}

/// 2026-11-24 14:00 UTC, in microseconds.
const START: u64 = 1_795_528_800_000_000;

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

struct Output {
    file: BufWriter<std::fs::File>,
    written: u64,
    smtp: u64,
    conversations: u64,
    /// A frame held back to come out of order.
    late: Option<Vec<u8>>,
}

impl Output {
    fn new(mut file: BufWriter<std::fs::File>) -> std::io::Result<Self> {
        file.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
        file.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        file.write_all(&262_144_u32.to_le_bytes())?;
        file.write_all(&1_u32.to_le_bytes())?;
        Ok(Self { file, written: 24, smtp: 0, conversations: 0, late: None })
    }

    fn frame(&mut self, at: u64, frame: &[u8], mail: bool, dice: &mut Dice) -> std::io::Result<()> {
        if mail && self.late.is_none() && dice.roll(200) == 0 {
            self.late = Some(frame.to_vec());
            return Ok(());
        }
        let twice = mail && dice.roll(400) == 0;
        for _ in 0..=u8::from(twice) {
            self.record(at, frame, mail)?;
        }
        if mail && let Some(late) = self.late.take() {
            self.record(at, &late, true)?;
        }
        Ok(())
    }

    fn record(&mut self, at: u64, frame: &[u8], mail: bool) -> std::io::Result<()> {
        let len = (frame.len() as u32).to_le_bytes();
        self.file.write_all(&((at / 1_000_000) as u32).to_le_bytes())?;
        self.file.write_all(&((at % 1_000_000) as u32).to_le_bytes())?;
        self.file.write_all(&len)?;
        self.file.write_all(&len)?;
        self.file.write_all(frame)?;
        self.written += 16 + frame.len() as u64;
        self.smtp += if mail { 16 + frame.len() as u64 } else { 0 };
        Ok(())
    }
}

/// One payload to come.
struct Step {
    client: bool,
    data: Vec<u8>,
}

/// What a conversation still has to say.
enum Script {
    Mail(VecDeque<Step>),
    /// Packets left; the share of them that the client sends; datagrams or not.
    Bulk {
        left: u64,
        client_share: u64,
        small: bool,
        datagrams: bool,
    },
}

struct Conversation {
    number: u64,
    v6: bool,
    vlan: bool,
    port: u16,
    server_port: u16,
    /// Next sequence numbers of client and server.
    seq: [u32; 2],
    phase: u8,
    script: Script,
    /// Data segments since the last bare acknowledgement.
    unacked: u32,
}

impl Conversation {
    fn new(number: u64, mail: bool, dice: &mut Dice) -> Self {
        let (server_port, script) = if mail {
            let port = [25, 25, 25, 25, 587, 2525][dice.roll(6) as usize];
            (port, Script::Mail(mail_script(number, dice)))
        } else {
            let bulk = |left, client_share, small, datagrams| Script::Bulk {
                left,
                client_share,
                small,
                datagrams,
            };
            match dice.roll(100) {
                0..=29 => (443, bulk(200 + dice.roll(3000), 3, false, false)),
                30..=49 => (443, bulk(4 + dice.roll(40), 40, true, false)),
                50..=59 => (80, bulk(10 + dice.roll(400), 5, false, false)),
                60..=74 => (443, bulk(100 + dice.roll(2000), 10, false, true)),
                75..=94 => (53, bulk(2, 50, true, true)),
                _ => (22, bulk(50 + dice.roll(300), 50, true, false)),
            }
        };
        Self {
            number,
            v6: number.is_multiple_of(5),
            vlan: number.is_multiple_of(10),
            port: 32_768 + (number % 28_000) as u16,
            server_port,
            seq: [dice.roll(1 << 32) as u32, dice.roll(1 << 32) as u32],
            phase: 0,
            script,
            unacked: 0,
        }
    }

    /// Sends the next packet; the pause until the one after it, or nothing at the end.
    fn step(
        &mut self,
        out: &mut Output,
        now: u64,
        dice: &mut Dice,
        noise: &[u8],
    ) -> std::io::Result<Option<u64>> {
        if let Script::Bulk { left, client_share, small, datagrams: true } = &mut self.script {
            if *left == 0 {
                return Ok(None);
            }
            *left -= 1;
            let client = dice.roll(100) < *client_share;
            let len = if *small { 40 + dice.roll(200) } else { 1200 } as usize;
            self.datagram(out, now, client, random(noise, len, dice), dice)?;
            return Ok(Some(200 + dice.roll(3000)));
        }
        match self.phase {
            0..=2 => {
                let client = self.phase != 1;
                self.tcp(out, now, client, if self.phase < 2 { "S" } else { "" }, &[], dice)?;
                self.phase += 1;
                return Ok(Some(10_000 + dice.roll(30_000)));
            }
            4 => {
                self.tcp(out, now, false, "F", &[], dice)?;
                self.phase = 5;
                return Ok(Some(10_000));
            }
            5 => {
                self.tcp(out, now, true, "", &[], dice)?;
                return Ok(None);
            }
            _ => {}
        }
        if self.unacked >= 2 {
            self.unacked = 0;
            let client = matches!(self.script, Script::Bulk { .. });
            self.tcp(out, now, client, "", &[], dice)?;
            return Ok(Some(50 + dice.roll(400)));
        }
        let next = match &mut self.script {
            Script::Mail(steps) => steps.pop_front(),
            Script::Bulk { left: 0, .. } => None,
            Script::Bulk { left, client_share, small, .. } => {
                *left -= 1;
                let client = dice.roll(100) < *client_share;
                let len = if *small || client { 36 + dice.roll(400) } else { 1400 } as usize;
                Some(Step { client, data: random(noise, len, dice).to_vec() })
            }
        };
        match next {
            Some(step) => {
                self.tcp(out, now, step.client, "P", &step.data, dice)?;
                self.unacked += u32::from(step.data.len() >= 1200);
                Ok(Some(if step.data.len() >= 1200 { 120 } else { 5_000 + dice.roll(40_000) }))
            }
            None => {
                self.tcp(out, now, true, "F", &[], dice)?;
                self.phase = 4;
                Ok(Some(10_000))
            }
        }
    }

    fn tcp(
        &mut self,
        out: &mut Output,
        now: u64,
        client: bool,
        flags: &str,
        data: &[u8],
        dice: &mut Dice,
    ) -> std::io::Result<()> {
        let me = usize::from(!client);
        let (src, dst) =
            if client { (self.port, self.server_port) } else { (self.server_port, self.port) };
        let seq = self.seq[me];
        let mut header = etherparse::TcpHeader::new(src, dst, seq, 64_240);
        if !(client && flags == "S") {
            header.ack = true;
            header.acknowledgment_number = self.seq[1 - me];
        }
        header.syn = flags == "S";
        header.fin = flags == "F";
        header.psh = flags == "P";
        if flags == "S" {
            header
                .set_options(&[
                    etherparse::TcpOptionElement::MaximumSegmentSize(1460),
                    etherparse::TcpOptionElement::SelectiveAcknowledgementPermitted,
                    etherparse::TcpOptionElement::Noop,
                    etherparse::TcpOptionElement::WindowScale(7),
                ])
                .expect("options fit");
        }
        let advance = data.len() as u32 + u32::from(flags == "S" || flags == "F");
        self.seq[me] = seq.wrapping_add(advance);
        let mut frame = Vec::with_capacity(data.len() + 90);
        let mail = matches!(self.script, Script::Mail(_));
        self.packet(client).tcp_header(header).write(&mut frame, data).expect("writing to memory");
        out.frame(now, &frame, mail, dice)
    }

    fn datagram(
        &self,
        out: &mut Output,
        now: u64,
        client: bool,
        data: &[u8],
        dice: &mut Dice,
    ) -> std::io::Result<()> {
        let (src, dst) =
            if client { (self.port, self.server_port) } else { (self.server_port, self.port) };
        let mut frame = Vec::with_capacity(data.len() + 90);
        self.packet(client).udp(src, dst).write(&mut frame, data).expect("writing to memory");
        out.frame(now, &frame, false, dice)
    }

    fn packet(&self, client: bool) -> PacketBuilderStep<etherparse::IpHeaders> {
        let n = self.number;
        let here = [0x02, 0, 0, 0, (n >> 8) as u8 & 3, n as u8];
        let gateway = [0x02, 0, 0, 0xff, 0, 1];
        let (from, to) = if client { (here, gateway) } else { (gateway, here) };
        let ethernet = PacketBuilder::ethernet2(from, to);
        let inside = [(n >> 8) as u8, n as u8];
        if self.v6 {
            let mut here = [0; 16];
            here[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
            here[14..].copy_from_slice(&inside);
            let mut there = here;
            there[5] = (n >> 16) as u8 | 0x80;
            let (src, dst) = if client { (here, there) } else { (there, here) };
            return if self.vlan {
                ethernet.single_vlan(VlanId::try_new(20).expect("small")).ipv6(src, dst, 64)
            } else {
                ethernet.ipv6(src, dst, 64)
            };
        }
        let here = [10, (n >> 16) as u8, inside[0], inside[1]];
        let [a, b, c] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]][n as usize % 3];
        let there = [a, b, c, (n / 3) as u8];
        let (src, dst) = if client { (here, there) } else { (there, here) };
        ethernet.ipv4(src, dst, 64)
    }
}

fn random<'n>(noise: &'n [u8], len: usize, dice: &mut Dice) -> &'n [u8] {
    let at = dice.roll((noise.len() - len) as u64) as usize;
    &noise[at..at + len]
}

/// A session with its own names and text, in segments of at most 1400 bytes.
fn mail_script(number: u64, dice: &mut Dice) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    let mut say = |client: bool, text: String| {
        for chunk in text.into_bytes().chunks(1400) {
            steps.push_back(Step { client, data: chunk.to_vec() });
        }
    };
    say(false, format!("220 mx{}.example.net ESMTP ready\r\n", number % 97));
    say(true, format!("EHLO host{number}.example.com\r\n"));
    say(
        false,
        "250-mx.example.net\r\n250-SIZE 52428800\r\n250-PIPELINING\r\n250 8BITMIME\r\n".into(),
    );
    for message in 0..=dice.roll(3) {
        say(
            true,
            format!(
                "MAIL FROM:<sender{number}.{message}@example.com> SIZE={}\r\n",
                dice.roll(90_000)
            ),
        );
        say(false, "250 2.1.0 Ok\r\n".into());
        for recipient in 0..=dice.roll(4) {
            say(true, format!("RCPT TO:<rcpt{recipient}.{number}@example.net>\r\n"));
            say(false, "250 2.1.5 Ok\r\n".into());
        }
        say(true, "DATA\r\n".into());
        say(false, "354 End data with <CR><LF>.<CR><LF>\r\n".into());
        let mut body = format!(
            "From: <sender{number}@example.com>\r\nTo: <rcpt@example.net>\r\n\
             Subject: report {number}/{message}\r\nMessage-ID: <{number}.{message}@example.com>\r\n\r\n"
        );
        let lines = match dice.roll(10) {
            0..=5 => 20 + dice.roll(100),
            6..=8 => 200 + dice.roll(1500),
            _ => 4000 + dice.roll(8000),
        };
        for line in 0..lines {
            let words = [dice.roll(1 << 30), dice.roll(1 << 30), dice.roll(1 << 30)];
            body.push_str(&format!(
                "line {line} {:x} {:x} {:x} of message {number}\r\n",
                words[0], words[1], words[2]
            ));
        }
        body.push_str(".\r\n");
        say(true, body);
        say(false, format!("250 2.0.0 Ok: queued as {number:X}{message}\r\n"));
    }
    say(true, "QUIT\r\n".into());
    say(false, "221 2.0.0 Bye\r\n".into());
    steps
}
