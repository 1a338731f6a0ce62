//! The inline notation of the tables: `查[一下|]{order_id}`.
//!
//! `{pool}` is filled with a value of that pool and becomes a span labelled by the pool's name up
//! to its first dot (`{date.future}` is a `date`). `[a|b|]` is one of its alternatives, possibly
//! nothing; alternatives hold text and slots but no further choice. `…` in a frame is where the
//! sentence goes.

use cs_data::Span;
use rand::Rng;

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct TemplateError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What was found there.
    pub reason: &'static str,
}

/// One part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// The name of a pool of values.
    Slot(String),
    /// Alternatives, one of which is taken.
    Choice(Vec<Vec<Piece>>),
}

/// A parsed template.
///
/// ```
/// use cs_examples::demo::Template;
/// let template: Template = "track [parcel|] {tracking_id}".parse()?;
/// assert_eq!(template.skeletons(), ["track parcel {tracking_id}", "track  {tracking_id}"]);
/// # Ok::<(), cs_examples::demo::TemplateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A sentence made from a template, with the entities that filled its slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// The sentence.
    pub text: String,
    /// Its entities, in order.
    pub spans: Vec<Span>,
}

impl Filled {
    /// Appends another piece of text and its spans.
    pub fn push(&mut self, other: &Filled) {
        let shift = self.text.len();
        self.text.push_str(&other.text);
        self.spans.extend(other.spans.iter().map(|span| Span {
            start: span.start + shift,
            end: span.end + shift,
            label: span.label.clone(),
        }));
    }

    fn push_value(&mut self, pool: &str, value: &str) {
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if joins(self.text.chars().last()) && joins(value.chars().next()) {
            // Two words that stand side by side, as in `{courier}{tracking_id}`.
            self.text.push(' ');
        }
        let start = self.text.len();
        self.text.push_str(value);
        let label = pool.split('.').next().unwrap_or(pool).to_owned();
        self.spans.push(Span {
            start,
            end: self.text.len(),
            label,
        });
    }
}

impl Template {
    /// Fills the template: choices are drawn from `rng`, values from `value`, which gets the
    /// pool's name and the sentence so far.
    pub fn fill<R: Rng>(
        &self,
        rng: &mut R,
        value: &mut dyn FnMut(&mut R, &str, &Filled) -> String,
    ) -> Filled {
        let mut filled = Filled::default();
        fill_pieces(&self.pieces, &mut filled, rng, value);
        filled
    }

    /// The template with an alternative chosen wherever one of them has to be: what is left to
    /// choose is whether something is said at all.
    pub fn settled<R: Rng>(&self, rng: &mut R) -> Self {
        let settle = |piece: &Piece| match piece {
            Piece::Choice(options) if options.iter().all(|option| !option.is_empty()) => {
                options[rng.random_range(0..options.len())].clone()
            }
            piece => vec![piece.clone()],
        };
        Self {
            pieces: self.pieces.iter().flat_map(settle).collect(),
        }
    }

    /// The pools it names, with repetitions.
    pub fn pools(&self) -> Vec<&str> {
        fn walk<'a>(pieces: &'a [Piece], pools: &mut Vec<&'a str>) {
            for piece in pieces {
                match piece {
                    Piece::Text(_) => {}
                    Piece::Slot(pool) => pools.push(pool),
                    Piece::Choice(options) => options.iter().for_each(|o| walk(o, pools)),
                }
            }
        }
        let mut pools = Vec::new();
        walk(&self.pieces, &mut pools);
        pools
    }

    /// Every sentence it can make, slots left open.
    pub fn skeletons(&self) -> Vec<String> {
        skeletons(&self.pieces)
    }
}

fn fill_pieces<R: Rng>(
    pieces: &[Piece],
    filled: &mut Filled,
    rng: &mut R,
    value: &mut dyn FnMut(&mut R, &str, &Filled) -> String,
) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.text.push_str(text),
            Piece::Slot(pool) => {
                let value = value(rng, pool, filled);
                filled.push_value(pool, &value);
            }
            Piece::Choice(options) => {
                let option = &options[rng.random_range(0..options.len())];
                fill_pieces(option, filled, rng, value);
            }
        }
    }
}

