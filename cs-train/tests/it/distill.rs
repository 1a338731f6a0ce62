//! Distillation on tiny models; reference values of scipy, `reference/distill.py`.

use cs_data::{Span, TokenBatch, Tokenizer, Utterance};
use cs_model::names::{HEADS, Role};
use cs_model::{
    BertConfig, BiLstmConfig, Calibration, Device, EncoderConfig, InnerStates, Mode, Model,
    SlotHead, Tasks,
};
use cs_train::Error;
use cs_train::data::{Prepared, examples, tasks_of};
use cs_train::evaluation::{EvaluateOptions, evaluate};
use cs_train::inference::predict;
use cs_train::objective::{
    Distill, DistillConfig, FineTune, Objective, StepBatch, Teacher, soft_divergence,
};
use cs_train::run::{Silent, Trainer};
use cs_train::schedule::TrainConfig;
use serde_json::Value;
use tch::Tensor;

use crate::common::tiny::alone;

/// Orders and cities, with intent, an entity and a sentiment.
fn rows() -> Vec<Utterance> {
    let cities = ["Paris", "Oslo", "Lima", "Bern", "Rome", "Bonn"];
    let row = |i: usize| {
        let (before, intent, sentiment) = [
            ("where is my parcel to ", "status", 0.5),
            ("I hate the office in ", "complaint", 0.0),
        ][i % 2];
        let city = cities[i / 2 % 6];
        let text = format!("{before}{city}{}", ["", " please", " today"][i % 3]);
        let span = Span::new(before.len(), before.len() + city.len(), "city");
        Utterance::new(format!("row-{i}"), text)
            .with_intent(intent)
            .with_spans(vec![span])
            .with_sentiment(sentiment)
    };
    (0..24).map(row).collect()
}

fn light(tokenizer: &Tokenizer, size: usize) -> EncoderConfig {
    EncoderConfig::from(BiLstmConfig {
        vocab_size: tokenizer.vocab_size(),
        embedding_size: size,
        hidden_size: size,
        dropout: 0.0,
        ..BiLstmConfig::default()
    })
}

fn config(epochs: usize) -> TrainConfig {
    TrainConfig {
        epochs,
        lr: 0.02,
        batch_size: 8,
        patience: epochs,
        checkpoint_every: 0,
        ..TrainConfig::default()
    }
}

fn run(objective: &dyn Objective, config: TrainConfig) {
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(config, folder.path()).unwrap();
    trainer.run(objective, &mut Silent).unwrap();
}

/// A teacher after some epochs, the student's tokenizer, which splits words that the teacher's does
/// not, and the rows as the student sees them.
fn setting(tasks: &Tasks, epochs: usize) -> (Teacher, Tokenizer, Prepared) {
    let texts: Vec<String> = rows().into_iter().map(|row| row.text).collect();
    let tokenizer = |size| Tokenizer::train(texts.iter().map(String::as_str), size).unwrap();
    let (own, students) = (tokenizer(200), tokenizer(60));
    assert!(own.vocab_size() > students.vocab_size());
    let data = examples(rows(), &own, tasks, 32).unwrap();
    let mut model = Model::new(&light(&own, 16), tasks, Device::Cpu, 7).unwrap();
    if epochs > 0 {
        let objective = FineTune::new(&mut model, &data, None, &config(epochs)).unwrap();
        run(&objective, config(epochs));
    }
    let data = examples(rows(), &students, tasks, 32).unwrap();
    (Teacher::new(model, own, 32).unwrap(), students, data)
}

#[test]
fn divergences_are_scipys() {
    let all: Value = serde_json::from_str(include_str!("../reference/distill.json")).unwrap();
    let logits = |name: &str| -> Tensor {
        let rows: Vec<Vec<f32>> = serde_json::from_value(all[name].clone()).unwrap();
        Tensor::from_slice2(&rows)
    };
    for (temperature, expected) in all["divergence"].as_object().unwrap() {
        let temperature = temperature.parse().unwrap();
        let found = soft_divergence(&logits("pupil"), &logits("teacher"), temperature).unwrap();
        let (found, expected) = (found.double_value(&[]), expected.as_f64().unwrap());
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "{temperature}: {found} {expected}"
        );
    }
}

