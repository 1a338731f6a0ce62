//! [`EarlyStopping`]: when another epoch is not worth it.

/// Stops after `patience` validations in a row without a better figure.
///
/// ```
/// use cs_train::schedule::EarlyStopping;
///
/// let mut stopping = EarlyStopping::new(2, 0.01);
/// assert!(stopping.update(0.5).improved);
/// assert!(!stopping.update(0.505).stop); // too little
/// assert!(stopping.update(0.4).stop);
/// assert_eq!(stopping.best(), Some(0.5));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    best: Option<f64>,
    without_gain: usize,
}

/// What a validation figure means for the run.
///
/// ```
/// let verdict = cs_train::schedule::EarlyStopping::new(3, 0.0).update(0.9);
/// assert!(verdict.improved && !verdict.stop);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoppingDecision {
    /// The figure is the best so far.
    pub improved: bool,
    /// Patience is used up: stop.
    pub stop: bool,
}

impl EarlyStopping {
    /// Allows `patience` validations without a gain of more than `min_delta`; the last of them
    /// stops.
    #[must_use]
    pub fn new(patience: usize, min_delta: f64) -> Self {
        Self {
            patience,
            min_delta,
            best: None,
            without_gain: 0,
        }
    }

    /// Takes the next validation figure, larger being better. NaN is never an improvement.
    pub fn update(&mut self, figure: f64) -> StoppingDecision {
        let improved =
            !figure.is_nan() && self.best.is_none_or(|best| figure > best + self.min_delta);
        if improved {
            self.best = Some(figure);
            self.without_gain = 0;
        } else {
            self.without_gain += 1;
        }
        StoppingDecision {
            improved,
            stop: self.without_gain >= self.patience.max(1),
        }
    }

    /// The best figure so far.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    /// Validations since the best figure.
    #[must_use]
    pub fn without_gain(&self) -> usize {
        self.without_gain
    }

    /// Goes on from what [`best`](Self::best) and [`without_gain`](Self::without_gain) gave.
    #[must_use]
    pub fn resumed(self, best: Option<f64>, without_gain: usize) -> Self {
        Self {
            best,
            without_gain,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_on_the_third_epoch_without_a_gain() {
        let mut stopping = EarlyStopping::new(3, 0.0);
        let stops: Vec<bool> = [0.3, 0.5, 0.5, 0.49, 0.6, 0.1, f64::NAN, 0.6]
            .iter()
            .map(|&f| stopping.update(f).stop)
            .collect();
        assert_eq!(
            stops,
            [false, false, false, false, false, false, false, true]
        );
        assert_eq!(stopping.best(), Some(0.6));
    }
}
