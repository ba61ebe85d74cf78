//! The pages over real sockets, a real ledger in memory and a clock that the tests set: look-up,
//! notice, removal with its rules, forged and replayed forms, owners' proofs, the desk, bad input.

use crate::lab::{Lab, Reply};
use heloscope_model::notice::{self, Subject, TimeKind};
use heloscope_model::{SourceId, Time};

const ADDRESS: &str = "203.0.113.10";

#[test]
fn the_form_offers_the_visitors_own_address_and_leads_on() {
    let lab = Lab::new();
    let form = lab.get("/");
    assert_eq!(form.status, 200);
    assert!(form.body.contains("value=\"127.0.0.1\""), "{}", form.body);
    let on = lab.get("/lookup?address=%5B203.0.113.10%5D");
    assert_eq!((on.status, on.header("location")), (303, Some("/lookup/203.0.113.10")));
}

#[test]
fn rubbish_is_refused_with_words_and_never_shown_raw() {
    let lab = Lab::new();
    for (path, status, words) in [
        ("/lookup?address=", 400, "The field was empty"),
        ("/lookup", 400, "The field was empty"),
        ("/lookup?address=mail.example.org", 400, "That is a host name"),
        ("/lookup?address=a%40example.org", 400, "That is a mail address"),
        ("/lookup?address=192.0.2.0%2F24", 400, "That is a range"),
        ("/lookup/%3Cscript%3Ealert(1)%3C%2Fscript%3E", 400, "That is not an IP address"),
        ("/lookup/%ff%fe", 400, ""),
        ("/lookup/x/notice.txt", 400, "That is not an IP address"),
        ("/api/v1/addresses/x", 400, "That is not an IP address"),
        ("/api/v1/addresses/300.1.1.1", 400, "That is not an IP address"),
        ("/nothing/here", 404, "There is nothing at this address"),
        ("/policy/nothing", 404, "There is nothing at this address"),
        ("/lookup/203.0.113.99/notice.txt", 404, "is not listed in list.example"),
    ] {
        let reply = lab.get(path);
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
        assert!(reply.body.contains(words), "{path}: {}", reply.body);
        assert!(!reply.body.contains("<script"), "{path}: {}", reply.body);
    }
}

#[test]
fn every_answer_forbids_what_is_foreign() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "[127.0.0.1]");
    for path in [
        "/",
        "/lookup/203.0.113.10",
        "/lookup/203.0.113.10/notice.txt",
        "/policy",
        "/x",
        "/healthz",
        "/api/v1/addresses/203.0.113.10",
        "/statistics",
        "/style.css",
        "/desk",
    ] {
        let reply = lab.get(path);
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
        for foreign in ["<script", " style=", "onclick", "src=\"http", "href=\"//"] {
            assert!(!reply.body.contains(foreign), "{path}: {foreign}");
        }
    }
}

#[test]
fn the_notice_reads_back_as_what_the_page_says() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "[127.0.0.1]");
    let text = lab.get("/lookup/203.0.113.10/notice.txt").body;
    let read = notice::read(&text, SourceId(0));
    let [notice] = &read[..] else { panic!("{text}") };
    assert_eq!(notice.to_text(), text, "reads back equal");
    assert_eq!(notice.subject, Subject::Ip(ADDRESS.parse().unwrap()));
    assert_eq!(notice.list.as_deref(), Some("list.example"));
    let (time, kind) = notice.time.unwrap();
    assert_eq!(kind, TimeKind::Detection);
    let api = lab.get("/api/v1/addresses/203.0.113.10").json();
    assert_eq!(api["listings"][0]["last_detection"]["time"], time.rfc3339());
    assert_eq!(api["listings"][0]["last_detection"]["tolerance_s"], notice.tolerance_s.unwrap());
    assert!(notice.window().unwrap().holds(lab.now()), "the true time lies within");
    assert_eq!(notice.helo, None, "everybody sees the kind of HELO only");
    assert!(!text.contains("127.0.0.1]") && !text.contains("51324"), "{text}");
}

