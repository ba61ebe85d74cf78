//! One file a detector; the file's name is the detector's id.

pub(crate) mod abort_without_quit;
pub(crate) mod bare_lf;
pub(crate) mod deaf;
pub(crate) mod dialect_known_bot;
pub(crate) mod headers_as_commands;
pub(crate) mod helo_bare_ip;
pub(crate) mod helo_changes_in_session;
pub(crate) mod helo_dotless;
pub(crate) mod helo_home_lan;
pub(crate) mod helo_invalid_syntax;
pub(crate) mod helo_literal_mismatch;
pub(crate) mod helo_localdomain;
pub(crate) mod helo_localhost;
pub(crate) mod helo_loopback_private;
pub(crate) mod helo_ylmf_pc;
pub(crate) mod mua_direct_to_mx;
pub(crate) mod no_or_dynamic_ptr;
pub(crate) mod pregreet;
pub(crate) mod proxy_command;
pub(crate) mod ratware_message_id;
pub(crate) mod sender_is_recipient;
pub(crate) mod trap_hit;
pub(crate) mod unadvertised_pipelining;
