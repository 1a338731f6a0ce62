//! What a reply claims, held against the facts.
//!
//! - [`Checker`] holds replies against one version of facts.
//! - [`Context`] is what the conversation is about, which tells whose price "it is 199" is.
//! - [`Checked`] is the outcome: a [`Verdict`], the claims beside what is known, and the reply with
//!   what is known in the place of what is false.
//! - [`Stream`] checks a reply by [`Sentences`] while it is written.
//!
//! What is stated of a property that has one value (`owl:FunctionalProperty`), or of one of which
//! everything is stated (`cs:closed`), contradicts other values; elsewhere, and where it is not clear
//! what a claim is about, the verdict is [`Verdict::Unknown`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use cs_serve::knowledge::check::{Checker, Context, Verdict};
//! use cs_serve::knowledge::linking::Linker;
//! use cs_serve::knowledge::{Facts, Graph, Limits};
//!
//! let turtle = r#"
//!     @prefix : <http://shop.example/> .
//!     @prefix cs: <urn:customer-service-model:> .
//!     @prefix owl: <http://www.w3.org/2002/07/owl#> .
//!     @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
//!     :Product a rdfs:Class ; rdfs:label "商品"@zh, "product"@en .
//!     :price a owl:FunctionalProperty ; rdfs:label "价格"@zh, "price"@en ; cs:unit "元" .
//!     :returns a owl:FunctionalProperty ; rdfs:label "退货"@zh, "returns"@en .
//!     :kettle a :Product ; rdfs:label "电热水壶"@zh, "electric kettle"@en ; :price 199 ; :returns true .
//! "#;
//! let facts: Arc<dyn Facts> = Arc::new(Graph::from_turtle(turtle, &Limits::default())?);
//! let linker = Arc::new(Linker::new(facts.as_ref(), Default::default())?);
//! let checker = Checker::new(facts, linker)?;
//!
//! let context = checker.follow(&Context::default(), "电热水壶多少钱？")?;
//! let checked = checker.check("它189元，不支持退货。", &context)?;
//! assert_eq!(checked.verdict, Verdict::Contradicted);
//! assert_eq!(checked.corrected.as_deref(), Some("它199元，支持退货。"));
//!
//! let checked = checker.check("The electric kettle costs ¥199.", &Context::default())?;
//! assert_eq!(checked.verdict, Verdict::Supported);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checked;
mod checker;
mod claims;
mod context;
mod corrected;
mod judge;
mod lookup;
mod phrases;
mod polarity;
mod properties;
mod reading;
mod sentences;
mod stream;
mod subjects;

pub use checked::{Checked, CheckedFact, Verdict};
pub use checker::Checker;
pub use context::{Context, Topic};
pub use corrected::FactInWords;
pub(in crate::knowledge) use polarity::denies;
pub use sentences::Sentences;
pub use stream::Stream;
