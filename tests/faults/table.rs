//! The table: each system call that the program makes, and what the kernel may answer instead of
//! doing it.

use std::collections::BTreeSet;

/// Faults of one call.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub call: &'static str,
    results: &'static [&'static [&'static str]],
    pub stay: Stay,
}

/// How long faults of a call may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// They are over at once.
    Never,
    /// Once or for ever.
    Maybe,
    /// From the program's first call on, for ever; they do not begin later.
    Always,
}

/// A disk, or what keeps its names.
const DISK: &[&str] = &["error=EIO", "error=ENOMEM", "error=ESTALE"];
const PERMISSION: &[&str] = &["error=EACCES", "error=EPERM"];
const DESCRIPTORS: &[&str] = &["error=EMFILE", "error=ENFILE"];
const SPACE: &[&str] = &["error=ENOSPC", "error=EDQUOT", "error=EFBIG"];
const GONE: &[&str] = &["error=ENOENT"];
const READ_ONLY: &[&str] = &["error=EROFS"];
/// A kernel or a file system that has no such call, or a filter that forbids it.
const UNKNOWN: &[&str] = &["error=ENOSYS", "error=EPERM"];
const UNSUPPORTED: &[&str] = &["error=EOPNOTSUPP", "error=EINVAL"];
const INTERRUPTED: &[&str] = &["error=EINTR"];
const RACED: &[&str] = &["error=EAGAIN"];
const THREADS: &[&str] = &["error=EAGAIN", "error=ENOMEM"];
const PEER: &[&str] = &["error=ECONNRESET", "error=EPIPE", "error=ETIMEDOUT", "error=EHOSTUNREACH"];
const BUFFERS: &[&str] = &["error=ENOBUFS", "error=ENOMEM"];
const PORTS: &[&str] = &["error=EADDRINUSE", "error=EADDRNOTAVAIL"];
const NETWORK: &[&str] = &["error=ENETUNREACH", "error=ECONNREFUSED", "error=EACCES"];
const ACCEPTING: &[&str] = &["error=ECONNABORTED", "error=EPROTO", "error=EPERM", "error=ENETDOWN"];
const CLOSED: &[&str] = &["error=ENOTCONN"];
/// No bytes, or no more names.
const ZERO: &[&str] = &["retval=0"];

