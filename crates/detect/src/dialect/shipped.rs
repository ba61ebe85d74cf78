//! The dialects that are shipped: `dialects/*.dialect` of this crate, one file each, learnt from
//! recordings of the lab (`lab senders --mails 30`, then `heloscope detect learn --kinds`). None is proved: the
//! lab's receiver is no trap, so a shipped dialect never lists on one hit.

use super::Dialects;

/// File names and texts; a test holds the list against the folder.
const FILES: [(&str, &str); 43] = [
    ("aiosmtplib.dialect", include_str!("../../dialects/aiosmtplib.dialect")),
    ("curl.dialect", include_str!("../../dialects/curl.dialect")),
    ("deaf.dialect", include_str!("../../dialects/deaf.dialect")),
    ("django.dialect", include_str!("../../dialects/django.dialect")),
    ("dma.dialect", include_str!("../../dialects/dma.dialect")),
    ("early-talker.dialect", include_str!("../../dialects/early-talker.dialect")),
    ("emacs.dialect", include_str!("../../dialects/emacs.dialect")),
    ("email-sender.dialect", include_str!("../../dialects/email-sender.dialect")),
    ("emailjs.dialect", include_str!("../../dialects/emailjs.dialect")),
    ("esmtp.dialect", include_str!("../../dialects/esmtp.dialect")),
    ("exim.dialect", include_str!("../../dialects/exim.dialect")),
    ("freemail-helo.dialect", include_str!("../../dialects/freemail-helo.dialect")),
    ("git-send-email.dialect", include_str!("../../dialects/git-send-email.dialect")),
    ("harvest.dialect", include_str!("../../dialects/harvest.dialect")),
    ("headers-as-commands.dialect", include_str!("../../dialects/headers-as-commands.dialect")),
    ("helo-receiver.dialect", include_str!("../../dialects/helo-receiver.dialect")),
    ("horde-mail.dialect", include_str!("../../dialects/horde-mail.dialect")),
    ("javamail.dialect", include_str!("../../dialects/javamail.dialect")),
    ("lettre.dialect", include_str!("../../dialects/lettre.dialect")),
    ("lua-socket.dialect", include_str!("../../dialects/lua-socket.dialect")),
    ("mime-lite.dialect", include_str!("../../dialects/mime-lite.dialect")),
    ("msmtp.dialect", include_str!("../../dialects/msmtp.dialect")),
    ("mutt.dialect", include_str!("../../dialects/mutt.dialect")),
    ("net-smtp.dialect", include_str!("../../dialects/net-smtp.dialect")),
    ("nodemailer.dialect", include_str!("../../dialects/nodemailer.dialect")),
    ("nullmailer.dialect", include_str!("../../dialects/nullmailer.dialect")),
    ("pear-mail.dialect", include_str!("../../dialects/pear-mail.dialect")),
    ("phpmailer.dialect", include_str!("../../dialects/phpmailer.dialect")),
    ("random-capitals.dialect", include_str!("../../dialects/random-capitals.dialect")),
    ("ratware-message-id.dialect", include_str!("../../dialects/ratware-message-id.dialect")),
    ("ruby-mail.dialect", include_str!("../../dialects/ruby-mail.dialect")),
    ("ruby-net-smtp.dialect", include_str!("../../dialects/ruby-net-smtp.dialect")),
    ("s-nail.dialect", include_str!("../../dialects/s-nail.dialect")),
    ("sendemail.dialect", include_str!("../../dialects/sendemail.dialect")),
    ("sender-is-recipient.dialect", include_str!("../../dialects/sender-is-recipient.dialect")),
    ("smtplib.dialect", include_str!("../../dialects/smtplib.dialect")),
    ("ssmtp.dialect", include_str!("../../dialects/ssmtp.dialect")),
    ("swaks.dialect", include_str!("../../dialects/swaks.dialect")),
    ("swiftmailer.dialect", include_str!("../../dialects/swiftmailer.dialect")),
    ("symfony-mailer.dialect", include_str!("../../dialects/symfony-mailer.dialect")),
    ("tcllib.dialect", include_str!("../../dialects/tcllib.dialect")),
    ("upyo.dialect", include_str!("../../dialects/upyo.dialect")),
    ("ylmf-pc.dialect", include_str!("../../dialects/ylmf-pc.dialect")),
];

impl Dialects {
    /// The dialects that are shipped.
    pub fn shipped() -> Self {
        let mut dialects = Self::default();
        for (file, text) in FILES {
            // A test reads them all; a file that is not understood says nothing of anybody.
            let read = dialects.add(file, text);
            debug_assert!(read.is_ok(), "{read:?}");
        }
        dialects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_file_of_the_folder_is_shipped_and_understood() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialects");
        let mut there: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        there.sort();
        let listed: Vec<&str> = FILES.iter().map(|(file, _)| *file).collect();
        assert_eq!(there, listed);
        let shipped = Dialects::shipped();
        assert_eq!(shipped.iter().count(), FILES.len());
        for (known, file) in shipped.iter().zip(listed) {
            assert_eq!(format!("{}.dialect", known.name), file);
            assert!(!known.proved, "{file}: the lab proves nothing");
        }
    }
}
