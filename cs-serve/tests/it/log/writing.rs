//! What is written, when the clock jumps, the process dies, or another one comes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use cs_serve::log::{Log, LogConfig, LogError, Rating, Row};
use serde_json::json;

use super::{HOUR, NOON, files, frames, masker, row};

const LIMIT: Duration = Duration::from_secs(60);

fn open(folder: &Path) -> Log {
    Log::open(folder, LogConfig::default(), &masker()).unwrap()
}

#[test]
fn turns_and_ratings_are_written_masked() {
    let folder = tempfile::tempdir().unwrap();
    let (masker, log) = (masker(), open(folder.path()));
    let mut turn = row(NOON, "c1", 1);
    turn.customer = Some("李雷".to_owned());
    assert!(log.write(&turn.masked(&masker)));
    let rating = Rating {
        time: NOON + 5,
        conversation: "c1".to_owned(),
        turn: 1,
        satisfied: 0.5,
    };
    assert!(log.rate(&rating.masked(&masker)));
    assert!(log.drain(LIMIT));
    assert_eq!((log.written(), log.lost(), log.is_failing()), (2, 0, false));

    let file = "2026-11-29.000001.rows";
    assert_eq!(files(folder.path()), [file]);
    let (found, torn) = frames(&folder.path().join(file));
    assert_eq!(torn, None);
    let conversation = masker.conversation("c1");
    let text = masker
        .text("c1", "订单 1 到哪了？我的手机是13800138000")
        .masked;
    assert!(text.get().contains("<MOBILE:"));
    let expected = json!({"row": {
        "time": NOON, "conversation": conversation, "customer": masker.customer("李雷"), "turn": 1, "text": text,
        "reply": "已发货。", "route": "light", "source": "template",
    }});
    assert_eq!(found[0], expected);
    let expected =
        json!({"time": NOON + 5, "conversation": conversation, "turn": 1, "satisfied": 0.5});
    assert_eq!(found[1]["rating"], expected);
}

#[test]
fn a_clock_that_jumps_begins_another_file_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (masker, log) = (masker(), open(folder.path()));
    let midnight = NOON + 12 * HOUR;
    let times = [
        NOON,
        midnight - 1,
        midnight,
        midnight - 1,         // a turn that was answered over midnight
        midnight - HOUR,      // at most an hour before
        midnight - HOUR - 1,  // set back
        NOON + 24 * HOUR * 9, // set forward
        u64::MAX,
        0,
    ];
    for (time, turn) in times.into_iter().zip(1..) {
        assert!(log.write(&row(time, "c1", turn).masked(&masker)));
    }
    drop(log);
    let expected: [(&str, &[u64]); 6] = [
        ("1970-01-01.000006.rows", &times[8..]),
        ("2026-11-29.000001.rows", &times[..2]),
        ("2026-11-29.000003.rows", &times[5..6]),
        ("2026-11-30.000002.rows", &times[2..5]),
        ("2026-12-08.000004.rows", &times[6..7]),
        ("9999-12-31.000005.rows", &times[7..8]),
    ];
    assert_eq!(files(folder.path()), expected.map(|it| it.0));
    for (file, times) in expected {
        let (found, _) = frames(&folder.path().join(file));
        let found: Vec<_> = found
            .iter()
            .map(|it| it["row"]["time"].as_u64().unwrap())
            .collect();
        assert_eq!(found, times, "{file}");
    }
}

#[test]
fn a_large_file_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let masker = masker();
    let config = LogConfig {
        file_bytes: 2000,
        ..LogConfig::default()
    };
    let log = Log::open(folder.path(), config, &masker).unwrap();
    for turn in 1..=40 {
        log.write(&row(NOON, "c1", turn).masked(&masker));
    }
    drop(log);
    let names = files(folder.path());
    assert!(names.len() > 3, "{names:?}");
    let turns: Vec<_> = names
        .iter()
        .flat_map(|it| frames(&folder.path().join(it)).0)
        .map(|it| it["row"]["turn"].as_u64().unwrap())
        .collect();
    assert_eq!(turns, (1..=40).collect::<Vec<_>>());
}

