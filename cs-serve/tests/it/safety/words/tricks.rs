//! Each trick by itself, and what looks like one.

use cs_serve::safety::ListError;
use cs_serve::safety::words::{Filter, FilterConfig, Trick};

use super::{filter, filter_by, list, told};

const WORDS: &str = "rascal\n大坏蛋\n坏蛋\n混账东西\nass\nold fool\ng-nome\n妈妈的坏\n";

/// A text with a word in it, how it is disguised, and what of the text it takes up.
const CASES: &[(&str, Trick, &str)] = &[
    ("you rascal!", Trick::Exact, "rascal"),
    ("你大坏蛋", Trick::Exact, "大坏蛋"),
    ("RaScAl", Trick::Case, "RaScAl"),
    ("ｒａｓｃａｌ", Trick::Width, "ｒａｓｃａｌ"),
    ("𝐫𝐚𝐬𝐜𝐚𝐥", Trick::Width, "𝐫𝐚𝐬𝐜𝐚𝐥"),
    ("ⓡⓐⓢⓒⓐⓛ", Trick::Width, "ⓡⓐⓢⓒⓐⓛ"),
    ("你大壞蛋", Trick::Traditional, "大壞蛋"),
    ("混帳東西", Trick::Homophone, "混帳東西"),
    ("r.a.s.c.a.l", Trick::Symbols, "r.a.s.c.a.l"),
    ("ra*scal", Trick::Symbols, "ra*scal"),
    ("大*坏😀蛋", Trick::Symbols, "大*坏😀蛋"),
    ("r̶a̶s̶c̶a̶l̶", Trick::Symbols, "r̶a̶s̶c̶a̶l"),
    ("r a s c a l", Trick::Spaces, "r a s c a l"),
    ("大 坏 蛋", Trick::Spaces, "大 坏 蛋"),
    ("you oldfool", Trick::Spaces, "oldfool"),
    ("raaaascall", Trick::Repeat, "raaaascall"),
    ("大大大坏坏蛋", Trick::Repeat, "大大大坏坏蛋"),
    ("dahuaidan", Trick::Pinyin, "dahuaidan"),
    ("da huai dan", Trick::Pinyin, "da huai dan"),
    ("大huai蛋", Trick::Pinyin, "大huai蛋"),
    ("mamadehuai", Trick::Pinyin, "mamadehuai"),
    ("你hzdx", Trick::Initials, "hzdx"),
    ("大怀旦", Trick::Homophone, "大怀旦"),
    ("rаscаl", Trick::Shape, "rаscаl"),
    ("räscål", Trick::Shape, "räscål"),
    ("r4$cal", Trick::Leet, "r4$cal"),
    ("a55", Trick::Leet, "a55"),
    ("大坏🥚", Trick::Emoji, "大坏🥚"),
    (
        "ra\u{200b}sc\u{ad}al",
        Trick::Invisible,
        "ra\u{200b}sc\u{ad}al",
    ),
    ("大\u{202e}坏蛋", Trick::Invisible, "大\u{202e}坏蛋"),
    ("a g-nome", Trick::Exact, "g-nome"),
    ("G - Nome", Trick::Spaces, "G - Nome"),
];

#[test]
fn each_trick_is_seen_through_and_named() {
    let filter = filter(WORDS);
    for &(text, trick, part) in CASES {
        let found = told(&filter, text);
        let is_there = found
            .iter()
            .any(|(_, place, name)| place == part && *name == trick);
        assert!(is_there, "{text}: {found:?}");
    }
}

