//! Moving bytes, a slice at a time, between a file or a listing and a data connection. It knows no
//! session and says nothing to a client.

mod combine;
mod deflate;
mod incoming;
mod listing;
mod names;
mod outgoing;
mod pump;
mod task;

pub use combine::Combination;
pub use incoming::Incoming;
pub use listing::ListingLines;
pub use outgoing::{LISTED_AWAY, Outgoing};
pub use pump::{Aisle, Pump, State, Step};
pub use task::{Hasher, Product, Stage, Task};
