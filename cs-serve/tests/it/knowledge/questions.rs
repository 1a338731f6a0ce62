use cs_serve::knowledge::linking::{Linker, LinkerConfig};
use cs_serve::knowledge::questions::{Answer, Questions, Template, Turn};
use cs_serve::knowledge::{Fact, Facts, Graph, Iri, Limits, Object};
use cs_serve::{Entity, Intent, Understanding};

const SHOP: &str = r#"
@prefix : <http://shop.example/> .
@prefix cs: <urn:customer-service-model:> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

:Kettle a rdfs:Class ; rdfs:label "水壶"@zh, "kettle"@en .
:price a rdf:Property, owl:FunctionalProperty ; cs:unit "元" ; rdfs:label "价格"@zh, "price"@en ;
    skos:altLabel "多少钱"@zh .
:colour a rdf:Property ; cs:closed true ; rdfs:label "颜色"@zh, "colour"@en .
:guarantee a rdf:Property ; rdfs:label "保修"@zh, "guarantee"@en .
:washable a rdf:Property ; rdfs:label "可水洗"@zh, "washable"@en .
:note a rdf:Property ; rdfs:label "备注"@zh, "note"@en .
:dawn a :Kettle ; rdfs:label "晨曦水壶"@zh, "Dawn kettle"@en ; :price 89 ; :colour "红色", "blue" ;
    :washable false ; :note "slow" .
:dusk a :Kettle ; rdfs:label "暮色水壶"@zh, "Dusk kettle"@en ; :price 129 ; :colour "红色" ; :note "fast" .
:noon a :Kettle ; rdfs:label "正午水壶"@zh, "Noon kettle"@en ; :price 89 ; :colour "白色" .
:one a :Cup ; rdfs:label "马克杯(大号)"@zh ; :price 19 .
:two a :Cup ; rdfs:label "马克杯(小号)"@zh ; :price 15 .
:Cup a rdfs:Class ; rdfs:label "杯子"@zh .
"#;

const TEMPLATES: &str = r#"[
    {"intent": "ask", "ask": {"attribute": {}}},
    {"intent": "ask_price", "ask": {"attribute": {"predicates": ["price", "保修"]}}},
    {"intent": "is_it", "ask": {"yes-no": {}}},
    {"intent": "which_is_cheaper", "ask": {"comparison": {"predicate": "价格", "order": "lowest"}}},
    {"intent": "fastest", "ask": {"comparison": {"predicate": "note", "order": "highest"}}},
    {"intent": "dearest", "ask": {"superlative": {"predicate": "price", "order": "highest",
        "among": {"class": "kettle", "conditions": {"colour": "colour"}}}}},
    {"intent": "find", "ask": {"filter": {"class": "水壶",
        "conditions": {"colour": "colour", "budget": "http://shop.example/price"}}}},
    {"intent": "how_many", "ask": {"count": {"class": "kettle", "conditions": {"budget": "price"}}}}
]"#;

struct Shop {
    graph: Graph,
    linker: Linker,
    questions: Questions,
}

impl Shop {
    fn open() -> Self {
        let graph = Graph::from_turtle(SHOP, &Limits::default()).unwrap();
        let templates: Vec<Template> = serde_json::from_str(TEMPLATES).unwrap();
        Self {
            linker: Linker::new(&graph, LinkerConfig::default()).unwrap(),
            questions: Questions::new(templates, &graph).unwrap(),
            graph,
        }
    }

    /// Asks with entities of a label and a text.
    fn ask(&self, intent: &str, text: &str, entities: &[(&str, &str)], about: &[&str]) -> Answer {
        let entity = |(label, text): &(&str, &str)| Entity {
            label: (*label).into(),
            text: (*text).into(),
            start: 0,
            end: text.chars().count(),
            confidence: 1.0,
        };
        let understanding = Understanding {
            text: text.into(),
            intent: Some(Intent {
                label: intent.into(),
                confidence: 1.0,
            }),
            entities: entities.iter().map(entity).collect(),
            ..Understanding::default()
        };
        let about: Vec<Iri> = about.iter().map(|name| shop(name)).collect();
        let turn = Turn {
            understanding: &understanding,
            about: &about,
        };
        self.questions
            .answer(&self.graph, &self.linker, turn)
            .unwrap()
    }

    fn say(&self, intent: &str, text: &str, about: &[&str]) -> String {
        shown(&self.ask(intent, text, &[], about))
    }
}

