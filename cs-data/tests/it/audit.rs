//! Every finding of the audit on a few rows of both languages, and against a reference.

use cs_data::audit::{Audit, AuditReport, ReadFault, Rules, SpanFaultKind, read_core};
use cs_data::{Dataset, Result, Span, Utterance};
use serde_json::Value;

fn intent(text: &str, intent: &str) -> Utterance {
    Utterance::new("", text).with_intent(intent)
}

/// The row, with `surface` labelled where it first occurs.
fn entity(text: &str, surface: &str, label: &str) -> Utterance {
    let start = text.find(surface).unwrap();
    let span = Span::new(start, start + surface.len(), label);
    Utterance::new("", text).with_spans(vec![span])
}

/// Rows named by their numbers.
fn dataset(rows: impl IntoIterator<Item = Utterance>) -> Dataset {
    let numbered = rows.into_iter().enumerate().map(|(at, mut row)| {
        row.id = at.to_string();
        row
    });
    Dataset::from_utterances(numbered).unwrap()
}

fn texts(texts: &[&str]) -> Dataset {
    dataset(texts.iter().map(|text| Utterance::new("", *text)))
}

fn report(data: &Dataset) -> AuditReport {
    Audit::new(data).run(&Rules::default()).unwrap()
}

fn verdict(report: &AuditReport, rule: &str) -> Option<bool> {
    let found = report.rules.iter().find(|verdict| verdict.rule == rule);
    found.unwrap().passed
}

// --- coverage and imbalance

fn refunds_and_orders() -> Dataset {
    dataset([
        intent("我要退款", "refund"),
        intent("give me my money back", "refund"),
        intent("钱什么时候退回来", "refund"),
        intent("where is my parcel", "order_status"),
        Utterance::new("", "good morning"),
    ])
}

#[test]
fn coverage_counts_core_intents_with_enough_rows() {
    let data = refunds_and_orders();
    let coverage = |core: &[&str], min_examples| {
        let rules = Rules {
            min_examples,
            ..Rules::default()
        };
        let core = core.iter().map(|&intent| intent.to_owned()).collect();
        let report = Audit::new(&data).core(core).run(&rules).unwrap();
        (report.coverage, verdict(&report, "coverage"))
    };
    assert_eq!(
        coverage(&["refund", "order_status"], 1),
        (Some(1.0), Some(true))
    );
    assert_eq!(
        coverage(&["refund", "order_status"], 2),
        (Some(0.5), Some(false))
    );
    assert_eq!(
        coverage(&["refund", "order_status"], 4),
        (Some(0.0), Some(false))
    );
    // An intent that does not occur at all.
    assert_eq!(coverage(&["refund", "发票"], 1), (Some(0.5), Some(false)));
    // Four of five: exactly what is asked for.
    let rows = ["a", "b", "c", "d"].map(|label| intent(&format!("text of {label}"), label));
    let core = ["a", "b", "c", "d", "e"].map(String::from).to_vec();
    let data = dataset(rows);
    let report = Audit::new(&data).core(core).run(&Rules::default()).unwrap();
    assert_eq!((report.coverage, report.passed), (Some(0.8), true));
    let missing = report.classes.last().unwrap();
    assert_eq!(
        (missing.intent.as_str(), missing.rows, missing.core),
        ("e", 0, true)
    );
}

#[test]
fn without_a_list_all_intents_are_core() {
    let data = refunds_and_orders();
    let rules = Rules {
        min_examples: 2,
        ..Rules::default()
    };
    assert_eq!(Audit::new(&data).run(&rules).unwrap().coverage, Some(0.5));
    assert_eq!(report(&data).coverage, Some(1.0));
}

