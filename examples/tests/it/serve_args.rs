//! What `serve` is told by flags, variables and a file: which goes first, and what is refused where.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use cs_examples::{Error, ServeArgs, ServeSettings, Served, Shares};
use cs_serve::engine::EngineConfig;
use cs_serve::http::{HttpConfig, Slot};
use cs_serve::rollout::Approval;
use cs_serve::route::RouteConfig;

use crate::support::Folder;

fn settings(flags: &[&str], variables: &[(&str, &str)]) -> Result<ServeSettings, Error> {
    let flags = ServeArgs::try_parse_from([&["serve"][..], flags].concat()).unwrap();
    let variables = variables.iter();
    flags.layered(variables.map(|&(name, value)| (OsString::from(name), OsString::from(value))))
}

#[test]
fn a_flag_goes_before_a_variable_and_a_variable_before_the_file() {
    let folder = Folder::new();
    let text = "queue = 10\nmax_text = 11\nrate = 1.5\ndeadline_ms = 1_000\nlight = \"models/a\"\n";
    let file = folder.write("serve.toml", text.as_bytes());
    let variables = [
        ("CS_CONFIG", file.as_str()),
        ("CS_QUEUE", "20"),
        ("CS_MAX_TEXT", "21"),
        ("QUEUE", "29"),
    ];
    let found = settings(&["--queue", "30", "--addr", "[::1]:0"], &variables).unwrap();
    let expected = ServeSettings {
        light: Some(folder.path("models/a").into()),
        queue: Some(30),
        max_text: Some(21),
        rate: Some(1.5),
        deadline_ms: Some(1000),
        addr: Some("[::1]:0".parse().unwrap()),
        ..ServeSettings::default()
    };
    assert_eq!(found, expected);

    let other = folder.write(
        "other.toml",
        b"queue = 40\nlight = \"/models/b\"\nrate = 2\n",
    );
    let found = settings(&["--config", &other], &variables).unwrap();
    let expected = ServeSettings {
        light: Some("/models/b".into()),
        queue: Some(20),
        max_text: Some(21),
        rate: Some(2.0),
        ..ServeSettings::default()
    };
    assert_eq!(found, expected);
    assert_eq!(found.engine().queue_texts, 20);
    assert_eq!(found.http().max_text, 21);
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_place() {
    let folder = Folder::new();
    let all = "one of light, full, route, redis, kb, sparql, flows, replies, ";
    let cases: [(&[u8], &str); 16] = [
        (
            b"queue = 0",
            "1:9: \"0\", expected a whole number of at least 1",
        ),
        (
            b"queue = -3",
            "1:9: \"-3\", expected a whole number of at least 1",
        ),
        (
            b"\nqueue = 1.5",
            "2:9: \"1.5\", expected a whole number of at least 1",
        ),
        (b"queue = 1\nqueue = \"8\"", "2:1: duplicate key"),
        (
            b"queue = \"8\"",
            "1:9: a value of type string, expected a number",
        ),
        (
            b"queue = true",
            "1:9: a value of type boolean, expected a number",
        ),
        (b"rate = nan", "1:8: \"nan\", expected a number above 0"),
        (
            b"max_text = 65537",
            "1:12: \"65537\", expected a whole number from 1 to 65536",
        ),
        (
            b"light = 7",
            "1:9: a value of type integer, expected a string",
        ),
        (b"light = ''", "1:9: \"\", expected a value"),
        (
            b"addr = \"localhost\"",
            "1:8: \"localhost\", expected an address and a port, ",
        ),
        (
            b"# \xe8\xae\xa2\nligth = \"a\"\nquee = 1",
            "2:1: no setting \"ligth\", expected \"light\"",
        ),
        (
            b"max-text = 9",
            "1:1: no setting \"max-text\", expected \"max_text\"",
        ),
        (
            b"[zzz]\nqueue = 1",
            &format!("1:2: no setting \"zzz\", expected {all}"),
        ),
        (
            b"config = \"a.toml\"",
            "1:1: no setting \"config\", expected ",
        ),
        (
            b"light = \"a\xff",
            "1:11: bytes that are not UTF-8, expected TOML",
        ),
    ];
    for (text, problem) in cases {
        let file = folder.write("serve.toml", text);
        let error = settings(&["--config", &file], &[]).unwrap_err().line();
        assert!(
            error.starts_with(&format!("{file}:{problem}")),
            "{error}\n{problem}"
        );
    }
    for text in ["light = \"a", "queue =", "= 3", "queue 3"] {
        let file = folder.write("serve.toml", text.as_bytes());
        let error = settings(&["--config", &file], &[]).unwrap_err().line();
        assert!(error.starts_with(&format!("{file}:1:")), "{error}");
    }
    let error = settings(&["--config", "no/such.toml"], &[]).unwrap_err();
    assert!(error.line().starts_with("no/such.toml: "), "{error}");
}

#[test]
fn lists_of_words_are_several_on_the_command_line_and_in_a_file() {
    let folder = Folder::new();
    let words = |settings: ServeSettings| settings.words;
    let flags = settings(&["--words", "a", "b", "--words", "c"], &[("CS_WORDS", "d")]);
    assert_eq!(words(flags.unwrap()), ["a", "b", "c"].map(PathBuf::from));
    let file = folder.write("serve.toml", b"words = ['a.tsv', '/b.tsv']");
    let both = settings(&["--config", &file], &[]).unwrap();
    assert_eq!(
        words(both),
        [folder.path("a.tsv").into(), PathBuf::from("/b.tsv")]
    );
    let file = folder.write("serve.toml", b"words = 'a.tsv'");
    let one = settings(&["--config", &file], &[]).unwrap();
    assert_eq!(words(one), [PathBuf::from(folder.path("a.tsv"))]);
    let one = settings(&[], &[("CS_WORDS", "d")]).unwrap();
    assert_eq!(words(one), [PathBuf::from("d")]);
    for (text, problem) in [
        (
            "words = ['a', 7]",
            "1:15: a value of type integer, expected a string",
        ),
        (
            "light = ['a', 'b']",
            "1:9: a value of type array, expected a string",
        ),
    ] {
        let file = folder.write("serve.toml", text.as_bytes());
        let error = settings(&["--config", &file], &[]).unwrap_err().line();
        assert_eq!(error, format!("{file}:{problem}"));
    }
}

#[test]
fn what_is_wrong_in_a_variable_is_told_with_its_name() {
    for (name, value, problem) in [
        (
            "CS_QUEUE",
            "many",
            "\"many\", expected a whole number of at least 1",
        ),
        ("CS_RATE", "0", "\"0\", expected a number above 0"),
        (
            "CS_ADDR",
            "8080",
            "\"8080\", expected an address and a port, e.g. 127.0.0.1:8080",
        ),
        ("CS_LIGHT", "", "\"\", expected a value"),
    ] {
        let error = settings(&[], &[(name, value)]).unwrap_err();
        assert_eq!(error.line(), format!("{name}: {problem}"));
    }
    // They may be another program's.
    let others = [("CS_LIGTH", "a"), ("CS_", ""), ("CS_light", "a")];
    assert_eq!(settings(&[], &others).unwrap(), ServeSettings::default());
}

#[test]
fn one_model_is_served_or_both() {
    let model = |flags: &[&str]| settings(flags, &[("CS_FULL", "f")]).unwrap();
    let (light, full) = (Path::new("l"), Path::new("f"));
    assert_eq!(model(&[]).models().unwrap(), Served::One(Slot::Full, full));
    let both = model(&["--light", "l"]);
    assert_eq!(both.models().unwrap(), Served::Both { light, full });
    assert_eq!(both.routing().unwrap(), RouteConfig::default());
    assert!(ServeSettings::default().models().is_err());
    let error = model(&["--route", "r.json"]).models().unwrap_err();
    assert!(error.line().contains("--light and --full"), "{error}");
    let error = model(&["--redis", "redis://h"]).models().unwrap_err();
    assert!(error.line().contains("--light and --full"), "{error}");
}

#[test]
fn answers_are_shared_only_where_there_are_some() {
    let none = RouteConfig {
        cache: None,
        ..RouteConfig::default()
    };
    let shared = settings(&[], &[("CS_REDIS", "redis://:sesame@127.0.0.1:1")]).unwrap();
    let cascade = shared.cascade(&RouteConfig::default()).unwrap();
    let cache = cascade.cache().unwrap();
    assert!(!cache.redis().unwrap().is_up);
    let error = shared.cascade(&none).unwrap_err().line();
    assert!(error.starts_with("--redis: no answers"), "{error}");
    let wrong = settings(&["--redis", "http://u:sesame@h"], &[]).unwrap();
    let error = wrong.cascade(&RouteConfig::default()).unwrap_err().line();
    assert!(
        error.contains("expected redis://") && !error.contains("sesame"),
        "{error}"
    );
}

#[test]
fn what_was_fitted_is_read_and_checked() {
    let folder = Folder::new();
    let routing = |json: &str| {
        let file = folder.write("route.json", json.as_bytes());
        let flags = ["--light", "l", "--full", "f", "--route", &file];
        settings(&flags, &[]).unwrap().routing()
    };
    let config = routing(r#"{"policy": {"threshold": 0.7}, "cache": null}"#).unwrap();
    assert_eq!((config.policy.threshold, config.cache), (0.7, None));
    for (json, place) in [
        ("{\n \"polcy\": {}}", "route.json:2:8: "),
        (
            r#"{"policy": {"threshold": 1.5}}"#,
            "policy.threshold = 1.5, expected 0 to 1",
        ),
        ("[1", "route.json:1:"),
    ] {
        let line = routing(json).unwrap_err().line();
        assert!(line.contains(place), "{line}");
    }
}

#[test]
fn the_file_in_deploy_has_every_setting_with_its_default() {
    let text = std::fs::read_to_string("../deploy/serve.toml").unwrap();
    let bare = text.lines().map(|line| line.trim_start_matches("# "));
    let settings_of: Vec<(&str, &str)> = bare.filter_map(|line| line.split_once(" = ")).collect();
    let all = settings_of
        .iter()
        .map(|(key, value)| format!("{key} = {value}\n"));
    let folder = Folder::new();
    let file = folder.write("serve.toml", all.collect::<String>().as_bytes());
    let found = settings(&["--config", &file], &[]).unwrap();
    assert_eq!(found.engine(), EngineConfig::default());
    assert_eq!(found.address(), ServeSettings::default().address());
    let http = HttpConfig {
        rate: None,
        api_keys: None,
        models_dir: None,
        ..found.http()
    };
    assert_eq!(http, HttpConfig::default());
    for arg in ServeSettings::command().get_arguments() {
        let mut settings = settings_of.iter();
        let (_, value) = settings.find(|(key, _)| arg.get_id() == *key).unwrap();
        let help = arg.get_help().unwrap().to_string();
        let default = help
            .split("; ")
            .find(|part| part.starts_with(char::is_numeric));
        let default = default.map(|part| part.trim_end_matches(" if left out"));
        assert!(
            default.is_none_or(|told| told == value.trim_matches('"')),
            "{help}"
        );
    }
    let as_it_is = settings(&["--config", "../deploy/serve.toml"], &[]).unwrap();
    assert!(as_it_is.models().is_ok());
}

#[test]
fn facts_come_from_one_place() {
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/data/shop/facts.ttl");
    assert!(settings(&[], &[]).unwrap().knowledge().unwrap().is_none());
    let known = settings(&["--kb", shop], &[])
        .unwrap()
        .knowledge()
        .unwrap()
        .unwrap();
    assert_eq!(known.get().version().len(), 16);
    for (arguments, expected) in [
        (
            vec!["--kb", shop, "--sparql", "http://127.0.0.1:1/"],
            "--kb, --sparql: two sources",
        ),
        (vec!["--kb", "no/such.ttl"], "no/such.ttl: "),
        (
            vec!["--sparql", "http://127.0.0.1:1/"],
            "http://127.0.0.1:1/: ",
        ),
    ] {
        let line = settings(&arguments, &[])
            .unwrap()
            .knowledge()
            .unwrap_err()
            .line();
        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn what_conversations_have_no_use_for_is_refused() {
    for (arguments, expected) in [
        (vec!["--generator", "g"], "--generator: no conversations"),
        (
            vec!["--flows", "f", "--generator", "g"],
            "--generator: nothing to write from",
        ),
        (vec!["--flows", "f", "--embedder", "e"], "--embedder: "),
        (vec!["--state", "s"], "--state: no conversations"),
        (vec!["--words", "w", "v"], "--words: no conversations"),
        (vec!["--semantic", "d"], "--semantic: no conversations"),
        (
            vec!["--log-dir", "d", "--mask-key", "k"],
            "--log-dir: no conversations",
        ),
        (
            vec!["--flows", "f", "--log-dir", "d"],
            "--log-dir: a log is masked",
        ),
        (
            vec!["--flows", "f", "--mask-key", "k"],
            "--mask-key: nothing is logged",
        ),
        (
            vec!["--flows", "f", "--state", "s", "--redis", "redis://x"],
            "--state, --redis: ",
        ),
        (
            vec!["--replies", "r", "--actions", "http://x"],
            "--actions: flows ask",
        ),
        (
            vec!["--replies", "r", "--scripted-actions", "a"],
            "--scripted-actions: flows ask",
        ),
        (
            vec![
                "--flows",
                "f",
                "--actions",
                "http://x",
                "--scripted-actions",
                "a",
            ],
            "--actions, --scripted-actions: expected one",
        ),
    ] {
        let settings = settings(&arguments, &[]).unwrap();
        let line = settings.check_chat().unwrap_err().line();
        assert!(line.starts_with(expected), "{line}");
    }
    let settings = settings(&["--flows", "f", "--redis", "redis://x"], &[]).unwrap();
    assert!(settings.chats() && settings.check_chat().is_ok());
}

#[test]
fn a_candidate_is_a_setting_and_its_roll_out_needs_one() {
    let folder = Folder::new();
    let text = "candidate = \"next\"\nplan = \"10, 25\"\napproval = \"each\"\nshadow = 0\n";
    let file = folder.write("serve.toml", text.as_bytes());
    let found = settings(&["--config", &file, "--plan", "5"], &[]).unwrap();
    let rolling = found.rolling;
    assert_eq!(rolling.candidate, Some(folder.path("next").into()));
    assert_eq!(rolling.plan, Some(Shares(vec![0.05])));
    assert_eq!(
        (rolling.approval, rolling.shadow),
        (Some(Approval::Each), Some(0.0))
    );
    for (flag, value, expected) in [
        ("--plan", "5;15", "shares in percent, e.g. 5,15,30"),
        ("--plan", "abc", "shares in percent, e.g. 5,15,30"),
        ("--approval", "all", "none, last or each"),
        ("--max-drop", "1", "a number above 0 and below 1"),
        ("--rated", "ten", "a number above 0, at most 1"),
        ("--daily", "0", "a number above 0"),
        ("--min-step-hours", "a day", "a number above 0"),
    ] {
        let refused = ServeArgs::try_parse_from(["serve", flag, value]).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let light = folder.path("light");
    let alone = settings(&["--light", light.as_ref(), "--plan", "5"], &[]).unwrap();
    assert!(!alone.chats() && alone.rolling.candidate.is_none());
}
