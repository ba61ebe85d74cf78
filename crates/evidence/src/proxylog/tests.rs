//! Lines as squid, HAProxy and nginx wrote them.

use super::*;
use proptest::prelude::*;

fn show(line: &str) -> String {
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2026);
    parse(line.as_bytes(), Place::whole(SourceId(0)), &mut clock).map_or("-".to_owned(), |p| {
        format!(
            "{} {} {} {} {}:{} {}",
            p.time.rfc3339(),
            p.program,
            p.client.map_or("-".to_owned(), |ip| ip.to_string()),
            p.method,
            p.host,
            p.port,
            if p.granted { "granted" } else { "refused" }
        )
    })
}

#[test]
fn lines() {
    for (line, want) in [
        (
            "1795504089.623      2 192.168.1.5 TCP_TUNNEL/200 46 CONNECT mx.example.org:25 - HIER_DIRECT/198.51.100.25 -",
            "2026-11-24T07:08:09.623Z squid 192.168.1.5 CONNECT mx.example.org:25 granted",
        ),
        (
            "1795504089.624      0 192.168.1.5 TCP_DENIED/403 3387 CONNECT 198.51.100.25:26 - HIER_NONE/- text/html",
            "2026-11-24T07:08:09.624Z squid 192.168.1.5 CONNECT 198.51.100.25:26 refused",
        ),
        // Allowed, but nothing answered.
        (
            "1795504089.626      0 192.168.1.5 NONE_NONE/503 0 CONNECT [2001:db8::25]:25 - HIER_DIRECT/2001:db8::25 -",
            "2026-11-24T07:08:09.626Z squid 192.168.1.5 CONNECT 2001:db8::25:25 refused",
        ),
        (
            "1795504089.626      1 192.168.1.5 TCP_MISS/404 258 GET http://user@www.example.org:8080/a?b=http://c:9/ - HIER_DIRECT/192.0.2.1 text/html",
            "2026-11-24T07:08:09.626Z squid 192.168.1.5 GET www.example.org:8080 granted",
        ),
        (
            "1795504089.626      1 192.168.1.5 TCP_MEM_HIT/200 258 GET https://www.example.org - HIER_NONE/- text/html",
            "2026-11-24T07:08:09.626Z squid 192.168.1.5 GET www.example.org:443 granted",
        ),
        (
            "1795504094.631      0 192.168.1.5 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -",
            "2026-11-24T07:08:14.631Z squid 192.168.1.5 - :0 refused",
        ),
        (
            "Nov 24 07:08:09 gw squid[77]: 1795504089.623      2 192.168.1.5 TCP_TUNNEL/200 46 CONNECT mx.example.org:25 - HIER_DIRECT/198.51.100.25 -",
            "2026-11-24T07:08:09.623Z squid 192.168.1.5 CONNECT mx.example.org:25 granted",
        ),
        (
            "192.168.1.5 - - [24/Nov/2026:08:08:09 +0100] \"CONNECT mx.example.org:25 HTTP/1.1\" 200 46 \"-\" \"perl/5\" TCP_TUNNEL:HIER_DIRECT",
            "2026-11-24T07:08:09Z squid 192.168.1.5 CONNECT mx.example.org:25 granted",
        ),
        (
            "192.168.1.5 - - [24/Nov/2026:07:08:09 +0000] \"CONNECT mx.example.org:26 HTTP/1.0\" 403 3387 TCP_DENIED:HIER_NONE",
            "2026-11-24T07:08:09Z squid 192.168.1.5 CONNECT mx.example.org:26 refused",
        ),
        (
            "<134>Nov 24 07:08:20 lb haproxy[123]: 192.168.1.5:54844 [24/Nov/2026:07:08:20.968] smtp-in smtp-out/mx1 1/0/2 7 -- 1/1/0/0/0 0/0",
            "2026-11-24T07:08:20Z haproxy 192.168.1.5 TCP smtp-out/mx1:0 granted",
        ),
        (
            "Nov 24 07:08:26 lb haproxy[123]: 192.168.1.5:54852 [24/Nov/2026:07:08:23.267] smtp-in smtp-out/mx1 1/-1/3000 0 cC 1/1/0/0/3 0/0",
            "2026-11-24T07:08:26Z haproxy 192.168.1.5 TCP smtp-out/mx1:0 refused",
        ),
        (
            "Nov 24 07:08:20 lb haproxy[123]: 192.168.1.5:39634 [24/Nov/2026:07:08:20.975] web app/a1 0/0/0/0/0 200 541 - - ---- 1/1/0/0/0 0/0 \"CONNECT mx.example.org:25 HTTP/1.1\"",
            "2026-11-24T07:08:20Z haproxy 192.168.1.5 CONNECT mx.example.org:25 granted",
        ),
        (
            "Nov 24 07:08:20 lb haproxy[123]: 192.168.1.5:39636 [24/Nov/2026:07:08:20.976] web web/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 \"<BADREQ>\"",
            "2026-11-24T07:08:20Z haproxy 192.168.1.5 <BADREQ> web/<NOSRV>:0 refused",
        ),
        (
            "192.168.1.5 [24/Nov/2026:07:08:20 +0000] TCP 200 7 1 0.000",
            "2026-11-24T07:08:20Z nginx 192.168.1.5 TCP :0 granted",
        ),
        (
            "192.168.1.5 [24/Nov/2026:07:08:20 +0000] TCP 200 7 1 0.000 \"198.51.100.1:25, 198.51.100.2:25\" \"1\" \"7\" \"0.000\"",
            "2026-11-24T07:08:20Z nginx 192.168.1.5 TCP 198.51.100.1:25 granted",
        ),
        (
            "192.168.1.5 [24/Nov/2026:07:08:20 +0000] TCP 502 0 0 0.000 \"198.51.100.1:25\" \"0\" \"0\" \"-\"",
            "2026-11-24T07:08:20Z nginx 192.168.1.5 TCP 198.51.100.1:25 refused",
        ),
        // A web server's request is no proxy's.
        (
            "192.0.2.1 - - [24/Nov/2026:07:08:09 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"TCP_MISS:x\"",
            "-",
        ),
        ("1795504089.623 hello", "-"),
        ("Nov 24 07:08:20 lb haproxy[123]: Proxy smtp-in started.", "-"),
    ] {
        assert_eq!(show(line), want, "{line}");
    }
}

