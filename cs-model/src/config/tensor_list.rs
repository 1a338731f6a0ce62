//! Names and shapes of a model's tensors, while they are being listed.

use super::names::{Names, Part, Role};

/// Names and shapes in the order they were added, those of a layer by the `names` of that layer.
pub(super) struct TensorList {
    pub(super) names: Names,
    pub(super) tensors: Vec<(String, Vec<usize>)>,
}

impl TensorList {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            tensors: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, role: Role, part: Part, shape: Vec<usize>) {
        self.tensors.push((self.names.name(role, part), shape));
    }

    pub(super) fn table(&mut self, role: Role, rows: usize, width: usize) {
        self.push(role, Part::Weight, vec![rows, width]);
    }

    pub(super) fn linear(&mut self, role: Role, [outputs, inputs]: [usize; 2], bias: bool) {
        self.push(role, Part::Weight, vec![outputs, inputs]);
        if bias {
            self.push(role, Part::Bias, vec![outputs]);
        }
    }

    /// Adds a linear layer whose matrix is stored the other way round.
    pub(super) fn conv1d(&mut self, role: Role, [outputs, inputs]: [usize; 2], bias: bool) {
        self.push(role, Part::Weight, vec![inputs, outputs]);
        if bias {
            self.push(role, Part::Bias, vec![outputs]);
        }
    }

    pub(super) fn norm(&mut self, role: Role, width: usize) {
        self.push(role, Part::Weight, vec![width]);
        self.push(role, Part::Bias, vec![width]);
    }
}
