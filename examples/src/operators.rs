//! The operators of an augmentation, by arguments.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use cs_data::augment::{
    BackTranslation, Contextual, Entities, LineProcess, Noise, NoiseConfig, Pipeline, Rephrasing,
    Synonyms, Typos, TyposConfig,
};
use cs_data::{Dataset, Tokenizer};

use crate::error::{Error, Result};
use crate::note;
use crate::number;
use crate::rephrasing::{ChatRephraser, Classifier};
use crate::translating::Translating;

/// The rate of irrelevant words where nothing else is asked for.
const NOISE: f64 = 0.1;
/// What stands for a masked word in most models.
const MASK: &str = "[MASK]";
/// How long a command may take.
const TIMEOUT_SECONDS: u64 = 3600;
/// Candidates that a masked word is drawn from.
const MASK_CANDIDATES: usize = 5;

/// What is done to a copy of a row.
#[derive(Debug, Clone, Args)]
pub struct Operators {
    /// Dictionary, between tabs: a word and its candidates, each perhaps with `:weight`
    #[arg(long, value_name = "FILE")]
    pub synonyms: Option<PathBuf>,
    /// Leave out what is wrong in the dictionary, and say so, instead of stopping
    #[arg(long, requires = "synonyms")]
    pub lenient: bool,
    /// Values, between tabs: a label and a value, or a rule: `=[A-Z]{2}\d{8}`, `=card`, `=date_zh`,
    /// …
    #[arg(long, value_name = "FILE")]
    pub entities: Option<PathBuf>,
    /// Probability of an irrelevant word after each token [default: 0.1 if no other operator is
    /// asked for, or --fillers is, else 0]
    #[arg(long, value_name = "RATE", value_parser = number::probability)]
    pub noise: Option<f64>,
    /// Irrelevant words, one a line, instead of those that are shipped
    #[arg(long, value_name = "FILE")]
    pub fillers: Option<PathBuf>,
    /// Probability of each token to be left out
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = number::probability)]
    pub delete: f64,
    /// Probability of each token to be swapped with the next
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = number::probability)]
    pub swap: f64,
    /// Probability of a typing error in each character
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = number::probability)]
    pub typos: f64,
    /// What translates there and back: folders of Marian models, or shell commands that translate
    /// lines
    #[arg(long, value_name = "FWD,BWD")]
    pub back_translate: Option<String>,
    /// Folder of a chat model that is asked to say each text in other words
    #[arg(long, value_name = "DIR")]
    pub rephrase: Option<PathBuf>,
    /// Folder of a bundle: texts in which it finds another intent after rephrasing are dropped
    #[arg(long, value_name = "DIR", requires = "rephrase")]
    pub classifier: Option<PathBuf>,
    /// Shell command that answers each line with candidates for its masked word, between tabs
    #[arg(long, value_name = "COMMAND")]
    pub fill_mask: Option<String>,
    /// Folder of that command's model, whose tokenizer says what a masked word is [default:
    /// `[MASK]`]
    #[arg(long, value_name = "DIR", requires = "fill_mask")]
    pub mask_model: Option<PathBuf>,
    /// Seconds that a command may take [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
}

/// What was left out of the dictionary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Pairs that separate intents of the data.
    pub flagged: Vec<String>,
    /// Entries that are wrong.
    pub skipped: Vec<String>,
}

impl Operators {
    /// Puts the operators after those of `pipeline`: entities, synonyms, back translation,
    /// rephrasing, masked words, noise, typos. `data` is what synonyms must not confuse the intents of.
    ///
    /// # Errors
    ///
    /// No operator that changes anything; an argument without effect; a list that cannot be read,
    /// with its place; a rate outside 0 to 1.
    pub fn add_to(&self, mut pipeline: Pipeline, data: &Dataset) -> Result<(Pipeline, LeftOut)> {
        self.check()?;
        let mut left_out = LeftOut::default();
        if let Some(path) = &self.entities {
            pipeline = pipeline.with(Entities::open(path)?, 1.0)?;
        }
        if let Some(path) = &self.synonyms {
            pipeline = pipeline.with(self.synonyms(path, data, &mut left_out)?, 1.0)?;
        }
        let timeout = Duration::from_secs(self.timeout.unwrap_or(TIMEOUT_SECONDS));
        if let Some([there, back]) = self.back_translators()? {
            let (there, back) = (there.open(timeout)?, back.open(timeout)?);
            let operator = BackTranslation::new(there, back, Default::default())?;
            pipeline = pipeline.with_batch(operator, 1.0)?;
        }
        if let Some(folder) = &self.rephrase {
            pipeline = pipeline.with_batch(self.rephrasing(folder)?, 1.0)?;
        }
        if let Some(command) = &self.fill_mask {
            let filler = LineProcess::new(command.as_str(), timeout).with_mask(self.mask()?);
            pipeline = pipeline.with_batch(Contextual::new(filler, MASK_CANDIDATES)?, 1.0)?;
        }
        pipeline = pipeline.with(self.noise()?, 1.0)?;
        let typos = Typos::new(TyposConfig {
            rate: self.typos,
            ..TyposConfig::default()
        })?;
        Ok((pipeline.with(typos, 1.0)?, left_out))
    }

