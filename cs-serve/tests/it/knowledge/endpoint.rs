//! A SPARQL endpoint: what is asked, and what a slow, gone or confused server leads to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use cs_serve::knowledge::{
    Datatype, Endpoint, Facts, Graph, Iri, KnowledgeError, Limits, Literal, Named, Object,
};
use serde_json::json;

/// Reads a request and gives its body.
fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if let Some(bytes) = line.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn respond(mut stream: &TcpStream, status: &str, body: &str) {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    // A client that has given up is none of the server's business.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()));
}

/// A server that gives each query to `answer`. It ends with the process.
fn server(answer: impl Fn(&str) -> (&'static str, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/query", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let query = request(&stream);
            let (status, body) = answer(&query);
            respond(&stream, status, &body);
        }
    });
    url
}

/// A server that answers from a graph in memory.
fn server_of(turtle: &str) -> String {
    let graph = Graph::from_turtle(turtle, &Limits::default()).unwrap();
    server(move |query| match graph.select(query) {
        Ok(rows) if rows.columns == ["answer"] => {
            ("200 OK", json!({"head": {}, "boolean": true}).to_string())
        }
        Ok(rows) => {
            let bindings: Vec<_> = rows
                .rows
                .iter()
                .map(|row| {
                    let cells = rows.columns.iter().zip(row);
                    let cells = cells.filter_map(|(column, cell)| {
                        Some((column.clone(), binding(cell.as_ref()?)))
                    });
                    cells.collect::<serde_json::Map<_, _>>()
                })
                .collect();
            (
                "200 OK",
                json!({"head": {"vars": rows.columns}, "results": {"bindings": bindings}})
                    .to_string(),
            )
        }
        Err(error) => ("400 Bad Request", error.to_string()),
    })
}

fn binding(object: &Object) -> serde_json::Value {
    match object {
        Object::Entity(iri) => match iri.as_str().strip_prefix("_:") {
            Some(label) => json!({"type": "bnode", "value": label}),
            None => json!({"type": "uri", "value": iri.as_str()}),
        },
        Object::Literal(literal) => match &literal.language {
            Some(language) => {
                json!({"type": "literal", "value": literal.text, "xml:lang": language})
            }
            None if literal.datatype == Datatype::Integer => json!({
                "type": "literal", "value": literal.text, "datatype": "http://www.w3.org/2001/XMLSchema#integer",
            }),
            None => json!({"type": "literal", "value": literal.text}),
        },
    }
}

const SHOP: &str = r#"@prefix : <http://shop.example/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix cs: <urn:customer-service-model:> .
:price a owl:FunctionalProperty ; rdfs:label "价格"@zh ; cs:unit "元" ; rdfs:range rdfs:Literal ;
    cs:lowest "最便宜"@zh, "cheapest"@en ; cs:highest "最贵"@zh .
:colour rdfs:label "colour"@en ; cs:closed true .
:Kettle rdfs:label "水壶"@zh .
:steel a :Kettle ; rdfs:label "it's \"steel\""@en ; skos:altLabel "钢壶"@zh ; :price 199 ; :colour "银"@zh ; :near [ :price 3 ] .
:glass a :Kettle ; rdfs:label "玻璃水壶"@zh ; :price 199 .
"#;

fn iri(local: &str) -> Iri {
    Iri::new(&format!("http://shop.example/{local}")).unwrap()
}

