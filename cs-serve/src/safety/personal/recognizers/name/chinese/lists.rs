//! Characters and words of names in Chinese, and words that only look like them. The lists beside this file were written for it,
//! from general knowledge of what people, places and companies are called.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::super::super::address::is_region;

type Characters = LazyLock<HashSet<char>>;
type Words = LazyLock<HashSet<&'static str>>;

/// The surnames of nearly all Chinese, the most frequent first.
static SURNAMES: Characters =
    LazyLock::new(|| include_str!("surnames.txt").trim().chars().collect());

/// Those that are more often something else than a surname.
const NO_SURNAMES: &str = "那车和门初信向都国全位相来支平敬花有能但由要时单解查强权鲜印战危玉银公哈利呼居揭干元束衣展阴智幸奉植富闭区帅盖粟豆满闻\
    桑官边封乐师经连党项解喻应家常双位但班南么代鱼毋巢融冒腾辇弓昌揣糜桓竺";

/// Surnames of two characters.
const DOUBLE: &str = "东郭|西门|太史|百里|呼延|拓跋|完颜|纳兰|赫连|万俟|公冶|宗政|淳于|单于|仲孙|鲜于|闾丘|公羊|亓官|司寇|颛孙|\
    巫马|漆雕|乐正|壤驷|公良|夹谷|宰父|谷梁|段干|羊舌|南门|左丘|梁丘|叶赫|欧阳|上官|司马|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯|端木|长孙|独孤|南宫|轩辕|宇文|闻人|澹台|濮阳|钟离|申屠";

static DOUBLES: Words = LazyLock::new(|| DOUBLE.split('|').collect());

/// Characters of given names.
static GIVEN: Characters = LazyLock::new(|| {
    include_str!("given_characters.txt")
        .trim()
        .chars()
        .collect()
});

/// Those of them that are in hardly anything else.
static TELLING: Characters = LazyLock::new(|| {
    include_str!("telling_characters.txt")
        .trim()
        .chars()
        .collect()
});

/// Characters that write the sounds of other languages' names.
static SOUNDS: Characters =
    LazyLock::new(|| include_str!("transliteration.txt").trim().chars().collect());

/// Parts of names of Tibet, Mongolia, Xinjiang and of the Yi.
static ELEMENTS: Words =
    LazyLock::new(|| include_str!("elements.txt").split_whitespace().collect());

/// The characters that they begin with.
static ELEMENTS_BEGIN: Characters =
    LazyLock::new(|| ELEMENTS.iter().filter_map(|it| it.chars().next()).collect());

/// What begins with a surname and is no name, by its first two characters.
static WORDS: Words = LazyLock::new(|| include_str!("no_names.txt").split_whitespace().collect());

/// Brands, places and the dead whose names are as persons'.
static NO_PERSONS: Words =
    LazyLock::new(|| include_str!("no_persons.txt").split_whitespace().collect());

/// The most characters of an element, and of what is no person.
const LONGEST_ELEMENT: usize = 5;

/// Characters that write sounds too, but are in many words.
const DOTTED: &str = "历列大都合道当本因以于中能基丰富宝音卫";

/// Family names of Japan and Korea of two characters.
const JAPANESE: &[&str] = &[
    "佐藤", "铃木", "高桥", "田中", "渡边", "伊藤", "山本", "中村", "小林", "加藤", "吉田", "山田",
    "佐佐", "山口", "松本", "井上", "木村", "清水", "山崎", "中岛", "池田", "阿部", "桥本", "山下",
    "森田", "石川", "前田", "藤田", "小川", "冈田", "后藤", "长谷", "村上", "近藤", "石井", "坂本",
    "远藤", "青木", "藤井", "西村", "福田", "太田", "三浦", "冈本", "松田", "中川", "中野", "原田",
    "小野", "田村", "竹内", "金子", "和田", "中山", "藤原", "石田", "上田", "宫本", "工藤", "酒井",
    "大野", "增田", "河野", "南宫", "皇甫",
];

/// Characters that are hardly in a given name, or that begin what follows a name.
const NO_NAME: &str = "错填改两写打的了吗呢吧啊嘛想要在是和跟与及有我你您他她它请把给这那电手地住址昨就也都还能不没很买订退换说问从到为因被让对用收寄身出号码人员户客级哪怎什么谁个们该查付款办取送点费机卡证";

/// Whether a character may be of a given name.
pub(super) fn is_given(c: char) -> bool {
    GIVEN.contains(&c)
}

