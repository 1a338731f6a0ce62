//! CoNLL: a token and its tag a line, a blank line between sentences.
//!
//! Columns are separated by tabs or, in a line without a tab, by spaces; the first is the token,
//! the last its tag, those between are not read. `-DOCSTART-` lines are skipped. Also read, and
//! told apart by the first line: a sentence a line, `token:tag token:tag`, with perhaps
//! ` <=> intent` behind it (`<NULL>`: none).
//!
//! Comment lines above a sentence hold the other fields of its row: `# intent = refund`. Under
//! `# text = …` the text, and with it the places of the tokens, is what it says. Otherwise tokens
//! are joined: with nothing if all are single characters, else with a space, but with nothing
//! beside a Chinese or Japanese character. The writer adds the text where that would not give it
//! back, so nothing is lost but spans with white space at their ends.

use std::ops::Range;
use std::path::Path;

use crate::comments;
use crate::error::{Error, IobError, Result};
use crate::file::Draft;
use crate::iob;
use crate::read::{Fault, LineSource, MAX_LINE_BYTES, RowReader};
use crate::scheme::Scheme;
use crate::script::{is_cjk, is_unspaced};
use crate::source::shown;
use crate::utterance::{Span, Utterance, check_text};
use crate::write::{Losses, RowWriter};

const DOCSTART: &str = "-DOCSTART-";

/// Reads sentences; in `scheme`, or in the one that all sentences so far allow.
pub(crate) struct Reader {
    lines: LineSource,
    tagging: Tagging,
    /// Whether a line is a sentence; known from the first line with a token.
    is_inline: Option<bool>,
    rows: usize,
    block: Block,
}

impl Reader {
    pub(crate) fn new(lines: LineSource, scheme: Option<Scheme>) -> Self {
        Reader {
            lines,
            tagging: Tagging::new(scheme),
            is_inline: None,
            rows: 0,
            block: Block::default(),
        }
    }

    /// Collects the lines of the next sentence; `None` at the end.
    fn collect(&mut self) -> Option<Result<(), Fault>> {
        self.block = Block::default();
        let mut broken = None;
        while let Some(result) = self.lines.advance() {
            match result {
                Err(Fault::Row(error)) => {
                    broken.get_or_insert(error);
                    if self.is_inline == Some(true) {
                        break;
                    }
                    continue;
                }
                Err(fault) => return Some(Err(fault)),
                Ok(()) => {}
            }
            let line = self.lines.line();
            if line.chars().all(|c| matches!(c, ' ' | '\t')) {
                if broken.is_some() || !self.block.is_empty() {
                    break;
                }
                continue;
            }
            if let Err(error) = self.add_line() {
                broken.get_or_insert(error);
            }
            if self.is_inline == Some(true) && (broken.is_some() || !self.block.items.is_empty()) {
                break;
            }
        }
        match broken {
            Some(error) => Some(Err(Fault::Row(error))),
            None => (!self.block.is_empty()).then_some(Ok(())),
        }
    }

    fn add_line(&mut self) -> Result<()> {
        let line = self.lines.line();
        if self.block.raw.len() + line.len() > MAX_LINE_BYTES {
            let found = "a sentence that goes on and on";
            let expected = format!("a blank line within {MAX_LINE_BYTES} bytes");
            return Err(self.lines.error(0, found, expected));
        }
        if self.block.items.is_empty() {
            if self.block.is_empty() && line.split([' ', '\t']).next() == Some(DOCSTART) {
                return Ok(());
            }
            if comments::key_value(line).is_some() || is_other_comment(line) {
                self.block.push(&self.lines);
                return Ok(());
            }
        }
        let is_inline = *self.is_inline.get_or_insert_with(|| is_sentence(line));
        let columns = if is_inline {
            Ok(pairs(line))
        } else {
            columns(line).map(|item| vec![item])
        };
        let items = columns.map_err(|at| {
            let found = shown(line);
            self.lines.error(at, found, "a token and its tag")
        })?;
        self.block.push_items(&self.lines, items);
        Ok(())
    }

