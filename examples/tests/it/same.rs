//! What is written and what is read are two files.

use cs_examples::refuse_input;

#[test]
fn an_input_is_known_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("a.jsonl"), "{}").unwrap();
    std::fs::write(path("b.jsonl"), "{}").unwrap();
    let input = path("a.jsonl");
    let mut same = vec![
        input.clone(),
        dir.path().join("./a.jsonl"),
        dir.path().to_owned(),
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&input, path("link.jsonl")).unwrap();
        std::fs::hard_link(&input, path("hard.jsonl")).unwrap();
        same.extend([path("link.jsonl"), path("hard.jsonl")]);
    }
    for output in same {
        let error = refuse_input(&output, &[&input]).unwrap_err().to_string();
        assert!(error.contains("a.jsonl, expected another file"), "{error}");
    }
    assert!(refuse_input(&path("b.jsonl"), &[&input]).is_ok());
    assert!(refuse_input(&path("new.jsonl"), &[&input]).is_ok());
    assert!(
        refuse_input(&path("b.jsonl"), &[dir.path()]).is_err(),
        "in the folder"
    );
}
