//! Edits and augmentation.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cs_data::augment::*;
use cs_data::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same cases in every run.
fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A row of pieces, every second of which is an entity.
fn row(id: &str, pieces: &[&str]) -> Utterance {
    let mut text = String::new();
    let mut spans = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at % 2 == 1 {
            spans.push(Span::new(
                text.len(),
                text.len() + piece.len(),
                format!("e{}", at / 2),
            ));
        }
        text.push_str(piece);
    }
    Utterance::new(id, text).with_spans(spans)
}

fn values(row: &Utterance) -> Vec<(&str, &str)> {
    row.spans
        .iter()
        .map(|span| (span.label.as_str(), &row.text[span.range()]))
        .collect()
}

fn folder_with(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

// --- edits

#[test]
fn edits_refuse_what_they_cannot_keep() {
    let row = row("1", &["查询", "AB12", "的状态"]); // 0..6, 6..10, 10..19
    let apply = |edits: &[(Range<usize>, &str)]| {
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(range, text)| Edit::new(range.clone(), *text))
            .collect();
        row.edited(&edits).map(|row| row.text)
    };
    let cuts = |edit: Range<usize>| Err(EditError::CutsSpan { edit, span: 6..10 });
    assert_eq!(apply(&[(6..10, "X"), (0..6, "看")]).unwrap(), "看X的状态");
    assert_eq!(apply(&[(3..7, "x")]), cuts(3..7));
    assert_eq!(apply(&[(9..13, "x")]), cuts(9..13));
    assert_eq!(apply(&[(3..13, "x")]), cuts(3..13));
    assert_eq!(
        apply(&[(6..10, "")]),
        Err(EditError::EmptiesSpan { span: 6..10 })
    );
    assert_eq!(
        apply(&[(6..8, ""), (8..10, "")]),
        Err(EditError::EmptiesSpan { span: 6..10 })
    );
    assert_eq!(
        apply(&[(1..3, "")]),
        Err(EditError::InsideCharacter { edit: 1..3 })
    );
    assert_eq!(
        apply(&[(0..20, "")]),
        Err(EditError::OutOfBounds {
            edit: 0..20,
            len: 19
        })
    );
    assert_eq!(
        apply(&[(0..6, ""), (3..6, "")]),
        Err(EditError::Overlap { edit: 3..6 })
    );
    assert_eq!(
        apply(&[(0..6, ""), (3..3, "x")]),
        Err(EditError::Overlap { edit: 3..3 })
    );
    assert_eq!(apply(&[(0..0, "\0")]), Err(EditError::Nul { edit: 0..0 }));
    let long = "x".repeat(MAX_TEXT_BYTES);
    assert_eq!(
        apply(&[(0..0, &long)]),
        Err(EditError::TooLong {
            len: MAX_TEXT_BYTES + 19
        })
    );
    // At a span's edge an insertion stays outside, within it goes in.
    let edges = [
        Edit::new(6..6, "<"),
        Edit::new(8..8, "-"),
        Edit::new(10..10, ">"),
    ];
    let edited = row.edited(&edges).unwrap();
    assert_eq!(edited.text, "查询<AB-12>的状态");
    assert_eq!(values(&edited), [("e0", "AB-12")]);
}

/// A row of random pieces, and for each round of edits one number a character.
fn rows_and_choices() -> impl Strategy<Value = (Vec<String>, Vec<Vec<u8>>)> {
    let piece = "[a-z查单吗 😀é]{1,5}";
    (
        prop::collection::vec(piece, 1..6),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 40), 1..5),
    )
}

