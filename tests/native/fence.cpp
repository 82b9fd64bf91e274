#include "fence.hpp"

#if defined(NDL_HAS_FENCES)
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>

#include "core/allocator.hpp"

namespace ndl::test {
namespace {

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

char g_case[4096];
constexpr int kSignals[] = {SIGSEGV, SIGBUS};
struct sigaction g_before[std::size(kSignals)];

// Only what a signal handler may do. The fault comes again under the handler from before, which ends the process.
void name_the_case(int) {
  const char* const parts[] = {"\nmemory fault in ", g_case, "\n"};
  for (const char* part : parts)
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &g_before[i], nullptr);
}

}  // namespace

Fenced::Fenced(int64_t bytes, int64_t alignment, Edge edge) {
  static const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t room = round_up(std::max<int64_t>(bytes, 1), page);
  size_ = static_cast<size_t>(room + 2 * page);
  void* pages = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  pages_ = static_cast<unsigned char*>(pages);
  unsigned char* begin = pages_ + page;
  if (mprotect(begin, static_cast<size_t>(room), PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  std::memset(begin, 0xff, static_cast<size_t>(room));  // NaN
  data_ = edge == Edge::begin ? begin : begin + room - round_up(bytes, alignment);
}

Fenced::~Fenced() { munmap(pages_, size_); }

NamedFaults::NamedFaults(const std::string& name) {
  g_case[name.copy(g_case, sizeof(g_case) - 1)] = '\0';
  struct sigaction action{};
  action.sa_handler = name_the_case;
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &g_before[i]);
}

NamedFaults::~NamedFaults() {
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &g_before[i], nullptr);
}

bool can_fence(Target target) { return target != Target::cpu_avx2 || std::getenv("NATIVEDL_TEST_SLOW") == nullptr; }

Outputs execute_fenced(const Pass& pass, int32_t implementation, const Case& row, const Prepared& data, Edge edge, bool stream) {
  CallShape call(pass, row, data);
  RecordStorage record;
  Descs view = call.view(pass);
  pass.infer(call.options.data(), view, record);

  std::vector<std::unique_ptr<Fenced>> operands(call.descs.size());
  std::vector<void*> pointers(call.descs.size());
  std::vector<int64_t> counts(call.descs.size());
  bool writes = false;
  for (size_t operand = 0; operand < pass.operands.size(); ++operand) {
    const Role role = pass.operands[operand].role;
    if (role == Role::dims || role == Role::numbers) continue;
    for (auto i = static_cast<size_t>(call.first[operand]); i < static_cast<size_t>(call.first[operand + 1]); ++i) {
      if (!call.present[i]) continue;
      const Desc& desc = call.descs[i];
      operands[i] = std::make_unique<Fenced>(desc.bytes(), dtype_size(desc.dtype), edge);
      pointers[i] = operands[i]->data();
      counts[i] = desc.count();
      pass.record(record).bytes += static_cast<double>(desc.bytes());
      if (role != Role::out && role != Role::optional_out)
        write_values((*find(data.values, pass.operands[operand].name))[i - static_cast<size_t>(call.first[operand])].data, desc.dtype, pointers[i]);
      if (role != Role::in && role != Role::optional) writes = writes || desc.count() > 0;
    }
  }

  Outputs outputs{NDL_ERROR_REFUSED, pass.record(record).flop, std::vector<std::vector<Value>>(pass.operands.size())};
  const Env env{machine().cores, NDL_PRECISION_FAST};
  if (pass.reject(implementation, record, env) != nullptr) return outputs;
  outputs.status = NDL_OK;
  if (writes) {
    const Fenced workspace(pass.workspace(implementation, record, env), kAlignment, edge);
    const Exec exec{machine().cores, workspace.data(), nullptr, stream ? 0 : last_cache_bytes(machine())};
    const auto run = [&](const void* derived) {
      pass.run(implementation, record, {pointers.data(), counts.data(), call.first.data(), derived}, exec);
    };
    const int32_t operand = pass.derived_operand(implementation);
    const int64_t bytes = operand < 0 ? 0 : pass.derived_bytes(implementation, record, env);
    if (bytes == 0 || pass.derive_again(implementation)) run(nullptr);
    if (bytes > 0) {
      const Fenced derived(bytes, kAlignment, edge);
      pass.derive(implementation, record, pointers[static_cast<size_t>(call.first[static_cast<size_t>(operand)])], derived.data(), exec);
      run(derived.data());
    }
  }
  for (size_t operand = 0; operand < pass.operands.size(); ++operand) {
    const Role role = pass.operands[operand].role;
    if (role != Role::out && role != Role::optional_out && role != Role::inout) continue;
    for (auto i = static_cast<size_t>(call.first[operand]); i < static_cast<size_t>(call.first[operand + 1]); ++i)
      outputs.values[operand].push_back(read_values(call.descs[i], pointers[i]));
  }
  return outputs;
}

}  // namespace ndl::test
#endif
