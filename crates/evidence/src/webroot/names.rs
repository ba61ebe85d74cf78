//! Whether a file's name is letters thrown at random, as kits name what they drop. Short of
//! proof: names of people's abbreviations look alike, so the finding weighs little.

/// Abbreviations that technical names are made of.
const WORDS: [&str; 72] = [
    "xmlrpc", "xml", "rpc", "html", "http", "https", "mysql", "pgsql", "sql", "php", "css", "js",
    "wp", "rss", "pdf", "csv", "tmpl", "tpl", "md5", "sha", "ssl", "tls", "smtp", "ldap", "dns",
    "ftp", "cfg", "ctrl", "mgr", "str", "utf", "ttf", "png", "gif", "jpg", "svg", "i18n", "l10n",
    "http2", "base64", "win32", "w3c", "src", "db", "pp", "img", "btn", "nav", "hdr", "ftr", "msg",
    "pwd", "usr", "grp", "lst", "txt", "tbl", "str", "num", "spl", "gd", "zlib", "crypt", "phtml",
    "thumb", "sync", "dbg", "rtl", "ltr", "gzip", "mbstr", "sftp",
];

/// Whether a stem (a name without extensions) looks random.
pub(super) fn random(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    if !(5..=24).contains(&lower.len()) || !lower.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    if WORDS.iter().any(|w| lower.contains(w)) {
        return false;
    }
    let bytes = lower.as_bytes();
    let vowel = |b: u8| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let vowels = bytes.iter().filter(|b| vowel(**b)).count();
    let longest =
        bytes.split(|b| !b.is_ascii_alphabetic() || vowel(*b)).map(<[u8]>::len).max().unwrap_or(0);
    let switches = bytes
        .windows(2)
        .filter(|w| matches!(w, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    letters >= 5 && (vowels == 0 || longest >= 6) || letters >= 3 && switches >= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_names() {
        for name in ["xkqzvtp", "bgtfdhj", "a3f9k2c8", "wqzkxpfm", "x1y2z3"] {
            assert!(random(name), "{name}");
        }
        for name in [
            "index",
            "xmlrpc",
            "functions",
            "wpdb",
            "class",
            "strength",
            "html5",
            "mailer2",
            "sm13e",
            "style",
        ] {
            assert!(!random(name), "{name}");
        }
    }
}
