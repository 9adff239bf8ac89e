//! Stored passwords: argon2id hashes as PHC strings, the one form in which a password is kept. It
//! makes hashes and checks them, never keeps or shows a password, and belongs on a worker thread:
//! both take their time.

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use std::fmt;

use super::ValueError;

/// A password as it is kept: an argon2id hash, as a whole PHC string. It never shows itself in
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword {
    text: String,
    hash: PasswordHash,
}

impl StoredPassword {
    /// Takes a PHC string, as `packetboat user add` writes it.
    ///
    /// # Errors
    /// The text is no PHC string, or not whole, or of another algorithm than argon2id.
    pub fn parse(text: &str) -> Result<StoredPassword, ValueError> {
        let hash = PasswordHash::new(text)
            .map_err(|error| ValueError::new(format!("not a PHC string ({error})")))?;
        if hash.algorithm != ARGON2ID_IDENT {
            return Err(ValueError::new(format!("made by {}, not by argon2id", hash.algorithm)));
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(ValueError::new("cut short: the salt or the hash is missing"));
        }
        // Parameters that verify would stumble over are refused now, while somebody reads it.
        Params::try_from(&hash).map_err(|_| ValueError::new("its m, t or p is out of range"))?;
        if let Some(version) = hash.version {
            let unknown = |_| ValueError::new(format!("argon2 has no version {version}"));
            Version::try_from(version).map_err(unknown)?;
        }
        Ok(StoredPassword { text: text.to_owned(), hash })
    }

    /// Hashes a new password with a salt of its own.
    ///
    /// Hashing takes some 20 ms on purpose, and each login as long: a hash that is quick to make is
    /// quick to guess. In a build without optimisation it is more like a second, unless the
    /// packages `argon2` and `blake2` have `opt-level = 3` in the profile `dev`.
    ///
    /// # Errors
    /// Random numbers cannot be had on this machine.
    pub fn hash(password: impl AsRef<[u8]>) -> Result<StoredPassword, ValueError> {
        let hash: PasswordHash =
            Argon2::default().hash_password(password.as_ref()).map_err(|error| {
                ValueError::new(format!("the password could not be hashed: {error}"))
            })?;
        Ok(StoredPassword { text: hash.to_string(), hash })
    }

    /// Decoy that an unknown name is checked against: nobody's password, at the cost of a real
    /// check, so that the time of an answer does not tell which names exist.
    pub(crate) fn decoy() -> StoredPassword {
        StoredPassword::parse(DECOY).expect("the decoy is a constant, and a test parses it")
    }

    /// Decoy at the cost of the costliest of these, or at the default one if there are none.
    pub(crate) fn decoy_among<'a>(
        stored: impl IntoIterator<Item = &'a StoredPassword>,
    ) -> StoredPassword {
        let costliest = stored.into_iter().max_by_key(|stored| stored.cost());
        let mut decoy = StoredPassword::decoy();
        if let Some(costliest) = costliest {
            decoy.hash.params = costliest.hash.params.clone();
            decoy.hash.version = costliest.hash.version;
            decoy.text = decoy.hash.to_string();
        }
        decoy
    }

    /// Compares `secret` with the password. Takes tens of milliseconds on purpose: call it on the
    /// worker thread only.
    pub fn verify(&self, secret: &[u8]) -> bool {
        self.verify_in(&mut HashMemory::default(), secret)
    }

    /// Compares `secret` with the password, in memory that the next check can use again.
    pub(crate) fn verify_in(&self, memory: &mut HashMemory, secret: &[u8]) -> bool {
        let (Some(salt), Some(expected)) = (&self.hash.salt, &self.hash.hash) else { return false };
        let Ok(params) = Params::try_from(&self.hash) else { return false };
        let version = self.hash.version.map_or(Ok(Version::default()), Version::try_from);
        let Ok(version) = version else { return false };
        let blocks = memory.blocks(params.block_count());
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
        let mut made = [0; Output::MAX_LENGTH];
        let made = &mut made[..expected.len()];
        argon2.hash_password_into_with_memory(secret, salt, made, blocks).is_ok()
            // Equality of outputs takes the same time whatever they are.
            && Output::new(made).is_ok_and(|made| made == *expected)
    }

    /// Blocks that a check writes: memory times passes.
    fn cost(&self) -> u64 {
        let params = Params::try_from(&self.hash);
        params.map_or(0, |params| u64::from(params.m_cost()) * u64::from(params.t_cost()))
    }

    /// The PHC string, as it stands in the users file.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Shows nothing of the hash, so that no log line ever holds one.
impl fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredPassword(..)")
    }
}

