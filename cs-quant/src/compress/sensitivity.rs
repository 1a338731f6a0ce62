//! What quantising one layer alone costs.

use std::collections::BTreeMap;

use cs_data::TokenBatch;
use cs_model::names::product;
use cs_model::{Bundle, Matrix};
use serde::Serialize;

use super::edited::tensors;
use crate::error::Error;
use crate::format::scheme::{QuantConfig, Scheme};
use crate::runtime::config::RuntimeConfig;
use crate::runtime::model::NativeModel;

/// What a model is judged on: texts to compare and time, and a metric.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_quant::{NativeModel, Probe, Error};
///
/// let texts = [TokenBatch::pack([&[2, 7, 3][..]])];
/// let mut metric = |model: &NativeModel| {
///     let sure = model.forward(&texts[0])?.intent.map(|logits| f64::from(logits.data[0]));
///     Ok::<_, Error>([("intent".to_owned(), sure.unwrap_or(0.0))].into())
/// };
/// let probe = Probe { texts: &texts, metric: Some(&mut metric) };
/// assert_eq!(probe.texts.len(), 1);
/// ```
pub struct Probe<'a, E> {
    /// The texts whose pooled vectors are compared and whose time is taken, one a batch.
    pub texts: &'a [TokenBatch],
    /// The function that judges each head, in whatever way the caller chooses.
    pub metric: Option<&'a mut Metric<'a, E>>,
}

/// A function that judges a model: it gives a figure for each of its
/// [heads](cs_model::Tasks::heads), the larger the better.
pub type Metric<'a, E> = dyn FnMut(&NativeModel) -> Result<Figures, E> + 'a;

/// The figures of a model, by head.
pub type Figures = BTreeMap<String, f64>;

impl<E> std::fmt::Debug for Probe<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe")
            .field("texts", &self.texts.len())
            .field("metric", &self.metric.is_some())
            .finish()
    }
}

impl<E: From<Error>> Probe<'_, E> {
    pub(crate) fn measure(&mut self, model: &NativeModel) -> Result<Option<Figures>, E> {
        self.metric.as_mut().map(|metric| metric(model)).transpose()
    }

    pub(crate) fn vectors(&self, model: &NativeModel) -> Result<Vec<Matrix>, Error> {
        self.texts.iter().map(|batch| model.embed(batch)).collect()
    }
}

/// What happens when only one layer is quantised.
///
/// ```
/// let layer = cs_quant::Sensitivity {
///     layer: "encoder.layer.0".into(),
///     cosine: 0.9996,
///     least_cosine: 0.998,
///     drops: [("intent".into(), 0.01), ("slots".into(), 0.0)].into(),
/// };
/// assert_eq!(layer.worst_drop(), Some(("intent", 0.01)));
/// assert!(serde_json::to_string(&layer)?.contains("\"cosine\":0.9996"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensitivity {
    /// The name of the layer, as [`QuantConfig::keep_fp32`] takes it.
    pub layer: String,
    /// The mean cosine of the texts' pooled vectors with those of fp32; 1 without texts.
    pub cosine: f64,
    /// The least cosine of a text's pooled vector with that of fp32; 1 without texts.
    pub least_cosine: f64,
    /// How much each head's figure falls; empty without a metric.
    pub drops: Figures,
}

