//! Whether a label looks drawn at random: few of its letter pairs are such as words have.
//! Short labels, and those with the words of administrators in them, are never called random.

/// Letter pairs that make up most of what words, names and abbreviations in Latin script consist of.
const PAIRS: &str = "th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al de \
 se le sa si ar ve ra ld ur ro ri io ic ne me li la el ma ta ce ch co om il no di us ho ca ec ac lo ss ll ee \
 oo so un ut na ni mi mo pe po pr tr do da ge ho wa we wi be ba bo bu ie ei ia ai au eu ig is im em am ol ul \
 ir ke ki ka ko vi va fi fe fo ga go gr sh sc ns rs ts ms ad ag id ap op ot od os ay ey ly ck pl bl cl br cr ";

/// Parts of names that administrators give.
const GIVEN: [&str; 20] = [
    "srv", "svr", "mail", "mx", "smtp", "host", "desktop", "laptop", "win", "exch", "pc", "nas",
    "dc", "db", "web", "prd", "prod", "test", "dev", "vm",
];

/// Whether a label looks drawn at random.
pub(crate) fn is_random(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    let plain = label.bytes().all(|b| b.is_ascii_alphanumeric());
    if !plain || !(7..=40).contains(&label.len()) || GIVEN.iter().any(|given| label.contains(given))
    {
        return false;
    }
    // Hexadecimal digits only: an identifier that a machine gave (a container's, a network card's).
    if label.bytes().all(|b| b.is_ascii_hexdigit()) {
        return false;
    }
    let letters = label.bytes().filter(u8::is_ascii_alphabetic).count();
    if letters < 5 {
        return false; // a serial number
    }
    // Digits in the midst of letters three times and more: no person types that.
    let turns = label
        .as_bytes()
        .windows(2)
        .filter(|w| matches!(w, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()));
    if turns.count() >= 4 {
        return true;
    }
    let bytes = label.as_bytes();
    let pairs: Vec<_> =
        bytes.windows(2).filter(|w| w.iter().all(u8::is_ascii_alphabetic)).collect();
    let known = pairs.iter().filter(|pair| {
        std::str::from_utf8(pair)
            .is_ok_and(|pair| PAIRS.split_ascii_whitespace().any(|p| p == pair))
    });
    known.count() * 10 < pairs.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_labels_are_told_from_given_ones() {
        for random in ["QXZVKJWP", "xkqjwzvbt", "HWYQFKXD", "a3f9k2m7q", "zqxjkvbp"] {
            assert!(is_random(random), "{random}");
        }
        for given in [
            "mailserver",
            "FILESERVER",
            "exchange01",
            "SRVDBPRD01",
            "DESKTOP-4F7K2QX",
            "WIN-8HQ3KLMN2PQ",
            "frankfurt",
            "postmaster",
            "gateway",
            "hermes",
            "kuehlschrank",
            "buchhaltung",
            "contoso",
            "1234567",
            "mueller",
            "sekretariat",
            "praxis",
            "3f2a9c8b1d7e",
            "b827eb4f1a09",
        ] {
            assert!(!is_random(given), "{given}");
        }
    }
}
