//! Facts of a file as a listing knows them, before anybody has chosen how to spell it.

/// The kind of a file, as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link that was not followed.
    Link,
    /// A device, a FIFO or a socket: shown, never transferred.
    Special,
}

/// The facts of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// File, folder, link or something else.
    pub kind: Kind,
    /// Permission bits, set-id and sticky bits included (`0o7777`).
    pub mode: u16,
    /// The number of hard links.
    pub links: u32,
    /// The owner's numeric id.
    pub owner: u32,
    /// The group's numeric id.
    pub group: u32,
    /// The length in bytes.
    pub size: u64,
    /// Time of the last change of its content, in seconds since 1970 (UTC).
    pub modified: i64,
    /// Nanoseconds of that time behind the second.
    pub modified_ns: u32,
    /// Time of its creation, in seconds since 1970 (UTC), where the file system knows.
    pub created: Option<i64>,
    /// The number of the device it is on; with `inode`, what makes it unique.
    pub device: u64,
    /// Number of the file on that device.
    pub inode: u64,
}

impl Facts {
    /// Facts of a file that is there and can't be looked at: its kind, if even that is known.
    pub fn without_a_look(kind: Option<Kind>) -> Facts {
        let kind = kind.unwrap_or(Kind::File);
        let (mode, links, owner, group, size, modified, modified_ns) = (0, 1, 0, 0, 0, 0, 0);
        let (created, device, inode) = (None, 0, 0);
        Facts {
            kind,
            mode,
            links,
            owner,
            group,
            size,
            modified,
            modified_ns,
            created,
            device,
            inode,
        }
    }
}
