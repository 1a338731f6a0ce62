//! What holds for every model whatever its weights: a batch equals its parts, order does not
//! matter, weights survive a file, gradients reach every parameter, bad input is an error.

use cs_data::{Scheme, TagSet, TokenBatch};
use cs_model::{
    BertConfig, BiLstmConfig, Device, EncoderConfig, HeadOutput, Mode, Model, Pooling, Tasks,
};
use tch::{Kind, Tensor};

const VOCAB: usize = 50;

fn transformer() -> EncoderConfig {
    BertConfig {
        vocab_size: VOCAB,
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 3,
        intermediate_size: 40,
        max_position_embeddings: 300,
        initializer_range: 0.3,
        ..BertConfig::default()
    }
    .into()
}

fn bilstm() -> EncoderConfig {
    BiLstmConfig {
        vocab_size: VOCAB,
        embedding_size: 9,
        hidden_size: 7,
        num_layers: 2,
        ..BiLstmConfig::default()
    }
    .into()
}

fn tasks(pooling: Pooling) -> Tasks {
    Tasks {
        intent: Some(["refund", "hello", "other"].map(String::from).into()),
        slots: Some(TagSet::of_labels(["order"], Scheme::Iob2).unwrap()),
        sentiment: true,
        pooling,
        ..Tasks::default()
    }
}

fn models() -> Vec<Model> {
    let poolings = [Pooling::Mean, Pooling::Cls, Pooling::Max];
    let configs = [transformer(), bilstm()];
    let all = configs
        .iter()
        .flat_map(|config| poolings.map(|pooling| (config, tasks(pooling))));
    all.map(|(config, tasks)| Model::new(config, &tasks, Device::Cpu, 11).unwrap())
        .collect()
}

/// Like lengths, a far-out one, and the shortest: several groups, with and without pads.
fn sequences() -> Vec<Vec<u32>> {
    let lengths = [6, 5, 6, 1, 150, 7, 6, 30, 2, 31];
    let token = |i: usize, j: usize| ((i * 31 + j * 17 + i * j) % VOCAB) as u32;
    let sequences = lengths.iter().enumerate();
    sequences
        .map(|(i, &length)| (0..length).map(|j| token(i, j)).collect())
        .collect()
}

fn predict(model: &Model, sequences: &[Vec<u32>]) -> HeadOutput {
    model
        .predict(&TokenBatch::pack(sequences.iter().map(Vec::as_slice)))
        .unwrap()
}

/// One sequence's intent logits, slot logits and sentiment.
fn part(output: &HeadOutput, sequence: usize, tokens: std::ops::Range<usize>) -> Vec<f32> {
    let mut numbers = output.intent.as_ref().unwrap().row(sequence).to_vec();
    tokens.for_each(|token| numbers.extend(output.slots.as_ref().unwrap().row(token)));
    numbers.push(output.sentiment.as_ref().unwrap()[sequence]);
    numbers
}

fn parts(output: &HeadOutput, sequences: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let mut start = 0;
    let ranges = sequences.iter().map(|sequence| {
        start += sequence.len();
        start - sequence.len()..start
    });
    ranges
        .enumerate()
        .map(|(i, range)| part(output, i, range))
        .collect()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        // A number that is not one must fail as well.
        assert!((x - y).abs() < 1e-5, "{x} at {i}, expected {y}");
    }
}

