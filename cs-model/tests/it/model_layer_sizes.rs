//! A transformer whose layers differ in heads and inner width computes what the whole one does with
//! the missing parts at zero, and what is left learns the same.

use cs_data::{Scheme, TagSet, TokenBatch};
use cs_model::{BertConfig, Device, Mode, Model, ModelOutput, PrunedLayers, Tasks};
use tch::{Kind, Tensor};

/// Heads and neurons that stay in each layer.
const HEADS: [&[i64]; 3] = [&[0, 2], &[1], &[0, 1, 2]];
const NEURONS: [usize; 3] = [40, 13, 1];
const HEAD_SIZE: i64 = 8;

fn whole_config() -> BertConfig {
    BertConfig {
        vocab_size: 50,
        hidden_size: 24,
        num_hidden_layers: 3,
        num_attention_heads: 3,
        intermediate_size: 40,
        max_position_embeddings: 64,
        initializer_range: 0.3,
        ..BertConfig::default()
    }
}

fn tasks() -> Tasks {
    Tasks {
        intent: Some(["refund", "hello", "other"].map(String::from).into()),
        slots: Some(TagSet::of_labels(["order"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    }
}

/// Neurons that stay in a layer: spread out, so that an order mixed up would show.
fn neurons(layer: usize) -> Vec<i64> {
    let kept = NEURONS[layer] as i64;
    (0..kept).map(|neuron| neuron * 40 / kept).collect()
}

/// Rows of the attention's matrices that belong to the heads that stay.
fn head_rows(layer: usize) -> Vec<i64> {
    let rows = |&head: &i64| head * HEAD_SIZE..(head + 1) * HEAD_SIZE;
    HEADS[layer].iter().flat_map(rows).collect()
}

/// The dimension along which a tensor is cut, and the indices that stay.
fn cut(name: &str) -> Option<(i64, Vec<i64>)> {
    let (layer, part) = name.strip_prefix("encoder.layer.")?.split_once('.')?;
    let layer = layer.parse().unwrap();
    match part {
        "attention.output.dense.weight" => Some((1, head_rows(layer))),
        "output.dense.weight" => Some((1, neurons(layer))),
        _ if part.starts_with("attention.self.") => Some((0, head_rows(layer))),
        _ if part.starts_with("intermediate.") => Some((0, neurons(layer))),
        _ => None,
    }
}

fn kept(name: &str, tensor: &Tensor) -> Tensor {
    match cut(name) {
        Some((dimension, indices)) => tensor.index_select(dimension, &Tensor::from_slice(&indices)),
        None => tensor.shallow_clone(),
    }
}

/// The whole model with the columns at zero that read what is missing, and the small one.
fn models() -> [Model; 2] {
    let small = BertConfig {
        pruned: PrunedLayers {
            layer_num_attention_heads: Some(HEADS.map(<[i64]>::len).into()),
            layer_intermediate_size: Some(NEURONS.into()),
        },
        ..whole_config()
    };
    let new = |config: BertConfig| Model::new(&config.into(), &tasks(), Device::Cpu, 3);
    let (whole, small) = (new(whole_config()).unwrap(), new(small).unwrap());
    let _guard = tch::no_grad_guard();
    let pairs = whole.parameters().into_iter().zip(small.parameters());
    for ((name, mut tensor), (small_name, mut small)) in pairs {
        assert_eq!(name, small_name);
        let kept = kept(&name, &tensor);
        small.copy_(&kept);
        if let Some((1, indices)) = cut(&name) {
            let zeros = tensor.zeros_like();
            tensor.copy_(&zeros.index_copy(1, &Tensor::from_slice(&indices), &kept));
        }
    }
    [whole, small]
}

/// Several lengths, so that attention works on several groups, padded ones among them.
fn batch() -> TokenBatch {
    let lengths = [6, 5, 1, 40, 7, 6];
    let rows = lengths.iter().enumerate().map(|(row, &length)| {
        let token = |at: u32| (row as u32 * 31 + at * 17) % 50;
        (0..length).map(token).collect::<Vec<u32>>()
    });
    let rows: Vec<Vec<u32>> = rows.collect();
    TokenBatch::pack(rows.iter().map(Vec::as_slice))
}

fn close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
    let difference = largest(&(found - expected)) / largest(expected).max(1.0);
    assert!(difference < 1e-4, "{what}: {difference}");
}

fn parts(output: ModelOutput) -> [Tensor; 3] {
    [output.intent, output.slots, output.sentiment].map(Option::unwrap)
}

#[test]
fn smaller_layers_compute_what_zeroed_ones_do() {
    let [whole, small] = models();
    let expected = parts(whole.forward(&batch(), Mode::Eval).unwrap());
    let found = parts(small.forward(&batch(), Mode::Eval).unwrap());
    let (slow, taps) = small
        .forward_with_inner_states(&batch(), Mode::Eval)
        .unwrap();
    let slow = parts(slow);
    for (task, expected) in expected.iter().enumerate() {
        close(&found[task], expected, "fused");
        close(&slow[task], expected, "with taps");
    }
    let heads: Vec<i64> = taps
        .attention
        .iter()
        .map(|a| a.size2().unwrap().1)
        .collect();
    assert_eq!(heads, [2, 1, 3]);

    for parts in [expected, found] {
        let squares = parts.iter().map(|part| part.square().sum(Kind::Float));
        squares.sum::<Tensor>().backward();
    }
    for ((name, whole), (_, small)) in whole.parameters().iter().zip(small.parameters()) {
        close(&small.grad(), &kept(name, &whole.grad()), name);
    }
}
