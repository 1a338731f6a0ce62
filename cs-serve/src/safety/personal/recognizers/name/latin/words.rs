//! Words of names in Latin letters, and words that only look like them. The lists beside this file were written for it,
//! from general knowledge of what people, places and companies are called.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::super::super::pattern::{Pattern, pattern};

type Words = LazyLock<HashSet<&'static str>>;

/// Given names that many have.
static GIVEN: Words =
    LazyLock::new(|| include_str!("given_names.txt").split_whitespace().collect());

/// Family names that many have.
static FAMILY: Words = LazyLock::new(|| {
    include_str!("family_names.txt")
        .split_whitespace()
        .collect()
});

/// Chinese surnames in Latin letters.
static PINYIN_SURNAMES: Words = LazyLock::new(|| {
    include_str!("pinyin_surnames.txt")
        .split_whitespace()
        .collect()
});

/// Words with a capital that are no names.
static NO_NAMES: Words =
    LazyLock::new(|| include_str!("no_names.txt").split_whitespace().collect());

/// Towns, countries and the like.
static PLACES: Words = LazyLock::new(|| listed(include_str!("places.txt")));

/// Names of products and companies that are as persons'.
static BRANDS: Words = LazyLock::new(|| listed(include_str!("brands.txt")));

/// The first words of brands of several.
static BRANDS_BEGIN: Words = LazyLock::new(|| {
    BRANDS
        .iter()
        .filter_map(|it| Some(it.split_once(' ')?.0))
        .collect()
});

fn listed(text: &'static str) -> HashSet<&'static str> {
    text.split([',', '\n']).map(str::trim).collect()
}

/// One or two syllables of Mandarin or Cantonese.
static SYLLABLES: Pattern = Pattern::new(|| {
    pattern(
        r"^(?i:(?:zh|ch|sh|ng|kw|gw|ts|hs|[bpmfdtnlgkhjqxrzcsyw])?(?:i?ang?|uang?|u?ai|i?ao|ou|u?ei|i?e|u?en|eng|iu|iong|ong|ing?|un|uo|ue|ui|er|ua|ia|[aoeiu]|eu?ng|am|im|ok|ak|it|at|ee|oi|ung|aw)-?){1,2}$",
    )
});

/// Given names that are words in lower case.
const ALSO_WORDS: &str = "mark frank grant will may june april august rose grace hope faith joy dawn amber ruby jade jasmine ivy iris violet \
    holly hazel daisy lily poppy rosemary robin dean earl duke miles chase hunter carter mason jack bill bob rob pat sue rich drew art \
    gene ray jay dale glen brook star christian jean jan ali ama max crystal dana bonnie angel virginia florence georgia madison \
    austin jordan charlotte sydney logan harry barry terry carol marina paris penny sandy stormy summer sunny sky gay gilbert jin may hung dung sang long rang hoa mai nana papa mama honor rich clay pearl opal buddy lucky ernest ace wade lane cash";

/// Family names that are words in lower case.
const FAMILY_TOO: &str = "hill flores ward gray day may little banks fields powers price sharp swift savage waters winter winters stone wood long \
    hart lane berry rice hunt hunter fox mason porter carpenter fisher cook baker cooper taylor walker park green brown white black young \
    king rose bush bell love cross best read reed page bishop knight chambers mills wells burns barnes brooks marsh field ford hope jordan \
    holland austin dean le do ho he ma ba so sow fall sy sun fan tan pan ding tang song small rich cash speed frost snow early sim ray grant \
    sims gill heath booth poole rowe leach sen das luna vega cruz costa abe singh lee wade house hall webb case rush carter clay koch \
    major sage yates light english church moon street miles wise power sweet star goody robin frank \
    gore li weaver singer leach may ali das ray jin goto bui dang \
    coke pepper pierce butler foster gardner turner archer cannon fields flowers gates rivers walls woods hand head foot cotton silk \
    ball beach bird black blake bland bloom bond bull bridges castle chase cliff crane crook dove drake earl flood french gale gentry grace \
    graves grey groves guy hood horn huff judge justice lake law lemon link lodge main mead moody monk moss mount noble north olive parent \
    pike pilgrim pool pound rust self shore silver small smart sparks spears squire stamp strange swan temple tipping trace west wren worth \
    win will wing ware wall weeks villa short strong summer page rush bill hand chan duty major sell bay ring risk rule sage savage seal seat \
    self shore sing star stark stern still stock storm story street tan tang task team tell ten test then thing thorn time tow trace trip \
    troy van wait want war wash way were while wish with wolf word work yes yard zip mount ram rub bin bash bach bale ban bar base bass beck \
    bind bland blank boot bore brand brave bread brew brick brief bright broad budget buff burn bus cable can cap care carry cave chain child \
    long wood field ford love north read rose silver small sweet west wise worth best black bush case cash chance drew french gold hope house land law main speed steel strange thorn dyke close white grey king young green hung dung sang long";

/// What family names of Vietnam are followed by, or given names begin with.
const VIETNAMESE: &str = "Thi Van Minh Duc Thanh Ngoc Quoc Xuan Hong Kim Anh Huu Cong Dinh Quang Thu Phuong Hoang Bao Gia Tuan";

/// Family names of Vietnam.
const VIETNAMESE_FAMILIES: &str =
    "Nguyen Tran Le Pham Hoang Huynh Phan Vu Vo Dang Bui Do Ho Ngo Duong Ly Trinh Dinh Mai Truong";

/// Whether a word with a capital is no name.
pub(super) fn is_no_name(word: &str) -> bool {
    NO_NAMES.contains(word)
}

/// Whether words are a town's, a country's or a company's.
pub(super) fn is_place_or_brand(words: &str) -> bool {
    if PLACES.contains(words) || BRANDS.contains(words) {
        return true;
    }
    let first = words.split(' ').next().unwrap_or_default();
    BRANDS_BEGIN.contains(first)
        && words
            .match_indices(' ')
            .any(|(at, _)| BRANDS.contains(&words[..at]))
}

pub(super) fn is_place(word: &str) -> bool {
    PLACES.contains(word)
}

/// Whether a given name is a word as well, in lower case.
pub(super) fn is_also_word(word: &str) -> bool {
    is_in(ALSO_WORDS, word)
}

/// Whether a family name is a word as well, in lower case.
pub(super) fn is_family_too(word: &str) -> bool {
    is_in(FAMILY_TOO, word)
}

pub(super) fn is_given_name(word: &str) -> bool {
    let first = plain(word.split('-').next().unwrap_or(word));
    GIVEN.contains(&*first)
}

pub(super) fn is_family_name(word: &str) -> bool {
    FAMILY.contains(word) || FAMILY.contains(&*plain(word))
}

/// Says whether a word is a family name, and not a word beside another one in the same case.
pub(super) fn is_family(word: &str, other: &str) -> bool {
    let is_lower = word.starts_with(|c: char| c.is_lowercase())
        || other.starts_with(|c: char| c.is_lowercase());
    let is_shouted = word.len() > 1 && word.bytes().all(|it| it.is_ascii_uppercase());
    let name = capitalised(word);
    let is_irish = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|it| {
            it.len() > 2 && FAMILY.contains(&*format!("{prefix}{}", capitalised(it)))
        })
    };
    let is_arabic = |prefix: &str| name.strip_prefix(prefix).is_some_and(|it| it.len() > 2);
    let is_known = is_family_name(&name)
        || is_arabic("Al-")
        || is_arabic("El-")
        || is_irish("O'")
        || is_irish("Mc")
        || is_irish("Mac");
    let is_known = is_known || is_family_name(word);
    let is_word = || is_in(FAMILY_TOO, &name.to_ascii_lowercase()) || is_no_name(&name);
    is_known && !((is_lower || is_shouted) && is_word())
}

