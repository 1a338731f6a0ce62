//! A new version of what is known in the old one's place.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use cs_serve::knowledge::check::Verdict;
use cs_serve::knowledge::{
    CurrentKnowledge, Fact, Facts, Graph, Iri, KnowledgeError, Limits, Name, Object, Predicate,
    Rows,
};

fn shop(price: u32) -> Graph {
    let turtle = format!(
        r#"@prefix : <http://shop.example/> .
        @prefix cs: <urn:customer-service-model:> .
        @prefix owl: <http://www.w3.org/2002/07/owl#> .
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        :price a owl:FunctionalProperty ; rdfs:label "价格"@zh ; cs:unit "元" .
        :Kettle rdfs:label "水壶"@zh .
        :kettle a :Kettle ; rdfs:label "晨曦水壶"@zh ; :price {price} ."#
    );
    Graph::from_turtle(&turtle, &Limits::default()).unwrap()
}

/// The two ends by which a test holds up whoever looks facts up, once.
struct Gate {
    reached: Sender<()>,
    opened: Receiver<()>,
}

/// Facts that are looked up only when the gate is open.
struct Gated {
    graph: Graph,
    gate: Arc<Mutex<Option<Gate>>>,
}

impl Facts for Gated {
    fn names(&self, each: &mut dyn FnMut(Name)) -> Result<(), KnowledgeError> {
        self.graph.names(each)
    }

    fn predicates(&self) -> Result<Vec<Predicate>, KnowledgeError> {
        self.graph.predicates()
    }

    fn classes_of(&self, entity: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        self.graph.classes_of(entity)
    }

    fn about(&self, entity: &Iri) -> Result<Vec<Fact>, KnowledgeError> {
        let gate = self.gate.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.reached.send(()).unwrap();
            gate.opened.recv().unwrap();
        }
        self.graph.about(entity)
    }

    fn having(&self, predicate: &Iri, object: &Object) -> Result<Vec<Iri>, KnowledgeError> {
        self.graph.having(predicate, object)
    }

    fn instances(&self, class: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        self.graph.instances(class)
    }

    fn select(&self, sparql: &str) -> Result<Rows, KnowledgeError> {
        self.graph.select(sparql)
    }

    fn version(&self) -> &str {
        self.graph.version()
    }
}

#[test]
fn a_check_ends_on_the_version_that_it_began_on() {
    let gate = Arc::new(Mutex::new(None));
    let prices = Mutex::new(vec![249, 199]);
    let read = {
        let gate = Arc::clone(&gate);
        move || {
            let graph = shop(prices.lock().unwrap().pop().unwrap());
            let gate = Arc::clone(&gate);
            Ok(Arc::new(Gated { graph, gate }) as Arc<dyn Facts>)
        }
    };
    let known = CurrentKnowledge::open(read).unwrap();
    let verdict = || {
        let checked = known.get().check("晨曦水壶的价格是199元。", &[]).unwrap();
        checked.verdict
    };
    let (reached, is_reached) = channel();
    let (open, opened) = channel();
    *gate.lock().unwrap() = Some(Gate { reached, opened });
    std::thread::scope(|scope| {
        let began_before = scope.spawn(verdict);
        is_reached.recv().unwrap();
        known.reload().unwrap();
        assert_eq!(verdict(), Verdict::Contradicted);
        open.send(()).unwrap();
        assert_eq!(began_before.join().unwrap(), Verdict::Supported);
    });
}
