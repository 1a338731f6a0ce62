//! Files of synonyms: each broken one beside its valid twin, strictly and leniently.

use cs_data::augment::*;

use super::{edited, folder_with};

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
