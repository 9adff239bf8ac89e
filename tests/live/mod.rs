//! Topics that are tested twice: in clear, as part of `in_clear`, and with all connections under
//! TLS, as part of `under_tls`.

mod abor;
mod active;
mod allo;
mod bad_input;
mod brief;
mod broken;
mod checksums;
mod disks;
mod extensions;
mod facts;
mod files;
mod hang_up;
mod limits;
mod list_options;
mod listing;
mod logins;
mod mode_z;
mod names;
mod passive;
mod refusals;
mod rights;
mod stress;
mod transfers;
mod uploads;
