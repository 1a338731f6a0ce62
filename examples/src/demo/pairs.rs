//! Pairs of sentences that ask the same, and of sentences that do not though they look like it.

use std::collections::HashMap;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::corpus::tidy;
use super::{Corpus, Filled, Frame, Language, Question, Split, Template, Tone};

/// Two sentences, and whether they ask the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// One of them.
    pub one: String,
    /// The other.
    pub other: String,
    /// Whether whoever answers both may give the same answer.
    pub same: bool,
}

/// What pairs are for. Those of one part have neither templates nor frames in common with those of
/// another, and those of the first no values with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// To learn which words may differ.
    Fit,
    /// To fit the distance.
    HeldOut,
    /// To judge what was fitted. Their templates and frames were written last, once, and are to stay
    /// as they are: nothing was chosen with an eye on them.
    Unseen,
}

impl Part {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Fit, "fit"),
        (Self::HeldOut, "held-out"),
        (Self::Unseen, "unseen"),
    ];

    fn split(self) -> Split {
        match self {
            Self::Fit => Split::Train,
            Self::HeldOut | Self::Unseen => Split::Test,
        }
    }
}

/// What makes the second sentence of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The same template with other words that may be left out, said more politely.
    Paraphrase,
    /// The contrary.
    Negation,
    /// Another order, product, place and so on.
    OtherEntity,
    /// Another thing to be done, about the same order, product or place where there is one.
    OtherIntent,
}

/// Of eight pairs, these are made; the first half ask the same.
const KINDS: [Kind; 8] = [
    Kind::Paraphrase,
    Kind::Paraphrase,
    Kind::Paraphrase,
    Kind::Paraphrase,
    Kind::Negation,
    Kind::OtherEntity,
    Kind::OtherEntity,
    Kind::OtherIntent,
];

/// What turns a sentence into its contrary.
struct Contrary {
    language: Language,
    part: Part,
    /// The first of these that stands in the sentence is replaced.
    replaced: &'static [(&'static str, &'static str)],
    /// One of these goes before a sentence that has none of them.
    denials: &'static [&'static str],
}

const CONTRARIES: [Contrary; 6] = [
    Contrary {
        language: Language::En,
        part: Part::Fit,
        replaced: &[
            ("I want", "I don't want"),
            ("please ", "please do not "),
            ("can I ", "can I not "),
            ("has ", "hasn't "),
            ("I'd like", "I would not like"),
        ],
        denials: &[
            "I am not asking this: ",
            "it is not that ",
            "no need any more: ",
        ],
    },
    Contrary {
        language: Language::En,
        part: Part::HeldOut,
        replaced: &[
            ("I want", "I no longer want"),
            ("please ", "please don't "),
            ("can I ", "can't I "),
            ("I need", "I don't need"),
            ("is ", "isn't "),
            ("will ", "won't "),
        ],
        denials: &[
            "I never said this: ",
            "this is not my question: ",
            "don't do this: ",
        ],
    },
    Contrary {
        language: Language::En,
        part: Part::Unseen,
        replaced: &[
            ("has ", "has never "),
            ("does ", "doesn't "),
            ("do I ", "do I not "),
            ("could ", "could not "),
            ("I am ", "I am not "),
            ("came ", "did not come "),
            ("is ", "is not "),
            ("give me", "give me no part of"),
        ],
        denials: &[
            "there is no need to ask this: ",
            "I did not mean to say: ",
            "nobody asked: ",
        ],
    },
    Contrary {
        language: Language::Zh,
        part: Part::Fit,
        replaced: &[
            ("我要", "我不要"),
            ("帮我", "别帮我"),
            ("我想", "我不想"),
            ("可以", "不可以"),
            ("申请", "不申请"),
        ],
        denials: &["我不是问", "不用了，", "不是说"],
    },
    Contrary {
        language: Language::Zh,
        part: Part::HeldOut,
        replaced: &[
            ("我要", "我没要"),
            ("请", "请不要"),
            ("我想", "我并不想"),
            ("能", "不能"),
            ("把", "别把"),
        ],
        denials: &["我没有问", "先别管", "并不是"],
    },
    Contrary {
        language: Language::Zh,
        part: Part::Unseen,
        replaced: &[
            ("给我", "不用给我"),
            ("帮我", "不必帮我"),
            ("想退", "不想退"),
            ("要退款", "不要退款"),
            ("有", "没有"),
            ("换", "不换"),
        ],
        denials: &["我没说", "不需要知道", "并非"],
    },
];

/// The values of a sentence's slots, by pool, so that another sentence can have the same.
type Chosen = HashMap<String, String>;

