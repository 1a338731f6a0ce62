//! BLEU, equal to sacrebleu.

use std::collections::HashMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::bleu_tokenizer::BleuTokenizer;

/// The longest n-gram counted.
const ORDER: usize = 4;

/// How an n-gram order without a match counts.
///
/// ```
/// assert_eq!(serde_json::to_value(cs_train::metrics::BleuSmoothing::Exp).unwrap(), "exp");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BleuSmoothing {
    /// The `k`th such order counts as 1 / (2^k · its n-grams): NIST's, sacrebleu's default, method
    /// 3 of [Chen and Cherry 2014](https://aclanthology.org/W14-3346/).
    #[default]
    Exp,
    /// No smoothing: the score is 0.
    None,
}

/// What BLEU depends on besides the texts. The defaults are sacrebleu's for a corpus.
///
/// ```
/// use cs_train::metrics::{BleuConfig, BleuTokenizer};
///
/// let config = BleuConfig { tokenizer: BleuTokenizer::Zh, ..BleuConfig::default() };
/// assert_eq!(config.signature(1), "nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BleuConfig {
    /// How texts become tokens. Default [`BleuTokenizer::V13a`].
    pub tokenizer: BleuTokenizer,
    /// How orders without a match count. Default [`BleuSmoothing::Exp`].
    pub smoothing: BleuSmoothing,
    /// Leave out orders that the hypothesis is too short for, as one does for a single sentence.
    /// Default no.
    pub effective_order: bool,
}

impl BleuConfig {
    /// sacrebleu's signature of a score with this number of references a hypothesis, without its
    /// version.
    #[must_use]
    pub fn signature(&self, references: usize) -> String {
        let effective = if self.effective_order { "yes" } else { "no" };
        let smooth = match self.smoothing {
            BleuSmoothing::Exp => "exp",
            BleuSmoothing::None => "none",
        };
        let tokenizer = self.tokenizer.name();
        format!("nrefs:{references}|case:mixed|eff:{effective}|tok:{tokenizer}|smooth:{smooth}")
    }
}

/// What BLEU is computed from: matches and n-grams by order, and lengths in tokens. Those of a
/// corpus are the sum of its sentences'.
///
/// ```
/// use cs_train::metrics::{BleuConfig, BleuCounts};
///
/// let config = BleuConfig::default();
/// let mut counts = BleuCounts::of("the cat sat", &["the cat sat down"], &config);
/// assert_eq!((counts.matches, counts.reference_tokens), ([3, 2, 1, 0], 4));
/// counts += BleuCounts::of("", &["gone"], &config);
/// assert_eq!((counts.hypothesis_tokens, counts.reference_tokens), (3, 5));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BleuCounts {
    /// N-grams of the hypotheses found in a reference, by order from 1; each as often as the
    /// reference has it that has it most often.
    pub matches: [usize; ORDER],
    /// N-grams of the hypotheses, by order.
    pub ngrams: [usize; ORDER],
    /// Tokens of the hypotheses.
    pub hypothesis_tokens: usize,
    /// Tokens of the references, of several the one closest in length, then the shorter one.
    pub reference_tokens: usize,
}

impl BleuCounts {
    /// Counts a hypothesis against its references. Without any, nothing matches. O(tokens).
    #[must_use]
    pub fn of(hypothesis: &str, references: &[&str], config: &BleuConfig) -> Self {
        let hypothesis = config.tokenizer.tokens(hypothesis);
        let references: Vec<Vec<String>> = references
            .iter()
            .map(|reference| config.tokenizer.tokens(reference))
            .collect();
        let length = hypothesis.len();
        let closest = references.iter().map(Vec::len);
        let mut counts = Self {
            hypothesis_tokens: length,
            reference_tokens: closest
                .min_by_key(|&other| (other.abs_diff(length), other))
                .unwrap_or(0),
            ..Self::default()
        };
        for order in 1..=ORDER {
            let mut allowed: HashMap<&[String], usize> = HashMap::new();
            for reference in &references {
                for (ngram, count) in ngrams(reference, order) {
                    let most = allowed.entry(ngram).or_default();
                    *most = count.max(*most);
                }
            }
            for (ngram, count) in ngrams(&hypothesis, order) {
                counts.ngrams[order - 1] += count;
                counts.matches[order - 1] += allowed.get(ngram).map_or(0, |&most| most.min(count));
            }
        }
        counts
    }