#[test]
fn a_log_of_other_people() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .filter_map(|up| up.parent())
        .map(|up| up.join("shared/corpus/logs/fail2ban/squid"))
        .find(|file| file.is_file());
    let Some(log) = file.and_then(|file| std::fs::read(file).ok()) else { return };
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2013);
    let mut granted = 0;
    let report =
        read(SourceId(0), &log[..], &mut clock, &mut |p| granted += usize::from(p.granted));
    assert_eq!((report.records, granted), (4, 0));
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), pieces in prop::collection::vec(prop_oneof![
        Just("1795504089.623 "), Just("2 "), Just("192.168.1.5"), Just(" TCP_TUNNEL/200 46 "), Just("CONNECT "), Just("[::1]:25 "), Just("http://"), Just("a@b:9 "), Just(":99999 "),
        Just("[24/Nov/2026:07:08:20 +0000]"), Just(" TCP 200 "), Just("\""), Just(" TCP_TUNNEL:HIER_DIRECT"), Just("Nov 24 07:08:20 lb haproxy[1]: "), Just("1.1.1.1:2 [x] a b/c 1 "), Just(" 200 5")
    ], 0..10)) {
        for text in [bytes, pieces.concat().into_bytes()] {
            let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
            read(SourceId(0), &text[..], &mut clock, &mut |_| {});
            is_line(&text);
        }
    }
}
