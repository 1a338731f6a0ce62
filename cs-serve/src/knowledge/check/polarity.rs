//! Whether something is said to be so, not to be so, or asked.

const NO: &[&str] = &[
    "没有", "没", "无", "不", "非", "别", "未", "勿", "not ", "no ", "n't", "cannot", "never",
    "without", "neither",
];
const YES: &[&str] = &[
    "可以", "支持", "提供", "包含", "含", "允许", "有", "能", "是", "会", "yes", "can", "is",
    "are", "do", "does", "has", "have", "offer", "support", "include", "accept", "allow",
];
/// What has no within it and does not say so.
const NEITHER: &[&str] = &[
    "不锈钢",
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
    "not only",
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

/// Says whether a stretch of a text denies something.
pub(super) fn denies(text: &str) -> bool {
    let rest = NEITHER
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word, ""));
    NO.iter().filter(|word| rest.contains(*word)).count() > 0
}

/// Says whether what follows a text is denied: the last word that says so or not says not.
pub(super) fn ends_in_denial(text: &str) -> bool {
    let rest = NEITHER
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word, ""));
    let ends = NO
        .iter()
        .filter_map(|word| Some(rest.rfind(word)? + word.len()));
    let yes = HAVING.iter().filter_map(|word| rest.rfind(word)).max();
    ends.max().is_some_and(|no| yes.is_none_or(|yes| yes <= no))
}

/// Says whether a text leads over to something else than was asked for; if what was asked for is
/// all that says so, an offer alone does.
pub(super) fn offers_another(text: &str, asked: bool) -> bool {
    let offers = OFFERING.iter().any(|it| text.contains(it));
    if asked {
        offers || denies(text)
    } else {
        denies(text)
    }
}
