//! Coverage and imbalance.

use cs_data::audit::{Audit, Rules};
use cs_data::{Dataset, Utterance};

use super::{dataset, intent, report, texts, verdict};

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
fn core_intents_that_no_row_has_are_not_covered() {
    let data = texts(&["你好"]);
    let report = Audit::new(&data)
        .core(vec!["refund".into()])
        .run(&Rules::default())
        .unwrap();
    assert_eq!((report.coverage, report.passed), (Some(0.0), false));
}
