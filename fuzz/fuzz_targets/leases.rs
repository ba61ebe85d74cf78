//! DHCP leases of both servers: whole link-layer addresses, places inside the file.

#![no_main]

use heloscope_evidence::leases;
use heloscope_model::{At, SourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for lease in leases::read(input, SourceId(0), 0) {
        assert_eq!(lease.mac.len(), 17, "{}", lease.mac);
        assert!(matches!(lease.place.at, At::Byte(at) if at < input.len() as u64));
    }
});
