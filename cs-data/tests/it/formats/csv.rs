//! CSV and TSV: columns by name and by number, each broken file beside its valid twin.

use cs_data::*;
use serde_json::json;

use crate::common::{opened, plain, rows_of, write};

fn csv(columns: &str, bytes: &str) -> Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    let options = ReadOptions {
        columns: columns.parse().unwrap(),
        ..ReadOptions::default()
    };
    Dataset::open(&write(&folder, "f.csv", bytes), &options)
}

#[test]
fn csv_columns_are_mapped_by_name() {
    let file =
        "\u{feff}flags, category ,query,mood\r\nB,退款,\"a \"\"b\"\",\nc\",0.25\r\n\r\n,,d,\r\n";
    let data = csv("text=query,intent=category,sentiment=mood,id=flags", file).unwrap();
    let rows: Vec<Utterance> = data.iter().collect();
    assert_eq!(
        rows,
        [
            Utterance::new("B", "a \"b\",\nc")
                .with_intent("退款")
                .with_sentiment(0.25),
            Utterance::new("1", "d"),
        ]
    );
    let data = csv("text=query", file).unwrap();
    let row = data.utterance(0).unwrap();
    assert_eq!((row.id.as_str(), row.intent), ("0", None));
    let kept = json!({"flags": "B", "category": "退款", "mood": "0.25"});
    assert_eq!(json!(row.extra), kept);

    let data = opened("f.tsv", "text\tintent\nsay \"hi\"\tgreet\n\"open\tgreet\n").unwrap();
    let texts: Vec<String> = data.iter().map(|row| row.text).collect();
    assert_eq!(texts, ["say \"hi\"", "\"open"]);
}

#[test]
fn broken_csv_beside_its_valid_twin() {
    let cases = [
        (
            "intent=category",
            "text,category\na,b\n",
            "text,intent\na,b\n",
            "f.csv:1:1: the columns \"text,intent\", expected a column category for intent",
        ),
        (
            "",
            "text,category\na,b\n",
            "query,category\na,b\n",
            "f.csv:1:1: the columns \"query,category\", expected a column text, or another by --columns text=NAME",
        ),
        (
            "",
            "text,x\na,b\n",
            "text,text\na,b\n",
            "f.csv:1:6: \"text\", expected the column text once",
        ),
        (
            "",
            "text,x\na,b\n",
            "text,x\na,b\n\"c,\n\",d,e\n",
            "f.csv:3:1: a row of 3 fields, expected 2",
        ),
        (
            "",
            "text,x\na,b\n",
            "text,x\na,b\nc\n",
            "f.csv:3:1: a row of 1 fields, expected 2",
        ),
        (
            "",
            "text,x\n\"a\",b\n",
            "text,x\n\"a\",b\nc,\"d\n",
            "f.csv:3:3: a quote that never closes, expected a closing quote",
        ),
        (
            "",
            "text,sentiment\n\"a,订\",1\n",
            "text,sentiment\n\"a,\"\"订\",1.5\n",
            "f.csv:2:9: \"1.5\", expected a number from 0 to 1",
        ),
        (
            "",
            "text,sentiment\na,0\n",
            "text,sentiment\na,NaN\n",
            "f.csv:2:3: \"NaN\", expected a number from 0 to 1",
        ),
        (
            "",
            "text,sentiment\na,0\n",
            "text,sentiment\na,inf\n",
            "f.csv:2:3: \"inf\", expected a number from 0 to 1",
        ),
        (
            "",
            "text,sentiment\na,0\n",
            "text,sentiment\n\n\nx,\nb,good\n",
            "f.csv:5:3: \"good\", expected a number from 0 to 1",
        ),
    ];
    for (columns, valid, broken, expected) in cases {
        assert!(
            csv(columns, valid).is_ok(),
            "{valid}: {:?}",
            csv(columns, valid)
        );
        let found = csv(columns, broken).unwrap_err().to_string();
        assert!(
            found.ends_with(expected),
            "{broken}\n found {found}\n expected {expected}"
        );
    }
    for columns in ["text", "text=", "label=a", "text=a,text=b", "=a"] {
        assert!(columns.parse::<Columns>().is_err(), "{columns}");
    }
}

#[test]
fn broken_headers_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let open = |columns: &str, bytes: &str| {
        let options = ReadOptions {
            columns: columns.parse().unwrap(),
            no_header: columns.contains("=1"),
            ..ReadOptions::default()
        };
        let result = Dataset::open(&write(&folder, "f.csv", bytes), &options);
        result
            .map(|data| data.len())
            .map_err(|error| error.to_string())
    };
    let cases = [
        (
            "span_start=s,span_end=e,span_label=l",
            "text,s,e,l\na,,,\n",
            "text,s,e\na,,\n",
        ),
        ("turn=t", "text,dialogue_id,t\na,,\n", "text,t\na,1\n"),
        ("text=1,sentiment=2", "a,1\n", "a\n"),
        ("", "text\na\n", "\"text\na\n"),
        ("", "text\na\n", "t\u{0}ext\na\n"),
    ];
    for (columns, valid, broken) in cases {
        assert_eq!(open(columns, valid), Ok(1), "{columns}");
        let error = open(columns, broken).unwrap_err();
        assert!(error.contains("f.csv:1:"), "{error}");
    }
    let long = format!("text\n\"{}", "a".repeat(MAX_LINE_BYTES + (1 << 20)));
    let error = open("", &long).unwrap_err();
    assert!(
        error.contains(&format!(
            "f.csv:2:1: a row of more than {MAX_LINE_BYTES} bytes"
        )),
        "{error}"
    );
}

#[test]
fn csv_columns_come_up_as_rows_need_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.csv");
    let mut with_reply = Utterance::new("1", "b\n\"c\"");
    with_reply.reply = Some("r".into());
    let rows = [
        Utterance::new("0", "a,\n"),
        with_reply,
        Utterance::new("2", "d").with_intent("i"),
    ];
    let data = Dataset::from_utterances(rows.clone()).unwrap();
    data.save(&path, &WriteOptions::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "id,text,reply,intent\n0,\"a,\n\",,\n1,\"b\n\"\"c\"\"\",r,\n2,d,,i\n"
    );
    assert_eq!(rows_of(&path, &plain()), rows);
    Dataset::default()
        .save(&path, &WriteOptions::default())
        .unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "id,text\n");
}

#[test]
fn one_span_a_row_words_of_sentiment_and_columns_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        &folder,
        "f.csv",
        "查询 123,3,6,order_id,positive\nhello,,,,negative\nhi,,,,0.25\n",
    );
    let options = ReadOptions {
        columns: "text=1,span_start=2,span_end=3,span_label=4,sentiment=5"
            .parse()
            .unwrap(),
        no_header: true,
        ..plain()
    };
    let rows = rows_of(&path, &options);
    let sentiments: Vec<_> = rows.iter().map(|row| row.sentiment).collect();
    assert_eq!(sentiments, [Some(1.0), Some(0.0), Some(0.25)]);
    assert_eq!(rows[0].spans, [Span::new(7, 10, "order_id")]);
    assert!(rows[1].spans.is_empty() && rows[1].extra.is_empty());
    // Half of a span or of a turn is kept as it stands.
    let path = write(
        &folder,
        "g.csv",
        "text,span_start,turn,extra\na,1,2,free text\n",
    );
    let kept = json!({"span_start": "1", "turn": "2", "extra": "free text"});
    assert_eq!(json!(rows_of(&path, &plain())[0].extra), kept);
}
