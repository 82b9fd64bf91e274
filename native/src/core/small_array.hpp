// core/small_array.hpp: an array of n elements, fixed when made; up to kInline of them cost no allocation.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace ndl {

template <class T, size_t kInline>
class SmallArray {
 public:
  explicit SmallArray(size_t size) : size_(size) {
    if (size > kInline) heap_ = std::make_unique<T[]>(size);
  }
  SmallArray(const SmallArray&) = delete;
  SmallArray& operator=(const SmallArray&) = delete;

  T* data() { return heap_ ? heap_.get() : inline_; }
  const T* data() const { return heap_ ? heap_.get() : inline_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }

 private:
  size_t size_;
  T inline_[kInline]{};
  std::unique_ptr<T[]> heap_;
};

}  // namespace ndl
