//! A run that is killed, wherever, and goes on ends as if nothing had happened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use cs_model::EncoderConfig;
use cs_train::Error;
use cs_train::run::{Event, Flow, Silent, TrainReport, Trainer};
use cs_train::schedule::TrainConfig;

use crate::common::tiny::{Setting, alone, bits, config, setting, try_fit};

/// Dies at the `nth` event, as a process does: nothing gets to clean up what it was at.
fn killed(
    setting: &Setting,
    encoder: &EncoderConfig,
    config: &TrainConfig,
    folder: &Path,
    nth: usize,
) -> bool {
    let mut left = nth;
    let mut observer = |_: &Event<'_>| {
        assert!(left > 0, "killed");
        left -= 1;
        Flow::Continue
    };
    let mut model = setting.model(encoder);
    let data = (&setting.data, Some(&setting.data));
    let run = AssertUnwindSafe(|| {
        try_fit(&mut model, data, config.clone(), folder, &mut observer).unwrap()
    });
    catch_unwind(run).is_err()
}

fn run(
    setting: &Setting,
    encoder: &EncoderConfig,
    config: &TrainConfig,
    folder: &Path,
) -> (TrainReport, Vec<u32>) {
    let mut model = setting.model(encoder);
    let data = (&setting.data, Some(&setting.data));
    let report = try_fit(&mut model, data, config.clone(), folder, &mut Silent).unwrap();
    (report, bits(&model))
}

/// Kills at every event (each step, evaluation and checkpoint) and compares.
fn survives_every_kill(encoder: fn(&Setting) -> EncoderConfig, config: &TrainConfig) {
    let _alone = alone();
    let setting = setting();
    let encoder = encoder(&setting);
    let whole = tempfile::tempdir().unwrap();
    let (expected, weights) = run(&setting, &encoder, config, whole.path());
    assert_eq!(expected.resumed_from, None);
    let mut resumed = 0;
    std::panic::set_hook(Box::new(|_| ()));
    for nth in 0.. {
        let folder = tempfile::tempdir().unwrap();
        if !killed(&setting, &encoder, config, folder.path(), nth) {
            break;
        }
        let (report, again) = run(&setting, &encoder, config, folder.path());
        assert!(weights == again, "killed at event {nth}");
        assert_eq!(report.best, expected.best);
        assert_eq!(
            (report.steps, report.best_step),
            (expected.steps, expected.best_step)
        );
        resumed += usize::from(report.resumed_from.is_some());
    }
    let _ = std::panic::take_hook();
    assert!(resumed > 3, "{resumed}");
}

#[test]
fn bilstm_with_a_mean_of_weights_in_parts() {
    let config = TrainConfig {
        accumulate: 3,
        ema: 0.8,
        checkpoint_every: 2,
        evaluate_every: 2,
        batch_size: 16,
        ..config(2, 0.01)
    };
    survives_every_kill(Setting::bilstm, &config);
}

#[test]
fn transformer() {
    let config = TrainConfig {
        checkpoint_every: 2,
        fgm: 0.5,
        batch_size: 16,
        ..config(2, 0.005)
    };
    survives_every_kill(Setting::transformer, &config);
}

#[test]
fn a_clean_stop_writes_a_checkpoint_and_the_run_goes_on() {
    let _alone = alone();
    let setting = setting();
    let encoder = setting.bilstm();
    // Patience runs out in the second half.
    let config = TrainConfig {
        patience: 2,
        min_delta: 0.3,
        ..config(6, 0.01)
    };
    let folder = tempfile::tempdir().unwrap();
    let (expected, weights) = run(&setting, &encoder, &config, folder.path());
    assert!(expected.stopped_early, "{expected:?}");
    for stop in (1..expected.steps).step_by(3) {
        let folder = tempfile::tempdir().unwrap();
        let mut model = setting.model(&encoder);
        let mut observer = |event: &Event<'_>| match event {
            Event::Step(step) if step.step == stop => Flow::Stop,
            _ => Flow::Continue,
        };
        let data = (&setting.data, Some(&setting.data));
        let half = try_fit(
            &mut model,
            data,
            config.clone(),
            folder.path(),
            &mut observer,
        )
        .unwrap();
        assert!(half.interrupted && half.steps == stop);
        let (report, again) = run(&setting, &encoder, &config, folder.path());
        assert_eq!(report.resumed_from, Some(stop));
        assert!(report.stopped_early && report.steps == expected.steps);
        assert!(weights == again, "stopped at step {stop}");
    }
}

#[test]
fn what_a_killed_writer_leaves_is_ignored_and_removed() {
    let _alone = alone();
    let setting = setting();
    let encoder = setting.bilstm();
    let config = TrainConfig {
        checkpoint_every: 4,
        ..config(2, 0.01)
    };
    let folder = tempfile::tempdir().unwrap();
    assert!(killed(&setting, &encoder, &config, folder.path(), 8));
    let draft = folder.path().join(".checkpoint-x");
    std::fs::create_dir(&draft).unwrap();
    std::fs::write(draft.join("tensors.safetensors"), b"half").unwrap();
    let (report, _) = run(&setting, &encoder, &config, folder.path());
    assert_eq!(report.resumed_from, Some(4));
    let mut left: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("best-"))
        .collect();
    left.sort();
    assert_eq!(left, ["step-00000008", "step-00000010", Trainer::CONFIG]);
    let finished = run(&setting, &encoder, &config, folder.path()).0;
    assert_eq!((finished.resumed_from, finished.steps), (Some(10), 10));
}

