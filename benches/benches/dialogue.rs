//! A turn of a conversation, without the model: what is decided, and all of it with a session in memory.
//! `cargo bench -p cs-benches --no-default-features --bench dialogue`

use std::cell::Cell;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use cs_benches::conversation::{Conversation, TURNS, flows};
use cs_serve::dialogue::{Input, Said, State, decide};

fn dialogue(criterion: &mut Criterion) {
    let conversation = Conversation::default();
    conversation.hold("s", TURNS - 1);
    let events = conversation.chat.events("s");
    let events = events.unwrap_or_else(|error| panic!("{error}"));
    let (flows, state) = (flows(), State::replay(&events));
    let (text, understanding) = conversation.turn(TURNS - 1);
    criterion.bench_function("decide on the tenth turn", |bencher| {
        bencher.iter(|| {
            let input = Input::Turn(Said {
                text,
                understanding,
                parts: &[],
            });
            decide(&flows, black_box(&state), &input, 7)
        });
    });
    criterion.bench_function("replay nine turns", |bencher| {
        bencher.iter(|| State::replay(black_box(&events)));
    });
    let number = Cell::new(0);
    criterion.bench_function("the tenth turn of a session in memory", |bencher| {
        let session = || {
            number.set(number.get() + 1);
            let session = format!("s{}", number.get());
            conversation.hold(&session, TURNS - 1);
            session
        };
        bencher.iter_batched(
            session,
            |session| conversation.say(&session, TURNS - 1),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, dialogue);
criterion_main!(benches);
