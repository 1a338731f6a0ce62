//! Models under autocast: like fp32 within 16 bits, results in fp32, gradients in fp32.

use cs_data::{Scheme, TagSet, TokenBatch};
use cs_model::ops::{Autocast, HalfPrecision, flash_attention_supports};
use cs_model::{BertConfig, BiLstmConfig, Device, EncoderConfig, Mode, Model, ModelOutput, Tasks};
use tch::{Kind, Tensor};

fn configs() -> [EncoderConfig; 2] {
    let transformer = BertConfig {
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        intermediate_size: 64,
        initializer_range: 0.2,
        hidden_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        ..BertConfig::mini(50)
    };
    let light = BiLstmConfig {
        vocab_size: 50,
        embedding_size: 9,
        hidden_size: 7,
        dropout: 0.0,
        ..BiLstmConfig::default()
    };
    [transformer.into(), light.into()]
}

fn tasks() -> Tasks {
    Tasks {
        intent: Some(vec!["refund".into(), "hello".into()]),
        slots: Some(TagSet::of_labels(["order"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    }
}

fn batch() -> TokenBatch {
    let lengths = [6_u32, 5, 6, 1, 120, 7, 30];
    let sequences = lengths.map(|n| (0..n).map(|j| (n * 31 + j * 17) % 50).collect::<Vec<_>>());
    TokenBatch::pack(sequences.iter().map(Vec::as_slice))
}

/// All results in a row, differentiable.
fn results(output: &ModelOutput) -> Tensor {
    let parts = [&output.intent, &output.slots, &output.sentiment];
    let parts = parts.map(|part| part.as_ref().unwrap());
    assert!(parts.iter().all(|part| part.kind() == Kind::Float));
    Tensor::cat(&parts.map(|part| part.flatten(0, -1)), 0)
}

/// Results and all gradients of a model, in a precision.
fn run(model: &Model, precision: Option<HalfPrecision>) -> (Tensor, Tensor) {
    let output = {
        let guard = precision.map(|precision| Autocast::new(model.device(), precision).unwrap());
        let output = model.forward(&batch(), Mode::Train).unwrap();
        drop(guard);
        output
    };
    let results = results(&output);
    let parameters = model.parameters();
    let tensors: Vec<&Tensor> = parameters.iter().map(|(_, tensor)| tensor).collect();
    let loss = results.square().sum(Kind::Float);
    let gradients = Tensor::run_backward(&[loss], &tensors, false, false);
    assert!(
        gradients
            .iter()
            .all(|gradient| gradient.kind() == Kind::Float)
    );
    let flat: Vec<Tensor> = gradients
        .iter()
        .map(|gradient| gradient.flatten(0, -1))
        .collect();
    (results.detach(), Tensor::cat(&flat, 0))
}

/// The norm of the difference over that of the second.
fn distance(x: &Tensor, y: &Tensor) -> f64 {
    (x - y).norm().double_value(&[]) / y.norm().double_value(&[])
}

fn check(device: Device) {
    for config in configs() {
        let model = Model::new(&config, &tasks(), device, 5).unwrap();
        let (results, gradients) = run(&model, None);
        // bf16 keeps 8 bits, fp16 11; a few layers add their errors up.
        for (precision, most) in [(HalfPrecision::Bf16, 0.03), (HalfPrecision::Fp16, 0.004)] {
            let (half_results, half_gradients) = run(&model, Some(precision));
            let apart = [
                distance(&half_results, &results),
                distance(&half_gradients, &gradients) / 2.0,
            ];
            assert!(apart.iter().all(|x| *x < most), "{precision:?}: {apart:?}");
            // A transformer does compute in 16 bits, a recurrence does not.
            let is_transformer = config.stack().is_some();
            assert!(!is_transformer || apart[0] > most / 300.0, "{apart:?}");
        }
    }
}

#[test]
fn sixteen_bits_are_near_thirty_two_on_the_cpu() {
    tch::set_num_threads(1);
    check(Device::Cpu);
}

/// On a machine with CUDA, where attention of 16 bits is flash attention while that of f32 goes in
/// groups; elsewhere there is nothing to compare.
#[test]
fn sixteen_bits_are_near_thirty_two_on_cuda() {
    let device = Device::auto();
    if device != Device::Cpu {
        println!("flash attention: {}", flash_attention_supports(device, 8));
        check(device);
    }
}
