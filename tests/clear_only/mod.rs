//! Topics that are tested in clear alone. Under TLS there is no urgent data (`telnet`), nothing comes
//! before the handshake (`early_data`), and a foreign client would need its own TLS (`suppaftp`).

mod early_data;
mod hanging_disk;
mod slow_disks;
mod suppaftp;
mod telnet;
