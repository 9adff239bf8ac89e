//! Contents and names of files, by chance.

use super::Chance;

impl Chance {
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// A name that a file can have, of any bytes but those that no command can hold.
    pub fn name(&mut self) -> Vec<u8> {
        let length = 1 + self.upto(254);
        let mut name = self.bytes(length);
        name.iter_mut().filter(|byte| b"\0\r\n/".contains(byte)).for_each(|byte| *byte = b' ');
        if name.first() == Some(&b'.') {
            name[0] = b'_';
        }
        name
    }
}

/// Bytes that differ for each seed and are the same in every run.
pub fn random_bytes(seed: u64, count: usize) -> Vec<u8> {
    Chance::new(seed).bytes(count)
}