#[test]
fn a_trick_that_is_left_out_is_not_seen_through() {
    for &(text, trick, part) in CASES {
        let filter = filter_by(
            WORDS,
            Trick::ALL.into_iter().filter(|&other| other != trick),
        );
        let found = told(&filter, text);
        assert!(
            found
                .iter()
                .all(|(_, place, name)| place != part && *name != trick),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn parts_of_characters_are_read_as_these() {
    let filter = filter("强盗\n骗子");
    assert_eq!(
        told(&filter, "弓虽盗"),
        [("强盗".into(), "弓虽盗".into(), Trick::Split)]
    );
    assert_eq!(
        told(&filter, "这马扁子"),
        [("骗子".into(), "马扁子".into(), Trick::Split)]
    );
    let more = FilterConfig::default()
        .with_splits("# ours\n盗\t次皿\n".as_bytes(), "splits".as_ref())
        .unwrap();
    let more = Filter::new(list("强盗"), more);
    assert_eq!(told(&more, "弓虽次皿").len(), 1);
    let wrong = FilterConfig::default()
        .with_splits("盗次皿\n好女\n".as_bytes(), "splits".as_ref())
        .unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "splits:2:1: \"好女\", expected a Chinese character and its two parts"
    );
    let wrong = FilterConfig::default().with_splits("。夕口".as_bytes(), "splits".as_ref());
    assert!(wrong.is_err(), "what is read as nothing");
}

#[test]
fn characters_that_are_many_letters_leave_room_for_those_behind_them() {
    let filter = filter(WORDS);
    for long in ['\u{fdfa}', '㍿', '㌀', '⑽', '🈚'] {
        for count in [1, 2, 12, 300] {
            let text = format!(
                "{}{} rascal",
                long.to_string().repeat(count),
                " ab".repeat(50)
            );
            let found = told(&filter, &text);
            assert!(found.iter().any(|(word, ..)| word == "rascal"), "{text}");
        }
    }
}

/// What has a word's letters and is none.
#[test]
fn ordinary_texts_are_left_alone() {
    let filter =
        filter("ass\npenis\n妈的\n成人\n你妈\n强盗\n性教\n情色\n老二\n坏人\n私服\nhell\n什合约\n");
    for text in [
        "class, passage and assets",
        "as soon as possible",
        "The pen is on the table",
        "he'll be here; shell",
        "made in China",
        "我承认了",
        "谢谢你，妈妈到了",
        "这是你吗",
        "青色的请色",
        "看看他妈妈的手机",
        "why not",
        "AB12ASS9",
        "455 元",
        "订单号 4552 的货",
    ] {
        assert!(
            told(&filter, text).is_empty(),
            "{text}: {:?}",
            told(&filter, text)
        );
    }
}

#[test]
fn a_clause_ends_a_word_of_two_characters_unless_it_stands_alone() {
    let filter = filter("坏蛋\n大坏蛋");
    assert!(told(&filter, "真坏，蛋碎了").is_empty());
    assert_eq!(told(&filter, "坏，蛋").len(), 1);
    assert_eq!(told(&filter, "你个大，坏，蛋啊").len(), 1);
    assert_eq!(told(&filter, "真坏-蛋碎了").len(), 1);
}

#[test]
fn gaps_are_bounded() {
    let filter = filter("坏蛋");
    assert_eq!(told(&filter, &format!("坏{}蛋", "*".repeat(16))).len(), 1);
    assert!(told(&filter, &format!("坏{}蛋", "*".repeat(17))).is_empty());
}

#[test]
fn tricks_have_names() {
    for trick in Trick::ALL {
        assert_eq!(trick.name().parse::<Trick>().unwrap(), trick);
    }
    assert!(matches!(
        "tricks".parse::<Trick>(),
        Err(ListError::Trick { .. })
    ));
}

#[test]
fn letters_on_both_sides_of_a_gap_may_be_the_same() {
    let filter = filter("god damn");
    for text in [
        "god damn",
        "goddamn",
        "godddd damn",
        "god dddamn",
        "go-d da-mn",
    ] {
        assert_eq!(told(&filter, text).len(), 1, "{text}");
    }
}

#[test]
fn of_parts_in_a_row_each_belongs_to_one_character() {
    let splits = "下⇥一卜\n贞⇥卜贝\n贱⇥贝戋\n".replace('⇥', "\t");
    let config = FilterConfig::default()
        .with_splits(splits.as_bytes(), "splits".as_ref())
        .unwrap();
    let filter = Filter::new(list("下贱"), config);
    assert_eq!(told(&filter, "真一卜贝戋").len(), 1);
}
