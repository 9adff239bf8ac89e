//! Stored passwords: argon2id hashes as PHC strings, the one form in which a password is kept. It
//! makes hashes and checks them, never keeps or shows a password, and belongs on a worker thread:
//! both take their time.

use argon2::password_hash::phc::PasswordHash;
use argon2::{ARGON2ID_IDENT, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
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

    /// Compares `secret` with the password. Takes tens of milliseconds on purpose: call it on the
    /// worker thread only.
    pub fn verify(&self, secret: &[u8]) -> bool {
        Argon2::default().verify_password(secret, &self.hash).is_ok()
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

    #[test]
    fn debug_shows_no_hash() {
        assert_eq!(format!("{:?}", StoredPassword::decoy()), "StoredPassword(..)");
    }
}