#[test]
fn the_contract_of_the_api() {
    let lab = Lab::new();
    let before = lab.get("/api/v1/addresses/203.0.113.10").json();
    assert_eq!(before["format"], "heloscope.address/1");
    assert_eq!(
        (&before["listed"], before["listings"].as_array().unwrap().len()),
        (&false.into(), 0)
    );
    lab.bot(ADDRESS, "[127.0.0.1]");
    let listed = lab.get("/api/v1/addresses/203.0.113.10").json();
    let listing = &listed["listings"][0];
    assert_eq!(listing["zone"], "list.example");
    assert_eq!(listing["code"], "127.0.0.4");
    assert_eq!(listing["helo"], "local-literal");
    assert_eq!(listing["times_listed"], 1);
    assert_eq!(listing["detectors"][0], "helo-ylmf-pc");
    for key in ["since", "expires", "reason"] {
        assert!(listing[key].is_string(), "{key}");
    }
    let gone = lab.post("/api/v1/addresses/203.0.113.10/removal", "", &[]);
    assert_eq!((gone.status, gone.json()["granted"].clone()), (200, true.into()));
    let none = lab.post("/api/v1/addresses/203.0.113.10/removal", "", &[]);
    assert_eq!((none.status, none.json()["granted"].clone()), (404, false.into()));
    lab.pass(3600);
    lab.bot(ADDRESS, "[127.0.0.1]");
    let refused = lab.post("/api/v1/addresses/203.0.113.10/removal", "", &[]);
    assert_eq!(refused.status, 409, "{}", refused.body);
    let wait = refused.json()["retry_after_s"].as_u64().unwrap();
    assert!(wait > 0 && refused.header("retry-after") == Some(&wait.to_string()));
    let described = lab.get("/api/v1/openapi.json").json();
    assert!(described["paths"]["/api/v1/addresses/{address}/removal"]["post"].is_object());
}

#[test]
fn removal_is_granted_once_refused_after_a_relapse_and_granted_when_it_stayed_quiet() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "ylmf-pc");
    let page = lab.get("/lookup/203.0.113.10");
    assert!(page.body.contains("Listed:"), "{}", page.body);
    assert!(page.body.contains("heloscope investigate notice.txt"));
    let removed = lab.post("/lookup/203.0.113.10/removal", &page.form(0), &[]);
    assert_eq!(removed.status, 200, "{}", removed.body);
    assert!(removed.body.contains("Removed:"));
    let gone = lab.get("/lookup/203.0.113.10").body;
    assert!(gone.contains("Not listed:") && gone.contains("removed on request"), "{gone}");
    let past = notice::read(&lab.get("/lookup/203.0.113.10/notice.txt").body, SourceId(0));
    assert!(past[0].removed_at.is_some());
    assert_eq!(past[0].tolerance_s, Some(900), "it still tells when it was last seen");
    assert!(gone.contains("Last seen"), "{gone}");

    lab.pass(3600);
    lab.bot(ADDRESS, "ylmf-pc");
    let page = lab.get("/lookup/203.0.113.10");
    let refused = lab.post("/lookup/203.0.113.10/removal", &page.form(0), &[]);
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("Not removed:") && refused.body.contains("You can ask again in"));
    lab.pass(refused.header("retry-after").unwrap().parse::<u32>().unwrap() + 60);
    let page = lab.get("/lookup/203.0.113.10");
    let removed = lab.post("/lookup/203.0.113.10/removal", &page.form(0), &[]);
    assert_eq!(removed.status, 200, "{}", removed.body);
}

/// What the operator entered is said in his words: the page accuses nobody of what was not seen.
#[test]
fn a_listing_by_hand_says_whose_word_it_is() {
    let lab = Lab::new();
    let prefix = "203.0.113.10/32".parse().unwrap();
    lab.ledger.add(prefix, "Phishing for bank log-ins.", None, None, lab.now()).unwrap();
    lab.bot("203.0.113.11", "ylmf-pc");
    let by_hand = lab.get("/lookup/203.0.113.10").body;
    assert!(by_hand.contains("the operator of this list entered it himself"), "{by_hand}");
    assert!(by_hand.contains("Phishing for bank log-ins."), "{by_hand}");
    let seen = lab.get("/lookup/203.0.113.11").body;
    for accusation in ["infected or misused", "the way spam programs do", "if nothing more is seen"]
    {
        assert!(seen.contains(accusation) && !by_hand.contains(accusation), "{accusation}");
    }
    assert!(lab.get("/policy").body.contains("The operator can enter an address himself"));
}

