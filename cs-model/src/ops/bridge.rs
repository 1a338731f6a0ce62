//! The way into libtorch's dispatcher: one boxed call for every operator.
//!
//! What crosses the border is a list of [`Raw`] values each way; `bridge.cpp` is the other side.
//! The schema checks number and types of the arguments, but not what an operator demands of their
//! sizes: some kernels trust those blindly, so [`call`] stays inside this module and each wrapper
//! checks what its kernel does not.

use std::ffi::{CStr, CString, c_char, c_void};

use tch::Tensor;
use torch_sys::C_tensor;

use crate::error::{Error, Result};

/// An argument of an operator.
#[derive(Debug, Clone, Copy)]
pub(super) enum Argument<'a> {
    Tensor(&'a Tensor),
    Tensors(&'a [&'a Tensor]),
    Int(i64),
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "no operator used so far takes one")
    )]
    Ints(&'a [i64]),
    Float(f64),
    Bool(bool),
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "no operator used so far takes one")
    )]
    Text(&'a str),
    None,
}

impl<'a> From<&'a Tensor> for Argument<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl<'a> From<Option<&'a Tensor>> for Argument<'a> {
    fn from(tensor: Option<&'a Tensor>) -> Self {
        tensor.map_or(Self::None, Self::Tensor)
    }
}

impl<'a> From<&'a [&'a Tensor]> for Argument<'a> {
    fn from(tensors: &'a [&'a Tensor]) -> Self {
        Self::Tensors(tensors)
    }
}

/// A result of an operator.
#[derive(Debug)]
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "results that no operator used so far has only go into errors"
    )
)]
pub(super) enum Value {
    Tensor(Tensor),
    Tensors(Vec<Tensor>),
    Int(i64),
    #[cfg_attr(test, expect(dead_code, reason = "no operator here gives one"))]
    Ints(Vec<i64>),
    Float(f64),
    Bool(bool),
    Text(String),
    None,
}

