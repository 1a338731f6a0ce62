//! Turtle and N-Triples, read so that each triple knows its line.

use std::ops::ControlFlow;

use oxrdf::Triple;
use oxttl::turtle::{LowLevelTurtleParser, TurtleParser};

use super::problems::{Place, Problem, ProblemKind};

/// The bytes that may be read without a triple: more than what any allowed literal needs.
const MOST_WITHOUT_TRIPLE: usize = 32 << 20;

/// A triple and the line of the file by whose end it was complete, from 1.
pub(super) struct PlacedTriple {
    pub(super) triple: Triple,
    pub(super) line: u32,
}

/// Reads a file, and gives each triple or syntax error until `each` breaks; then the namespace of the
/// prefix `cs`, if the file declares it.
///
/// The parser is fed line by line, and with more at once where a literal spans lines, as it reads an
/// unfinished one anew each time.
pub(super) fn read(
    text: &[u8],
    mut each: impl FnMut(Result<PlacedTriple, Problem>) -> ControlFlow<()>,
) -> Option<String> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut parser = TurtleParser::new().low_level();
    let (mut at, mut line, mut waiting) = (0, 0_u32, 0);
    while !parser.is_end() {
        if at == text.len() {
            parser.end();
        } else {
            let piece = piece(&text[at..], waiting);
            parser.extend_from_slice(piece);
            (at, waiting) = (at + piece.len(), waiting + piece.len());
            line = line.saturating_add(lines(piece));
        }
        while let Some(read) = parser.parse_next() {
            waiting = 0;
            let read = read
                .map(|triple| PlacedTriple { triple, line })
                .map_err(|error| {
                    let start = error.location().start;
                    let place = Place {
                        line: start.line as usize + 1,
                        column: start.column as usize + 1,
                    };
                    Problem::new(place, ProblemKind::Syntax, error.message())
                });
            if each(read).is_break() {
                return None;
            }
        }
        if waiting > MOST_WITHOUT_TRIPLE {
            let place = Place {
                line: line as usize,
                column: 1,
            };
            let text = "no end of a literal or statement, expected one within 32 MB";
            let _ = each(Err(Problem::new(place, ProblemKind::Syntax, text)));
            return None;
        }
    }
    declared_namespace(&parser)
}

/// The next line, or as many lines as there are bytes without a triple.
fn piece(text: &[u8], waiting: usize) -> &[u8] {
    let least = if waiting > 64 << 10 { waiting } else { 1 };
    let from = least.min(text.len()) - 1;
    let end = memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |found| from + found + 1);
    &text[..end]
}

fn lines(piece: &[u8]) -> u32 {
    let ends = memchr::memchr_iter(b'\n', piece).count() + usize::from(!piece.ends_with(b"\n"));
    u32::try_from(ends).unwrap_or(u32::MAX)
}

fn declared_namespace(parser: &LowLevelTurtleParser) -> Option<String> {
    let mut prefixes = parser.prefixes();
    prefixes
        .find(|(prefix, _)| *prefix == "cs")
        .map(|(_, namespace)| namespace.to_owned())
}