#[test]
fn imbalance_is_the_largest_to_the_smallest_intent() {
    let data = refunds_and_orders();
    assert_eq!(report(&data).imbalance, Some(3.0));
    assert!(report(&data).passed);
    let more = data.iter().chain([intent("退货款", "refund")]);
    let four_to_one = report(&dataset(more));
    assert_eq!(four_to_one.imbalance, Some(4.0));
    assert_eq!(
        (verdict(&four_to_one, "imbalance"), four_to_one.passed),
        (Some(false), false)
    );
}

#[test]
fn sentiment_imbalance_is_that_of_its_sides() {
    let with = |sentiments: &[f32]| {
        let rows = sentiments.iter().enumerate();
        let row =
            |(at, &s): (usize, &f32)| Utterance::new("", format!("第{at}句")).with_sentiment(s);
        report(&dataset(rows.map(row)))
    };
    let fine = with(&[1.0, 0.9, 0.51, 0.2, 0.5]);
    assert_eq!(
        (
            fine.sentiments.positive,
            fine.sentiments.negative,
            fine.sentiments.neutral
        ),
        (3, 1, 1)
    );
    assert_eq!((fine.sentiment_imbalance, fine.passed), (Some(3.0), true));
    // The same the other way round, and one too many.
    assert_eq!(
        with(&[0.0, 0.1, 0.2, 0.3, 0.8]).sentiment_imbalance,
        Some(4.0)
    );
    assert!(!with(&[0.0, 0.1, 0.2, 0.3, 0.8]).passed);
    // One side alone is worse than any ratio, none is no matter.
    let alone = with(&[0.9, 0.8]);
    assert_eq!(
        (
            alone.sentiment_imbalance,
            verdict(&alone, "sentiment_imbalance")
        ),
        (None, Some(false))
    );
    assert_eq!(verdict(&with(&[0.5]), "sentiment_imbalance"), None);
}

#[test]
fn rules_do_not_apply_to_what_is_not_there() {
    let report = report(&texts(&["你好", "hello"]));
    assert_eq!(
        (
            report.coverage,
            report.imbalance,
            report.leaks,
            report.near_leaks
        ),
        (None, None, None, None)
    );
    for rule in ["coverage", "imbalance", "sentiment_imbalance", "leaks"] {
        assert_eq!(verdict(&report, rule), None, "{rule}");
    }
    assert!(report.to_string().contains("does not apply"));
}

#[test]
fn what_nothing_was_judged_of_does_not_pass() {
    let judged = |rows: Vec<Utterance>| {
        let report = report(&dataset(rows));
        assert_eq!(
            verdict(&report, "judged_rows"),
            Some(report.judged_rows > 0)
        );
        (report.judged_rows, report.passed)
    };
    let plain = || Utterance::new("", "你好");
    assert_eq!(judged(vec![plain()]), (0, false), "no label");
    assert_eq!(
        judged(vec![intent("a", "x"), intent("b", "x")]),
        (0, false),
        "one intent"
    );
    assert_eq!(
        judged(vec![plain().with_sentiment(0.5)]),
        (0, false),
        "no side"
    );
    assert_eq!(
        judged(vec![intent("a", "x"), intent("b", "y"), plain()]),
        (2, true)
    );
    assert_eq!(
        judged(vec![entity("to Ulm", "Ulm", "city"), plain()]),
        (1, true)
    );
    let one = dataset([intent("a", "x")]);
    let core = Audit::new(&one)
        .core(vec!["x".into()])
        .run(&Rules::default());
    assert!(
        core.unwrap().passed,
        "the core intents are what was asked about"
    );
    // Nothing of the other set can be found here.
    let two = dataset([intent("a", "x"), intent("b", "y")]);
    let blank = texts(&["…", "?"]);
    let report = Audit::new(&two)
        .against(&blank)
        .run(&Rules::default())
        .unwrap();
    assert_eq!(
        (report.leaks, verdict(&report, "leaks"), report.passed),
        (None, Some(false), false)
    );
}

