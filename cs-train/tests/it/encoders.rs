//! The families of encoders beside BERT, from a folder as Hugging Face has it through every kind of
//! training.

use std::path::{Path, PathBuf};

use cs_data::Utterance;
use cs_model::{Bundle, Device, Model};
use cs_train::objective::DistillConfig;
use cs_train::recipe::{Fitted, Pretraining, Recipe, Rows, Settings, Start, Teaching, importance};
use cs_train::run::Silent;
use tempfile::TempDir;

use crate::common::tiny::{alone, rows};

const FAMILIES: [&str; 4] = ["roberta", "xlm_roberta", "distilbert", "albert"];

/// A folder of the model that cs-model's tests have, with the tokenizer that cs-data's have.
fn folder(name: &str) -> TempDir {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let model = crates.join("cs-model/tests/reference").join(name);
    let tokenizer = crates.join("cs-data/tests/reference/families").join(name);
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(model.join(file), folder.path().join(file)).unwrap();
    }
    let tokenizer = tokenizer.with_extension("json");
    std::fs::copy(tokenizer, folder.path().join("tokenizer.json")).unwrap();
    folder
}

/// A run of two short epochs.
fn recipe(start: PathBuf, out: &Path) -> Recipe {
    let settings = Settings {
        epochs: Some(2),
        batch_size: Some(8),
        lr: Some(1e-3),
        layer_decay: Some(0.8),
        fgm: Some(0.1),
        device: Some(Device::Cpu),
        ..Settings::default()
    };
    Recipe {
        settings,
        ..Recipe::new(Start::Folder(start), out)
    }
}

/// Checks that the run learned something, writes its bundle and opens it.
fn written(fitted: &Fitted, out: &Path, model_type: &str) -> Bundle {
    assert!(
        fitted.report.steps > 0 && fitted.evaluation.is_some(),
        "{model_type}"
    );
    fitted.write(out).unwrap();
    let bundle = Bundle::open(out).unwrap();
    assert_eq!(bundle.config().model_type(), model_type);
    bundle
}

#[test]
fn every_family_is_trained_and_teaches_itself() {
    let _alone = alone();
    for name in FAMILIES {
        let (start, out, student) = (
            folder(name),
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let model_type = name.replace('_', "-");
        let both = || Rows::new(rows(), rows());
        let fitted = recipe(start.path().into(), out.path())
            .fit(both(), &mut Silent)
            .unwrap();
        let bundle = written(&fitted, out.path(), &model_type);

        let scores = importance(&bundle, &rows(), Some(Device::Cpu)).unwrap();
        let stack = bundle.config().stack().unwrap();
        scores.validate(&stack).unwrap();
        assert!(
            scores.heads.iter().flatten().all(|&score| score > 0.0),
            "{name}"
        );

        // Inner states are of as many layers as are run.
        let config = DistillConfig {
            hidden: 1.0,
            attention: 1.0,
            ..DistillConfig::default()
        };
        let teaching = Teaching::open(out.path(), Some(Device::Cpu), config).unwrap();
        let recipe = recipe(start.path().into(), student.path());
        let taught = recipe.distill(both(), &teaching, &mut Silent).unwrap();
        written(&taught, student.path(), &model_type);
    }
}

#[test]
fn every_family_guesses_masked_words() {
    let _alone = alone();
    for name in FAMILIES {
        let (start, out) = (folder(name), tempfile::tempdir().unwrap());
        let texts: Vec<Utterance> = rows();
        let pretraining = Pretraining {
            eval: texts.clone(),
            texts,
            ..Pretraining::default()
        };
        let recipe = Recipe {
            settings: Settings {
                fgm: None,
                ..recipe(start.path().into(), out.path()).settings
            },
            ..recipe(start.path().into(), out.path())
        };
        let trained = pretraining.run(&recipe, &mut Silent).unwrap();
        assert!(trained.report.best.is_some(), "{name}");
        trained.write(out.path()).unwrap();
        // The head is kept for more of the same.
        let bundle = Bundle::open(out.path()).unwrap();
        let again = Model::masked_lm_from_pretrained(&bundle, Device::Cpu, 1).unwrap();
        let kept = again
            .parameters()
            .into_iter()
            .zip(trained.model.parameters());
        assert!(
            kept.into_iter().all(|((_, a), (_, b))| a.equal(&b)),
            "{name}"
        );
    }
}
