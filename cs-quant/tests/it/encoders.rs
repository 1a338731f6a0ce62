//! The families of encoders beside BERT: the forward against Hugging Face
//! (cs-model's `tests/reference/make_encoders.py`), and what every tool makes of them.

use std::collections::BTreeSet;
use std::path::Path;

use cs_data::TokenBatch;
use cs_model::names::{Role, TensorRole};
use cs_model::{Bundle, Dtype, Weights};
use cs_quant::{
    Error, Gate, Int4, NativeModel, Precision, Probe, QuantConfig, TrimConfig, quantize,
    sensitivity, trim_vocabulary,
};

use crate::common::{
    FAMILIES, config, cosine, family_tokenizer, figures, kernels, open, pack, reference, tasks,
    texts, write_bundle,
};

/// The sequences that a stored model read, and its hidden states for them all.
fn expected(name: &str) -> (Vec<Vec<u32>>, Vec<f32>) {
    let folder = reference(name);
    let inputs = std::fs::read(folder.join("inputs.json")).unwrap();
    let inputs: serde_json::Value = serde_json::from_slice(&inputs).unwrap();
    let sequences = serde_json::from_value(inputs["sequences"].clone()).unwrap();
    let weights = Weights::open(&folder.join("expected.safetensors")).unwrap();
    let shape = weights.shape("hidden").unwrap().to_vec();
    (sequences, weights.f32("hidden", &shape).unwrap())
}

/// A folder as Hugging Face has it, with the tokenizer.
fn write_plain(dir: &Path, name: &str) -> Bundle {
    std::fs::create_dir(dir).unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(reference(name).join(file), dir.join(file)).unwrap();
    }
    std::fs::write(dir.join("tokenizer.json"), family_tokenizer(name)).unwrap();
    Bundle::open(dir).unwrap()
}

#[test]
fn fp32_equals_hugging_face() {
    for name in FAMILIES {
        let (sequences, expected) = expected(name);
        for kernel in kernels() {
            let model = open(&reference(name), &config(Precision::Fp32, 1, Some(kernel)));
            let hidden = model.hidden(&pack(&sequences)).unwrap().data;
            assert_eq!(hidden.len(), expected.len());
            let worst = hidden.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let worst = worst.fold(0.0, f32::max);
            assert!(worst < 2e-5, "{name} {kernel}: {worst}");
        }
    }
}

#[test]
fn int8_stays_near_hugging_face() {
    for name in FAMILIES {
        let (sequences, expected) = expected(name);
        for kernel in kernels() {
            let model = open(&reference(name), &config(Precision::Int8, 1, Some(kernel)));
            let mut rest = expected.as_slice();
            for ids in &sequences {
                let hidden = model.hidden(&TokenBatch::pack([&ids[..]])).unwrap();
                let (own, others) = rest.split_at(hidden.data.len());
                let cosine = cosine(&hidden.data, own);
                assert!(cosine >= 0.99, "{name} {kernel}: {cosine}");
                rest = others;
            }
        }
    }
}

#[test]
fn a_batch_equals_its_parts_on_any_number_of_threads() {
    for name in FAMILIES {
        let (mut sequences, _) = expected(name);
        sequences
            .extend((1..40u32).map(|n| (0..n % 37 + 1).map(|i| 5 + (i * 7 + n) % 60).collect()));
        for precision in [Precision::Fp32, Precision::Int8] {
            let alone = open(&reference(name), &config(precision, 1, None));
            let parts = sequences.iter();
            let parts: Vec<f32> = parts
                .flat_map(|ids| alone.hidden(&TokenBatch::pack([&ids[..]])).unwrap().data)
                .collect();
            for threads in 1..4 {
                let model = open(&reference(name), &config(precision, threads, None));
                let whole = model.hidden(&pack(&sequences)).unwrap();
                assert_eq!(whole.data, parts, "{name} {precision} {threads}");
            }
        }
    }
}

#[test]
fn what_the_positions_do_not_reach_is_refused() {
    for name in FAMILIES {
        let model = open(&reference(name), &config(Precision::Fp32, 1, None));
        let error = model.hidden(&TokenBatch::pack([&[9; 41][..]])).unwrap_err();
        let expected = "sequence 0: position 40, expected less than 40";
        assert_eq!(error.to_string(), expected, "{name}");
    }
}

#[test]
fn the_artefact_answers_as_quantising_at_load() {
    let int4 = Int4 {
        embeddings: true,
        feed_forward: true,
        attention: false,
        group: 32,
    };
    for name in FAMILIES {
        let dir = tempfile::tempdir().unwrap();
        let (fp32, int8) = (dir.path().join("a"), dir.path().join("b"));
        write_bundle(&fp32, name, tasks());
        let bundle = Bundle::open(&fp32).unwrap();
        for int4 in [Int4::default(), int4] {
            let config8 = QuantConfig {
                int4,
                ..QuantConfig::default()
            };
            let report = quantize(&bundle, &int8, &config8).unwrap();
            assert!(report.ratio() > 1.2, "{name}");
            let batch = TokenBatch::pack([&[2, 9, 11, 3][..], &[2, 3]]);
            let runtime = config(Precision::Auto, 2, None);
            let artefact = open(&int8, &runtime);
            let memory = NativeModel::open_quantised(&bundle, &config8, &runtime).unwrap();
            let answer = artefact.forward(&batch).unwrap();
            assert_eq!(answer, memory.forward(&batch).unwrap(), "{name}");
            assert_eq!(artefact.weight_bytes(), memory.weight_bytes(), "{name}");
            let exact = open(&fp32, &config(Precision::Fp32, 2, None));
            let pair = [&exact, &artefact].map(|model| model.hidden(&batch).unwrap().data);
            assert!(cosine(&pair[0], &pair[1]) > 0.97, "{name}");
        }
    }
}

