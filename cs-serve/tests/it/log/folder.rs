//! What is done to a log that is there: read, turned into Parquet, cut down.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::time::Duration;

use cs_data::file::{FrameKind, Frames};
use cs_serve::log::{
    Comparison, Converted, Day, Deleted, Difference, Disagreement, Log, LogConfig, LogError,
    LogFolder, Rating, Row, SalvagedRows,
};
use cs_serve::safety::personal::{Keys, Masker};

use super::{HOUR, KIND, NOON, files, masker, row};

const DAY: u64 = 24 * HOUR;

fn write(folder: &Path, rows: impl IntoIterator<Item = Row>) {
    let log = Log::open(folder, LogConfig::default(), &masker()).unwrap();
    for row in rows {
        assert!(log.write(&row.masked(&masker())));
    }
}

fn rate(folder: &Path, ratings: &[(u64, &str, u32, f32)]) {
    let log = Log::open(folder, LogConfig::default(), &masker()).unwrap();
    for &(time, conversation, turn, satisfied) in ratings {
        let rating = Rating {
            time,
            conversation: conversation.to_owned(),
            turn,
            satisfied,
        };
        assert!(log.rate(&rating.masked(&masker())));
    }
}

fn otherwise(candidate: &str) -> Disagreement {
    Disagreement {
        model: "light@4".to_owned(),
        differences: vec![Difference {
            aspect: "intent".to_owned(),
            stable: "refund".to_owned(),
            candidate: candidate.to_owned(),
        }],
    }
}

fn compare(folder: &Path, comparisons: &[(u64, &str, u32, &str)]) {
    let log = Log::open(folder, LogConfig::default(), &masker()).unwrap();
    for &(time, conversation, turn, candidate) in comparisons {
        let comparison = Comparison {
            time,
            conversation: conversation.to_owned(),
            turn,
            disagreement: otherwise(candidate),
        };
        assert!(log.compare(&comparison.masked(&masker())));
    }
}

fn read(folder: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    let read = LogFolder::open(folder).unwrap().read(|row| {
        rows.push(row);
        Ok::<(), Infallible>(())
    });
    assert_eq!(read.unwrap().rows, rows.len() as u64);
    rows
}

fn to_parquet(folder: &Path, time: u64) -> Converted {
    let mut folder = LogFolder::open(folder).unwrap();
    folder.to_parquet(Day::of(time)).unwrap()
}

fn told(rows: &[Row]) -> Vec<(u32, Option<f32>)> {
    rows.iter().map(|it| (it.turn, it.satisfied)).collect()
}

/// A row with a value in each field.
fn full(time: u64, conversation: &str, turn: u32) -> Row {
    Row {
        customer: Some("李雷".to_owned()),
        model: Some("full@3".to_owned()),
        satisfied: Some(0.25),
        filtered_input: Some("pass".to_owned()),
        filtered_reply: Some("mask".to_owned()),
        disagreement: Some(otherwise("complaint")),
        ..row(time, conversation, turn)
    }
}

#[test]
fn days_that_are_over_become_parquet_with_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let rows = [
        full(NOON, "a", 1),
        row(NOON + 1, "a", 2),
        row(NOON + DAY, "b", 1),
        row(NOON + 2 * DAY, "c", 1),
    ];
    write(path, rows);
    let before = read(path);
    assert_eq!(before.len(), 4);

    let converted = to_parquet(path, NOON + 2 * DAY);
    assert_eq!((converted.rows, converted.days.len()), (3, 2));
    let expected = [
        "2026-11-29.000001.parquet",
        "2026-11-30.000002.parquet",
        "2026-12-01.000003.rows",
    ];
    assert_eq!(files(path), expected);
    assert_eq!(read(path), before);
    assert_eq!(to_parquet(path, NOON + 2 * DAY), Converted::default());

    // A clock that was set back: the day gets more rows.
    write(path, [row(NOON + 7, "a", 3)]);
    assert_eq!(to_parquet(path, NOON + 2 * DAY).rows, 3);
    assert!(path.join("2026-11-29.000004.parquet").exists());
    assert!(!path.join("2026-11-29.000001.parquet").exists());
    let after = read(path);
    assert_eq!(
        (&after[..2], after[2].turn, &after[3..]),
        (&before[..2], 3, &before[2..])
    );
}

