//! The shipped YARA rules, compiled once, and what they find: rule, sentence, weight, the byte of
//! the first match. Ids are the rules' names with dashes, public words like every other id.

use super::Language;
use boreal::MetadataValue;
use boreal::scanner::{EvaluatedRule, ScanParams};
use boreal::{Compiler, Scanner};

const PHP: [&str; 2] = [include_str!("rules/php.yar"), include_str!("rules/mail.yar")];
const SCRIPT: [&str; 1] = [include_str!("rules/script.yar")];
const HTACCESS: [&str; 1] = [include_str!("rules/htaccess.yar")];

/// A rule that fired.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) rule: String,
    pub(super) because: String,
    pub(super) weight: f32,
    /// The code sends mail.
    pub(super) mail: bool,
    pub(super) at: usize,
}

/// The compiled rules.
pub(super) struct Rules {
    php: Option<Scanner>,
    script: Option<Scanner>,
    htaccess: Option<Scanner>,
}

impl Rules {
    /// Compiles. The rules are constants; a test holds that each compiles.
    pub(super) fn new() -> Self {
        Self { php: compile(&PHP), script: compile(&SCRIPT), htaccess: compile(&HTACCESS) }
    }

    /// Runs the rules of a language over code.
    pub(super) fn scan(&self, language: Language, code: &[u8]) -> Vec<Hit> {
        let scanner = match language {
            Language::Php => &self.php,
            Language::Script => &self.script,
            Language::Htaccess => &self.htaccess,
            Language::None => &None,
        };
        let Some(scanner) = scanner else { return Vec::new() };
        let result = match scanner.scan_mem(code) {
            Ok(result) => result,
            // No time limit is set; whatever else ends a scan, what was found holds.
            Err((_, result)) => result,
        };
        result.rules.iter().map(|rule| hit(scanner, rule)).collect()
    }
}

fn compile(texts: &[&str]) -> Option<Scanner> {
    let mut compiler = Compiler::new();
    for text in texts {
        compiler.add_rules_str(text).ok()?;
    }
    let mut scanner = compiler.finalize();
    scanner.set_scan_params(
        ScanParams::default()
            .compute_full_matches(true)
            .string_max_nb_matches(64)
            .match_max_length(64),
    );
    Some(scanner)
}

fn hit(scanner: &Scanner, rule: &EvaluatedRule<'_>) -> Hit {
    let mut hit = Hit {
        rule: rule.name.replace('_', "-"),
        because: String::new(),
        weight: 0.0,
        mail: false,
        at: 0,
    };
    for meta in rule.metadatas {
        match (scanner.get_string_symbol(meta.name), &meta.value) {
            ("because", MetadataValue::Bytes(text)) => {
                hit.because = String::from_utf8_lossy(scanner.get_bytes_symbol(*text)).into_owned();
            }
            ("weight", MetadataValue::Integer(hundredths)) => {
                hit.weight = *hundredths as f32 / 100.0
            }
            ("mail", MetadataValue::Boolean(mail)) => hit.mail = *mail,
            _ => {}
        }
    }
    hit.at = rule
        .matches
        .iter()
        .flat_map(|string| string.matches.iter().map(|m| m.offset))
        .min()
        .unwrap_or(0);
    hit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_speaks() {
        for texts in [&PHP[..], &SCRIPT[..], &HTACCESS[..]] {
            let mut compiler = Compiler::new();
            for text in texts {
                if let Err(error) = compiler.add_rules_str(text) {
                    panic!("{error}");
                }
            }
            let scanner = compiler.finalize();
            for rule in scanner.rules() {
                let names: Vec<&str> =
                    rule.metadatas.iter().map(|m| scanner.get_string_symbol(m.name)).collect();
                assert!(names.contains(&"because") && names.contains(&"weight"), "{}", rule.name);
            }
        }
    }
}