fn slot_part(distill: &Distill<'_>, rows: &[usize]) -> f64 {
    let batch = StepBatch {
        rows,
        step_rows: rows,
        seed: 1,
    };
    let loss = distill.loss(&batch).unwrap();
    let part = loss.parts.iter().find(|part| part.name == "slots").unwrap();
    part.value.double_value(&[])
}

#[test]
fn a_field_that_says_the_same_by_other_scores_has_nothing_to_learn() {
    let _alone = alone();
    let tasks = Tasks {
        slot_head: SlotHead::Crf,
        ..tasks_of(rows()).unwrap()
    };
    let texts: Vec<String> = rows().into_iter().map(|row| row.text).collect();
    let tokenizer = Tokenizer::train(texts.iter().map(String::as_str), 200).unwrap();
    let data = examples(rows(), &tokenizer, &tasks, 32).unwrap();
    let model = || {
        let model = Model::new(&light(&tokenizer, 16), &tasks, Device::Cpu, 7).unwrap();
        let _guard = tch::no_grad_guard();
        for (name, mut tensor) in model.parameters() {
            if name.ends_with(".transitions") || name.ends_with(".start") {
                let scores = Tensor::arange(3, (tch::Kind::Float, tch::Device::Cpu)) - 1.0;
                tensor.copy_(&scores);
            }
        }
        model
    };
    let teacher = Teacher::new(model(), tokenizer.clone(), 32).unwrap();
    let mut student = model();
    let moved = Tensor::from_slice(&[1.5f32, -2.0, 0.5]);
    for (name, mut tensor) in student.parameters() {
        let _guard = tch::no_grad_guard();
        // What each tag's logit loses, each way to the tag gains.
        if name == HEADS.bias(Role::Slots) {
            let _ = tensor.subtract_(&moved);
        } else if name.ends_with(".transitions") || name.ends_with(".start") {
            let _ = tensor.f_add_(&moved).unwrap();
        }
    }
    let base = FineTune::new(&mut student, &data, None, &config(1)).unwrap();
    let lessons = teacher.teach_rows(&data).unwrap();
    let distill = Distill::new(base, DistillConfig::default()).unwrap();
    let distill = distill.with_corpus(&data, lessons).unwrap();
    let part = slot_part(&distill, &[0, 3, 8, 5]);
    assert!(part.abs() < 1e-5, "{part}");
}

/// A softmax student of a field, and a field of softmax, without any label.
#[test]
fn either_slot_head_learns_from_either() {
    let _alone = alone();
    for heads in [
        [SlotHead::Crf, SlotHead::Softmax],
        [SlotHead::Softmax, SlotHead::Crf],
        [SlotHead::Crf, SlotHead::Crf],
    ] {
        let [theirs, own] = heads.map(|slot_head| Tasks {
            slot_head,
            intent: None,
            sentiment: false,
            ..tasks_of(rows()).unwrap()
        });
        let (teacher, tokenizer, _) = setting(&theirs, 15);
        teacher.check_labels(&own).unwrap();
        let data = examples(rows(), &tokenizer, &own, 32).unwrap();
        let mut student = Model::new(&light(&tokenizer, 12), &own, Device::Cpu, 3).unwrap();
        let base = FineTune::new(&mut student, &data, None, &config(20)).unwrap();
        let lessons = teacher.teach_rows(&data).unwrap();
        let distill = Distill::new(base, DistillConfig::default()).unwrap();
        let distill = distill.with_corpus(&data, lessons).unwrap();
        let before = slot_part(&distill, &[0, 3, 8, 5]);
        run(&distill, config(20));
        let after = slot_part(&distill, &[0, 3, 8, 5]);
        assert!(after < 0.1 * before, "{heads:?}: {before} {after}");
        drop(distill);
        let answers = predict(&student, &data, 4096, &Calibration::default()).unwrap();
        let evaluation = evaluate(&data.rows, &answers, &EvaluateOptions::default()).unwrap();
        assert!(
            evaluation.slot_f1.unwrap() > 0.9,
            "{heads:?}: {evaluation:?}"
        );
    }
}

