//! The conditional random field against pytorch-crf (`reference/make_crf.py`): paths, likelihoods
//! and gradients; and as the slot head of a model.

use cs_data::{Scheme, TagSet};
use cs_model::{Matrix, Transitions};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    tags: Vec<String>,
    lengths: Vec<usize>,
    transitions: Vec<Vec<f32>>,
    start: Vec<f32>,
    end: Vec<f32>,
    logits: Vec<Vec<f32>>,
    viterbi: Vec<Vec<usize>>,
    #[cfg(feature = "torch")]
    #[serde(flatten)]
    training: torch::Training,
}

impl Reference {
    fn tags(&self) -> TagSet {
        TagSet::new(self.tags.clone(), Scheme::Iob2).unwrap()
    }
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/crf.json")).unwrap()
}

#[test]
fn paths_are_those_of_pytorch_crf() {
    let stored = reference();
    let count = stored.tags.len();
    let scores = Matrix::new(count, count, stored.transitions.concat()).unwrap();
    let crf = Transitions::new(&stored.tags(), &scores, &stored.start, &stored.end).unwrap();
    let mut rows = stored.logits.iter().map(Vec::as_slice);
    for (&length, expected) in stored.lengths.iter().zip(&stored.viterbi) {
        let tagged = crf.decode(rows.by_ref().take(length));
        let found: Vec<usize> = tagged.iter().map(|&(tag, _)| tag).collect();
        assert_eq!(found, *expected);
    }
}

#[cfg(feature = "torch")]
mod torch {
    use super::{Reference, reference};
    use cs_data::{Encoding, Scheme, TagSet, TokenBatch};
    use cs_model::{BiLstmConfig, Calibration, Crf, Device, Labels, Mode, Model, SlotHead, Tasks};
    use serde::Deserialize;
    use tch::{Kind, Tensor};

    #[derive(Deserialize)]
    pub(super) struct Training {
        gold: Vec<usize>,
        log_likelihood: Vec<f64>,
        loss: f64,
        gradient: Gradient,
    }

    #[derive(Deserialize)]
    struct Gradient {
        logits: Vec<Vec<f32>>,
        transitions: Vec<Vec<f32>>,
        start: Vec<f32>,
        end: Vec<f32>,
    }

    fn tensor(rows: &[Vec<f32>]) -> Tensor {
        let flat = Tensor::from_slice(&rows.concat());
        flat.reshape([rows.len() as i64, -1])
            .set_requires_grad(true)
    }

    fn vector(numbers: &[f32]) -> Tensor {
        Tensor::from_slice(numbers).set_requires_grad(true)
    }

    fn close(found: &Tensor, expected: &[f32]) {
        let found: Vec<f32> = found.flatten(0, -1).try_into().unwrap();
        assert_eq!(found.len(), expected.len());
        for (x, y) in found.iter().zip(expected) {
            assert!((x - y).abs() < 1e-5, "{x}, expected {y}");
        }
    }

    fn handles(stored: &Reference) -> [Tensor; 3] {
        [
            tensor(&stored.transitions),
            vector(&stored.start),
            vector(&stored.end),
        ]
    }

    fn crf(stored: &Reference, [transitions, start, end]: &[Tensor; 3]) -> Crf {
        let [t, s, e] = [transitions, start, end].map(Tensor::shallow_clone);
        Crf::new(&stored.tags(), t, s, e).unwrap()
    }

    #[test]
    fn loss_and_gradients_are_those_of_pytorch_crf() {
        let stored = reference();
        let scores = handles(&stored);
        let crf = crf(&stored, &scores);
        let gold: Vec<_> = stored.training.gold.iter().map(|&tag| Some(tag)).collect();
        let logits = tensor(&stored.logits);
        let loss = crf.loss(&logits, &stored.lengths, &gold).unwrap().unwrap();
        assert!((loss.double_value(&[]) - stored.training.loss).abs() < 1e-5);
        loss.backward();
        let expected = &stored.training.gradient;
        close(&logits.grad(), &expected.logits.concat());
        close(&scores[0].grad(), &expected.transitions.concat());
        close(&scores[1].grad(), &expected.start);
        close(&scores[2].grad(), &expected.end);
    }

