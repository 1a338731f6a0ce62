//! A process that is killed at any moment.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use cs_data::SplitMix;
use cs_serve::rollout::{Action, Arm, Arrival, Phase, RolloutConfig};

use super::{Customers, config, file, open};

/// A journal that is written anew time and again.
fn folding() -> RolloutConfig {
    RolloutConfig {
        fold_after: 20,
        expiry: Duration::from_secs(100_000),
        ..config()
    }
}

/// Where the child's journal is.
const PATH: &str = "CS_ROLLOUT_KILLED_JOURNAL";

/// What the child does until it is killed: it says each thing after it was told that it is so.
#[test]
fn child() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let journal = file(path.as_ref());
    let mut customers = Customers::of(open(journal, &folding()));
    let mut out = std::io::stdout();
    if customers.rollout.phase() == Phase::Ready {
        customers
            .rollout
            .act(Action::Start, "Ada", customers.now)
            .unwrap();
    }
    let status = customers.rollout.status();
    // Of each step, so that no name is used again.
    customers.begun = 1_000_000 * status.step as u64 + status.begun[0] + status.begun[1];
    // A tenth of the runs roll back at some time; then conversations change.
    let rolls_back = customers.begun.is_multiple_of(10);
    for i in 0_u64.. {
        if rolls_back && i == 50 && customers.rollout.phase() == Phase::Running {
            writeln!(out, "told rolling back").unwrap();
            customers
                .rollout
                .act(Action::Rollback, "Ada", customers.now)
                .unwrap();
            writeln!(out, "told rolled-back").unwrap();
        }
        let arm = customers.come([0.8, 0.8], Duration::from_secs(1));
        writeln!(out, "told {} {}", customers.begun, arm == Arm::Canary).unwrap();
    }
}

/// Runs the child for so long, from its beginning or from the first thing that it says, and gives what it has said.
fn killed_after(time: Duration, from_the_first: bool, path: &std::path::Path) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "rollout::kill::child", "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (says, first) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || -> Vec<String> {
        let lines = out.split(b'\n').map_while(Result::ok);
        let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
        lines
            .filter_map(|line| Some(line.split_once("told ")?.1.to_owned()))
            .inspect(|_| says.send(()).unwrap_or_default())
            .collect()
    });
    if from_the_first {
        // However slow the machine; a child that ends without a word is seen by the assertion at the end.
        first.recv().unwrap_or_default();
    }
    std::thread::sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = reader.join().unwrap();
    // The last line may be torn.
    if said
        .last()
        .is_some_and(|it| !it.ends_with("true") && !it.ends_with("false") && !it.ends_with("back"))
    {
        said.pop();
    }
    said
}

/// By hand also 500 times: `CS_ROLLOUT_KILLS=500`.
#[test]
fn whatever_was_said_is_so_after_a_kill() {
    let kills = std::env::var("CS_ROLLOUT_KILLS").map_or(6, |it| it.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut chance = SplitMix::new(7);
    let mut arms: HashMap<String, bool> = HashMap::new();
    let (mut path, mut rolled_back) = (folder.path().join("0"), None);
    let mut lines = 0;
    for kill in 0..kills {
        let time = Duration::from_millis(30 + chance.below(120) as u64);
        for line in killed_after(time, kill % 3 > 0, &path) {
            lines += 1;
            match line.split_once(' ') {
                Some(("rolling", _)) => rolled_back = rolled_back.or(Some(false)),
                None => rolled_back = Some(true),
                Some((conversation, is_canary)) => {
                    arms.insert(conversation.to_owned(), is_canary == "true");
                }
            }
        }
        let rollout = open(file(&path), &folding());
        let phase = rollout.phase();
        match rolled_back {
            Some(true) => assert_eq!(phase, Phase::RolledBack),
            Some(false) => {}
            None => assert_ne!(phase, Phase::RolledBack),
        }
        for (conversation, &is_canary) in &arms {
            let conversation = format!("conversation {conversation}");
            let (customer, turn) = (None, 2);
            let arrival = Arrival {
                conversation: &conversation,
                customer,
                turn,
            };
            let found = rollout.assign(&arrival, 1_700_000_000_000).unwrap();
            let is_kept = phase != Phase::RolledBack;
            assert_eq!(
                found.arm == Arm::Canary,
                is_canary && is_kept,
                "{conversation}"
            );
        }
        if phase == Phase::RolledBack {
            path = folder.path().join((kill + 1).to_string());
            (arms, rolled_back) = (HashMap::new(), None);
        }
    }
    assert!(lines > 0, "no child has come to anything");
}
