//! The detectors, in the order of the catalogue (docs and pages number them so).

use crate::Detector;
use crate::detectors as d;

/// All detectors.
pub static CATALOGUE: &[&Detector] = &[
    &d::helo_ylmf_pc::DETECTOR,
    &d::helo_is_receiver::DETECTOR,
    &d::helo_literal_mismatch::DETECTOR,
    &d::helo_loopback_private::DETECTOR,
    &d::helo_localhost::DETECTOR,
    &d::helo_localdomain::DETECTOR,
    &d::helo_bare_ip::DETECTOR,
    &d::helo_dotless::DETECTOR,
    &d::helo_random_dynamic::DETECTOR,
    &d::helo_home_lan::DETECTOR,
    &d::helo_dynamic_name::DETECTOR,
    &d::helo_random_in_ptr_domain::DETECTOR,
    &d::helo_big_name_wrong_ptr::DETECTOR,
    &d::helo_rotation::DETECTOR,
    &d::helo_changes_in_session::DETECTOR,
    &d::helo_invalid_syntax::DETECTOR,
    &d::pregreet::DETECTOR,
    &d::unadvertised_pipelining::DETECTOR,
    &d::proxy_command::DETECTOR,
    &d::headers_as_commands::DETECTOR,
    &d::deaf::DETECTOR,
    &d::bare_lf::DETECTOR,
    &d::dialect_known_bot::DETECTOR,
    &d::abort_without_quit::DETECTOR,
    &d::sender_is_recipient::DETECTOR,
    &d::dictionary_harvest::DETECTOR,
    &d::auth_guessing::DETECTOR,
    &d::trap_hit::DETECTOR,
    &d::ratware_message_id::DETECTOR,
    &d::forged_mua::DETECTOR,
    &d::mua_direct_to_mx::DETECTOR,
    &d::stack_vs_software::DETECTOR,
    &d::two_stacks::DETECTOR,
    &d::no_or_dynamic_ptr::DETECTOR,
    &d::address_shared::DETECTOR,
    &d::tunnel_exit::DETECTOR,
    &d::real_mta::DETECTOR,
];

/// The detector of an id.
pub fn find(id: &str) -> Option<&'static Detector> {
    CATALOGUE.iter().copied().find(|detector| detector.id == id)
}
