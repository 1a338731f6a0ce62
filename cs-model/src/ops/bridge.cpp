// Calls into libtorch that tch does not wrap. `bridge.rs` declares the same functions and documents
// what they promise. No exception leaves this file: each function returns null or what went wrong,
// a text to be freed with `cs_text_free`.

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

namespace {

enum Tag : int32_t { NONE, TENSOR, TENSORS, INT, INTS, FLOAT, BOOL, TEXT };

// One argument or result. Lists and texts have `count` elements at `data`; tensors are pointers to
// at::Tensor, which is how tch holds them.
struct Value {
  Tag tag;
  int64_t number;
  double real;
  const void* data;
  size_t count;
};

using Emit = void (*)(void* sink, const Value* value);

char* text_of(const char* message) {
  char* text = static_cast<char*>(std::malloc(std::strlen(message) + 1));
  if (text == nullptr) std::abort(); // null would mean success
  return std::strcpy(text, message);
}

template <class F>
char* guarded(F body) {
  try {
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return text_of(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return text_of(error.what());
  } catch (...) {
    return text_of("an exception of an unknown type");
  }
}

c10::IValue argument(const Value& value) {
  switch (value.tag) {
    case TENSOR:
      return *static_cast<const at::Tensor*>(value.data);
    case TENSORS: {
      c10::List<at::Tensor> list;
      list.reserve(value.count);
      auto tensors = static_cast<const at::Tensor* const*>(value.data);
      for (size_t i = 0; i < value.count; i++) list.push_back(*tensors[i]);
      return list;
    }
    case INT:
      return value.number;
    case INTS: {
      auto ints = static_cast<const int64_t*>(value.data);
      return std::vector<int64_t>(ints, ints + value.count);
    }
    case FLOAT:
      return value.real;
    case BOOL:
      return value.number != 0;
    case TEXT:
      return std::string(static_cast<const char*>(value.data), value.count);
    case NONE:
      break;
  }
  return {};
}

// Hands a result over: tensors become the receiver's, the rest is only lent.
void emit_result(const c10::IValue& result, Emit emit, void* sink) {
  if (result.isTensor()) {
    Value value{TENSOR, 0, 0, new at::Tensor(result.toTensor()), 1};
    emit(sink, &value);
  } else if (result.isTensorList()) {
    std::vector<at::Tensor*> tensors;
    tensors.reserve(result.toTensorList().size());
    for (const at::Tensor& tensor : result.toTensorVector()) tensors.push_back(new at::Tensor(tensor));
    Value value{TENSORS, 0, 0, tensors.data(), tensors.size()};
    emit(sink, &value);
  } else if (result.isIntList()) {
    std::vector<int64_t> ints = result.toIntVector();
    Value value{INTS, 0, 0, ints.data(), ints.size()};
    emit(sink, &value);
  } else if (result.isString()) {
    const std::string& text = result.toStringRef();
    Value value{TEXT, 0, 0, text.data(), text.size()};
    emit(sink, &value);
  } else {
    Value value{NONE, 0, 0, nullptr, 0};
    if (result.isBool()) {
      value.tag = BOOL, value.number = result.toBool();
    } else if (result.isInt()) {
      value.tag = INT, value.number = result.toInt();
    } else if (result.isDouble()) {
      value.tag = FLOAT, value.real = result.toDouble();
    } else {
      TORCH_CHECK(result.isNone(), "a result of type ", result.tagKind(), " has no counterpart in Rust");
    }
    emit(sink, &value);
  }
}

} // namespace

extern "C" {

void cs_text_free(char* text) { std::free(text); }

char* cs_call(const char* name, const char* overload, const Value* arguments, size_t count, Emit emit, void* sink) {
  return guarded([&] {
    auto op = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    std::vector<c10::IValue> stack;
    stack.reserve(op.schema().arguments().size());
    for (size_t i = 0; i < count; i++) stack.push_back(argument(arguments[i]));
    // A boxed kernel trusts its stack, so types and number are checked against the schema here.
    op.schema().checkAndNormalizeInputs(stack);
    op.callBoxed(&stack);
    for (const c10::IValue& result : stack) emit_result(result, emit, sink);
  });
}

char* cs_schema(const char* name, const char* overload, Emit emit, void* sink) {
  return guarded([&] {
    auto op = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    emit_result(toString(op.schema()), emit, sink);
  });
}

int32_t cs_autocast_is_on(int32_t device) {
  return at::autocast::is_autocast_enabled(static_cast<at::DeviceType>(device));
}

// Sets autocast for a device type (0 CPU, 1 CUDA) and reports what it was.
char* cs_autocast_enter(int32_t device, int32_t enabled, int32_t half, int32_t* was_enabled, int32_t* was_type) {
  return guarded([&] {
    auto type = static_cast<at::DeviceType>(device);
    *was_enabled = at::autocast::is_autocast_enabled(type);
    *was_type = static_cast<int32_t>(at::autocast::get_autocast_dtype(type));
    at::autocast::set_autocast_dtype(type, half ? at::kHalf : at::kBFloat16);
    at::autocast::set_autocast_enabled(type, enabled);
    at::autocast::increment_nesting();
  });
}

char* cs_autocast_leave(int32_t device, int32_t was_enabled, int32_t was_type) {
  return guarded([&] {
    auto type = static_cast<at::DeviceType>(device);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(type, was_enabled);
    at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(was_type));
  });
}

// Bytes allocated, reserved, and at most allocated since the last reset; `found` is 0 without a CUDA
// allocator. It is looked up in libc10's registry, which a CPU build has as well, only empty.
char* cs_cuda_memory(int32_t index, int32_t reset_peak, int32_t* found, int64_t bytes[3]) {
  return guarded([&] {
    auto any = c10::GetAllocator(c10::DeviceType::CUDA);
    auto allocator = dynamic_cast<c10::DeviceAllocator*>(any);
    *found = allocator != nullptr && allocator->initialized();
    if (!*found) return;
    auto device = static_cast<c10::DeviceIndex>(index);
    auto stats = allocator->getDeviceStats(device);
    auto aggregate = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    bytes[0] = stats.allocated_bytes[aggregate].current;
    bytes[1] = stats.reserved_bytes[aggregate].current;
    bytes[2] = stats.allocated_bytes[aggregate].peak;
    if (reset_peak) allocator->resetPeakStats(device);
  });
}

} // extern "C"
