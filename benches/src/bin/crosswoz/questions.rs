//! How many questions get the attribute and the value that they ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cs_serve::knowledge::linking::Linker;
use cs_serve::knowledge::questions::{Answer, Ask, Questions, Template, Turn, Unknown};
use cs_serve::knowledge::value::{read, same_text};
use cs_serve::knowledge::{Fact, Facts, Iri, Named, Object};
use cs_serve::{Intent, Understanding};
use serde_json::{Value, json};

use crate::Result;
use crate::check::Rate;
use crate::databases::{DOMAINS, Databases};
use crate::dialogues::{Dialogue, Message, Wanted};

/// What else properties are called in questions, as an operator would add it.
const NAMES: &str = r#"
@prefix property: <urn:facts:property/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

property:地址 skos:altLabel "位置"@zh, "在哪"@zh, "在什么地方"@zh .
property:电话 skos:altLabel "联系方式"@zh, "号码"@zh, "联系电话"@zh .
property:门票 skos:altLabel "票价"@zh, "门票价格"@zh, "门票…多少钱"@zh, "门票…多钱"@zh, "要门票"@zh .
property:游玩时间 skos:altLabel "游玩时长"@zh, "玩多久"@zh, "游玩…时间"@zh, "玩…时间"@zh, "游玩…时长"@zh .
property:评分 skos:altLabel "分数"@zh, "多少分"@zh .
property:营业时间 skos:altLabel "开门时间"@zh, "几点营业"@zh, "几点开门"@zh, "时间…营业"@zh, "什么时候营业"@zh, "营业…时间"@zh .
property:人均消费 skos:altLabel "人均"@zh, "平均消费"@zh, "消费…多少"@zh, "人均…多少钱"@zh, "消费…多少钱"@zh .
property:酒店类型 skos:altLabel "什么类型"@zh, "哪个类型"@zh, "类型"@zh .
property:价格 skos:altLabel "房价"@zh, "价位"@zh, "多少钱"@zh .
property:推荐菜 skos:altLabel "特色菜"@zh, "招牌菜"@zh, "菜品"@zh, "哪些…菜"@zh, "什么…菜"@zh, "什么好吃的"@zh, "推荐的吃的"@zh .
property:酒店设施 skos:altLabel "设施"@zh .
property:周边景点 skos:altLabel "周边…景点"@zh, "附近…景点"@zh, "周围…景点"@zh, "周边…好玩的"@zh, "附近…好玩的"@zh, "周围…好玩的"@zh,
    "周边…玩的地方"@zh, "附近…玩的地方"@zh, "周边…玩的"@zh, "附近…转转"@zh .
property:周边餐馆 skos:altLabel "周边…餐馆"@zh, "附近…餐馆"@zh, "周围…餐馆"@zh, "周边…餐厅"@zh, "附近…餐厅"@zh,
    "周边…吃饭"@zh, "附近…吃饭"@zh, "周围…吃饭"@zh, "周边…好吃的"@zh, "附近…好吃的"@zh .
property:周边酒店 skos:altLabel "周边…酒店"@zh, "附近…酒店"@zh, "周围…酒店"@zh, "周围…酒店"@zh, "周边…住宿"@zh, "周围…住宿"@zh, "附近…住的"@zh, "周边…住的"@zh, "附近…住宿"@zh .
"#;

/// The slot whose values are asked for one by one, as 酒店设施-桑拿.
const FACILITIES: &str = "酒店设施";

/// [`NAMES`], and the hotels' facilities as names of that property.
pub(crate) fn names(databases: &Databases) -> String {
    let hotels = databases.rows("酒店").iter();
    let facilities: BTreeSet<String> = hotels.flat_map(|row| row.values(FACILITIES)).collect();
    let quoted = |facility: &String| format!("{:?}@zh", facility);
    let facilities: Vec<String> = facilities.iter().map(quoted).collect();
    format!(
        "{NAMES}property:{FACILITIES} skos:altLabel {} .\n",
        facilities.join(", ")
    )
}

/// The intent of all these turns.
const INTENT: &str = "request";

