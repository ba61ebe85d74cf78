//! Kept mails, single and in an mbox, of any bytes.

#![no_main]

use heloscope_evidence::messages;
use heloscope_model::{At, Place, SourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    messages::read_one(input, Place::whole(SourceId(0)));
    let mut last = None;
    messages::read_mbox(SourceId(0), input, &mut |copy| {
        let At::Byte(at) = copy.place.at else { panic!("{:?}", copy.place) };
        assert!(last.is_none_or(|before| before < at));
        last = Some(at);
    });
});
