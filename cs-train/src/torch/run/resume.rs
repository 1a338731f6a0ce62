//! From a run to its checkpoint and back.

use std::path::PathBuf;

use super::checkpoint::{Best, CONFIG, FORMAT_VERSION, State, config_value};
use super::train_loop::Run;
use crate::error::{Error, Result};
use crate::torch::optim::Moments;
use crate::torch::snapshot::{Loaded, Snapshot};

/// What a tensor in a checkpoint is, before the parameter's name.
const PARAMETER: &str = "parameter:";
const MEAN: &str = "mean:";
const SQUARE: &str = "square:";
const EMA: &str = "ema:";

impl Run<'_> {
    /// Goes on from the latest checkpoint in the folder, if there is one.
    pub(crate) fn resume(&mut self) -> Result<()> {
        let Some((path, state)) = self.checkpoints.read_latest()? else {
            return Ok(());
        };
        let identity = self.objective.identity();
        state.check(&identity, self.config, &path)?;
        if let Some(best) = &state.progress.best {
            // Another run's would be the result, and be noticed after the last step.
            Loaded::open(&self.checkpoints.best_path(best.step), &best.sha256)?;
        }
        let tensors = self.checkpoints.read_tensors(&state)?;
        self.restore_moments(&state, &tensors)?;
        if let Some(ema) = &mut self.stepper.ema
            && tensors.has(EMA)
        {
            let device =
                |tensor: tch::Tensor, like: &tch::Tensor| tensor.f_to_device(like.device());
            ema.restore(|name, weight| {
                let mean = tensors.tensor(&format!("{EMA}{name}"), &weight.size())?;
                Ok(device(mean, weight)?)
            })?;
        }
        self.load_weights(&tensors, PARAMETER)?;
        self.stepper.scaler = state.progress.scaler;
        let (best, without_gain) = state.progress.stopping;
        self.stopping = self
            .stopping
            .clone()
            .resumed(best.map(|best| best.0), without_gain);
        self.saved = Some(state.progress.step);
        self.report.resumed_from = self.saved;
        self.progress = state.progress;
        self.checkpoints.adopt(&identity)
    }

    fn restore_moments(&mut self, state: &State, tensors: &Loaded) -> Result<()> {
        let parameters = self.objective.parameters();
        let device = parameters
            .first()
            .map_or(tch::Device::Cpu, |(_, tensor)| tensor.device());
        self.stepper.optimizer.restore(|name, shape| {
            let Some(&steps) = state.moments.get(name) else {
                return Ok(None);
            };
            let read = |kind| -> Result<tch::Tensor> {
                let tensor = tensors.tensor(&format!("{kind}{name}"), shape)?;
                Ok(tensor.f_to_device(device)?)
            };
            Ok(Some(Moments::new(read(MEAN)?, read(SQUARE)?, steps)?))
        })
    }

    /// Writes all that the run's future depends on.
    pub(crate) fn save(&mut self) -> Result<PathBuf> {
        if self.saved.is_none() {
            self.save_config()?;
        }
        let mut tensors = self.weights(PARAMETER)?;
        let mut state = State {
            format_version: FORMAT_VERSION,
            identity: self.objective.identity(),
            config: config_value(self.config)?,
            progress: self.progress.clone(),
            moments: Default::default(),
            sha256: String::new(),
        };
        for (name, moments) in self.stepper.optimizer.moments() {
            tensors.add(format!("{MEAN}{name}"), &moments.mean)?;
            tensors.add(format!("{SQUARE}{name}"), &moments.square)?;
            state.moments.insert(name.to_owned(), moments.steps);
        }
        for (name, mean) in self.stepper.ema.iter().flat_map(|ema| ema.mean()) {
            tensors.add(format!("{EMA}{name}"), mean)?;
        }
        self.saved = Some(self.progress.step);
        self.checkpoints.write(state, &tensors)
    }

    fn save_config(&self) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self.config).map_err(|error| Error::Config {
            field: "config",
            value: error.to_string(),
            expected: "settings that JSON can hold",
        })?;
        json.push(b'\n');
        self.checkpoints.write_file(CONFIG, &json)
    }

    /// Copies of the model's weights, with a prefix to their names.
    pub(crate) fn weights(&self, prefix: &str) -> Result<Snapshot> {
        let mut snapshot = Snapshot::default();
        for (name, tensor) in self.objective.parameters() {
            snapshot.add(format!("{prefix}{name}"), &tensor)?;
        }
        Ok(snapshot)
    }

    /// Gives the model the best weights.
    pub(crate) fn load_best(&self, best: &Best) -> Result<()> {
        if best.step == self.progress.step && self.stepper.ema.is_none() {
            return Ok(());
        }
        let path = self.checkpoints.best_path(best.step);
        self.load_weights(&Loaded::open(&path, &best.sha256)?, "")
    }

    /// Gives the model the weights of a file: all or none.
    fn load_weights(&self, tensors: &Loaded, prefix: &str) -> Result<()> {
        let mut parameters = self.objective.parameters();
        let read = |(name, tensor): &(String, tch::Tensor)| {
            tensors.tensor(&format!("{prefix}{name}"), &tensor.size())
        };
        let loaded: Vec<_> = parameters.iter().map(read).collect::<Result<_>>()?;
        let _guard = tch::no_grad_guard();
        for ((_, tensor), loaded) in parameters.iter_mut().zip(&loaded) {
            tensor.f_copy_(loaded)?;
        }
        Ok(())
    }

    /// Exchanges the weights and their running mean, if there is one.
    pub(crate) fn swap_mean(&mut self) -> Result<()> {
        match &mut self.stepper.ema {
            Some(ema) => ema.swap(),
            None => Ok(()),
        }
    }
}