/// What questions came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    attributes: Rate,
    values: Rate,
    by_slot: BTreeMap<String, (Rate, Rate)>,
    /// Turns that ask for a thing of certain properties, or for a taxi or the underground.
    other: usize,
    /// Turns about a thing whose name nobody has said yet.
    unnamed: usize,
    pub(crate) wrong_attributes: Vec<String>,
    pub(crate) wrong_values: Vec<String>,
}

/// The graph and who answers from it.
pub(crate) struct Service<'a> {
    facts: &'a dyn Facts,
    linker: &'a Linker,
    questions: Questions,
    /// Things by class and name.
    things: HashMap<(String, String), Iri>,
    /// What things and properties are called.
    names: HashMap<Iri, String>,
}

impl<'a> Service<'a> {
    pub(crate) fn new(facts: &'a dyn Facts, linker: &'a Linker) -> Result<Self> {
        let ask = Ask::Attribute {
            predicates: Vec::new(),
        };
        let template = Template {
            intent: INTENT.into(),
            ask,
        };
        let mut names = Vec::new();
        facts.names(&mut |name| names.push(name))?;
        let mut things = HashMap::new();
        for class in names
            .iter()
            .filter(|name| name.named == Named::Class && name.preferred)
        {
            let of_class: BTreeSet<Iri> = facts.instances(&class.iri)?.into_iter().collect();
            for name in names.iter().filter(|name| of_class.contains(&name.iri)) {
                things.insert((class.text.clone(), name.text.clone()), name.iri.clone());
            }
        }
        Ok(Self {
            facts,
            linker,
            questions: Questions::new(vec![template], facts)?,
            things,
            names: names
                .into_iter()
                .filter(|name| name.preferred)
                .map(|name| (name.iri, name.text))
                .collect(),
        })
    }

    fn answer(&self, text: &str, subject: &Iri) -> Result<Answer> {
        let intent = Some(Intent {
            label: INTENT.into(),
            confidence: 1.0,
        });
        let understanding = Understanding {
            text: text.to_owned(),
            intent,
            ..Understanding::default()
        };
        let about = std::slice::from_ref(subject);
        let turn = Turn {
            understanding: &understanding,
            about,
        };
        Ok(self.questions.answer(self.facts, self.linker, turn)?)
    }

    /// The properties that an answer is about, by name, with their values.
    fn told(&self, answer: &Answer) -> BTreeMap<String, Vec<String>> {
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (facts, missing): (&[Fact], &[Iri]) = match answer {
            Answer::Attribute { facts, missing } => (facts, missing),
            Answer::Unknown(Unknown::Value { predicates, .. }) => (&[], predicates),
            _ => (&[], &[]),
        };
        for iri in missing {
            told.entry(self.names[iri].clone()).or_default();
        }
        for fact in facts {
            let value = match &fact.object {
                Object::Literal(literal) => literal.text.clone(),
                Object::Entity(iri) => self.names[iri].clone(),
            };
            told.entry(self.names[&fact.predicate].clone())
                .or_default()
                .push(value);
        }
        told
    }
}

/// Asks what each turn asks that requests attributes of a thing which the labels name; the value is
/// held against what the person in the system's place then told.
pub(crate) fn measure(service: &Service, dialogues: &[(u64, Dialogue)]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (_, dialogue) in dialogues {
        for pair in dialogue.messages.windows(2) {
            let [turn, reply] = pair else { continue };
            let asked = requests(turn);
            if turn.is_system() || asked.is_empty() {
                continue;
            }
            let is_attribute = |(domain, slot): &(&str, &str)| {
                *slot != "名称" && DOMAINS.iter().any(|(name, _)| name == domain)
            };
            if !asked.iter().all(is_attribute) {
                outcome.other += 1;
                continue;
            }
            match subject(service, turn, &asked) {
                Some(subject) => outcome.turn(service, turn, reply, &asked, &subject)?,
                None => outcome.unnamed += 1,
            }
        }
    }
    Ok(outcome)
}

/// The domains and slots that a turn requests.
fn requests(turn: &Message) -> Vec<(&str, &str)> {
    let requests = turn.dialog_act.iter().filter(|act| act.0 == "Request");
    requests
        .map(|act| (act.1.as_str(), act.2.as_str()))
        .collect()
}

