//! Every finding of the audit on a few rows of both languages, and against a reference.

mod balance;
mod display;
mod duplicates;
mod entities;
mod label_noise;
mod near_duplicates;
mod profile;
mod report;
mod rules;
mod spans;
mod svg;

use cs_data::audit::{Audit, AuditReport, ReadFault, Rules, read_core};
use cs_data::{Dataset, Result, Span, Utterance};

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

fn refused(result: Result<AuditReport>) -> String {
    result.unwrap_err().to_string()
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