#[test]
fn an_artefact_has_a_shared_layer_once() {
    let dir = tempfile::tempdir().unwrap();
    let (fp32, int8) = (dir.path().join("a"), dir.path().join("b"));
    write_bundle(&fp32, "albert", tasks());
    let bundle = Bundle::open(&fp32).unwrap();
    quantize(&bundle, &int8, &QuantConfig::default()).unwrap();
    let weights = Weights::open(&int8.join(Bundle::INT8_WEIGHTS)).unwrap();
    let roles = weights.names().filter_map(TensorRole::parse);
    let queries = roles.filter(|tensor| tensor.is_weight_of(Role::Query));
    assert_eq!(
        queries.map(|query| query.layer).collect::<Vec<_>>(),
        [Some(0)]
    );
    let names = bundle.config().names();
    for (role, shape) in [
        (Role::FeedForwardIn, [64, 32]),
        (Role::EmbeddingProjection, [32, 16]),
        (Role::WordEmbeddings, [67, 16]),
    ] {
        let tensor = weights.raw(&names.layer(0).weight(role)).unwrap();
        assert_eq!(
            (tensor.dtype, &tensor.shape[..]),
            (Dtype::I8, &shape[..]),
            "{role:?}"
        );
    }
}

#[test]
fn every_layer_is_measured_alone_and_judged() {
    for (name, layers) in [
        ("roberta", 2 + 2 * 4),
        ("distilbert", 2 + 2 * 4),
        // Once for all passes, and the layer after the embeddings.
        ("albert", 2 + 1 + 4),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write_bundle(&dir.path().join("a"), name, tasks());
        let bundle = Bundle::open(&dir.path().join("a")).unwrap();
        let texts = texts();
        let mut metric = |_: &NativeModel| Ok::<_, Error>(figures(1.0));
        let mut probe = Probe {
            texts: &texts,
            metric: Some(&mut metric),
        };
        let found = sensitivity(&bundle, &QuantConfig::default(), &mut probe).unwrap();
        let names: BTreeSet<&str> = found.iter().map(|layer| &layer.layer[..]).collect();
        assert_eq!((found.len(), names.len()), (layers, layers), "{name}");
        for layer in &found {
            assert!(
                layer.cosine < 1.0,
                "{name}: {} was not quantised",
                layer.layer
            );
        }
        let out = dir.path().join("out");
        let gate = Gate::default();
        let report = gate
            .quantize(&bundle, &out, &QuantConfig::default(), probe)
            .unwrap();
        assert!(
            report.accepted && out.join(Bundle::INT8_WEIGHTS).is_file(),
            "{name}"
        );
    }
}

#[test]
fn a_folder_with_fewer_words_answers_its_texts_as_before() {
    let corpus = ["订单 A1024 is late", "退款, please"];
    for name in FAMILIES {
        let dir = tempfile::tempdir().unwrap();
        let bundle = write_plain(&dir.path().join("a"), name);
        let out = dir.path().join("b");
        let report = trim_vocabulary(&bundle, &out, corpus, &TrimConfig::default()).unwrap();
        assert!(report.words_after < report.words_before, "{name}");
        let trimmed = Bundle::open(&out).unwrap();
        assert_eq!(trimmed.config().model_type(), bundle.config().model_type());
        assert_eq!(trimmed.max_length(), bundle.max_length(), "{name}");
        for text in corpus {
            let [before, after] = [&bundle, &trimmed].map(|bundle| {
                let ids = bundle.tokenizer().unwrap().encode(text, 40).unwrap().ids;
                let model = open(bundle.dir(), &config(Precision::Fp32, 1, None));
                model.hidden(&TokenBatch::pack([&ids[..]])).unwrap()
            });
            assert_eq!(before, after, "{name} {text}");
        }
        let weights = trimmed.weights().unwrap();
        let bias = bundle.config().names().bias(Role::MaskedLmBias);
        assert_eq!(
            weights.shape(&bias).unwrap(),
            [report.words_after],
            "{name}"
        );
    }
}

#[test]
fn a_padding_token_that_positions_hang_on_stays_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a");
    write_plain(&folder, "xlm_roberta");
    let text = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let text = text.replace("\"pad_token_id\": 1", "\"pad_token_id\": 20");
    std::fs::write(folder.join("config.json"), text).unwrap();
    let bundle = Bundle::open(&folder).unwrap();
    let trimmed = trim_vocabulary(
        &bundle,
        &dir.path().join("b"),
        ["退款"],
        &TrimConfig {
            keep_characters: false,
            ..TrimConfig::default()
        },
    );
    let error = trimmed.unwrap_err().to_string();
    assert!(
        error.starts_with("pad_token_id: 20, which would become "),
        "{error}"
    );
}