/// Whether a character of a given name is in hardly anything else.
pub(super) fn is_telling(c: char) -> bool {
    TELLING.contains(&c)
}

/// Whether a character may write a sound of another language's name.
pub(super) fn is_sound(c: char) -> bool {
    SOUNDS.contains(&c)
}

/// Whether a character may do so beside a dot.
pub(super) fn is_dotted_sound(c: char) -> bool {
    is_sound(c) || DOTTED.contains(c)
}

/// Whether a character is hardly in a name.
pub(super) fn is_no_name(c: char) -> bool {
    NO_NAME.contains(c)
}

pub(super) fn is_surname(c: char) -> bool {
    SURNAMES.contains(&c)
}

pub(super) fn is_plain_surname(c: char) -> bool {
    is_surname(c) && !NO_SURNAMES.contains(c)
}

/// Gives the length of the surname with which a text begins.
pub(super) fn surname_of(text: &str) -> Option<usize> {
    if let Some(double) = text.get(..6).filter(|it| DOUBLES.contains(it)) {
        return Some(double.len());
    }
    let first = text.chars().next()?;
    is_surname(first).then(|| first.len_utf8())
}

/// Gives the length of a surname that is hardly anything else.
pub(super) fn plain_surname_of(text: &str) -> Option<usize> {
    let is_plain = |length: &usize| *length > 3 || !text.starts_with(|c| NO_SURNAMES.contains(c));
    surname_of(text).filter(is_plain)
}

/// Whether a text begins with a word, or with what is called as a person and is none.
pub(super) fn is_word(name: &str) -> bool {
    let second = name.char_indices().nth(2).map_or(name.len(), |it| it.0);
    let third = name[second..].chars().next();
    let is_told = third.is_some_and(is_telling);
    WORDS.contains(&name[..second]) && !is_told || name.starts_with('鱼') || is_no_person(name)
}

/// Whether a text begins with what is called as a person and is none.
pub(super) fn is_no_person(text: &str) -> bool {
    let ends = text.char_indices().map(|it| it.0).chain([text.len()]);
    ends.skip(2)
        .take(LONGEST_ELEMENT - 1)
        .any(|end| NO_PERSONS.contains(&text[..end]))
}

/// Gives the length of the parts of a name of Tibet, Mongolia, Xinjiang or of the Yi with which a text begins, and how many
/// they are.
pub(super) fn elements_of(text: &str) -> (usize, usize) {
    let (mut at, mut count) = (0, 0);
    loop {
        let rest = &text[at..];
        if !rest.starts_with(|c| ELEMENTS_BEGIN.contains(&c)) {
            return (at, count);
        }
        let ends = rest.char_indices().map(|it| it.0).chain([rest.len()]);
        let ends = ends.skip(2).take(LONGEST_ELEMENT - 1);
        let Some(end) = ends.filter(|&end| ELEMENTS.contains(&rest[..end])).last() else {
            return (at, count);
        };
        at += end;
        count += 1;
    }
}

/// Says whether a word is a family name of Japan with a given name.
pub(super) fn is_japanese(word: &str) -> bool {
    let family = word.get(..6).is_some_and(|it| JAPANESE.contains(&it));
    family && (8..=12).contains(&word.len()) && !word.contains(|c| NO_NAME.contains(c))
}

/// Says whether a word is a name as people of Tibet, Mongolia and Xinjiang have them.
pub(super) fn is_whole_name(word: &str) -> bool {
    let count = word.chars().count();
    let sounds = word.chars().filter(|c| is_sound(*c)).count();
    (4..=5).contains(&count)
        && sounds + 1 >= count
        && !word.contains(|c| NO_NAME.contains(c))
        && !word.get(..6).is_some_and(|it| DOUBLES.contains(it))
}

/// Whether a text is a name and nothing else.
pub(super) fn is_full(name: &str) -> bool {
    if is_word(name) || is_region(name) {
        return false;
    }
    let (elements, elements_count) = elements_of(name);
    if elements == name.len() && elements_count > 1 {
        return true;
    }
    let of_sounds = name.chars().filter(|c| is_sound(*c)).count();
    let count = name.chars().count();
    match surname_of(name) {
        Some(surname) => {
            let given = &name[surname..];
            let length = given.chars().count();
            let is_name =
                (1..=2).contains(&length) && given.chars().all(|c| is_given(c) && !is_no_name(c));
            is_name || (4..=6).contains(&count) && of_sounds == count
        }
        None => (3..=6).contains(&count) && of_sounds == count,
    }
}
