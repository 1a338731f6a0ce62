//! The part of Jinja's notation that texts are written in.
//!
//! A text needs places, a choice, perhaps a loop. What could make one long out of little (repetition,
//! concatenation, names for texts, most filters) is not among that, so that the memory of a text is bounded by
//! what it is made of.

/// What may stand in `{% %}`.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];
/// What may stand behind `|`: nothing of it gives more than it gets.
pub(super) const FILTERS: [&str; 11] = [
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "default",
    "length",
    "first",
    "last",
    "int",
    "float",
];
/// What may not stand in a place or a statement, outside of quotes.
const REFUSED: [char; 5] = ['*', '+', '~', '{', '}'];

/// Refuses what texts are not written in, by its line, from 1, and what is wrong there. What is no template at all is
/// left to who parses it.
pub(super) fn check(source: &str) -> Result<(), (usize, String)> {
    let mut rest = source;
    while let Some(at) = rest
        .find("{{")
        .into_iter()
        .chain(rest.find("{%"))
        .chain(rest.find("{#"))
        .min()
    {
        let (opening, tag) = rest[at..].split_at(2);
        let line = || 1 + source[..source.len() - tag.len()].matches('\n').count();
        let wrong = |problem| (line(), problem);
        let closing = match opening {
            "{{" => "}}",
            "{%" => "%}",
            _ => {
                let end = tag.find("#}").map_or(tag.len(), |end| end + 2);
                rest = &tag[end..];
                continue;
            }
        };
        let end = end(tag, closing).map_err(wrong)?;
        if opening == "{%" {
            statement(&tag[..end]).map_err(wrong)?;
        }
        rest = tag.get(end + 2..).unwrap_or_default();
    }
    Ok(())
}

/// Gives the byte where a place or a statement ends, once what stands in it is looked through.
fn end(tag: &str, closing: &str) -> Result<usize, String> {
    let mut chars = tag.char_indices();
    while let Some((at, char)) = chars.next() {
        if tag[at..].starts_with(closing) {
            return Ok(at);
        }
        match char {
            '"' | '\'' => skip_quoted(&mut chars, char),
            '|' => filter(&tag[at + 1..])?,
            _ if REFUSED.contains(&char) => {
                return Err(format!(
                    "{char:?} in a place or a statement, expected names, comparisons and filters"
                ));
            }
            _ => {}
        }
    }
    Ok(tag.len())
}

fn skip_quoted(chars: &mut std::str::CharIndices<'_>, quote: char) {
    while let Some((_, char)) = chars.next() {
        match char {
            '\\' => drop(chars.next()),
            _ if char == quote => return,
            _ => {}
        }
    }
}

fn filter(after: &str) -> Result<(), String> {
    let name = word(after);
    match FILTERS.contains(&name) {
        true => Ok(()),
        false => Err(format!(
            "the filter {name:?}, expected one of {}",
            FILTERS.join(", ")
        )),
    }
}

fn statement(tag: &str) -> Result<(), String> {
    let name = word(tag.trim_start_matches(['-', '+']));
    match STATEMENTS.contains(&name) {
        true => Ok(()),
        false => Err(format!(
            "the statement {name:?}, expected one of {}",
            STATEMENTS.join(", ")
        )),
    }
}

fn word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_choices_and_loops_are_written() {
        for source in [
            "",
            "2 * 3 + 4 ~ {5}",
            "{{order_id}}",
            "{{ a | default('*~{{') | upper }}",
            "{% if a == '%}' and b is defined %}x{%- elif c[0] in 'ab' -%}y{% else %}z{% endif %}",
            "{% for it in a %}{{ loop.index }}{% endfor %}",
            "{# 2 * 3 {% set #} {{a}}",
            "{{ \"\\\"*\" }}",
            "a {{b",
        ] {
            assert_eq!(check(source), Ok(()), "{source}");
        }
    }

    #[test]
    fn what_makes_much_of_little_is_refused() {
        for (source, expected) in [
            ("{{ 'x' * 1000000000 }}", "line 1: '*' in a place"),
            ("a\n{{ a ~ a }}", "line 2: '~' in a place"),
            ("{{ a + a }}", "line 1: '+' in a place"),
            ("{{ {'a': 1} }}", "line 1: '{' in a place"),
            ("\n\n{% set a = 'x' %}", "line 3: the statement \"set\""),
            ("{%- raw %}{% endraw %}", "line 1: the statement \"raw\""),
            ("{% with a = b %}", "line 1: the statement \"with\""),
            ("{% macro m() %}", "line 1: the statement \"macro\""),
            (
                "{{ a | indent(99999999) }}",
                "line 1: the filter \"indent\"",
            ),
            ("{{ a|upper|join('xxx') }}", "line 1: the filter \"join\""),
            ("{{ '*' * 3 }}", "line 1: '*' in a place"),
        ] {
            let (line, problem) = check(source).unwrap_err();
            let told = format!("line {line}: {problem}");
            assert!(told.starts_with(expected), "{told}");
        }
    }
}
