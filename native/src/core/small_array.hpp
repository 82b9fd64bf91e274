// core/small_array.hpp: an array of n elements, fixed when made; up to kInline of them cost no allocation.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace ndl {

template <class T, size_t kInline>
class SmallArray {
 public:
  explicit SmallArray(size_t size) : size_(size) {
    data_ = size <= kInline ? reinterpret_cast<T*>(inline_) : static_cast<T*>(::operator new(size * sizeof(T)));
    std::uninitialized_value_construct_n(data_, size_);  // only as many as are used: calls are short
  }
  SmallArray(const SmallArray&) = delete;
  SmallArray& operator=(const SmallArray&) = delete;
  ~SmallArray() {
    std::destroy_n(data_, size_);
    if (size_ > kInline) ::operator delete(data_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }

 private:
  size_t size_;
  T* data_;
  alignas(T) unsigned char inline_[kInline * sizeof(T)];
};

}  // namespace ndl
