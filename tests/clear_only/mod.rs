//! Topics that are tested in clear alone. Under TLS there is no urgent data (`telnet`), nothing
//! comes before the handshake (`early_data`), a foreign client would need its own TLS (`suppaftp`),
//! a disk hangs as it does without (`slow_disks`), and so does a crowd at the door (`shut_out`),
//! and addresses (`networks`), jails (`jail`), the log (`log_lines`), the reload of settings (`reload`)
//! and what systemd hears and hands over (`service_manager`) are the same.

mod early_data;
mod hanging_disk;
mod jail;
mod log_lines;
mod networks;
mod reload;
mod service_manager;
mod shut_out;
mod slow_disks;
mod suppaftp;
mod telnet;
