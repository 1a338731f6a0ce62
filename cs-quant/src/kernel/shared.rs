//! A buffer of which several threads write disjoint parts.

use std::marker::PhantomData;

/// A borrowed buffer that may be written through a shared reference.
#[derive(Debug)]
pub(super) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: all access goes through `slice`, whose caller promises that threads touch disjoint parts.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(super) fn new(buffer: &'a mut [T]) -> Self {
        Self {
            start: buffer.as_mut_ptr(),
            len: buffer.len(),
            borrow: PhantomData,
        }
    }

    /// Takes a buffer of which no part is [written to](Self::slice).
    pub(super) fn reading(buffer: &'a [T]) -> Self {
        Self {
            start: buffer.as_ptr().cast_mut(),
            len: buffer.len(),
            borrow: PhantomData,
        }
    }

    /// Sees the buffer as one of other numbers.
    ///
    /// # Safety
    ///
    /// Any bits are a `U`, which is aligned no more strictly than a `T`, and a `T` has no padding.
    #[inline(always)]
    pub(super) unsafe fn cast<U>(&self) -> Shared<'a, U> {
        Shared {
            start: self.start.cast(),
            len: self.len * size_of::<T>() / size_of::<U>(),
            borrow: PhantomData,
        }
    }

    /// Gives the part `from..from + len` to read.
    ///
    /// # Safety
    ///
    /// Nobody writes to it as long as it is read.
    ///
    /// # Panics
    ///
    /// If the part does not lie within the buffer.
    #[inline(always)]
    pub(super) unsafe fn read(&self, from: usize, len: usize) -> &'a [T] {
        assert!(from <= self.len && len <= self.len - from);
        // SAFETY: within the buffer by the check above, not written to by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.add(from), len) }
    }

    /// Gives the part `from..from + len`.
    ///
    /// # Safety
    ///
    /// No other slice that lives at the same time overlaps it, and the buffer was taken to be
    /// written to.
    ///
    /// # Panics
    ///
    /// If the part does not lie within the buffer.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "the caller keeps the parts disjoint")]
    pub(super) unsafe fn slice(&self, from: usize, len: usize) -> &mut [T] {
        assert!(from <= self.len && len <= self.len - from);
        // SAFETY: within the buffer by the check above, exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}
