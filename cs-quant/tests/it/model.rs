//! The forward against other implementations, and what must not change it.

use cs_data::TokenBatch;
use cs_model::names::{HEADS, Role};
use cs_model::{Matrix, Pooling, SlotHead, Tasks, Transitions};
use cs_quant::{Precision, QuantConfig, quantize};

use crate::common::{
    config, cosine, expected, kernels, open, pack, reference, tasks, write_bundle,
};

const MODELS: [&str; 4] = ["bert_gelu", "bert_gelu_new", "bert_relu", "lstm"];

#[test]
fn fp32_equals_the_reference() {
    let (sequences, expected) = expected();
    for name in MODELS {
        for kernel in kernels() {
            let model = open(&reference(name), &config(Precision::Fp32, 1, Some(kernel)));
            let hidden = model.hidden(&pack(&sequences)).unwrap();
            let expected = expected[name].concat();
            assert_eq!(hidden.data.len(), expected.len());
            let worst = hidden
                .data
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs());
            let worst = worst.fold(0.0, f32::max);
            assert!(worst < 2e-5, "{name} {kernel}: {worst}");
        }
    }
}

#[test]
fn int8_stays_near_the_reference() {
    let (sequences, expected) = expected();
    for name in MODELS {
        for kernel in kernels() {
            let model = open(&reference(name), &config(Precision::Int8, 1, Some(kernel)));
            assert_eq!(model.precision(), Precision::Int8);
            for (sequence, expected) in sequences.iter().zip(&expected[name]) {
                let hidden = model.hidden(&TokenBatch::pack([&sequence[..]])).unwrap();
                let cosine = cosine(&hidden.data, expected);
                assert!(cosine >= 0.99, "{name} {kernel}: {cosine}");
            }
        }
    }
}

#[test]
fn a_batch_equals_its_parts_on_any_number_of_threads() {
    let (mut sequences, _) = expected();
    sequences.extend((1..40u32).map(|n| (0..n % 37 + 1).map(|i| (i * 7 + n) % 50).collect()));
    for name in MODELS {
        // Long enough that all threads share it.
        let length = if name == "lstm" { 120 } else { 40 };
        let mut sequences = sequences.clone();
        sequences.push((0..length).map(|i| i % 50).collect());
        for precision in [Precision::Fp32, Precision::Int8] {
            for kernel in kernels() {
                let alone = open(&reference(name), &config(precision, 1, Some(kernel)));
                let parts: Vec<f32> = sequences
                    .iter()
                    .flat_map(|ids| alone.hidden(&TokenBatch::pack([&ids[..]])).unwrap().data)
                    .collect();
                for threads in 1..4 {
                    let model = open(&reference(name), &config(precision, threads, Some(kernel)));
                    let whole = model.hidden(&pack(&sequences)).unwrap();
                    assert_eq!(whole.data, parts, "{name} {precision} {kernel} {threads}");
                    let last = &sequences[sequences.len() - 1..];
                    let one = model.hidden(&pack(last)).unwrap();
                    assert_eq!(one.data, parts[parts.len() - one.data.len()..]);
                }
            }
        }
    }
}

#[test]
fn kernels_agree() {
    let (sequences, _) = expected();
    for name in MODELS {
        let outputs: Vec<_> = kernels()
            .into_iter()
            .map(|kernel| {
                let model = open(&reference(name), &config(Precision::Int8, 1, Some(kernel)));
                assert_eq!(model.kernel(), kernel);
                model.hidden(&pack(&sequences)).unwrap().data
            })
            .collect();
        for other in &outputs[1..] {
            assert!(cosine(&outputs[0], other) > 0.9999, "{name}");
        }
    }
}

#[test]
fn heads_see_the_pooled_and_the_token_states() {
    for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Max] {
        for model in ["bert_gelu", "lstm"] {
            let dir = tempfile::tempdir().unwrap();
            write_bundle(dir.path(), model, Tasks { pooling, ..tasks() });
            let model = open(dir.path(), &config(Precision::Fp32, 2, None));
            let batch = TokenBatch::pack([&[2, 9, 11, 3][..], &[2, 3]]);
            let output = model.forward(&batch).unwrap();
            output.check(model.tasks(), 2, 6).unwrap();
            let vectors = model.embed(&batch).unwrap();
            let hidden = model.hidden(&batch).unwrap();
            for c in 0..hidden.cols {
                let column: Vec<f32> = (0..4).map(|t| hidden.row(t)[c]).collect();
                let expected = match pooling {
                    Pooling::Mean => column.iter().sum::<f32>() / 4.0,
                    Pooling::Cls => column[0],
                    Pooling::Max => column.iter().copied().fold(f32::MIN, f32::max),
                };
                assert!((vectors.row(0)[c] - expected).abs() < 1e-6);
            }
            let sentiment = output.sentiment.unwrap();
            assert!(sentiment.iter().all(|s| (0.0..=1.0).contains(s)));
        }
    }
}

