//! System calls that a server makes, and no others, by seccomp. To any other the kernel answers as one
//! that does not have it (ENOSYS): so ends that call and nothing else, and a C library that tries a newer
//! call falls back on an older one, as it does with clone3, whose flags no filter can see.
//!
//! The list is what the tests and the clients of this server made it do, under `strace`; the tests run
//! under it, so that a call that is missed is missed there.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// Calls on files by their descriptors and names.
const FILES: &[i64] = &[
    libc::SYS_copy_file_range,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getxattr,
    libc::SYS_linkat,
    libc::SYS_listxattr,
    libc::SYS_lseek,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_readlinkat,
    libc::SYS_renameat2,
    libc::SYS_statx,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
];

/// Calls that move bytes, and wait for them.
const BYTES: &[i64] = &[
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_close,
    libc::SYS_connect,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_fcntl,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_listen,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv2,
    libc::SYS_pwrite64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_sendfile,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_splice,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Calls for memory, threads, signals and clocks.
const PROCESS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    // Asked by rustix where there is no faccessat2.
    libc::SYS_getuid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_prlimit64,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_uname,
];

/// Older spellings of calls that some processors have.
#[cfg(target_arch = "x86_64")]
const OLDER: &[i64] = &[
    libc::SYS_epoll_wait,
    libc::SYS_lstat,
    libc::SYS_open,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_renameat,
    libc::SYS_stat,
];
/// The call renameat, for which the crate libc has no name there.
#[cfg(target_arch = "aarch64")]
const OLDER: &[i64] = &[38];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OLDER: &[i64] = &[];

/// Leaves this thread, and those that it starts, the calls of the list.
///
/// # Errors
/// One line: this kernel or this processor has no such filter.
pub fn allow_only_known_calls() -> Result<String, String> {
    let lacking =
        |why: String| format!("seccomp, which refuses other calls, is not to be had: {why}");
    let (filter, calls) = filter().map_err(|error| lacking(error.to_string()))?;
    apply_filter(&filter).map_err(|error| lacking(error.to_string()))?;
    Ok(format!("seccomp leaves it {calls} system calls"))
}

fn filter() -> Result<(BpfProgram, usize), BackendError> {
    let plain = [FILES, BYTES, PROCESS, OLDER].concat();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        plain.into_iter().map(|call| (call, Vec::new())).collect();
    rules.extend(limited()?);
    let calls = rules.len();
    let refused = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let processor = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, processor)?;
    Ok((filter.try_into()?, calls))
}

/// Calls that are allowed with some arguments: no new processes, sockets other than TCP, code that was
/// not there at the start, or signals to others.
fn limited() -> Result<Vec<(i64, Vec<SeccompRule>)>, BackendError> {
    let mut sockets = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        for protocol in [0, libc::IPPROTO_TCP] {
            sockets.push(SeccompRule::new(vec![
                argument(0, Eq, family)?,
                argument(1, MaskedEq(KINDS), libc::SOCK_STREAM)?,
                argument(2, Eq, protocol)?,
            ])?);
        }
    }
    let mut ioctls = Vec::new();
    for request in IOCTLS {
        let request = SeccompCondition::new(1, Dword, Eq, request)?;
        ioctls.push(SeccompRule::new(vec![request])?);
    }
    let alone = |condition| Ok::<_, BackendError>(vec![SeccompRule::new(vec![condition])?]);
    let no_code = || alone(argument(2, MaskedEq(bits(libc::PROT_EXEC)), 0)?);
    let own = std::process::id().cast_signed();
    let thread = argument(0, MaskedEq(bits(libc::CLONE_THREAD)), libc::CLONE_THREAD)?;
    Ok(vec![
        (libc::SYS_socket, sockets),
        (libc::SYS_ioctl, ioctls),
        (libc::SYS_mmap, no_code()?),
        (libc::SYS_mprotect, no_code()?),
        (libc::SYS_clone, alone(thread)?),
        (libc::SYS_tgkill, alone(argument(0, Eq, own)?)?),
        (libc::SYS_prctl, alone(argument(0, Eq, libc::PR_SET_NAME)?)?),
    ])
}

/// Requests of ioctl, FIONBIO and TCGETS: a socket is made non-blocking, an output asked if it is a
/// terminal. The C libraries have them in different types.
const IOCTLS: [u64; 2] = [0x5421, 0x5401];

/// Bits of a socket's type that say its kind; the others are SOCK_NONBLOCK and SOCK_CLOEXEC.
const KINDS: u64 = 0xf;

fn argument(
    number: u8,
    operator: SeccompCmpOp,
    value: i32,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(number, Dword, operator, bits(value))
}

/// Argument as the filter compares it: the lower half of a register.
fn bits(value: i32) -> u64 {
    value.cast_unsigned().into()
}
