#include "core/machine.hpp"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ndl {
namespace {

#if defined(__x86_64__)
// AMX with bf16, whose 8 KB of tiles Linux saves for a process that asked for them.
bool has_amx() {
#if defined(__linux__)
  constexpr unsigned kTile = 1u << 24, kBf16 = 1u << 22;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kTile) != 0 && (edx & kBf16) != 0 &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

Isa detect_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // these checks ask the system, too, whether it saves the wide registers
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
    return !__builtin_cpu_supports("avx512bf16") ? Isa::avx512 : has_amx() ? Isa::amx : Isa::avx512_bf16;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::avx2;
#endif
  return Isa::baseline;
}

// NATIVEDL_CPU can only lower the set: a name above the processor's own changes nothing.
Isa lowered(Isa best) {
  const char* wanted = std::getenv("NATIVEDL_CPU");
  if (wanted == nullptr) return best;
  for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx})
    if (std::strcmp(wanted, isa_name(isa)) == 0 && isa < best) return isa;
  return best;
}

bool is_intel() {
#if defined(__x86_64__)
  return __builtin_cpu_is("intel") != 0;
#else
  return false;
#endif
}

std::string processor_name() {
#if defined(__x86_64__)
  unsigned words[12];
  if (__get_cpuid_max(0x80000000u, nullptr) >= 0x80000004u) {
    for (unsigned i = 0; i < 3; ++i)
      __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
    std::string name(reinterpret_cast<const char*>(words), sizeof(words));
    name = name.c_str();
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    __get_cpuid(1, &eax, &ebx, &ecx, &edx);
    unsigned family = (eax >> 8) & 15, model = (eax >> 4) & 15;
    if (family == 15) family += (eax >> 20) & 255;
    if (family >= 6) model += ((eax >> 16) & 15) << 4;
    const size_t first = name.find_first_not_of(' ');
    name = first == std::string::npos ? std::string("unknown") : name.substr(first);
    return name + " (family " + std::to_string(family) + ", model " + std::to_string(model) + ")";
  }
#endif
  return "unknown";
}

// Linux itself is asked first: of the L3, the C library counts on some machines what all sockets have, of which a core sees a part.
int64_t cache_bytes([[maybe_unused]] int level) {
#if defined(__linux__) && defined(_SC_LEVEL1_DCACHE_SIZE)
  for (int index = 0;; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::ifstream level_file(folder + "level"), type_file(folder + "type"), size_file(folder + "size");
    int found = 0;
    std::string type, unit;
    int64_t size = 0;
    if (!(level_file >> found) || !(type_file >> type)) break;
    if (found != level || type == "Instruction" || !(size_file >> size)) continue;
    size_file >> unit;
    return unit == "K" ? size << 10 : unit == "M" ? size << 20 : size;
  }
  const int name = level == 1 ? _SC_LEVEL1_DCACHE_SIZE : level == 2 ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE;
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : 0;
#else
  return 0;
#endif
}

Machine detect() {
  const unsigned cores = std::thread::hardware_concurrency();  // counts the affinity mask on Linux
  return Machine{cores == 0 ? 1 : static_cast<int32_t>(cores), lowered(detect_isa()), is_intel(), cache_bytes(1), cache_bytes(2),
                 cache_bytes(3), processor_name()};
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::amx: return "amx";
    case Isa::avx512_bf16: return "avx512_bf16";
    case Isa::avx512: return "avx512";
    case Isa::avx2: return "avx2";
    case Isa::baseline: break;
  }
#if defined(__aarch64__)
  return "neon";
#else
  return "sse4";
#endif
}

const Machine& machine() {
  static const Machine* instance = new Machine(detect());
  return *instance;
}

}  // namespace ndl
