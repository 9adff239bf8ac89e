//! Chance that nobody can foresee: each has a seed of its own from the kernel.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Numbers by chance, as many as one lease needs.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// Chance with a new seed.
    ///
    /// # Errors
    /// The kernel gives no random numbers, or not yet.
    pub(super) fn new() -> io::Result<Chance> {
        let mut seed = [0; 8];
        loop {
            match getrandom(&mut seed, GetRandomFlags::NONBLOCK) {
                Ok(8) => return Ok(Chance(u64::from_ne_bytes(seed))),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Number of `0..end`, each as likely as another.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // Splitmix64. What is left over of 2^64 is too little to tell.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}
