//! Runs as a user has them: interrupted, resumed, finished, two at once, over an older model.
#![cfg(all(feature = "torch", unix))]
#![allow(clippy::unwrap_used)] // A panic is the failure report.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cs_data::Dataset;
use cs_examples::demo::{Corpus, Split};
use cs_model::Bundle;
use serde_json::Value;

/// A folder with rows in it, and a run that a signal sent after its first epoch reaches long before
/// its end.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rows = Corpus::embedded().unwrap();
        let rows = rows.generate(Split::Train, 104, 1);
        let data = Dataset::from_utterances(rows).unwrap();
        data.write_jsonl(&dir.path().join("train.jsonl")).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, name: &str, more: &[&str]) -> Command {
        let mut program = std::env::current_exe().unwrap();
        program.pop();
        program.pop();
        let mut command = Command::new(program.join("examples").join(name));
        command
            .arg("--train")
            .arg(self.path("train.jsonl"))
            .args(["--device", "cpu", "--json"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn train(&self, more: &[&str]) -> Command {
        let mut command = self.command("train", &["--model", "light", "--light-hidden", "8"]);
        command
            .args(["--epochs", "24", "--patience", "24", "--lr", "0.02"])
            .arg("--out")
            .arg(self.path("out"))
            .args(more);
        command
    }

    /// Each file of the bundle.
    fn bundle(&self) -> Vec<Vec<u8>> {
        let names = [
            "bundle.json",
            "config.json",
            "tokenizer.json",
            Bundle::WEIGHTS,
        ];
        names
            .map(|name| std::fs::read(self.path("out").join(name)).unwrap())
            .into()
    }
}

struct Ended {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn json(&self, status: i32) -> Value {
        assert_eq!(self.status, Some(status), "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }

    /// The line of a refusal.
    fn refused(&self) -> &str {
        assert_eq!(
            (self.status, self.out.as_str()),
            (Some(2), ""),
            "{}",
            self.err
        );
        let line = self.err.trim_end();
        assert!(
            line.starts_with("error: ") && !line.contains('\n'),
            "{line}"
        );
        line
    }
}

/// Starts a run and waits for its first evaluation.
fn started(command: &mut Command) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("epoch 1:") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "no evaluation");
    }
    (child, lines)
}

fn stopped(command: &mut Command, signal: &str) -> Ended {
    let (mut child, mut lines) = started(command);
    let mut kill = Command::new("kill");
    kill.args([signal, &child.id().to_string()]);
    assert!(kill.status().unwrap().success());
    let mut err = String::new();
    lines.read_to_string(&mut err).unwrap();
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    Ended {
        status: child.wait().unwrap().code(),
        out,
        err,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_is_interrupted_resumed_and_finished_once() {
    let place = Place::new();
    let out = place.path("out");

    let half = stopped(&mut place.train(&[]), "-TERM");
    let summary = half.json(1);
    assert_eq!(summary["interrupted"], true);
    assert!(half.err.contains("--resume"), "{}", half.err);
    assert_eq!(names(&out), ["checkpoints", "runs"]);

    let refusal = Ended::of(&mut place.train(&[]));
    assert!(refusal.refused().contains("--resume"), "{}", refusal.err);
    let both = Ended::of(&mut place.train(&["--resume", "--overwrite"]));
    assert!(both.refused().contains("one of them"), "{}", both.err);
    let other = Ended::of(&mut place.train(&["--resume", "--seed", "7"]));
    assert_eq!(other.refused().matches("this run's").count(), 1);

    let whole = Ended::of(&mut place.train(&["--resume"]));
    let report = whole.json(0);
    assert_eq!(report["resumed_from"], summary["steps"]);
    assert_eq!(report["eval_chose"][0], "epoch");
    assert!(whole.err.contains("eval.* is of the rows that also chose"));
    let left = [
        "bundle.json",
        "config.json",
        Bundle::WEIGHTS,
        "runs",
        "tokenizer.json",
    ];
    assert_eq!(names(&out), left);

    // Nothing to resume: the report once more, and the model as it was.
    let bundle = place.bundle();
    let once_more = Ended::of(&mut place.train(&["--resume"])).json(0);
    assert_eq!(once_more["best_step"], report["best_step"]);
    assert_eq!(once_more["resumed_from"], report["resumed_from"]);
    assert!(place.bundle() == bundle);
    let other = Ended::of(&mut place.train(&["--resume", "--batch-size", "7"]));
    assert!(other.refused().contains("batch_size"), "{}", other.err);
    let again = Ended::of(&mut place.train(&[]));
    assert!(again.refused().contains("--overwrite"), "{}", again.err);

    // A new run that does not come to its end leaves the old model.
    stopped(&mut place.train(&["--overwrite"]), "-INT").json(1);
    assert!(place.bundle() == bundle);
    let kept = Ended::of(&mut place.train(&["--resume", "--keep-checkpoints"]));
    assert_eq!(kept.json(0)["interrupted"], false);
    assert!(out.join("checkpoints").is_dir());
    Bundle::open(&out).unwrap().weights().unwrap();
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let place = Place::new();
    let (mut first, _lines) = started(&mut place.train(&[]));
    let second = Ended::of(&mut place.train(&["--resume"]));
    let process = format!("process {}", first.id());
    assert!(second.refused().contains(&process), "{}", second.err);
    // Killed outright, it leaves its file, which keeps nobody out.
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(place.path("out/run.lock").exists());
    Ended::of(&mut place.train(&["--overwrite"])).json(0);
    assert!(!place.path("out/run.lock").exists());
}

#[test]
fn a_model_is_not_replaced_unasked() {
    let place = Place::new();
    std::fs::create_dir(place.path("out")).unwrap();
    let config = place.path("out/config.json");
    std::fs::write(&config, "{}").unwrap();
    let refusal = Ended::of(&mut place.train(&[]));
    assert!(refusal.refused().contains("a model"), "{}", refusal.err);
    let foreign = Ended::of(&mut place.train(&["--resume"]));
    assert_eq!(foreign.status, Some(2), "{}", foreign.err);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "{}");
    assert_eq!(names(&place.path("out")), ["config.json"]);
}

#[test]
fn numbers_out_of_range_are_refused_with_their_flag() {
    let place = Place::new();
    for (flag, value) in [
        ("--holdout", "1.5"),
        ("--holdout", "NaN"),
        ("--batch-size", "0"),
        ("--layer-decay=-1", ""),
        ("--label-smoothing", "1"),
    ] {
        let flags = [flag, value];
        let flags = &flags[..1 + usize::from(!value.is_empty())];
        let ended = Ended::of(&mut place.train(flags));
        let name = flag.split('=').next().unwrap();
        let line = ended.refused();
        assert!(line.contains(name) && line.contains("expected"), "{line}");
        assert!(line.contains(value), "{line}");
    }
    let log = place.path("log.jsonl");
    let flags = [
        "--model",
        "light",
        "--trials",
        "0",
        "--log",
        log.to_str().unwrap(),
    ];
    let ended = Ended::of(&mut place.command("search", &flags));
    assert!(ended.refused().contains("--trials"), "{}", ended.err);
    assert!(!log.exists() && !place.path("out").exists());
}

#[test]
fn rows_of_one_dialogue_are_not_parted() {
    let place = Place::new();
    let row = |number: usize| {
        format!(
            "{{\"id\": \"{number}\", \"text\": \"where is order {number}\", \"intent\": \"{}\", \"parent\": \"x\"}}\n",
            ["a", "b"][number % 2]
        )
    };
    let rows: String = (0..20).map(row).collect();
    std::fs::write(place.path("train.jsonl"), rows).unwrap();
    let ended = Ended::of(&mut place.train(&[]));
    let line = ended.refused();
    assert!(
        line.contains("train.jsonl: 20 rows") && line.contains("--holdout 0"),
        "{line}"
    );
}

#[test]
fn a_search_goes_on_by_its_log() {
    let place = Place::new();
    let log = place.path("log.jsonl");
    let search = |more: &[&str]| {
        let mut flags = vec!["--model", "light", "--light-hidden", "8", "--trials", "2"];
        flags.extend(["--log", log.to_str().unwrap()]);
        flags.extend(more);
        Ended::of(&mut place.command("search", &flags))
    };
    let first = search(&[]);
    assert_eq!(first.status, Some(0), "{}", first.err);
    let written = std::fs::read_to_string(&log).unwrap();
    assert_eq!(written.lines().count(), 3);
    // Torn in its last line, which is computed again; the others are not.
    std::fs::write(&log, &written[..written.len() - 9]).unwrap();
    let again = search(&[]);
    assert_eq!(
        (again.status, &again.out),
        (Some(0), &first.out),
        "{}",
        again.err
    );
    assert!(again.err.contains("cut off"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), written);
    // Other settings: nothing of it is used, nothing is lost.
    let other = search(&["--class-weights", "balanced"]);
    assert!(other.err.contains("3 trials are of other"), "{}", other.err);
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 6);
    assert!(search(&["--resume"]).refused().contains("--resume"));
}