proptest! {
    #![proptest_config(seeded(400))]

    /// Random edits outside of the spans, and random replacements of whole spans, over several
    /// rounds: each span's text is what it was, or what it was replaced by.
    #[test]
    fn composed_edits_keep_every_span((pieces, rounds) in rows_and_choices()) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let mut row = row("1", &pieces);
        let mut expected: Vec<String> = values(&row).iter().map(|(_, value)| value.to_string()).collect();
        for (round, choices) in rounds.iter().enumerate() {
            let mut edits = Vec::new();
            for (at, span) in row.spans.iter().enumerate() {
                if choices[at] % 3 == 0 {
                    expected[at] = format!("值{round}{at}");
                    edits.push(Edit::new(span.range(), expected[at].as_str()));
                }
            }
            for ((at, char), choice) in row.text.char_indices().zip(choices) {
                let inside = row.spans.iter().any(|span| span.range().contains(&at));
                let edge = row.spans.iter().any(|span| span.start == at);
                match choice % 5 {
                    0 if !inside || edge => edits.push(Edit::new(at..at, "嗯")),
                    1 if !inside => edits.push(Edit::new(at..at + char.len_utf8(), "")),
                    2 if !inside => edits.push(Edit::new(at..at + char.len_utf8(), "xy")),
                    _ => {}
                }
            }
            edits.reverse(); // in any order
            row = row.edited(&edits).unwrap();
            row.validate().unwrap();
            let found: Vec<String> = values(&row).iter().map(|(_, value)| value.to_string()).collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn edits_never_panic((pieces, rounds) in rows_and_choices()) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let row = row("1", &pieces);
        let edits: Vec<Edit> = rounds.iter().map(|choices| {
            let (start, end) = (choices[0] % 40, choices[1] % 40);
            Edit::new(usize::from(start)..usize::from(end), "é")
        }).collect();
        if let Ok(edited) = row.edited(&edits) {
            edited.validate().unwrap();
        }
    }

    /// Every operator at once: the entities of a copy are those of its row, or from the list.
    #[test]
    fn pipelines_keep_every_span((pieces, _) in rows_and_choices(), seed: u64, in_entities: bool) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let source = row("1", &pieces);
        let data = Dataset::from_utterances([source.clone()]).unwrap();
        let synonyms = Synonyms::new([("查", vec![("看看", 1.0), ("找", 2.0)]), ("a", vec![("b c", 1.0)])]);
        let noise = NoiseConfig { insert: 0.3, delete: 0.3, swap: 0.3, in_entities };
        let typos = TyposConfig { rate: 0.3, in_entities, ..TyposConfig::default() };
        let config = PipelineConfig { copies: 3, seed, ..PipelineConfig::default() };
        let entities = Entities::new([("e0", "新值"), ("e0", r"=[A-Z]{2}\d{3}")]).unwrap();
        let pipeline = Pipeline::new(config)
            .with(entities, 0.5).unwrap()
            .with(synonyms.unwrap().in_entities(in_entities), 1.0).unwrap()
            .with(Noise::new(noise).unwrap(), 0.9).unwrap()
            .with(Typos::new(typos).unwrap(), 0.9).unwrap();
        let (augmented, _) = pipeline.run(&data).unwrap();
        for copy in augmented.iter() {
            copy.validate().unwrap();
            prop_assert!(!copy.text.is_empty() && copy.text != source.text);
            prop_assert_eq!(copy.spans.len(), source.spans.len());
            if !in_entities {
                for ((label, new), (_, old)) in values(&copy).iter().zip(values(&source)) {
                    let made = new.is_ascii() && new.len() == 5 && new[2..].parse::<u16>().is_ok();
                    prop_assert!(*new == old || (*label == "e0" && (*new == "新值" || made)), "{new} of {old}");
                }
            }
        }
    }

    #[test]
    fn files_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[a-z=\\\\\\[\\]{}\t\n:0-9,-]{0,60}") {
        let folder = tempfile::tempdir().unwrap();
        for content in [bytes, text.into_bytes()] {
            let path = folder.path().join("list.tsv");
            std::fs::write(&path, &content).unwrap();
            let _ = Synonyms::open(&path);
            let _ = Synonyms::open_lenient(&path);
            if let Ok(entities) = Entities::open(&path) {
                let all = [RowEntity { range: 0..1, label: "a" }];
                entities.edits(Row { text: "b", entities: &all }, &mut SplitMix::new(1), &mut Edits::default());
            }
        }
    }
}

// --- dictionaries and lists

fn synonyms_fault(content: &str) -> String {
    let (_folder, path) = folder_with("s.tsv", content);
    let error = Synonyms::open(&path).unwrap_err().to_string();
    error.split_once("s.tsv:").unwrap().1.trim().to_owned()
}

