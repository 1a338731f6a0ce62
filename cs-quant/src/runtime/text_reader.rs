//! Texts that a decoder reads, several at once, into their conversations. In the shapes, `N` is the
//! number of tokens, `B` that of texts, and `V` that of words.

use std::ops::Range;

use cs_model::Matrix;
use cs_model::generate::RowJob;

use super::cache::{Cached, PageLayout};
use super::decoder::DecoderStack;
use super::decoder_space::{DecoderExtent, DecoderSpace, Rows, SourceRows};
use super::machine::Machine;
use super::scratch::lock;
use super::split::worthwhile_threads;
use crate::Kernel;
use crate::error::{Error, Result};
use crate::kernel::cached::{PAGE, PageRef, Segment};
use crate::kernel::memory::grow;
use crate::kernel::team::Team;

/// The most rows that go through the network together: enough that a weight is used often, few
/// enough that the space they need is bounded.
const MOST_ROWS: usize = 512;

/// The number of logits from which on they are worth another thread.
const ROW_GRAIN: usize = 1 << 15;

/// A decoder's stack, and the threads that may compute it.
#[derive(Debug)]
pub(crate) struct TextReader {
    stack: DecoderStack,
    layout: PageLayout,
    limits: Limits,
    machine: Machine,
}

/// What a text has to keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) vocab_size: usize,
    pub(crate) max_positions: Option<usize>,
}

/// The sources of the texts of a decoder with an encoder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) layout: &'a PageLayout,
    pub(crate) all: &'a [Cached],
    /// The index of each text's source.
    pub(crate) of: &'a [usize],
}

/// Texts that are read together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) texts: &'a [&'a [u32]],
    /// What the texts attend to, in a decoder with an encoder.
    pub(crate) sources: Option<Sources<'a>>,
    /// The number of last tokens of each text after which logits are wanted.
    pub(crate) wanted: &'a [usize],
}

/// Some rows of a text in a forward.
struct Piece {
    text: usize,
    /// The tokens of the text.
    tokens: Range<usize>,
}

impl TextReader {
    pub(crate) fn new(stack: DecoderStack, limits: Limits, machine: Machine) -> Self {
        Self {
            layout: stack.layout(),
            stack,
            limits,
            machine,
        }
    }

    pub(crate) fn stack(&self) -> &DecoderStack {
        &self.stack
    }

    pub(crate) fn stack_mut(&mut self) -> &mut DecoderStack {
        &mut self.stack
    }

    pub(crate) fn kernel(&self) -> Kernel {
        self.machine.simd().kernel()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.stack.bytes()
    }

    /// The size in bytes of the keys and values of a token.
    pub(crate) fn token_bytes(&self) -> usize {
        self.layout.bytes() / PAGE
    }

    /// Makes the space in which a caller's texts are read.
    pub(crate) fn space(&self) -> DecoderSpace {
        DecoderSpace::new(self.machine.ranks())
    }

    /// Checks that the texts fit the model, and the cache.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] for a text that does not, [`Error::CacheFull`].
    pub(crate) fn check(
        &self,
        conversations: &[Cached],
        texts: &[&[u32]],
        most_tokens: usize,
    ) -> Result<()> {
        let Limits {
            vocab_size: vocab,
            max_positions,
        } = self.limits;
        let mut pages = 0;
        for (sequence, (conversation, text)) in conversations.iter().zip(texts).enumerate() {
            let problem = |problem| Err(Error::Input { sequence, problem });
            if text.is_empty() {
                return problem("no tokens, expected at least one".to_owned());
            }
            if let Some(id) = text.iter().find(|&&id| id as usize >= vocab) {
                return problem(format!("token id {id}, expected less than {vocab}"));
            }
            let tokens = conversation.tokens().len() + text.len();
            if let Some(most) = max_positions.filter(|&most| tokens > most) {
                return problem(format!("{tokens} tokens, expected at most {most}"));
            }
            pages += conversation.pages_with(text.len());
        }
        let most = most_tokens.div_ceil(PAGE);
        if pages > most {
            return Err(Error::CacheFull { pages, most });
        }
        Ok(())
    }

