//! The ways in which a name is said.

use super::form::Form;
use crate::knowledge::{Name, Named};
use crate::letters::is_ideograph;

/// What stands for words that people put within a name, as in `nearby … hotels`.
const GAP: char = '…';

/// The fewest characters of another name in brackets.
const OTHER: usize = 4;

/// The most characters of a name into which a particle is put.
const LONGEST: usize = 16;

/// How much of a name is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    /// All of it, in whatever order.
    Full,
    /// Enough to know it by, if no other thing is called so: without its branch or its article.
    Short,
    /// So little that it could be any word.
    Word,
}

impl Said {
    /// How sure the name is, from 0 to 1.
    pub(super) fn share(self) -> f32 {
        match self {
            Self::Full => 1.0,
            Self::Short => 0.9,
            Self::Word => 0.8,
        }
    }
}

/// A way to say a name.
#[derive(Debug)]
pub(super) struct Variant {
    /// Its parts, with other words between them; mostly one.
    pub(super) parts: Vec<Form>,
    pub(super) said: Said,
}

/// Gives the ways to say `name`, the full one first. `classes` are the names of classes: `the Grand
/// Hotel` is `Grand` for short if there are hotels.
pub(super) fn variants(name: &Name, classes: &[Form]) -> Vec<Variant> {
    let Name {
        text: name, named, ..
    } = name;
    let parts: Vec<Form> = name
        .split(GAP)
        .map(Form::new)
        .filter(|form| !form.chars.is_empty())
        .collect();
    if parts.len() > 1 {
        return vec![Variant {
            parts,
            said: Said::Full,
        }];
    }
    let mut texts = vec![(name.to_owned(), Said::Full)];
    texts.extend(by_branch(name));
    texts.extend(without_article(name));
    if *named != Named::Entity && name.ends_with(|char: char| char.is_ascii_alphabetic()) {
        texts.push((format!("{name}s"), Said::Full));
    }
    if *named == Named::Predicate {
        texts.extend(with_particle(name, classes));
    }
    let mut variants: Vec<Variant> = Vec::new();
    for (text, said) in texts {
        let form = Form::new(&text);
        variants.extend(without_class(&form, classes));
        variants.push(Variant {
            parts: vec![form],
            said,
        });
    }
    variants.retain(|variant| variant.parts.iter().any(|part| !part.chars.is_empty()));
    variants.sort_by_key(|variant| variant.said);
    variants
}

/// `全聚德(王府井店)` is also 王府井全聚德, 王府井店全聚德 and, for short, 全聚德; what else stands in
/// brackets at the end is another name, as 港中旅酒店 of `维景酒店(原港中旅酒店)`.
fn by_branch(name: &str) -> Vec<(String, Said)> {
    let mut ways = Vec::new();
    let Some((base, inner)) = split_brackets(name) else {
        return ways;
    };
    for inner in inner {
        if let Some(place) = inner.strip_suffix('店') {
            let place = place.strip_suffix('分').unwrap_or(place);
            ways.push((format!("{place}{base}"), Said::Full));
            ways.push((format!("{inner}{base}"), Said::Full));
            ways.push((format!("{base}{inner}"), Said::Full));
        } else if inner.is_ascii() {
            ways.push((format!("{inner} {base}"), Said::Full));
        } else if inner.chars().count() >= OTHER {
            let other = inner.strip_prefix('原').unwrap_or(inner);
            ways.push((other.to_owned(), Said::Short));
        }
    }
    ways.push((base.to_owned(), Said::Short));
    ways
}

/// What stands before the brackets at the end of a name, and in each of them.
fn split_brackets(name: &str) -> Option<(&str, Vec<&str>)> {
    let opens = |char| matches!(char, '(' | '（' | '[' | '【');
    let closes = |char| matches!(char, ')' | '）' | ']' | '】');
    let (base, brackets) = name.trim().split_at(name.trim().find(opens)?);
    let inner = brackets.split_inclusive(closes).map(|bracket| {
        let bracket = bracket.trim();
        bracket
            .strip_prefix(opens)?
            .strip_suffix(closes)
            .map(str::trim)
    });
    let inner: Vec<&str> = inner.collect::<Option<_>>()?;
    (!base.is_empty()).then_some((base.trim(), inner))
}

fn without_article(name: &str) -> Option<(String, Said)> {
    let (first, rest) = name.trim().split_once(' ')?;
    let is_article = ["the", "a", "an"]
        .iter()
        .any(|article| first.eq_ignore_ascii_case(article));
    is_article.then(|| (rest.to_owned(), Said::Full))
}

/// 周边餐馆 is also 周边的餐馆, if 餐馆 is a class.
fn with_particle(name: &str, classes: &[Form]) -> Option<(String, Said)> {
    if name.chars().nth(LONGEST).is_some() {
        return None;
    }
    let is_class = |class: &str| {
        let class = Form::new(class).chars;
        class.first().is_some_and(|it| is_ideograph(*it))
            && classes.iter().any(|it| it.chars == class)
    };
    let parts = name.char_indices().skip(1);
    let (owner, class) = parts
        .map(|(at, _)| name.split_at(at))
        .find(|(_, class)| is_class(class))?;
    let is_chinese = owner.ends_with(|it| is_ideograph(it) && it != '的');
    is_chinese.then(|| (format!("{owner}的{class}"), Said::Full))
}

/// `grand hotel` is `grand`, if words of letters are left and `hotel` is a class.
fn without_class(form: &Form, classes: &[Form]) -> Option<Variant> {
    let class = classes
        .iter()
        .find(|class| !class.chars.is_empty() && form.chars.ends_with(&class.chars))?;
    let rest = form.chars.len() - class.chars.len();
    let is_word = rest > 2
        && form.chars[..rest]
            .iter()
            .all(|char| char.is_ascii_alphanumeric());
    let short = (is_word && form.is_edge(rest)).then(|| form.cut(rest))?;
    Some(Variant {
        parts: vec![short],
        said: Said::Word,
    })
}
