//! Writes a made-up Postfix log: `postfix_log --days 30 --bytes 300000000 > mail.log`.
//!
//! The same arguments give the same bytes. `--first-day` (days since 1970), `--seed`, `--short`
//! (short queue ids), `--iso` (RFC 3339 stamps), `--days`, `--bytes` (about so many).

mod generate;

use generate::{Generator, Shape};
use std::io::{BufWriter, Write, stdout};

/// Bytes a story takes on average.
const BYTES_A_STORY: u64 = 1_420;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut shape = Shape::default();
    let mut bytes = 30_000_000;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            args.next().and_then(|a| a.parse::<u64>().ok()).ok_or(format!("{arg} needs a number"))
        };
        match arg.as_str() {
            "--days" => shape.days = number()?,
            "--bytes" => bytes = number()?,
            "--seed" => shape.seed = number()?,
            "--first-day" => shape.first_day = number()?,
            "--short" => shape.long_ids = false,
            "--iso" => shape.iso = true,
            other => {
                return Err(
                    format!("{other}: --days --bytes --seed --first-day --short --iso").into()
                );
            }
        }
    }
    shape.stories_a_day = bytes / BYTES_A_STORY / shape.days.max(1);
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    Generator::new(shape).write(&mut out)?;
    out.flush()?;
    Ok(())
}
