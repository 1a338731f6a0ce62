//! The keys and values of conversations, in pages that conversations may share.

use std::sync::Arc;

use crate::error::Result;
use crate::kernel::cached::{Kept, PAGE, Page, PageLayer, PageLine, PageRef};
use crate::kernel::heads::HeadShape;
use crate::kernel::memory::{copy, grow};

/// What a page holds: the keys and values of [`PAGE`] tokens, of all layers.
#[derive(Debug)]
pub(crate) struct PageLayout {
    layers: Vec<PageLayer>,
    lines: usize,
}

impl PageLayout {
    /// Lays the heads of each layer out.
    pub(crate) fn new(heads: impl Iterator<Item = HeadShape>, kept: Kept) -> Self {
        let mut start = 0;
        let layers = heads.map(|heads| {
            let layer = PageLayer { start, heads, kept };
            start += layer.len();
            layer
        });
        Self {
            layers: layers.collect(),
            lines: kept.lines(start),
        }
    }

    pub(crate) fn layer(&self, index: usize) -> PageLayer {
        self.layers[index]
    }

    /// The size of a page in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.lines * size_of::<PageLine>()
    }
}

/// A conversation: its tokens, with their keys and values. A clone shares all pages until either
/// goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cached {
    pages: Vec<Arc<Page>>,
    tokens: Vec<u32>,
}

impl Cached {
    /// The tokens.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Begins another conversation with the first `tokens` tokens of this one, whose pages it shares.
    pub(crate) fn beginning(&self, tokens: usize) -> Self {
        Self {
            pages: self.pages[..tokens.div_ceil(PAGE)].to_vec(),
            tokens: self.tokens[..tokens].to_vec(),
        }
    }

    /// The number of pages that there are when `tokens` more are.
    pub(crate) fn pages_with(&self, tokens: usize) -> usize {
        (self.tokens.len() + tokens).div_ceil(PAGE)
    }

    /// Adds tokens, and makes room for a forward to write their keys and values to.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Memory`] if the system refuses the memory; then nothing is added.
    pub(crate) fn extend(&mut self, tokens: &[u32], layout: &PageLayout) -> Result<()> {
        if let Some(last) = self.pages.last_mut()
            && !self.tokens.len().is_multiple_of(PAGE)
            && Arc::get_mut(last).is_none()
        {
            *last = Arc::new(copy(last)?);
        }
        for _ in self.pages.len()..self.pages_with(tokens.len()) {
            self.pages.push(Arc::new(page(layout)?));
        }
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }

    /// Gives the pages to a forward that writes the last `tokens` tokens, for which
    /// [`extend`](Self::extend) made room.
    pub(crate) fn refs(&mut self, tokens: usize) -> Vec<PageRef<'_>> {
        let first = (self.tokens.len() - tokens) / PAGE;
        let pages = self.pages.iter_mut().enumerate();
        let refs = pages.map(|(i, page)| {
            if i < first {
                return PageRef::full(page);
            }
            // Nothing is copied here: there is room in pages that nobody shares.
            PageRef::growing(Arc::make_mut(page))
        });
        refs.collect()
    }

    /// Gives the pages to a forward that only reads them.
    pub(crate) fn full_refs(&self) -> Vec<PageRef<'_>> {
        self.pages.iter().map(|page| PageRef::full(page)).collect()
    }

    /// Takes the last `tokens` tokens away.
    pub(crate) fn truncate(&mut self, tokens: usize) {
        self.tokens.truncate(self.tokens.len() - tokens);
        self.pages.truncate(self.tokens.len().div_ceil(PAGE));
    }
}

fn page(layout: &PageLayout) -> Result<Page> {
    let mut page = Page::new();
    grow(&mut page, layout.lines)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_shared_up_to_where_conversations_part_and_freed_with_the_last_of_them() {
        let heads = HeadShape {
            queries: 1,
            keys: 1,
            size: 1,
        };
        let layout = PageLayout::new([heads].into_iter(), Kept::F16);
        let text: Vec<u32> = (0..100).collect();
        let mut first = Cached::default();
        first.extend(&text, &layout).unwrap();
        let counts = |own: &Cached| own.pages.iter().map(Arc::strong_count).collect::<Vec<_>>();
        assert_eq!(counts(&first), [1, 1, 1, 1]);
        let mut second = first.beginning(40);
        assert_eq!(
            (second.tokens(), counts(&second)),
            (&text[..40], vec![2, 2])
        );
        // Its second page is not full, so it gets one of its own to go on.
        second.extend(&[7; 30], &layout).unwrap();
        assert_eq!(second.tokens(), [&text[..40], &[7; 30]].concat());
        assert_eq!(counts(&second), [2, 1, 1]);
        assert_eq!(counts(&first), [2, 1, 1, 1]);
        let third = second.beginning(PAGE);
        drop(first);
        assert_eq!((counts(&second), counts(&third)), (vec![2, 1, 1], vec![2]));
        // The last that has a page writes on it.
        let page = Arc::as_ptr(&second.pages[1]);
        let mut fourth = second.beginning(PAGE + 1);
        drop((second, third));
        fourth.extend(&[8], &layout).unwrap();
        assert_eq!(
            (Arc::as_ptr(&fourth.pages[1]), counts(&fourth)),
            (page, vec![1, 1])
        );
    }
}