#[test]
fn an_endpoint_knows_what_the_graph_behind_it_knows() {
    let graph = Graph::from_turtle(SHOP, &Limits::default()).unwrap();
    let endpoint = Endpoint::open(&server_of(SHOP), &Limits::default()).unwrap();
    let names = |facts: &dyn Facts| {
        let mut names = Vec::new();
        facts
            .names(&mut |name| names.push((name.iri, name.named, name.text, name.preferred)))
            .unwrap();
        names.sort();
        names
    };
    assert_eq!(names(&endpoint), names(&graph));
    assert!(names(&endpoint).iter().any(|name| name.1 == Named::Class));
    assert_eq!(endpoint.predicates().unwrap(), graph.predicates().unwrap());
    let about = |facts: &dyn Facts| {
        let mut about = facts.about(&iri("steel")).unwrap();
        about.sort_by_key(|fact| format!("{fact:?}"));
        about
    };
    assert_eq!(about(&endpoint), about(&graph));
    let of_kettles = |facts: &dyn Facts, predicate: &str| {
        let mut stated = facts.of_class(&iri("Kettle"), &iri(predicate)).unwrap();
        stated.sort_by_key(|fact| format!("{fact:?}"));
        stated
    };
    for (predicate, count) in [("price", 2), ("colour", 1), ("near", 0)] {
        let stated = of_kettles(&endpoint, predicate);
        assert_eq!(
            (stated.len(), stated),
            (count, of_kettles(&graph, predicate))
        );
    }
    let price = Object::Literal(Literal {
        text: "199".into(),
        datatype: Datatype::Integer,
        language: None,
    });
    assert_eq!(endpoint.having(&iri("price"), &price).unwrap().len(), 2);
    let quoted = Literal {
        text: "it's \"steel\"".into(),
        datatype: Datatype::String,
        language: None,
    };
    let label = Iri::new("http://www.w3.org/2000/01/rdf-schema#label").unwrap();
    assert_eq!(
        endpoint.having(&label, &Object::Literal(quoted)).unwrap(),
        [iri("steel")]
    );
    assert_eq!(endpoint.instances(&iri("Kettle")).unwrap().len(), 2);
    assert_eq!(endpoint.classes_of(&iri("glass")).unwrap(), [iri("Kettle")]);
    assert_eq!(endpoint.version().len(), 16);
}

fn refusal(answer: impl Fn(&str) -> (&'static str, String) + Send + 'static) -> KnowledgeError {
    Endpoint::open(
        &server(answer),
        &Limits {
            rows: 100,
            ..Limits::default()
        },
    )
    .unwrap_err()
}

#[test]
fn a_server_that_answers_otherwise_is_told_apart() {
    let error = refusal(|_| ("500 Internal Server Error", String::new())).to_string();
    assert!(
        error.starts_with("http://127.0.0.1:") && error.contains("500"),
        "{error}"
    );
    let error = refusal(|_| ("302 Found", String::new()));
    assert!(matches!(error, KnowledgeError::Endpoint { .. }), "{error}");
    for body in [
        "",
        "<html>",
        "[]",
        "{\"head\": {\"vars\": [\"x\"]}, \"results\": {\"bindings\": [{\"x\": 3}]}}",
    ] {
        let error = refusal(move |_| ("200 OK", body.to_owned())).to_string();
        assert!(
            error.contains("expected SPARQL results in JSON"),
            "{body:?}: {error}"
        );
    }
    let error = refusal(|_| ("200 OK", " ".repeat(1 << 20)));
    assert!(
        matches!(error, KnowledgeError::Rows { most: 100 }),
        "{error}"
    );
    let error = refusal(|_| {
        let row = json!({"facts": {"type": "literal", "value": "1"}});
        (
            "200 OK",
            json!({"head": {"vars": ["facts"]}, "results": {"bindings": vec![row; 101]}})
                .to_string(),
        )
    });
    assert!(
        matches!(error, KnowledgeError::Rows { most: 100 }),
        "{error}"
    );
}

#[test]
fn a_slow_server_is_waited_for_no_longer_than_allowed() {
    let (end, wait) = mpsc::channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let held = thread::spawn(move || {
        let stream = listener.accept().unwrap();
        wait.recv().unwrap_err();
        drop(stream);
    });
    let error = Endpoint::open(
        &url,
        &Limits {
            millis: 50,
            ..Limits::default()
        },
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "no answer within 50 ms");
    drop(end);
    held.join().unwrap();
}

#[test]
fn a_server_that_is_gone_and_an_address_that_is_none_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for url in [
        url.as_str(),
        "https://127.0.0.1/",
        "127.0.0.1:1",
        "http://",
        "http://a b/",
    ] {
        let error = Endpoint::open(url, &Limits::default()).unwrap_err();
        assert!(
            matches!(error, KnowledgeError::Endpoint { .. }),
            "{url}: {error}"
        );
        assert!(error.to_string().starts_with(url), "{url}: {error}");
    }
}

#[test]
fn queries_are_refused_before_they_are_sent() {
    let endpoint = Endpoint::open(&server_of(SHOP), &Limits::default()).unwrap();
    let error = endpoint.select("DELETE WHERE { ?s ?p ?o }").unwrap_err();
    assert!(matches!(error, KnowledgeError::Query { .. }), "{error}");
}
