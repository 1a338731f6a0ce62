//! Models change under load, and each answer is of one of them as a whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use cs_serve::engine::{EngineConfig, Handle};
use cs_serve::{Assistant, EngineError, Understanding};

use super::models::{
    Gate, TEXTS, any, assert_settled, block_on, eventually, folder, model, open, plain, start,
    workers,
};

/// The answer's intents are those of the model it names, and its number is where it is in the text,
/// which it is not for a model that got another's tokens.
fn assert_whole(turn: &Understanding, versions: &[(String, String)]) {
    let version = turn.model.as_deref().unwrap();
    let (_, name) = versions.iter().find(|(of, _)| of == version).unwrap();
    let of = |label: &str| label.rsplit_once('-').unwrap().0 == name;
    assert!(
        turn.intents.iter().all(|intent| of(&intent.label)),
        "{turn:?}"
    );
    let numbers = turn.text.matches("12345").count();
    assert_eq!(turn.entities.len(), numbers, "{turn:?}");
    assert!(turn.entities.iter().all(|entity| entity.text == "12345"));
}

fn ask_all(handle: &Handle, thread: usize, versions: &[(String, String)]) {
    for (i, text) in TEXTS.iter().enumerate() {
        match (thread + i) % 3 {
            0 => assert_whole(&handle.understand(*text, &any()).unwrap(), versions),
            1 => {
                let pending = handle.submit(*text, &any()).unwrap();
                assert_whole(&block_on(pending).unwrap(), versions);
            }
            _ => {
                let texts = TEXTS.map(String::from).to_vec();
                let turns = handle.understand_all(texts, &any()).unwrap();
                turns.iter().for_each(|turn| assert_whole(turn, versions));
                // A request is of one model.
                assert!(turns.iter().all(|turn| turn.model == turns[0].model));
            }
        }
    }
}

#[test]
fn a_hundred_swaps_under_load_lose_and_tear_nothing() {
    const NAMES: [&str; 4] = ["one", "another tokenizer", "a third of them", "and four"];
    let folders = NAMES.map(folder);
    // The model is opened anew for each swap, so that it can be seen to go.
    let make = |i: usize| open(folders[i % NAMES.len()].path(), |_| Ok(()));
    let versions: Vec<(String, String)> = NAMES
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let version = make(i).bundle().version().unwrap().to_owned();
            (version, (*name).to_owned())
        })
        .collect();
    let config = EngineConfig {
        batch_texts: 4,
        ..workers(2)
    };
    let (engine, handle) = start(&make(0), config);
    let swapped = AtomicBool::new(false);
    let mut old: Vec<Weak<Assistant>> = Vec::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (handle, swapped, versions) = (handle.clone(), &swapped, &versions);
            scope.spawn(move || {
                while !swapped.load(Ordering::Relaxed) {
                    ask_all(&handle, thread, versions);
                }
            });
        }
        for i in 1..=100 {
            let before = handle.swap(make(i)).unwrap();
            old.push(Arc::downgrade(&before));
        }
        swapped.store(true, Ordering::Relaxed);
    });
    let snapshot = handle.snapshot();
    assert_eq!(
        (snapshot.swaps, snapshot.failed, snapshot.late),
        (100, 0, 0)
    );
    assert_settled(&handle);
    assert!(engine.drain(Duration::from_secs(60)).is_clean());
    assert!(old.iter().all(|model| model.strong_count() == 0));
}

#[test]
fn what_came_before_a_swap_is_the_old_models_which_then_goes() {
    let gate = Gate::closed();
    let (passed, batches) = (Arc::clone(&gate), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&batches);
    let old = model("old", move |seen| {
        noted.lock().unwrap().push(seen.len());
        passed.pass();
        Ok(())
    });
    let (_engine, handle) = start(&old, workers(1));
    let first = handle.submit("order", &any()).unwrap();
    gate.wait_for(1);
    let before: Vec<_> = (0..3)
        .map(|_| handle.submit("order", &any()).unwrap())
        .collect();
    let gone = Arc::downgrade(&old);
    drop(old);
    drop(handle.swap(plain()).unwrap());
    assert!(gone.strong_count() > 0);
    let after = handle.submit("order", &any()).unwrap();
    gate.open();
    let label = |turn: Understanding| turn.intents[0].label.clone();
    assert!(label(first.wait().unwrap()).starts_with("old-"));
    for pending in before {
        assert!(label(pending.wait().unwrap()).starts_with("old-"));
    }
    assert!(label(after.wait().unwrap()).starts_with("plain-"));
    assert_eq!(*batches.lock().unwrap(), [1, 3]);
    eventually(&handle, |it| it.running == 0);
    eventually(&handle, |_| gone.strong_count() == 0);
}

#[test]
fn a_model_that_understands_nothing_does_not_get_in() {
    let (_engine, handle) = start(&plain(), workers(1));
    let version = handle.model().bundle().version().map(str::to_owned);
    let failing = model("failing", |_| Err("no weights".into()));
    let error = handle.swap(failing).unwrap_err();
    assert_eq!(error.to_string(), "backend scripted: no weights");
    let panicking = model("panicking", |_| panic!("no weights"));
    let error = handle.swap(panicking).unwrap_err();
    assert!(matches!(error, EngineError::Panicked { .. }));
    let turn = handle.understand("order", &any()).unwrap();
    assert_eq!((turn.model, handle.snapshot().swaps), (version, 0));
}
