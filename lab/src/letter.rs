//! What people, programs and spammers write in the lab. `{DATE}` and `{ID}` are filled when a letter is sent.

use crate::chance::Chance;

/// A letter between people, as a mail program makes it.
pub fn personal(chance: &mut Chance, from: &str, to: &str, agent: &str) -> String {
    let (subject, body) = chance.pick(PERSONAL);
    let domain = from.rsplit('@').next().unwrap_or("localhost");
    format!(
        "Message-ID: <{{ID}}@{domain}>\nDate: {{DATE}}\nMIME-Version: 1.0\nUser-Agent: {agent}\nContent-Language: en-US\nTo: {to}\nFrom: {from}\n\
         Subject: {subject}\nContent-Type: text/plain; charset=UTF-8; format=flowed\nContent-Transfer-Encoding: 7bit\n\n{body}\n"
    )
}

/// A letter from a program.
pub fn report(from: &str, to: &str, subject: &str, body: &str) -> String {
    format!(
        "From: {from}\nTo: {to}\nSubject: {subject}\nDate: {{DATE}}\nMessage-ID: <{{ID}}@{}>\n\n{body}\n",
        from.rsplit('@').next().unwrap_or("localhost")
    )
}

/// Spam of a lottery-and-pills kind, with a changing subject.
pub fn spam(chance: &mut Chance, from: &str, to: &str) -> String {
    let (subject, body) = chance.pick(SPAM);
    let word = chance.word("abcdefghijkmnpqrstuvwxyz", 7);
    let number = chance.below(9000) + 1000;
    let to = if to.contains(':') { to.to_owned() } else { format!("<{to}>") };
    format!(
        "From: <{from}>\nTo: {to}\nSubject: {subject}\nDate: {{DATE}}\nMessage-ID: <{{ID}}@{}>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=\"iso-8859-1\"\n\n\
         {body}\n\nhttp://{word}.offers.example/?c={number}\n",
        from.rsplit('@').next().unwrap_or("localhost")
    )
}

const PERSONAL: &[(&str, &str)] = &[
    (
        "Offer for the spring order",
        "Hello,\n\nattached to our call of this morning: we can deliver by the 12th, price as agreed.\n\nBest regards",
    ),
    (
        "Re: meeting on Thursday",
        "Hi,\n\nThursday at ten works for us. Shall we meet at your place?\n\nKind regards",
    ),
    (
        "Invoice 4471",
        "Dear all,\n\nplease find the numbers for the last month below. Payment within 30 days as always.\n\n  hours: 38\n  travel: 2\n\nRegards",
    ),
    (
        "Re: Re: keys for the store room",
        "They are with the porter since yesterday. Please bring them back by Friday.\n",
    ),
    (
        "Photos from the fair",
        "Hi,\n\nthe photos are on the share, folder autumn. Tell me which ones you want printed.\n\nCheers",
    ),
    (
        "Question about the contract",
        "Good day,\n\nparagraph 4 speaks of two months, the annex of three. Which is meant?\n\nSincerely",
    ),
    ("lunch?", "half past twelve, the usual place?\n"),
    (
        "Re: delivery note",
        "Received complete, thank you. One box was wet outside but the goods are fine.\n",
    ),
    (
        "Timetable for next week",
        "Hello,\n\nMonday and Tuesday I am at the customer's, from Wednesday in the office.\n\nRegards",
    ),
    (
        "Re: heating in room 12",
        "The plumber comes tomorrow between eight and ten. Somebody has to let him in.\n",
    ),
];

const SPAM: &[(&str, &str)] = &[
    (
        "Your account statement is ready",
        "Dear customer,\n\na payment could not be completed. View the statement within 48 hours.",
    ),
    (
        "Best prices for watches this week",
        "Look like a million, pay like a student. Only this week.",
    ),
    ("She wrote to you", "You have 1 new private message. Read it before it is deleted."),
    (
        "Work from home, 400 a day",
        "No experience needed. We pay weekly. Reply today, places are limited.",
    ),
    ("Re: your application", "You were chosen for the second round. Confirm your data here."),
    (
        "Health without prescription",
        "All brands, discreet parcel, 80 percent less than at the chemist's.",
    ),
    (
        "Final notice: parcel waiting",
        "The parcel could not be delivered because of an open customs fee of 1.99.",
    ),
];
