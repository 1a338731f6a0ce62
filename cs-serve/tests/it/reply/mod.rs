mod answerer;
mod replies;
mod writer;

use std::sync::Arc;

use cs_serve::knowledge::{CurrentKnowledge, Graph, Limits};
use cs_serve::reply::{Asked, Language, Replies, Values};
use cs_serve::{Entity, Intent, Understanding};

/// A shop of two kettles.
pub(crate) const FACTS: &str = r#"
    @prefix : <http://shop.example/> .
    @prefix cs: <urn:customer-service-model:> .
    @prefix owl: <http://www.w3.org/2002/07/owl#> .
    @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
    @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
    :Product a rdfs:Class ; rdfs:label "商品"@zh, "product"@en .
    :price a owl:FunctionalProperty ; rdfs:label "价格"@zh, "price"@en ; skos:altLabel "多少钱"@zh ; cs:unit "元" ; cs:lowest "最便宜"@zh, "cheapest"@en ; cs:highest "最贵"@zh, "most expensive"@en .
    :colour rdfs:label "颜色"@zh, "colour"@en .
    :returns a owl:FunctionalProperty ; rdfs:label "退货"@zh, "returns"@en .
    :dawn a :Product ; rdfs:label "晨曦水壶"@zh, "Dawn kettle"@en ; :price 89 ; :returns true ;
        :colour "银色", "红色" .
    :dusk a :Product ; rdfs:label "暮色水壶"@zh, "Dusk kettle"@en ; :price 129 .
"#;

pub(crate) fn knowledge() -> Arc<CurrentKnowledge> {
    knowledge_of(FACTS)
}

pub(crate) fn knowledge_of(turtle: &'static str) -> Arc<CurrentKnowledge> {
    let read = move || Ok(Arc::new(Graph::from_turtle(turtle, &Limits::default())?) as _);
    Arc::new(CurrentKnowledge::open(read).unwrap())
}

pub(crate) fn replies(lines: &str) -> Replies {
    Replies::parse(lines.as_bytes(), "replies.jsonl".as_ref()).unwrap()
}

pub(crate) fn understanding(text: &str, intent: Option<&str>) -> Understanding {
    Understanding {
        text: text.to_owned(),
        intent: intent.map(|label| Intent {
            label: label.to_owned(),
            confidence: 0.9,
        }),
        ..Understanding::default()
    }
}

pub(crate) fn entity(label: &str, text: &str) -> Entity {
    Entity {
        label: label.to_owned(),
        text: text.to_owned(),
        start: 0,
        end: text.chars().count(),
        confidence: 0.9,
    }
}

pub(crate) fn values(pairs: &[(&str, &str)]) -> Values {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// A turn without slots and history.
pub(crate) fn asked<'a>(understanding: &'a Understanding, slots: &'a Values) -> Asked<'a> {
    Asked {
        text: &understanding.text,
        understanding,
        language: Language::of(&understanding.text).unwrap_or(Language::Zh),
        slots,
        history: &[],
    }
}
