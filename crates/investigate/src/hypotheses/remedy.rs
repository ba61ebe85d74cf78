//! Steps that several causes have in common: keep everything but the mail server off the mail ports, hold what still waits in the
//! queue.

use crate::usage::Usage;

/// Queue ids that one line shows.
const SHOWN: usize = 12;

/// Nothing but the mail server reaches a mail port from this host, and what tries is written down.
pub(super) fn only_the_mail_server() -> String {
    "Let only the mail server open connections to mail ports from this host: heloscope guard plan \
     shows the rules and what they would have stopped, heloscope guard apply sets them and takes \
     them back unless you confirm. heloscope record, left running, notes what tries."
        .to_owned()
}

/// What waits in the queue is held, by its ids where the log names them; otherwise `find` says how to find them.
pub(super) fn hold(usages: &[&Usage], find: &str) -> String {
    let waiting = || usages.iter().flat_map(|usage| &usage.waiting);
    let all: u64 = usages.iter().map(|usage| usage.still_waiting).sum();
    let ids: Vec<&str> = waiting().take(SHOWN).map(String::as_str).collect();
    let Some(first) = ids.first() else {
        return format!(
            "Take its mail out of the queue: {find} shows the queue ids; postsuper -h ID holds one, \
             postsuper -d ID deletes it."
        );
    };
    let more = match all - ids.len() as u64 {
        0 => String::new(),
        _ => format!("; {find} shows the others"),
    };
    // Exim's ids have their parts joined by hyphens, Postfix's and sendmail's have none.
    let command = if first.contains('-') {
        format!("exim -Mf {} freezes them, exim -Mrm removes one", ids.join(" "))
    } else {
        let ids: Vec<String> = ids.iter().map(|id| format!("-h {id}")).collect();
        format!("postsuper {} holds them, postsuper -d ID deletes one", ids.join(" "))
    };
    let mails = if all == 1 { "mail".to_owned() } else { format!("{all} mails") };
    format!("Hold its {mails} that the log last shows in the queue: {command}{more}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(ids: &[&str], all: u64) -> Usage {
        Usage {
            waiting: ids.iter().map(|id| (*id).to_owned()).collect(),
            still_waiting: all,
            ..Usage::default()
        }
    }

    #[test]
    fn the_ids_that_wait_are_named_as_their_mail_server_takes_them() {
        for (usage, says) in [
            (waiting(&[], 0), "postqueue -j shows the queue ids"),
            (
                waiting(&["3D67E113"], 1),
                "its mail that the log last shows in the queue: postsuper -h 3D67E113 holds",
            ),
            (
                waiting(&["4bQ", "4bR"], 300),
                "300 mails that the log last shows in the queue: postsuper -h 4bQ -h 4bR holds them",
            ),
            (waiting(&["4bQ", "4bR"], 300), "; postqueue -j shows the others"),
            (waiting(&["1rAbCd-000123-Ef"], 1), "exim -Mf 1rAbCd-000123-Ef freezes"),
        ] {
            let line = hold(&[&usage], "postqueue -j");
            assert!(line.contains(says), "{line}");
        }
    }
}
