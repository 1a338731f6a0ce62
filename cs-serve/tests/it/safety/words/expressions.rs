//! Regular expressions on lists.

use std::sync::{Arc, LazyLock};

use cs_serve::safety::Action;
use cs_serve::safety::words::{Filter, Trick, WordList};
use proptest::prelude::*;

use super::streams::{LONG_UNSEEN, UNSEEN, streamed};
use super::{filter, filter_by, told};

const LINES: &str = "/qq\\s?\\d{5,11}/\tcontact\t2\tblock\n/加微信.{0,6}群/\tcontact\n/\\bvip[0-9]{2}\\b/\n/VX:\\w{2,8}/\n大坏蛋\n\
                     /坏{2,4}/\t\t\treview\n/加微信学习群/\t\t\tallow\n";

#[test]
fn what_matches_is_found_as_it_is_and_folded() {
    let filter = filter(LINES);
    for (text, word, found, trick) in [
        (
            "加qq 123456吧",
            "/qq\\s?\\d{5,11}/",
            "qq 123456",
            Trick::Exact,
        ),
        (
            "加QQ１２３４５６吧",
            "/qq\\s?\\d{5,11}/",
            "QQ１２３４５６",
            Trick::Width,
        ),
        (
            "q\u{200b}q123456",
            "/qq\\s?\\d{5,11}/",
            "q\u{200b}q123456",
            Trick::Invisible,
        ),
        (
            "請加微信進群",
            "/加微信.{0,6}群/",
            "加微信進群",
            Trick::Exact,
        ),
        ("a Vip07!", "/\\bvip[0-9]{2}\\b/", "Vip07", Trick::Case),
        ("vx:ab_1", "/VX:\\w{2,8}/", "vx:ab_1", Trick::Case),
        ("VX:ab_1", "/VX:\\w{2,8}/", "VX:ab_1", Trick::Exact),
    ] {
        let expected = (word.to_owned(), found.to_owned(), trick);
        assert_eq!(told(&filter, text), [expected], "{text}");
    }
    for text in ["qq 1234", "vip071", "xvip07", "加微信学习群", "加微信"] {
        assert!(told(&filter, text).is_empty(), "{text}");
    }
    let found = filter.filter("qq123456和大坏蛋");
    assert_eq!(found.action, Action::Block);
    assert_eq!(found.masked, "********和***");
}

#[test]
fn only_the_tricks_that_are_looked_through_disguise_a_match() {
    let filter = filter_by(LINES, [Trick::Exact, Trick::Case]);
    assert_eq!(told(&filter, "QQ123456")[0].2, Trick::Case);
    assert!(told(&filter, "ｑｑ123456").is_empty());
    let filter = filter_by(LINES, [Trick::Exact]);
    assert!(told(&filter, "QQ123456").is_empty());
    assert_eq!(told(&filter, "qq123456").len(), 1);
}