/// Calls of files and folders, of sockets, and of the loop.
pub const TABLE: &[Row] = &[
    stays("openat2", &[DISK, PERMISSION, DESCRIPTORS, GONE, INTERRUPTED, RACED, SPACE, UNKNOWN]),
    stays("openat", &[DISK, PERMISSION, DESCRIPTORS, GONE, INTERRUPTED, SPACE, READ_ONLY]),
    stays("open", &[DISK, PERMISSION, DESCRIPTORS, GONE, INTERRUPTED, SPACE, READ_ONLY]),
    // Without ENOENT: so it answers of a name that somebody else has just removed.
    stays("statx", &[DISK, PERMISSION, INTERRUPTED, UNKNOWN]),
    stays("newfstatat", &[DISK, PERMISSION, GONE]),
    stays("fstat", &[DISK]),
    stays("fstatfs", &[DISK, INTERRUPTED, UNKNOWN]),
    stays("faccessat2", &[DISK, PERMISSION, UNKNOWN, READ_ONLY]),
    stays("getdents64", &[DISK, GONE, INTERRUPTED, ZERO]),
    stays("read", &[DISK, INTERRUPTED, ZERO]),
    stays("pread64", &[DISK, INTERRUPTED, ZERO]),
    stays("preadv2", &[DISK, INTERRUPTED, RACED, UNKNOWN, UNSUPPORTED, ZERO]),
    stays("write", &[DISK, SPACE, INTERRUPTED, &["error=EPIPE"]]),
    stays("writev", &[DISK, SPACE, PEER, BUFFERS, INTERRUPTED]),
    stays("sendfile", &[DISK, PEER, BUFFERS, INTERRUPTED, ZERO]),
    stays("splice", &[DISK, SPACE, PEER, INTERRUPTED, ZERO]),
    stays("copy_file_range", &[DISK, SPACE, INTERRUPTED, UNKNOWN, UNSUPPORTED, ZERO]),
    stays("ftruncate", &[DISK, SPACE, INTERRUPTED, PERMISSION]),
    stays("fdatasync", &[DISK, SPACE, INTERRUPTED]),
    stays("flock", &[INTERRUPTED, UNKNOWN, &["error=ENOLCK"]]),
    stays("fadvise64", &[DISK, UNKNOWN]),
    stays("fcntl", &[DESCRIPTORS]),
    stays("close", &[DISK, SPACE, INTERRUPTED]),
    stays("linkat", &[DISK, PERMISSION, SPACE, GONE, READ_ONLY]),
    stays("renameat", &[DISK, PERMISSION, SPACE, READ_ONLY]),
    stays("renameat2", &[DISK, PERMISSION, SPACE, READ_ONLY, UNKNOWN]),
    stays("unlinkat", &[DISK, PERMISSION, READ_ONLY]),
    stays("mkdirat", &[DISK, PERMISSION, SPACE, READ_ONLY]),
    stays("fchmod", &[DISK, PERMISSION, READ_ONLY]),
    stays("fchmodat", &[DISK, PERMISSION, READ_ONLY]),
    stays("utimensat", &[DISK, PERMISSION, READ_ONLY]),
    stays("listxattr", &[DISK, UNKNOWN, UNSUPPORTED]),
    stays("fremovexattr", &[DISK, PERMISSION, UNSUPPORTED]),
    stays("readlink", &[DISK, PERMISSION, GONE]),
    stays("accept4", &[DESCRIPTORS, BUFFERS, ACCEPTING, INTERRUPTED]),
    stays("recvfrom", &[PEER, BUFFERS, INTERRUPTED, ZERO]),
    stays("sendto", &[PEER, BUFFERS, INTERRUPTED]),
    stays("connect", &[PORTS, NETWORK, BUFFERS]),
    stays("socket", &[DESCRIPTORS, BUFFERS, PERMISSION]),
    stays("bind", &[PORTS, BUFFERS, PERMISSION]),
    stays("listen", &[PORTS, BUFFERS]),
    stays("shutdown", &[CLOSED]),
    stays("setsockopt", &[BUFFERS, CLOSED, UNKNOWN]),
    stays("getsockopt", &[BUFFERS, CLOSED]),
    stays("getsockname", &[BUFFERS, CLOSED]),
    stays("getpeername", &[BUFFERS, CLOSED]),
    stays("socketpair", &[DESCRIPTORS, BUFFERS]),
    stays("pipe2", &[DESCRIPTORS]),
    stays("eventfd2", &[DESCRIPTORS, BUFFERS]),
    stays("epoll_create1", &[DESCRIPTORS, BUFFERS]),
    stays("epoll_ctl", &[BUFFERS]),
    passes("epoll_wait", &[INTERRUPTED]),
    passes("getrandom", &[INTERRUPTED]),
    Row { call: "getrandom", results: &[UNKNOWN], stay: Stay::Always },
    stays("clone3", &[THREADS]),
    stays("clone", &[THREADS]),
    stays("prlimit64", &[PERMISSION]),
    stays("getrusage", &[PERMISSION]),
    stays("rt_sigaction", &[UNKNOWN]),
    // The sandbox, which has a gap then, and says so.
    stays("capget", &[UNKNOWN]),
    stays("capset", &[UNKNOWN]),
    stays("landlock_create_ruleset", &[UNKNOWN, DESCRIPTORS]),
    stays("landlock_add_rule", &[UNKNOWN]),
    stays("landlock_restrict_self", &[UNKNOWN]),
    stays("seccomp", &[UNKNOWN]),
];

/// Calls that are not tried: they cannot fail, or they are of the allocator, which ends a program whose
/// memory is refused, or of Rust's runtime.
pub const LEFT_OUT: &[&str] = &[
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "futex",
    "rseq",
    "set_robust_list",
    "sched_getaffinity",
    "sched_yield",
    "prctl",
    "gettid",
    "exit",
    "exit_group",
    "rt_sigreturn",
    "restart_syscall",
    "clock_nanosleep",
    "rt_sigprocmask",
    "sigaltstack",
    "uname",
    "geteuid",
    "ppoll",
    "ioctl",
    "getpid",
];

const fn stays(call: &'static str, results: &'static [&'static [&'static str]]) -> Row {
    Row { call, results, stay: Stay::Maybe }
}

const fn passes(call: &'static str, results: &'static [&'static [&'static str]]) -> Row {
    Row { call, results, stay: Stay::Never }
}

impl Row {
    /// Each of its results, as strace spells them.
    pub fn results(&self) -> BTreeSet<&'static str> {
        self.results.iter().copied().flatten().copied().collect()
    }
}

/// True of what is over in a moment.
pub fn is_transient(result: &str) -> bool {
    ["error=EINTR", "error=EAGAIN"].contains(&result)
}
