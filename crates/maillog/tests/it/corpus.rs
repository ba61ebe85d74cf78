//! Other programs' test inputs, read where they stand beside the repository.

use std::io::Read;
use std::path::PathBuf;

/// A folder or file of the corpus; says so where there is none.
pub(crate) fn find(path: &str) -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = here
        .ancestors()
        .flat_map(|folder| [folder.join("shared/corpus"), folder.join("../shared/corpus")])
        .map(|corpus| corpus.join(path))
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: no corpus ({path})");
    }
    found
}

/// The files of a .tar.xz: (path, content), in order.
pub(crate) fn untar(path: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let mut tar = Vec::new();
    let file = std::fs::File::open(find(path)?).unwrap();
    liblzma::read::XzDecoder::new(file).read_to_end(&mut tar).unwrap();
    let mut files = Vec::new();
    let mut at = 0;
    while at + 512 <= tar.len() && tar[at] != 0 {
        let header = &tar[at..at + 512];
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim().to_string()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        if header[156] == b'0' {
            files.push((text(0..100), tar[at + 512..at + 512 + size].to_vec()));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    assert!(!files.is_empty());
    Some(files)
}
