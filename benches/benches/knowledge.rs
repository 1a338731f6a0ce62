//! A million facts about 60,000 hotels: read, and a reply held against them.
//! `cargo bench -p cs-benches --no-default-features --bench knowledge`

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use cs_data::SplitMix;
use cs_serve::knowledge::check::{Checker, Context, Verdict};
use cs_serve::knowledge::linking::{Linker, LinkerConfig};
use cs_serve::knowledge::{Facts, Graph, KnowledgeError, Limits};

const HOTELS: usize = 60_000;
/// How many hotels each one is near to.
const NEAR: usize = 10;
/// Further facts of each: class, name, price, rating, telephone, address, hours.
const SCHEMA: &str = r#"
@prefix : <http://hotels.example/> .
@prefix cs: <urn:customer-service-model:> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:Hotel a rdfs:Class ; rdfs:label "酒店"@zh .
:price a owl:FunctionalProperty ; rdfs:label "价格"@zh ; cs:unit "元" .
:rating a owl:FunctionalProperty ; rdfs:label "评分"@zh ; cs:unit "分" .
:phone a owl:FunctionalProperty ; rdfs:label "电话"@zh .
:address a owl:FunctionalProperty ; rdfs:label "地址"@zh .
:hours a owl:FunctionalProperty ; rdfs:label "营业时间"@zh .
:near rdfs:label "周边酒店"@zh ; cs:closed true .
"#;

fn name(number: usize) -> String {
    let town = ["云栖", "海棠", "青禾", "明月", "松风", "白鹭"][number % 6];
    format!("{town}酒店({}号店)", number / 6)
}

fn turtle() -> String {
    let mut text = SCHEMA.to_owned();
    let mut random = SplitMix::new(1);
    for number in 0..HOTELS {
        let (price, rating) = (100 + random.below(900), 30 + random.below(20));
        let (phone, street) = (61_000_000 + number, random.below(400));
        let near: Vec<String> = (0..NEAR)
            .map(|_| format!(":h{}", random.below(HOTELS)))
            .collect();
        let written = writeln!(
            text,
            ":h{number} a :Hotel ; rdfs:label \"{}\"@zh ; :price {price} ; :rating {}.{} ; :phone \"010-{phone}\" ; \
             :address \"北京市海淀区学院路{street}街{number}号\" ; :hours \"周一至周日 0{}:00-22:00\" ; :near {} .",
            name(number),
            rating / 10,
            rating % 10,
            6 + number % 4,
            near.join(", "),
        );
        assert!(written.is_ok());
    }
    text
}

/// One version of the facts, with all that a check needs of them.
fn read(turtle: &str) -> Result<Checker, KnowledgeError> {
    let facts: Arc<dyn Facts> = Arc::new(Graph::from_turtle(turtle, &Limits::default())?);
    let linker = Linker::new(facts.as_ref(), LinkerConfig::default())?;
    Checker::new(facts, Arc::new(linker))
}

fn knowledge(criterion: &mut Criterion) {
    let turtle = turtle();
    let mut group = criterion.benchmark_group("a million facts");
    group.sample_size(10);
    group.bench_function("read", |bencher| {
        bencher.iter(|| read(black_box(&turtle)).map(drop));
    });
    group.finish();

    let checker = read(&turtle).unwrap_or_else(|error| panic!("{error}"));
    let asked = format!("{}怎么样，评分多少？", name(777));
    let context = checker.follow(&Context::default(), &asked);
    let context = context.unwrap_or_else(|error| panic!("{error}"));
    let other = name(4321);
    let reply = format!("它的评分是2.1分，电话是010-61000777。推荐您去{other}，价格是5元。");
    criterion.bench_function("check a reply of 50 characters", |bencher| {
        bencher.iter(|| {
            let checked = checker.check(black_box(&reply), &context);
            assert!(checked.is_ok_and(|it| it.verdict == Verdict::Contradicted));
        });
    });
}

criterion_group!(benches, knowledge);
criterion_main!(benches);