#[test]
fn forged_replayed_stale_and_foreign_forms_change_nothing() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "ylmf-pc");
    lab.bot("203.0.113.11", "ylmf-pc");
    let to = "/lookup/203.0.113.10/removal";
    let good = lab.get("/lookup/203.0.113.10").form(0);
    let other = lab.get("/lookup/203.0.113.11").form(0);
    let foreign = [("Sec-Fetch-Site", "cross-site")];
    for (name, body, headers) in [
        ("no token", "", &[][..]),
        ("not a form", "{\"token\":1}", &[]),
        ("made up", "token=1.2.3", &[]),
        ("another address's", &other, &[]),
        ("from another site", &good, &foreign),
    ] {
        let reply = lab.post(to, body, headers);
        assert_eq!(reply.status, 403, "{name}: {}", reply.body);
        assert!(reply.body.contains("Nothing was changed"), "{name}: {}", reply.body);
    }
    assert_eq!(lab.get(to).status, 303, "by GET nothing is removed");
    let api = lab.post("/api/v1/addresses/203.0.113.10/removal", "", &foreign);
    assert_eq!(api.status, 403, "nor by a page elsewhere that has its visitors post to the API");
    assert!(lab.is_listed(ADDRESS) && lab.is_listed("203.0.113.11"));

    assert_eq!(lab.post(to, &good, &[]).status, 200);
    lab.pass(3600 * 24 * 20);
    lab.bot(ADDRESS, "ylmf-pc");
    let fresh = lab.get("/lookup/203.0.113.10").form(0);
    let replayed = lab.post(to, &good, &[]);
    assert_eq!(replayed.status, 403, "stale by now: {}", replayed.body);
    lab.pass(3601);
    let stale = lab.post(to, &fresh, &[]);
    assert!(stale.status == 403 && stale.body.contains("too old"), "{}", stale.body);
    let fresh = lab.get("/lookup/203.0.113.10").form(0);
    let first = lab.post(to, &fresh, &[]);
    assert!(matches!(first.status, 200 | 409), "{}", first.body);
    let second = lab.post(to, &fresh, &[]);
    assert_eq!(second.status, 409);
    assert!(second.body.contains("This form was sent before"), "{}", second.body);
}

#[test]
fn the_owner_proves_himself_by_dns_and_sees_more_and_nobody_else_does() {
    let lab = Lab::new();
    let hostile = "<img src=x onerror=alert(1)>\"'&amp;";
    lab.bot(ADDRESS, hostile);
    let public = lab.get("/lookup/203.0.113.10").body;
    assert!(!public.contains("onerror") && !public.contains("51324"));

    let ways = lab.get("/lookup/203.0.113.10/owner");
    assert!(ways.body.contains("_heloscope.10.113.0.203.in-addr.arpa"), "{}", ways.body);
    let record = ways.between("<code>heloscope-owner=", "<");
    let claim = ways.cookie("heloscope_claim");
    let check = |lab: &Lab, cookie: &str| {
        let form = lab.get("/lookup/203.0.113.10/owner").form(0);
        lab.post("/lookup/203.0.113.10/owner/dns", &form, &[("Cookie", cookie)])
    };
    assert_eq!(check(&lab, &claim).status, 409, "no record yet");
    lab.set_txt("_heloscope.mail.example.org", &format!("heloscope-owner={record}"));
    let thief = lab.get("/lookup/203.0.113.10/owner").cookie("heloscope_claim");
    assert_eq!(check(&lab, &thief).status, 409, "the record is another's");
    let proved = check(&lab, &claim);
    assert_eq!((proved.status, proved.header("location")), (303, Some("/lookup/203.0.113.10")));
    let set = proved.header("set-cookie").unwrap().to_owned();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/lookup/203.0.113.10"] {
        assert!(set.contains(word), "{set}");
    }

    let cookie = proved.cookie("heloscope_owner");
    let page = lab.get_as("/lookup/203.0.113.10", &cookie).body;
    assert!(page.contains("51324") && page.contains("UTC"), "{page}");
    assert!(page.contains("&#60;img src=x onerror"), "hostile text is shown, escaped: {page}");
    assert!(!page.contains("<img"), "{page}");
    assert!(!page.contains("trap.example"), "traps are nobody's business");
    let notice = lab.get_as("/lookup/203.0.113.10/notice.txt", &cookie).body;
    let read = notice::read(&notice, SourceId(0));
    assert_eq!(read[0].to_text(), notice);
    assert_eq!(read[0].helo, Some(hostile.into()));
    assert_eq!(read[0].src_port, Some(51_324));
    lab.bot("203.0.113.11", "secret-name");
    let other = lab.get_as("/lookup/203.0.113.11", &cookie).body;
    assert!(!other.contains("secret-name"), "the proof is of one address");
    lab.pass(86_401);
    assert!(!lab.get_as("/lookup/203.0.113.10", &cookie).body.contains("51324"), "for a day");
}

