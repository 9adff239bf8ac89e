//! The only door to served files. It knows no socket but the one it is handed to send to, no
//! session, and none of the protocol's spelling.
//!
//! A client's name becomes a file in one way only: [`Root`] lets the kernel resolve it beneath the
//! root's descriptor, links included. Nothing here compares strings to find out whether a path is
//! safe, and nothing keeps a path for later where it can keep a descriptor.

mod combine;
mod dir;
mod download;
mod facts;
mod freeing;
mod heritage;
mod job;
mod lasting;
mod litter;
mod pipe;
mod refusal;
mod remote;
mod root;
mod root_path;
mod scratch;
mod standing;
mod steps;
mod trusted;
mod upload;

pub use dir::Dir;
pub use download::{Download, SendError};
pub use job::{FileJob, JobResult, JobState};
pub use pipe::{Pipe, SpliceError};
pub use refusal::Refusal;
pub use remote::Medium;
pub use root::{Resolver, Root};
pub use root_path::RootPath;
pub use upload::{NewFile, Upload, UploadMode};

#[cfg(test)]
mod tests;
