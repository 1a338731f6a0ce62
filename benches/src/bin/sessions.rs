//! The memory of 100,000 sessions of ten turns, of some 60 bytes and a reply of 150 each.
//! `cargo run --release -p cs-benches --no-default-features --bin sessions`

use std::io::Write;

use cs_benches::conversation::{Conversation, TURNS};

const SESSIONS: usize = 100_000;

/// The memory of this process that is in use, in bytes, as Linux counts it.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn main() -> std::io::Result<()> {
    let conversation = Conversation::default();
    let (mut said, mut replied) = (0, 0);
    for turn in 0..TURNS {
        said += conversation.turn(turn).0.len();
        replied += conversation.say("first", turn).reply.text.len();
    }
    let before = resident().unwrap_or_default();
    for session in 1..SESSIONS {
        conversation.hold(&format!("session-{session:028}"), TURNS);
    }
    let bytes = resident().unwrap_or_default().saturating_sub(before);
    let turns = SESSIONS * TURNS;
    writeln!(
        std::io::stderr(),
        "{SESSIONS} sessions of {TURNS} turns, {} bytes and a reply of {} on average: {} MB, {} bytes a turn",
        said / TURNS,
        replied / TURNS,
        bytes / 1_000_000,
        bytes / turns
    )
}