/// The thing that the turn's labelled state is about.
fn subject(service: &Service, turn: &Message, asked: &[(&str, &str)]) -> Option<Iri> {
    let (domain, slot) = asked.first()?;
    let is_asked = |it: &&Wanted| it.1 == *domain && it.2 == *slot;
    let ids = turn.user_state.iter().filter(is_asked).map(|it| it.0);
    let name = ids.rev().find_map(|id| {
        let is_name = |it: &&Wanted| it.0 == id && it.1 == *domain && it.2 == "名称";
        let name = turn.user_state.iter().find(is_name)?.3.as_str()?;
        Some(name).filter(|name| !name.is_empty())
    })?;
    service
        .things
        .get(&((*domain).to_owned(), name.to_owned()))
        .cloned()
}

impl Outcome {
    fn turn(
        &mut self,
        service: &Service,
        turn: &Message,
        reply: &Message,
        asked: &[(&str, &str)],
        subject: &Iri,
    ) -> Result<()> {
        let told = service.told(&service.answer(&turn.content, subject)?);
        let property = |slot: &str| slot.split('-').next().unwrap_or(slot).to_owned();
        let gold: BTreeSet<String> = asked.iter().map(|(_, slot)| property(slot)).collect();
        let found: BTreeSet<String> = told.keys().cloned().collect();
        let is_right = gold == found;
        self.attributes.add(is_right);
        for slot in &gold {
            self.by_slot
                .entry(slot.clone())
                .or_default()
                .0
                .add(found.contains(slot));
        }
        if !is_right {
            self.wrong_attributes
                .push(format!("{gold:?}, not {found:?}: {}", turn.content));
            return Ok(());
        }
        for (domain, slot) in asked {
            let informed = informed(reply, domain, slot);
            if informed.is_empty() {
                continue;
            }
            let known = &told[&property(slot)];
            let is_right = match slot.strip_prefix(FACILITIES) {
                Some(facility) if facility.len() > 1 => {
                    let has = known.iter().any(|value| value == &facility[1..]);
                    informed.iter().all(|value| (*value == "是") == has)
                }
                _ => informed.iter().all(|value| is_known(value, known)),
            };
            self.values.add(is_right);
            self.by_slot
                .entry(property(slot))
                .or_default()
                .1
                .add(is_right);
            if !is_right {
                let known = known.join(", ");
                self.wrong_values
                    .push(format!("{slot}: {informed:?}, not {known}"));
            }
        }
        Ok(())
    }

    pub(crate) fn figures(&self) -> Value {
        let by_slot = self.by_slot.iter().map(|(slot, (attribute, value))| {
            json!({
                "property": slot, "asked": attribute.all, "found": attribute.percent(),
                "values": value.all, "right": value.percent(),
            })
        });
        json!({
            "turns": self.attributes.all, "right_attributes": self.attributes.percent(),
            "values": self.values.all, "right_values": self.values.percent(),
            "left_out": {"other": self.other, "unnamed": self.unnamed},
            "by_property": by_slot.collect::<Vec<_>>(),
        })
    }
}

/// The values that a reply tells of a slot.
fn informed<'a>(reply: &'a Message, domain: &str, slot: &str) -> Vec<&'a str> {
    let acts = reply.dialog_act.iter();
    let of_slot = acts.filter(|act| matches!(act.0.as_str(), "Inform" | "Recommend"));
    let of_slot = of_slot.filter(|act| act.1 == domain && act.2 == slot && !act.3.is_empty());
    of_slot.map(|act| act.3.as_str()).collect()
}

/// Whether a told value is one of those known, or there is none and none is known.
fn is_known(value: &str, known: &[String]) -> bool {
    let numbers = |text: &str| {
        read(text)
            .into_iter()
            .map(|found| found.value)
            .collect::<Vec<_>>()
    };
    let is_none = |text: &str| text == "无" || text == "没有";
    (is_none(value) && known.is_empty())
        || known.iter().any(|known| {
            same_text(value, known)
                || numbers(value).iter().any(|told| {
                    numbers(known)
                        .iter()
                        .any(|known| told.agrees(known) == Some(true))
                })
                || value.trim_end_matches(['元', '分']) == known
                || (known == "0" && value == "免费")
        })
}