    /// Adds texts that were [checked](Self::check) to conversations, and gives the logits that are
    /// wanted, `[M, V]`. On an error the conversations are as they were.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the system refuses the memory.
    pub(crate) fn read(
        &self,
        conversations: &mut [Cached],
        reading: Reading<'_>,
        space: &mut DecoderSpace,
    ) -> Result<Matrix> {
        let texts = reading.texts;
        let rows = reading.wanted.iter().sum::<usize>();
        let mut logits = Matrix::zeros(0, self.limits.vocab_size);
        grow(&mut logits.data, rows.saturating_mul(logits.cols))?;
        logits.rows = rows;
        for (i, text) in texts.iter().enumerate() {
            if let Err(error) = conversations[i].extend(text, &self.layout) {
                for (conversation, text) in conversations[..i].iter_mut().zip(texts) {
                    conversation.truncate(text.len());
                }
                return Err(error);
            }
        }
        let result = self.compute(conversations, reading, &mut logits, space);
        if result.is_err() {
            for (conversation, text) in conversations.iter_mut().zip(texts) {
                conversation.truncate(text.len());
            }
        }
        result.map(|()| logits)
    }

    /// Computes the keys and values of sources from what an encoder made of their tokens, `[N, H]`,
    /// and writes them to the pages that the sources have.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the system refuses the memory.
    pub(crate) fn read_sources(
        &self,
        hidden: &[f32],
        sources: &mut [Cached],
        layout: &PageLayout,
        space: &mut DecoderSpace,
    ) -> Result<()> {
        let crew = self.machine.lease(self.machine.threads());
        let team = Team::all(self.machine.simd(), &crew);
        let (mut sources, mut hidden) = (sources, hidden);
        while !sources.is_empty() {
            let (mut count, mut rows) = (0, 0);
            while count < sources.len() && rows < MOST_ROWS {
                rows += sources[count].tokens().len();
                count += 1;
            }
            let (group, others) = std::mem::take(&mut sources).split_at_mut(count);
            let (states, rest) = hidden.split_at(rows * self.stack.width());
            let mut start = 0;
            let mut pages = Vec::with_capacity(count);
            for source in group {
                let tokens = source.tokens().len();
                pages.push((start..start + tokens, source.refs(tokens)));
                start += tokens;
            }
            let segments = pages.iter().map(|(rows, pages)| Segment {
                pages,
                before: 0,
                rows: rows.clone(),
            });
            let segments: Vec<Segment<'_>> = segments.collect();
            let rows = SourceRows {
                layout,
                segments: &segments,
            };
            self.stack.read(team, states, rows, space)?;
            (sources, hidden) = (others, rest);
        }
        Ok(())
    }

    /// Calls `job` for each row, several at once if they are worth other threads.
    pub(crate) fn for_rows(&self, rows: &mut Matrix, job: &RowJob<'_>) {
        let (count, width) = (rows.rows, rows.cols);
        let threads = (count * width / ROW_GRAIN).clamp(1, self.machine.threads());
        let crew = self.machine.lease(threads);
        let team = Team::all(self.machine.simd(), &crew);
        let share = if threads == 1 { count } else { 1 };
        team.scatter(count, share, [(&mut rows.data, width)], |share| {
            let [numbers] = share.buffers;
            let own = share.rows.zip(numbers.chunks_mut(width.max(1)));
            own.for_each(|(row, numbers)| job(row, numbers));
        });
    }

    /// Computes texts that their conversations have room for.
    fn compute(
        &self,
        conversations: &mut [Cached],
        reading: Reading<'_>,
        logits: &mut Matrix,
        space: &mut DecoderSpace,
    ) -> Result<()> {
        let width = self.stack.width();
        let read = reading.sources.map_or(&[][..], |sources| sources.all);
        let lengths = conversations.iter().chain(read);
        let lengths = lengths.map(|own| own.tokens().len());
        let longest = lengths.max().unwrap_or(0);
        let mut written = 0;
        for pieces in pieces(reading.texts) {
            let rows: usize = pieces.iter().map(|piece| piece.tokens.len()).sum();
            let worthwhile = worthwhile_threads(rows, self.stack.macs());
            let crew = self.machine.lease(worthwhile);
            let team = Team::all(self.machine.simd(), &crew);
            let extent = DecoderExtent {
                rows,
                share: team.share(rows, width),
                longest,
            };
            self.stack.reserve(extent, space)?;
            self.forward(team, conversations, reading, &pieces, space);
            let chosen = chosen(&pieces, reading.texts, reading.wanted);
            if chosen.is_empty() {
                continue;
            }
            let hidden = Vec::from_iter(
                chosen
                    .iter()
                    .flat_map(|&row| space.hidden[row * width..][..width].iter().copied()),
            );
            let out = &mut logits.data[written * logits.cols..][..chosen.len() * logits.cols];
            let scratch = &mut *lock(&space.scratch[team.rank()]);
            scratch.reserve_head(chosen.len(), width)?;
            self.stack.logits(team, &hidden, out, scratch);
            written += chosen.len();
        }
        Ok(())
    }

