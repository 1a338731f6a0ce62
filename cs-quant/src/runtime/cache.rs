//! The keys and values of conversations, in pages that conversations may share.

use std::sync::Arc;

use crate::error::Result;
use crate::kernel::cached::{PAGE, PageLayer, PageRef};
use crate::kernel::heads::HeadShape;
use crate::kernel::memory::grow;

/// What a page holds: the keys and values of [`PAGE`] tokens, of all layers.
#[derive(Debug)]
pub(crate) struct PageLayout {
    layers: Vec<PageLayer>,
    len: usize,
}

impl PageLayout {
    /// Lays the heads of each layer out.
    pub(crate) fn new(heads: impl Iterator<Item = HeadShape>) -> Self {
        let mut len = 0;
        let layers = heads.map(|heads| {
            let layer = PageLayer { start: len, heads };
            len += layer.len();
            layer
        });
        Self {
            layers: layers.collect(),
            len,
        }
    }

    pub(crate) fn layer(&self, index: usize) -> PageLayer {
        self.layers[index]
    }

    /// The size of a page in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.len * size_of::<f32>()
    }
}

/// The keys and values of a conversation. A clone shares all pages until either goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cached {
    pages: Vec<Arc<Vec<f32>>>,
    tokens: usize,
}

impl Cached {
    /// The number of tokens.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// The number of pages that there are when `tokens` more are.
    pub(crate) fn pages_with(&self, tokens: usize) -> usize {
        (self.tokens + tokens).div_ceil(PAGE)
    }

    /// Adds `tokens` tokens, and gives the pages for a forward to write them to.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Memory`] if the system refuses the memory; then nothing is added.
    pub(crate) fn extend(&mut self, tokens: usize, layout: &PageLayout) -> Result<()> {
        if let Some(last) = self.pages.last_mut()
            && !self.tokens.is_multiple_of(PAGE)
            && Arc::get_mut(last).is_none()
        {
            let mut own = page(layout)?;
            own.copy_from_slice(last);
            *last = Arc::new(own);
        }
        for _ in self.pages.len()..self.pages_with(tokens) {
            self.pages.push(Arc::new(page(layout)?));
        }
        self.tokens += tokens;
        Ok(())
    }

    /// Gives the pages to a forward that writes the last `tokens` tokens, for which
    /// [`extend`](Self::extend) made room.
    pub(crate) fn refs(&mut self, tokens: usize) -> Vec<PageRef<'_>> {
        let first = (self.tokens - tokens) / PAGE;
        let pages = self.pages.iter_mut().enumerate();
        let refs = pages.map(|(i, page)| {
            if i < first {
                return PageRef::full(page);
            }
            // Nothing is copied here: there is room in pages that nobody shares.
            PageRef::growing(Arc::make_mut(page).as_mut_slice())
        });
        refs.collect()
    }

    /// Takes the last `tokens` tokens away.
    pub(crate) fn truncate(&mut self, tokens: usize) {
        self.tokens -= tokens;
        self.pages.truncate(self.tokens.div_ceil(PAGE));
    }
}

fn page(layout: &PageLayout) -> Result<Vec<f32>> {
    let mut page = Vec::new();
    grow(&mut page, layout.len)?;
    Ok(page)
}
