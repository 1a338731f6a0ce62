//! Slips of the finger and of the input method.

use crate::augment::augmenter::check_rate;
use crate::augment::{Augmenter, Row};
use crate::error::Result;
use crate::random::SplitMix;
use crate::text::Edits;

use super::lexicon::{NEAR, SHAPE, SOUND, Table};

/// How often [`Typos`] replaces what, as a probability of each character that has candidates.
///
/// ```
/// use cs_data::augment::TyposConfig;
/// let config = TyposConfig { rate: 0.05, ..TyposConfig::default() };
/// assert!(config.keys && config.sounds && config.shapes && !config.in_entities);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TyposConfig {
    /// Probability that a character is replaced, where it has candidates.
    pub rate: f64,
    /// Whether Latin letters become their neighbours on a QWERTY keyboard.
    pub keys: bool,
    /// Whether Chinese characters become others of the same pinyin, whatever the tone.
    pub sounds: bool,
    /// Whether Chinese characters become others of a similar shape.
    pub shapes: bool,
    /// Whether characters within entities are replaced, too.
    pub in_entities: bool,
}

impl Default for TyposConfig {
    fn default() -> Self {
        TyposConfig {
            rate: 0.05,
            keys: true,
            sounds: true,
            shapes: true,
            in_entities: false,
        }
    }
}

/// Typing errors, from tables of some thousand common Chinese characters and the Latin letters.
/// Characters that stand in none stay; a letter keeps its case.
///
/// ```
/// use cs_data::Edits;
/// use cs_data::augment::{Augmenter, Row, Typos, TyposConfig};
/// use cs_data::SplitMix;
/// let typos = Typos::new(TyposConfig { rate: 1.0, ..TyposConfig::default() })?;
/// let mut edits = Edits::default();
/// typos.edits(Row { text: "Q在7", entities: &[] }, &mut SplitMix::new(1), &mut edits);
/// let edits: Vec<_> = edits.iter().collect();
/// assert!("WA".contains(edits[0].1) && "再载灾".contains(edits[1].1));
/// assert_eq!(edits.len(), 2);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Typos {
    config: TyposConfig,
}

impl Typos {
    /// Makes typing errors as `config` says.
    ///
    /// # Errors
    ///
    /// A rate outside 0 to 1.
    pub fn new(config: TyposConfig) -> Result<Self> {
        check_rate("rate", config.rate)?;
        Ok(Typos { config })
    }

    fn slip(&self, char: char, random: &mut SplitMix) -> Option<char> {
        if char.is_ascii_alphabetic() {
            let near = NEAR
                .get(&char.to_ascii_lowercase())
                .filter(|_| self.config.keys)?;
            let slip = random.pick(near).copied()?;
            let upper = char.is_ascii_uppercase();
            return Some(if upper {
                slip.to_ascii_uppercase()
            } else {
                slip
            });
        }
        let of = |table: &'static Table, on: bool| -> &'static [char] {
            table.get(&char).filter(|_| on).map_or(&[], Vec::as_slice)
        };
        let (sound, shape) = (
            of(&SOUND, self.config.sounds),
            of(&SHAPE, self.config.shapes),
        );
        let at = random.below(sound.len() + shape.len());
        sound.iter().chain(shape).nth(at).copied()
    }
}

impl Augmenter for Typos {
    fn name(&self) -> &str {
        "typos"
    }

    fn edits(&self, row: Row<'_>, random: &mut SplitMix, edits: &mut Edits) {
        for segment in row.segments(self.config.in_entities) {
            for (offset, char) in row.text[segment.clone()].char_indices() {
                if random.chance(self.config.rate)
                    && let Some(slip) = self.slip(char, random)
                {
                    let start = segment.start + offset;
                    let range = start..start + char.len_utf8();
                    edits.replace(range, slip.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }
}