fn skeletons(pieces: &[Piece]) -> Vec<String> {
    let mut made = vec![String::new()];
    for piece in pieces {
        let endings: Vec<String> = match piece {
            Piece::Text(text) => vec![text.clone()],
            Piece::Slot(pool) => vec![format!("{{{pool}}}")],
            Piece::Choice(options) => options
                .iter()
                .flat_map(|option| skeletons(option))
                .collect(),
        };
        made = made
            .iter()
            .flat_map(|start| endings.iter().map(move |end| format!("{start}{end}")))
            .collect();
    }
    made
}

impl std::str::FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let characters: Vec<char> = text.chars().collect();
        let mut at = 0;
        let mut pieces = Vec::new();
        while at < characters.len() {
            if characters[at] == '[' {
                pieces.push(parse_choice(&characters, &mut at)?);
            } else {
                pieces.push(parse_plain(&characters, &mut at)?);
            }
        }
        if pieces.is_empty() {
            return Err(TemplateError {
                column: 1,
                reason: "an empty template",
            });
        }
        Ok(Self { pieces })
    }
}

/// Reads `[a|b|]`; `at` stands on the bracket and ends after its partner.
fn parse_choice(characters: &[char], at: &mut usize) -> Result<Piece, TemplateError> {
    let open = *at;
    let mut options = vec![Vec::new()];
    *at += 1;
    loop {
        match characters.get(*at) {
            None => {
                return Err(TemplateError {
                    column: open + 1,
                    reason: "`[` is never closed",
                });
            }
            Some('[') => {
                return Err(TemplateError {
                    column: *at + 1,
                    reason: "a choice in a choice",
                });
            }
            Some('|') => options.push(Vec::new()),
            Some(']') => break,
            Some(_) => {
                let piece = parse_plain(characters, at)?;
                options
                    .last_mut()
                    .into_iter()
                    .for_each(|option| option.push(piece.clone()));
                continue;
            }
        }
        *at += 1;
    }
    *at += 1;
    if options.len() < 2 {
        return Err(TemplateError {
            column: open + 1,
            reason: "a choice needs two alternatives",
        });
    }
    Ok(Piece::Choice(options))
}

/// Reads a slot, or text up to the next special character.
fn parse_plain(characters: &[char], at: &mut usize) -> Result<Piece, TemplateError> {
    let start = *at;
    let special = |c: &char| "[]{}|".contains(*c);
    if characters[start] == '{' {
        let length = characters[start..].iter().position(|c| *c == '}');
        let Some(length) = length.filter(|length| *length > 1) else {
            return Err(TemplateError {
                column: start + 1,
                reason: "`{` without `name}`",
            });
        };
        *at = start + length + 1;
        return Ok(Piece::Slot(
            characters[start + 1..start + length].iter().collect(),
        ));
    }
    if special(&characters[start]) {
        return Err(TemplateError {
            column: start + 1,
            reason: "a bracket or bar out of place",
        });
    }
    let length = characters[start..].iter().position(special);
    *at = length.map_or(characters.len(), |length| start + length);
    Ok(Piece::Text(characters[start..*at].iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn spans_cover_the_values() {
        let template: Template = "从{city}寄到[{city}|家]".parse().unwrap();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        for _ in 0..20 {
            let filled = template.fill(&mut rng, &mut |_, _, so_far| match so_far.spans.len() {
                0 => "北京".to_owned(),
                _ => "New York".to_owned(),
            });
            for span in &filled.spans {
                assert!(["北京", "New York"].contains(&&filled.text[span.start..span.end]));
                assert_eq!(span.label, "city");
            }
        }
    }

    #[test]
    fn a_broken_template_names_the_column() {
        for (text, column) in [
            ("订单{x", 3),
            ("a[b", 2),
            ("a[b]", 2),
            ("a]b", 2),
            ("[a|[b]]", 4),
            ("{}", 1),
            ("", 1),
        ] {
            assert_eq!(
                text.parse::<Template>().unwrap_err().column,
                column,
                "{text}"
            );
        }
    }

    #[test]
    fn skeletons_are_all_the_ways_to_say_it() {
        let template: Template = "[a|b] {x}[ c|]".parse().unwrap();
        assert_eq!(
            template.skeletons(),
            ["a {x} c", "a {x}", "b {x} c", "b {x}"]
        );
        assert_eq!(template.pools(), ["x"]);
    }
}
