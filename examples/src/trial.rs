//! A trial of a search for settings.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use cs_data::{Dataset, SplitMix};
use serde::{Deserialize, Serialize};

use crate::base::Base;
use crate::error::{Error, Result};
use crate::fit::fit;
use crate::settings::Settings;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// From 0.
    pub trial: usize,
    /// Of the search.
    pub seed: u64,
    /// Passes over the rows.
    pub epochs: usize,
    /// Within 1e-4 to 1e-2, unless --lr is given.
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
    /// The settings of a trial are a function of the seed and its number.
    pub fn draw(trial: usize, epochs: usize, settings: &Settings) -> Self {
        let seed = settings.seed;
        let mut random = SplitMix::new(SplitMix::of(seed, &format!("trial {trial}")));
        // Few digits, so that the log holds them exactly.
        let digits = |value: f64| format!("{value:.2e}").parse().unwrap_or(value);
        let lr = digits(10f64.powf(-4.0 + 2.0 * random.unit()));
        Self {
            trial,
            seed,
            epochs,
            lr: settings.lr.unwrap_or(lr),
            batch_size: [16, 32, 64][random.below(3)],
            label_smoothing: [0.0, 0.05, 0.1][random.below(3)],
            light_dropout: digits(0.1 + 0.4 * random.unit()),
            metric: None,
        }
    }

    /// Trains by these settings, the rest as `settings` says, and notes the metric.
    ///
    /// # Errors
    ///
    /// As [`fit`](crate::fit()).
    pub fn run(
        &mut self,
        rows: (&Dataset, Option<&Dataset>),
        base: &Base,
        settings: &Settings,
    ) -> Result<()> {
        let settings = Settings {
            epochs: Some(self.epochs),
            lr: Some(self.lr),
            batch_size: Some(self.batch_size),
            label_smoothing: Some(self.label_smoothing),
            light_dropout: Some(self.light_dropout),
            ..settings.clone()
        };
        let folder = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
        let fitted = fit(rows, base, &settings, folder.path(), &mut cs_train::Silent)?;
        self.metric = fitted.report.best.map(|scores| scores.metric);
        Ok(())
    }

    /// Adds the trial to a log.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn append(&self, log: &Path) -> Result<()> {
        let line = serde_json::to_string(self).map_err(|error| Error::io(log)(error.into()))?;
        let file = OpenOptions::new().create(true).append(true).open(log);
        file.and_then(|mut file| writeln!(file, "{line}"))
            .map_err(Error::io(log))
    }

    /// The trials of a log, if there is one.
    ///
    /// # Errors
    ///
    /// A line that is no trial, by its number.
    pub fn read(log: &Path) -> Result<Vec<Self>> {
        let text = match log.exists() {
            true => std::fs::read_to_string(log).map_err(Error::io(log))?,
            false => String::new(),
        };
        let trial = |(line, text): (usize, &str)| {
            serde_json::from_str(text).map_err(|error| Error::Line {
                path: log.to_owned(),
                line: line + 1,
                column: error.column(),
                found: "no trial".to_owned(),
                expected: "a line that this example wrote",
            })
        };
        text.lines().enumerate().map(trial).collect()
    }
}
