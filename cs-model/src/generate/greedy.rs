//! The loop of greedy continuations, whose steps read ahead what is proposed.

use std::time::Instant;

use super::decoder::{Decoder, Likeliest, likeliest};
use super::generation::Generation;
use super::generator::{Generator, Piece, Prompt, keep, unverified};
use super::latency::Told;
use super::search::{Continuation, Next};
use super::speculation::{Budget, Proposer, price};
use crate::error::Result;
use crate::heads::Matrix;

/// A continuation as it grows.
struct Writer<'a> {
    generation: Generation<'a>,
    told: Told,
    budget: Budget,
    /// The tokens that are read after its own.
    proposed: Vec<u32>,
    /// Whether the decoder holds proposed tokens that were not taken.
    is_ahead: bool,
}

impl Writer<'_> {
    fn is_open(&self) -> bool {
        self.generation.finish().is_none()
    }

    /// The number of rows that are computed for it.
    fn rows(&self) -> usize {
        1 + self.proposed.len()
    }
}

/// What was computed for the tokens that were read.
enum Rows {
    Logits(Matrix),
    /// The likeliest tokens, where nothing else is asked for.
    Likeliest(Vec<Likeliest>),
}

impl Generator<'_> {
    /// Continues prompts by the token that is chosen each time. If there is a proposer, the decoder
    /// is one that verifies.
    pub(super) fn run_greedy(
        &self,
        decoder: &mut dyn Decoder,
        mut proposer: Option<&mut dyn Proposer>,
        prompts: &[Prompt<'_>],
        on_piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Vec<Continuation>> {
        let start = Instant::now();
        let writers = prompts.iter().map(|prompt| Writer {
            generation: self.generation(prompt),
            told: Told::since(start),
            budget: Budget::default(),
            proposed: Vec::new(),
            is_ahead: false,
        });
        let mut writers: Vec<_> = writers.collect();
        let tokens: Vec<&[u32]> = prompts.iter().map(|prompt| prompt.tokens).collect();
        let mut rows = match self.takes_likeliest() {
            true => Rows::Likeliest(decoder.prefill_likeliest(&tokens)?),
            false => Rows::Logits(decoder.prefill(&tokens)?),
        };
        let mut cost = 0.0;
        loop {
            let width = writers.iter().filter(|writer| writer.is_open()).count();
            let next = self.take(&mut writers, &mut rows, cost, on_piece)?;
            if next.is_empty() {
                break;
            }
            if let Some(proposer) = &mut proposer {
                cost = price(next.len(), proposer.price());
                propose(&mut **proposer, &mut writers, cost)?;
            }
            rows = self.read(decoder, &writers, &next, width)?;
        }
        let found = writers.into_iter();
        found
            .map(|writer| self.finish(Box::new(writer.generation), writer.told))
            .collect()
    }

    /// Takes of each open continuation's rows what is chosen by them, as long as that is what was
    /// proposed, and gives those that go on.
    fn take(
        &self,
        writers: &mut [Writer<'_>],
        rows: &mut Rows,
        cost: f64,
        on_piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Vec<Next>> {
        let count = writers.iter().filter(|writer| writer.is_open());
        let count = count.map(Writer::rows).sum();
        if let Rows::Logits(logits) = rows {
            self.check_rows(logits, count)?;
        }
        let (mut first, mut next) = (0, Vec::new());
        let open = writers.iter_mut().enumerate();
        let open = open.filter(|(_, writer)| writer.is_open());
        for (source, (prompt, writer)) in open.enumerate() {
            let proposed = std::mem::take(&mut writer.proposed);
            let (mut accepted, mut going) = (0, None);
            for row in first..=first + proposed.len() {
                going = self.choose(&mut writer.generation, rows, row)?;
                let piece = writer.generation.take_piece();
                let tokens = writer.generation.length();
                writer.told.tell(prompt, &piece, tokens, on_piece);
                if going.is_none() || going.as_ref() != proposed.get(accepted) {
                    break;
                }
                accepted += 1;
            }
            first += 1 + proposed.len();
            writer.budget = writer.budget.after(cost, proposed.len(), accepted);
            writer.is_ahead = accepted < proposed.len();
            next.extend(going.map(|token| Next { source, token }));
        }
        Ok(next)
    }

    /// Chooses the next token by a row, and gives it as the next to be read; `None` if it was the
    /// last.
    fn choose(
        &self,
        generation: &mut Generation<'_>,
        rows: &mut Rows,
        row: usize,
    ) -> Result<Option<u32>> {
        let token = match rows {
            Rows::Logits(logits) => {
                let logits = &mut logits.data[row * logits.cols..][..logits.cols];
                generation.pick(logits)?
            }
            Rows::Likeliest(likeliest) => self.check_likeliest(likeliest, row)?,
        };
        Ok(generation.take(token)?.map(|next| next.token))
    }

    /// Reads the last token of each open continuation, and what is proposed after it.
    fn read(
        &self,
        decoder: &mut dyn Decoder,
        writers: &[Writer<'_>],
        next: &[Next],
        width: usize,
    ) -> Result<Rows> {
        let open = writers.iter().filter(|writer| writer.is_open());
        let open: Vec<_> = open.collect();
        let one_by_one = |writer: &&Writer<'_>| writer.proposed.is_empty() && !writer.is_ahead;
        if open.iter().all(one_by_one) {
            let tokens = keep(decoder, next, width)?;
            return Ok(match self.takes_likeliest() {
                true => Rows::Likeliest(decoder.step_likeliest(&tokens)?),
                false => Rows::Logits(decoder.step(&tokens)?),
            });
        }
        let texts = open.iter().map(|writer| {
            let tokens = writer.generation.tokens();
            [tokens, &writer.proposed].concat()
        });
        let texts: Vec<Vec<u32>> = texts.collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let counts: Vec<usize> = open.iter().map(|writer| writer.rows()).collect();
        let verifier = decoder.verifier().ok_or_else(unverified)?;
        let logits = verifier.verify(&texts, &counts)?;
        Ok(match self.takes_likeliest() {
            true => Rows::Likeliest(likeliest(&logits)),
            false => Rows::Logits(logits),
        })
    }
}

/// Has tokens proposed for the open continuations, as many as each can afford at this cost.
fn propose(proposer: &mut dyn Proposer, writers: &mut [Writer<'_>], cost: f64) -> Result<()> {
    let open = writers.iter_mut().filter(|writer| writer.is_open());
    let mut open: Vec<_> = open.collect();
    // The last token of all is never read.
    let most = open.iter().map(|writer| {
        let affordable = writer.budget.affords(cost);
        affordable.min(writer.generation.left() - 1)
    });
    let most: Vec<usize> = most.collect();
    let texts: Vec<&[u32]> = open.iter().map(|it| it.generation.tokens()).collect();
    let proposed = proposer.propose(&texts, &most)?;
    for (writer, own) in open.iter_mut().zip(proposed) {
        writer.proposed = own;
    }
    Ok(())
}
