//! The arguments that distilling and pruning share.

use std::path::PathBuf;

use clap::Args;
use cs_data::Dataset;
use cs_data::augment::variants;
use cs_train::objective::DistillConfig;
use cs_train::recipe::Teaching;

use crate::command::TrainArgs;
use crate::error::{Error, Result};
use crate::number;
use crate::run::note;
use crate::unseen::warn_unseen;

/// What a teacher is asked, and how its answers count.
#[derive(Debug, Args)]
pub struct DistillArgs {
    /// Texts whose labels, if any, are not looked at
    #[arg(long, value_name = "PATH")]
    pub corpus: Option<PathBuf>,
    /// Variants made of each training text
    #[arg(long, default_value_t = 0)]
    pub copies: usize,
    /// Divides the logits before they are compared
    #[arg(long, default_value_t = 2.0, value_parser = number::above_zero)]
    pub temperature: f64,
    /// Weight of the teacher's answers
    #[arg(long, default_value_t = 1.0, value_parser = number::not_negative)]
    pub soft: f64,
    /// Weight of the labels
    #[arg(long, default_value_t = 0.5, value_parser = number::not_negative)]
    pub hard: f64,
    /// Weight of the hidden states' distance, between transformers
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, value_parser = number::not_negative)]
    pub hidden: f64,
}

impl DistillArgs {
    /// The configuration they stand for.
    pub fn config(&self) -> DistillConfig {
        DistillConfig {
            temperature: self.temperature,
            soft: self.soft,
            hard: self.hard,
            hidden: self.hidden,
            attention: 0.0,
        }
    }

    /// Adds the texts of `--corpus` and the variants of `train` to what the teacher is asked, and
    /// warns of labels it does not know.
    ///
    /// # Errors
    ///
    /// A corpus that cannot be read or has no rows.
    pub fn ask(&self, teaching: &mut Teaching, common: &TrainArgs, train: &Dataset) -> Result<()> {
        if let Some(path) = &self.corpus {
            teaching.corpus = common.format.open_texts(path)?.iter().collect();
            if teaching.corpus.is_empty() {
                return Err(Error::Unfit {
                    path: path.clone(),
                    found: "no rows".to_owned(),
                    expected: "texts",
                });
            }
        }
        let rows: Vec<_> = train.iter().collect();
        warn_unseen(&common.train, &rows, teaching.teacher.tasks());
        let made = variants(train, self.copies, common.settings.seed)?;
        teaching.corpus.extend(made);
        let (labelled, corpus) = (train.len(), teaching.corpus.len());
        note(format_args!(
            "{labelled} labelled rows, {corpus} texts without labels"
        ));
        Ok(())
    }
}