    #[test]
    fn marginals_and_their_gradients_are_sums_over_all_sequences() {
        let stored = reference();
        let listed: serde_json::Value =
            serde_json::from_str(include_str!("../reference/crf_marginals.json")).unwrap();
        let rows = |value: &serde_json::Value| -> Vec<Vec<f32>> {
            serde_json::from_value(value.clone()).unwrap()
        };
        // Tokens that are no words, before each text and between its words, and the texts' order:
        // none of it may matter.
        let mut tokens = vec![vec![9.0; 5]];
        let mut sequences = Vec::new();
        let mut words = stored.logits.iter();
        for &length in &stored.lengths {
            let mut own = Vec::new();
            for word in words.by_ref().take(length) {
                own.push(tokens.len());
                tokens.extend([word.clone(), vec![-7.0; 5]]);
            }
            sequences.push(own);
        }
        for (temperature, expected) in listed["temperatures"].as_object().unwrap() {
            let scores = handles(&stored);
            let logits = tensor(&tokens);
            let crf = crf(&stored, &scores);
            let temperature = temperature.parse().unwrap();
            let logarithms = crf.log_marginals(&logits, &sequences, temperature).unwrap();
            let marginals = rows(&expected["marginals"]);
            close(&logarithms.exp(), &marginals.concat());
            let weights = tensor(&rows(&listed["weights"])).detach();
            let impossible = logarithms.less(-600.0);
            let weights = weights.masked_fill(&impossible, 0.0);
            (logarithms * weights).sum(Kind::Float).backward();
            let words = Tensor::from_slice(
                &sequences
                    .concat()
                    .iter()
                    .map(|&row| row as i64)
                    .collect::<Vec<_>>(),
            );
            let gradient = &expected["gradient"];
            let numbers =
                |name| -> Vec<f32> { serde_json::from_value(gradient[name].clone()).unwrap() };
            let found = logits.grad();
            close(
                &found.index_select(0, &words),
                &rows(&gradient["logits"]).concat(),
            );
            let others =
                found.abs().sum(Kind::Float) - found.index_select(0, &words).abs().sum(Kind::Float);
            assert!(
                others.double_value(&[]).abs() < 1e-3,
                "words alone have a gradient"
            );
            close(&scores[0].grad(), &rows(&gradient["transitions"]).concat());
            close(&scores[1].grad(), &numbers("start"));
            close(&scores[2].grad(), &numbers("end"));
        }
    }

    #[test]
    fn marginals_of_what_is_not_there_are_refused() {
        let stored = reference();
        let crf = crf(&stored, &handles(&stored));
        let logits = tensor(&stored.logits[..2]);
        let text = |logits: &Tensor, row, temperature| {
            let found = crf.log_marginals(logits, &[vec![row]], temperature);
            found.unwrap_err().to_string()
        };
        assert_eq!(
            text(&logits, 2, 1.0),
            "rows is 2, expected less than 2 tokens"
        );
        for (temperature, shown) in [(0.0, "0"), (f64::NAN, "NaN")] {
            let expected = format!("temperature is {shown}, expected a number above 0");
            assert_eq!(text(&logits, 0, temperature), expected);
        }
        assert!(text(&logits.narrow(1, 0, 3), 0, 1.0).contains("expected [N, 5], found [2, 3]"));
        let none = crf.log_marginals(&logits, &[vec![], vec![]], 1.0).unwrap();
        assert_eq!(none.size(), [0, 5]);
    }

    #[test]
    fn a_batch_equals_its_parts_and_untagged_tokens_do_not_count() {
        let stored = reference();
        let crf = crf(&stored, &handles(&stored));
        let mut start = 0;
        for (&length, expected) in stored.lengths.iter().zip(&stored.training.log_likelihood) {
            let own = start..start + length;
            start += length;
            // Special tokens at both ends, and a second subword after each word.
            let mut rows = vec![vec![9.0; 5]];
            let mut gold = vec![None];
            for token in own {
                rows.extend([stored.logits[token].clone(), vec![-7.0; 5]]);
                gold.extend([Some(stored.training.gold[token]), None]);
            }
            rows.push(vec![1.0; 5]);
            gold.push(None);
            let loss = crf.loss(&tensor(&rows), &[rows.len()], &gold).unwrap();
            let found = -loss.unwrap().double_value(&[]) * length as f64;
            assert!(
                (found - expected).abs() < 1e-4,
                "{found}, expected {expected}"
            );
        }
        let nothing = crf.loss(&tensor(&stored.logits), &stored.lengths, &[None; 18]);
        assert!(nothing.unwrap().is_none());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let stored = reference();
        let crf = crf(&stored, &handles(&stored));
        let logits = tensor(&stored.logits[..2]);
        let text = |gold: &[Option<usize>], lengths: &[usize]| {
            crf.loss(&logits, lengths, gold).unwrap_err().to_string()
        };
        let allowed = "expected a tag that IOB2 allows there";
        let after = format!("tags[1] is I-date after B-city, {allowed}");
        assert_eq!(text(&[Some(1), Some(4)], &[2]), after);
        let first = format!("tags[1] is I-city at the start, {allowed}");
        assert_eq!(text(&[Some(1), Some(2)], &[1, 1]), first);
        assert_eq!(
            text(&[None, Some(5)], &[2]),
            "tags[1] is 5, expected less than 5"
        );
        assert!(text(&[None], &[2]).contains("expected [2, 5] and [2]"));
        assert!(text(&[None; 3], &[3]).contains("expected [3, 5] and [3]"));
    }

