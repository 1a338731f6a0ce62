//! A model's named tensors.

use std::collections::HashMap;

use tch::Tensor;

use crate::config::names::{Names, Part, Role};
use crate::error::{Error, Result};
use crate::ops::Device;

/// Tensors under their checkpoint's names, in the order of the configuration's list.
/// Layers hold handles to the same tensors, so that one file can save, load and list them.
#[derive(Debug)]
pub(super) struct Parameters {
    list: Vec<(String, Tensor)>,
    index: HashMap<String, usize>,
}

impl Parameters {
    /// Makes a tensor for each name and shape, with the numbers that `fill` gives for it.
    #[expect(clippy::disallowed_methods, reason = "before any step")]
    pub(super) fn create(
        names: Vec<(String, Vec<usize>)>,
        device: Device,
        mut fill: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let mut list = Vec::with_capacity(names.len());
        for (name, shape) in names {
            let tensor = tensor_of(&fill(&name, &shape)?, &shape)?;
            let tensor = tensor.f_to(device.into())?.f_set_requires_grad(true)?;
            list.push((name, tensor));
        }
        Ok(Self::of(list))
    }

    /// Takes tensors that are there.
    pub(super) fn of(list: Vec<(String, Tensor)>) -> Self {
        let names = list.iter().enumerate();
        let index = names.map(|(i, (name, _))| (name.clone(), i)).collect();
        Self { list, index }
    }

    /// Replaces the numbers of every tensor, or of none.
    pub(super) fn assign(
        &mut self,
        mut fill: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<()> {
        let mut loaded = Vec::with_capacity(self.list.len());
        for (name, tensor) in &self.list {
            let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
            loaded.push(tensor_of(&fill(name, &shape)?, &shape)?);
        }
        let _guard = tch::no_grad_guard();
        for ((_, tensor), loaded) in self.list.iter_mut().zip(&loaded) {
            tensor.f_copy_(loaded)?;
        }
        Ok(())
    }

    pub(super) fn list(&self) -> &[(String, Tensor)] {
        &self.list
    }

    pub(super) fn named(&self, names: Names) -> Scope<'_> {
        Scope {
            parameters: self,
            names,
        }
    }
}

/// The tensors of a model, or of one of its layers, by their role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    parameters: &'a Parameters,
    names: Names,
}

impl<'a> Scope<'a> {
    /// Lists all tensors of the model, by the names that a checkpoint of all of it gives them.
    pub(super) fn in_checkpoint(self) -> impl Iterator<Item = (String, &'a Tensor)> {
        let list = self.parameters.list.iter();
        list.map(move |(name, tensor)| (self.names.in_checkpoint(name), tensor))
    }

    /// The tensors of a layer, counted from 0.
    pub(super) fn layer(self, layer: usize) -> Self {
        let names = self.names.layer(layer);
        Self { names, ..self }
    }

    /// Gives a handle to the matrix, table or norm's factors of a layer.
    pub(super) fn weight(self, role: Role) -> Result<Tensor> {
        self.get(role, Part::Weight)
    }

    /// Gives a handle to the numbers that a layer adds.
    pub(super) fn bias(self, role: Role) -> Result<Tensor> {
        self.get(role, Part::Bias)
    }

    /// Gives a handle to the numbers that a layer adds, if it adds any.
    pub(super) fn optional_bias(self, role: Role) -> Option<Tensor> {
        self.find(&self.names.bias(role))
    }

    /// Gives a handle to one of a layer's tensors.
    pub(super) fn get(self, role: Role, part: Part) -> Result<Tensor> {
        let name = self.names.name(role, part);
        // Only a layer that disagrees with the configuration's list can have none.
        self.find(&name)
            .ok_or_else(|| Error::field("parameter", name, "a name of the configuration's list"))
    }

    fn find(self, name: &str) -> Option<Tensor> {
        let place = *self.parameters.index.get(name)?;
        Some(self.parameters.list[place].1.shallow_clone())
    }
}

fn tensor_of(data: &[f32], shape: &[usize]) -> Result<Tensor> {
    let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    Ok(Tensor::f_from_slice(data)?.f_reshape(&shape)?)
}
