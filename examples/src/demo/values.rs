//! What fills the slots.
//!
//! A value is literal, or a pattern in which `#` is any digit. Patterns serve both splits and yet
//! share no value: the digits of a training value add up to an even number, those of a test value
//! to an odd one. A pattern of training with `~` or `@` is a shape: it stands for words that do not
//! exist, so that a model learns to go by what is around a word. `~` is a word made up of two
//! others of the language's training values (in Chinese a character of theirs), `@` one with a
//! capital.

use std::collections::BTreeMap;

use rand::Rng;

use super::{Language, Split};

/// Of ten training values, this many have a shape, in a pool that has some.
const SHAPED_OF_TEN: u32 = 4;
/// Draws until a value is none of those to be avoided.
const TRIES: usize = 8;

/// The values of one entity, in one language, for one split.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// Values and patterns.
    pub values: Vec<String>,
    /// Patterns with made-up words.
    pub shapes: Vec<String>,
}

/// Every pool of the table.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pools: BTreeMap<(String, Language, Split), Pool>,
    /// What words are made up of, by language.
    parts: BTreeMap<Language, Vec<String>>,
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
                if split == Split::Train && !value.contains(['#', '~', '@']) {
                    let parts = self.parts.entry(language).or_default();
                    parts.extend(parts_of(value, language));
                }
                let pool = self
                    .pools
                    .entry((pool.to_owned(), language, split))
                    .or_default();
                // Addresses of e-mail have an @ as well.
                if split == Split::Train && value.contains(['~', '@']) && !value.contains('#') {
                    pool.shapes.push(value.to_owned());
                } else {
                    pool.values.push(value.to_owned());
                }
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

    /// Draws a value that `taken` does not contain and, for training, that is none of testing, if
    /// it finds one in a few tries. An unknown pool gives its own name, which the table's tests
    /// rule out.
    pub fn draw<R: Rng>(
        &self,
        rng: &mut R,
        name: &str,
        language: Language,
        split: Split,
        taken: &str,
    ) -> String {
        let Some(pool) = self.pool(name, language, split) else {
            return name.to_owned();
        };
        let mut value = String::new();
        for _ in 0..TRIES {
            let shaped = !pool.shapes.is_empty() && rng.random_ratio(SHAPED_OF_TEN, 10);
            value = if shaped {
                let shape = &pool.shapes[rng.random_range(0..pool.shapes.len())];
                self.made_up(shape, language, rng)
            } else {
                let pattern = &pool.values[rng.random_range(0..pool.values.len())];
                digits(pattern, split, rng)
            };
            let foreign = split == Split::Train && self.tested(&value);
            if !foreign && !taken.contains(&value) {
                break;
            }
        }
        value
    }

    /// Whether some pool of testing has this value.
    fn tested(&self, value: &str) -> bool {
        let tests = self.pools.iter().filter(|(key, _)| key.2 == Split::Test);
        tests.into_iter().any(|(_, pool)| {
            let mut values = pool.values.iter();
            values.any(|tested| tested.eq_ignore_ascii_case(value))
        })
    }

    fn made_up<R: Rng>(&self, shape: &str, language: Language, rng: &mut R) -> String {
        let parts = self.parts.get(&language).map_or(&[][..], Vec::as_slice);
        let mut value = String::new();
        for character in shape.chars() {
            if !"~@".contains(character) || parts.is_empty() {
                value.push(character);
                continue;
            }
            let word = match language {
                Language::Zh => parts[rng.random_range(0..parts.len())].clone(),
                Language::En => {
                    let first = &parts[rng.random_range(0..parts.len())];
                    blend(first, &parts[rng.random_range(0..parts.len())])
                }
            };
            let capital = character == '@' && language == Language::En;
            value.push_str(&if capital { capitalised(&word) } else { word });
        }
        value
    }
}

/// What made-up words may take from a value: its characters in Chinese, its longer words in
/// English.
fn parts_of(value: &str, language: Language) -> Vec<String> {
    match language {
        Language::Zh => {
            let letters = value.chars().filter(|c| c.is_alphabetic() && !c.is_ascii());
            letters.map(String::from).collect()
        }
        Language::En => {
            let words = value.split(' ').map(str::to_lowercase);
            let whole =
                |word: &String| word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase());
            words.filter(whole).collect()
        }
    }
}

/// The beginning of one word and the end of another.
fn blend(first: &str, last: &str) -> String {
    format!(
        "{}{}",
        &first[..first.len() / 2 + 1],
        &last[last.len() / 2..]
    )
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
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
    fn shapes_give_words_that_nobody_tests_with() {
        let mut values = Values::default();
        for value in ["Berlin", "teapot", "@ Pay", "~ set"] {
            values.add("x", Some(Language::En), Some(Split::Train), value);
        }
        values.add("x", Some(Language::En), Some(Split::Test), "teapot");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut draw = |_| values.draw(&mut rng, "x", Language::En, Split::Train, "");
        let mut drawn: Vec<String> = (0..200).map(&mut draw).collect();
        drawn.sort();
        drawn.dedup();
        assert_eq!(
            drawn,
            [
                "Berlin",
                "Berllin Pay",
                "Berlpot Pay",
                "Teaplin Pay",
                "Teappot Pay",
                "berllin set",
                "berlpot set",
                "teaplin set",
                "teappot set"
            ]
        );
    }

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
