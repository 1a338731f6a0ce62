//! Whole batches through an encoder, divided over threads.

use std::sync::{Mutex, MutexGuard};

use cs_data::TokenBatch;

use super::encoder::Encoder;
use super::machine::Machine;
use super::scratch::{BatchPart, Common, Extent, Scratch, Space, Spaces, lock};
use super::split::{Split, worthwhile_threads};
use crate::error::Result;
use crate::kernel::Simd;
use crate::kernel::attention::HeadScratch;
use crate::kernel::pool::Crew;
use crate::kernel::team::Team;

/// An encoder, the threads that may compute it, and the spaces in which they do.
#[derive(Debug)]
pub(crate) struct BatchEncoder {
    encoder: Encoder,
    /// The width `H` of the hidden states.
    width: usize,
    machine: Machine,
    /// The spaces of the pool's ranks, each taken by the thread of that rank, as are those of the
    /// next two fields. They are apart because the ranks of a crew work on parts of what its caller
    /// holds.
    spaces: Vec<Mutex<Space>>,
    scratch: Vec<Mutex<Scratch>>,
    head_scratch: Vec<Mutex<HeadScratch>>,
}

impl BatchEncoder {
    /// Makes the spaces for an encoder of hidden states of this width.
    pub(crate) fn new(encoder: Encoder, width: usize, machine: Machine) -> Self {
        let ranks = machine.ranks();
        Self {
            encoder,
            width,
            machine,
            spaces: (0..ranks).map(|_| Mutex::default()).collect(),
            scratch: (0..ranks).map(|_| Mutex::default()).collect(),
            head_scratch: (0..ranks).map(|_| Mutex::default()).collect(),
        }
    }

    pub(crate) fn simd(&self) -> Simd {
        self.machine.simd()
    }

    pub(crate) fn threads(&self) -> usize {
        self.machine.threads()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.encoder.bytes()
    }

    /// Leases the threads that a whole call runs on.
    pub(crate) fn lease(&self, batch: &TokenBatch) -> Crew<'_> {
        let worthwhile = worthwhile_threads(batch.tokens(), self.encoder.macs());
        self.machine.lease(worthwhile)
    }

    /// The space of the thread that leased a crew, for what comes after the encoder.
    pub(crate) fn scratch(&self, crew: &Crew<'_>) -> MutexGuard<'_, Scratch> {
        lock(&self.scratch[crew.caller()])
    }

    /// Computes a checked batch: `out` is `[N, H]`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Memory`] if the system refuses the memory.
    pub(crate) fn encode(
        &self,
        crew: &Crew<'_>,
        batch: &TokenBatch,
        out: &mut [f32],
    ) -> Result<()> {
        let team = Team::all(self.simd(), crew);
        let (split, extent) = {
            let space = &mut *lock(self.space(crew));
            let split = space.plan.choose(&batch.offsets, crew.size());
            let width = self.width;
            let share = |tokens| match split {
                Split::Groups => tokens,
                Split::Together => team.share(tokens, width),
            };
            (split, space.bound(&batch.offsets, width, share))
        };
        self.reserve(crew, split, extent)?;
        // These are taken out, because the groups need the rest of the space.
        let (plan, bounds) = {
            let space = &mut *lock(self.space(crew));
            (
                std::mem::take(&mut space.plan),
                std::mem::take(&mut space.bounds),
            )
        };
        match split {
            Split::Groups => crew.scatter(out, &bounds, |rank, i, rows| {
                let team = Team::solo(self.simd(), rank);
                let part = BatchPart::new(batch, plan.cuts()[i]..plan.cuts()[i + 1]);
                let space = &mut *lock(&self.spaces[rank]);
                let spaces = self.spaces(&mut space.common);
                self.encoder.forward(team, part, spaces, rows);
            }),
            Split::Together => {
                let space = &mut *lock(self.space(crew));
                for (group, ends) in plan.groups().zip(bounds.windows(2)) {
                    let rows = &mut out[ends[0]..ends[1]];
                    let spaces = self.spaces(&mut space.common);
                    let part = BatchPart::new(batch, group);
                    self.encoder.forward(team, part, spaces, rows);
                }
            }
        }
        let space = &mut *lock(self.space(crew));
        (space.plan, space.bounds) = (plan, bounds);
        Ok(())
    }

    /// Makes room for groups of this extent, so that nothing is allocated while they are computed.
    fn reserve(&self, crew: &Crew<'_>, split: Split, extent: Extent) -> Result<()> {
        for (i, rank) in crew.ranks().enumerate() {
            if i == 0 || split == Split::Groups {
                let common = &mut lock(&self.spaces[rank]).common;
                self.encoder.reserve_common(extent, common)?;
            }
            let scratch = &mut *lock(&self.scratch[rank]);
            self.encoder.reserve(extent, scratch)?;
            let head = &mut *lock(&self.head_scratch[rank]);
            self.encoder.reserve_head(extent, head)?;
        }
        Ok(())
    }

    fn spaces<'a>(&'a self, common: &'a mut Common) -> Spaces<'a> {
        Spaces {
            common,
            scratch: &self.scratch,
            heads: &self.head_scratch,
        }
    }

    fn space(&self, crew: &Crew<'_>) -> &Mutex<Space> {
        &self.spaces[crew.caller()]
    }
}
