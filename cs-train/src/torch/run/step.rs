//! One optimiser step: forward, backward, clipping, update.

use cs_model::ops::{Autocast, HalfPrecision};
use tch::{Device, Kind, Tensor};

use super::seed::{Stream, derive};
use super::timing::{Phases, Stopwatch};
use crate::error::{Error, Result};
use crate::schedule::{LossScaler, Schedule, TrainConfig, TrainPrecision};
use crate::torch::objective::{LossOutput, Objective, StepBatch};
use crate::torch::optim::{AdamW, Ema, Fgm, Gradients};

/// What changes weights, and what it remembers between steps.
#[derive(Debug)]
pub(crate) struct Stepper {
    pub(crate) optimizer: AdamW,
    pub(crate) scaler: Option<LossScaler>,
    pub(crate) ema: Option<Ema>,
    pub(crate) schedule: Schedule,
    adversary: Option<Fgm>,
    device: cs_model::Device,
}

/// A step taken, or skipped.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) loss: f64,
    pub(crate) parts: Vec<(&'static str, f64)>,
    pub(crate) grad_norm: f64,
    pub(crate) lr: f64,
    pub(crate) loss_scale: Option<f64>,
    pub(crate) skipped: bool,
    pub(crate) phases: Phases,
}

impl Stepper {
    /// Has the forward passes of an evaluation use the numbers of training.
    pub(crate) fn autocast(&self, precision: TrainPrecision) -> Result<Option<Autocast>> {
        autocast(precision, self.device)
    }

    pub(crate) fn new(
        objective: &dyn Objective,
        config: &TrainConfig,
        steps: usize,
    ) -> Result<Self> {
        let mut optimizer = AdamW::new(objective.parameters(), config);
        let reached = objective.reached();
        if let Some(reached) = &reached {
            optimizer.restrict_rows(&reached.parameter, &reached.rows)?;
        }
        let adversary = if config.fgm > 0.0 {
            Some(Fgm::new(objective, config.fgm)?)
        } else {
            None
        };
        let ema = (config.ema > 0.0).then(|| Ema::new(objective.parameters(), config.ema));
        Ok(Self {
            optimizer,
            scaler: (config.precision == TrainPrecision::Fp16).then(LossScaler::default),
            ema,
            schedule: Schedule::new(config.schedule, config.warmup_steps, steps),
            adversary,
            device: device_of(objective),
        })
    }

    /// Takes the step after `step` steps on `rows`. The host waits for the device once, for the
    /// loss and the gradients' norm together, so that a step that would ruin the weights is never
    /// taken.
    pub(crate) fn step(
        &mut self,
        objective: &dyn Objective,
        config: &TrainConfig,
        step: usize,
        rows: &[usize],
    ) -> Result<Taken> {
        let mut pass = Pass {
            objective,
            config,
            rows,
            seed: derive(config.seed, Stream::Dropout, step as u64),
            scale: self.scaler.map_or(1.0, |scaler| scaler.scale()),
            precision: config.precision,
            device: self.device,
            passes: 0,
            figures: Figures::default(),
            phases: Phases::default(),
            watch: Stopwatch::start(),
        };
        let gradients = pass.gradients(&self.optimizer, self.adversary.as_mut())?;
        let mut pass_figures = pass.figures;
        let (mut phases, mut watch, scale) = (pass.phases, pass.watch, pass.scale);
        let norm = gradients.norm()?;
        phases.optimizer += watch.lap();
        let scaled_norm = pass_figures.read(&norm)?;
        phases.wait += watch.lap();

        let (loss, grad_norm) = (pass_figures.total, scaled_norm / scale);
        let skipped = self.overflowed(loss, grad_norm);
        let skipped = skipped.map_err(|number| number.error(objective, step, rows))?;
        let lr = config.lr * self.schedule.factor(step);
        if !skipped {
            let clip = Gradients::clip_scale(grad_norm, config.max_grad_norm);
            self.optimizer.step(&gradients, lr, clip / scale)?;
            if let Some(ema) = &mut self.ema {
                ema.update()?;
            }
        }
        phases.optimizer += watch.lap();
        Ok(Taken {
            loss,
            parts: pass_figures.parts,
            grad_norm,
            lr,
            loss_scale: self.scaler.is_some().then_some(scale),
            skipped,
            phases,
        })
    }

    /// Whether the gradients overflowed in fp16, so that the step must be skipped. What is not
    /// finite and cannot be helped by a smaller scale is an error.
    fn overflowed(&mut self, loss: f64, grad_norm: f64) -> Result<bool, NonFinite> {
        if !loss.is_finite() {
            let (what, value) = ("loss", loss);
            return Err(NonFinite { what, value });
        }
        let overflowed = !grad_norm.is_finite();
        let hopeless = match &mut self.scaler {
            None => overflowed,
            Some(scaler) => {
                scaler.update(overflowed);
                scaler.exhausted()
            }
        };
        if hopeless {
            let (what, value) = ("gradient norm", grad_norm);
            return Err(NonFinite { what, value });
        }
        Ok(overflowed)
    }
}

/// A number that ends a run.
struct NonFinite {
    what: &'static str,
    value: f64,
}