    /// Computes the hidden states of some pieces.
    fn forward(
        &self,
        team: Team<'_>,
        conversations: &mut [Cached],
        reading: Reading<'_>,
        pieces: &[Piece],
        space: &mut DecoderSpace,
    ) {
        let Reading { texts, sources, .. } = reading;
        let mut ids = Vec::new();
        let first = pieces.first().map_or(0, |piece| piece.text);
        let mut pages = Vec::new();
        for (piece, conversation) in pieces.iter().zip(&mut conversations[first..]) {
            let after = texts[piece.text].len() - piece.tokens.start;
            let before = conversation.tokens().len() - after;
            pages.push((before, conversation.refs(after)));
        }
        let mut segments = Vec::new();
        for (piece, (before, pages)) in pieces.iter().zip(&pages) {
            let text = texts[piece.text];
            let start = ids.len();
            ids.extend_from_slice(&text[piece.tokens.clone()]);
            segments.push(Segment {
                pages,
                before: *before,
                rows: start..ids.len(),
            });
        }
        let spans = sources.map(|sources| (sources, spans(pieces, sources)));
        let spans = spans.as_ref().map(|(sources, spans)| {
            let segments = spans.iter().map(SourceSpan::segment);
            (sources.layout, segments.collect::<Vec<_>>())
        });
        let rows = Rows {
            ids: &ids,
            segments: &segments,
            sources: spans
                .as_ref()
                .map(|(layout, segments)| SourceRows { layout, segments }),
        };
        self.stack.forward(team, rows, &self.layout, space);
    }
}

/// Gives the rows of some pieces that are among the last of their texts, as many as are wanted.
fn chosen(pieces: &[Piece], texts: &[&[u32]], wanted: &[usize]) -> Vec<usize> {
    let (mut chosen, mut row) = (Vec::new(), 0);
    for piece in pieces {
        let first = texts[piece.text].len() - wanted[piece.text];
        chosen.extend(
            (first.max(piece.tokens.start)..piece.tokens.end)
                .map(|token| row + token - piece.tokens.start),
        );
        row += piece.tokens.len();
    }
    chosen
}

/// The rows of a forward that attend to a source.
struct SourceSpan<'a> {
    source: usize,
    rows: Range<usize>,
    tokens: usize,
    pages: Vec<PageRef<'a>>,
}

impl SourceSpan<'_> {
    fn segment(&self) -> Segment<'_> {
        Segment {
            pages: &self.pages,
            before: self.tokens,
            rows: self.rows.clone(),
        }
    }
}

/// Gives the rows of each source, those of neighbours with the same one, as beams are, together.
fn spans<'a>(pieces: &[Piece], sources: Sources<'a>) -> Vec<SourceSpan<'a>> {
    let mut spans: Vec<SourceSpan<'a>> = Vec::new();
    let mut start = 0;
    for piece in pieces {
        let source = sources.of[piece.text];
        let end = start + piece.tokens.len();
        match spans.last_mut() {
            Some(last) if last.source == source => last.rows.end = end,
            _ => spans.push(SourceSpan {
                source,
                rows: start..end,
                tokens: sources.all[source].tokens().len(),
                pages: sources.all[source].full_refs(),
            }),
        }
        start = end;
    }
    spans
}

/// Cuts texts into pieces that go through the network together, about [`MOST_ROWS`] rows each time.
fn pieces(texts: &[&[u32]]) -> Vec<Vec<Piece>> {
    let mut all: Vec<Vec<Piece>> = Vec::new();
    let mut left = 0;
    for (text, tokens) in texts.iter().enumerate() {
        let mut start = 0;
        while start < tokens.len() {
            if left == 0 {
                all.push(Vec::new());
                left = MOST_ROWS;
            }
            let end = tokens.len().min(start + left);
            if let Some(last) = all.last_mut() {
                last.push(Piece {
                    text,
                    tokens: start..end,
                });
            }
            left -= end - start;
            start = end;
        }
    }
    all
}