#[test]
fn damage_and_other_runs_are_named() {
    let _alone = alone();
    let setting = setting();
    let encoder = setting.bilstm();
    let config = TrainConfig {
        checkpoint_every: 5,
        ..config(1, 0.01)
    };
    let folder = tempfile::tempdir().unwrap();
    run(&setting, &encoder, &config, folder.path());
    let fit = |setting: &Setting, encoder: &EncoderConfig, config: &TrainConfig| {
        let mut model = setting.model(encoder);
        let data = (&setting.data, Some(&setting.data));
        try_fit(&mut model, data, config.clone(), folder.path(), &mut Silent).unwrap_err()
    };
    let differs = |error: Error, expected: &str| match error {
        Error::Mismatch { what, .. } => assert_eq!(what, expected),
        error => panic!("{error}"),
    };
    let other = TrainConfig {
        lr: 0.02,
        ..config.clone()
    };
    differs(fit(&setting, &encoder, &other), "lr");
    differs(fit(&setting, &setting.transformer(), &config), "model");
    let mut fewer = crate::common::tiny::setting();
    fewer.data.examples.pop();
    differs(fit(&fewer, &encoder, &config), "training data");
    let mut model = setting.model(&encoder);
    for validation in [None, Some(&fewer.data)] {
        let data = (&setting.data, validation);
        let error = try_fit(&mut model, data, config.clone(), folder.path(), &mut Silent);
        differs(error.unwrap_err(), "validation data");
    }

    // The best weights are another run's, or gone: said at once, not after the last step.
    let best = folder.path().join("best-00000005.safetensors");
    let own = std::fs::read(&best).unwrap();
    setting.model(&encoder).save_weights(&best).unwrap();
    let error = fit(&setting, &encoder, &config).to_string();
    assert!(error.starts_with(&best.display().to_string()), "{error}");
    std::fs::remove_file(&best).unwrap();
    let error = fit(&setting, &encoder, &config).to_string();
    assert!(error.starts_with(&best.display().to_string()), "{error}");
    std::fs::write(&best, own).unwrap();

    let step = folder.path().join("step-00000005");
    let (tensors, state) = (step.join("tensors.safetensors"), step.join("state.json"));
    let good = std::fs::read(&tensors).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bytes in [&flipped[..], &good[..good.len() - 9], b""] {
        std::fs::write(&tensors, bytes).unwrap();
        let error = fit(&setting, &encoder, &config).to_string();
        assert!(error.starts_with(&tensors.display().to_string()), "{error}");
    }
    std::fs::write(&tensors, &good).unwrap();
    let text = std::fs::read_to_string(&state).unwrap();
    for (text, reason) in [
        (
            text.replace("\"format_version\": 2", "\"format_version\": 3"),
            "format version 3",
        ),
        (text[..text.len() / 2].to_owned(), "EOF"),
        (text.replace("\"step\": 5,", "\"step\": 6,"), "step 6"),
    ] {
        std::fs::write(&state, text).unwrap();
        let error = fit(&setting, &encoder, &config).to_string();
        assert!(
            error.contains(reason) && error.contains("state.json"),
            "{error}"
        );
    }
}

/// A disk that is full refuses the file that would not fit: here, a limit on the size of files in a
/// process of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_the_checkpoint_before_survives() {
    const FOLDER: &str = "CS_TRAIN_TEST_FULL_DISK";
    let _alone = alone();
    let setting = setting();
    let encoder = setting.bilstm();
    let config = TrainConfig {
        checkpoint_every: 2,
        ..config(1, 0.01)
    };
    if let Some(folder) = std::env::var_os(FOLDER) {
        // The process that may not write: its handler for the signal is the default, so the shell
        // ignores it.
        let data = (&setting.data, Some(&setting.data));
        let mut model = setting.model(&encoder);
        let error = try_fit(&mut model, data, config, Path::new(&folder), &mut Silent).unwrap_err();
        assert!(error.to_string().contains("too large"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (expected, weights) = run(
        &setting,
        &encoder,
        &config,
        tempfile::tempdir().unwrap().path(),
    );
    // Dies after the checkpoint of step 2: Start, two steps, checkpoint.
    assert!(killed(&setting, &encoder, &config, folder.path(), 4));
    let test = std::env::current_exe().unwrap();
    let name = "a_full_disk_is_an_error_and_the_checkpoint_before_survives";
    let limited = r#"trap '' XFSZ; ulimit -f 8; exec "$0" --exact "$1" --test-threads 1"#;
    let output = std::process::Command::new("sh")
        .args(["-c", limited])
        .arg(test)
        .arg(name)
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let kept: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(kept.iter().any(|name| name == "step-00000002"), "{kept:?}");
    assert!(
        !kept
            .iter()
            .any(|name| name.to_string_lossy().starts_with(".checkpoint")),
        "{kept:?}"
    );
    let (report, again) = run(&setting, &encoder, &config, folder.path());
    assert_eq!(
        (report.resumed_from, report.steps),
        (Some(2), expected.steps)
    );
    assert!(weights == again);
}
