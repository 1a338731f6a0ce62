//! Sentences from a text file: sections of lines, a line picked by chance, its `{slots}` filled.
//!
//! ```text
//! [turns mobile]             a section: lines, or several on one line between " | "
//! 打{@mobile}找我             a value of that kind, from the section `mobile`; `{@mobile.old}` from the section of that name
//! {city}                     a line of another section; `{none}` is a section with an empty line
//! {1-300} {01-12} {1-28:th}  a number between two, of two digits, as an ordinal
//! {#8} {0#8} {#1:12345}      digits, the first of them not 0; any; any of these
//! {A2} {a2} {x4} {A1:ABC}    letters, in lower case, hexadecimal; any of these
//! {cn:6 8 4:wide}            a value with check digits (see `sources`): groups and what stands between, and a style (see `writing`)
//! {G|D|K}                    any of these
//! ```

use std::collections::BTreeMap;

use cs_data::SplitMix;
use cs_serve::safety::personal::Kind;

use super::Result;
use super::turns::Planted;
use super::{sources, writing};

/// Letters as they stand in numbers: I and O look too much like digits.
const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The sections of a file.
#[derive(Debug)]
pub(super) struct Grammar(BTreeMap<String, Vec<Line>>);

type Line = Vec<Part>;

#[derive(Debug)]
enum Part {
    Text(String),
    Section(String),
    Value(Kind, String),
    Number(Number),
    Characters(Characters),
    OneOf(Vec<String>),
    Source(Source),
}

#[derive(Debug)]
struct Number {
    least: usize,
    most: usize,
    width: usize,
    is_ordinal: bool,
}

#[derive(Debug)]
struct Characters {
    count: usize,
    of: Vec<char>,
    may_begin_with_zero: bool,
    style: String,
}

#[derive(Debug)]
struct Source {
    name: String,
    groups: String,
    style: String,
}

/// What was made so far.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) text: String,
    pub(super) values: Vec<Planted>,
}

impl Grammar {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut sections = BTreeMap::new();
        let mut lines: &mut Vec<Line> = sections.entry("none".to_owned()).or_default();
        lines.push(Vec::new());
        for line in text.lines().filter(|it| !it.is_empty()) {
            if let Some(name) = header(line) {
                lines = sections.entry(name.to_owned()).or_default();
                continue;
            }
            for alternative in line.split(" | ") {
                lines.push(parse_line(alternative)?);
            }
        }
        let grammar = Self(sections);
        grammar.check()?;
        Ok(grammar)
    }

    /// Adds a line of a section.
    pub(super) fn expand(&self, random: &mut SplitMix, section: &str, made: &mut Made) {
        let lines = self.0.get(section).map_or(&[][..], Vec::as_slice);
        let parts = random.pick(lines).map_or(&[][..], Vec::as_slice);
        for part in parts {
            self.add(random, part, made);
        }
    }

    fn add(&self, random: &mut SplitMix, part: &Part, made: &mut Made) {
        match part {
            Part::Text(text) => made.text.push_str(text),
            Part::Section(name) => self.expand(random, name, made),
            Part::Value(kind, section) => {
                let start = made.text.chars().count();
                self.expand(random, section, made);
                let end = made.text.chars().count();
                let kind = *kind;
                made.values.push(Planted { kind, start, end });
            }
            Part::Number(it) => made.text.push_str(&it.make(random)),
            Part::Characters(it) => made.text.push_str(&it.make(random)),
            Part::OneOf(these) => made
                .text
                .push_str(random.pick(these).map_or("", String::as_str)),
            Part::Source(it) => {
                let value = sources::make(&it.name, random).unwrap_or_default();
                let grouped = writing::grouped(&value, &it.groups);
                made.text.push_str(&writing::styled(&grouped, &it.style));
            }
        }
    }

    /// Refuses slots that name nothing.
    fn check(&self) -> Result<()> {
        for part in self.0.values().flatten().flatten() {
            let section = match part {
                Part::Section(name) | Part::Value(_, name) => name,
                Part::Source(it) if sources::make(&it.name, &mut SplitMix::new(0)).is_none() => {
                    return Err(format!("no section or source {:?}", it.name).into());
                }
                _ => continue,
            };
            if !self.0.contains_key(section) {
                return Err(format!("no section {section:?}").into());
            }
        }
        Ok(())
    }
}

impl Number {
    fn make(&self, random: &mut SplitMix) -> String {
        let number = self.least + random.below(self.most - self.least + 1);
        let ending = match (self.is_ordinal, number % 10, number % 100 / 10) {
            (false, ..) => "",
            (true, 1, 0 | 2..) => "st",
            (true, 2, 0 | 2..) => "nd",
            (true, 3, 0 | 2..) => "rd",
            _ => "th",
        };
        format!("{number:0width$}{ending}", width = self.width)
    }
}

impl Characters {
    fn make(&self, random: &mut SplitMix) -> String {
        let one = |random: &mut SplitMix| self.of[random.below(self.of.len())];
        let mut text: String = (0..self.count).map(|_| one(random)).collect();
        if text.starts_with('0') && !self.may_begin_with_zero {
            text.replace_range(..1, "3");
        }
        writing::styled(&text, &self.style)
    }
}

fn header(line: &str) -> Option<&str> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    (!name.contains(['{', '[', ']'])).then_some(name)
}

fn parse_line(line: &str) -> Result<Line> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, after) = after
            .split_once('}')
            .ok_or_else(|| format!("a slot without end in {line:?}"))?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(parse_slot(slot)?);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn parse_slot(slot: &str) -> Result<Part> {
    if let Some(section) = slot.strip_prefix('@') {
        let name = section.split('.').next().unwrap_or(section);
        let kind = Kind::named(name).ok_or_else(|| format!("no kind {name:?}"))?;
        return Ok(Part::Value(kind, section.to_owned()));
    }
    if slot.contains('|') {
        return Ok(Part::OneOf(slot.split('|').map(str::to_owned).collect()));
    }
    let mut fields = slot.split(':');
    let mut field = || fields.next().unwrap_or_default();
    let (name, second, style) = (field(), field(), field());
    if let Some((least, most)) = range(name) {
        return Ok(Part::Number(Number {
            least,
            most,
            width: if name.starts_with('0') { 2 } else { 0 },
            is_ordinal: second == "th",
        }));
    }
    if let Some(it) = characters(name, second, style) {
        return Ok(Part::Characters(it));
    }
    if slot.contains(':') || sources::make(name, &mut SplitMix::new(0)).is_some() {
        return Ok(Part::Source(Source {
            name: name.to_owned(),
            groups: second.to_owned(),
            style: style.to_owned(),
        }));
    }
    Ok(Part::Section(name.to_owned()))
}

fn range(name: &str) -> Option<(usize, usize)> {
    let (least, most) = name.split_once('-')?;
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    (least <= most).then_some((least, most))
}

fn characters(name: &str, of: &str, style: &str) -> Option<Characters> {
    let (may_begin_with_zero, name) = match name.strip_prefix("0#") {
        Some(_) => (true, &name[1..]),
        None => (false, name),
    };
    let count = name.get(1..)?.parse().ok()?;
    let all = match name.chars().next()? {
        '#' => "0123456789".to_owned(),
        'x' => "0123456789abcdef".to_owned(),
        'A' => LETTERS.to_owned(),
        'a' => LETTERS.to_ascii_lowercase(),
        _ => return None,
    };
    let of = if of.is_empty() { &all } else { of };
    Some(Characters {
        count,
        of: of.chars().collect(),
        may_begin_with_zero,
        style: style.to_owned(),
    })
}