impl Corpus {
    /// Makes pairs of sentences in a language: half of them ask the same.
    pub fn pairs(&self, part: Part, language: Language, pairs: usize, seed: u64) -> Vec<Pair> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(part as u64);
        let questions = match part {
            Part::Unseen => &self.pair_questions,
            _ => &self.questions,
        };
        let fits = |it: &&Question| (it.split, it.language) == (part.split(), language);
        let neutral = |it: &&Question| it.tone == Tone::Neutral;
        let questions: Vec<&Question> = questions.iter().filter(fits).filter(neutral).collect();
        let mut made = Vec::with_capacity(pairs);
        while made.len() < pairs && !questions.is_empty() {
            let kind = KINDS[made.len() % KINDS.len()];
            made.extend(self.pair(part, kind, &questions, &mut rng));
        }
        made
    }

    /// Makes a pair of that kind; `None` if the template that chance chose has none.
    fn pair(
        &self,
        part: Part,
        kind: Kind,
        questions: &[&Question],
        rng: &mut ChaCha8Rng,
    ) -> Option<Pair> {
        let question = questions.choose(rng)?;
        let question = &Question {
            template: question.template.settled(rng),
            ..(*question).clone()
        };
        let mut values = Chosen::new();
        let one = self.sentence(question, &mut values, rng);
        let (template, mut other) = match kind {
            Kind::Paraphrase => (question, self.sentence(question, &mut values, rng)),
            Kind::Negation => (question, contrary(part, question.language, &one, rng)?),
            Kind::OtherEntity => (question, self.sentence(question, &mut Chosen::new(), rng)),
            Kind::OtherIntent => {
                let another: &Question = questions.choose(rng)?;
                (another, self.sentence(another, &mut values, rng))
            }
        };
        let same_entities = entities(&one) == entities(&other);
        let is_one = match kind {
            Kind::Paraphrase => same_entities,
            Kind::Negation => true,
            Kind::OtherEntity => !same_entities && one.spans.len() == other.spans.len(),
            Kind::OtherIntent => question.intent != template.intent,
        };
        if kind == Kind::Paraphrase || rng.random_ratio(1, 4) {
            other = self.polite(part, question.language, &other, rng);
        }
        let [one, other] = [tidy(&one).text, tidy(&other).text];
        (is_one && one != other).then_some(Pair {
            one,
            other,
            same: kind == Kind::Paraphrase,
        })
    }

    fn sentence(&self, question: &Question, values: &mut Chosen, rng: &mut ChaCha8Rng) -> Filled {
        let (language, split) = (question.language, question.split);
        question.template.fill(rng, &mut |rng, pool, so_far| {
            let drawn = || self.values.draw(rng, pool, language, split, &so_far.text);
            values.entry(pool.to_owned()).or_insert_with(drawn).clone()
        })
    }

    /// Says a sentence politely or not, with the same sentiment as far as one can tell.
    fn polite(
        &self,
        part: Part,
        language: Language,
        sentence: &Filled,
        rng: &mut ChaCha8Rng,
    ) -> Filled {
        let frames = match part {
            Part::Unseen => &self.pair_frames,
            _ => &self.frames,
        };
        let fits = |frame: &&Frame| {
            (frame.split, frame.language) == (part.split(), language)
                && matches!(frame.tone, Tone::Neutral | Tone::Friendly)
        };
        let frames: Vec<&Frame> = frames.iter().filter(fits).collect();
        let Some(frame) = frames.choose(rng) else {
            return sentence.clone();
        };
        let mut part = |part: &Option<Template>| match part {
            Some(part) => part.fill(rng, &mut |_, pool, _| pool.to_owned()),
            None => Filled::default(),
        };
        let mut said = part(&frame.before);
        let after = part(&frame.after);
        said.push(sentence);
        said.push(&after);
        said
    }
}

/// The labels and the texts of a sentence's entities.
fn entities(filled: &Filled) -> Vec<(&str, &str)> {
    let spans = filled.spans.iter();
    spans
        .map(|span| (span.label.as_str(), &filled.text[span.start..span.end]))
        .collect()
}

fn contrary(
    part: Part,
    language: Language,
    sentence: &Filled,
    rng: &mut ChaCha8Rng,
) -> Option<Filled> {
    let fits = |it: &&Contrary| (it.language, it.part) == (language, part);
    let contrary = CONTRARIES.iter().find(fits)?;
    let text = &sentence.text;
    let replaced = contrary
        .replaced
        .iter()
        .find(|(from, _)| text.contains(from));
    let text = match replaced {
        Some((from, to)) => text.replacen(from, to, 1),
        None => format!("{}{text}", contrary.denials.choose(rng)?),
    };
    let spans = Vec::new(); // not looked at
    Some(Filled { text, spans })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_repeatable_and_half_of_them_ask_the_same() {
        let corpus = Corpus::embedded().unwrap();
        for (part, language) in [Language::Zh, Language::En]
            .into_iter()
            .flat_map(|language| Part::ALL.map(|(part, _)| (part, language)))
        {
            let pairs = corpus.pairs(part, language, 400, 3);
            assert_eq!(pairs, corpus.pairs(part, language, 400, 3));
            assert_eq!(pairs.iter().filter(|pair| pair.same).count(), 200);
            assert!(pairs.iter().all(|pair| pair.one != pair.other));
        }
    }
}