#[test]
fn core_intents_that_no_row_has_are_not_covered() {
    let data = texts(&["你好"]);
    let report = Audit::new(&data)
        .core(vec!["refund".into()])
        .run(&Rules::default())
        .unwrap();
    assert_eq!((report.coverage, report.passed), (Some(0.0), false));
}

// --- spans

#[test]
fn spans_that_cannot_be_meant_are_iob_errors() {
    use SpanFaultKind::*;
    let cases = [
        ("fly to Boston now", " Boston", Some(WhiteSpace)),
        ("fly to Boston now", "Boston ", Some(WhiteSpace)),
        ("去 北京", " 北京", Some(WhiteSpace)),
        ("really -- yes", "--", Some(Blank)),
        ("好，的", "，", Some(Blank)),
        ("fly to Boston", "Bost", Some(CutsWord)),
        ("fly to Boston", "oston", Some(CutsWord)),
        ("订单12345", "2345", Some(CutsWord)),
        ("à la carte", "rte", Some(CutsWord)),
        ("fly to Boston, please", "Boston,", Some(Punctuation)),
        ("去北京。", "北京。", Some(Punctuation)),
        ("fly to Boston", "Boston", None),
        ("订单12345状态", "12345", None), // Chinese has no word edges to cut
        ("我的iPhone坏了", "iPhone", None),
        ("run 10km", "10", None),
        ("Bob's phone", "Bob", None),
        ("去北京", "北", None),
    ];
    for (text, surface, expected) in cases {
        let report = report(&dataset([entity(text, surface, "thing")]));
        let found = report.examples.span_faults.first().map(|fault| fault.kind);
        assert_eq!(found, expected, "{surface:?} in {text:?}");
        let errors = usize::from(expected.is_some_and(SpanFaultKind::is_error));
        assert_eq!(report.iob_errors, errors, "{surface:?} in {text:?}");
        assert_eq!(report.passed, errors == 0);
        assert_eq!(
            report.punctuation_edges,
            usize::from(expected == Some(Punctuation))
        );
    }
}

#[test]
fn rows_that_could_not_be_read_fail_the_audit() {
    let data = dataset([entity("到北京", "北京", "city")]);
    let faults = vec![
        ReadFault::new("a.conll:3:1: \"I-x\" after O, expected B-x", true),
        ReadFault::new("a.conll:9:1: 3 columns, expected 2", false),
    ];
    let report = Audit::new(&data)
        .faults(faults.clone())
        .run(&Rules::default())
        .unwrap();
    assert_eq!(
        (report.rows, report.unread_rows, report.iob_errors),
        (1, 2, 1)
    );
    assert_eq!(report.examples.unread_rows, faults);
    assert_eq!(
        (
            verdict(&report, "iob_errors"),
            verdict(&report, "unread_rows")
        ),
        (Some(false), Some(false))
    );
    let lenient = Rules {
        max_unread: 2,
        max_iob_errors: 1,
        ..Rules::default()
    };
    assert!(
        Audit::new(&data)
            .faults(faults)
            .run(&lenient)
            .unwrap()
            .passed
    );
}

// --- the same text

#[test]
fn duplicates_are_the_rows_beyond_the_first() {
    let data = texts(&[
        "我要退款",
        "我要退款！",
        "ＯＫ",
        "Where's my  order?",
        "wheres MY order",
        "ok",
        "ok.",
    ]);
    let report = report(&data);
    assert_eq!(report.duplicates, 4);
    let found: Vec<_> = report
        .examples
        .duplicates
        .iter()
        .map(|one| (one.row.row, one.of.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "我要退款"),
            (4, "Where's my  order?"),
            (5, "ＯＫ"),
            (6, "ＯＫ")
        ]
    );
    assert_eq!(report.near_duplicates, 0); // duplicates are not counted again
}

