//! Whether something is said to be so, not to be so, or asked.

/// What denies: English words with the blank before them, as "piano " has no in it.
const NO: &[&str] = &[
    "没有", "没", "无", "不", "非", "别", "未", "勿", " not ", " no ", "n't", " cannot", " never",
    " without", " neither",
];
const YES: &[&str] = &[
    "可以", "支持", "提供", "包含", "含", "允许", "有", "能", "是", "会", "yes", "can", "is",
    "are", "do", "does", "has", "have", "offer", "support", "include", "accept", "allow",
];
/// Words that have no within them and do not say so.
const NEITHER: &[&str] = &[
    "不仅",
    "不但",
    "不错",
    "不过",
    "不好意思",
    "不用",
    "没问题",
    "不客气",
    "无论",
    "不妨",
    "不少",
    "非常",
    "特别",
    "分别",
    "无理由",
    "无条件",
    "无线",
    "无忧",
    "不限",
    "不锈钢",
    "未来",
    "not only",
    "no questions asked",
    "no doubt",
    "no problem",
];
/// What says of things that follow that they are there.
const HAVING: &[&str] = &[
    "有", "是", "提供", "含", "支持", "为", "have", "has", "offer", "is ", "are ",
];
const ASKING: &[&str] = &[
    "吗",
    "?",
    "是否",
    "有没有",
    "能不能",
    "可不可以",
    "whether",
    "如果",
    "if ",
];
const OFFERING: &[&str] = &[
    "推荐",
    "建议",
    "帮您查",
    "为您找",
    "给您找",
    "recommend",
    "suggest",
    "instead",
];

/// What a clause says of what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polarity {
    Yes,
    No,
    Open,
}

/// Reads the words around the name of a property, and that name, which may say yes itself, as
/// 支持退货 does.
pub(super) fn of(around: &str, name: &str) -> Polarity {
    let has = |text: &str, words: &[&str]| words.iter().any(|it| text.contains(it));
    if has(around, ASKING) {
        return Polarity::Open;
    }
    if denies(around) {
        return Polarity::No;
    }
    if has(around, YES) || has(name, YES) {
        Polarity::Yes
    } else {
        Polarity::Open
    }
}

/// Says whether the words of a text, without the names and values in it, deny something.
pub(in crate::knowledge) fn denies(words: &str) -> bool {
    let words = without_neither(words);
    NO.iter().any(|it| words.contains(it))
}

/// Says whether what follows some words is denied: the last one that says so or not says not.
pub(super) fn ends_in_denial(words: &str) -> bool {
    let words = without_neither(words);
    let ends = NO.iter().filter_map(|it| Some(words.rfind(it)? + it.len()));
    let yes = HAVING.iter().filter_map(|it| words.rfind(it)).max();
    ends.max().is_some_and(|no| yes.is_none_or(|yes| yes <= no))
}

fn without_neither(words: &str) -> String {
    NEITHER
        .iter()
        .fold(format!(" {words} "), |words, it| words.replace(it, " "))
}

/// Says whether words lead over to something else than was asked for; if what was asked for is
/// all that says so, an offer alone does.
pub(super) fn offers_another(words: &str, asked: bool) -> bool {
    denies(words) || (asked && OFFERING.iter().any(|it| words.contains(it)))
}
