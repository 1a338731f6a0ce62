//! Values kept under a key of their own.

use std::path::Path;
use std::sync::Arc;

use cs_serve::safety::personal::{Keys, Masker, Vault, VaultError};

fn keys(folder: &Path, bytes: &[u8]) -> Keys {
    let path = folder.join("keys");
    let lines: Vec<String> = bytes
        .iter()
        .map(|it| format!("{it:02x}").repeat(32))
        .collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    Keys::open(&path).unwrap()
}

/// Masks a text and gives the tags in it.
fn tags(masker: &Masker, conversation: &str, text: &str) -> Vec<String> {
    let masked = masker.text(conversation, text).masked.into_inner();
    let tag = |it: &str| {
        it.split_once('>')
            .unwrap()
            .0
            .split_once(':')
            .unwrap()
            .1
            .to_owned()
    };
    masked.split('<').skip(1).map(tag).collect()
}

fn value(vault: &Vault, tag: &str) -> Option<String> {
    vault.get(tag).unwrap().map(|it| it.to_string())
}

#[test]
fn what_is_masked_is_kept_and_found_by_its_tag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let keys = keys(folder.path(), &[1, 2, 3]);
    let text = "我的手机是138 0013 8000，邮箱a@b.example";
    let tags = {
        let vault = Arc::new(Vault::open(&path, &keys).unwrap());
        let masker = Masker::new(keys.clone()).with_vault(Arc::clone(&vault));
        let tags = tags(&masker, "one", text);
        let size = std::fs::metadata(&path).unwrap().len();
        // The same value of the same conversation is there once, however it is written.
        let _ = masker.text("one", "打13800138000");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
        vault.sync().unwrap();
        assert_eq!(vault.lost(), 0);
        tags
    };
    let vault = Vault::open(&path, &keys).unwrap();
    assert_eq!(value(&vault, &tags[0]).as_deref(), Some("138 0013 8000"));
    assert_eq!(value(&vault, &tags[1]).as_deref(), Some("a@b.example"));
    for none in ["aaaaaaaaaaaaaaaa", "", "138"] {
        assert_eq!(value(&vault, none), None);
    }
    let bytes = std::fs::read(&path).unwrap();
    for secret in ["0013", "b.example"] {
        assert!(
            !bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes())
        );
    }
}

#[test]
fn another_key_is_told_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    drop(Vault::open(&path, &keys(folder.path(), &[1, 2, 3])).unwrap());
    let error = Vault::open(&path, &keys(folder.path(), &[1, 2, 4])).unwrap_err();
    assert!(matches!(error, VaultError::WrongKey { .. }), "{error}");
    let error = Vault::open(&path, &keys(folder.path(), &[1, 2])).unwrap_err();
    assert!(matches!(error, VaultError::NoKey), "{error}");
    assert!(Vault::open(&path, &keys(folder.path(), &[5, 6, 3])).is_ok());
}

#[test]
fn what_is_no_vault_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    std::fs::write(&path, "some notes that nobody may lose").unwrap();
    let keys = keys(folder.path(), &[1, 2, 3]);
    assert!(matches!(
        Vault::open(&path, &keys),
        Err(VaultError::File(_))
    ));
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "some notes that nobody may lose"
    );
}

#[test]
fn one_process_at_a_time_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let keys = keys(folder.path(), &[1, 2, 3]);
    let vault = Vault::open(&path, &keys).unwrap();
    assert!(matches!(
        Vault::open(&path, &keys),
        Err(VaultError::File(_))
    ));
    drop(vault);
    assert!(Vault::open(&path, &keys).is_ok());
}