/// Says whether two words are a Chinese name, its surname first or last.
pub(super) fn is_chinese(words: &[&str]) -> bool {
    let is_name = |surname: &str, given: &[&str]| {
        PINYIN_SURNAMES.contains(surname) && given.iter().all(|it| SYLLABLES.is_match(it))
    };
    match words {
        // Wong Ka Yan Tommy
        [first, rest @ .., last] if rest.len() == 2 && is_given_name(last) => is_name(first, rest),
        [first, rest @ ..] if (1..=2).contains(&rest.len()) => {
            is_name(first, rest) || rest.len() == 1 && is_name(rest[0], &[first])
        }
        _ => false,
    }
}

pub(super) fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars.flat_map(char::to_lowercase)).collect()
}

pub(super) fn is_in(words: &str, word: &str) -> bool {
    words.split(' ').any(|it| it == word)
}

/// Whether words are a name of Vietnam, its family name first.
pub(super) fn is_vietnamese(words: &[&str]) -> bool {
    let is = |at: usize, list| words.get(at).is_some_and(|it| is_in(list, &plain(it)));
    (2..=4).contains(&words.len()) && is(0, VIETNAMESE_FAMILIES) && is(1, VIETNAMESE)
}

/// Whether a word is a Chinese surname in Latin letters.
pub(super) fn is_pinyin_surname(word: &str) -> bool {
    PINYIN_SURNAMES.contains(word)
}

/// Whether a word may be one or two syllables of Chinese.
pub(super) fn is_syllables(word: &str) -> bool {
    SYLLABLES.is_match(word)
}

/// Takes the accents off letters.
fn plain(word: &str) -> std::borrow::Cow<'_, str> {
    match word.is_ascii() {
        true => word.into(),
        false => {
            let letters = word.nfd().filter(|c| !is_combining_mark(*c));
            letters.map(without_stroke).collect()
        }
    }
}

/// The letter that one is which is no combination of a letter and a mark.
fn without_stroke(c: char) -> char {
    match c {
        'ø' => 'o',
        'Ø' => 'O',
        'ł' => 'l',
        'Ł' => 'L',
        'đ' => 'd',
        'Đ' => 'D',
        'ı' => 'i',
        c => c,
    }
}
