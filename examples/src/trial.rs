//! A trial of a search for settings.

use cs_data::{Dataset, SplitMix};
use cs_train::recipe::Start;
use cs_train::run::Silent;
use serde::{Deserialize, Serialize};

use crate::command::rows_of;
use crate::error::{Error, Result};
use crate::interrupt::Interruptible;
use crate::lines::note_cut;
use crate::settings::Settings;

/// Settings that were drawn, and how good they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// From 0.
    pub trial: usize,
    /// Of the search.
    pub seed: u64,
    /// Passes over the rows.
    pub epochs: usize,
    /// Within 1e-4 to 1e-2, unless given, as what follows.
    pub lr: f64,
    /// Rows in a batch.
    pub batch_size: usize,
    /// As in [`Settings`].
    pub label_smoothing: f64,
    /// As in [`Settings`].
    pub light_dropout: f64,
    /// Of the validation rows.
    pub metric: Option<f64>,
}

impl Trial {
    /// The settings of a trial are a function of the seed and its number, as far as none is given.
    pub fn draw(trial: usize, epochs: usize, settings: &Settings) -> Self {
        let seed = settings.seed;
        let mut random = SplitMix::new(SplitMix::hash(seed, &format!("trial {trial}")));
        // Few digits, so that the log holds them exactly.
        let digits = |value: f64| format!("{value:.2e}").parse().unwrap_or(value);
        let lr = digits(10f64.powf(-4.0 + 2.0 * random.unit()));
        let batch_size = [16, 32, 64][random.below(3)];
        let label_smoothing = [0.0, 0.05, 0.1][random.below(3)];
        let light_dropout = digits(0.1 + 0.4 * random.unit());
        Self {
            trial,
            seed,
            epochs,
            lr: settings.lr.unwrap_or(lr),
            batch_size: settings.batch_size.unwrap_or(batch_size),
            label_smoothing: settings.label_smoothing.unwrap_or(label_smoothing),
            light_dropout: settings.light_dropout.unwrap_or(light_dropout),
            metric: None,
        }
    }

    /// Trains by these settings, the rest as `settings` says, and notes the metric. Whether it came
    /// to an end: a trial that was interrupted has no metric.
    ///
    /// # Errors
    ///
    /// As [`Recipe::fit`](cs_train::recipe::Recipe::fit).
    pub fn run(
        &mut self,
        train: &Dataset,
        eval: &Dataset,
        start: &Start,
        settings: &Settings,
    ) -> Result<bool> {
        let settings = Settings {
            epochs: Some(self.epochs),
            lr: Some(self.lr),
            batch_size: Some(self.batch_size),
            label_smoothing: Some(self.label_smoothing),
            light_dropout: Some(self.light_dropout),
            ..settings.clone()
        };
        let folder = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
        let recipe = settings.recipe(start, folder.path());
        let ready = recipe.prepare(rows_of(train, Some(eval)))?;
        note_cut(ready.truncated(), ready.max_length());
        let fitted = ready.fit(&mut Interruptible(&mut Silent))?;
        if fitted.report.interrupted {
            return Ok(false);
        }
        self.metric = fitted.report.best.map(|scores| scores.metric);
        Ok(true)
    }
}