#[test]
fn a_student_with_another_tokenizer_learns_without_labels() {
    let _alone = alone();
    let tasks = tasks_of(rows()).unwrap();
    let (teacher, tokenizer, data) = setting(&tasks, 20);
    let mut student = Model::new(&light(&tokenizer, 12), &tasks, Device::Cpu, 3).unwrap();
    let base = FineTune::new(&mut student, &data, None, &config(30)).unwrap();
    let lessons = teacher.teach_rows(&data).unwrap();
    let unlabelled = DistillConfig {
        hard: 0.0,
        ..DistillConfig::default()
    };
    let distill = Distill::new(base, unlabelled)
        .unwrap()
        .with_corpus(&data, lessons)
        .unwrap();
    run(&distill, config(30));
    let answers = predict(&student, &data, 4096, &Calibration::default()).unwrap();
    let options = EvaluateOptions {
        tasks: Some(&tasks),
        ..EvaluateOptions::default()
    };
    let evaluation = evaluate(&data.rows, &answers, &options).unwrap();
    assert_eq!(evaluation.intent_accuracy, Some(1.0));
    assert!(evaluation.slot_f1.unwrap() > 0.9, "{evaluation:?}");
    assert!(evaluation.sentiment_mse.unwrap() < 0.03, "{evaluation:?}");
}

#[test]
fn the_parts_of_a_step_add_up() {
    let _alone = alone();
    let tasks = tasks_of(rows()).unwrap();
    let (teacher, tokenizer, data) = setting(&tasks, 0);
    let corpus = examples([Utterance::new("c", "hate Oslo")], &tokenizer, &tasks, 32).unwrap();
    let mut student = Model::new(&light(&tokenizer, 12), &tasks, Device::Cpu, 3).unwrap();
    let base = FineTune::new(&mut student, &data, None, &config(1)).unwrap();
    let distill = Distill::new(base, DistillConfig::default())
        .unwrap()
        .with_rows(&data, teacher.teach_rows(&data).unwrap())
        .unwrap()
        .with_corpus(&corpus, teacher.teach_rows(&corpus).unwrap())
        .unwrap();
    assert_eq!(
        (distill.lengths().len(), distill.row_id(24)),
        (25, "c".into())
    );
    // Whoever teaches is part of what a checkpoint must agree with.
    let other = setting(&tasks, 1).0;
    let taught = |teacher: &Teacher| {
        let mut student = Model::new(&light(&tokenizer, 12), &tasks, Device::Cpu, 3).unwrap();
        let base = FineTune::new(&mut student, &data, None, &config(1)).unwrap();
        let distill = Distill::new(base, DistillConfig::default()).unwrap();
        let lessons = teacher.teach_rows(&data).unwrap();
        distill.with_rows(&data, lessons).unwrap().identity()
    };
    let (one, again, another) = (taught(&teacher), taught(&teacher), taught(&other));
    assert_eq!(one, again);
    assert!(!one.teacher.is_empty() && one.teacher != another.teacher);
    assert_eq!(one.data, another.data);
    let step = [3, 24, 7, 0, 11];
    let loss = |rows: &[usize]| {
        let batch = StepBatch {
            rows,
            step_rows: &step,
            seed: 1,
        };
        distill.loss(&batch).unwrap().total.double_value(&[])
    };
    let (whole, parts) = (loss(&step), loss(&step[..2]) + loss(&step[2..]));
    assert!((whole - parts).abs() < 1e-5, "{whole} {parts}");
}

#[test]
fn a_light_student_starts_from_the_teachers_words() {
    let _alone = alone();
    let tasks = tasks_of(rows()).unwrap();
    let (teacher, tokenizer, _) = setting(&tasks, 0);
    let (ids, words) = teacher.words(&tokenizer, 4, 0.3).unwrap().unwrap();
    assert_eq!(words.size(), [ids.len() as i64, 4]);
    assert!((words.std(true).double_value(&[]) - 0.3).abs() < 1e-6);
    // Uncorrelated, the first component varying most.
    let covariance = words.tr().matmul(&words);
    let at = |i, j| covariance.double_value(&[i, j]);
    assert!(at(0, 0) >= at(1, 1) && at(1, 1) >= at(3, 3));
    assert!(at(0, 1).abs() < 1e-4 * at(0, 0));
    let wide = teacher.words(&tokenizer, 20, 0.3).unwrap().unwrap().1;
    assert_eq!(wide.size()[1], 20);
}