impl Sensitivity {
    /// Gives the head whose figure falls most, and by how much.
    #[must_use]
    pub fn worst_drop(&self) -> Option<(&str, f64)> {
        let drops = self.drops.iter().map(|(head, &drop)| (head.as_str(), drop));
        drops.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// Quantises each layer alone and compares with fp32; the layers that suffer most come first.
///
/// Costs a load of the model, a forward of the texts, and the metric, for each layer: a model of 90
/// MB with six blocks has 26, which take a third of a second each without the metric.
///
/// # Errors
///
/// Those of [`NativeModel::open`]; an error for a text that the model cannot take; and those of the
/// metric.
pub fn sensitivity<E: From<Error>>(
    bundle: &Bundle,
    config: &QuantConfig,
    probe: &mut Probe<'_, E>,
) -> Result<Vec<Sensitivity>, E> {
    let runtime = RuntimeConfig::default();
    let none = QuantConfig {
        keep_fp32: layers(bundle, config).into_keys().collect(),
        ..config.clone()
    };
    let exact = NativeModel::open_quantised(bundle, &none, &runtime)?;
    let expected = probe.vectors(&exact)?;
    let before = probe.measure(&exact)?.unwrap_or_default();
    drop(exact);
    let mut found = Vec::with_capacity(none.keep_fp32.len());
    for layer in &none.keep_fp32 {
        let others = none.keep_fp32.iter().filter(|other| *other != layer);
        let mut keep_fp32 = config.keep_fp32.clone();
        keep_fp32.extend(others.cloned());
        let only = QuantConfig {
            keep_fp32,
            ..config.clone()
        };
        let model = NativeModel::open_quantised(bundle, &only, &runtime)?;
        let cosines = Cosines::new(&expected, &probe.vectors(&model)?);
        let after = probe.measure(&model)?.unwrap_or_default();
        found.push(Sensitivity {
            layer: layer.clone(),
            cosine: cosines.mean,
            least_cosine: cosines.least,
            drops: drops(&before, &after),
        });
    }
    found.sort_by(|a, b| a.cosine.total_cmp(&b.cosine));
    Ok(found)
}

fn drops(before: &Figures, after: &Figures) -> Figures {
    let both = before
        .iter()
        .filter_map(|(head, before)| Some((head, before, after.get(head)?)));
    both.map(|(head, before, after)| (head.clone(), before - after))
        .collect()
}

/// Lists the layers that `config` quantises, each with the number of its weights. Matrices that are
/// one product at run time are one layer: a product has one precision.
pub(crate) fn layers(bundle: &Bundle, config: &QuantConfig) -> BTreeMap<String, usize> {
    let quantised = tensors(bundle)
        .into_iter()
        .filter(|(name, shape)| config.scheme(name, shape) != Scheme::Fp32);
    let mut layers = BTreeMap::new();
    for (name, shape) in quantised {
        let layer = product(&name);
        *layers.entry(layer).or_insert(0) += shape.iter().product::<usize>();
    }
    layers
}

/// The cosines of two models' vectors for the same texts.
struct Cosines {
    mean: f64,
    least: f64,
}

impl Cosines {
    /// Compares the vectors row by row; without any, both cosines are 1.
    fn new(expected: &[Matrix], found: &[Matrix]) -> Self {
        let (mut sum, mut least, mut count) = (0.0, 1.0f64, 0);
        for (a, b) in expected.iter().zip(found) {
            for row in 0..a.rows {
                let cosine = cosine(a.row(row), b.row(row));
                (sum, least, count) = (sum + cosine, least.min(cosine), count + 1);
            }
        }
        let mean = match count {
            0 => 1.0,
            _ => sum / f64::from(count),
        };
        Self { mean, least }
    }
}

/// Gives the cosine of two vectors; 1 if both are zero, 0 if only one is.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (aa, bb) = (dot(a, a), dot(b, b));
    if aa == 0.0 || bb == 0.0 {
        return if aa == bb { 1.0 } else { 0.0 };
    }
    dot(a, b) / (aa * bb).sqrt()
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_those_of_the_rows() {
        let matrix = |data: &[f32]| Matrix {
            rows: data.len() / 2,
            cols: 2,
            data: data.to_vec(),
        };
        let a = [matrix(&[1.0, 0.0, 0.0, 0.0]), matrix(&[1.0, 1.0])];
        let b = [matrix(&[0.0, 2.0, 0.0, 0.0]), matrix(&[3.0, 3.0])];
        let cosines = Cosines::new(&a, &b);
        assert!((cosines.mean - 2.0 / 3.0).abs() < 1e-12 && cosines.least == 0.0);
        let none = Cosines::new(&[], &[]);
        assert_eq!((none.mean, none.least), (1.0, 1.0));
    }
}
