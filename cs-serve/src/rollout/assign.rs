//! Which model a new conversation gets.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

use super::counts::Arm;
use super::error::RolloutError;

/// The key of a roll-out's hashes: without it, nobody can tell or choose which model a conversation gets, nor which
/// conversation a journal is about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key([u8; 32]);

impl Key {
    /// Makes a key that nobody knows.
    ///
    /// # Errors
    /// [`RolloutError::Random`] if the system has no random numbers.
    pub fn random() -> Result<Self, RolloutError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|source| RolloutError::Random { source })?;
        Ok(Self(key))
    }

    /// Makes the key of these bytes, for what is to be repeated.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives what stands for a conversation, or for a customer: 16 bytes of HMAC-SHA256 of its name.
    #[must_use]
    pub fn id(&self, name: &str) -> Id {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(name.as_bytes());
        let hash = mac.finalize().into_bytes();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        Id(u128::from_be_bytes(half))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// What stands for a conversation or a customer in a roll-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u128);

impl Id {
    /// Gives the model of a conversation that begins while the candidate has this share of them. A larger share
    /// has all the conversations of a smaller one.
    ///
    /// ```
    /// use cs_serve::rollout::{Arm, Key};
    ///
    /// let id = Key::new([7; 32]).id("conversation 1");
    /// let share_of = |share| id.arm(share);
    /// assert_eq!((share_of(0.0), share_of(1.0)), (Arm::Stable, Arm::Canary));
    /// ```
    #[must_use]
    pub fn arm(self, share: f64) -> Arm {
        // 53 bits, so that it is below 1.
        let position = (self.0 >> 75) as f64 / (1_u64 << 53) as f64;
        if position < share {
            Arm::Canary
        } else {
            Arm::Stable
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong =
            || serde::de::Error::custom("an id that is none, expected 32 hexadecimal digits");
        if text.len() != 32 {
            return Err(wrong());
        }
        u128::from_str_radix(&text, 16)
            .map(Self)
            .map_err(|_| wrong())
    }
}
