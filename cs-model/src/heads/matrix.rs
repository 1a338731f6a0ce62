//! Numbers in rows and columns.

use crate::error::{Error, Result};

/// A matrix of `f32` numbers, row after row.
///
/// ```
/// let matrix = cs_model::Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(matrix.row(1), [4.0, 5.0, 6.0]);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    /// The number of rows.
    pub rows: usize,
    /// The number of columns.
    pub cols: usize,
    /// The `rows * cols` numbers, row after row.
    pub data: Vec<f32>,
}

impl Matrix {
    /// Wraps numbers that are laid out row after row.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are `rows * cols` of them.
    pub fn new(rows: usize, cols: usize, data: Vec<f32>) -> Result<Self> {
        if rows.checked_mul(cols) != Some(data.len()) {
            return Err(Error::Shape {
                what: "matrix",
                expected: format!("{rows} x {cols} numbers"),
                found: format!("{} numbers", data.len()),
            });
        }
        Ok(Self { rows, cols, data })
    }

    /// Makes a matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self {
            rows,
            cols,
            data: vec![0.0; rows * cols],
        }
    }

    /// Gives the `i`th row, counted from 0.
    ///
    /// # Panics
    /// If `i >= rows`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// Gives the `i`th row, counted from 0, to write to.
    ///
    /// # Panics
    /// If `i >= rows`.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.cols..(i + 1) * self.cols]
    }

    pub(super) fn check(&self, what: &'static str, rows: usize, cols: usize) -> Result<()> {
        if (self.rows, self.cols) == (rows, cols) && rows.checked_mul(cols) == Some(self.data.len())
        {
            return Ok(());
        }
        Err(Error::Shape {
            what,
            expected: format!("[{rows}, {cols}]"),
            found: format!(
                "[{}, {}] with {} numbers",
                self.rows,
                self.cols,
                self.data.len()
            ),
        })
    }
}
