// tests/native/handle_test.cpp: handles name one object for its life and nothing after it.
#include "core/handle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

namespace ndl::test {
namespace {

struct Counted {
  static inline std::atomic<int> alive{0};
  int value;
  explicit Counted(int v) : value(v) {
    if (v < 0) throw Error(NDL_ERROR_INTERNAL, "negative");
    ++alive;
  }
  Counted(const Counted&) = delete;
  ~Counted() { value = -1, --alive; }
};
using Table = HandleTable<Counted, HandleKind::tensor>;

class Handles : public testing::Test {
 protected:
  std::unique_ptr<Table> table = std::make_unique<Table>();
};

TEST_F(Handles, ResolveUntilDestroyed) {
  const uint64_t handle = table->create(7);
  EXPECT_NE(handle, 0u);
  EXPECT_EQ(table->resolve(handle)->value, 7);
  EXPECT_EQ(table->live(), 1);
  EXPECT_TRUE(table->destroy(handle));
  EXPECT_FALSE(table->resolve(handle));
  EXPECT_FALSE(table->destroy(handle));
  EXPECT_EQ(table->live(), 0);
  EXPECT_EQ(Counted::alive, 0);
}

TEST_F(Handles, ReferenceOutlivesTheHandle) {
  const uint64_t handle = table->create(7);
  {
    Table::Ref first = table->resolve(handle);
    EXPECT_TRUE(table->destroy(handle));
    EXPECT_FALSE(table->resolve(handle));
    const Table::Ref moved = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(moved->value, 7);
    const uint64_t other = table->create(8);
    EXPECT_NE(other >> 32, handle >> 32) << "the slot is still in use";
    table->destroy(other);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST_F(Handles, ReusedSlotHasAnotherHandle) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t handle = table->create(i);
    EXPECT_TRUE(seen.insert(handle).second);
    EXPECT_TRUE(table->destroy(handle));
  }
  for (const uint64_t handle : seen) EXPECT_FALSE(table->resolve(handle));
  const uint64_t last = table->create(1);
  EXPECT_EQ(last >> 32, *seen.begin() >> 32) << "a freed slot is used again";
  table->destroy(last);
}

TEST_F(Handles, ForgedHandlesNameNothing) {
  const uint64_t handle = table->create(7);
  for (int bit = 0; bit < 64; ++bit) EXPECT_FALSE(table->resolve(handle ^ (uint64_t{1} << bit))) << bit;
  HandleTable<Counted, HandleKind::lease> other;
  EXPECT_FALSE(other.resolve(handle));
  EXPECT_FALSE(table->resolve(0));
  EXPECT_FALSE(table->resolve(UINT64_MAX));
  table->destroy(handle);
}

TEST_F(Handles, FailedConstructionGivesTheSlotBack) {
  EXPECT_THROW(table->create(-1), Error);
  EXPECT_EQ(table->live(), 0);
  const uint64_t handle = table->create(1);
  EXPECT_EQ(handle >> 32, 0u);
  table->destroy(handle);
}

// After as many reuses as there are generations the slot is retired: no handle ever comes back to life.
TEST_F(Handles, GenerationsNeverWrap) {
#if defined(NDL_SLOW_BUILD)
  GTEST_SKIP() << "eight million creations take too long under a sanitizer";
#endif
  const uint64_t first = table->create(0);
  table->destroy(first);
  uint64_t handle = 0;
  for (int i = 0; i < (1 << 23) + 10; ++i) {
    handle = table->create(0);
    ASSERT_NE(handle, first);
    table->destroy(handle);
  }
  EXPECT_NE(handle >> 32, first >> 32);
}

TEST_F(Handles, ManyAtOnce) {
  std::vector<uint64_t> handles;
  for (int i = 0; i < 10000; ++i) handles.push_back(table->create(i));  // more than one chunk of slots
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(table->resolve(handles[static_cast<size_t>(i)])->value, i);
  for (const uint64_t handle : handles) table->destroy(handle);
  EXPECT_EQ(Counted::alive, 0);
}

// Threads resolve what another thread destroys and creates: each sees a whole object or nothing.
TEST_F(Handles, ConcurrentResolveAndDestroy) {
  constexpr int kRounds = 20000;
  std::atomic<uint64_t> current{table->create(1)};
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      while (!done)
        if (const Table::Ref ref = table->resolve(current); ref && ref->value != 1) ++wrong;
    });
  for (int i = 0; i < kRounds; ++i) {
    const uint64_t old = current.exchange(table->create(1));
    EXPECT_TRUE(table->destroy(old));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  table->destroy(current);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(table->live(), 0);
  EXPECT_EQ(Counted::alive, 0);
}

TEST_F(Handles, OnlyOneOfManyDestroysSucceeds) {
  for (int round = 0; round < 500; ++round) {
    const uint64_t handle = table->create(round);
    std::atomic<int> succeeded{0};
    std::thread other([&] { succeeded += table->destroy(handle) ? 1 : 0; });
    succeeded += table->destroy(handle) ? 1 : 0;
    other.join();
    ASSERT_EQ(succeeded, 1);
  }
}

}  // namespace
}  // namespace ndl::test
