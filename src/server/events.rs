//! Events: the one place that turns what happened into lines of the log.

use std::io;

use crate::session::DataLoss;

/// Words of the kernel or of TLS for the loss of a data connection.
pub(super) fn loss(error: &io::Error) -> DataLoss {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DataLoss::NoCloseNotify,
        _ => DataLoss::Failed(error.to_string().into()),
    }
}
