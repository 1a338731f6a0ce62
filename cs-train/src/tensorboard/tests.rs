//! What we write against what TensorBoard's own writer wrote of the same, and what is left of
//! runs that were killed or resumed.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::path::Path;

use prost::Message;

#[cfg(feature = "torch")]
use super::TensorBoard;
use super::hparams::session_end;
use super::proto::{Event, SESSION_START, SessionLog, What};
use super::{EventWriter, HParams, Summary, record};
use crate::metrics::{Histogram, PrCurve};

/// Made by tests/reference/tensorboard_events.py.
const REFERENCE: &[u8] = include_bytes!("../../tests/reference/tensorboard.events");

fn summary(summary: Summary) -> What {
    What::Summary(summary.into_proto())
}

/// What the script recorded, by our means.
fn ours() -> Vec<(i64, What)> {
    let values = [-2.5, -1.0, -0.125, 0.0, 0.0, 0.5, 1.0, 1.5, 1000.0];
    let scores = [
        (0.0, false),
        (0.1, false),
        (0.25, true),
        (0.5, false),
        (0.75, true),
        (0.9, true),
        (1.0, true),
    ];
    let mut hparams = HParams::new(["eval/f1"])
        .with("lr", 0.5)
        .with("model", "light");
    hparams.began = 0.0; // not written then, as PyTorch does
    let status = SESSION_START;
    let histogram: Histogram = values.into_iter().collect();
    let curve: PrCurve = scores.into_iter().collect();
    vec![
        (7, What::SessionLog(SessionLog { status })),
        (3, summary(Summary::new().scalar("train/loss", 0.25))),
        (4, summary(Summary::new().scalar("bad", f64::NAN))),
        (5, summary(Summary::new().scalar("bad", f64::NEG_INFINITY))),
        (6, summary(Summary::new().histogram("weights", &histogram))),
        (7, summary(Summary::new().text("说明", "**订单**"))),
        (8, summary(Summary::new().pr_curve("eval/refund", &curve))),
        (0, summary(hparams.experiment())),
        (0, summary(hparams.session_start())),
        (0, summary(session_end(true, 0.0))),
    ]
}

#[test]
fn events_equal_those_of_tensorboards_writer() {
    let records = record::read(REFERENCE);
    let mut framed = Vec::new();
    records
        .iter()
        .for_each(|bytes| record::append(&mut framed, bytes));
    assert_eq!(framed, REFERENCE);

    let first = Event::decode(records[0]).unwrap();
    assert_eq!(
        first.what,
        Some(What::FileVersion("brain.Event:2".to_owned()))
    );
    let ours = ours();
    assert_eq!(records.len(), 1 + ours.len());
    for (theirs, (step, what)) in records[1..].iter().zip(ours) {
        let wall_time = Event::decode(*theirs).unwrap().wall_time;
        let what = Some(what);
        let event = Event {
            wall_time,
            step,
            what,
        };
        assert_eq!(event.encode_to_vec(), *theirs, "{event:?}");
    }
}

/// Step and tag of what is in a file.
fn read(path: &Path) -> Vec<(i64, String)> {
    let bytes = std::fs::read(path).unwrap();
    let events = record::read(&bytes)
        .into_iter()
        .map(|record| Event::decode(record).unwrap());
    events
        .flat_map(|event| match event.what.unwrap() {
            What::Summary(summary) => summary
                .value
                .into_iter()
                .map(|value| (event.step, value.tag))
                .collect(),
            What::FileVersion(version) => vec![(event.step, version)],
            What::SessionLog(log) => vec![(event.step, format!("session {}", log.status))],
        })
        .collect()
}

fn loss(value: f64) -> Summary {
    Summary::new().scalar("loss", value)
}

#[test]
fn what_was_flushed_is_there_while_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = EventWriter::create(folder.path()).unwrap();
    let head = ["brain.Event:2", "session 1"].map(|what| (0, what.to_owned()));
    assert_eq!(read(events.path()), head);
    events.write(1, loss(0.5)).unwrap();
    events.flush().unwrap();
    assert_eq!(read(events.path())[2..], [(1, "loss".to_owned())]);
    events.write(2, loss(0.4)).unwrap();
    let path = events.path().to_owned();
    drop(events);
    assert_eq!(read(&path).len(), 4);
}

#[test]
fn a_resumed_run_writes_a_later_file_that_purges() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..3)
        .map(|run| {
            let events = EventWriter::resume(folder.path(), 10 * run).unwrap();
            events.path().to_owned()
        })
        .collect();
    assert!(paths.is_sorted() && paths[0] != paths[1], "{paths:?}");
    assert_eq!(super::writer::event_files(folder.path()).unwrap(), paths);
    assert_eq!(read(&paths[2])[1], (20, "session 1".to_owned()));
}

