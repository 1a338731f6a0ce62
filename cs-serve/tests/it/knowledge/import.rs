//! Tables to Turtle: what becomes of rows and columns, and what is refused.

use std::path::PathBuf;

use cs_serve::knowledge::import::{ImportConfig, Table, to_turtle};
use cs_serve::knowledge::{Datatype, Facts, Graph, Iri, Limits, Object};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn graph(tables: &[Table], config: &ImportConfig) -> Graph {
    let turtle = to_turtle(tables, config).unwrap();
    Graph::from_turtle(&turtle, &Limits::default())
        .unwrap_or_else(|error| panic!("{error}\n{turtle}"))
}

/// The values of a property of a thing, sorted: texts as they are, things by their IRIs.
fn values(graph: &Graph, thing: &str, property: &str) -> Vec<String> {
    let thing = Iri::new(&format!("urn:facts:{thing}")).unwrap();
    let property = Iri::new(&format!("urn:facts:property/{property}")).unwrap();
    let facts = graph.about(&thing).unwrap().into_iter();
    let mut values: Vec<_> = facts
        .filter(|fact| fact.predicate == property)
        .map(|fact| match fact.object {
            Object::Entity(iri) => iri.to_string(),
            Object::Literal(literal) => literal.text,
        })
        .collect();
    values.sort();
    values
}

const HOTELS: &str = r#"[
  ["贵都大酒店", {"名称": "贵都大酒店", "价格": 1354, "评分": 4.7, "电话": "010-51979888",
    "酒店设施": ["wifi", "健身房"], "周边景点": ["故宫", "天坛"], "地铁": null}],
  ["如家（前门店）", {"名称": "如家（前门店）", "价格": 299, "含早餐": false, "周边景点": []}]
]"#;