fn shop(name: &str) -> Iri {
    Iri::new(&format!("http://shop.example/{name}")).unwrap()
}

fn local(iri: &Iri) -> &str {
    iri.as_str().rsplit('/').next().unwrap()
}

/// An answer in a line, values sorted.
fn shown(answer: &Answer) -> String {
    let joined = |mut parts: Vec<String>| {
        parts.sort();
        parts.join(" ")
    };
    let value = |fact: &Fact| {
        let object = match &fact.object {
            Object::Entity(iri) => local(iri),
            Object::Literal(literal) => &literal.text,
        };
        format!(
            "{}.{}={object}",
            local(&fact.subject),
            local(&fact.predicate)
        )
    };
    let values = |facts: &[Fact]| joined(facts.iter().map(value).collect());
    let names = |iris: &[Iri]| joined(iris.iter().map(|iri| local(iri).to_owned()).collect());
    match answer {
        Answer::Attribute { facts, missing } if missing.is_empty() => values(facts),
        Answer::Attribute { facts, missing } => format!("{} no {}", values(facts), names(missing)),
        Answer::YesNo { yes, facts } => format!("{yes}: {}", values(facts)),
        Answer::Things { things, facts } => format!("{} of {}", names(things), values(facts)),
        Answer::Count { count, facts } => format!("{count}: {}", values(facts)),
        Answer::Which { candidates } => {
            format!(
                "which of {}",
                candidates
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            )
        }
        Answer::Unknown(why) => format!("unknown: {why}"),
        _ => "another".into(),
    }
}

#[test]
fn attributes_are_those_that_the_text_names() {
    let shop = Shop::open();
    for (intent, text, about, expected) in [
        ("ask", "晨曦水壶的价格是多少", &[][..], "dawn.price=89"),
        (
            "ask",
            "what is the price of the dawn ketle?",
            &[],
            "dawn.price=89",
        ),
        (
            "ask",
            "多少钱？有什么颜色",
            &["dawn"],
            "dawn.colour=blue dawn.colour=红色 dawn.price=89",
        ),
        ("ask", "那暮色水壶的颜色呢", &["dawn"], "dusk.colour=红色"),
        ("ask", "价格89元的有什么颜色", &["noon"], "noon.colour=白色"),
        ("ask_price", "暮色水壶", &[], "dusk.price=129 no guarantee"),
    ] {
        assert_eq!(shop.say(intent, text, about), expected, "{text}");
    }
}

#[test]
fn what_is_not_known_is_said_with_the_reason() {
    let shop = Shop::open();
    for (intent, text, about, expected) in [
        (
            "ask",
            "保修多久",
            &["dawn"][..],
            "unknown: nothing is stated of [<http://shop.example/guarantee>] of <http://shop.example/dawn>",
        ),
        (
            "ask",
            "价格呢",
            &[],
            "unknown: nothing that the question could be about",
        ),
        (
            "ask",
            "晨曦水壶怎么样",
            &[],
            "unknown: no property that the question could be about",
        ),
        (
            "greet",
            "你好",
            &[],
            "unknown: no template for the intent \"greet\"",
        ),
        (
            "which_is_cheaper",
            "暮色水壶和",
            &[],
            "unknown: nothing that the question could be about",
        ),
        (
            "fastest",
            "晨曦水壶还是暮色水壶",
            &[],
            "unknown: values of http://shop.example/note that have no order",
        ),
        (
            "is_it",
            "可水洗吗",
            &["dusk"],
            "unknown: nothing is stated of [<http://shop.example/washable>] of <http://shop.example/dusk>",
        ),
    ] {
        assert_eq!(shop.say(intent, text, about), expected, "{text}");
    }
}

#[test]
fn which_one_is_asked_unless_the_conversation_tells() {
    let shop = Shop::open();
    assert_eq!(
        shop.say("ask", "马克杯的价格", &[]),
        "which of 马克杯(大号) 马克杯(小号)"
    );
    assert_eq!(
        shop.say("ask", "马克杯的价格", &["dawn", "two"]),
        "two.price=15"
    );
}