impl NonFinite {
    fn error(self, objective: &dyn Objective, step: usize, rows: &[usize]) -> Error {
        Error::NonFinite {
            what: self.what,
            value: self.value,
            step: step + 1,
            rows: rows.iter().map(|&row| objective.row_id(row)).collect(),
            checkpoint: None,
        }
    }
}

/// Has matrix products be of this precision while it lives.
fn autocast(precision: TrainPrecision, device: cs_model::Device) -> Result<Option<Autocast>> {
    let half = match precision {
        TrainPrecision::Fp32 => return Ok(None),
        TrainPrecision::Bf16 => HalfPrecision::Bf16,
        TrainPrecision::Fp16 => HalfPrecision::Fp16,
    };
    Ok(Some(Autocast::new(device, half)?))
}

fn device_of(objective: &dyn Objective) -> cs_model::Device {
    match objective
        .parameters()
        .first()
        .map(|(_, tensor)| tensor.device())
    {
        Some(Device::Cuda(index)) => cs_model::Device::Cuda(index),
        _ => cs_model::Device::Cpu,
    }
}

/// The forward and backward passes of a step.
struct Pass<'a> {
    objective: &'a dyn Objective,
    config: &'a TrainConfig,
    rows: &'a [usize],
    seed: u64,
    scale: f64,
    precision: TrainPrecision,
    device: cs_model::Device,
    /// Forward passes so far: each has dropout of its own.
    passes: u64,
    figures: Figures,
    phases: Phases,
    watch: Stopwatch,
}

impl Pass<'_> {
    /// The gradients of the scaled loss, with the adversary's added.
    fn gradients(&mut self, optimizer: &AdamW, adversary: Option<&mut Fgm>) -> Result<Gradients> {
        let mut gradients = self.of_batch(optimizer)?;
        if let Some(adversary) = adversary {
            // What is logged is the loss of the true words.
            let figures = std::mem::take(&mut self.figures);
            let gradient = optimizer.gradient_of(&gradients, adversary.parameter());
            adversary.perturb(gradient)?;
            let attacked = self.of_batch(optimizer);
            adversary.restore()?;
            gradients.add(attacked?)?;
            self.figures = figures;
        }
        Ok(gradients)
    }

    fn of_batch(&mut self, optimizer: &AdamW) -> Result<Gradients> {
        let parts = self.config.accumulate.min(self.rows.len());
        let mut sum: Option<Gradients> = None;
        for rows in self.rows.chunks(self.rows.len().div_ceil(parts)) {
            let part = self.of_part(optimizer, rows)?;
            match &mut sum {
                None => sum = Some(part),
                Some(sum) => sum.add(part)?,
            }
        }
        sum.ok_or(Error::Empty { what: "batch" })
    }

    fn of_part(&mut self, optimizer: &AdamW, rows: &[usize]) -> Result<Gradients> {
        let seed = derive(self.seed, Stream::Dropout, self.passes);
        self.passes += 1;
        tch::manual_seed(seed as i64);
        self.phases.rest += self.watch.lap();
        let autocast = autocast(self.precision, self.device)?;
        let loss = self.objective.loss(&StepBatch {
            rows,
            step_rows: self.rows,
            seed: self.seed,
        })?;
        drop(autocast);
        self.phases.forward += self.watch.lap();
        let gradients = if self.scale == 1.0 {
            optimizer.gradients(&loss.total)?
        } else {
            optimizer.gradients(&loss.total.f_mul_scalar(self.scale)?)?
        };
        self.figures.add(loss)?;
        self.phases.backward += self.watch.lap();
        Ok(gradients)
    }
}

/// Losses on the device until they are read, all at once.
#[derive(Debug, Default)]
struct Figures {
    /// With the part's name; `None` for a total.
    scalars: Vec<(Option<&'static str>, Tensor)>,
    total: f64,
    parts: Vec<(&'static str, f64)>,
}

impl Figures {
    fn add(&mut self, loss: LossOutput) -> Result<()> {
        self.scalars.push((None, loss.total.f_detach()?));
        for part in loss.parts {
            self.scalars.push((Some(part.name), part.value.f_detach()?));
        }
        Ok(())
    }

    /// Sums the losses by name and returns the value of `extra`, in a single transfer from the
    /// device.
    #[expect(clippy::disallowed_methods, reason = "the one wait of a step")]
    fn read(&mut self, extra: &Tensor) -> Result<f64> {
        let mut all: Vec<&Tensor> = self.scalars.iter().map(|(_, scalar)| scalar).collect();
        all.push(extra);
        let on_host = Tensor::f_stack(&all, 0)?.f_to_device(Device::Cpu)?;
        let figures = Vec::<f64>::try_from(on_host.f_to_kind(Kind::Double)?)?;
        for ((name, _), value) in self.scalars.iter().zip(&figures) {
            let Some(name) = *name else {
                self.total += value;
                continue;
            };
            match self.parts.iter_mut().find(|(part, _)| *part == name) {
                Some((_, sum)) => *sum += value,
                None => self.parts.push((name, *value)),
            }
        }
        Ok(figures.last().copied().unwrap_or(f64::NAN))
    }
}