#[test]
fn broken_dictionaries_beside_their_valid_twin() {
    let valid = "# 同义词\n退款\t退钱:2\t返款\n\n物流\t快递\nwhere\tat which place\n";
    let (_folder, path) = folder_with("s.tsv", valid);
    Synonyms::open(&path).unwrap();
    let cases = [
        ("", "no rows, expected at least one row"),
        (
            "# nothing\n",
            "no entries, expected at least one word with a candidate",
        ),
        (
            "退款\t退钱\n退款\t返款\n",
            "2:1: \"退款\" for the second time, expected all its candidates on one line",
        ),
        (
            "退款\t退钱\t退款\n",
            "1:7: \"退款\" mapped to itself, expected another word",
        ),
        (
            "Refund\trefund\n",
            "1:8: \"Refund\" mapped to itself, expected another word",
        ),
        (
            "退款 退钱\n",
            "1:6: no candidate, expected word<TAB>candidate",
        ),
        ("\t退钱\n", "1:1: no word, expected word<TAB>candidate"),
        ("退款\t\n", "1:4: an empty field, expected a candidate"),
        (
            "退款\t退钱:0\n",
            "1:4: the weight 0, expected a number above 0",
        ),
        (
            "退款\t退钱:NaN\n",
            "1:4: the weight NaN, expected a number above 0",
        ),
        (
            "退款\t退钱\t退钱:3\n",
            "1:7: \"退钱\" twice, expected each candidate once",
        ),
        (
            "a\tb\nb\tc\td\nc\ta\n",
            "3:3: a cycle of a -> b -> c -> a, expected synonyms that lead to no way back",
        ),
        (
            "退款\t退钱\n退钱\t返款\t退款\n",
            "2:7: a cycle of 退款 -> 退钱 -> 退款, expected synonyms that lead to no way back",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(synonyms_fault(content), expected, "{content}");
    }
}

#[test]
fn lenient_dictionaries_leave_out_and_say_so() {
    let content = "a\tb\nb\ta\tc\n退款\t退款\nx\t\ty:-1\tz\n";
    let (_folder, path) = folder_with("s.tsv", content);
    let (synonyms, skipped) = Synonyms::open_lenient(&path).unwrap();
    let said: Vec<String> = skipped
        .iter()
        .map(|error| error.to_string().split_once("s.tsv:").unwrap().1.to_owned())
        .collect();
    let starts = [
        "3:4: \"退款\" mapped",
        "3:6: no candidate",
        "4:3: an empty",
        "4:4: the weight -1",
        "2:3: a cycle of a -> b -> a",
    ];
    assert_eq!(said.len(), starts.len(), "{said:?}");
    assert!(
        said.iter()
            .zip(starts)
            .all(|(said, start)| said.starts_with(start)),
        "{said:?}"
    );
    assert_eq!(edited(&synonyms, "a b x 退款"), "b c z 退款");
}

/// What an operator makes of a text without entities.
fn edited(operator: &dyn Augmenter, text: &str) -> String {
    let mut edits = Edits::default();
    operator.edits(
        Row {
            text,
            entities: &[],
        },
        &mut SplitMix::new(1),
        &mut edits,
    );
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(range, text)| Edit::new(range, text))
        .collect();
    Utterance::new("1", text).edited(&edits).unwrap().text
}

#[test]
fn the_longest_whole_word_is_replaced_once() {
    let list = [
        ("cancel order", "stop it"),
        ("cancel", "stop"),
        ("stop", "end"),
        ("订单", "单子"),
        ("订单号", "编号"),
        ("café", "bar"),
    ];
    let synonyms =
        Synonyms::new(list.map(|(word, candidate)| (word, vec![(candidate, 1.0)]))).unwrap();
    let cases = [
        ("Cancel order, CANCEL", "Stop it, STOP"),
        ("cancel orders", "stop orders"), // the longer entry ends inside a word
        ("cancelled, precancel", "cancelled, precancel"),
        ("订单号和订单", "编号和单子"),
        ("请cancel我的订单", "请stop我的单子"),
        ("café cafés", "bar cafés"),
    ];
    for (text, expected) in cases {
        assert_eq!(edited(&synonyms, text), expected);
    }
    let pieces = ["查", "订单", "号"];
    let source = row("1", &pieces);
    let data = Dataset::from_utterances([source]).unwrap();
    let made = |synonyms: Synonyms| {
        let pipeline = Pipeline::new(PipelineConfig::default())
            .with(synonyms, 1.0)
            .unwrap();
        pipeline
            .run(&data)
            .unwrap()
            .0
            .utterance(0)
            .map(|row| row.text)
    };
    assert_eq!(made(synonyms.clone()), None); // protected, and no match reaches over an edge
    assert_eq!(made(synonyms.in_entities(true)), Some("查单子号".into()));
}

