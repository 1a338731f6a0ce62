//! Other programs, a line in and a line out.

use std::time::{Duration, Instant};

use cs_data::augment::*;

use super::{folder_with, process};

#[test]
fn a_process_answers_a_line_with_a_line() {
    let many: Vec<String> = (0..200_000)
        .map(|at| format!("第{at}行 {}", "x".repeat(20)))
        .collect();
    assert_eq!(process("cat").lines(&many).unwrap(), many);
    assert_eq!(process("exit 3").lines(&[]).unwrap(), Vec::<String>::new());
    let fault = |command: &str| {
        let error = process(command)
            .lines(&["a".into(), "b".into()])
            .unwrap_err()
            .to_string();
        error.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(fault("head -n 1"), "1 lines, expected 2");
    assert_eq!(fault("cat >/dev/null"), "0 lines, expected 2");
    assert_eq!(fault("cat; echo 3"), "3 lines, expected 2");
    assert_eq!(
        fault("cat >/dev/null; printf 'a\\n\\377\\n'"),
        "the byte 0xff in line 2, expected UTF-8"
    );
    assert_eq!(
        fault("echo broken >&2; exit 3"),
        "exit status: 3 (broken), expected exit status 0"
    );
    let error = process("cat")
        .lines(&["a\nb".into()])
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("expected a single line"), "{error}");
}

#[test]
fn a_process_that_hangs_is_ended_with_those_it_started() {
    let (_folder, path) = folder_with("pid", "");
    let command = format!("sleep 300 & echo $! > {}; wait", path.display());
    let started = Instant::now();
    let hanging = LineProcess::new(command, Duration::from_millis(500));
    let error = hanging.lines(&["a".into()]).unwrap_err().to_string();
    assert!(error.contains("no end after 500ms"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(200));
    let pid = std::fs::read_to_string(&path).unwrap();
    let gone = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    while !gone(pid.trim()) {
        assert!(
            started.elapsed() < Duration::from_secs(200),
            "{pid} still runs"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(target_os = "linux")]
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_process_that_ended_left_running_is_ended_with_its_failure() {
    let cases = [
        // Holds standard output open, so that no answer ends.
        ("sleep 300 & echo $! > PID; cat", "no end after 500ms"),
        (
            "sleep 300 >/dev/null & echo $! > PID; echo why >&2; exit 3",
            "exit status: 3 (why)",
        ),
    ];
    for (command, expected) in cases {
        let (_folder, path) = folder_with("pid", "");
        let command = command.replace("PID", &path.display().to_string());
        let process = LineProcess::new(command, Duration::from_millis(500));
        let error = process.lines(&["a".into()]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let pid = std::fs::read_to_string(&path).unwrap();
        let started = Instant::now();
        while runs(&pid) {
            assert!(started.elapsed() < Duration::from_secs(100), "{pid} runs");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