#[test]
fn a_crash_before_the_rows_are_removed_doubles_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, (1..=5).map(|turn| row(NOON, "a", turn)));
    let (rows, bytes) = (
        read(path),
        fs::read(path.join("2026-11-29.000001.rows")).unwrap(),
    );
    to_parquet(path, NOON + DAY);
    fs::write(path.join("2026-11-29.000001.rows"), bytes).unwrap();
    fs::write(
        path.join(".2026-11-29.000001.parquet.tmpAbCdEf"),
        "half a file",
    )
    .unwrap();
    // Another one's, who may be writing it.
    fs::write(path.join(".vault.tmpAbCdEf"), "half a vault").unwrap();
    assert_eq!(read(path), rows);
    assert_eq!(
        files(path),
        [".vault.tmpAbCdEf", "2026-11-29.000001.parquet"]
    );
}

#[test]
fn what_a_writer_is_at_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, [row(NOON, "a", 1)]);
    let unfinished = path.join(".keys.json.tmpAbCdEf");
    fs::write(&unfinished, "half a file").unwrap();
    let log = Log::open(path, LogConfig::default(), &masker()).unwrap();
    drop(LogFolder::open(path).unwrap());
    assert!(unfinished.exists());
    drop(log);
    drop(LogFolder::open(path).unwrap());
    assert!(!unfinished.exists());
}

#[test]
fn the_last_rating_goes_to_its_turn_also_in_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, (1..=3).map(|turn| row(NOON, "a", turn)));
    rate(
        path,
        &[
            (NOON + 2, "a", 1, 1.0),
            (NOON + 1, "a", 1, 0.0),
            (NOON, "other", 1, 0.5),
            (NOON, "a", 9, 0.5),
        ],
    );
    let expected = [(1, Some(1.0)), (2, None), (3, None)];
    assert_eq!(told(&read(path)), expected);
    let converted = to_parquet(path, NOON + DAY);
    assert_eq!((converted.rows, converted.ratings_without_turn), (3, 2));
    assert_eq!(told(&read(path)), expected);

    // On the next day, and before that day is over.
    rate(path, &[(NOON + DAY, "a", 2, 0.5)]);
    let expected = [(1, Some(1.0)), (2, Some(0.5)), (3, None)];
    assert_eq!(told(&read(path)), expected);
    assert_eq!(to_parquet(path, NOON + DAY).rated, 1);
    let converted = to_parquet(path, NOON + 2 * DAY);
    assert_eq!((converted.rated, converted.ratings_without_turn), (0, 0));
    assert_eq!(told(&read(path)), expected);
}

#[test]
fn a_rating_outlasts_a_day_that_cannot_be_read_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, [row(NOON, "a", 1)]);
    to_parquet(path, NOON + DAY);
    write(path, [row(NOON + DAY, "b", 1)]);
    rate(path, &[(NOON + DAY, "a", 1, 1.0)]);
    let first = path.join("2026-11-29.000001.parquet");
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, "PAR1 no Parquet PAR1").unwrap();
    let mut opened = LogFolder::open(path).unwrap();
    opened.to_parquet(Day::of(NOON + 2 * DAY)).unwrap_err();
    drop(opened);
    fs::write(&first, bytes).unwrap();
    assert_eq!(to_parquet(path, NOON + 2 * DAY).rated, 1);
    assert_eq!(told(&read(path)), [(1, Some(1.0)), (1, None)]);
}

#[test]
fn a_rating_is_that_of_the_last_turn_of_its_name_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // A session of the same name on each of three days.
    write(path, (0..3).map(|day| row(NOON + day * DAY, "a", 1)));
    rate(
        path,
        &[
            (NOON + 1, "a", 1, 0.0),
            (NOON + DAY + 1, "a", 1, 1.0),
            // Of none: no turn came before it.
            (NOON - 1, "a", 1, 0.25),
        ],
    );
    let expected = [(1, Some(0.0)), (1, Some(1.0)), (1, None)];
    assert_eq!(told(&read(path)), expected);
    for day in 1..=3 {
        to_parquet(path, NOON + day * DAY);
        assert_eq!(told(&read(path)), expected);
    }
    // Too late for any.
    write(path, [row(NOON + 20 * DAY, "b", 1)]);
    rate(path, &[(NOON + 20 * DAY, "a", 1, 0.5)]);
    let converted = to_parquet(path, NOON + 21 * DAY);
    assert_eq!((converted.rated, converted.ratings_without_turn), (0, 1));
    assert_eq!(told(&read(path))[..3], expected);
}

