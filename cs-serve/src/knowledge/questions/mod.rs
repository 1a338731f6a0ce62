//! Answers to questions, from facts.
//!
//! - [`Template`] declares what turns of an intent ask for: an attribute, yes or no, a comparison, the
//!   best, all that fulfil conditions, or how many.
//! - [`Questions`] holds the templates, and gives an [`Answer`] to a turn. The answer carries the facts
//!   that it follows from; that something is not known is an answer too, and so is a question back.
//!
//! ```
//! use cs_serve::knowledge::linking::{Linker, LinkerConfig};
//! use cs_serve::knowledge::questions::{Answer, Ask, Questions, Template, Turn};
//! use cs_serve::knowledge::{Graph, Limits};
//! use cs_serve::{Intent, Understanding};
//!
//! let facts = r#"
//!     @prefix : <http://shop.example/> .
//!     @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
//!     :kettle a :Product ; rdfs:label "晨曦水壶"@zh, "Dawn kettle"@en ; :price 89 .
//!     :price rdfs:label "价格"@zh, "price"@en .
//! "#;
//! let graph = Graph::from_turtle(facts, &Limits::default())?;
//! let linker = Linker::new(&graph, LinkerConfig::default())?;
//! let ask = Ask::Attribute { predicates: vec!["price".into()] };
//! let questions = Questions::new(vec![Template { intent: "ask_price".into(), ask }], &graph)?;
//!
//! let intent = Some(Intent { label: "ask_price".into(), confidence: 0.9 });
//! let text = "晨曦水壶多少钱？".to_owned();
//! let understanding = Understanding { text, intent, ..Understanding::default() };
//! let turn = Turn { understanding: &understanding, about: &[] };
//! let Answer::Attribute { facts, .. } = questions.answer(&graph, &linker, turn)? else { panic!() };
//! assert!(format!("{:?}", facts[0].object).contains("89"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod answering;
mod asked;
mod compare;
mod ends;
mod select;
mod template;

pub use answer::{Answer, Unknown};
pub use answering::{Questions, Turn};
pub use template::{Ask, Order, Selection, Template};
