//! FTP as a language: bytes in, values out, and back. Pure: no clock, no I/O, no session.

pub mod ascii;
pub mod checksum;
pub mod command;
pub mod date;
pub mod digits;
pub mod entry;
pub mod hostport;
pub mod line;
pub mod listing;
pub mod path;
pub mod pattern;
pub mod reply;
pub mod shown;
pub mod verb;
