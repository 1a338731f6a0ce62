//! Facts in memory: what is read, refused, found and bounded.

use std::path::PathBuf;

use cs_serve::knowledge::{
    Datatype, Facts, Graph, Iri, KnowledgeError, Limits, Literal, Named, Object, ProblemKind,
    Severity,
};

const SHOP: &str = r#"@prefix : <http://shop.example/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix cs: <urn:customer-service-model:> .
:price a owl:FunctionalProperty ; rdfs:label "价格"@zh, "price"@en ; cs:unit "元" ; rdfs:range xsd:integer .
:colour rdfs:label "颜色"@zh ; cs:closed true .
:Kettle rdfs:label "水壶"@zh .
:steel a :Kettle ; rdfs:label "钢水壶"@zh, "steel kettle"@en ; skos:altLabel "钢壶"@zh ;
    :price 199 ; :colour "银"@zh, "黑"@zh .
:glass a :Kettle ; rdfs:label "玻璃水壶"@zh ; :price 199 ; :colour "蓝"@zh ; :seenWith :steel, [ :price 3 ] .
:seenWith rdfs:label "搭配"@zh .
"#;

fn iri(local: &str) -> Iri {
    Iri::new(&format!("http://shop.example/{local}")).unwrap()
}

fn shop() -> Graph {
    Graph::from_turtle(SHOP, &Limits::default()).unwrap()
}

fn literal(text: &str, datatype: Datatype) -> Object {
    Object::Literal(Literal {
        text: text.into(),
        datatype,
        language: None,
    })
}

/// What is wrong with a file, as line, column and kind.
fn problems(turtle: &str) -> Vec<(usize, usize, ProblemKind)> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("facts.ttl");
    std::fs::write(&path, turtle).unwrap();
    let found = Graph::validate(&path, &Limits::default()).unwrap();
    found
        .iter()
        .map(|problem| (problem.line, problem.column, problem.kind))
        .collect()
}

