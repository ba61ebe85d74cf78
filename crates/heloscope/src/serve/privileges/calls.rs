//! seccomp: the system calls that a server with its sockets never makes.
//!
//! A list of what is refused, not of what is allowed: an allow list breaks with the next C library, and
//! what such a list is switched off for is worse than what it misses. Refused (with EPERM) is what turns a
//! foothold into more: running programs, reaching into other processes, name spaces and mounts, the
//! kernel's rarely used and often broken doors, new listeners, memory that is written and then run.
//! `clone3` hides its flags from the filter and is answered "not there" (ENOSYS), so that the C library
//! takes `clone`, where anything but a thread is refused.

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refused whatever is asked of them.
const NEVER: &[libc::c_long] = &[
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Name spaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_personality,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_vmsplice,
    libc::SYS_mknodat,
    // The clock and the host's name.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // Who we are.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_capset,
    // Everything is bound and listens already.
    libc::SYS_listen,
];

/// The same, where only this machine has them.
#[cfg(target_arch = "x86_64")]
const OF_THIS_MACHINE: &[libc::c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_mknod,
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const OF_THIS_MACHINE: &[libc::c_long] = &[];

/// The second table of system calls that some kernels of this machine have (x32): the same numbers with this
/// bit, and some of its own.
#[cfg(target_arch = "x86_64")]
const SECOND_TABLE: i64 = 0x4000_0000;
/// There: execve, ptrace, kexec_load, vmsplice, process_vm_readv and _writev, execveat.
#[cfg(target_arch = "x86_64")]
const OF_SECOND_TABLE: [i64; 7] = [520, 521, 528, 532, 539, 540, 545];

/// Raises the filter; what holds now.
pub(super) fn refuse() -> String {
    let applied = filters().and_then(|filters| {
        let apply = |filter: &BpfProgram| Ok(seccompiler::apply_filter_all_threads(filter)?);
        filters.iter().try_for_each(apply)
    });
    match applied {
        Ok(()) => {
            let whole = NEVER.len() + OF_THIS_MACHINE.len();
            format!("seccomp: {whole} system calls refused, others by what they ask for")
        }
        Err(error) => format!("no seccomp ({error:#})"),
    }
}

fn filters() -> anyhow::Result<[BpfProgram; 2]> {
    let machine = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = |rules, errno: libc::c_int| -> anyhow::Result<BpfProgram> {
        let (otherwise, then) = (SeccompAction::Allow, SeccompAction::Errno(errno.unsigned_abs()));
        Ok(SeccompFilter::new(rules, otherwise, then, machine)?.try_into()?)
    };
    let hidden = Rules::from([(libc::SYS_clone3, Vec::new())]);
    Ok([filter(refused()?, libc::EPERM)?, filter(hidden, libc::ENOSYS)?])
}

/// What is refused, and of which arguments.
fn refused() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules =
        NEVER.iter().chain(OF_THIS_MACHINE).map(|&call| (call, Vec::new())).collect();
    let masked = |index, mask: libc::c_int, value: libc::c_int| {
        let (mask, value) = (mask.unsigned_abs().into(), value.unsigned_abs().into());
        let condition = SeccompCondition::new(index, Len::Dword, Op::MaskedEq(mask), value)?;
        SeccompRule::new(vec![condition])
    };
    // A process of its own; a thread is fine.
    rules.insert(libc::SYS_clone, vec![masked(0, libc::CLONE_THREAD, 0)?]);
    // Memory that is written and run, now or later.
    let both = libc::PROT_WRITE | libc::PROT_EXEC;
    rules.insert(libc::SYS_mmap, vec![masked(2, both, both)?]);
    for call in [libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        rules.insert(call, vec![masked(2, libc::PROT_EXEC, libc::PROT_EXEC)?]);
    }
    // Other families than the Internet's and the local one: netlink, packet, vsock, alg and their like.
    let family = |family: libc::c_int| {
        SeccompCondition::new(0, Len::Dword, Op::Ne, family.unsigned_abs().into())
    };
    let other = [family(libc::AF_UNIX)?, family(libc::AF_INET)?, family(libc::AF_INET6)?];
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(other.into())?]);
    #[cfg(target_arch = "x86_64")]
    {
        let second: Rules =
            rules.iter().map(|(call, asked)| (call | SECOND_TABLE, asked.clone())).collect();
        rules.extend(second);
        rules.extend(OF_SECOND_TABLE.map(|call| (call | SECOND_TABLE, Vec::new())));
    }
    Ok(rules)
}
