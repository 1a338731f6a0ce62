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
    split: Split,
    /// The first of these that stands in the sentence is replaced.
    replaced: &'static [(&'static str, &'static str)],
    /// One of these goes before a sentence that has none of them.
    denials: &'static [&'static str],
}

const CONTRARIES: [Contrary; 4] = [
    Contrary {
        language: Language::En,
        split: Split::Train,
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
        split: Split::Test,
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
        split: Split::Train,
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
        split: Split::Test,
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
    /// Makes pairs of sentences in a language: half of them ask the same. Those of one split have
    /// neither templates nor frames nor values in common with those of the other; those of the test
    /// split have templates and frames of their own, which no row is made of.
    pub fn pairs(&self, key: (Split, Language), pairs: usize, seed: u64) -> Vec<Pair> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(key.0 == Split::Test));
        let questions = match key.0 {
            Split::Train => &self.questions,
            Split::Test => &self.pair_questions,
        };
        let questions: Vec<&Question> = questions
            .iter()
            .filter(|it| (it.split, it.language) == key && it.tone == Tone::Neutral)
            .collect();
        let mut made = Vec::with_capacity(pairs);
        while made.len() < pairs && !questions.is_empty() {
            let kind = KINDS[made.len() % KINDS.len()];
            made.extend(self.pair(kind, &questions, &mut rng));
        }
        made
    }

    /// Makes a pair of that kind; `None` if the template that chance chose has none.
    fn pair(&self, kind: Kind, questions: &[&Question], rng: &mut ChaCha8Rng) -> Option<Pair> {
        let question = questions.choose(rng)?;
        let question = &Question {
            template: question.template.settled(rng),
            ..(*question).clone()
        };
        let mut values = Chosen::new();
        let one = self.sentence(question, &mut values, rng);
        let (template, mut other) = match kind {
            Kind::Paraphrase => (question, self.sentence(question, &mut values, rng)),
            Kind::Negation => (question, contrary(question, &one, rng)?),
            Kind::OtherEntity => (question, self.sentence(question, &mut Chosen::new(), rng)),
            Kind::OtherIntent => {
                let another: &Question = questions.choose(rng)?;
                (another, self.sentence(another, &mut values, rng))
            }
        };
        let entities = |filled: &Filled| {
            let value = |span: &cs_data::Span| {
                (
                    span.label.clone(),
                    filled.text[span.start..span.end].to_owned(),
                )
            };
            filled.spans.iter().map(value).collect::<Vec<_>>()
        };
        let same_entities = entities(&one) == entities(&other);
        let is_one = match kind {
            Kind::Paraphrase => same_entities,
            Kind::Negation => true,
            Kind::OtherEntity => !same_entities && one.spans.len() == other.spans.len(),
            Kind::OtherIntent => question.intent != template.intent,
        };
        if kind == Kind::Paraphrase || rng.random_ratio(1, 4) {
            other = self.polite(question, &other, rng);
        }
        let [one, other] = [tidy(&one).text, tidy(&other).text];
        (is_one && one != other).then_some(Pair {
            one,
            other,
            same: kind == Kind::Paraphrase,
        })
    }

    fn sentence(&self, question: &Question, values: &mut Chosen, rng: &mut ChaCha8Rng) -> Filled {
        let key = (question.language, question.split);
        question.template.fill(rng, &mut |rng, pool, so_far| {
            let drawn = || self.values.draw(rng, (pool, key.0, key.1), &so_far.text);
            values.entry(pool.to_owned()).or_insert_with(drawn).clone()
        })
    }

    /// Says a sentence politely or not, with the same sentiment as far as one can tell.
    fn polite(&self, question: &Question, sentence: &Filled, rng: &mut ChaCha8Rng) -> Filled {
        let fits = |frame: &&Frame| {
            (frame.split, frame.language) == (question.split, question.language)
                && matches!(frame.tone, Tone::Neutral | Tone::Friendly)
        };
        let frames = match question.split {
            Split::Train => &self.frames,
            Split::Test => &self.pair_frames,
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

fn contrary(question: &Question, sentence: &Filled, rng: &mut ChaCha8Rng) -> Option<Filled> {
    let fits = |it: &&Contrary| (it.language, it.split) == (question.language, question.split);
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
        for language in [Language::Zh, Language::En] {
            let pairs = corpus.pairs((Split::Test, language), 400, 3);
            assert_eq!(pairs, corpus.pairs((Split::Test, language), 400, 3));
            assert_eq!(pairs.iter().filter(|pair| pair.same).count(), 200);
            assert!(pairs.iter().all(|pair| pair.one != pair.other));
        }
    }
}