    /// The row of the collected sentence; `None` for comments that stand alone.
    fn row(&mut self) -> Result<Option<Utterance>> {
        let block = &self.block;
        let (values, others) = block.comments(&self.lines)?;
        if block.items.is_empty() && values.is_empty() {
            return Ok(None);
        }
        let (text, tokens) = block.text(&self.lines, &values)?;
        check_text(&text).map_err(|rule| {
            let (found, expected) = rule.parts();
            block.error(&self.lines, 0, found, expected)
        })?;
        let tags: Vec<&str> = block
            .items
            .iter()
            .map(|item| &block.raw[item.tag.clone()])
            .collect();
        let spans = self
            .tagging
            .decode(&tokens, &tags, block.first)
            .map_err(|wrong| {
                let item = wrong.index.and_then(|index| block.items.get(index));
                let at = item.map_or(block.raw.len(), |item| item.tag.start);
                block.error(&self.lines, at, wrong.found, wrong.expected)
            })?;
        let mut row = Utterance::new(self.rows.to_string(), text).with_spans(spans);
        let pairs: Vec<_> = values
            .iter()
            .map(|(key, value)| (*key, &block.raw[value.clone()]))
            .collect();
        comments::read(&mut row, &pairs, &others).map_err(|bad| {
            let value = values.iter().find(|(key, _)| *key == bad.key);
            let range = value.map_or(0..0, |(_, range)| range.clone());
            let found = shown(&block.raw[range.clone()]);
            block.error(&self.lines, range.start, found, bad.expected)
        })?;
        if let Some(intent) = &block.intent {
            row.intent = Some(block.raw[intent.clone()].to_owned());
        }
        Ok(Some(row))
    }
}

impl RowReader for Reader {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        loop {
            if let Err(fault) = self.collect()? {
                self.rows += 1;
                return Some(Err(fault));
            }
            match self.row() {
                Ok(None) => {}
                row => {
                    self.rows += 1;
                    return row.map_err(Fault::Row).transpose();
                }
            }
        }
    }

    fn line(&self) -> Option<usize> {
        Some(self.block.first)
    }
}

/// The lines of one sentence. Ranges are bytes of `raw`.
#[derive(Default)]
struct Block {
    /// Each line with a line feed.
    raw: String,
    /// Number of the first line, from 1.
    first: usize,
    items: Vec<Item>,
    /// Behind a sentence in one line.
    intent: Option<Range<usize>>,
}

struct Item {
    token: Range<usize>,
    tag: Range<usize>,
}

impl Block {
    fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Takes over the current line and says where it begins in `raw`.
    fn push(&mut self, lines: &LineSource) -> usize {
        if self.is_empty() {
            self.first = lines.number();
        }
        let start = self.raw.len();
        self.raw.push_str(lines.line());
        self.raw.push('\n');
        start
    }

    fn push_items(&mut self, lines: &LineSource, items: Vec<Item>) {
        let start = self.push(lines);
        let moved = |range: Range<usize>| range.start + start..range.end + start;
        self.items.extend(items.into_iter().map(|item| Item {
            token: moved(item.token),
            tag: moved(item.tag),
        }));
        let end = self.items.last().map_or(start, |item| item.tag.end);
        if let Some(intent) = self.raw[end..].strip_prefix(INTENT_MARK).map(str::trim)
            && !intent.is_empty()
            && intent != "<NULL>"
        {
            let at = end
                + INTENT_MARK.len()
                + self.raw[end + INTENT_MARK.len()..]
                    .find(intent)
                    .unwrap_or(0);
            self.intent = Some(at..at + intent.len());
        }
    }

    /// An error at a byte of the lines.
    fn error(
        &self,
        lines: &LineSource,
        at: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        let before = self.raw.get(..at).unwrap_or(&self.raw);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let number = self.first + before.matches('\n').count();
        lines.error_in((number, &self.raw[start..]), at - start, found, expected)
    }

