//! Words for what is wrong with a client's TLS.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, InvalidMessage, PeerIncompatible};

/// Error of the client's TLS, in words for the log.
pub(super) fn in_words(error: &rustls::Error) -> io::Error {
    if let rustls::Error::AlertReceived(
        AlertDescription::CloseNotify | AlertDescription::UserCanceled,
    ) = error
    {
        // rustls takes it for an error amid a handshake only.
        return io::Error::new(ErrorKind::ConnectionAborted, "the client gave up the handshake");
    }
    let words = match error {
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => "the client's TLS is too old, TLS 1.2 or 1.3 is needed".to_owned(),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon,
        ) => format!("the client's TLS offers nothing that is safe ({error})"),
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "the client does not speak TLS".to_owned(),
        error => error.to_string(),
    };
    io::Error::new(ErrorKind::InvalidData, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scanner of 2008 was told of as `Tls12NotOffered`.
    #[test]
    fn what_is_wrong_with_the_tls_of_a_client_is_said_in_words() {
        let incompatible = rustls::Error::PeerIncompatible;
        for (error, words) in [
            (incompatible(PeerIncompatible::Tls12NotOfferedOrEnabled), "TLS is too old"),
            (incompatible(PeerIncompatible::SignatureAlgorithmsExtensionRequired), "too old"),
            (incompatible(PeerIncompatible::NoCipherSuitesInCommon), "nothing that is safe"),
            (InvalidMessage::InvalidContentType.into(), "does not speak TLS"),
            (rustls::Error::DecryptError, "decrypt"),
        ] {
            let said = in_words(&error).to_string();
            assert!(said.contains(words), "{error:?}: {said}");
        }
    }
}