#[test]
fn an_expression_that_cannot_be_bounded_is_refused_with_its_place() {
    let refused = |line: &str| {
        let text = format!("rascal\n{line}\tcategory\n");
        let mut list = WordList::new();
        let error = list.add(text.as_bytes(), "w.tsv".as_ref()).unwrap_err();
        assert!(list.is_empty(), "a list that is refused adds nothing");
        error.to_string()
    };
    let deep = format!("/{}a{}/", "(".repeat(100), ")".repeat(100));
    let long = format!("/{}/", "a".repeat(600));
    for (line, expected) in [
        (
            "/a+/",
            "w.tsv:2:1: an expression whose matches have no longest one, expected a regular expression",
        ),
        (
            "/a*/",
            "w.tsv:2:1: an expression that an empty text matches, expected",
        ),
        (
            "/a{1,300}/",
            "w.tsv:2:1: an expression whose matches have up to 300 bytes, expected",
        ),
        (
            "/^ab/",
            "w.tsv:2:1: an expression that says where a text begins or ends, expected",
        ),
        (
            "/(?m)ab$/",
            "w.tsv:2:1: an expression that says where a text begins or ends, expected",
        ),
        (
            "/a(b/",
            "w.tsv:2:1: an expression that is none (unclosed group), expected",
        ),
        (
            r"/(a)\1/",
            "w.tsv:2:1: an expression that is none (backreferences are not supported), expected",
        ),
        ("/a(?=b)/", "w.tsv:2:1: an expression that is none ("),
        (
            r"/qq\d{5,11}",
            r#"w.tsv:2:1: "/qq\\d{5,11}", expected a regular expression between slashes"#,
        ),
        (
            r"/room #\d{3}/",
            r#"w.tsv:2:1: "/room", expected a regular expression between slashes"#,
        ),
        (
            r"/\w{60}\w{60}/",
            "w.tsv:2:1: an expression whose matches have up to 480 bytes",
        ),
        (
            r"/[^\x00-\x{10FFFF}]/",
            "w.tsv:2:1: an expression that nothing matches",
        ),
        (
            deep.as_str(),
            "w.tsv:2:1: an expression that is none (exceed the maximum number of nested",
        ),
        (
            long.as_str(),
            "w.tsv:2:1: a regular expression of 602 characters, expected a regular expression of 1 to 500 characters",
        ),
    ] {
        let error = refused(line);
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
    // Slashes alone are words.
    for word in ["/", "//", "a/b", "a/"] {
        assert_eq!(told(&filter(word), &format!(" {word} ")).len(), 1, "{word}");
    }
}

#[test]
fn as_many_characters_as_may_stand_within_a_word_may_within_a_match() {
    let filter = filter(LINES);
    let found = |unseen: &str| filter.filter(&format!("q{unseen}q12345")).hits.len();
    assert_eq!((found(UNSEEN), found(LONG_UNSEEN)), (1, 0));
}

#[test]
fn expressions_are_bounded_together() {
    // Each is small enough, and twenty letters of any script take some hundred kilobytes.
    let lines: String = (0..100).map(|at| format!("/x{at}\\w{{20}}/\n")).collect();
    let mut list = WordList::new();
    let error = list.add(lines.as_bytes(), "w.tsv".as_ref()).unwrap_err();
    let expected = "w.tsv: 100 regular expressions, expected at most as many as take 16 MiB together, compiled";
    assert_eq!(error.to_string(), expected);
    assert!(list.is_empty());
}

#[test]
fn the_strictest_line_of_an_expression_counts() {
    let filter = filter("/ab{2}/\t\t\treview\n/ab{2}/\t\t\tblock\n");
    assert_eq!((filter.len(), filter.duplicates()), (1, 1));
    let found = filter.filter("abb");
    assert_eq!((found.hits.len(), found.action), (1, Action::Block));
}

#[test]
fn many_lines_and_a_long_text_take_time_in_proportion() {
    let lines: String = (0..1_001).map(|at| format!("/x{at}y{{1,3}}/\n")).collect();
    let refused = WordList::new().add(lines.as_bytes(), "w.tsv".as_ref());
    let expected =
        "w.tsv:1001:1: one more regular expression, expected at most 1,000 regular expressions";
    assert_eq!(refused.unwrap_err().to_string(), expected);
    let filter = filter("/(a?){20}b/");
    assert!(filter.filter(&"a".repeat(100_000)).hits.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_stream_is_its_text(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["q", "Q", "1", "２", "345", "加", "微信", "群", "vip", "07", " ", "\u{200b}", "坏", "大", "蛋", "vx:", "x", "，", "学习", UNSEEN, LONG_UNSEEN, "v\u{336}"]),
            0..20,
        ),
        lengths in prop::collection::vec(1..6usize, 1..6),
    ) {
        static FILTER: LazyLock<Arc<Filter>> = LazyLock::new(|| Arc::new(filter(LINES)));
        let filter = &*FILTER;
        let text = pieces.concat();
        let whole = filter.filter(&text);
        prop_assert_eq!(streamed(filter, &text, &lengths), whole);
    }
}
