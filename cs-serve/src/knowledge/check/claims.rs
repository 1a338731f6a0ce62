//! What a reply claims.

use super::context::Context;
use super::lookup::Lookup;
use super::polarity::{self, Polarity};
use super::properties::{Properties, Property};
use super::reading::{Item, Reading};
use crate::knowledge::facts::Iri;
use crate::knowledge::value::{Unit, Value};

/// Something that a reply says of something.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// The number of its item.
    pub(super) item: usize,
    /// The first character of what is claimed, and the one after its last.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The properties that may be meant.
    pub(super) properties: Vec<u32>,
    /// What is said.
    pub(super) said: Said,
    /// Whether it is said not to be so.
    pub(super) denied: bool,
    /// What names the property.
    pub(super) by: By,
    /// Whether it is a claim only if it is true: a common word, which may be said of anything.
    pub(super) weak: bool,
}

/// What is said of a property.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// A value.
    Value(Value),
    /// A text, that of the item.
    Text,
    /// One of these things, by the name that is the item's.
    Thing(Vec<Iri>),
    /// That there is none of it, or of this class of it.
    None(Vec<Iri>),
}

/// What tells which property is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Its name stands before or after the value.
    Name(usize),
    /// The turn before asked for it.
    Question,
    /// The value is of a kind that few properties have.
    Kind,
}

/// The most items of a list before one that are asked whether they are denied.
const MOST_LISTED: usize = 8;

/// The shortest text that tells by itself whose value it is.
const TELLING: usize = 3;

/// Finds the claims of a reply.
pub(super) struct Claims<'a> {
    pub(super) reading: &'a Reading,
    pub(super) properties: &'a Properties,
    pub(super) context: &'a Context,
    pub(super) lookup: &'a Lookup<'a>,
}

