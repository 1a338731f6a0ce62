//! What fills the slots.
//!
//! A value is literal, or a pattern in which `#` is any digit. Patterns serve both splits and yet
//! share no value: the digits of a training value add up to an even number, those of a test value
//! to an odd one.

use std::collections::BTreeMap;

use rand::Rng;

use super::{Language, Split};

/// The values of one entity, in one language, for one split.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// Values and patterns.
    pub values: Vec<String>,
}

/// Every pool of the table.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pools: BTreeMap<(String, Language, Split), Pool>,
}

impl Values {
    /// Adds a value; `None` stands for both languages or both splits.
    pub fn add(
        &mut self,
        pool: &str,
        language: Option<Language>,
        split: Option<Split>,
        value: &str,
    ) {
        let splits = split.map_or(Split::ALL.to_vec(), |split| vec![split]);
        for split in splits {
            for language in language.map_or(Language::ALL.to_vec(), |language| vec![language]) {
                let pool = self
                    .pools
                    .entry((pool.to_owned(), language, split))
                    .or_default();
                pool.values.push(value.to_owned());
            }
        }
    }

    /// The values of a pool, if it has any.
    pub fn pool(&self, pool: &str, language: Language, split: Split) -> Option<&Pool> {
        self.pools.get(&(pool.to_owned(), language, split))
    }

    /// The names of all pools, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .pools
            .keys()
            .map(|(name, _, _)| name.as_str())
            .collect();
        names.dedup();
        names
    }

    /// Draws a value that `taken` does not contain, if it finds one in a few tries. An unknown
    /// pool gives its own name, which the table's tests rule out.
    pub fn draw<R: Rng>(&self, rng: &mut R, key: (&str, Language, Split), taken: &str) -> String {
        let (name, language, split) = key;
        let Some(pool) = self.pool(name, language, split) else {
            return name.to_owned();
        };
        let mut value = String::new();
        for _ in 0..8 {
            value = digits(
                &pool.values[rng.random_range(0..pool.values.len())],
                split,
                rng,
            );
            if !taken.contains(&value) {
                break;
            }
        }
        value
    }
}

/// Replaces every `#` by a digit, so that all digits add up to an even number for training and an
/// odd one for testing. A `#` that opens a number is not 0. A literal value stays as it is.
fn digits<R: Rng>(pattern: &str, split: Split, rng: &mut R) -> String {
    let Some(last) = pattern.rfind('#') else {
        return pattern.to_owned();
    };
    let mut value = String::with_capacity(pattern.len());
    let mut sum: u32 = pattern.chars().filter_map(|c| c.to_digit(10)).sum();
    let mut opens = true;
    for (at, character) in pattern.char_indices() {
        let mut digit = rng.random_range(u32::from(opens)..10);
        if at == last && (sum + digit) % 2 != u32::from(split == Split::Test) {
            digit = if digit == 9 { 8 } else { digit + 1 };
        }
        match character {
            '#' => {
                sum += digit;
                value.extend(char::from_digit(digit, 10));
            }
            other => value.push(other),
        }
        opens = character != '#' && !character.is_ascii_digit();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn patterns_give_disjoint_values() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for pattern in ["A#", "1#.5元", "+44 20 7### ####", "3月1#日"] {
            for split in Split::ALL.iter().copied() {
                for _ in 0..200 {
                    let value = digits(pattern, split, &mut rng);
                    let sum: u32 = value.chars().filter_map(|c| c.to_digit(10)).sum();
                    assert_eq!(sum % 2, u32::from(split == Split::Test), "{value}");
                    assert_eq!(value.chars().count(), pattern.chars().count());
                    assert!(!value.starts_with("A0"));
                }
            }
        }
        assert_eq!(digits("北京", Split::Test, &mut rng), "北京");
    }
}
