//! Files of dialects: what is read, what is refused and where.

use heloscope_detect::Dialects;
use heloscope_detect::dialect::Kind;
use proptest::prelude::*;

const BOT: &str = "[bot]\nkind = bot\nproved = yes\nhello = HELO\ncase = lower\ncolon = after | both\nangle = angle\n";

#[test]
fn what_is_written_is_read_again() {
    let text = format!("# ours\n\n{BOT}[postfix]\n  kind = mta\n  params = SIZE | SIZE,BODY\n");
    let mut dialects = Dialects::default();
    dialects.add("ours", &text).unwrap();
    let known: Vec<_> = dialects.iter().map(|k| (k.name.as_str(), k.kind, k.proved)).collect();
    assert_eq!(known, [("bot", Kind::Bot, true), ("postfix", Kind::Mta, false)]);
    let mut again = Dialects::default();
    for known in dialects.iter() {
        again.add("again", &known.to_string()).unwrap();
    }
    assert_eq!(again, dialects);
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    for (text, line, word) in [
        ("kind = bot\n", 1, "begin with [name]"),
        ("[a]\nkind bot\n", 2, "no `name = value`"),
        ("[a]\nkind =\n", 2, "has no value"),
        ("[a]\nkind = virus\n", 2, "say bot, mta or library"),
        ("[a]\nkind = bot\nproved = maybe\n", 3, "say yes or no"),
        ("[a]\nkind = mta\ncolour = red\n", 3, "no feature is called"),
        ("[a]\nkind = mta\ncase = upper\ncase = lower\n", 4, "stands twice"),
        ("[a b]\nkind = mta\n", 1, "small letters"),
        ("[a\nkind = mta\n", 1, "small letters"),
        ("[a]\ncase = upper\n", 1, "has no kind"),
        ("[a]\nkind = mta\n", 1, "too few"),
        ("[a]\nkind = bot\ncase = upper\ncolon = tight\nangle = angle\n", 1, "at least 4"),
        ("[a]\nkind = library\nproved = yes\ncase = upper\n", 1, "only bots are proved"),
        ("[a]\nkind = mta\ncase = upper\n\n[a]\nkind = mta\ncase = lower\n", 5, "already"),
        ("[taken]\nkind = mta\ncase = upper\n", 1, "already"),
    ] {
        let mut dialects = Dialects::default();
        dialects.add("first", "[taken]\nkind = mta\ncase = upper\n").unwrap();
        let before = dialects.clone();
        let bad = dialects.add("ours", text).unwrap_err();
        assert_eq!(bad.line, line, "{text}: {bad}");
        assert!(
            bad.to_string().contains(word) && bad.to_string().contains("ours"),
            "{text}: {bad}"
        );
        assert_eq!(dialects, before, "nothing of a bad file is kept");
    }
}

proptest! {
    #[test]
    fn never_panics(lines in prop::collection::vec(
        prop_oneof![
            "\\[[a-z-]{0,5}\\]?".prop_map(String::from),
            "(kind|proved|case|hello|path|x) ?= ?(bot|mta|library|yes|no|upper| \\| |)",
            "\\PC{0,30}",
        ],
        0..20,
    )) {
        let mut dialects = Dialects::default();
        if dialects.add("any", &lines.join("\n")).is_ok() {
            let mut again = Dialects::default();
            for known in dialects.iter() {
                again.add("again", &known.to_string()).unwrap();
            }
            prop_assert_eq!(again, dialects);
        }
    }
}