#[test]
fn what_cannot_teach_is_refused() {
    let _alone = alone();
    let tasks = tasks_of(rows()).unwrap();
    let (teacher, tokenizer, data) = setting(&tasks, 0);
    let with = |tasks: &Tasks, data: &Prepared, config| {
        let own = examples(rows(), &tokenizer, tasks, 32).unwrap();
        let mut student = Model::new(&light(&tokenizer, 12), tasks, Device::Cpu, 3).unwrap();
        let base = FineTune::new(&mut student, &own, None, &TrainConfig::default()).unwrap();
        let distill = Distill::new(base, config)?;
        distill
            .with_corpus(data, teacher.teach_rows(data)?)
            .map(drop)
    };
    let mut reversed = tasks.clone();
    reversed.intent.as_mut().unwrap().reverse();
    let error = with(&reversed, &data, DistillConfig::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "teacher and pupil differ in their intents: at 0, \"complaint\" against the pupil's \"status\""
    );
    let empty = with(&tasks, &Prepared::default(), DistillConfig::default());
    assert!(matches!(empty, Err(Error::Empty { what: "corpus" })));
    let frozen = DistillConfig {
        temperature: 0.0,
        ..DistillConfig::default()
    };
    let error = with(&tasks, &data, frozen).unwrap_err();
    assert_eq!(
        error.to_string(),
        "temperature is 0; expected a number above 0"
    );
    let idle = DistillConfig {
        soft: 0.0,
        hard: 0.0,
        ..DistillConfig::default()
    };
    assert!(matches!(
        with(&tasks, &data, idle),
        Err(Error::Config {
            field: "soft + hard",
            ..
        })
    ));

    let mismatch = teacher.teach(&["a", "b"], &[]);
    assert!(matches!(mismatch, Err(Error::Shape { .. })));
    let bare = Model::new(&light(&tokenizer, 4), &Tasks::default(), Device::Cpu, 1).unwrap();
    let silent = Teacher::new(bare, tokenizer, 8).unwrap_err().to_string();
    assert_eq!(
        silent,
        "teacher is an encoder without heads; expected a model trained for a task"
    );
}

fn bert(tokenizer: &Tokenizer, (layers, width, heads): (usize, usize, usize)) -> EncoderConfig {
    EncoderConfig::from(BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: width,
        num_hidden_layers: layers,
        num_attention_heads: heads,
        intermediate_size: 2 * width,
        max_position_embeddings: 32,
        hidden_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        initializer_range: 0.3,
        ..BertConfig::default()
    })
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.detach().contiguous().view(-1)).unwrap()
}

/// The distances by their definition, in plain numbers.
fn distances(
    student: &InnerStates,
    teacher: &InnerStates,
    projections: &[Tensor],
    map: [usize; 3],
) -> (f64, f64) {
    let square = |a: f32, b: f32| f64::from(a - b).powi(2);
    let mut hidden = 0.0;
    for (layer, &block) in map.iter().enumerate() {
        let (g, h) = projections[layer].size2().unwrap();
        let (weight, ours) = (
            numbers(&projections[layer]),
            numbers(&student.hidden[layer]),
        );
        let theirs = numbers(&teacher.hidden[block]);
        for (row, theirs) in ours.chunks(h as usize).zip(theirs.chunks(g as usize)) {
            for (weight, &theirs) in weight.chunks(h as usize).zip(theirs) {
                let ours = weight.iter().zip(row).map(|(a, b)| a * b).sum();
                hidden += square(ours, theirs) / (teacher.hidden[block].numel() as f64 * 3.0);
            }
        }
    }
    let mut attention = 0.0;
    for (layer, &block) in map[1..].iter().enumerate() {
        let (ours, theirs) = (&student.attention[layer], &teacher.attention[block - 1]);
        let (a, b) = (ours.size()[1] as usize, theirs.size()[1] as usize);
        let pairs = ours.size()[0] as f64;
        let mean = |heads: &[f32]| heads.iter().sum::<f32>() / heads.len() as f32;
        for (ours, theirs) in numbers(ours).chunks(a).zip(numbers(theirs).chunks(b)) {
            attention += square(mean(ours), mean(theirs)) / (pairs * 2.0);
        }
    }
    (hidden, attention)
}