#[test]
fn a_list_of_names_and_objects_is_facts_about_them() {
    let folder = Folder::new();
    let hotels = Table::open(&folder.file("hotels.json", HOTELS), "酒店", None).unwrap();
    let sights = folder.file("sights.json", r#"[["故宫", {"门票": 60}]]"#);
    let sights = Table::open(&sights, "景点", None).unwrap();
    let graph = graph(&[hotels, sights], &ImportConfig::default());
    assert_eq!(values(&graph, "贵都大酒店", "价格"), ["1354"]);
    assert_eq!(values(&graph, "贵都大酒店", "酒店设施"), ["wifi", "健身房"]);
    // A sight that has a row is a thing, another one a text.
    assert_eq!(
        values(&graph, "贵都大酒店", "周边景点"),
        ["urn:facts:故宫", "天坛"]
    );
    assert_eq!(values(&graph, "贵都大酒店", "地铁"), [""; 0]);
    assert_eq!(values(&graph, "贵都大酒店", "名称"), [""; 0]);
    assert_eq!(
        values(&graph, "如家%EF%BC%88前门店%EF%BC%89", "含早餐"),
        ["false"]
    );
    let hotel = Iri::new("urn:facts:class/酒店").unwrap();
    assert_eq!(graph.instances(&hotel).unwrap().len(), 2);
    let single: Vec<_> = graph
        .predicates()
        .unwrap()
        .into_iter()
        .filter(|it| !it.single)
        .collect();
    let names: Vec<_> = single.iter().map(|it| it.iri.as_str()).collect();
    assert_eq!(
        names,
        ["urn:facts:property/周边景点", "urn:facts:property/酒店设施"]
    );
}

#[test]
fn columns_of_csv_have_types_units_and_several_values() {
    let folder = Folder::new();
    let csv = "sku,name,price (USD),weight,phone,colours,also,open\n\
               007,Kettle,19.90,2,65253310,red; blue,Pot,true\n\
               008,\"Mug, small\",5,n/a,010-1,red,,false\n";
    let table = Table::open(&folder.file("shop.csv", csv), "product", Some("name")).unwrap();
    let config = ImportConfig {
        aliases: ["also".to_owned()].into(),
        closed: ["colours".to_owned()].into(),
        units: [("weight".to_owned(), "kg".to_owned())].into(),
        ..ImportConfig::default()
    };
    let graph = graph(&[table], &config);
    assert_eq!(values(&graph, "Kettle", "colours"), ["blue", "red"]);
    assert_eq!(values(&graph, "Mug%2C%20small", "weight"), ["n/a"]);
    let kettle = graph.about(&Iri::new("urn:facts:Kettle").unwrap()).unwrap();
    let datatype = |property: &str| {
        let fact = kettle
            .iter()
            .find(|fact| fact.predicate.as_str().ends_with(property))
            .unwrap();
        match &fact.object {
            Object::Literal(literal) => literal.datatype,
            Object::Entity(_) => panic!("{fact:?}"),
        }
    };
    assert_eq!(datatype("/price"), Datatype::Decimal);
    assert_eq!(datatype("/weight"), Datatype::String); // as another row's is no number
    assert_eq!(datatype("/phone"), Datatype::String);
    assert_eq!(datatype("/sku"), Datatype::String); // it begins with 0
    assert_eq!(datatype("/open"), Datatype::Boolean);
    let predicates = graph.predicates().unwrap();
    let of = |name: &str| {
        predicates
            .iter()
            .find(|it| it.iri.as_str().ends_with(name))
            .unwrap()
    };
    assert_eq!(of("/price").unit.as_deref(), Some("USD"));
    assert_eq!(of("/weight").unit.as_deref(), Some("kg"));
    assert!(of("/colours").closed && !of("/colours").single && of("/price").single);
    let mut names = Vec::new();
    graph
        .names(&mut |name| names.push((name.text, name.preferred)))
        .unwrap();
    assert!(names.contains(&("Pot".to_owned(), false)));
    assert!(names.contains(&("Mug, small".to_owned(), true)));
}

#[test]
fn values_with_quotes_and_line_breaks_come_back() {
    let folder = Folder::new();
    let json = r#"[{"name": "a\"b\\c<d>", "text": "line\n\"two\" \\ \u0001"}]"#;
    let table = Table::open(&folder.file("t.json", json), "thing", None).unwrap();
    let graph = graph(&[table], &ImportConfig::default());
    assert_eq!(
        values(&graph, "a%22b%5Cc%3Cd%3E", "text"),
        ["line\n\"two\" \\ \u{1}"]
    );
}

#[test]
fn tables_that_are_none_are_refused_with_their_place() {
    let folder = Folder::new();
    let cases = [
        (
            "a.json",
            "[{\"name\": \"x\",\n \"price\": {\"eur\": 3}}]",
            None,
            ":2:",
        ),
        ("b.json", "[[\"x\"]]", None, ":1:6: a list that is no pair"),
        ("c.json", "{\"x\": 1}", None, ":1:1: invalid type: map"),
        (
            "d.json",
            "[{\"price\": [1, 2]}]",
            None,
            ":1:1: row 1: 2 values in \"price\", expected a name",
        ),
        (
            "e.json",
            "[{\"price\": 1}]",
            Some("name"),
            ":1:1: row 1: no name, expected the field \"name\"",
        ),
        ("f.csv", "name,price\nx,1\ny\n", None, ":3:1: "),
        (
            "g.csv",
            "name,price\n ,1\n",
            None,
            ":2:1: nothing in the column \"name\"",
        ),
        (
            "h.csv",
            "name,price\nx,1\n",
            Some("title"),
            ":1:1: no column \"title\", expected one of name, price",
        ),
        (
            "j.csv",
            "name,price,price\nx,1,2\n",
            None,
            ":1:1: two columns \"price\", expected one",
        ),
        ("k.csv", "", None, ":1:1: no rows, expected one at least"),
        ("l.json", "[]", None, ":1:1: no rows, expected one at least"),
        ("m.json", "", None, ":1:1: EOF while parsing"),
        (
            "i.txt",
            "x",
            None,
            ":1:1: its ending is neither .csv nor .json",
        ),
    ];
    for (name, text, column, expected) in cases {
        let path = folder.file(name, text);
        let error = Table::open(&path, "thing", column).unwrap_err().to_string();
        let place = error.strip_prefix(&path.display().to_string()).unwrap();
        assert!(place.starts_with(expected), "{name}: {place}");
    }
    let latin = folder.0.path().join("latin.csv");
    std::fs::write(&latin, b"name,price\nx\xe9,1\n").unwrap();
    let error = Table::open(&latin, "thing", None).unwrap_err().to_string();
    assert!(
        error.ends_with("latin.csv:2:2: the byte 0xe9, expected UTF-8"),
        "{error}"
    );
    let table = Table::open(&folder.file("j.csv", "name,price\nx,1\n"), "thing", None).unwrap();
    let units = [("prize".to_owned(), "元".to_owned())].into();
    let config = ImportConfig {
        units,
        ..ImportConfig::default()
    };
    let error = to_turtle(&[table], &config).unwrap_err().to_string();
    assert_eq!(error, "no column \"prize\", expected one of price");
    let config = ImportConfig {
        namespace: "a b".into(),
        ..ImportConfig::default()
    };
    assert!(to_turtle(&[], &config).is_err());
}
