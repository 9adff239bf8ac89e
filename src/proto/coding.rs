//! Coding of data connections: what TYPE, MODE and OPTS MODE Z have agreed (RFC 959, 3).

/// Representation type: how file contents stand on the wire (RFC 959, 3.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Representation {
    /// TYPE A: lines that end in CRLF.
    Ascii,
    /// TYPE I: the bytes as they are.
    #[default]
    Image,
}

/// Transfer mode: how data stands on the wire (RFC 959, 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// MODE S: as it is.
    #[default]
    Stream,
    /// MODE Z: as one zlib stream (draft-preston-ftpext-deflate).
    Deflate,
}

/// Agreements on what the bytes of a data connection mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coding {
    /// TYPE.
    pub representation: Representation,
    /// MODE.
    pub mode: Mode,
    /// Compression level of MODE Z, from 1 to 9.
    pub level: Level,
}

impl Coding {
    /// True if the bytes on the wire are those of the file.
    pub fn is_plain(self) -> bool {
        self.representation == Representation::Image && self.mode == Mode::Stream
    }
}

/// The compression level of MODE Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub u8);

impl Default for Level {
    /// Level of nearly full gain, at a fraction of what the rest would cost: some clients (lftp)
    /// use MODE Z as soon as FEAT lists it, on fast lines too.
    fn default() -> Level {
        Level(2)
    }
}