#[test]
fn a_conditional_random_field_is_never_quantised() {
    let dir = tempfile::tempdir().unwrap();
    let (fp32, int8) = (dir.path().join("a"), dir.path().join("b"));
    let tasks = Tasks {
        slot_head: SlotHead::Crf,
        ..tasks()
    };
    write_bundle(&fp32, "lstm", tasks.clone());
    let bundle = cs_model::Bundle::open(&fp32).unwrap();
    let weights = bundle.weights().unwrap();
    let scores = |role, shape: &[usize]| weights.f32(&HEADS.weight(role), shape).unwrap();
    let transitions = Matrix::new(3, 3, scores(Role::SlotTransitions, &[3, 3])).unwrap();
    let start = scores(Role::SlotStart, &[3]);
    let end = scores(Role::SlotEnd, &[3]);
    let tags = tasks.slots.as_ref().unwrap();
    let expected = Transitions::new(tags, &transitions, &start, &end).unwrap();

    quantize(&bundle, &int8, &QuantConfig::default()).unwrap();
    let batch = TokenBatch::pack([&[2, 9, 11, 3][..], &[2, 3]]);
    for (folder, precision) in [
        (&fp32, Precision::Fp32),
        (&fp32, Precision::Int8),
        (&int8, Precision::Int8),
    ] {
        let model = open(folder, &config(precision, 1, None));
        let output = model.forward(&batch).unwrap();
        output.check(&tasks, 2, 6).unwrap();
        assert_eq!(output.transitions.as_deref(), Some(&expected));
    }
}

#[test]
fn the_artefact_answers_as_quantising_at_load() {
    for model in ["bert_gelu", "lstm"] {
        let dir = tempfile::tempdir().unwrap();
        let (fp32, int8) = (dir.path().join("a"), dir.path().join("b"));
        write_bundle(&fp32, model, tasks());
        let bundle = cs_model::Bundle::open(&fp32).unwrap();
        let report = quantize(&bundle, &int8, &QuantConfig::default()).unwrap();
        assert!(report.ratio() > 1.5 && !report.layers.is_empty());
        assert!(report.layers.iter().all(|layer| layer.relative < 0.02));
        assert!(!int8.join("model.safetensors").exists());
        let batch = TokenBatch::pack([&[2, 9, 11, 3][..], &[2, 3]]);
        let artefact = open(&int8, &config(Precision::Auto, 2, None));
        let memory = open(&fp32, &config(Precision::Int8, 2, None));
        assert_eq!(
            artefact.forward(&batch).unwrap(),
            memory.forward(&batch).unwrap()
        );
        assert_eq!(artefact.weight_bytes(), memory.weight_bytes());
        let plain = open(&fp32, &config(Precision::Auto, 2, None));
        assert_eq!(plain.precision(), Precision::Fp32);
        let hidden = [
            plain.hidden(&batch).unwrap(),
            artefact.hidden(&batch).unwrap(),
        ];
        assert!(cosine(&hidden[0].data, &hidden[1].data) > 0.99);
    }
}

#[test]
fn concurrent_callers_get_their_own_answers() {
    let (sequences, _) = expected();
    let model = open(&reference("bert_gelu"), &config(Precision::Int8, 2, None));
    // Another model computes on the same threads, and handles outlive the first.
    let other = open(&reference("lstm"), &config(Precision::Int8, 2, None));
    let other_answer = other.hidden(&pack(&sequences)).unwrap();
    let answers: Vec<_> = sequences
        .iter()
        .map(|ids| model.hidden(&TokenBatch::pack([&ids[..]])).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for (ids, answer) in sequences.iter().zip(&answers) {
            let model = model.clone();
            scope.spawn(move || {
                for _ in 0..50 {
                    let batch = TokenBatch::pack([&ids[..]]);
                    assert_eq!(&model.hidden(&batch).unwrap(), answer);
                }
            });
        }
        drop(model);
        for _ in 0..20 {
            assert_eq!(other.hidden(&pack(&sequences)).unwrap(), other_answer);
        }
    });
}

#[test]
fn what_the_model_cannot_take_is_named() {
    let model = open(&reference("bert_gelu"), &config(Precision::Int8, 2, None));
    for (ids, message) in [
        (
            vec![1, 50],
            "sequence 1: token id 50, expected less than 50",
        ),
        (
            vec![1; 41],
            "sequence 1: position 40, expected less than 40",
        ),
        (vec![], "sequence 1: no tokens, expected at least one"),
    ] {
        let batch = TokenBatch::pack([&[1][..], &ids]);
        assert_eq!(model.forward(&batch).unwrap_err().to_string(), message);
    }
    let empty = model.forward(&TokenBatch::pack([])).unwrap();
    assert_eq!(empty, cs_model::HeadOutput::default());
    assert_eq!(model.hidden(&TokenBatch::pack([])).unwrap().rows, 0);
}