#[test]
fn near_duplicates_are_like_a_row_that_stays() {
    let data = texts(&[
        "please tell me where my order is right now",
        "please tell me where my order is right now thx",
        "please tell me where my orders is right now",
        "请问我上周三买的那双鞋子现在到哪里了呀谢谢你",
        "请问我上周三买的那双鞋子现在到哪里了呀谢谢您",
        "退款",
        "退货",
    ]);
    let report = report(&data);
    let found: Vec<_> = report
        .examples
        .near_duplicates
        .iter()
        .map(|one| (one.row.row, one.similarity))
        .collect();
    // 42 + 2 and 46 + 2 characters padded; checked by hand below with sets of trigrams.
    assert_eq!(
        found,
        [
            (1, jaccard(&data, 0, 1)),
            (2, jaccard(&data, 0, 2)),
            (4, jaccard(&data, 3, 4)),
        ]
    );
    assert!(found.iter().all(|(_, similarity)| *similarity >= 0.8));
    assert!(jaccard(&data, 5, 6) < 0.8);
    let strict = Rules {
        similarity: 1.0,
        ..Rules::default()
    };
    assert_eq!(Audit::new(&data).run(&strict).unwrap().near_duplicates, 0);
}

/// By the definition, with sets.
fn jaccard(data: &Dataset, a: usize, b: usize) -> f64 {
    let set = |row: usize| -> std::collections::HashSet<Vec<char>> {
        let text = format!(" {} ", data.utterance(row).unwrap().text);
        text.chars()
            .collect::<Vec<_>>()
            .windows(3)
            .map(<[char]>::to_vec)
            .collect()
    };
    let (a, b) = (set(a), set(b));
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

#[test]
fn leaks_are_rows_of_the_other_set() {
    let train = texts(&[
        "我要退款",
        "我要退款。",
        "where is my order",
        "please tell me where my order is right now",
        "你好",
    ]);
    let test = texts(&[
        "我要退款",
        "Where is my order?!",
        "please tell me where my order is right now thx",
    ]);
    let report = Audit::new(&train)
        .against(&test)
        .run(&Rules::default())
        .unwrap();
    assert_eq!((report.leaks, report.near_leaks), (Some(3), Some(1)));
    assert_eq!(report.examples.leaks[2].row.row, 2);
    assert_eq!(report.examples.near_leaks[0].row.row, 3);
    assert!(!report.passed);
    let clean = Audit::new(&train)
        .against(&texts(&["再见"]))
        .run(&Rules::default())
        .unwrap();
    assert_eq!(
        (clean.leaks, clean.near_leaks, verdict(&clean, "leaks")),
        (Some(0), Some(0), Some(true))
    );
    let tolerant = Rules {
        max_leaks: 3,
        ..Rules::default()
    };
    let tolerated = Audit::new(&train).against(&test).run(&tolerant).unwrap();
    assert_eq!(verdict(&tolerated, "leaks"), Some(true));
}

#[test]
fn one_text_with_two_labels_contradicts_itself() {
    let opinion = |text: &str, sentiment: f32| Utterance::new("", text).with_sentiment(sentiment);
    let data = dataset([
        intent("我要退", "refund"),
        intent("我要退！", "return"),
        intent("我要退", "refund"),
        intent("hello", "greeting"),
        intent("Hello!", "greeting"),
        opinion("不错", 0.9),
        opinion("不错。", 0.1),
        opinion("一般", 0.4),
        opinion("一般", 0.5),
        intent("?", "a"),
        intent("!", "b"), // no words, nothing said
    ]);
    let report = report(&data);
    assert_eq!((report.contradictions, report.blank_rows), (2, 2));
    let [intents, sides] = report.examples.contradictions.as_slice() else {
        panic!("{:?}", report.examples.contradictions)
    };
    assert_eq!(
        (
            intents.field,
            intents.labels["refund"],
            intents.labels["return"],
            intents.row.row
        ),
        ("intent", 2, 1, 0)
    );
    assert_eq!(
        (sides.field, sides.labels.len(), sides.row.row),
        ("sentiment", 2, 5)
    );
}

// --- entities

#[test]
fn a_surface_with_two_labels_is_a_conflict() {
    let data = dataset([
        entity("去北京", "北京", "city"),
        entity("从北京走", "北京", "city"),
        entity("北京大", "北京", "school"),
        entity("to BOSTON", "BOSTON", "city"),
        entity("to boston", "boston", "town"),
        entity("to Paris", "Paris", "city"),
    ]);
    let report = report(&data);
    assert_eq!(report.entity_conflicts, 2);
    let found: Vec<_> = report
        .examples
        .entity_conflicts
        .iter()
        .map(|one| one.surface.as_str())
        .collect();
    assert_eq!(found, ["boston", "北京"]);
    assert_eq!(report.examples.entity_conflicts[1].row.row, 2); // the rarer label
}

#[test]
fn an_entity_labelled_elsewhere_is_missed_here() {
    let data = dataset([
        entity("fly to New York", "New York", "city"),
        entity("new york please", "new york", "city"),
        Utterance::new("", "hotels in new york"),
        entity("去上海", "上海", "city"),
        entity("在上海", "上海", "city"),
        entity("上海到上海", "上海", "city"), // labelled once, not the second time
        entity("book art", "art", "topic"),
        entity("art show", "art", "topic"),
        Utterance::new("", "what is in my cart"), // no word of its own
        entity("room 12", "12", "room"),
        entity("room 12", "12", "room"),
        Utterance::new("", "at 12"), // numbers are everywhere
        entity("play it", "it", "song"),
        Utterance::new("", "do it, stop it"), // mostly not an entity
    ]);
    let report = report(&data);
    let found: Vec<_> = report
        .examples
        .missed_entities
        .iter()
        .map(|one| {
            (
                one.surface.as_str(),
                one.labelled,
                one.unlabelled,
                one.row.row,
            )
        })
        .collect();
    assert_eq!(found, [("上海", 3, 1, 5), ("new york", 2, 1, 2)]);
}

// --- noise

/// Three topics in two languages with one label exchanged.
fn noisy() -> Dataset {
    let topics = [
        (
            "refund",
            [
                "我要退款",
                "退款到账了吗",
                "申请退款",
                "my refund",
                "refund the money",
            ],
        ),
        (
            "shipping",
            [
                "快递在哪",
                "快递还没到",
                "查快递",
                "late delivery",
                "delivery time",
            ],
        ),
        (
            "invoice",
            [
                "开发票",
                "发票抬头",
                "电子发票",
                "send an invoice",
                "invoice number",
            ],
        ),
    ];
    let mut rows = Vec::new();
    for (label, texts) in topics {
        rows.extend(texts.map(|text| intent(text, label)));
    }
    rows.push(intent("发票 invoice", "refund"));
    dataset(rows)
}

#[test]
fn a_label_that_the_others_contradict_is_suspect() {
    let report = report(&noisy());
    assert_eq!(
        report.noise_suspects, 1,
        "{:?}",
        report.examples.noise_suspects
    );
    let suspect = &report.examples.noise_suspects[0];
    assert_eq!(
        (
            suspect.label.as_str(),
            suspect.suggested.as_str(),
            suspect.row.row
        ),
        ("refund", "invoice", 15)
    );
    assert!(suspect.margin > 0.0);
}

/// Margins of a naive Bayes of scikit-learn, fitted anew without each row
/// (tests/reference/audit_noise.py).
#[test]
fn suspects_are_those_of_scikit_learn() {
    let reference: Value =
        serde_json::from_str(include_str!("../reference/audit_noise.json")).unwrap();
    let field = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = reference["rows"].as_array().unwrap();
    let data = dataset(
        rows.iter()
            .map(|row| intent(&field(row, "text"), &field(row, "intent"))),
    );
    let report = report(&data);
    let expected = reference["suspects"].as_array().unwrap();
    assert!(!expected.is_empty());
    assert_eq!(report.noise_suspects, expected.len());
    for (found, expected) in report.examples.noise_suspects.iter().zip(expected) {
        assert_eq!(found.row.row as u64, expected["row"]);
        assert_eq!(found.suggested, expected["suggested"]);
        let margin = expected["margin"].as_f64().unwrap();
        assert!(
            (found.margin - margin).abs() < 1e-9,
            "{} {margin}",
            found.margin
        );
    }
}

#[test]
fn one_class_or_one_row_a_class_gives_no_suspects() {
    assert_eq!(
        report(&dataset([intent("a b", "x"), intent("c d", "x")])).noise_suspects,
        0
    );
    assert_eq!(
        report(&dataset([intent("a b", "x"), intent("a b", "y")])).noise_suspects,
        0
    );
    assert_eq!(
        report(&dataset([
            intent("", "x"),
            intent("", "y"),
            intent("", "y")
        ]))
        .noise_suspects,
        0
    );
}

// --- the rest

#[test]
fn lengths_and_languages_are_profiled() {
    let report = report(&texts(&[
        "查询订单",
        "where is it",
        "order 还没到",
        "12345",
        "これはペン",
        "",
    ]));
    let languages = report.languages;
    assert_eq!(
        (languages.zh, languages.en, languages.mixed, languages.other),
        (1, 1, 1, 3)
    );
    let lengths = report.lengths;
    assert_eq!((lengths.min, lengths.median, lengths.max), (0, 5, 11));
    assert_eq!(
        lengths.histogram.iter().map(|bin| bin.rows).sum::<usize>(),
        6
    );
    assert_eq!(lengths.histogram[4].rows, 1); // 查询订单
}

#[test]
fn one_long_text_does_not_flatten_the_histogram() {
    let mut rows = vec!["短句"; 300];
    let long = "长".repeat(20_000);
    rows.push(&long);
    let lengths = report(&texts(&rows)).lengths;
    assert!(lengths.histogram.len() <= 3, "{:?}", lengths.histogram);
    let last = lengths.histogram.last().unwrap();
    assert!(last.to > 20_000);
    assert_eq!(
        lengths.histogram.iter().map(|bin| bin.rows).sum::<usize>(),
        301
    );
}

#[test]
fn an_empty_data_set_has_no_findings_and_does_not_pass() {
    let report = report(&dataset([]));
    assert_eq!(
        (report.rows, report.coverage, report.passed),
        (0, None, false)
    );
    assert!(report.svg().ends_with("</svg>\n"));
}

#[test]
fn json_has_the_documented_keys() {
    let json = serde_json::to_value(report(&noisy())).unwrap();
    for key in ["rows", "iob_errors", "duplicates", "coverage", "imbalance"] {
        assert!(json[key].is_number(), "{key}");
    }
    assert!(json["leaks"].is_null() && json["passed"].is_boolean());
    assert_eq!(json["rules"][1]["rule"], "imbalance");
    assert_eq!(json["rules"][1]["at_most"], 3.0);
}

#[test]
fn examples_are_listed_up_to_a_limit_and_all_counted() {
    let data = texts(&["a"; 9]);
    let rules = Rules {
        examples: 2,
        ..Rules::default()
    };
    let report = Audit::new(&data).run(&rules).unwrap();
    assert_eq!(
        (report.duplicates, report.examples.duplicates.len()),
        (8, 2)
    );
}

#[test]
fn the_table_escapes_what_would_steer_a_terminal() {
    let data = texts(&["a\u{1b}[31m\nb", "a\u{1b}[31m\nb"]);
    let table = report(&data).to_string();
    assert!(!table.contains('\u{1b}'));
    assert!(table.contains("a\\u{1b}[31m\\nb"), "{table}");
}

#[test]
fn the_chart_is_written_whole_with_every_intent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chart.svg");
    let data = dataset([
        intent("退款", "退款 & <b>\"x\"</b>"),
        intent("a", "bell\u{7}"),
        intent("b", &"很长的意图名称".repeat(20)),
    ]);
    let report = report(&data);
    report.write_svg(&path).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert_eq!(svg, report.svg());
    assert!(svg.contains("退款 &amp; &lt;b&gt;&quot;x&quot;&lt;/b&gt;"));
    assert!(svg.contains("bell\u{fffd}") && !svg.contains("<b>"));
    assert!(svg.contains("很长的") && svg.contains('…'));
    assert!(
        report
            .write_svg(&folder.path().join("none/chart.svg"))
            .is_err()
    );
}