#[test]
fn a_torn_end_is_cut_off_and_a_damaged_file_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let masker = masker();
    let log = open(folder.path());
    for turn in 1..=3 {
        log.write(&row(NOON, "c1", turn).masked(&masker));
    }
    drop(log);
    let first = folder.path().join("2026-11-29.000001.rows");
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes[..bytes.len() - 3]).unwrap();
    let log = open(folder.path());
    let (found, torn) = frames(&first);
    assert_eq!((found.len(), torn), (2, None));
    log.write(&row(NOON, "c1", 4).masked(&masker));
    drop(log);

    let second = folder.path().join("2026-11-29.000002.rows");
    let mut bytes = fs::read(&second).unwrap();
    bytes[30] ^= 1;
    bytes.extend(frames_of(&first));
    fs::write(&second, &bytes).unwrap();
    let log = open(folder.path());
    assert_eq!(fs::read(&second).unwrap(), bytes);
    log.write(&row(NOON, "c1", 5).masked(&masker));
    drop(log);
    assert_eq!(
        frames(&folder.path().join("2026-11-29.000003.rows"))
            .0
            .len(),
        1
    );
}

/// The frames of a file without its head.
fn frames_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()[16..].to_vec()
}

#[test]
fn a_folder_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let error = Log::open(folder.path(), LogConfig::default(), &masker()).unwrap_err();
    assert!(matches!(error, LogError::Taken { .. }), "{error}");
    let expected = "another process writes this log, expected one at a time";
    assert!(error.to_string().ends_with(expected), "{error}");
    drop(log);
    open(folder.path());
}

#[test]
fn what_cannot_be_written_is_counted_and_writing_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let (masker, log) = (masker(), open(folder.path()));
    // In the way of the first file.
    let way = folder.path().join("2026-11-29.000001.rows");
    fs::create_dir(&way).unwrap();
    for turn in 1..=3 {
        assert!(log.write(&row(NOON, "c1", turn).masked(&masker)));
    }
    assert!(!log.drain(LIMIT));
    assert_eq!((log.written(), log.lost(), log.is_failing()), (0, 3, true));
    fs::remove_dir(&way).unwrap();
    assert!(log.write(&row(NOON, "c1", 4).masked(&masker)));
    assert!(log.drain(LIMIT));
    assert_eq!((log.written(), log.lost(), log.is_failing()), (1, 3, false));
    assert_eq!(frames(&way).0.len(), 1);
}

#[test]
fn a_queue_without_room_loses_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let masker = masker();
    let config = LogConfig {
        queue_bytes: 1 << 10,
        ..LogConfig::default()
    };
    let log = Log::open(folder.path(), config, &masker).unwrap();
    let mut long = row(NOON, "c1", 1);
    long.text = "好".repeat(400);
    assert!(!log.write(&long.masked(&masker)));
    assert!(log.is_failing() && !log.drain(LIMIT));
    assert!(log.write(&row(NOON, "c1", 2).masked(&masker)));
    assert!(log.drain(LIMIT));
    assert_eq!((log.written(), log.lost(), log.is_failing()), (1, 1, false));
}

#[test]
fn rows_before_one_that_could_not_be_written_do_not_make_it_well() {
    let folder = tempfile::tempdir().unwrap();
    let masker = masker();
    let config = LogConfig {
        sync: Duration::from_secs(60),
        ..LogConfig::default()
    };
    let log = Log::open(folder.path(), config, &masker).unwrap();
    let too_long = Row {
        model: Some("m".repeat(17 << 20)),
        ..row(NOON, "c1", 2)
    };
    assert!(log.write(&row(NOON, "c1", 1).masked(&masker)));
    assert!(log.write(&too_long.masked(&masker)));
    assert!(!log.drain(LIMIT));
    assert_eq!((log.written(), log.lost(), log.is_failing()), (1, 1, true));
    assert!(log.write(&row(NOON, "c1", 3).masked(&masker)));
    assert!(log.drain(LIMIT));
    assert_eq!((log.written(), log.lost(), log.is_failing()), (2, 1, false));
}

#[test]
fn nothing_shows_what_is_in_a_row() {
    let mut said = row(NOON, "conversation of 李雷", 1);
    said.customer = Some("李雷".to_owned());
    let rating = Rating {
        conversation: "conversation of 李雷".to_owned(),
        ..Rating::default()
    };
    let shown = format!("{said:?} {rating:?}");
    for secret in ["李雷", "13800138000", "已发货"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = |json| {
        Log::open(
            folder.path(),
            serde_json::from_value(json).unwrap(),
            &masker(),
        )
    };
    for (json, expected) in [
        (
            json!({"sync_ms": 60_001}),
            "sync_ms = 60001, expected at most 60000",
        ),
        (
            json!({"file_bytes": 0}),
            "file_bytes = 0, expected 1024 or more",
        ),
        (
            json!({"queue_bytes": 9}),
            "queue_bytes = 9, expected 1024 or more",
        ),
    ] {
        assert_eq!(open(json).unwrap_err().to_string(), expected);
    }
    drop(open(json!({"sync_ms": 0})).unwrap());
    assert_eq!(files(folder.path()), [""; 0]);
}