#[test]
fn a_folder_that_cannot_be_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = EventWriter::create(&file.join("runs")).unwrap_err();
    assert!(error.to_string().contains("file/runs"), "{error}");
}

#[cfg(feature = "torch")]
mod runs {
    use super::*;
    use crate::schedule::TrainConfig;
    use crate::torch::objective::Validation;
    use crate::torch::run::{
        Event, Flow, Observer, RunShape, StepReport, TrainReport, ValidationReport,
    };

    fn start(board: &mut TensorBoard, resumed_from: Option<usize>) {
        let config = TrainConfig::default();
        let shape = RunShape {
            resumed_from,
            config,
            ..RunShape::default()
        };
        assert_eq!(board.event(&Event::Start(&shape)), Flow::Continue);
    }

    fn step(board: &mut TensorBoard, step: usize) {
        let parts = vec![("intent", 0.5)];
        let report = StepReport {
            step,
            parts,
            ..StepReport::default()
        };
        assert_eq!(board.event(&Event::Step(&report)), Flow::Continue);
    }

    fn evaluate(board: &mut TensorBoard, step: usize) {
        let scores = Validation {
            figures: [("slot_f1".to_owned(), 0.5)].into(),
            curves: [("answers".to_owned(), [(0.5, true)].into_iter().collect())].into(),
            distributions: [("sure".to_owned(), [0.5].into_iter().collect())].into(),
            ..Validation::default()
        };
        let report = ValidationReport {
            step,
            scores,
            ..ValidationReport::default()
        };
        assert_eq!(board.event(&Event::Evaluation(&report)), Flow::Continue);
    }

    fn steps(path: &Path, tag: &str) -> Vec<i64> {
        let events = read(path).into_iter();
        events
            .filter(|(_, name)| name == tag)
            .map(|(step, _)| step)
            .collect()
    }

    #[test]
    fn a_killed_run_goes_on_where_its_checkpoint_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut board = TensorBoard::new(folder.path()).unwrap();
        start(&mut board, None);
        (1..=5).for_each(|n| step(&mut board, n));
        evaluate(&mut board, 5);
        drop(board); // killed; the last checkpoint is of step 3

        let mut board = TensorBoard::new(folder.path()).unwrap();
        start(&mut board, Some(3));
        (4..=5).for_each(|n| step(&mut board, n));
        evaluate(&mut board, 5);
        board.event(&Event::End(&TrainReport {
            steps: 5,
            ..TrainReport::default()
        }));
        assert!(board.error().is_none());

        let files = super::super::writer::event_files(folder.path()).unwrap();
        let [first, second] = &files[..] else {
            panic!("{files:?}")
        };
        assert_eq!(steps(first, "train/loss_intent"), [1, 2, 3, 4, 5]);
        assert_eq!(steps(first, "_hparams_/session_start_info"), [0]);
        assert!(steps(first, "_hparams_/session_end_info").is_empty());
        assert_eq!(
            steps(second, "session 1"),
            [4],
            "what came after step 3 is forgotten"
        );
        assert_eq!(steps(second, "train/loss_intent"), [4, 5]);
        for tag in [
            "eval/slot_f1",
            "eval/answers",
            "eval/sure",
            "report/text_summary",
        ] {
            assert_eq!(steps(second, tag), [5], "{tag}");
        }
        assert_eq!(steps(second, "config/text_summary"), [3]);
        assert_eq!(steps(second, "_hparams_/session_end_info"), [0]);
    }

    #[test]
    fn another_run_sets_the_first_aside() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let mut board = TensorBoard::new(folder.path()).unwrap();
            start(&mut board, None);
            assert!(board.error().is_none());
        }
        let (mut files, mut folders) = (0, Vec::new());
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files += 1
            }
        }
        assert_eq!((files, folders.len()), (1, 1));
        assert_eq!(std::fs::read_dir(&folders[0]).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_went_away_ends_the_record_and_not_the_run() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("runs");
        let mut board = TensorBoard::new(&folder).unwrap();
        std::fs::remove_dir(&folder).unwrap();
        std::fs::write(&folder, "").unwrap();
        start(&mut board, None);
        step(&mut board, 1);
        let error = board.error().unwrap().to_string();
        assert!(error.contains("runs"), "{error}");
    }

    #[test]
    fn weights_are_recorded_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let weight = tch::Tensor::from_slice(&[1.0f32, f32::NAN, -2.0]);
        let mut board = TensorBoard::new(folder.path()).unwrap();
        board = board.with_weights(vec![("w".to_owned(), weight)], 2);
        start(&mut board, None);
        (1..=4).for_each(|n| step(&mut board, n));
        drop(board);
        let files = super::super::writer::event_files(folder.path()).unwrap();
        assert_eq!(steps(&files[0], "weights/w"), [2, 4]);
    }
}
