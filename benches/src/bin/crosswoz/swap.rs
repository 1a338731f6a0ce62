//! One value of a turn in the place of another.

use cs_data::SplitMix;
use cs_serve::knowledge::value::{Value, read, same_text};

use crate::databases::{DOMAINS, Databases};
use crate::dialogues::{Act, Message};

/// A turn with a value of another thing.
#[derive(Debug)]
pub(crate) struct Swap {
    pub(crate) text: String,
    pub(crate) slot: String,
    pub(crate) right: String,
    pub(crate) wrong: String,
    /// Where the wrong value stands, in characters.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// How often a value is drawn before a turn is left as it is.
const DRAWS: usize = 50;

/// Swaps a value of a turn for another thing's; none if it tells but names, or nothing in the words
/// of its labels. `talk` is the dialogue so far, this turn included: of lists, no value is put in
/// that any thing spoken of has.
pub(crate) fn swap(
    message: &Message,
    talk: &str,
    databases: &Databases,
    seed: u64,
) -> Option<Swap> {
    let mut random = SplitMix::new(seed);
    let mut acts: Vec<&Act> = message
        .dialog_act
        .iter()
        .filter(|act| is_attribute(act, &message.content))
        .collect();
    random.shuffle(&mut acts);
    acts.into_iter()
        .find_map(|act| swapped(act, &message.content, talk, databases, &mut random))
}

/// What a turn says of something: not its name, nor what the databases do not have.
fn is_attribute(Act(intent, domain, slot, value): &Act, content: &str) -> bool {
    matches!(intent.as_str(), "Inform" | "Recommend")
        && domain != "出租"
        && slot != "名称"
        && !["", "无", "是", "否", "none"].contains(&value.as_str())
        && content.matches(value.as_str()).count() == 1
}

fn swapped(
    act: &Act,
    content: &str,
    talk: &str,
    databases: &Databases,
    random: &mut SplitMix,
) -> Option<Swap> {
    let Act(_, domain, slot, right) = act;
    // Stations are those of any place.
    let (domains, slot) = match domain.as_str() {
        "地铁" => (DOMAINS.map(|(name, _)| name).to_vec(), "地铁"),
        domain => (vec![domain], slot.split('-').next()?),
    };
    let rows: Vec<_> = domains.iter().flat_map(|it| databases.rows(it)).collect();
    let spoken_of = || databases.all().filter(|it| talk.contains(&it.name));
    let is_list = slot.starts_with("周边") || slot == "推荐菜" || slot == "酒店设施";
    let mut own: Vec<String> = Vec::new();
    if is_list {
        own.extend(spoken_of().flat_map(|it| it.values(slot)));
    }
    for _ in 0..DRAWS {
        let values = random.pick(&rows)?.values(slot);
        let Some(value) = random.pick(&values) else {
            continue;
        };
        let wrong = in_form_of(right, value);
        let overlaps =
            wrong.contains(right.as_str()) || right.contains(&wrong) || talk.contains(&wrong);
        if (is_list && overlaps) || says_the_same(&wrong, right) || own.contains(value) {
            continue;
        }
        let at = content.find(right.as_str())?;
        let start = content[..at].chars().count();
        return Some(Swap {
            text: content.replacen(right.as_str(), &wrong, 1),
            slot: slot.to_owned(),
            right: right.clone(),
            end: start + wrong.chars().count(),
            wrong,
            start,
        });
    }
    None
}

/// Gives a number the unit that the other one has.
fn in_form_of(right: &str, value: &str) -> String {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    match right.chars().last() {
        Some(unit @ ('元' | '分')) if is_number(value) => format!("{value}{unit}"),
        _ => value.to_owned(),
    }
}

/// Says whether two values are one: 4分 and 4.0分, 免费 and 0.
fn says_the_same(one: &str, other: &str) -> bool {
    let values = |text| {
        read(text)
            .into_iter()
            .map(|it| it.value)
            .collect::<Vec<Value>>()
    };
    let (first, second) = (values(one), values(other));
    let agree = |(one, other): (&Value, &Value)| one.agrees(other) == Some(true);
    let same = first.len() == second.len() && first.iter().zip(&second).all(agree);
    same_text(one, other) || (same && !first.is_empty() && one.chars().count() < 20)
}