#[test]
fn broken_entity_lists_beside_their_valid_twin() {
    let fault = |content: &str| {
        let (_folder, path) = folder_with("e.tsv", content);
        let error = Entities::open(&path).map(drop).unwrap_err().to_string();
        error.split_once("e.tsv:").unwrap().1.trim().to_owned()
    };
    let (_folder, path) = folder_with(
        "e.tsv",
        "city\t北京\ncity\tNew York\norder_id\t=[A-Z]{2}\\d{8}\nday\t=date_zh\ncard\t=luhn:\\d{9}\n",
    );
    Entities::open(&path).unwrap();
    let cases = [
        ("", "no rows, expected at least one row"),
        (
            "# cities\n",
            "an empty entity list, expected at least one label<TAB>value",
        ),
        ("city\t\n", "1:6: an empty value, expected label<TAB>value"),
        (
            "city\t北京\n上海\n",
            "2:1: \"上海\", expected label<TAB>value",
        ),
        (
            "a city\t北京\n",
            "1:1: the label \"a city\", expected a word without white space",
        ),
        (
            "id\t=[A-\n",
            "1:4: \"=[A-\", expected a closing ] at character 4 of the pattern",
        ),
        (
            "id\t=\\d{101}\n",
            "1:4: \"=\\\\d{101}\", expected a count {n} or {n,m} up to 100 at character 3 of the pattern",
        ),
        (
            "id\t=crad\n",
            "1:4: \"=crad\", expected card, id_zh, phone_zh, phone_en, date_zh, date_en, luhn:PATTERN or a pattern",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(fault(content), expected, "{content}");
    }
}

#[test]
fn entities_become_others_of_their_label() {
    let entities = Entities::new([("e0", "北京"), ("e0", "上海")]).unwrap();
    let source = row("1", &["从", "北京", "到", "北京", "或", "北京", "去"]);
    let mut source = source;
    source
        .spans
        .iter_mut()
        .take(2)
        .for_each(|span| span.label = "e0".into());
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with(entities, 1.0)
        .unwrap();
    let data = Dataset::from_utterances([source]).unwrap();
    let copy = pipeline.run(&data).unwrap().0.utterance(0).unwrap();
    assert_eq!(
        values(&copy),
        [("e0", "上海"), ("e0", "上海"), ("e2", "北京")]
    );
}

// --- pipeline

fn corpus(rows: usize) -> Dataset {
    let one = |at: usize| {
        let (intent, text) = if at.is_multiple_of(4) {
            ("refund", "我要给")
        } else {
            ("status", "帮我查询")
        };
        row(
            &at.to_string(),
            &[text, &format!("{}", 10_000 + at), "办理退款"],
        )
        .with_intent(intent)
    };
    Dataset::from_utterances((0..rows).map(one)).unwrap()
}

fn noisy(config: PipelineConfig) -> Pipeline {
    let synonyms = Synonyms::new([
        ("退款", vec![("退钱", 1.0), ("返款", 3.0)]),
        ("查询", vec![("看看", 1.0)]),
    ]);
    Pipeline::new(config)
        .with(synonyms.unwrap(), 0.7)
        .unwrap()
        .with(Noise::new(NoiseConfig::default()).unwrap(), 0.9)
        .unwrap()
}

#[test]
fn the_same_rows_whatever_the_threads_and_their_order() {
    let data = corpus(60);
    let run = |data: &Dataset, threads| {
        let config = PipelineConfig {
            copies: 2,
            seed: 5,
            threads: NonZeroUsize::new(threads),
            ..PipelineConfig::default()
        };
        let mut rows: Vec<Utterance> = noisy(config).run(data).unwrap().0.iter().collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows
    };
    let one = run(&data, 1);
    assert_eq!(one, run(&data, 2));
    assert_eq!(one, run(&data, 7));
    let backwards: Vec<usize> = (0..60).rev().collect();
    assert_eq!(one, run(&data.select(&backwards).unwrap(), 3));
    let other = noisy(PipelineConfig {
        copies: 2,
        seed: 6,
        ..PipelineConfig::default()
    });
    assert_ne!(
        one[0].text,
        other.run(&data).unwrap().0.utterance(0).unwrap().text
    );
}

#[test]
fn copies_have_provenance_and_ids_of_their_own() {
    let mut rows: Vec<Utterance> = corpus(3).iter().collect();
    rows[0].id = "1~1".into(); // the id that row 1's first copy would get
    rows[2].id = "1".into(); // the same as row 1's
    rows[2].origin = "typos".into();
    rows[2].reply = Some("好的".into());
    let data = Dataset::from_utterances(rows).unwrap();
    let config = PipelineConfig {
        copies: 2,
        keep_original: true,
        seed: 1,
        ..PipelineConfig::default()
    };
    let (augmented, report) = noisy(config).run(&data).unwrap();
    let all: Vec<Utterance> = augmented.iter().collect();
    let ids: Vec<&str> = all.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "1~1", "1", "1", "1~1~1", "1~1~2", "1~2", "1~3", "1~4", "1~5"
        ]
    );
    assert_eq!(all[8].parent.as_deref(), Some("1"));
    assert!(all[8].origin.starts_with("typos+"), "{}", all[8].origin);
    assert_eq!(
        (all[8].reply.as_deref(), all[8].intent.as_deref()),
        (Some("好的"), Some("status"))
    );
    assert_eq!((report.rows_in, report.rows_out), (3, 9));
    assert_eq!(report.by_origin.values().sum::<usize>(), 9);
    assert_eq!(report.by_origin["source"], 2);
}

