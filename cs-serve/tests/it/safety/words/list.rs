//! Lists as they are read, and what a filter does with their lines.

use cs_serve::safety::words::{CurrentFilter, Filter, FilterConfig, Trick, WordList};
use cs_serve::safety::{Action, ListError};

use super::{filter, list, told};

fn refused(lines: &[u8]) -> String {
    WordList::new()
        .add(lines, "w.tsv".as_ref())
        .unwrap_err()
        .to_string()
}

#[test]
fn columns_may_be_left_out_and_comments_are_no_words() {
    let lines = "\u{feff}# words\r\nrascal\tinsult\t3\tblock # the worst\r\n\r\nrogue\n  knave \t\t low\t review\n";
    let filter = filter(lines);
    assert_eq!(filter.len(), 3);
    let found = filter.filter("rascal, rogue and knave");
    let columns: Vec<_> = found
        .hits
        .iter()
        .map(|hit| {
            (
                hit.word.as_str(),
                hit.category.as_deref(),
                hit.severity.get(),
                hit.action,
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("rascal", Some("insult"), 3, Action::Block),
            ("rogue", None, 1, Action::Mask),
            ("knave", None, 1, Action::Review),
        ]
    );
    assert_eq!(found.action, Action::Block);
    assert_eq!(found.masked, "******, ***** and knave");
}

#[test]
fn a_broken_line_is_named_by_its_place() {
    let long = "好".repeat(65);
    let cases: [(&[u8], &str); 7] = [
        (b"a word\n\xff", "w.tsv:2:1: the byte 0xff, expected UTF-8"),
        (
            b"one\t\t0",
            "w.tsv:1:6: the severity \"0\", expected 1 to 10, or low, medium or high for 1, 2 or 3",
        ),
        (
            "坏\t骂\t2\tdelete".as_bytes(),
            "w.tsv:1:7: the action \"delete\", expected pass, review, mask, block or allow",
        ),
        (
            b"one\ntwo\ta\t1\tmask\tmore",
            "w.tsv:2:14: a fifth column, \"more\", expected word, category, severity and action",
        ),
        (
            b"one\n\tinsult",
            "w.tsv:2:1: no word, expected a word of 1 to 64 characters",
        ),
        (
            long.as_bytes(),
            "w.tsv:1:1: a word of 65 characters, expected a word of 1 to 64 characters",
        ),
        (
            b"a\0b",
            "w.tsv:1:1: a NUL character, expected a word of 1 to 64 characters",
        ),
    ];
    for (lines, message) in cases {
        assert_eq!(refused(lines), message);
    }
    assert!(matches!(
        WordList::open("no/such/list".as_ref()),
        Err(ListError::Io { .. })
    ));
}

#[test]
fn nothing_of_a_broken_file_is_added() {
    let mut words = list("rascal");
    assert!(words.add(b"rogue\nknave\t\tx", "w.tsv".as_ref()).is_err());
    assert_eq!(words.len(), 1);
    assert!(
        Filter::new(words, FilterConfig::default())
            .filter("rogue")
            .hits
            .is_empty()
    );
}

#[test]
fn of_a_word_that_stands_there_twice_the_strictest_line_counts() {
    let filter =
        filter("rascal\ta\t1\treview\nrascal\tb\t1\tblock\nrascal\tc\t5\tmask\n坏蛋\n坏蛋");
    assert_eq!((filter.len(), filter.duplicates()), (2, 3));
    assert_eq!(
        filter.filter("rascal").hits[0].category.as_deref(),
        Some("b")
    );
}

#[test]
fn the_most_severe_action_is_the_texts() {
    let filter = filter("one\t\t\tpass\ntwo\t\t\treview\nthree\t\t\tmask\nfour\t\t\tblock");
    let action = |text| filter.filter(text).action;
    assert_eq!(action("zero"), Action::Pass);
    assert_eq!(action("one"), Action::Pass);
    assert_eq!(action("two one"), Action::Review);
    assert_eq!(action("one three two"), Action::Mask);
    assert_eq!(action("four three"), Action::Block);
    assert_eq!(
        filter.filter("one two three four").masked,
        "one two ***** ****"
    );
}

#[test]
fn a_word_in_an_allowed_phrase_is_none() {
    let filter =
        filter("笨\t\t\tblock\n笨蛋\t\t\tblock\n笨鸟先飞\t\t\tallow\nfool\nApril fool\t\t\tallow");
    assert!(told(&filter, "我笨鸟先飞").is_empty());
    assert_eq!(told(&filter, "笨鸟先飞的笨蛋").len(), 1);
    assert!(told(&filter, "an april  fool's day").is_empty());
    assert_eq!(told(&filter, "fool's day").len(), 1);
}

#[test]
fn one_character_words_are_found_as_they_are_alone() {
    let filter = filter("贱\nB\n🖕");
    let exact = |word: &str| (word.to_owned(), word.to_owned(), Trick::Exact);
    assert_eq!(told(&filter, "真贱啊"), [exact("贱")]);
    assert_eq!(told(&filter, "🖕"), [exact("🖕")]);
    assert_eq!(told(&filter, "plan B"), [exact("B")]);
    for text in ["真賤啊", "jian", "见", "贝戋", "b", "Ｂ", "ABC", "B2"] {
        assert!(told(&filter, text).is_empty(), "{text}");
    }
}

#[test]
fn places_count_characters_of_the_text() {
    let filter = filter("坏蛋");
    let found = filter.filter("😀é坏\u{200b}蛋ﬁ");
    assert_eq!((found.hits[0].start, found.hits[0].end), (2, 5));
    assert_eq!(found.masked, "😀é***ﬁ");
}

#[test]
fn of_words_within_each_other_the_longer_one_is_told_unless_the_shorter_demands_more() {
    let same = filter("坏蛋\n大坏蛋");
    assert_eq!(told(&same, "大坏蛋").len(), 1);
    let stricter = filter("坏蛋\t\t\tblock\n大坏蛋\t\t\tmask");
    assert_eq!(stricter.filter("大坏蛋").action, Action::Block);
}

#[test]
fn the_next_list_takes_the_place_of_this_one_only_if_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.tsv");
    std::fs::write(&path, "rascal").unwrap();
    let file = path.clone();
    let words = CurrentFilter::open(move || {
        Ok(Filter::new(WordList::open(&file)?, FilterConfig::default()))
    })
    .unwrap();
    std::fs::write(&path, "rogue\t\t0").unwrap();
    assert!(words.reload().is_err());
    assert_eq!(words.get().filter("rascal").hits.len(), 1);
    std::fs::write(&path, "rogue").unwrap();
    words.reload().unwrap();
    assert!(words.get().filter("rascal").hits.is_empty());
}

#[test]
fn a_list_that_is_refused_uses_up_no_category() {
    let wrong: String = (0..40_000).map(|at| format!("w{at}\tc{at}\n")).collect();
    let mut list = WordList::new();
    for _ in 0..2 {
        assert!(
            list.add((wrong.clone() + "a\0b").as_bytes(), "w".as_ref())
                .is_err()
        );
    }
    let right: String = (0..65_000).map(|at| format!("w{at}\tk{at}\n")).collect();
    list.add(right.as_bytes(), "w".as_ref()).unwrap();
    assert_eq!(list.len(), 65_000);
}