    /// The score of these counts (Papineni et al., "BLEU: a Method for Automatic Evaluation of
    /// Machine Translation", ACL 2002, section 2.3).
    #[must_use]
    pub fn score(&self, config: &BleuConfig) -> BleuScore {
        let brevity_penalty = self.brevity_penalty();
        if self.matches == [0; ORDER] {
            return BleuScore {
                brevity_penalty,
                ..BleuScore::default()
            };
        }
        let (precisions, orders) = self.precisions(config);
        let logarithms: f64 = precisions[..orders].iter().map(|p| p.ln()).sum();
        BleuScore {
            score: brevity_penalty * (logarithms / orders as f64).exp(),
            precisions,
            brevity_penalty,
        }
    }

    /// In percent, and how many of them the score is made of.
    fn precisions(&self, config: &BleuConfig) -> ([f64; ORDER], usize) {
        let mut precisions = [0.0; ORDER];
        let (mut smoothed, mut reached) = (1.0, 0);
        for (order, precision) in precisions.iter_mut().enumerate() {
            let (matches, ngrams) = (self.matches[order] as f64, self.ngrams[order] as f64);
            if ngrams == 0.0 {
                break;
            }
            reached = order + 1;
            if matches > 0.0 {
                *precision = 100.0 * matches / ngrams;
            } else if config.smoothing == BleuSmoothing::Exp {
                smoothed *= 2.0;
                *precision = 100.0 / (smoothed * ngrams);
            }
        }
        let orders = if config.effective_order {
            reached
        } else {
            ORDER
        };
        (precisions, orders)
    }

    fn brevity_penalty(&self) -> f64 {
        let (hypothesis, reference) = (self.hypothesis_tokens, self.reference_tokens);
        if hypothesis >= reference {
            return 1.0;
        }
        if hypothesis == 0 {
            return 0.0;
        }
        (1.0 - reference as f64 / hypothesis as f64).exp()
    }
}

impl AddAssign for BleuCounts {
    fn add_assign(&mut self, other: Self) {
        for order in 0..ORDER {
            self.matches[order] += other.matches[order];
            self.ngrams[order] += other.ngrams[order];
        }
        self.hypothesis_tokens += other.hypothesis_tokens;
        self.reference_tokens += other.reference_tokens;
    }
}

fn ngrams(tokens: &[String], order: usize) -> HashMap<&[String], usize> {
    let mut counts = HashMap::new();
    for ngram in tokens.windows(order) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}

/// A BLEU score in 0..=100 and its parts.
///
/// ```
/// use cs_train::metrics::{BleuConfig, bleu};
/// let perfect = bleu([("it is on its way now", &["it is on its way now"][..])], &BleuConfig::default());
/// assert!((perfect.score - 100.0).abs() < 1e-9);
/// assert_eq!(perfect.brevity_penalty, 1.0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BleuScore {
    /// The score, from 0 to 100.
    pub score: f64,
    /// Share of n-grams that match, in percent, by order from 1, smoothed.
    pub precisions: [f64; ORDER],
    /// At most 1; below where the hypotheses are shorter than the references.
    pub brevity_penalty: f64,
}

/// BLEU of a corpus of (hypothesis, its references), equal to sacrebleu's `corpus_bleu`. O(tokens).
///
/// ```
/// use cs_train::metrics::{BleuConfig, BleuTokenizer, bleu};
///
/// let config = BleuConfig { tokenizer: BleuTokenizer::Zh, ..BleuConfig::default() };
/// let pairs = [("您的订单已发货", &["您的订单已经发货"][..]), ("好的", &["好的。"][..])];
/// let score = bleu(pairs, &config).score;
/// assert!(40.0 < score && score < 60.0, "{score}");
/// ```
pub fn bleu<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a [&'a str])>,
    config: &BleuConfig,
) -> BleuScore {
    let mut sum = BleuCounts::default();
    for (hypothesis, references) in pairs {
        sum += BleuCounts::of(hypothesis, references, config);
    }
    sum.score(config)
}

/// BLEU of one sentence, equal to sacrebleu's `sentence_bleu`: with the effective order, whatever
/// `config` says.
///
/// ```
/// use cs_train::metrics::{BleuConfig, sentence_bleu};
/// let score = sentence_bleu("on its way", &["on its way"], &BleuConfig::default());
/// assert!((score.score - 100.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn sentence_bleu(hypothesis: &str, references: &[&str], config: &BleuConfig) -> BleuScore {
    let config = BleuConfig {
        effective_order: true,
        ..*config
    };
    BleuCounts::of(hypothesis, references, &config).score(&config)
}
