//! The evaluator against the kernel: random rule sets are loaded in network namespaces made for
//! it, dumped by the real tools in a form drawn by lot, and real connections are tried, locally as
//! several users and forwarded, over IPv4 and IPv6. What `ask` says from the dumps alone must be
//! what happened: never "allowed" where the kernel drops, nor "denied" where it lets pass.
//!
//!     HELOSCOPE_FW_TRIALS=2000 HELOSCOPE_FW_SEED=1 \
//!         cargo nextest run -p heloscope-evidence --test kernel --no-capture
//!
//! Without the variables 60 trials are run. A failure prints its seed and the dumps; the same seed
//! makes the same rule sets.

mod agent;
mod chance;
mod ground;
mod iptables;
mod nft;
mod trial;

use ground::Ground;

#[test]
fn agrees_with_the_kernel() {
    if agent::is_one() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    for tool in ["ip", "nft", "iptables-nft", "ip6tables-nft"] {
        if !ground::is_there(tool) {
            println!("skipped: needs {tool}");
            return;
        }
    }
    let number = |name: &str| {
        #[allow(clippy::disallowed_methods)] // how many trials is the caller's to say
        let value = std::env::var(name).ok();
        value.and_then(|v| v.parse::<u64>().ok())
    };
    let trials = number("HELOSCOPE_FW_TRIALS").unwrap_or(60);
    let seed = number("HELOSCOPE_FW_SEED").unwrap_or(20151204);
    // The whole runs in threads that enter namespaces, so that the caller's is never touched.
    let mut ground = match Ground::make() {
        Ok(ground) => ground,
        Err(why) => {
            println!("skipped: no namespaces could be made: {why}");
            return;
        }
    };
    let mut tally = trial::Tally::default();
    for n in 0..trials {
        trial::one(&mut ground, seed.wrapping_add(n), &mut tally);
    }
    drop(ground);
    println!("{}", tally.table(trials, seed));
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    assert!(tally.loaded * 10 >= trials * 9, "too many rule sets were not taken by the tools");
    let share = tally.unknown as f64 / (tally.asked as f64).max(1.0);
    assert!(share < 0.02, "unknown: {:.2} %", share * 100.0);
}

/// The program that connects, started again from this one under another user.
#[test]
#[ignore = "the other side of agrees_with_the_kernel"]
fn connects() {
    agent::serve();
}
