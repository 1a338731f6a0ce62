//! How deep in the network a parameter lies, read off its name.

/// The factor of each parameter's rate: `decay` to the power of the layers above it
/// (Howard and Ruder 2018, <https://arxiv.org/abs/1801.06146>, section 3.2). Heads have none above
/// them, embeddings all.
pub(crate) fn layer_factors<'a>(names: impl Iterator<Item = &'a str>, decay: f64) -> Vec<f64> {
    let depths: Vec<Option<i32>> = names.map(depth).collect();
    let layers = depths.iter().flatten().max().copied().unwrap_or(0);
    let above = |depth: Option<i32>| depth.map_or(0, |depth| layers + 1 - depth);
    depths
        .into_iter()
        .map(|depth| decay.powi(above(depth)))
        .collect()
}

/// 0 for embeddings, from 1 for layers, `None` for what comes after them.
fn depth(name: &str) -> Option<i32> {
    if name.contains("embeddings.") {
        return Some(0);
    }
    let number = |text: &str| -> Option<i32> {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    if let Some((_, rest)) = name.split_once("layer.") {
        return number(rest).map(|layer| layer + 1);
    }
    // An LSTM's `weight_ih_l0_reverse`.
    let (_, rest) = name.split_once("lstm.")?;
    number(rest.split_once("_l")?.1).map(|layer| layer + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_fall_towards_the_embeddings() {
        let names = [
            "embeddings.word_embeddings.weight",
            "encoder.layer.0.attention.self.query.weight",
            "encoder.layer.11.output.LayerNorm.bias",
            "heads.intent.weight",
        ];
        let factors = layer_factors(names.into_iter(), 0.5);
        assert_eq!(factors, [0.5f64.powi(13), 0.5f64.powi(12), 0.5, 1.0]);
        let names = [
            "encoder.lstm.weight_hh_l1_reverse",
            "encoder.lstm.bias_ih_l0",
            "heads.slots.bias",
        ];
        assert_eq!(layer_factors(names.into_iter(), 0.5), [0.5, 0.25, 1.0]);
        assert_eq!(layer_factors(["x"].into_iter(), 0.9), [1.0]);
    }
}