impl Claims<'_> {
    pub(super) fn find(&self) -> Vec<Claim> {
        (0..self.reading.items.len())
            .filter_map(|at| self.claim(at))
            .collect()
    }

    fn claim(&self, at: usize) -> Option<Claim> {
        let item = &self.reading.items[at];
        if let Some(value) = &item.value {
            return self.value(at, value);
        }
        if !item.things.is_empty() {
            return self.thing(at);
        }
        if !item.texts.is_empty() {
            return self.text(at);
        }
        self.none(at).or_else(|| self.truth(at))
    }

    fn value(&self, at: usize, value: &Value) -> Option<Claim> {
        let takes = |property: &Property| property.takes(value);
        // What costs so many yuan is said of a price in dollars, though nothing tells whether it is so.
        let may_take = |property: &Property| takes(property) || property.has_currency(value);
        let named = self.named(at, &may_take).filter(|(_, by)| {
            // 满99元包邮 tells no price.
            matches!(by, By::Name(_)) || !self.is_condition(at)
        });
        let (properties, by) = match named {
            Some(named) => named,
            None if self.is_specific(at, value) => {
                let own = self.all(&takes);
                let all = if own.is_empty() {
                    self.all(&may_take)
                } else {
                    own
                };
                (all, By::Kind)
            }
            None => return None,
        };
        self.made(at, properties, Said::Value(value.clone()), by)
    }

    /// Says whether few properties have values of such a kind.
    fn is_specific(&self, at: usize, value: &Value) -> bool {
        let item = &self.reading.items[at];
        match value {
            Value::Amount(it) if it.unit == Unit::Money => {
                // 免费 of nothing in particular, and not 免费停车.
                let next = self.reading.chars.get(item.end);
                next.is_none_or(|c| "的。,，!哦呢哟啊吧".contains(*c))
            }
            Value::Amount(it) => {
                !matches!(it.unit, Unit::None | Unit::Piece | Unit::Percent)
                    && !self.is_condition(at)
            }
            Value::Truth(_) => false,
            _ => true,
        }
    }

    /// Says whether an amount is what an order has to come to.
    fn is_condition(&self, at: usize) -> bool {
        let start = self.reading.items[at].start;
        let before = self.reading.between(start.saturating_sub(12), start);
        let before = before.trim_end();
        [
            "满",
            "每",
            "orders over",
            "orders of",
            "orders above",
            "order over",
            "spend",
        ]
        .iter()
        .any(|it| before.ends_with(it))
    }

    fn text(&self, at: usize) -> Option<Claim> {
        let item = &self.reading.items[at];
        let has = |property: &Property| self.is_text_of(item, property);
        let named = self.named(at, &has);
        let (properties, by) = named.unwrap_or((item.texts.clone(), By::Kind));
        let claim = self.made(at, properties, Said::Text, by)?;
        let weak = by == By::Kind && !self.is_telling(at);
        Some(Claim { weak, ..claim })
    }

    /// Says whether an item is one of the texts that a property has.
    fn is_text_of(&self, item: &Item, property: &Property) -> bool {
        let number = self.properties.number(&property.predicate.iri);
        number.is_some_and(|it| item.texts.contains(&it))
    }

    /// Says whether a text tells by itself whose value it is: of lists only a longer one does, as
    /// 家常菜 is said of many things.
    fn is_telling(&self, at: usize) -> bool {
        let item = &self.reading.items[at];
        let single = item
            .texts
            .iter()
            .all(|&it| self.properties.get(it).predicate.single);
        item.end - item.start >= if single { TELLING } else { TELLING + 1 }
    }

    /// A thing is claimed as a value only where its property is named or was asked for; else it is
    /// what the reply is about.
    fn thing(&self, at: usize) -> Option<Claim> {
        let item = &self.reading.items[at];
        if self.is_owner(at) {
            return None;
        }
        let classes = |it: &Iri| self.lookup.classes_of(it).to_vec();
        let classes: Vec<Iri> = item.things.iter().flat_map(classes).collect();
        let has = |property: &Property| {
            self.is_text_of(item, property) || classes.iter().any(|it| property.ranges_over(it))
        };
        let (properties, by) = self.before(at, &has).or_else(|| self.asked(&has))?;
        // What is not there is not offered: 周边没有酒店，推荐您去B.
        let from = match by {
            By::Name(name) => self.reading.items[name].start.saturating_sub(4),
            _ => 0,
        };
        if polarity::offers_another(&self.reading.words(from, item.start), by == By::Question) {
            return None;
        }
        self.made(at, properties, Said::Thing(item.things.clone()), by)
    }

    /// Says whether what follows a thing is a property of it: A的地址, A附近, "A's price".
    fn is_owner(&self, at: usize) -> bool {
        let item = &self.reading.items[at];
        let next = self
            .reading
            .items
            .get(at + 1)
            .filter(|it| !it.properties.is_empty() && it.things.is_empty());
        next.is_some_and(|it| {
            ["", "的", " ", "'s "].contains(&self.reading.between(item.end, it.start).as_str())
        })
    }

    /// Reads that there is none: 周边没有酒店, 没有地铁.
    fn none(&self, at: usize) -> Option<Claim> {
        let item = &self.reading.items[at];
        let before = self.reading.words(item.start.saturating_sub(4), item.start);
        let (_, end) = self.reading.clause(item);
        let after = self.reading.between(item.end, end);
        let denied = ["没有", "没", "无", "no "]
            .iter()
            .find(|it| before.ends_with(*it))?;
        let start = item.start - denied.chars().count();
        let ends =
            after.chars().count() <= 3 || after.starts_with("可") || after.starts_with("信息");
        if !ends {
            return None;
        }
        let from_denial = |claim| Claim { start, ..claim };
        if !item.classes.is_empty() {
            let has = |property: &Property| {
                property.is_list() && item.classes.iter().any(|it| property.ranges_over(it))
            };
            let (properties, by) = self.before(at, &has).or_else(|| self.asked(&has))?;
            return self
                .made(at, properties, Said::None(item.classes.clone()), by)
                .map(from_denial);
        }
        let list = |&&it: &&u32| self.properties.get(it).is_list();
        let lists: Vec<u32> = item.properties.iter().filter(list).copied().collect();
        self.made(at, lists, Said::None(Vec::new()), By::Name(at))
            .map(from_denial)
    }

    /// Reads yes and no of a property: 支持七天退货, 不可以开发票, "we do not ship abroad".
    fn truth(&self, at: usize) -> Option<Claim> {
        let item = &self.reading.items[at];
        let truths = item
            .properties
            .iter()
            .copied()
            .filter(|&it| self.properties.get(it).is_truth());
        let truths: Vec<u32> = truths.collect();
        if truths.is_empty() {
            return None;
        }
        let (start, end) = self.reading.clause(item);
        let until = self
            .reading
            .items
            .get(at + 1)
            .map_or(end, |it| it.start.clamp(item.end, end));
        let around = self.reading.words(start, item.start) + &self.reading.words(item.end, until);
        let name = self.reading.between(item.start, item.end);
        let said = match polarity::of(&around, &name) {
            Polarity::Yes => true,
            Polarity::No => false,
            Polarity::Open => return None,
        };
        let claim = self.made(at, truths, Said::Value(Value::Truth(said)), By::Name(at))?;
        let start = (start..item.start).find(|&it| self.reading.chars[it] != ' ');
        let start = start.unwrap_or(item.start);
        Some(Claim {
            start,
            end: until,
            ..claim
        })
    }

    fn made(&self, at: usize, properties: Vec<u32>, said: Said, by: By) -> Option<Claim> {
        if properties.is_empty() {
            return None;
        }
        let item = &self.reading.items[at];
        let is_none = matches!(said, Said::None(_) | Said::Value(Value::Truth(_)));
        Some(Claim {
            item: at,
            start: item.start,
            end: item.end,
            properties,
            said,
            denied: !is_none && self.is_denied(at),
            by,
            weak: false,
        })
    }

    /// Says whether the words just before or after an item deny it, or one before it in its list.
    fn is_denied(&self, at: usize) -> bool {
        let listed = (0..at).rev().zip((0..=at).rev());
        let list = listed.take_while(|&(before, at)| self.is_listed(before, at));
        let mut nearest = list.map(|it| it.0).take(MOST_LISTED);
        self.denies(at) || nearest.any(|before| self.denies(before))
    }

    /// Says whether nothing but a word or a mark of a list stands between two items.
    fn is_listed(&self, before: usize, at: usize) -> bool {
        let items = &self.reading.items;
        let (start, _) = self.reading.clause(&items[at]);
        let from = items[before].end.max(start);
        let between = self.reading.between(from, items[at].start);
        !between.is_empty() && between.chars().all(|c| "、和与及或".contains(c))
    }

    fn denies(&self, at: usize) -> bool {
        let item = &self.reading.items[at];
        let (start, end) = self.reading.clause(item);
        let until = self
            .reading
            .items
            .get(at + 1)
            .map_or(end, |it| it.start.min(end));
        let clause = self.reading.words(start, item.start);
        // 没有人均消费是500元的餐馆 says of none that it is.
        let denied = match item.value {
            Some(_) => polarity::denies(&clause),
            None => polarity::ends_in_denial(&clause),
        };
        let after = self.reading.between(item.end, until);
        let after_denies = ["没有", "没", "不", "无"]
            .iter()
            .any(|it| after.trim_start().starts_with(it));
        denied || after_denies
    }

    /// Gives the properties that the text names for an item, or else those that were asked for.
    fn named(&self, at: usize, takes: &dyn Fn(&Property) -> bool) -> Option<(Vec<u32>, By)> {
        self.after(at, takes)
            .or_else(|| self.before(at, takes))
            .or_else(|| self.asked(takes))
    }

    /// 4.5分的评分
    fn after(&self, at: usize, takes: &dyn Fn(&Property) -> bool) -> Option<(Vec<u32>, By)> {
        let item = &self.reading.items[at];
        let next = self.reading.items.get(at + 1)?;
        let joined = ["的", "", " "].contains(&self.reading.between(item.end, next.start).as_str());
        let found = self.those(next, takes);
        (joined && next.clause == item.clause && !found.is_empty())
            .then_some((found, By::Name(at + 1)))
    }

    /// The nearest that stand before it in its sentence.
    fn before(&self, at: usize, takes: &dyn Fn(&Property) -> bool) -> Option<(Vec<u32>, By)> {
        let items = &self.reading.items;
        let earlier = (0..at)
            .rev()
            .take_while(|&it| items[it].sentence == items[at].sentence);
        earlier
            .map(|it| (self.those(&items[it], takes), By::Name(it)))
            .find(|(found, _)| !found.is_empty())
    }

    fn asked(&self, takes: &dyn Fn(&Property) -> bool) -> Option<(Vec<u32>, By)> {
        let asked = self.context.newest()?.properties.iter();
        let numbers = asked.filter_map(|it| self.properties.number(it));
        let found: Vec<u32> = numbers
            .filter(|&it| takes(self.properties.get(it)))
            .collect();
        (!found.is_empty()).then_some((found, By::Question))
    }

    fn those(&self, item: &Item, takes: &dyn Fn(&Property) -> bool) -> Vec<u32> {
        item.properties
            .iter()
            .copied()
            .filter(|&it| takes(self.properties.get(it)))
            .collect()
    }

    fn all(&self, takes: &dyn Fn(&Property) -> bool) -> Vec<u32> {
        self.properties
            .numbers()
            .filter(|&it| takes(self.properties.get(it)))
            .collect()
    }
}
