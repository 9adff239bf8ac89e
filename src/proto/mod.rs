//! FTP as a language: bytes in, values out, and back. Pure: no clock, no I/O, no session.

pub mod ascii;
pub mod checksum;
pub mod coding;
pub mod command;
pub mod date;
pub mod digits;
pub mod escaped;
pub mod facts;
pub mod foreign;
pub mod glob;
pub mod hostport;
pub mod line;
pub mod list_options;
pub mod listing;
pub mod path;
pub mod reply;
pub mod verb;