    /// The known keys with the places of their values, and the other comments.
    #[expect(clippy::type_complexity, reason = "used once")]
    fn comments(
        &self,
        lines: &LineSource,
    ) -> Result<(Vec<(&'static str, Range<usize>)>, Vec<&str>)> {
        let (mut values, mut others) = (Vec::new(), Vec::new());
        let end = self
            .items
            .first()
            .map_or(self.raw.len(), |item| item.token.start);
        let mut at = 0;
        for line in self.raw[..end].split_inclusive('\n') {
            let start = at;
            at += line.len();
            let line = line.trim_end();
            if let Some((key, value)) = comments::key_value(line) {
                if values.iter().any(|(known, _)| *known == key) {
                    return Err(self.error(lines, start, format!("{key} again"), "it once"));
                }
                let end = start + line.len();
                values.push((key, end - value.len()..end));
            } else if line.starts_with('#') {
                others.push(line);
            }
        }
        Ok((values, others))
    }

    /// The text and the places of the tokens in it.
    fn text(
        &self,
        lines: &LineSource,
        values: &[(&'static str, Range<usize>)],
    ) -> Result<(String, Vec<Range<usize>>)> {
        let tokens: Vec<&str> = self
            .items
            .iter()
            .map(|item| &self.raw[item.token.clone()])
            .collect();
        let Some((_, range)) = values.iter().find(|(key, _)| *key == "text") else {
            if tokens.is_empty() {
                return Err(self.error(lines, 0, "comments alone", "a token and its tag below"));
            }
            return Ok(join(&tokens));
        };
        let plain = &self.raw[range.clone()];
        let meant = comments::meant(plain);
        match locate(&meant, &tokens) {
            Ok(places) => Ok((meant, places)),
            // Quotation marks may be part of the text.
            Err(at) => match locate(plain, &tokens) {
                Ok(places) => Ok((plain.to_owned(), places)),
                Err(_) => {
                    let place = self
                        .items
                        .get(at)
                        .map_or(range.start, |item| item.token.start);
                    let found = tokens
                        .get(at)
                        .map_or("text without a token".into(), |token| shown(token));
                    Err(self.error(lines, place, found, "the tokens of \"# text\" in order"))
                }
            },
        }
    }
}

/// The schemes in which all sentences so far are well-formed. A sentence that is so in several of
/// them has the same spans in each: two schemes share no sentence with a span, but IOBES and BMES,
/// which differ only in spans of three tokens and more.
struct Tagging {
    candidates: Vec<Scheme>,
    /// Line of the first sentence with a span; `None` if the scheme was named.
    seen: Option<usize>,
}

/// What is wrong with a sentence's tags.
struct WrongTag {
    index: Option<usize>,
    found: String,
    expected: String,
}

impl Tagging {
    fn new(scheme: Option<Scheme>) -> Self {
        Tagging {
            candidates: scheme.map_or(Scheme::ALL.to_vec(), |scheme| vec![scheme]),
            seen: None,
        }
    }

    fn decode(
        &mut self,
        tokens: &[Range<usize>],
        tags: &[&str],
        line: usize,
    ) -> Result<Vec<Span>, WrongTag> {
        if tags.iter().all(|tag| *tag == "O") {
            return Ok(Vec::new());
        }
        if let [scheme] = self.candidates[..] {
            let spans = scheme.decode(tokens, tags);
            return spans.map_err(|error| self.wrong(scheme, &error));
        }
        let fits = |scheme: &Scheme| scheme.validate(tags).is_ok();
        let fitting: Vec<Scheme> = self.candidates.iter().copied().filter(fits).collect();
        let Some(scheme) = fitting.first() else {
            return Err(self.worst(tags));
        };
        self.seen.get_or_insert(line);
        let spans = scheme.decode_lenient(tokens, tags);
        self.candidates = fitting;
        Ok(spans)
    }

    /// The error of the scheme that explains most of the tags.
    fn worst(&self, tags: &[&str]) -> WrongTag {
        let errors = self.candidates.iter().rev();
        let errors = errors.filter_map(|scheme| Some((*scheme, scheme.validate(tags).err()?)));
        match errors.max_by_key(|(_, error)| error.index()) {
            Some((scheme, error)) => self.wrong(scheme, &error),
            None => WrongTag {
                index: None,
                found: "tags".into(),
                expected: "those of a scheme".into(),
            },
        }
    }

    fn wrong(&self, scheme: Scheme, error: &IobError) -> WrongTag {
        let message = error.to_string();
        let (found, expected) = message
            .split_once(", expected ")
            .unwrap_or((&message, "tags"));
        let since = self
            .seen
            .map_or(String::new(), |line| format!(" as from line {line}"));
        WrongTag {
            index: error.index(),
            found: found.into(),
            expected: format!("{expected} ({scheme}{since})"),
        }
    }
}

/// Writes sentences, with `# text` and other comments where they say more than the tokens.
pub(crate) struct Writer {
    out: Draft,
    scheme: Scheme,
    rows: usize,
}

impl Writer {
    pub(crate) fn create(path: &Path, scheme: Scheme) -> Result<Self> {
        Ok(Writer {
            out: Draft::create(path)?,
            scheme,
            rows: 0,
        })
    }
}

impl RowWriter for Writer {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        let is_held = |span: &&Span| {
            let text = &row.text[span.range()];
            !text.is_empty() && text.trim() == text && !span.label.contains('\0')
        };
        let spans: Vec<Span> = row.spans.iter().filter(is_held).cloned().collect();
        if spans.len() < row.spans.len() {
            lost.add("spans");
        }
        let tokens = tokens(&row.text, &spans);
        let unwritable = |error: IobError| Error::Unwritable {
            id: row.id.clone(),
            found: error.to_string(),
            expected: "spans of whole tokens".into(),
        };
        let tags = self.scheme.encode(&tokens, &spans).map_err(unwritable)?;
        let words: Vec<&str> = tokens
            .iter()
            .map(|token| &row.text[token.clone()])
            .collect();
        let id = row.id != self.rows.to_string();
        let says_text =
            words.first().is_none_or(|first| *first == DOCSTART) || join(&words).0 != row.text;
        let mut block = comments::write(row, (id, says_text), is_other_comment);
        for (word, tag) in words.iter().zip(&tags) {
            block.push_str(&format!("{word}\t{tag}\n"));
        }
        block.push('\n');
        self.rows += 1;
        self.out.text(&block)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.out.finish()
    }
}

/// Whether a line above a sentence is a comment without a known key. `#` may also be a token.
fn is_other_comment(line: &str) -> bool {
    let last = line.rsplit([' ', '\t']).next();
    line.starts_with('#') && !last.is_some_and(is_tag)
}

fn is_tag(text: &str) -> bool {
    let prefixed = text.split_once('-');
    text == "O"
        || prefixed.is_some_and(|(prefix, label)| {
            !label.is_empty() && matches!(prefix, "B" | "I" | "E" | "S" | "L" | "U" | "M")
        })
}

const INTENT_MARK: &str = " <=> ";

/// Whether a line is `token:tag token:tag`.
fn is_sentence(line: &str) -> bool {
    let items = line
        .rsplit_once(INTENT_MARK)
        .map_or(line, |(items, _)| items);
    let last = items
        .trim_end()
        .rsplit([' ', '\t'])
        .next()
        .unwrap_or_default();
    let tag = last.rsplit_once(':').map(|(_, tag)| tag);
    !is_tag(last) && tag.is_some_and(is_tag)
}

/// The items of a line of pairs. What has no colon becomes a tag, and is refused as one.
fn pairs(line: &str) -> Vec<Item> {
    let items = line
        .rsplit_once(INTENT_MARK)
        .map_or(line, |(items, _)| items);
    let mut found = Vec::new();
    let mut start = 0;
    for piece in items.split(' ') {
        let end = start + piece.len();
        if !piece.is_empty() {
            let colon = piece.rfind(':').filter(|at| *at > 0);
            found.push(Item {
                token: start..start + colon.unwrap_or(0),
                tag: colon.map_or(start, |at| start + at + 1)..end,
            });
        }
        start = end + 1;
    }
    found
}

/// The first and the last column of a line; where there is only one, its end.
fn columns(line: &str) -> Result<Item, usize> {
    let separator = if line.contains('\t') { '\t' } else { ' ' };
    let end = line.trim_end_matches(separator).len();
    let start = if separator == ' ' {
        end - line[..end].trim_start_matches(' ').len()
    } else {
        0
    };
    let token = start..start + line[start..end].find(separator).ok_or(end)?;
    let tag = line[..end].rfind(separator).map_or(end, |at| at + 1)..end;
    if token.is_empty() {
        return Err(start);
    }
    Ok(Item { token, tag })
}

/// The text of tokens without a text, and where they stand in it.
fn join(tokens: &[&str]) -> (String, Vec<Range<usize>>) {
    let is_single = |token: &&str| token.chars().nth(1).is_none();
    let by_character = tokens.iter().all(is_single);
    let mut text = String::new();
    let mut places = Vec::with_capacity(tokens.len());
    for token in tokens {
        let beside = [text.chars().next_back(), token.chars().next()];
        let is_tight =
            by_character || text.is_empty() || beside.into_iter().flatten().any(is_unspaced);
        if !is_tight {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(token);
        places.push(start..text.len());
    }
    (text, places)
}

/// Where the tokens stand in `text`, with nothing but white space around them; or the first that
/// does not (one past the last if the text goes on).
fn locate(text: &str, tokens: &[&str]) -> Result<Vec<Range<usize>>, usize> {
    let mut at = 0;
    let mut places = Vec::with_capacity(tokens.len());
    for (index, token) in tokens.iter().enumerate() {
        while !text[at..].starts_with(token) {
            let skipped = text[at..].chars().next().filter(|c| c.is_whitespace());
            at += skipped.ok_or(index)?.len_utf8();
        }
        places.push(at..at + token.len());
        at += token.len();
    }
    if text[at..].trim().is_empty() {
        Ok(places)
    } else {
        Err(tokens.len())
    }
}

/// The runs between white space, cut at the edges of spans and around each Chinese, Japanese or
/// Korean character.
fn tokens(text: &str, spans: &[Span]) -> Vec<Range<usize>> {
    let edges = spans.iter().flat_map(|span| [span.start, span.end]);
    let mut edges = edges.peekable();
    let mut tokens = Vec::new();
    for run in iob::whitespace_tokens(text) {
        let mut start = run.start;
        let mut after_cjk = false;
        for (at, c) in text[run.clone()].char_indices() {
            let at = run.start + at;
            while edges.next_if(|edge| *edge < at).is_some() {}
            let cut = after_cjk || is_cjk(c) || edges.peek() == Some(&at);
            if cut && at > start {
                tokens.push(start..at);
                start = at;
            }
            after_cjk = is_cjk(c);
        }
        tokens.push(start..run.end);
    }
    tokens
}