#[test]
fn many_intents_are_cut_in_the_middle() {
    let rows = (0..1000).map(|at| intent(&format!("text {at}"), &format!("intent_{at:04}")));
    let svg = report(&dataset(rows)).svg();
    assert!(
        svg.contains("… 800 more") && svg.contains("intent_0000") && svg.contains("intent_0999")
    );
    assert!(!svg.contains("intent_0500"));
}

// --- bad arguments

fn refused(result: Result<AuditReport>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn rules_out_of_range_are_refused() {
    let data = texts(&["a"]);
    let run = |rules: Rules| refused(Audit::new(&data).run(&rules));
    let default = Rules::default;
    for bad in [0.99, -1.0, f64::NAN, f64::INFINITY] {
        let line = run(Rules {
            max_imbalance: bad,
            ..default()
        });
        assert!(
            line.starts_with(&format!("max_imbalance is {bad}")),
            "{line}"
        );
    }
    for bad in [-0.01, 1.01, f64::NAN] {
        let line = run(Rules {
            min_coverage: bad,
            ..default()
        });
        assert_eq!(
            line,
            format!("min_coverage is {bad}, expected a number from 0 to 1")
        );
    }
    assert_eq!(
        run(Rules {
            min_examples: 0,
            ..default()
        }),
        "min_examples is 0, expected 1 or more"
    );
    assert!(
        run(Rules {
            similarity: 0.2,
            ..default()
        })
        .starts_with("similarity is 0.2")
    );
    for fine in [1.0, 1e9] {
        assert!(
            Audit::new(&data)
                .run(&Rules {
                    max_imbalance: fine,
                    ..default()
                })
                .is_ok()
        );
    }
}

#[test]
fn core_lists_that_are_none_are_refused() {
    let data = texts(&["a"]);
    let run = |core: &[&str]| {
        let core = core.iter().map(|&intent| intent.to_owned()).collect();
        refused(Audit::new(&data).core(core).run(&Rules::default()))
    };
    assert_eq!(
        run(&[]),
        "core is empty, expected different intents, at least one"
    );
    assert!(run(&["a", "b", "a"]).starts_with("core is \"a\""));
    assert!(run(&[" "]).starts_with("core is \" \""));
}

#[test]
fn core_files_are_read_or_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core.txt");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read_core(&path).map_err(|error| {
            error
                .to_string()
                .replace(&path.display().to_string(), "core")
        })
    };
    assert_eq!(
        read("\u{feff}refund\r\n\n# ours\n  查询 订单 \n #\n".as_bytes()).unwrap(),
        ["refund", "查询 订单"]
    );
    assert_eq!(
        read(b"a\nb\n  a\n").unwrap_err(),
        "core:3:3: the intent \"a\" again, expected each core intent once"
    );
    assert!(read(b"").unwrap_err().starts_with("core: "));
    assert!(read(b" \n\n").unwrap_err().starts_with("core: "));
    assert!(read(b"# a\n").unwrap_err().starts_with("core: no intent"));
    assert!(read(b"a\n\xff\n").unwrap_err().starts_with("core:2:1: "));
    assert!(read_core(&folder.path().join("none")).is_err());
}