#[test]
fn what_a_candidate_makes_of_a_turn_goes_to_it_also_in_parquet() {
    const LATE: u64 = NOON + 11 * HOUR + HOUR / 2;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // The name of a session that is used again.
    let turns = [(NOON, 1), (NOON, 2), (LATE, 1)];
    write(path, turns.map(|(time, turn)| row(time, "a", turn)));
    compare(
        path,
        &[(NOON, "a", 1, "complaint"), (NOON, "b", 1, "other")],
    );
    let differs = |expected: [Option<&str>; 3]| {
        let rows = read(path).into_iter();
        let found: Vec<Option<Disagreement>> = rows.take(3).map(|it| it.disagreement).collect();
        assert_eq!(found, expected.map(|it| it.map(otherwise)));
    };
    differs([Some("complaint"), None, None]);
    let converted = to_parquet(path, NOON + DAY);
    let counted = (converted.compared, converted.comparisons_without_turn);
    assert_eq!((converted.rows, counted), (3, (0, 1)));
    differs([Some("complaint"), None, None]);

    // After its day has become Parquet, which is written anew.
    compare(path, &[(NOON, "a", 2, "other")]);
    let converted = to_parquet(path, NOON + DAY);
    assert_eq!((converted.rows, converted.compared), (3, 0));
    differs([Some("complaint"), Some("other"), None]);

    // And over midnight, in the file of the next day.
    let log = Log::open(path, LogConfig::default(), &masker()).unwrap();
    log.write(&row(LATE + HOUR, "b", 2).masked(&masker()));
    let comparison = Comparison {
        time: LATE,
        conversation: "a".to_owned(),
        turn: 1,
        disagreement: otherwise("late"),
    };
    log.compare(&comparison.masked(&masker()));
    drop(log);
    differs([Some("complaint"), Some("other"), Some("late")]);
    let converted = to_parquet(path, NOON + 2 * DAY);
    let counted = (converted.rated, converted.compared);
    assert_eq!((converted.rows, counted), (1, (0, 1)));
    differs([Some("complaint"), Some("other"), Some("late")]);
}

#[test]
fn rows_of_the_first_version_are_read_and_a_later_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let first = path.join("2026-11-29.000001.rows");
    let of = |version| FrameKind { version, ..KIND };
    let record =
        r#"{"row":{"time":1795953600000,"conversation":"c","turn":1,"text":"hello","reply":"hi"}}"#;
    let put = |version| Frames::replace(&first, of(version), |put| put(record.as_bytes()));
    put(1).unwrap();
    assert_eq!(told(&read(path)), [(1, None)]);
    assert_eq!(read(path)[0].disagreement, None);
    let before = fs::read(&first).unwrap();
    // Who goes on with this log leaves the file as it is.
    write(path, [row(NOON, "a", 1)]);
    assert_eq!(fs::read(&first).unwrap(), before);
    assert_eq!(read(path).len(), 2);
    put(3).unwrap();
    let opened = LogFolder::open(path).unwrap();
    let error = opened.read(|_| Ok::<(), Infallible>(())).unwrap_err();
    let expected = "000001.rows: format version 3, expected at most 2";
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn days_beyond_those_to_retain_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(
        path,
        (0..4).map(|day| row(NOON + day * DAY, "a", 1 + day as u32)),
    );
    to_parquet(path, NOON + 2 * DAY);
    let mut log = LogFolder::open(path).unwrap();
    let removed = log.retain(Day::of(NOON + 3 * DAY).before(1)).unwrap();
    assert_eq!(removed, [Day::of(NOON), Day::of(NOON + DAY)]);
    assert_eq!(
        log.days(),
        [Day::of(NOON + 2 * DAY), Day::of(NOON + 3 * DAY)]
    );
    drop(log);
    assert_eq!(
        read(path).iter().map(|it| it.turn).collect::<Vec<_>>(),
        [3, 4]
    );
}

/// Two days of two customers, one of them first unknown; the first day is Parquet.
fn shared(path: &Path) {
    let of = |time, conversation, turn, customer: Option<&str>| Row {
        customer: customer.map(str::to_owned),
        ..row(time, conversation, turn)
    };
    write(
        path,
        [
            of(NOON, "a", 1, None),
            of(NOON, "a", 2, Some("李雷")),
            of(NOON, "b", 1, Some("Ann")),
            of(NOON + DAY, "a", 3, Some("李雷")),
            of(NOON + DAY, "b", 2, Some("Ann")),
            of(NOON + DAY, "c", 1, None),
        ],
    );
    to_parquet(path, NOON + DAY);
    rate(
        path,
        &[(NOON + DAY, "a", 3, 0.0), (NOON + DAY, "b", 2, 1.0)],
    );
    compare(path, &[(NOON + DAY, "a", 3, "complaint")]);
}

