//! Texts in pieces, and whatever texts and words there may be.

use std::sync::Arc;

use cs_serve::safety::Action;
use cs_serve::safety::words::FilterConfig;
use cs_serve::safety::words::{Filter, Filtered, Hit, Stream, WordList};
use proptest::prelude::*;

use super::filter;

const WORDS: &str = "rascal\nras\t\t\tblock\n大坏蛋\n坏蛋\t\t\tblock\nass\nold fool\n$wag\n13.\n强盗\n妈的\nfool's gold\t\t\tallow\n\
    fool\n贱\n🖕🖕\nB\n混账东西\n妈妈的坏\n";

/// Characters that are not seen: as many as may stand within a word, and more.
pub(super) const UNSEEN: &str = "\u{200b}\u{200c}\u{200d}\u{2060}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}";
pub(super) const LONG_UNSEEN: &str = concat!(
    "\u{200b}\u{200c}\u{200d}\u{2060}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}",
    "\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}",
);

/// What words and their disguises are made of.
fn texts() -> impl Strategy<Value = String> {
    let pieces = [
        "rascal",
        "ras",
        "r",
        "a",
        "s",
        "c",
        "l",
        "R",
        "大",
        "坏",
        "蛋",
        "弓",
        "虽",
        "盗",
        "妈",
        "的",
        "da",
        "huai",
        "dan",
        " ",
        "  ",
        "*",
        ".",
        "，",
        "\u{200b}",
        "\n",
        "@",
        "$",
        "!",
        "🥚",
        "🖕",
        "fool",
        "'",
        "gold",
        "old",
        "1",
        "3",
        "w",
        "g",
        "贱",
        "B",
        "怀",
        "h",
        "z",
        "d",
        "x",
        "é",
        "ﬁ",
        "……",
        "们",
        "我",
        "\u{336}",
        UNSEEN,
        LONG_UNSEEN,
    ];
    let piece = prop::sample::select(pieces.to_vec());
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// All that comes out of a text in pieces of so many characters.
pub(super) fn streamed(filter: &Arc<Filter>, text: &str, lengths: &[usize]) -> Filtered {
    let mut stream = Stream::new(Arc::clone(filter));
    let mut all = Filtered {
        hits: Vec::new(),
        action: Action::Pass,
        masked: String::new(),
    };
    let mut add = |told: Filtered| {
        all.hits.extend(told.hits);
        all.action = all.action.max(told.action);
        all.masked.push_str(&told.masked);
    };
    let mut chars = text.chars();
    for &length in lengths.iter().cycle() {
        let piece: String = chars.by_ref().take(length).collect();
        if piece.is_empty() {
            break;
        }
        add(stream.push(&piece));
    }
    add(stream.finish());
    all
}

#[test]
fn what_comes_out_of_a_stream_is_the_filtered_text_wherever_it_is_cut() {
    let filter = Arc::new(filter(WORDS));
    for text in [
        "you r-a-s-c-a-l and old   fool, fool's gold",
        "大*坏🥚，妈妈的坏蛋",
        "$wag 13. 弓虽盗了 🖕🖕",
        "raaaaaaaaaaaaaaaaascal ra\u{200b}scal dahuaidan",
    ] {
        let whole = filter.filter(text);
        assert!(!whole.hits.is_empty());
        for length in 1..=text.chars().count() {
            assert_eq!(
                streamed(&filter, text, &[length]),
                whole,
                "{text} by {length}"
            );
        }
        // All splits into three.
        for first in 1..text.chars().count() {
            for second in 1..text.chars().count() - first {
                assert_eq!(
                    streamed(&filter, text, &[first, second, 1000]),
                    whole,
                    "{text} by {first} and {second}"
                );
            }
        }
    }
}

#[test]
fn little_is_kept_back_of_a_text_without_words() {
    let filter = Arc::new(filter(WORDS));
    let mut stream = Stream::new(filter);
    let text = "Your parcel has left the house in Leipzig and will be with you tomorrow. 您的包裹已经发出，明天就到。";
    let mut out = 0;
    for (number, char) in text.chars().enumerate() {
        out += stream.push(&char.to_string()).masked.chars().count();
        assert!(
            number + 1 - out <= 12,
            "{} characters are kept back",
            number + 1 - out
        );
    }
}

#[test]
fn characters_that_are_not_seen_are_not_kept_back_without_end() {
    let filter = Arc::new(filter("rascal\n/qq\\d{5,11}/"));
    let mut stream = Stream::new(filter);
    let mut kept = 7 - stream.push("a qq123").masked.chars().count();
    for _ in 0..1_000 {
        kept += 1;
        kept -= stream.push("\u{200b}").masked.chars().count();
        assert!(kept < 400, "{kept} characters are kept back");
    }
    assert!(kept < 60, "{kept} characters are kept back");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_stream_is_its_text(text in texts(), lengths in prop::collection::vec(1..6usize, 1..6)) {
        let filter = Arc::new(filter(WORDS));
        let whole = filter.filter(&text);
        prop_assert_eq!(streamed(&filter, &text, &lengths), whole);
    }

    #[test]
    fn places_are_in_the_text_and_the_rest_of_it_stays(text in texts(), more in any::<String>()) {
        let text = format!("{text}{more}");
        let found = filter(WORDS).filter(&text);
        let chars: Vec<char> = text.chars().collect();
        let masked: Vec<char> = found.masked.chars().collect();
        prop_assert_eq!(masked.len(), chars.len());
        let is_covered = |at: usize| {
            let covers = |hit: &&Hit| hit.action >= Action::Mask && (hit.start..hit.end).contains(&at);
            found.hits.iter().find(covers).is_some()
        };
        for hit in &found.hits {
            prop_assert!(hit.start < hit.end && hit.end <= chars.len());
        }
        for at in 0..chars.len() {
            prop_assert_eq!(masked[at], if is_covered(at) { '*' } else { chars[at] });
        }
    }

    #[test]
    fn whatever_is_listed_is_found_as_it_is(word in "\\PC{1,12}") {
        let mut list = WordList::new();
        let bare = word.trim();
        let is_expression = bare.starts_with('/') && bare.ends_with('/');
        if is_expression || list.add(word.as_bytes(), "w".as_ref()).is_err() || list.is_empty() || bare.contains('#') {
            return Ok(());
        }
        let filter = Filter::new(list, FilterConfig::default());
        let found = filter.filter(&format!("， {bare} ，"));
        prop_assert!(found.hits.iter().any(|hit| hit.start <= 2 && hit.end >= 2 + bare.chars().count()), "{:?}", found);
    }
}

#[test]
fn a_large_text_of_beginnings_is_filtered_in_proportion_to_it() {
    // Each letter may begin a word, and none is one: the work is bounded by what a word may take up.
    let filter = filter(&format!("{}b\n{}c", "a".repeat(63), "坏".repeat(60)));
    let text = "a".repeat(200_000) + &"坏".repeat(100_000);
    assert!(filter.filter(&text).hits.is_empty());
    let filter = self::filter("坏蛋\nfool");
    let text = "坏".repeat(200_000) + "蛋" + &"f".repeat(60) + "ool";
    let hits = filter.filter(&text).hits;
    assert_eq!(hits.len(), 2);
    assert_eq!((hits[0].end, hits[1].end), (200_001, 200_064));
}