#[test]
fn inner_states_are_compared_as_defined_and_come_nearer() {
    let _alone = alone();
    let tasks = tasks_of(rows()).unwrap();
    let texts: Vec<String> = rows().into_iter().map(|row| row.text).collect();
    let tokenizer = Tokenizer::train(texts.iter().map(String::as_str), 100).unwrap();
    let model = |shape, seed| {
        let config = bert(&tokenizer, shape);
        Model::new(&config, &tasks, Device::Cpu, seed).unwrap()
    };
    let teacher = Teacher::new(model((3, 12, 3), 1), tokenizer.clone(), 32).unwrap();
    let shown = model((3, 12, 3), 1);
    let data = examples(rows(), &tokenizer, &tasks, 32).unwrap();
    let mut student = model((2, 8, 2), 2);
    let config = TrainConfig {
        lr: 0.01,
        ..config(15)
    };
    let base = FineTune::new(&mut student, &data, None, &config).unwrap();
    let inner = DistillConfig {
        soft: 0.0,
        hard: 0.5,
        hidden: 1.0,
        attention: 1.0,
        ..DistillConfig::default()
    };
    let distill = Distill::new(base, inner)
        .unwrap()
        .imitate(&teacher, &tokenizer, 5)
        .unwrap()
        .with_rows(&data, teacher.teach_rows(&data).unwrap())
        .unwrap();
    let projections: Vec<Tensor> = distill
        .parameters()
        .into_iter()
        .filter(|(name, _)| name.starts_with("distill.projection."))
        .map(|(_, tensor)| tensor)
        .collect();
    assert_eq!(projections.len(), 3);

    let step = [3, 7, 0, 11];
    let parts = |rows: &[usize]| {
        let batch = StepBatch {
            rows,
            step_rows: &step,
            seed: 1,
        };
        let loss = distill.loss(&batch).unwrap();
        ["hidden", "attention"].map(|name| {
            let part = loss.parts.iter().find(|part| part.name == name).unwrap();
            part.value.double_value(&[])
        })
    };
    let before = parts(&step);
    let batch = TokenBatch::pack(step.map(|row| &data.examples[row].encoding.ids[..]));
    let mut own = model((2, 8, 2), 2);
    assert!(own.tasks() == &tasks);
    let taps = |model: &Model| {
        model
            .forward_with_inner_states(&batch, Mode::Eval)
            .unwrap()
            .1
    };
    // Blocks 1 and 2 of the student follow blocks 2 and 3 of the teacher.
    let (hidden, attention) = distances(&taps(&own), &taps(&shown), &projections, [0, 2, 3]);
    assert!(
        (before[0] - hidden).abs() < 1e-4 * hidden,
        "{before:?} {hidden}"
    );
    assert!(
        (before[1] - attention).abs() < 1e-4 * attention,
        "{before:?} {attention}"
    );
    let (first, second) = (parts(&step[..2]), parts(&step[2..]));
    for i in 0..2 {
        assert!((first[i] + second[i] - before[i]).abs() < 1e-4 * before[i]);
    }

    run(&distill, config);
    let after = parts(&step);
    assert!(
        after[0] < 0.8 * before[0] && after[1] < 0.8 * before[1],
        "{before:?} {after:?}"
    );
    drop(distill);

    let refused = |student: &mut Model, tokenizer: &Tokenizer| {
        let base = FineTune::new(student, &data, None, &TrainConfig::default()).unwrap();
        let distill = Distill::new(base, DistillConfig::default()).unwrap();
        let error = distill.imitate(&teacher, tokenizer, 5).unwrap_err();
        error.to_string()
    };
    let other = Tokenizer::train(texts.iter().map(String::as_str), 60).unwrap();
    let error = refused(&mut own, &other);
    assert!(
        error.starts_with("the pupil's tokenizer is another one"),
        "{error}"
    );
    let mut light = Model::new(&light(&tokenizer, 8), &tasks, Device::Cpu, 3).unwrap();
    let error = refused(&mut light, &tokenizer);
    assert!(
        error.starts_with("pupil is a bilstm; expected a transformer"),
        "{error}"
    );
}