#[test]
fn the_owner_proves_himself_by_mail_to_the_postmaster() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "secret-name");
    let ways = lab.get("/lookup/203.0.113.10/owner");
    assert!(ways.body.contains("postmaster@example.org"), "{}", ways.body);
    let stranger = format!("{}&mailbox=victim%40example.net", ways.form(1));
    assert_eq!(lab.post("/lookup/203.0.113.10/owner/mail", &stranger, &[]).status, 400);
    assert!(lab.letters().is_empty(), "we write to nobody else");
    let form = lab.get("/lookup/203.0.113.10/owner").form(1);
    let body = format!("{form}&mailbox=postmaster%40example.org");
    assert_eq!(lab.post("/lookup/203.0.113.10/owner/mail", &body, &[]).status, 200);
    let letters = lab.letters();
    assert_eq!(letters[0].to, "postmaster@example.org");
    let token = letters[0].text.split("token=").nth(1).unwrap().lines().next().unwrap();
    let link = format!("/lookup/203.0.113.10/owner/confirm?token={token}");
    let page = lab.get(&link);
    assert_eq!((page.status, page.header("set-cookie")), (200, None), "following it is not enough");
    let proved = lab.post("/lookup/203.0.113.10/owner/confirm", &page.form(0), &[]);
    let cookie = proved.cookie("heloscope_owner");
    assert!(lab.get_as("/lookup/203.0.113.10", &cookie).body.contains("secret-name"));
    let elsewhere = lab.get(&link.replace("203.0.113.10", "203.0.113.11"));
    assert_eq!(elsewhere.status, 403);
}

#[test]
fn the_desk_is_not_there_without_the_token() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "ylmf-pc");
    let nothing = lab.get("/no/such/page");
    for path in ["/desk", "/desk/addresses/203.0.113.10"] {
        let reply = lab.get(path);
        assert_eq!((reply.status, &reply.body), (404, &nothing.body), "{path}");
        let forged = lab.get_as(path, "heloscope_desk=1.2.3");
        assert_eq!((forged.status, &forged.body), (404, &nothing.body), "{path}");
    }
    let order = lab.post("/desk/orders/withdraw", "token=x&prefix=203.0.113.10&why=x", &[]);
    assert_eq!(order.status, 404);
    assert!(lab.is_listed(ADDRESS));
    let wrong =
        lab.post("/desk/enter", &format!("{}&secret=x", lab.get("/desk/enter").form(0)), &[]);
    assert_eq!((wrong.status, wrong.header("set-cookie")), (403, None));
    let tries = (0..10).map(|_| lab.post("/desk/enter", "token=x&secret=y", &[]).status);
    assert_eq!(tries.last(), Some(429), "tries are counted");
}

#[test]
fn the_desk_sees_traps_and_gives_orders_once() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "<b>bold</b>");
    let cookie = lab.enter_desk();
    let desk = lab.get_as("/desk", &cookie);
    assert!(desk.body.contains(ADDRESS) && desk.body.contains("trap.example"), "{}", desk.body);
    let evidence = lab.get_as("/desk/addresses/203.0.113.10", &cookie).body;
    assert!(evidence.contains("anna@trap.example") && !evidence.contains("<b>"), "{evidence}");

    let token = desk.form(0);
    let order = |what: &str, rest: &str, token: &str| {
        lab.post(
            &format!("/desk/orders/{what}"),
            &format!("{token}&{rest}"),
            &[("Cookie", &cookie)],
        )
    };
    let fresh = || lab.get_as("/desk", &cookie).form(0);
    assert_eq!(
        order("recall", "detector=helo-ylmf-pc&version=1&why=It+was+wrong.", &token).status,
        303
    );
    assert_eq!(order("recall", "detector=pregreet&version=1&why=x", &token).status, 409, "once");
    assert!(!lab.is_listed(ADDRESS));
    assert!(lab.get("/policy/incidents").body.contains("It was wrong."), "the recall is published");

    assert_eq!(order("exempt", "prefix=203.0.113.0%2F24&why=ours", &fresh()).status, 303);
    assert!(lab.get_as("/desk", &cookie).body.contains("203.0.113.0/24"));
    assert_eq!(order("unexempt", "prefix=203.0.113.0%2F24", &fresh()).status, 303);
    for (what, rest) in [
        ("exempt", "prefix=rubbish&why=x"),
        ("exempt", "prefix=203.0.113.1&why="),
        ("recall", "detector=x&version=one&why=x"),
        ("burn", "prefix=203.0.113.1&why=x"),
    ] {
        assert_eq!(order(what, rest, &fresh()).status, 400, "{what} {rest}");
    }
    let foreign = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-site")];
    let body = format!("{}&prefix=203.0.113.1&why=x", fresh());
    assert_eq!(lab.post("/desk/orders/withdraw", &body, &foreign).status, 403);
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let lab = Lab::strict();
    let statuses: Vec<u16> = (0..8).map(|_| lab.get("/lookup/203.0.113.10").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    let late = lab.get("/");
    assert_eq!((late.status, late.header("retry-after")), (429, Some("10")));
    assert_eq!(lab.get("/api/v1/addresses/203.0.113.10").status, 429);
    assert_eq!(lab.get("/healthz").status, 200, "supervisors are let through");
    assert_eq!(lab.get_from("/", "198.51.100.7").status, 200, "others behind the front end too");
    lab.pass(10);
    assert_eq!(lab.get("/").status, 200);
}