#[test]
fn a_batch_equals_its_parts() {
    let sequences = sequences();
    for model in models() {
        let together = predict(&model, &sequences);
        together
            .check(
                model.tasks(),
                sequences.len(),
                sequences.iter().map(Vec::len).sum(),
            )
            .unwrap();
        for (sequence, expected) in sequences.iter().zip(parts(&together, &sequences)) {
            close(
                &part(
                    &predict(&model, std::slice::from_ref(sequence)),
                    0,
                    0..sequence.len(),
                ),
                &expected,
            );
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let sequences = sequences();
    let reversed: Vec<_> = sequences.iter().rev().cloned().collect();
    for model in models() {
        let forwards = parts(&predict(&model, &sequences), &sequences);
        let backwards = parts(&predict(&model, &reversed), &reversed);
        forwards
            .iter()
            .zip(backwards.iter().rev())
            .for_each(|(x, y)| close(x, y));
    }
}

#[test]
fn the_order_of_tokens_does_matter() {
    for model in models() {
        let found = parts(&predict(&model, &[vec![1, 2, 3, 4]]), &[vec![0; 4]]);
        let swapped = parts(&predict(&model, &[vec![1, 3, 2, 4]]), &[vec![0; 4]]);
        let difference = found[0].iter().zip(&swapped[0]).map(|(x, y)| (x - y).abs());
        assert!(difference.fold(0.0, f32::max) > 1e-3);
    }
}

#[test]
fn pooling_is_what_it_says() {
    let sequences = sequences();
    for model in models() {
        let batch = TokenBatch::pack(sequences.iter().map(Vec::as_slice));
        let hidden = tch::no_grad(|| model.hidden(&batch)).unwrap();
        let parameters = model.parameters();
        let head = |part: &str| {
            let name = format!("heads.intent.{part}");
            parameters
                .iter()
                .find(|(found, _)| *found == name)
                .unwrap()
                .1
                .detach()
        };
        let logits = predict(&model, &sequences).intent.unwrap();
        for i in 0..sequences.len() {
            let range = batch.range(i);
            let own = hidden.narrow(0, range.start as i64, range.len() as i64);
            let pooled = match model.tasks().pooling {
                Pooling::Mean => own.mean_dim(0, false, None::<Kind>),
                Pooling::Max => own.amax(0, false),
                Pooling::Cls => own.get(0),
            };
            let expected = head("weight").mv(&pooled) + head("bias");
            close(logits.row(i), &Vec::<f32>::try_from(expected).unwrap());
        }
    }
}

#[test]
fn weights_survive_a_file_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    for config in [transformer(), bilstm()] {
        let new = |seed| Model::new(&config, &tasks(Pooling::Mean), Device::Cpu, seed).unwrap();
        let (saved, mut loaded) = (new(1), new(2));
        saved.save_weights(&path).unwrap();
        assert_ne!(
            predict(&saved, &sequences()),
            predict(&loaded, &sequences())
        );
        loaded.load_weights(&path).unwrap();
        for ((name, x), (_, y)) in saved.parameters().iter().zip(loaded.parameters()) {
            assert!(x.equal(&y), "{name}");
            assert!(y.requires_grad());
        }
        assert_eq!(
            predict(&saved, &sequences()),
            predict(&loaded, &sequences())
        );
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_does_not_fit_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let other = Tasks {
        intent: Some(vec!["a".into()]),
        ..tasks(Pooling::Mean)
    };
    Model::new(&transformer(), &other, Device::Cpu, 1)
        .unwrap()
        .save_weights(&path)
        .unwrap();
    let mut model = Model::new(&transformer(), &tasks(Pooling::Mean), Device::Cpu, 2).unwrap();
    let before = predict(&model, &sequences());
    let error = model.load_weights(&path).unwrap_err().to_string();
    assert!(error.contains("tensor heads.intent.weight"), "{error}");
    assert!(
        error.contains("[3, 24]") && error.contains("[1, 24]"),
        "{error}"
    );
    assert_eq!(predict(&model, &sequences()), before);
}

#[test]
fn gradients_reach_every_parameter() {
    let sequences = sequences();
    let batch = TokenBatch::pack(sequences.iter().map(Vec::as_slice));
    for model in models() {
        let output = model.forward(&batch, Mode::Train).unwrap();
        let sum = |tensor: Option<Tensor>| tensor.unwrap().square().sum(None::<Kind>);
        (sum(output.intent) + sum(output.slots) + sum(output.sentiment)).backward();
        for (name, parameter) in model.parameters() {
            let gradient = parameter.grad();
            assert!(gradient.defined(), "{name} has no gradient");
            assert!(bool::try_from(gradient.isfinite().all()).unwrap(), "{name}");
            // The bias of keys shifts all scores of a query alike, which softmax does not see.
            if !name.ends_with("key.bias") {
                assert!(
                    gradient.abs().max().double_value(&[]) > 0.0,
                    "{name}'s is zero"
                );
            }
        }
    }
}

#[test]
fn the_gradient_of_a_batch_is_the_sum_of_its_parts() {
    let sequences = sequences();
    let gradients = |model: &Model, sequences: &[Vec<u32>]| -> Vec<Tensor> {
        let batch = TokenBatch::pack(sequences.iter().map(Vec::as_slice));
        let output = model.forward(&batch, Mode::Eval).unwrap();
        let loss = output.intent.unwrap().square().sum(None::<Kind>)
            + output.slots.unwrap().square().sum(None::<Kind>);
        loss.backward();
        let parameters = model.parameters();
        // The sentiment head is not part of this loss.
        let used = parameters
            .into_iter()
            .filter(|(name, _)| !name.contains("sentiment"));
        used.map(|(_, mut parameter)| {
            let gradient = parameter.grad().copy();
            parameter.zero_grad();
            gradient
        })
        .collect()
    };
    // Max pooling picks one of nearly equal states by their last bit.
    let poolings = [Pooling::Mean, Pooling::Cls];
    for model in models()
        .iter()
        .filter(|model| poolings.contains(&model.tasks().pooling))
    {
        let together = gradients(model, &sequences);
        let mut sum: Vec<Tensor> = together.iter().map(Tensor::zeros_like).collect();
        for sequence in &sequences {
            let own = gradients(model, std::slice::from_ref(sequence));
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        for ((x, y), (name, _)) in together.iter().zip(&sum).zip(model.parameters()) {
            let scale = x.abs().max().double_value(&[]).max(1.0);
            let difference = (x - y).abs().max().double_value(&[]) / scale;
            assert!(difference < 1e-4, "{name} differs by {difference}");
        }
    }
}

#[test]
fn the_seed_decides_the_weights() {
    let new = |seed| Model::new(&transformer(), &tasks(Pooling::Mean), Device::Cpu, seed).unwrap();
    assert_eq!(
        predict(&new(3), &sequences()),
        predict(&new(3), &sequences())
    );
    assert_ne!(
        predict(&new(3), &sequences()),
        predict(&new(4), &sequences())
    );
}

#[test]
fn an_empty_batch_has_empty_results() {
    for model in models() {
        let output = predict(&model, &[]);
        output.check(model.tasks(), 0, 0).unwrap();
        let batch = TokenBatch::pack([]);
        assert_eq!(
            model.hidden(&batch).unwrap().size(),
            [0, model.config().hidden_size() as i64]
        );
    }
}

#[test]
fn what_has_no_embedding_is_an_error() {
    let model = Model::new(&transformer(), &Tasks::default(), Device::Cpu, 1).unwrap();
    let text = |sequences: &[Vec<u32>]| {
        let batch = TokenBatch::pack(sequences.iter().map(Vec::as_slice));
        model.forward(&batch, Mode::Eval).unwrap_err().to_string()
    };
    assert_eq!(
        text(&[vec![1], vec![2, 50]]),
        "ids[2] is 50, expected less than 50"
    );
    assert_eq!(
        text(&[vec![1; 301]]),
        "positions[300] is 300, expected less than 300"
    );
    assert!(text(&[vec![1], vec![]]).contains("at least 1 token in sequence 1"));
    let long = Model::new(&bilstm(), &Tasks::default(), Device::Cpu, 1).unwrap();
    assert!(long.hidden(&TokenBatch::pack([&[1; 1000][..]])).is_ok());
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    let error = Model::new(&bilstm(), &Tasks::default(), Device::Cuda(999), 1).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("device is cuda:999, expected one of the"),
        "{error}"
    );
}

#[test]
fn a_model_moves_between_threads() {
    let model = Model::new(&bilstm(), &tasks(Pooling::Mean), Device::Cpu, 1).unwrap();
    let here = predict(&model, &sequences());
    let there = std::thread::spawn(move || predict(&model, &sequences()))
        .join()
        .unwrap();
    assert_eq!(here, there);
}