    fn tasks() -> Tasks {
        Tasks {
            slots: Some(TagSet::of_labels(["a", "b"], Scheme::Iob2).unwrap()),
            slot_head: SlotHead::Crf,
            ..Tasks::default()
        }
    }

    #[test]
    fn a_model_learns_transitions_keeps_them_and_decodes_with_them() {
        tch::set_num_threads(1);
        let config = BiLstmConfig {
            vocab_size: 9,
            embedding_size: 4,
            hidden_size: 4,
            dropout: 0.0,
            ..BiLstmConfig::default()
        };
        let model = Model::new(&config.into(), &tasks(), Device::Cpu, 1).unwrap();
        // The same word is always followed by the inside of what it began.
        let batch = TokenBatch::pack([&[2, 5, 5, 5, 3][..], &[2, 6, 6, 3]]);
        let gold = [
            None,
            Some(1),
            Some(2),
            Some(2),
            None,
            None,
            Some(3),
            Some(4),
            None,
        ];
        let mut loss = f64::NAN;
        for _ in 0..60 {
            let output = model.forward(&batch, Mode::Train).unwrap();
            assert_eq!(output.lengths, [5, 4]);
            let (crf, logits) = (output.crf.unwrap(), output.slots.unwrap());
            let value = crf.loss(&logits, &output.lengths, &gold).unwrap().unwrap();
            loss = value.double_value(&[]);
            value.backward();
            let _guard = tch::no_grad_guard();
            for (_, mut parameter) in model.parameters() {
                let mut gradient = parameter.grad();
                let _ = parameter.subtract_(&(&gradient * 0.5));
                let _ = gradient.zero_();
            }
        }
        assert!(loss < 0.05, "{loss}");

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        model.save_weights(&path).unwrap();
        let mut again = Model::new(model.config(), model.tasks(), Device::Cpu, 2).unwrap();
        again.load_weights(&path).unwrap();
        let output = again.predict(&batch).unwrap();
        assert_eq!(output, model.predict(&batch).unwrap());
        output.check(&tasks(), 2, 9).unwrap();
        let missing = cs_model::HeadOutput {
            transitions: None,
            ..output.clone()
        };
        assert!(missing.check(&tasks(), 2, 9).is_err());

        let encoding = |words: u32| Encoding {
            ids: vec![2; words as usize + 2],
            offsets: std::iter::once(0..0)
                .chain((0..words as usize).map(|i| i..i + 1))
                .chain(std::iter::once(0..0))
                .collect(),
            words: std::iter::once(None)
                .chain((0..words).map(Some))
                .chain([None])
                .collect(),
            truncated: false,
        };
        let encodings = [encoding(3), encoding(2)];
        let tasks = tasks();
        let labels = Labels {
            tasks: &tasks,
            calibration: Calibration::default(),
        };
        let turns = labels.decode(&["xyz", "xy"], &encodings, &batch.offsets, &output);
        let found: Vec<_> = turns.iter().map(|turn| turn.entities[0].clone()).collect();
        assert_eq!(
            (found[0].label.as_str(), found[0].text.as_str()),
            ("a", "xyz")
        );
        assert_eq!(
            (found[1].label.as_str(), found[1].text.as_str()),
            ("b", "xy")
        );
        assert!(found.iter().all(|entity| entity.confidence > 0.9));
    }

    #[test]
    fn transitions_that_diverged_are_not_decoded_with() {
        let stored = reference();
        let scores = handles(&stored);
        let _guard = tch::no_grad_guard();
        let _ = scores[1].shallow_clone().fill_(f64::NAN);
        let error = crf(&stored, &scores).to_transitions().unwrap_err();
        assert!(error.to_string().starts_with("heads.slots.start[0] is NaN"));
        assert_eq!(scores[0].kind(), Kind::Float);
    }
}