/// Calls an operator, named as libtorch prints it: `aten::add.Tensor` is the overload `Tensor` of
/// `aten::add`. Arguments left out at the end take the schema's defaults. Takes some 2 µs beside
/// the work.
///
/// # Errors
/// [`Error::Operator`] if there is no such operator, arguments do not fit its schema, or it fails.
pub(super) fn call(operator: &str, arguments: &[Argument<'_>]) -> Result<Vec<Value>> {
    let lists: Vec<Vec<*const C_tensor>> = arguments.iter().map(pointers).collect();
    let raw = arguments.iter().zip(&lists);
    let raw: Vec<Raw> = raw.map(|(it, list)| Raw::new(it, list)).collect();
    let (name, overload) = names(operator)?;
    receive(operator, |emit, sink| {
        // SAFETY: `raw` points to what `arguments` and `lists` own, both alive until the end; the
        // function copies it. `sink` is what `emit` expects.
        unsafe {
            cs_call(
                name.as_ptr(),
                overload.as_ptr(),
                raw.as_ptr(),
                raw.len(),
                emit,
                sink,
            )
        }
    })
}

/// Calls an operator that returns nothing.
pub(super) fn call_in_place(operator: &str, arguments: &[Argument<'_>]) -> Result<()> {
    match call(operator, arguments)?.as_slice() {
        [] => Ok(()),
        results => Err(unexpected(operator, "no result", results)),
    }
}

/// Gives the declaration of an operator, for instance `aten::relu(Tensor self) -> Tensor`.
#[cfg(test)]
pub(super) fn schema(operator: &str) -> Result<String> {
    let (name, overload) = names(operator)?;
    let results = receive(operator, |emit, sink| {
        // SAFETY: the names end with a zero and outlive the call; `sink` is what `emit` expects.
        unsafe { cs_schema(name.as_ptr(), overload.as_ptr(), emit, sink) }
    })?;
    match results.as_slice() {
        [Value::Text(text)] => Ok(text.clone()),
        results => Err(unexpected(operator, "a text", results)),
    }
}

/// Makes the error for results of another type than an operator is known to have.
pub(super) fn unexpected(operator: &str, expected: &str, results: &[Value]) -> Error {
    Error::operator(operator, format!("expected {expected}, found {results:?}"))
}

/// Turns what a function of `bridge.cpp` returns into a result.
pub(super) fn check(what: &str, failure: *mut c_char) -> Result<()> {
    if failure.is_null() {
        return Ok(());
    }
    // SAFETY: not null, so it is a text that ends with a zero, and ours to free, once.
    let reason = unsafe {
        let reason = CStr::from_ptr(failure).to_string_lossy().into_owned();
        cs_text_free(failure);
        reason
    };
    Err(Error::operator(what, reason))
}

/// Gives the handles of a list of tensors, which tch does not keep side by side.
fn pointers(argument: &Argument<'_>) -> Vec<*const C_tensor> {
    match argument {
        Argument::Tensors(tensors) => tensors.iter().map(|tensor| tensor.as_ptr()).collect(),
        _ => Vec::new(),
    }
}

fn names(operator: &str) -> Result<(CString, CString)> {
    let (name, overload) = operator.split_once('.').unwrap_or((operator, ""));
    let c = |text| CString::new(text).map_err(|_| Error::operator(operator, "a zero in its name"));
    Ok((c(name)?, c(overload)?))
}

fn receive(
    operator: &str,
    run: impl FnOnce(Emit, *mut c_void) -> *mut c_char,
) -> Result<Vec<Value>> {
    let mut results: Vec<Value> = Vec::new();
    let failure = run(emit, (&raw mut results).cast());
    check(operator, failure)?;
    Ok(results)
}

/// Takes one result over. It cannot unwind into C++: nothing here panics but an allocation that
/// fails, which aborts anyway.
extern "C" fn emit(sink: *mut c_void, raw: *const Raw) {
    // SAFETY: `receive` passes its vector as `sink`, and `raw` is valid for the call. Lists and
    // texts have `count` elements; tensors are new handles that nobody else will free.
    unsafe {
        let (results, raw) = (&mut *sink.cast::<Vec<Value>>(), &*raw);
        results.push(raw.value());
    }
}

type Emit = extern "C" fn(*mut c_void, *const Raw);

/// A value as `bridge.cpp` lays it out, where it is called `Value`.
#[repr(C)]
struct Raw {
    tag: i32,
    number: i64,
    real: f64,
    data: *const c_void,
    count: usize,
}

impl Raw {
    const NONE: i32 = 0;
    const TENSOR: i32 = 1;
    const TENSORS: i32 = 2;
    const INT: i32 = 3;
    const INTS: i32 = 4;
    const FLOAT: i32 = 5;
    const BOOL: i32 = 6;
    const TEXT: i32 = 7;

    fn new(argument: &Argument<'_>, list: &[*const C_tensor]) -> Self {
        let plain = |tag, number, real| Self {
            tag,
            number,
            real,
            data: std::ptr::null(),
            count: 0,
        };
        let pointer = |tag, data, count| Self {
            data,
            count,
            ..plain(tag, 0, 0.0)
        };
        match *argument {
            Argument::Tensor(tensor) => pointer(Self::TENSOR, tensor.as_ptr().cast(), 1),
            Argument::Tensors(_) => pointer(Self::TENSORS, list.as_ptr().cast(), list.len()),
            Argument::Int(number) => plain(Self::INT, number, 0.0),
            Argument::Ints(list) => pointer(Self::INTS, list.as_ptr().cast(), list.len()),
            Argument::Float(real) => plain(Self::FLOAT, 0, real),
            Argument::Bool(is) => plain(Self::BOOL, i64::from(is), 0.0),
            Argument::Text(text) => pointer(Self::TEXT, text.as_ptr().cast(), text.len()),
            Argument::None => plain(Self::NONE, 0, 0.0),
        }
    }

    /// # Safety
    /// `data` must be what `bridge.cpp` puts there for the tag, and is used up.
    unsafe fn value(&self) -> Value {
        // SAFETY: the caller's promise; a pointer to no elements may be null.
        unsafe {
            match self.tag {
                Self::TENSOR => Value::Tensor(Tensor::from_ptr(self.data.cast_mut().cast())),
                Self::TENSORS => {
                    let handles = self.slice::<*mut C_tensor>().iter();
                    Value::Tensors(handles.map(|&handle| Tensor::from_ptr(handle)).collect())
                }
                Self::INT => Value::Int(self.number),
                Self::INTS => Value::Ints(self.slice().to_vec()),
                Self::FLOAT => Value::Float(self.real),
                Self::BOOL => Value::Bool(self.number != 0),
                Self::TEXT => Value::Text(String::from_utf8_lossy(self.slice()).into_owned()),
                _ => Value::None,
            }
        }
    }

    /// # Safety
    /// `data` must point to `count` elements of this type, if to any.
    unsafe fn slice<T>(&self) -> &[T] {
        if self.count == 0 {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.count) }
    }
}

unsafe extern "C" {
    fn cs_text_free(text: *mut c_char);
    fn cs_call(
        name: *const c_char,
        overload: *const c_char,
        arguments: *const Raw,
        count: usize,
        emit: Emit,
        sink: *mut c_void,
    ) -> *mut c_char;
    #[cfg(test)]
    fn cs_schema(
        name: *const c_char,
        overload: *const c_char,
        emit: Emit,
        sink: *mut c_void,
    ) -> *mut c_char;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    fn one(operator: &str, arguments: &[Argument<'_>]) -> Value {
        let mut results = call(operator, arguments).unwrap();
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    fn message(operator: &str, arguments: &[Argument<'_>]) -> String {
        call(operator, arguments).unwrap_err().to_string()
    }

    #[test]
    fn every_type_goes_there_and_back() {
        let x = Tensor::from_slice2(&[[1.0f32, 2.0], [3.0, 4.0]]);
        let y = Tensor::from_slice2(&[[1.0f32, 0.0], [0.0, 1.0]]);
        let tensor = |value| match value {
            Value::Tensor(tensor) => Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap(),
            other => panic!("{other:?}"),
        };
        // Tensor, float for a scalar; the default of `alpha`.
        let sum = one("aten::add.Tensor", &[(&x).into(), (&y).into()]);
        assert_eq!(tensor(sum), [2.0, 2.0, 3.0, 5.0]);
        let alpha = Argument::Float(0.5);
        let sum = one("aten::add.Tensor", &[(&x).into(), (&y).into(), alpha]);
        assert_eq!(tensor(sum), [1.5, 2.0, 3.0, 4.5]);
        // Tensor list and int; int list; an optional tensor that is and one that is not there.
        let list = [&x, &y];
        let stacked = one("aten::cat", &[list[..].into(), Argument::Int(1)]);
        assert_eq!(tensor(stacked), [1.0, 2.0, 1.0, 0.0, 3.0, 4.0, 0.0, 1.0]);
        let turned = one("aten::permute", &[(&x).into(), Argument::Ints(&[1, 0])]);
        assert_eq!(tensor(turned), [1.0, 3.0, 2.0, 4.0]);
        let bias = Tensor::from_slice(&[10.0f32, 20.0]);
        for (bias, expected) in [(Some(&bias), 11.0), (None, 1.0)] {
            let mapped = one("aten::linear", &[(&x).into(), (&y).into(), bias.into()]);
            assert_eq!(tensor(mapped)[0], expected);
        }
        // Text and bool.
        let text = Argument::Text("tanh");
        assert!(tensor(one("aten::gelu", &[(&x).into(), text]))[0] > 0.8);
        let keep = [(&x).into(), Argument::Ints(&[0]), Argument::Bool(true)];
        assert_eq!(tensor(one("aten::amax", &keep)), [3.0, 4.0]);
        // Results: list, int, float, bool, none at all.
        let Value::Tensors(parts) = one("aten::unbind.int", &[(&x).into()]) else {
            panic!("not a list")
        };
        assert_eq!(Vec::<f32>::try_from(&parts[1]).unwrap(), [3.0, 4.0]);
        let size = one("aten::size.int", &[(&x).into(), Argument::Int(0)]);
        assert!(matches!(size, Value::Int(2)));
        let same = one("aten::equal", &[(&x).into(), (&y).into()]);
        assert!(matches!(same, Value::Bool(false)));
        let scale = [
            (&x).into(),
            Argument::Float(0.5),
            Argument::Int(3),
            Argument::Int(12),
        ];
        let scaled = call("aten::quantize_per_tensor", &scale[..]).unwrap();
        let [Value::Tensor(scaled)] = &scaled[..] else {
            panic!("{scaled:?}")
        };
        let scale = one("aten::q_scale", &[scaled.into()]);
        assert!(matches!(scale, Value::Float(0.5)));
        let none = [list[..].into(), Argument::Float(2.0)];
        assert!(
            call("aten::_foreach_mul_.Scalar", &none)
                .unwrap()
                .is_empty()
        );
        assert_eq!(x.double_value(&[0, 0]), 2.0);
    }

    #[test]
    fn what_does_not_fit_is_an_error_with_the_operators_name() {
        let x = Tensor::from_slice(&[1.0f32]);
        let text = message("aten::no_such_thing", &[]);
        assert!(text.starts_with("aten::no_such_thing: "), "{text}");
        assert!(
            message("aten::add.Tensor", &[(&x).into()])
                .contains("missing value for argument 'other'")
        );
        let many = [(&x).into(), (&x).into(), Argument::Int(1), Argument::Int(1)];
        assert!(message("aten::add.Tensor", &many).contains("Expected at most 3 argument"));
        let wrong = message("aten::add.Tensor", &[(&x).into(), Argument::Text("x")]);
        assert!(wrong.contains("other") && wrong.contains("str"), "{wrong}");
        assert!(call("aten::relu", &[Argument::None]).is_err());
        assert!(call("aten::relu", &[Argument::Tensors(&[&x])]).is_err());
        assert!(call("aten::cat", &[(&x).into(), Argument::Int(0)]).is_err());
        assert!(call("aten::permute", &[(&x).into(), Argument::Int(0)]).is_err());
        assert!(call("aten::relu\0", &[(&x).into()]).is_err());
        // The kernel's own complaint, without its stack trace.
        let y = Tensor::zeros([3], (Kind::Int64, tch::Device::Cpu));
        let text = message("aten::dot", &[(&x).into(), (&y).into()]);
        assert!(
            text.starts_with("aten::dot: ") && !text.contains("frame #"),
            "{text}"
        );
    }

    #[test]
    fn gradients_flow_through_a_call() {
        let x = Tensor::from_slice(&[2.0f32]).set_requires_grad(true);
        let Value::Tensor(square) = one("aten::square", &[(&x).into()]) else {
            panic!("no tensor")
        };
        square.backward();
        assert_eq!(x.grad().double_value(&[0]), 4.0);
    }
}
