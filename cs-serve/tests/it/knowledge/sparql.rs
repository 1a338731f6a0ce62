//! The longest and deepest queries that are answered, and those that are refused.

use cs_serve::knowledge::{Facts, Graph, KnowledgeError, Limits};

fn graph() -> Graph {
    let turtle: String = (0..6)
        .map(|i| format!("<x:{i}> a <x:thing>, <x:{}> .\n", (i * 5 + 1) % 6))
        .collect();
    let limits = Limits {
        millis: 100,
        ..Limits::default()
    };
    Graph::from_turtle(&turtle, &limits).unwrap()
}

/// A query that repeats something, with `#` in it for the number of the time.
struct Repeated {
    begin: &'static str,
    each: &'static str,
    between: &'static str,
    end: &'static str,
    /// How often it may stand there.
    most: usize,
}

impl Repeated {
    fn query(&self, times: usize) -> String {
        let each: Vec<String> = (0..times)
            .map(|at| self.each.replace('#', &at.to_string()))
            .collect();
        format!("{}{}{}", self.begin, each.join(self.between), self.end)
    }
}

/// Says that a query is answered or is too dear, but is not refused.
fn ends(graph: &Graph, query: &str) {
    match graph.select(query) {
        Ok(_) | Err(KnowledgeError::Time { .. } | KnowledgeError::Rows { .. }) => {}
        Err(error) => panic!("{query}: {error}"),
    }
}

fn refusal(graph: &Graph, query: &str) -> String {
    match graph.select(query) {
        Err(KnowledgeError::Query { problem }) => problem,
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn the_longest_chains_end_and_longer_ones_are_refused() {
    let graph = graph();
    let of = |parts: [&'static str; 4], most| Repeated {
        begin: parts[0],
        each: parts[1],
        between: parts[2],
        end: parts[3],
        most,
    };
    let patterns = "triples, steps and operators, expected at most 64";
    let expressions = "operands and operators of expressions, expected at most 500";
    let texts = "calls of CONCAT and REPLACE, expected at most 2";
    let apart = "expected each to be joined to the others";
    let chains = [
        (of(["SELECT * { ?a ", "a", "/", " ?b }"], 62), patterns),
        (of(["SELECT * { ?a ", "a", "|", " ?b }"], 62), patterns),
        (of(["SELECT * { ?a ", "a+", "/", " ?b }"], 12), patterns),
        (of(["SELECT * { ?a (", "a?", "|", ")* ?b }"], 15), patterns),
        (of(["SELECT * { ", "?a a ?b", ".", " }"], 62), patterns),
        (of(["SELECT * { ", "?a ?p# ?b#", ".", " }"], 62), patterns),
        (of(["SELECT * { ?a a (", "?b", " ", ") }"], 30), patterns),
        (
            of(["SELECT * { ", "{?a a ?b}", "UNION", " }"], 21),
            patterns,
        ),
        (
            of(
                ["SELECT * { ?a a ?b ", "OPTIONAL{?a ?p# ?b#}", "", " }"],
                20,
            ),
            patterns,
        ),
        (
            of(["SELECT * { ?a a ?b ", "MINUS{?a a ?b}", "", " }"], 20),
            patterns,
        ),
        (
            of(["ASK { ?a a ?b ", "FILTER EXISTS{?a a ?b}", "", " }"], 30),
            patterns,
        ),
        (
            of(["SELECT * { ?a a ?b FILTER(", "?a", "||", ") }"], 250),
            expressions,
        ),
        (
            of(["SELECT * { ?a a ?b FILTER(", "1", "+", ") }"], 250),
            expressions,
        ),
        (
            of(["SELECT * { ?a a ?b FILTER(?a IN (", "1", ",", ")) }"], 498),
            expressions,
        ),
        (
            of(["SELECT * { ?a a ?b } ORDER BY ", "?a", " ", ""], 500),
            expressions,
        ),
        (
            of(
                [
                    "SELECT * { ?a a ?v ",
                    "BIND(CONCAT(?v, ?v) AS ?v#)",
                    " ",
                    " }",
                ],
                2,
            ),
            texts,
        ),
        (
            of(
                [
                    "SELECT (COUNT(*) AS ?n) { ",
                    "VALUES ?v# { 1 2 3 4 5 6 7 8 }",
                    " ",
                    " }",
                ],
                3,
            ),
            apart,
        ),
        (of(["SELECT * { ", "<x:1> ?p# ?b#", ".", " }"], 3), apart),
    ];
    for (chain, expected) in chains {
        ends(&graph, &chain.query(chain.most));
        let problem = refusal(&graph, &chain.query(chain.most + 1));
        assert!(problem.ends_with(expected), "{problem}");
    }
}

#[test]
fn the_deepest_brackets_end() {
    let graph = graph();
    for [begin, open, middle, close, end] in [
        ["SELECT * { ?a a ?b FILTER(", "(", "?a", ")", ") }"],
        ["SELECT * { ?a a ?b FILTER(", "IF(?a,?b,", "?a", ")", ") }"],
        ["SELECT * { ", "{", "?a a ?b", "}", " }"],
        ["SELECT * { ?a a ", "[ ?p ", "?b", "]", " }"],
        ["SELECT * { ?a ", "(a|", "a", ")", " ?b }"],
        ["SELECT * { ?a ", "^(a/", "a", ")", " ?b }"],
        ["SELECT * { ", "GRAPH ?g {", "?a a ?b", "}", " }"],
    ] {
        let nested = |depth| {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            format!("{begin}{open}{middle}{close}{end}")
        };
        ends(&graph, &nested(48));
        let problem = refusal(&graph, &nested(51));
        assert!(problem.ends_with("nested deeper than 50"), "{problem}");
    }
    // What is repeated within a repetition counts double.
    let repeated = |depth| {
        let (open, close) = ("(".repeat(depth), ")+".repeat(depth));
        format!("SELECT * {{ ?a {open}a{close} ?b }}")
    };
    ends(&graph, &repeated(4));
    let problem = refusal(&graph, &repeated(6));
    assert!(problem.ends_with("expected at most 64"), "{problem}");
}