#[test]
fn classes_are_brought_to_the_number_asked_for() {
    let data = corpus(40);
    for keep_original in [true, false] {
        let config = PipelineConfig {
            balance: Some(35),
            keep_original,
            ..PipelineConfig::default()
        };
        let (augmented, report) = noisy(config).run(&data).unwrap();
        assert!(report.short.is_empty(), "{report:?}");
        for intent in ["refund", "status"] {
            let count = augmented
                .iter()
                .filter(|row| row.intent.as_deref() == Some(intent))
                .count();
            assert_eq!(count, 35, "{intent}");
        }
        let mut texts: Vec<String> = augmented.iter().map(|row| row.text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 70);
    }
}

#[test]
fn what_cannot_change_is_dropped_and_counted() {
    let rows = [
        Utterance::new("1", "退款").with_intent("a"),
        Utterance::new("2", "你好").with_intent("b"),
    ];
    let data = Dataset::from_utterances(rows).unwrap();
    let synonyms = Synonyms::new([("退款", vec![("退钱", 1.0)])]).unwrap();
    let run = |config| {
        Pipeline::new(config)
            .with(synonyms.clone(), 1.0)
            .unwrap()
            .run(&data)
            .unwrap()
    };
    let (augmented, report) = run(PipelineConfig {
        copies: 2,
        ..PipelineConfig::default()
    });
    assert_eq!(
        augmented.iter().map(|row| row.text).collect::<Vec<_>>(),
        ["退钱"]
    );
    assert_eq!(
        (report.dropped["unchanged"], report.dropped["duplicate"]),
        (2, 1)
    );
    let (_, report) = run(PipelineConfig {
        balance: Some(1),
        ..PipelineConfig::default()
    });
    assert_eq!((report.rows_out, report.short["b"]), (1, 1));
}

// --- other programs

fn process(command: &str) -> LineProcess {
    LineProcess::new(command, Duration::from_secs(60))
}

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

#[test]
fn more_rows_than_fit_in_memory_are_refused() {
    let data = corpus(4);
    let fault = |config: PipelineConfig| {
        let error = Pipeline::new(config).run(&data).unwrap_err();
        error.to_string()
    };
    let copies = 4_294_967_297; // 1 in 32 bits
    assert_eq!(
        fault(PipelineConfig {
            copies,
            ..PipelineConfig::default()
        }),
        "copies is 4294967297, expected 1 to 25000000 (100 million rows in all)"
    );
    let line = fault(PipelineConfig {
        balance: Some(usize::MAX),
        ..PipelineConfig::default()
    });
    assert!(line.starts_with("balance is 18446744073709551615, expected 1 to"));
}