#[test]
fn a_customer_is_removed_from_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    shared(path);
    let tag = masker().customer("李雷").into_inner();
    let deleted = LogFolder::open(path).unwrap().delete(&tag).unwrap();
    let expected = Deleted {
        rows_before: 6,
        rows_after: 3,
        rows: 3,
        ratings: 1,
        comparisons: 1,
        files: 4,
    };
    assert_eq!(deleted, expected);
    let left = read(path);
    assert_eq!(told(&left), [(1, None), (2, Some(1.0)), (1, None)]);
    let conversation = masker().conversation("a").into_inner();
    assert!(
        left.iter()
            .all(|it| it.customer.as_ref() != Some(&tag) && it.conversation != conversation)
    );
    for file in files(path) {
        let bytes = fs::read(path.join(&file)).unwrap();
        assert!(!holds(&bytes, tag.as_bytes()), "{file}");
    }
    let again = LogFolder::open(path).unwrap().delete(&tag).unwrap();
    assert_eq!((again.rows, again.files, again.rows_after), (0, 0, 3));
}

#[test]
fn what_is_torn_goes_with_a_customer_of_whom_nothing_else_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, [full(NOON, "a", 1)]);
    let torn = path.join("2026-11-29.000001.rows");
    let bytes = fs::read(&torn).unwrap();
    fs::write(&torn, &bytes[..bytes.len() - 1]).unwrap();
    // So that it is not the last file, whose torn end is cut off whenever one opens the folder.
    let second = path.join("2026-11-29.000002.rows");
    Frames::replace(&second, KIND, |_| Ok(())).unwrap();
    let tag = masker().customer("李雷").into_inner();
    assert!(holds(&fs::read(&torn).unwrap(), tag.as_bytes()));
    let deleted = LogFolder::open(path).unwrap().delete(&tag).unwrap();
    assert_eq!(deleted, Deleted::default());
    assert!(!holds(&fs::read(&torn).unwrap(), tag.as_bytes()));
}

#[test]
fn a_vault_is_told_whose_values_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    shared(path);
    let tag = masker().customer("李雷").into_inner();
    let opened = LogFolder::open(path).unwrap();
    let conversations = opened.conversations(&tag).unwrap();
    let expected = [masker().conversation("a").into_inner()];
    assert_eq!(Vec::from_iter(conversations), expected);
}

#[test]
fn of_a_damaged_log_whole_rows_are_salvaged_and_a_deletion_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, (1..=9).map(|turn| full(NOON, "a", turn)));
    write(path, [row(NOON, "b", 1)]);
    let first = path.join("2026-11-29.000001.rows");
    let mut bytes = fs::read(&first).unwrap();
    let third = bytes.len() / 3;
    bytes[third..2 * third].fill(0);
    fs::write(&first, &bytes).unwrap();
    let tag = masker().customer("李雷").into_inner();
    let error = LogFolder::open(path).unwrap().delete(&tag).unwrap_err();
    let line = error.to_string();
    assert!(
        line.ends_with("; a salvage keeps the rows that are whole"),
        "{line}"
    );
    // Nor does the folder open, with a deletion that has begun.
    let journal = serde_json::json!({"customer": tag, "conversations": []});
    fs::write(path.join("deletion.json"), journal.to_string()).unwrap();
    LogFolder::open(path).unwrap_err();

    let salvaged = LogFolder::salvage(path).unwrap();
    assert_eq!(salvaged.files, 1);
    assert!(salvaged.lost_bytes >= third as u64 && salvaged.rows >= 4);
    assert_eq!(
        LogFolder::salvage(path).unwrap(),
        SalvagedRows::default(),
        "nothing is left to do"
    );
    assert_eq!(told(&read(path)), [(1, None)]);
    assert!(!holds(&fs::read(&first).unwrap(), tag.as_bytes()));
}