    /// Whether an operator other than noise is asked for.
    fn others(&self) -> bool {
        let lists = [&self.synonyms, &self.entities]
            .into_iter()
            .any(Option::is_some);
        let models = [&self.back_translate, &self.fill_mask];
        let models = models.into_iter().any(Option::is_some) || self.rephrase.is_some();
        lists
            || models
            || [self.delete, self.swap, self.typos]
                .into_iter()
                .any(|rate| rate > 0.0)
    }

    fn insert(&self) -> f64 {
        let asked = self.fillers.is_some() || !self.others();
        self.noise.unwrap_or(if asked { NOISE } else { 0.0 })
    }

    fn check(&self) -> Result<()> {
        let refuse = |line: &str| Err(Error::Usage(line.to_owned()));
        if self.insert() == 0.0 && self.fillers.is_some() {
            return refuse("--fillers has no effect with --noise 0");
        }
        if self.insert() == 0.0 && !self.others() {
            return refuse("--noise 0: expected another operator, such as --synonyms or --typos");
        }
        let translators = self.back_translators()?.into_iter().flatten();
        let commands = translators.filter(Translating::is_command).count();
        if self.timeout.is_some() && commands == 0 && self.fill_mask.is_none() {
            return refuse(
                "--timeout has no effect without a command for --back-translate or --fill-mask",
            );
        }
        Ok(())
    }

    /// What translates there and back.
    fn back_translators(&self) -> Result<Option<[Translating<'_>; 2]>> {
        let pair = self.back_translate.as_deref().map(pair).transpose()?;
        Ok(pair.map(|pair| pair.map(Translating::of)))
    }

    /// What stands for a masked word.
    fn mask(&self) -> Result<String> {
        let Some(folder) = &self.mask_model else {
            return Ok(MASK.to_owned());
        };
        let mask = Tokenizer::open(folder)?.mask_token();
        mask.ok_or_else(|| Error::Unfit {
            path: folder.clone(),
            found: "a tokenizer without a mask token".to_owned(),
            expected: "one with a token such as [MASK] or <mask>",
        })
    }

    fn rephrasing(&self, folder: &Path) -> Result<Rephrasing<ChatRephraser>> {
        let operator = Rephrasing::new(ChatRephraser::open(folder)?, Default::default())?;
        Ok(match &self.classifier {
            Some(folder) => operator.with_classifier(Classifier::open(folder)?),
            None => operator,
        })
    }

    fn noise(&self) -> Result<Noise> {
        let noise = Noise::new(NoiseConfig {
            insert: self.insert(),
            delete: self.delete,
            swap: self.swap,
            in_entities: false,
        })?;
        Ok(match &self.fillers {
            Some(path) => noise.open_fillers(path)?,
            None => noise,
        })
    }

    fn synonyms(&self, path: &Path, data: &Dataset, left_out: &mut LeftOut) -> Result<Synonyms> {
        let synonyms = if self.lenient {
            let (synonyms, skipped) = Synonyms::open_lenient(path)?;
            left_out.skipped = skipped.iter().map(ToString::to_string).collect();
            synonyms
        } else {
            Synonyms::open(path)?
        };
        let (synonyms, flagged) = synonyms.guarded(data, Synonyms::SEPARATES)?;
        let shown = flagged.iter().map(|pair| {
            format!(
                "{} -> {} turns {} into {}",
                pair.word, pair.replacement, pair.intent, pair.other_intent
            )
        });
        left_out.flagged = shown.collect();
        for line in left_out.skipped.iter().chain(&left_out.flagged) {
            note(format_args!("left out: {line}"));
        }
        Ok(synonyms)
    }
}

/// `FWD,BWD`.
fn pair(commands: &str) -> Result<[&str; 2]> {
    let pair = commands
        .split_once(',')
        .map(|(there, back)| [there.trim(), back.trim()]);
    pair.filter(|pair| pair.iter().all(|command| !command.is_empty()))
        .ok_or_else(|| {
            Error::Usage(format!(
                "--back-translate {commands:?}: expected two folders or commands, FWD,BWD"
            ))
        })
}
