//! Almost the same text again.

use cs_data::Dataset;
use cs_data::audit::{Audit, Rules};

use super::{report, texts};

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
