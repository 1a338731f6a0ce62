//! How deep in the network a parameter lies, by the role that its name tells.

use cs_model::names::TensorRole;

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
    let tensor = TensorRole::parse(name)?;
    if tensor.role.is_embedding() {
        return Some(0);
    }
    i32::try_from(tensor.layer?).ok()?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use cs_model::names::{ALBERT, BERT, BILSTM, HEADS, Role};

    use super::*;

    #[test]
    fn factors_fall_towards_the_embeddings() {
        let factors =
            |names: &[String], decay| layer_factors(names.iter().map(String::as_str), decay);
        let names = [
            BERT.weight(Role::WordEmbeddings),
            BERT.layer(0).weight(Role::Query),
            BERT.layer(11).bias(Role::FeedForwardNorm),
            HEADS.weight(Role::Intent),
        ];
        let expected = [0.5f64.powi(13), 0.5f64.powi(12), 0.5, 1.0];
        assert_eq!(factors(&names, 0.5), expected);
        // The one layer that ALBERT runs again and again has one rate.
        let names = [
            ALBERT.weight(Role::PositionEmbeddings),
            ALBERT.weight(Role::EmbeddingProjection),
            ALBERT.layer(0).weight(Role::Query),
            ALBERT.weight(Role::MaskedLmDense),
        ];
        assert_eq!(factors(&names, 0.5), [0.25, 0.25, 0.5, 1.0]);
        let names = [
            BILSTM.layer(1).weight(Role::LstmHiddenReverse),
            BILSTM.layer(0).bias(Role::LstmInput),
            HEADS.bias(Role::Slots),
        ];
        assert_eq!(factors(&names, 0.5), [0.5, 0.25, 1.0]);
        assert_eq!(factors(&["x".to_owned()], 0.9), [1.0]);
    }
}