/// Memory that a password is hashed in. It goes back to the kernel when it is dropped: the C library
/// keeps every smaller piece for good, one in each thread that ever had one.
#[derive(Default)]
pub(crate) struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Blocks, this many, whatever is in them: argon2 writes each before reading.
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0 = Vec::with_capacity(count.max(LEAST_GIVEN_BACK));
            self.0.resize(count, Block::new());
        }
        &mut self.0[..count]
    }
}

impl fmt::Debug for HashMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashMemory({} KiB)", self.0.len())
    }
}

/// Smallest number of blocks that always goes back: glibc maps every piece beyond 32 MiB for itself
/// (`DEFAULT_MMAP_THRESHOLD_MAX`). The part that nobody writes to takes no memory.
const LEAST_GIVEN_BACK: usize = 33 * 1024;

/// The parameters of `Argon2::default()` and an output of zeros: to find a password that hashes to
/// it is as hard as to invert argon2id.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cGFja2V0Ym9hdGRlY295cw\
                     $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_matches_its_password_only() {
        let stored = StoredPassword::hash(b"a secret").unwrap();
        let reread = StoredPassword::parse(stored.as_str()).unwrap();
        assert!(reread.verify(b"a secret"));
        assert!(!reread.verify(b"a secreT"));
        let (decoy, real) = (StoredPassword::decoy(), stored.as_str());
        assert_eq!(decoy.as_str().len(), real.len());
        assert_eq!(cost(decoy.as_str()), cost(real), "an unknown name must cost the same");
        assert!(!decoy.verify(b"a secret"));
    }

    /// Algorithm, version and parameters: everything before the salt.
    fn cost(phc: &str) -> Vec<&str> {
        phc.split('$').take(4).collect()
    }

    #[test]
    fn what_is_no_argon2id_hash_is_refused() {
        for (text, complaint) in [
            ("", "not a PHC string"),
            ("secret", "not a PHC string"),
            ("$argon2i$v=19$m=16,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "not by argon2id"),
            ("$argon2id$v=19$m=16,t=2,p=1$c2FsdHNhbHQ", "cut short"),
            ("$argon2id$v=19$m=1,t=0,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "out of range"),
            ("$argon2id$v=7$m=16,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "no version 7"),
        ] {
            let refused = StoredPassword::parse(text).expect_err(text).to_string();
            assert!(refused.contains(complaint), "{text}: {refused}");
        }
    }

    /// A user whose hash cost more than the default was told from nobody by the time of the answer.
    #[test]
    fn nobody_costs_as_much_as_the_costliest_of_all_users() {
        let made = |cost: &str| {
            StoredPassword::parse(&StoredPassword::decoy().text.replace("m=19456,t=2", cost))
        };
        let [cheap, dear, dearer] =
            ["m=16,t=2", "m=19456,t=3", "m=65536,t=3"].map(|cost| made(cost).unwrap());
        let decoy = StoredPassword::decoy_among([&dear, &dearer, &cheap]);
        assert_eq!(cost(decoy.as_str()), cost(dearer.as_str()));
        assert_eq!(StoredPassword::parse(decoy.as_str()).unwrap(), decoy);
        assert_eq!(StoredPassword::decoy_among([&cheap]), cheap);
        assert_eq!(StoredPassword::decoy_among([]), StoredPassword::decoy());
    }

    #[test]
    fn memory_of_one_hash_serves_the_next_whatever_its_size() {
        let mut memory = HashMemory::default();
        let [small, large] = [(16, "small"), (64, "large")].map(|(kib, secret)| {
            let params = Params::new(kib, 1, 1, None).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x10, params);
            let hash = argon2.hash_password(secret.as_bytes()).unwrap().to_string();
            StoredPassword::parse(&hash).unwrap()
        });
        for _ in 0..2 {
            assert!(large.verify_in(&mut memory, b"large"));
            assert!(small.verify_in(&mut memory, b"small"));
            assert!(!small.verify_in(&mut memory, b"large"));
        }
        assert!(small.verify(b"small"));
    }

    /// Six logins raised the memory of the process from 4 to 121 MiB for good: the C library kept a
    /// block in the arena of each thread.
    #[test]
    fn memory_of_hashes_is_given_back() {
        let resident = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        let decoy = StoredPassword::decoy();
        let before = resident();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| assert!((0..2).all(|_| !decoy.verify(b"a secret"))));
            }
        });
        let kept = resident().saturating_sub(before);
        // Other tests run beside this one.
        assert!(kept < 3 * 19 * 1024, "{kept} KiB are kept");
    }

    #[test]
    fn debug_shows_no_hash() {
        assert_eq!(format!("{:?}", StoredPassword::decoy()), "StoredPassword(..)");
    }
}
