//! Whether a text asks something.

/// Chinese words of questions.
const ASKING: [&str; 23] = [
    "吗",
    "呢",
    "多少",
    "什么",
    "几",
    "哪",
    "怎么",
    "怎样",
    "如何",
    "是否",
    "多大",
    "多长",
    "多高",
    "多重",
    "多久",
    "多宽",
    "有没有",
    "能不能",
    "可不可以",
    "请问",
    "告诉我",
    "查一下",
    "想知道",
];
/// English words of questions, wherever they stand.
const QUESTION_WORDS: [&str; 9] = [
    "how", "what", "what's", "when", "where", "which", "who", "whose", "tell",
];
/// What a name begins with in English.
const ARTICLES: [&str; 3] = ["the ", "a ", "an "];
/// English words that begin a question.
const BEGINNINGS: [&str; 12] = [
    "is", "are", "does", "do", "can", "could", "will", "would", "has", "have", "was", "did",
];

/// Whether a text asks something: by a question mark, by a word of questions, or by being hardly
/// more than names of things and properties, which stand at these places, in characters.
pub(super) fn is_question(text: &str, named: &[(usize, usize)]) -> bool {
    let lower = text.trim().to_lowercase();
    let mut words = lower.split(|char: char| !char.is_alphanumeric() && char != '\'');
    lower.ends_with(['?', '？'])
        || ASKING.iter().any(|it| lower.contains(it))
        || words
            .clone()
            .next()
            .is_some_and(|it| BEGINNINGS.contains(&it))
        || words.any(|it| QUESTION_WORDS.contains(&it))
        || is_of_names(text, named)
}

/// Whether four of five letters stand in names, but for the article at the beginning.
fn is_of_names(text: &str, named: &[(usize, usize)]) -> bool {
    let is_named = |at: usize| named.iter().any(|&(start, end)| (start..end).contains(&at));
    let said = text.trim_start();
    let begins = |it: &&&str| {
        let beginning = said.get(..it.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(it))
    };
    let article = ARTICLES.iter().find(begins).map_or(0, |it| it.len());
    let from = text.chars().count() - said.chars().count() + article;
    let letters = text.chars().enumerate().skip(from);
    let letters = letters.filter(|(_, char)| char.is_alphanumeric());
    let (named, other): (Vec<usize>, Vec<usize>) =
        letters.map(|(at, _)| at).partition(|&at| is_named(at));
    !named.is_empty() && named.len() >= 4 * other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_told_from_statements() {
        for (text, expected) in [
            ("晨曦水壶多少钱", true),
            ("晨曦水壶的价格？", true),
            ("Is the kettle in stock", true),
            ("the price, what is it", true),
            ("晨曦水壶的价格太高了", false),
            ("The price of the kettle is too high.", false),
            ("whatever", false),
            ("", false),
        ] {
            assert_eq!(is_question(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn names_alone_are_a_question() {
        assert!(is_question("晨曦水壶的价格", &[(0, 4), (5, 7)]));
        assert!(is_question("The cheapest mug", &[(4, 12), (13, 16)]));
        // Places are those of the text as it is, whatever stands before it and however long its small letters are.
        assert!(is_question("  the cheapest mug", &[(6, 14), (15, 18)]));
        assert!(is_question("\u{3000}最便宜的杯子", &[(1, 4), (5, 7)]));
        assert!(is_question("İİİİ cup", &[(0, 4), (5, 8)]));
        assert!(!is_question("晨曦水壶的价格太高了", &[(0, 4), (5, 7)]));
        assert!(!is_question("", &[]));
    }
}