#[test]
fn yes_and_no_follow_from_values_truths_and_what_is_complete() {
    let shop = Shop::open();
    for (text, expected) in [
        ("晨曦水壶可水洗吗", "false: dawn.washable=false"),
        ("晨曦水壶的价格是89块吗", "true: dawn.price=89"),
        ("晨曦水壶的价格是98块吗", "false: dawn.price=89"),
        (
            "does the colour of the Dawn kettle come in blue",
            "true: dawn.colour=blue",
        ),
        (
            "晨曦水壶有绿色的颜色吗",
            "false: dawn.colour=blue dawn.colour=红色",
        ),
        ("暮色水壶的备注是fast吗", "true: dusk.note=fast"),
        (
            "暮色水壶的备注是loud吗",
            "unknown: nothing is stated of [<http://shop.example/note>] of <http://shop.example/dusk>",
        ),
    ] {
        assert_eq!(shop.say("is_it", text, &[]), expected, "{text}");
    }
}

#[test]
fn things_are_compared_and_chosen() {
    let shop = Shop::open();
    let compared = shop.say("which_is_cheaper", "晨曦水壶和暮色水壶哪个便宜", &[]);
    assert_eq!(compared, "dawn of dawn.price=89 dusk.price=129");
    for (intent, entities, expected) in [
        (
            "dearest",
            &[][..],
            "dusk of dawn.price=89 dusk.price=129 noon.price=89",
        ),
        ("dearest", &[("colour", "白色")], "noon of noon.price=89"),
        (
            "dearest",
            &[("colour", "绿色")],
            "unknown: nothing fulfils the conditions",
        ),
        (
            "find",
            &[("colour", "红色")],
            "dawn dusk of dawn.colour=红色 dusk.colour=红色",
        ),
        (
            "find",
            &[("colour", "红色"), ("budget", "100元以下")],
            "dawn of dawn.colour=红色 dawn.price=89",
        ),
        (
            "find",
            &[("budget", "10元以下")],
            "unknown: nothing fulfils the conditions",
        ),
        (
            "how_many",
            &[("budget", "under 100 yuan")],
            "2: dawn.price=89 noon.price=89",
        ),
        ("how_many", &[("budget", "一万元以上")], "0: "),
        ("how_many", &[], "3: "),
    ] {
        assert_eq!(
            shown(&shop.ask(intent, "", entities, &[])),
            expected,
            "{intent} {entities:?}"
        );
    }
}

#[test]
fn templates_that_cannot_be_used_are_refused() {
    let graph = Graph::from_turtle(SHOP, &Limits::default()).unwrap();
    for (templates, problem) in [
        (
            r#"[{"intent": "a", "ask": {"attribute": {"predicates": ["prise"]}}}]"#,
            "the template of \"a\": \"prise\", expected the name of a property in the graph, or an IRI",
        ),
        (
            r#"[{"intent": "a", "ask": {"filter": {"class": "price"}}}]"#,
            "the template of \"a\": \"price\", expected the name of a class in the graph, or an IRI",
        ),
        (
            r#"[{"intent": "a", "ask": {"attribute": {}}}, {"intent": "a", "ask": {"yes-no": {}}}]"#,
            "the template of \"a\": the intent has a template already, expected one",
        ),
    ] {
        let templates: Vec<Template> = serde_json::from_str(templates).unwrap();
        assert_eq!(
            Questions::new(templates, &graph).unwrap_err().to_string(),
            problem
        );
    }
    for wrong in [
        r#"{"intent": "a", "ask": {"attribute": {"predicate": "price"}}}"#,
        r#"{"intent": "a", "ask": {"guess": {}}}"#,
        r#"{"intent": "a", "ask": {"comparison": {"predicate": "price"}}}"#,
    ] {
        assert!(serde_json::from_str::<Template>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_graphs_errors_are_the_answers_errors() {
    let limits = Limits {
        rows: 1,
        ..Limits::default()
    };
    let graph = Graph::from_turtle(SHOP, &limits).unwrap();
    assert!(graph.instances(&shop("Kettle")).is_err());
    let questions = Questions::new(serde_json::from_str(TEMPLATES).unwrap(), &graph);
    let linker = Linker::new(&graph, LinkerConfig::default()).unwrap();
    let intent = Some(Intent {
        label: "how_many".into(),
        confidence: 1.0,
    });
    let understanding = Understanding {
        intent,
        ..Understanding::default()
    };
    let turn = Turn {
        understanding: &understanding,
        about: &[],
    };
    assert!(questions.unwrap().answer(&graph, &linker, turn).is_err());
}