#[test]
fn values_of_a_conversation_go_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let keys = keys(folder.path(), &[1, 2, 3]);
    let vault = Arc::new(Vault::open(&path, &keys).unwrap());
    let masker = Masker::new(keys).with_vault(Arc::clone(&vault));
    let one = tags(&masker, "one", "13800138000和a@b.example");
    let two = tags(&masker, "two", "13800138000");
    assert_eq!(
        vault.forget(&[masker.conversation("three").get()]).unwrap(),
        0
    );
    assert_eq!(
        vault.forget(&[masker.conversation("one").get()]).unwrap(),
        2
    );
    assert!(one.iter().all(|it| value(&vault, it).is_none()));
    assert_eq!(value(&vault, &two[0]).as_deref(), Some("13800138000"));
    // It goes on as before.
    let again = tags(&masker, "one", "13800138000");
    assert_eq!(again[0], one[0]);
    assert_eq!(value(&vault, &one[0]).as_deref(), Some("13800138000"));
}

#[test]
fn values_that_come_while_others_are_forgotten_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let keys = keys(folder.path(), &[1, 2, 3]);
    let vault = Arc::new(Vault::open(&path, &keys).unwrap());
    let masker = Masker::new(keys.clone()).with_vault(Arc::clone(&vault));
    let gone = masker.conversation("gone").into_inner();
    let kept: Vec<String> = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let values = (0..200).map(|number| {
                let text = format!("写信到u{number}@b.example");
                let _ = masker.text("gone", &text);
                tags(&masker, "kept", &text).remove(0)
            });
            values.collect()
        });
        while !writer.is_finished() {
            vault.forget(&[&gone]).unwrap();
        }
        writer.join().unwrap()
    });
    vault.forget(&[&gone]).unwrap();
    vault.sync().unwrap();
    assert_eq!(vault.lost(), 0);
    drop((masker, vault));
    let vault = Vault::open(&path, &keys).unwrap();
    for (number, tag) in kept.iter().enumerate() {
        let expected = format!("u{number}@b.example");
        assert_eq!(value(&vault, tag), Some(expected));
    }
    assert_eq!(vault.forget(&[&gone]).unwrap(), 0);
}

#[test]
fn a_value_under_another_tag_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let keys = keys(folder.path(), &[1, 2, 3]);
    let vault = Arc::new(Vault::open(&path, &keys).unwrap());
    let masker = Masker::new(keys.clone()).with_vault(Arc::clone(&vault));
    let tag = tags(&masker, "one", "13800138000").remove(0);
    drop((masker, vault));
    // Somebody gives the sealed value another tag, with a sum that is right.
    let other = "b".repeat(16);
    let mut frames: Vec<Vec<u8>> = Vec::new();
    let kind = cs_data::file::FrameKind {
        magic: *b"cs-vault",
        version: 1,
    };
    let each = |_, it: &[u8]| {
        frames.push(it.to_vec());
        Ok::<_, std::convert::Infallible>(())
    };
    cs_data::file::Frames::read(&path, kind, each).unwrap();
    frames[1][..16].copy_from_slice(other.as_bytes());
    cs_data::file::Frames::replace(&path, kind, |put| frames.iter().try_for_each(|it| put(it)))
        .unwrap();
    let vault = Vault::open(&path, &keys).unwrap();
    assert_eq!(value(&vault, &tag), None);
    assert!(matches!(
        vault.get(&other),
        Err(VaultError::WrongKey { .. })
    ));
}

#[test]
fn a_torn_end_is_cut_off_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let keys = keys(folder.path(), &[1, 2, 3]);
    let vault = Arc::new(Vault::open(&path, &keys).unwrap());
    let masker = Masker::new(keys.clone()).with_vault(Arc::clone(&vault));
    let first = tags(&masker, "one", "13800138000").remove(0);
    let second = tags(&masker, "one", "a@b.example").remove(0);
    drop((masker, vault));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let vault = Vault::open(&path, &keys).unwrap();
    assert!(vault.torn().is_some());
    assert_eq!(value(&vault, &first).as_deref(), Some("13800138000"));
    assert_eq!(value(&vault, &second), None);
}

#[test]
fn nothing_shows_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(folder.path(), &[1, 2, 3]);
    let vault = Vault::open(&folder.path().join("vault"), &keys).unwrap();
    assert_eq!(format!("{vault:?} {keys:?}"), "Vault { .. } Keys { .. }");
}
