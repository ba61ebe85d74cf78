//! Forms of access logs.

use super::*;
use proptest::prelude::*;

fn all(text: &[u8]) -> (Vec<Request>, Report) {
    let mut found = Vec::new();
    let report = read(SourceId(1), text, &mut |r| found.push(r));
    (found, report)
}

#[test]
fn a_host_before_too_long_a_port_keeps_it() {
    let line = b"h.example:22222222222 192.0.2.2 - - [04/Dec/2015:14:30:02 +0000] \"GET / HTTP/1.1\" 200 5";
    assert_eq!(parse(line).and_then(|f| f.host), Some(&b"h.example:22222222222"[..]));
}

#[test]
fn forms() {
    let text = b"192.0.2.1 - - [04/Dec/2015:14:30:00 +0100] \"GET /a?b=c HTTP/1.1\" 200 512\n\
192.0.2.1 - bob smith [04/Dec/2015:14:30:01 +0000] \"POST /x.php HTTP/1.1\" 302 - \"http://example.org/\\\"q\" \"Mozilla/5.0 (X; Y)\"\n\
shop.example.org:443 192.0.2.2 - - [04/Dec/2015:14:30:02 -0500] \"GET / HTTP/2.0\" 200 5 \"-\" \"-\" 0.125\n\
2001:db8::1 - - [04/Dec/2015:14:30:03 +0000] \"\\x16\\x03\" 400 226 \"-\" \"-\" 125000\n\
client.example.net - - [04/Dec/2015:14:30:04 +0000] \"-\" 408 - \"-\" \"-\"\n\
not a line\n\
{\"time\":\"2015-12-04T14:30:05+00:00\",\"remote_addr\":\"192.0.2.3\",\"request\":\"GET /j HTTP/1.1\",\"status\":\"404\",\"http_user_agent\":\"curl\",\"request_time\":\"0.5\"}\n\
{\"ts\":1449239406.5,\"request\":{\"remote_ip\":\"192.0.2.4\",\"method\":\"GET\",\"host\":\"h.example\",\"uri\":\"/c\",\"headers\":{\"User-Agent\":[\"x\"]}},\"status\":200,\"duration\":0.25}\n";
    let (found, report) = all(text);
    assert_eq!((report.records, report.skipped), (7, 1));
    let line = |i: usize| {
        let r: &Request = &found[i];
        format!(
            "{} {:?} {:?} {} {} {} {:?} {:?}",
            r.time,
            r.client.map(|c| c.to_string()),
            r.host,
            r.method,
            r.target,
            r.status,
            r.agent,
            r.took_s
        )
    };
    assert_eq!(line(0), "2015-12-04T13:30:00Z Some(\"192.0.2.1\") None GET /a?b=c 200 None None");
    assert_eq!(
        line(1),
        "2015-12-04T14:30:01Z Some(\"192.0.2.1\") None POST /x.php 302 Some(\"Mozilla/5.0 (X; Y)\") None"
    );
    assert_eq!(
        line(2),
        "2015-12-04T19:30:02Z Some(\"192.0.2.2\") Some(\"shop.example.org\") GET / 200 None Some(0.125)"
    );
    assert_eq!(
        line(3),
        "2015-12-04T14:30:03Z Some(\"2001:db8::1\") None  \\x16\\x03 400 None Some(0.125)"
    );
    assert_eq!(line(4), "2015-12-04T14:30:04Z None None  - 408 None None");
    assert_eq!(
        line(5),
        "2015-12-04T14:30:05Z Some(\"192.0.2.3\") None GET /j 404 Some(\"curl\") Some(0.5)"
    );
    assert_eq!(
        line(6),
        "2015-12-04T14:30:06.500Z Some(\"192.0.2.4\") Some(\"h.example\") GET /c 200 Some(\"x\") Some(0.25)"
    );
    assert_eq!(found[1].place, Place::byte(SourceId(1), 73));
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        all(&bytes);
    }

    #[test]
    fn never_panics_near_the_form(cut in 0_usize..140, at in 0_usize..140, byte in any::<u8>()) {
        let mut line = b"h:80 192.0.2.1 - - [04/Dec/2015:14:30:01 +0000] \"POST /x.php HTTP/1.1\" 302 - \"http://example.org/\\\"q\" \"Mozilla\" 12.5".to_vec();
        if let Some(b) = line.get_mut(at) { *b = byte; }
        line.truncate(cut);
        let _ = parse(&line);
    }
}