#[test]
fn large_and_odd_requests_are_refused() {
    let lab = Lab::new();
    let large = format!("token={}", "x".repeat(100_000));
    assert_eq!(lab.post("/lookup/203.0.113.10/removal", &large, &[]).status, 403);
    assert_eq!(lab.raw("DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status, 405);
    assert_eq!(lab.raw("\x16\x03\x01 garbage\r\n\r\n").status, 400);
}

#[test]
fn a_silent_visitor_is_shown_the_door_and_holds_nobody_up() {
    let lab = Lab::new();
    let silent: Vec<_> = (0..20).map(|_| lab.connect()).collect();
    assert_eq!(lab.get("/").status, 200);
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "closed, not served");
    }
}

#[test]
fn policy_and_statistics_tell_the_policys_own_numbers() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "ylmf-pc");
    let criteria = lab.get("/policy/criteria").body;
    for detector in heloscope_detect::CATALOGUE {
        assert!(criteria.contains(&format!("id=\"{}\"", detector.id)), "{}", detector.id);
    }
    assert!(lab.get("/policy").body.contains("7 days after the last sighting"));
    assert!(lab.get("/policy/removal").body.contains("nothing has been seen for 1 day"));
    for (path, words) in [
        ("/policy/use", "127.0.0.2 is always listed"),
        ("/policy/use", "at least a month before"),
        ("/policy/privacy", "give or take 15 minutes"),
        ("/policy/incidents", "no detector had to be recalled"),
        ("/statistics", "<title id=\"active-t\">"),
        ("/metrics", "heloscope_up 1"),
    ] {
        let body = lab.get(path).body;
        assert!(body.contains(words), "{path}: {body}");
    }
}

#[test]
fn nobody_learns_a_trap_by_watching_numbers() {
    let lab = Lab::new();
    let seen = |lab: &Lab| {
        ["/healthz", "/metrics", "/statistics"].map(|path| lab.get_from(path, "198.51.100.7").body)
    };
    let before = seen(&lab);
    lab.hidden_session("203.0.113.77");
    assert_eq!(seen(&lab), before);
    let own = lab.get("/healthz").json();
    assert!(own["generation"].as_u64().unwrap() > 0, "the machine itself sees it move");
    lab.pass(2 * 86_400);
    let today = lab.get_from("/statistics", "198.51.100.7").body;
    assert_ne!(today, before[2], "and everybody when the day is over");
}

#[test]
fn letters_and_look_ups_are_bounded() {
    let lab = Lab::new();
    let gone = lab.get("/lookup/203.0.113.10/owner");
    assert_eq!(gone.status, 404, "not listed: nothing to see, no name server is asked");
    lab.bot(ADDRESS, "x");
    for (n, status) in [(0, 200), (1, 200), (2, 200), (3, 429)] {
        let form = lab.get("/lookup/203.0.113.10/owner").form(1);
        let body = format!("{form}&mailbox=postmaster%40example.org");
        let sent = lab.post("/lookup/203.0.113.10/owner/mail", &body, &[]);
        assert_eq!(sent.status, status, "letter {n}: nobody's mailbox is filled");
    }
    assert_eq!(lab.letters().len(), 3);
}

/// The reply's time is the lab's, not the machine's.
#[test]
fn times_come_from_the_clock_that_was_given() {
    let lab = Lab::new();
    lab.bot(ADDRESS, "ylmf-pc");
    lab.pass(3 * 86_400);
    let page: Reply = lab.get("/lookup/203.0.113.10");
    assert!(
        page.body.contains("about 3 days ago")
            || page.body.contains("about 2 days and 23 hours ago")
    );
    assert!(lab.now() > Time::from_secs(0));
}