fn refusal(turtle: &str) -> String {
    Graph::from_turtle(turtle, &Limits::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn facts_of_a_thing_are_found_by_it_and_by_their_values() {
    let graph = shop();
    let about = graph.about(&iri("steel")).unwrap();
    let prices: Vec<_> = about
        .iter()
        .filter(|fact| fact.predicate == iri("price"))
        .collect();
    assert_eq!(prices.len(), 1);
    assert_eq!(prices[0].object, literal("199", Datatype::Integer));
    assert_eq!(about.len(), 7);
    let mut priced = graph
        .having(&iri("price"), &literal("199", Datatype::Other))
        .unwrap();
    priced.sort();
    assert_eq!(priced, [iri("glass"), iri("steel")]);
    assert_eq!(
        graph
            .having(&iri("price"), &literal("198", Datatype::Integer))
            .unwrap(),
        []
    );
    assert_eq!(
        graph
            .having(&iri("seenWith"), &Object::Entity(iri("steel")))
            .unwrap(),
        [iri("glass")]
    );
    assert_eq!(graph.instances(&iri("Kettle")).unwrap().len(), 2);
    assert_eq!(graph.classes_of(&iri("glass")).unwrap(), [iri("Kettle")]);
    assert_eq!(graph.about(&iri("nothing")).unwrap(), []);
}

#[test]
fn things_without_an_iri_are_seen_by_queries_alone() {
    let graph = shop();
    let seen = graph.about(&iri("glass")).unwrap();
    assert_eq!(
        seen.iter()
            .filter(|fact| fact.predicate == iri("seenWith"))
            .count(),
        1
    );
    let rows = graph
        .select("SELECT ?x { ?g <http://shop.example/seenWith> ?x }")
        .unwrap();
    assert_eq!(rows.rows.len(), 2);
}

#[test]
fn names_tell_what_they_name() {
    let mut names = Vec::new();
    shop().names(&mut |name| names.push(name)).unwrap();
    let named = |text: &str| {
        let name = names.iter().find(|name| name.text == text).unwrap();
        (
            name.iri.clone(),
            name.named,
            name.language.as_deref(),
            name.preferred,
        )
    };
    assert_eq!(
        named("价格"),
        (iri("price"), Named::Predicate, Some("zh"), true)
    );
    assert_eq!(
        named("水壶"),
        (iri("Kettle"), Named::Class, Some("zh"), true)
    );
    assert_eq!(
        named("steel kettle"),
        (iri("steel"), Named::Entity, Some("en"), true)
    );
    assert_eq!(
        named("钢壶"),
        (iri("steel"), Named::Entity, Some("zh"), false)
    );
    assert_eq!(names.len(), 9);
}

#[test]
fn properties_say_how_their_values_are_to_be_taken() {
    let predicates = shop().predicates().unwrap();
    let of = |local| {
        predicates
            .iter()
            .find(|predicate| predicate.iri == iri(local))
            .unwrap()
    };
    assert_eq!(predicates.len(), 3);
    let price = of("price");
    assert_eq!(
        (price.unit.as_deref(), price.single, price.closed),
        (Some("元"), true, false)
    );
    assert!(price.range.as_ref().unwrap().as_str().ends_with("#integer"));
    let colour = of("colour");
    assert_eq!(
        (colour.unit.as_deref(), colour.single, colour.closed),
        (None, false, true)
    );
}

#[test]
fn the_prefix_cs_is_what_the_file_says() {
    let turtle = SHOP.replace("urn:customer-service-model:", "http://other.example/#");
    let predicates = Graph::from_turtle(&turtle, &Limits::default())
        .unwrap()
        .predicates()
        .unwrap();
    assert!(
        predicates
            .iter()
            .any(|predicate| predicate.unit.as_deref() == Some("元"))
    );
}

#[test]
fn queries_select_or_ask() {
    let graph = shop();
    let rows = graph
        .select("SELECT ?name { ?kettle a <http://shop.example/Kettle> ; rdfs:label ?name FILTER(lang(?name) = 'en') }")
        .unwrap();
    assert_eq!(rows.columns, ["name"]);
    let Some(Object::Literal(name)) = &rows.rows[0][0] else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (name.text.as_str(), name.language.as_deref()),
        ("steel kettle", Some("en"))
    );
    let rows = graph
        .select("ASK { ?x <http://shop.example/price> 200 }")
        .unwrap();
    assert_eq!(rows.rows, [[Some(literal("false", Datatype::Boolean))]]);
    let sum = graph
        .select("SELECT (SUM(?p) AS ?sum) { ?x a ?c ; <http://shop.example/price> ?p }")
        .unwrap();
    assert_eq!(sum.rows, [[Some(literal("398", Datatype::Integer))]]);
}

#[test]
fn queries_that_change_or_never_end_are_refused() {
    let graph = shop();
    let deep = format!(
        "ASK {{ FILTER({}1{}) }}",
        "(".repeat(3000),
        ")".repeat(3000)
    );
    let negated = format!("ASK {{ FILTER({}true) }}", "!".repeat(5_000));
    let long = format!("ASK {{ ?s <p:{}> ?o }}", "x".repeat(20_000));
    let cases = [
        ("DELETE WHERE { ?s ?p ?o }", "expected"),
        (
            "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
            "expected SELECT or ASK",
        ),
        ("DESCRIBE <a:b>", "expected SELECT or ASK"),
        ("SELECT * { ?a ?b ?c . ?d ?e ?f }", "share no variable"),
        (
            "SELECT * { ?a ?b ?c OPTIONAL { ?d ?e ?f } }",
            "share no variable",
        ),
        (
            "SELECT * { { SELECT ?a { ?a ?b ?c } } { SELECT ?d { ?d ?e ?f } } }",
            "share no variable",
        ),
        (
            "SELECT * { SERVICE <http://other.example/> { ?s ?p ?o } }",
            "other.example",
        ),
        (deep.as_str(), "nested"),
        (negated.as_str(), "nested"),
        (long.as_str(), "bytes"),
    ];
    for (query, expected) in cases {
        let error = graph.select(query).unwrap_err();
        assert!(matches!(error, KnowledgeError::Query { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    graph.select("SELECT * { <a:b> ?b ?c . ?d ?e ?f }").unwrap();
    graph.select("SELECT * { ?a ?b ?c . ?c ?d ?e }").unwrap();
}

#[test]
fn answers_are_bounded_in_rows_facts_and_time() {
    let turtle: String = (0..2_000)
        .map(|i| format!("<x:{i}> <x:is> <x:same> .\n"))
        .collect();
    let bounded = |limits: Limits| Graph::from_turtle(&turtle, &limits).unwrap();
    let pairs = "SELECT (COUNT(*) AS ?n) { ?a <x:is> ?s . ?b <x:is> ?s . ?c <x:is> ?s }";
    let few_rows = bounded(Limits {
        rows: 1_999,
        ..Limits::default()
    });
    assert!(matches!(
        few_rows.select("SELECT ?a { ?a ?b ?c }"),
        Err(KnowledgeError::Rows { most: 1_999 })
    ));
    let same = Object::Entity(Iri::new("x:same").unwrap());
    let is = Iri::new("x:is").unwrap();
    assert!(matches!(
        few_rows.having(&is, &same),
        Err(KnowledgeError::Rows { .. })
    ));
    let few_facts = bounded(Limits {
        facts: 100_000,
        millis: 60_000,
        ..Limits::default()
    });
    assert!(matches!(
        few_facts.select(pairs),
        Err(KnowledgeError::Facts { most: 100_000 })
    ));
    let little_time = bounded(Limits {
        facts: usize::MAX,
        millis: 20,
        ..Limits::default()
    });
    assert!(matches!(
        little_time.select(pairs),
        Err(KnowledgeError::Time { .. })
    ));
    assert_eq!(
        bounded(Limits::default()).having(&is, &same).unwrap().len(),
        2_000
    );
}

#[test]
fn what_is_wrong_is_named_with_line_and_column() {
    assert_eq!(problems(SHOP), []);
    let cases = [
        (
            "<a:b> <a:c> \"x\" .\n<a:b> <a: c> 3 .\n",
            ProblemKind::Syntax,
            2,
            7,
        ),
        ("<a:b> <a:c> .\n", ProblemKind::Syntax, 1, 13),
        ("<a:b> <a:c> \"没有结束 .\n", ProblemKind::Syntax, 1, 13),
        (
            "\n<a:b> <a:c> 1 ;\n  <a:d> \"12x\"^^<http://www.w3.org/2001/XMLSchema#integer> .\n",
            ProblemKind::Datatype,
            3,
            10,
        ),
        (
            "<a:b> <a:c> \"2024-02-30\"^^<http://www.w3.org/2001/XMLSchema#date> .\n",
            ProblemKind::Datatype,
            1,
            14,
        ),
        (
            "<a:b> <a:c> \"ja\"^^<http://www.w3.org/2001/XMLSchema#boolean> .\n",
            ProblemKind::Datatype,
            1,
            14,
        ),
        (
            "<a:p> a <http://www.w3.org/2002/07/owl#FunctionalProperty> .\n<a:b> <a:p> 1 .\n<a:b> <a:p> 2 .\n",
            ProblemKind::Contradiction,
            3,
            13,
        ),
    ];
    for (turtle, kind, line, column) in cases {
        let errors: Vec<_> = problems(turtle)
            .into_iter()
            .filter(|found| found.2.severity() == Severity::Error)
            .collect();
        assert_eq!(
            errors.first(),
            Some(&(line, column, kind)),
            "{turtle}: {errors:?}"
        );
        assert!(
            refusal(turtle).starts_with(&format!("<turtle>:{line}:{column}: ")),
            "{}",
            refusal(turtle)
        );
    }
}

#[test]
fn a_file_with_several_errors_names_them_all() {
    let turtle = "<a:b> <a:c> 1 .\n<a:b> oops .\n<a:b> <a:d e> 2 .\n<a:b> <a:c> 3 .\n";
    let lines: Vec<_> = problems(turtle)
        .iter()
        .filter(|found| found.2 == ProblemKind::Syntax)
        .map(|found| found.0)
        .collect();
    assert_eq!(lines, [2, 3]);
    assert!(
        refusal(turtle).contains("(and 1 more problem"),
        "{}",
        refusal(turtle)
    );
}

#[test]
fn circles_of_classes_are_refused() {
    let below = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>";
    let turtle = format!(
        "<a:A> {below} <a:B> .\n<a:B> {below} <a:C> .\n<a:C> {below} <a:B> .\n<a:D> {below} <a:A> .\n"
    );
    let lines: Vec<_> = problems(&turtle)
        .iter()
        .filter(|found| found.2 == ProblemKind::Cycle)
        .map(|found| found.0)
        .collect();
    assert_eq!(lines, [2, 3]);
    let fine =
        format!("<a:A> {below} <a:B>, <a:C> .\n<a:B> {below} <a:D> .\n<a:C> {below} <a:D> .\n");
    Graph::from_turtle(&fine, &Limits::default()).unwrap();
}

#[test]
fn values_in_two_languages_do_not_contradict() {
    let turtle = SHOP.replace(
        ":colour rdfs:label",
        ":colour a owl:FunctionalProperty ; rdfs:label",
    );
    assert!(refusal(&turtle).contains("FunctionalProperty"));
    let turtle = turtle.replace("\"黑\"@zh", "\"silver\"@en");
    Graph::from_turtle(&turtle, &Limits::default()).unwrap();
}

#[test]
fn names_that_are_missing_or_common_are_warned_of() {
    let turtle = SHOP
        .replace("\"钢壶\"@zh", "\"价格\"@zh")
        .replace("rdfs:label \"搭配\"", "rdfs:comment \"搭配\"");
    let found = problems(&turtle);
    assert!(
        found.contains(&(10, 76, ProblemKind::CommonWord)),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|problem| problem.2 == ProblemKind::NoLabel),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|problem| problem.2.severity() == Severity::Warning)
    );
    Graph::from_turtle(&turtle, &Limits::default()).unwrap();
}

#[test]
fn long_literals_are_refused_in_little_time() {
    let one_line = format!(
        "<a:b> <a:c> \"{}\" .\n<a:b> <a:d> 1 .\n",
        "长".repeat(4 << 20)
    );
    assert!(refusal(&one_line).contains("a literal of 12582912 bytes, expected at most 1000000"));
    let many_lines = format!("<a:b> <a:c> \"\"\"{}\"\"\" .\n", "一行\n".repeat(1_500_000));
    assert!(refusal(&many_lines).contains("a literal of 10500000 bytes"));
    let endless = format!("<a:b> <a:c> \"\"\"{}", "一行\n".repeat(6_000_000));
    assert!(refusal(&endless).contains("32 MB"), "{}", refusal(&endless));
}

#[test]
fn a_missing_file_is_named() {
    let path = PathBuf::from("no/such/facts.ttl");
    let error = Graph::open(&path, &Limits::default())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("no/such/facts.ttl: "), "{error}");
}

#[test]
fn the_version_is_that_of_what_was_read() {
    assert_eq!(shop().version(), shop().version());
    let other = Graph::from_turtle(&SHOP.replace("199", "198"), &Limits::default()).unwrap();
    assert_ne!(shop().version(), other.version());
    assert_eq!(other.version().len(), 16);
}