#[test]
fn other_keys_than_the_logs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, [row(NOON, "a", 1)]);
    let others = Masker::new(Keys::random().unwrap());
    let expected =
        "keys.json: the log is by other keys, expected those; new ones need a folder of their own";
    let error = Log::open(path, LogConfig::default(), &others).unwrap_err();
    assert!(error.to_string().ends_with(expected), "{error}");
    let opened = LogFolder::open(path).unwrap();
    opened.check_keys(&masker()).unwrap();
    let error = opened.check_keys(&others).unwrap_err();
    assert!(matches!(error, LogError::Keys { .. }), "{error}");
    fs::write(path.join("keys.json"), "{").unwrap();
    let error = opened.check_keys(&masker()).unwrap_err().to_string();
    assert!(error.contains("keys.json: "), "{error}");
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    shared(path);
    let tag = masker().customer("李雷").into_inner();
    for _ in 0..2 {
        for file in files(path) {
            let mode = fs::metadata(path.join(&file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        LogFolder::open(path).unwrap().delete(&tag).unwrap();
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

#[test]
fn a_deletion_goes_on_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    shared(path);
    let tag = masker().customer("李雷").into_inner();
    let second = path.join("2026-11-30.000002.rows");
    let (bytes, mut whole) = (fs::read(&second).unwrap(), fs::read(&second).unwrap());
    whole[30] ^= 1;
    // The second file cannot be read: the deletion stops there.
    fs::write(&second, &whole).unwrap();
    let error = LogFolder::open(path).unwrap().delete(&tag).unwrap_err();
    assert!(
        error.to_string().contains("000002.rows: at byte 16"),
        "{error}"
    );
    // As if the crash had come when the first file was done.
    fs::write(&second, &bytes).unwrap();
    let conversations = [masker().conversation("a").into_inner()];
    let journal = serde_json::json!({"customer": tag, "conversations": conversations});
    fs::write(path.join("deletion.json"), journal.to_string()).unwrap();
    drop(LogFolder::open(path).unwrap());
    assert!(!path.join("deletion.json").exists());
    assert_eq!(told(&read(path)), [(1, None), (2, Some(1.0)), (1, None)]);
}

#[test]
fn a_log_that_is_being_written_is_read_and_cut_down_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let log = Log::open(path, LogConfig::default(), &masker()).unwrap();
    for turn in 1..=3 {
        log.write(&full(NOON, "a", turn).masked(&masker()));
    }
    assert!(log.drain(Duration::from_secs(60)));
    let tag = masker().customer("李雷").into_inner();
    let mut opened = LogFolder::open(path).unwrap();
    log.write(&row(NOON, "b", 4).masked(&masker()));
    assert!(log.drain(Duration::from_secs(60)));
    assert_eq!(opened.delete(&tag).unwrap().rows, 3);
    assert_eq!(opened.to_parquet(Day::of(NOON + DAY)).unwrap().rows, 0);
    drop(opened);
    log.write(&row(NOON, "b", 5).masked(&masker()));
    assert!(log.drain(Duration::from_secs(60)));
    assert_eq!(told(&read(path)), [(4, None), (5, None)]);
    let error = {
        let _opened = LogFolder::open(path).unwrap();
        LogFolder::open(path).unwrap_err()
    };
    assert!(matches!(error, LogError::Taken { .. }), "{error}");
}

#[test]
fn other_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let error = LogFolder::open(&path.join("none")).unwrap_err();
    assert!(matches!(error, LogError::Io { .. }), "{error}");

    for (name, bytes) in [
        ("2026-11-29.000001.rows", "no frames, but a text".as_bytes()),
        ("2026-11-29.000001.parquet", b"PAR1 no Parquet PAR1"),
    ] {
        fs::write(path.join(name), bytes).unwrap();
        let error = LogFolder::open(path)
            .unwrap()
            .read(|_| Ok::<(), Infallible>(()))
            .unwrap_err();
        let line = error.to_string();
        assert!(line.contains(name) && line.lines().count() == 1, "{line}");
        fs::remove_file(path.join(name)).unwrap();
    }
    fs::write(path.join("notes.txt"), "of the operator").unwrap();
    assert_eq!(read(path), []);
    assert!(path.join("notes.txt").exists());
}

#[test]
fn a_reader_that_refuses_is_told_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, [row(NOON, "a", 1), row(NOON, "a", 2)]);
    let refuse = |row: Row| (row.turn < 2).then_some(()).ok_or("enough");
    let error = LogFolder::open(path)
        .unwrap()
        .read(refuse)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("000001.rows: at byte ") && error.ends_with(": enough"),
        "{error}"
    );
    to_parquet(path, NOON + DAY);
    let error = LogFolder::open(path)
        .unwrap()
        .read(refuse)
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("000001.parquet: row 2: enough"), "{error}");
}