#[test]
fn words_without_end_are_refused() {
    let long = "a".repeat(1_000_000);
    for content in [format!("{long}\tb\n"), format!("b\t{long}\n")] {
        let line = synonyms_fault(&content);
        assert!(
            line.ends_with("a word of 1000000 bytes, expected at most 1024"),
            "{line}"
        );
    }
}

#[test]
fn back_translation_puts_entities_back_or_says_why_not() {
    let source = row("1", &["帮我查询订单", "12345", "和", "12", "的状态"]);
    let data = Dataset::from_utterances([source]).unwrap();
    let run = |there: &str, back: &str| {
        let operator = BackTranslation::new(
            process(there),
            process(back),
            BackTranslationConfig::default(),
        );
        let pipeline = Pipeline::new(PipelineConfig::default())
            .with_batch(operator.unwrap(), 1.0)
            .and_then(|pipeline| {
                pipeline.with(
                    Typos::new(TyposConfig {
                        rate: 0.0,
                        ..TyposConfig::default()
                    })?,
                    1.0,
                )
            })
            .unwrap();
        let (augmented, report) = pipeline.run(&data).unwrap();
        (augmented.utterance(0), report.dropped)
    };
    let (row, _) = run("cat", "sed 's/帮我查询/请看一下/; s/\\[E0\\]/【 e0】/'");
    let row = row.unwrap();
    assert_eq!(row.text, "请看一下订单12345和12的状态");
    assert_eq!(values(&row), [("e0", "12345"), ("e1", "12")]);
    assert_eq!(
        (row.origin.as_str(), row.parent.as_deref()),
        ("back-translation", Some("1"))
    );
    let cases = [
        ("sed 's/.E0.//'", "entity lost"),
        ("sed 's/$/[E1]/'", "entity lost"),
        ("sed 's/E0/X/; s/E1/E0/; s/X/E1/'", "entities reordered"),
        (
            "sed 's/的状态/的状态怎么样了我已经等了好几天能不能快一点不然就不要了/'",
            "length",
        ),
        (
            "sed 's/帮我查询订单/please look up/; s/和/and/; s/的状态/now/'",
            "script",
        ),
        ("cat", "similarity"),
    ];
    for (command, reason) in cases {
        let (row, dropped) = run("cat", command);
        assert_eq!(row, None, "{command}");
        assert_eq!(
            dropped[&format!("back-translation: {reason}")],
            1,
            "{command}"
        );
    }
}

#[test]
fn masks_are_filled_outside_of_entities() {
    let data = Dataset::from_utterances([row("1", &["看", "12345", "吗"])]).unwrap();
    let filler = process("sed 's/.*/换\\t 换/'");
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with_batch(Contextual::new(filler, 5).unwrap(), 1.0)
        .unwrap();
    let row = pipeline.run(&data).unwrap().0.utterance(0).unwrap();
    assert!(
        ["换12345吗", "看12345换"].contains(&row.text.as_str()),
        "{}",
        row.text
    );
    assert_eq!(values(&row), [("e0", "12345")]);
}

// --- noise

#[test]
fn noise_puts_in_a_tenth_and_empties_nothing() {
    let text = "我想知道这个东西什么时候可以送到我家里来".repeat(500);
    let noise = Noise::new(NoiseConfig::default())
        .unwrap()
        .with_fillers(["□嗯"])
        .unwrap();
    let inserted = edited(&noise, &text).matches('□').count() as f64 / (20.0 * 500.0);
    assert!((0.09..0.11).contains(&inserted), "{inserted}"); // 3.3 standard errors
    let all = NoiseConfig {
        insert: 0.0,
        delete: 1.0,
        ..NoiseConfig::default()
    };
    assert_eq!(edited(&Noise::new(all).unwrap(), "退 款!"), "款!");
    assert_eq!(
        edited(
            &Noise::new(NoiseConfig {
                insert: 0.0,
                swap: 1.0,
                ..NoiseConfig::default()
            })
            .unwrap(),
            "my order, 不见"
        ),
        "order my, 见不"
    );
    assert!(
        Noise::new(NoiseConfig {
            delete: 0.6,
            swap: 0.6,
            ..NoiseConfig::default()
        })
        .is_err()
    );
    assert!(
        Noise::new(NoiseConfig {
            insert: f64::NAN,
            ..NoiseConfig::default()
        })
        .is_err()
    );
    assert!(
        Noise::new(NoiseConfig::default())
            .unwrap()
            .with_fillers([])
            .is_err()
    );
}

