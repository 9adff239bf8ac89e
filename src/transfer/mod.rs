//! Moving bytes, a slice at a time, between a file or a listing and a data connection. It knows no
//! session and says nothing to a client.

mod deflate;
mod incoming;
mod listing;
mod names;
mod outgoing;
mod pump;
mod step;

pub use listing::ListingLines;
pub use outgoing::WORKER_LIST_BUDGET;
pub use pump::Pump;
pub use step::{State, Step, TransferBuffers};
