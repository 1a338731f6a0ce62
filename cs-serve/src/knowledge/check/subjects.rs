//! What a claim may be about.

use std::collections::HashSet;

use super::claims::{By, Claim, Said};
use super::context::Context;
use super::lookup::Lookup;
use super::properties::Properties;
use super::reading::Reading;
use crate::knowledge::facts::Iri;

/// Finds the things that a claim may be about.
pub(super) struct Subjects<'a> {
    pub(super) reading: &'a Reading,
    pub(super) properties: &'a Properties,
    pub(super) context: &'a Context,
    /// The items that are claimed as values.
    pub(super) claimed: &'a HashSet<usize>,
    pub(super) lookup: &'a Lookup<'a>,
}

impl Subjects<'_> {
    /// Gives the things that a claim may be about, in groups: those of the first are likelier than
    /// those of the next, those of one as likely as each other.
    pub(super) fn of(&self, claim: &Claim) -> Vec<Vec<Iri>> {
        let (groups, is_named) = match self.in_reply(claim) {
            Some(named) => (named, true),
            None => (self.in_talk(claim), false),
        };
        let groups = self.distinct(groups, claim);
        // A product's price and then the shop's rules: a rule is told by its name, and is only the shop's.
        let may_be_sole = !is_named || matches!(claim.by, By::Name(_));
        if !groups.is_empty() || !may_be_sole {
            return groups;
        }
        let sole = claim.properties.iter().map(|&it| self.properties.sole(it));
        self.distinct(sole.collect(), claim)
    }

    /// Keeps of the groups what may have the property, each thing once.
    fn distinct(&self, mut groups: Vec<Vec<Iri>>, claim: &Claim) -> Vec<Vec<Iri>> {
        let mut seen = HashSet::new();
        for group in &mut groups {
            group.retain(|it| self.may_have(it, claim) && seen.insert(it.clone()));
        }
        groups.retain(|it| !it.is_empty());
        groups
    }

    /// Gives what the reply itself names as the subject: the thing to which the value is tied by 的;
    /// the nearest before it, with those that are listed with it; the nearest after it.
    fn in_reply(&self, claim: &Claim) -> Option<Vec<Vec<Iri>>> {
        let items = &self.reading.items;
        let is_thing = matches!(claim.said, Said::Thing(_));
        let is_other = |at: &usize| {
            let is_peer = is_thing && self.claimed.contains(at);
            let is_named = !items[*at].things.is_empty();
            is_named && !is_peer && !self.is_denied(*at)
        };
        if let Some(tied) = self.tied(claim) {
            return Some(vec![items[tied].things.clone()]);
        }
        // What stands before the property is its subject, also before a list of values.
        let from = match (claim.by, &claim.said) {
            (By::Name(at), Said::Thing(_)) if at < claim.item => at,
            _ => claim.item,
        };
        let may = |at: &usize| items[*at].things.iter().any(|it| self.may_have(it, claim));
        let before = || (0..from).rev().filter(is_other);
        let nearest = before().find(may);
        let unlisted = before().filter(may).find(|at| !self.claimed.contains(at));
        let mut groups: Vec<Vec<Iri>> = nearest
            .into_iter()
            .chain(unlisted)
            .map(|at| self.listed_with(at))
            .collect();
        let follows = matches!(claim.said, Said::Value(_) | Said::Text) && groups.is_empty();
        let after = (claim.item + 1..items.len())
            .filter(|at| is_other(at) && !self.claimed.contains(at))
            .find(may);
        groups.extend(after.filter(|_| follows).map(|at| items[at].things.clone()));
        // A thing that cannot have the property is named: nothing else is meant.
        let sentence = items[claim.item].sentence;
        let is_told = !is_thing && before().any(|at| items[at].sentence == sentence);
        (is_told || !groups.is_empty()).then_some(groups)
    }

    /// Finds the thing that a value before it tells of: 68元的讲礼驴肉馆.
    fn tied(&self, claim: &Claim) -> Option<usize> {
        let items = &self.reading.items;
        let item = &items[claim.item];
        let next = (claim.item + 1..items.len()).find(|&at| !items[at].things.is_empty())?;
        let between = self.reading.between(item.end, items[next].start);
        let tied =
            items[next].clause == item.clause && matches!(between.as_str(), "的" | "的是" | " at ");
        tied.then_some(next)
    }

    /// Says whether a thing is named as what is not meant: 不临近A, "not at A".
    fn is_denied(&self, at: usize) -> bool {
        let item = &self.reading.items[at];
        let before = self.reading.words(item.start.saturating_sub(4), item.start);
        [
            "不在",
            "不临近",
            "不挨着",
            "不靠近",
            "不是",
            "not at ",
            "not in ",
        ]
        .iter()
        .any(|it| before.ends_with(it))
    }

    /// Gives the things of an item and of those before it in a list: A、B和C.
    fn listed_with(&self, last: usize) -> Vec<Iri> {
        let items = &self.reading.items;
        let mut things = items[last].things.clone();
        let mut at = last;
        while let Some(before) = at.checked_sub(1) {
            let between = self.reading.between(items[before].end, items[at].start);
            let listed = matches!(
                between.trim(),
                "、" | "和" | "与" | "到" | "或" | "或者" | "以及" | "," | "and" | "or" | "to"
            );
            if !listed || items[before].things.is_empty() {
                break;
            }
            things.extend(items[before].things.iter().cloned());
            at = before;
        }
        things
    }

    /// The things of the turns so far, the newest first. What was only listed as a value, as what is
    /// near a hotel, is as likely as what was spoken of just before.
    fn in_talk(&self, claim: &Claim) -> Vec<Vec<Iri>> {
        let mut groups: Vec<Vec<Iri>> = Vec::new();
        let mut listed: Vec<Iri> = Vec::new();
        for topic in self.context.topics() {
            let of_claim = |things: &[Iri]| self.of_claim(things, claim);
            listed.extend(of_claim(&topic.listed));
            let mut things = of_claim(&topic.things);
            if !things.is_empty() {
                if groups.is_empty() {
                    things.append(&mut listed);
                }
                groups.push(things);
            }
        }
        groups.push(listed);
        groups
    }

    /// Keeps what may have the property: of the class that the reply or else the newest turn
    /// speaks of.
    fn of_claim(&self, things: &[Iri], claim: &Claim) -> Vec<Iri> {
        let asked: &[Iri] = self.context.newest().map_or(&[], |it| &it.classes);
        let classes = self.owner_class(claim).unwrap_or(asked);
        let peers: &[Iri] = match &claim.said {
            Said::Thing(things) => things,
            _ => &[],
        };
        let of_class = |thing: &Iri| {
            let own = self.lookup.classes_of(thing);
            classes.is_empty() || own.iter().any(|it| classes.contains(it))
        };
        let fits = |it: &&Iri| !peers.contains(it) && self.may_have(it, claim) && of_class(it);
        things.iter().filter(fits).cloned().collect()
    }

    /// The class of what has the property, in 酒店周边没有餐馆 and 景点的评分.
    fn owner_class(&self, claim: &Claim) -> Option<&[Iri]> {
        let By::Name(at) = claim.by else {
            return None;
        };
        let name = self.reading.items.get(at)?;
        let before = self.reading.items.get(at.checked_sub(1)?)?;
        let between = self.reading.between(before.end, name.start);
        let joined = matches!(between.as_str(), "" | "的" | " " | "'s ");
        (joined && !before.classes.is_empty()).then_some(&before.classes)
    }

    /// Says whether things of its classes have such a property; a thing of no class has those that
    /// are stated of it.
    fn may_have(&self, thing: &Iri, claim: &Claim) -> bool {
        let classes = self.lookup.classes_of(thing);
        let may = |&number: &u32| {
            let property = self.properties.get(number);
            match classes.is_empty() {
                true => {
                    let facts = self.lookup.about(thing);
                    facts
                        .iter()
                        .any(|it| it.predicate == property.predicate.iri)
                }
                false => classes.iter().any(|it| property.classes.contains(it)),
            }
        };
        claim.properties.iter().any(may)
    }
}