// --- what lies beside the fields

#[test]
fn attributes_follow_their_entities_and_sections_come_once() {
    let (folder, path) = folder_with(
        "nlu.yml",
        "version: \"3.1\"\nnlu:\n- lookup: size\n  examples: |\n    - small\n- intent: fly\n  examples: |\n    \
         - to [the big apple](city:New York) please\n    \
         - from [Ulm]{\"entity\": \"city\", \"role\": \"from\", \"value\": \"Ulm an der Donau\"}\n    \
         - hello\n- synonym: New York\n  examples: |\n    - NYC\n",
    );
    let data = Dataset::open(&path, &ReadOptions::default()).unwrap();
    let augment = |keep_original| {
        let config = PipelineConfig {
            copies: 2,
            keep_original,
            ..PipelineConfig::default()
        };
        let cities =
            Entities::new([("city", "Paris"), ("city", "Rome"), ("city", "Oslo")]).unwrap();
        let pipeline = Pipeline::new(config).with(cities, 1.0).unwrap();
        let made = pipeline.run(&data).unwrap().0;
        let out = folder.path().join("out.yml");
        let mut writer = Writer::create(&out, &WriteOptions::default()).unwrap();
        writer.write_all(&made).unwrap();
        writer.finish().unwrap();
        (made, std::fs::read_to_string(out).unwrap())
    };
    for keep_original in [false, true] {
        let (made, written) = augment(keep_original);
        for section in ["lookup", "synonym"] {
            assert_eq!(written.matches(section).count(), 1, "{written}");
        }
        let values = if keep_original { 1 } else { 0 };
        assert_eq!(written.matches("Donau").count(), values, "{written}");
        let roles = if keep_original { 3 } else { 2 };
        assert_eq!(written.matches("\"role\"").count(), roles, "{written}");
        assert_eq!(
            made.len(),
            if keep_original { 7 } else { 4 },
            "hello has no entity"
        );
    }
}

#[test]
fn fields_with_an_entitys_text_have_its_new_one() {
    let mut row = row("1", &["to ", "Ulm"]);
    row.extra.insert("entity_value".into(), "Ulm".into());
    row.extra.insert("note".into(), "to Ulm".into());
    let data = Dataset::from_utterances([row]).unwrap();
    let cities = Entities::new([("e0", "Bonn")]).unwrap();
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with(cities, 1.0)
        .unwrap();
    let made = pipeline.run(&data).unwrap().0.utterance(0).unwrap();
    assert_eq!(
        (&*made.text, &made.extra["entity_value"]),
        ("to Bonn", &"Bonn".into())
    );
    assert_eq!(made.extra["note"], "to Ulm", "not the entity");
}

#[test]
fn no_copies_are_no_request() {
    let data = Dataset::from_utterances([Utterance::new("1", "order")]).unwrap();
    for config in [
        PipelineConfig {
            copies: 0,
            ..PipelineConfig::default()
        },
        PipelineConfig {
            balance: Some(0),
            ..PipelineConfig::default()
        },
    ] {
        let error = Pipeline::new(config).run(&data).unwrap_err().to_string();
        assert!(error.contains(" is 0, expected 1 to "), "{error}");
    }
}

#[test]
fn a_text_with_the_mask_itself_is_not_asked_about() {
    let data = [
        Utterance::new("1", "a <mask> b"),
        Utterance::new("2", "order"),
    ];
    let data = Dataset::from_utterances(data).unwrap();
    let process = LineProcess::new("sed 's/.*<mask>.*/parcel/'", Duration::from_secs(60));
    let contextual = Contextual::new(process.with_mask("<mask>"), 5).unwrap();
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with_batch(contextual, 1.0)
        .unwrap();
    let made = pipeline.run(&data).unwrap().0;
    let texts: Vec<String> = made.iter().map(|row| row.text).collect();
    assert_eq!(texts, ["parcel"]);
}
