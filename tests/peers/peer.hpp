// tests/peers/peer.hpp: what every peer of nativedl-bench written in C++ shares: the protocol, operands, the clock.
//
// A line of words comes in on standard input, a line goes out on standard output:
//
//   hello                                   -> name ANYTHING
//   prepare OP key=value ...                -> ready PASS=VARIANT ...   or   refused REASON
//   time PASS ITERATIONS                    -> seconds S
//
// The words of `prepare` are those of the row (tests/cases/README.md) without hints at values, with dy as one more
// operand and: threads=N, inputs=FOLDER with a file of float32 for each operand, outputs=FOLDER for what the passes gave,
// float32 files y, dx, dweight, ... VARIANT names the method the peer took for a pass.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace peer {

using Dims = std::vector<int64_t>;

struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Request {
 public:
  std::string op;

  explicit Request(std::istream& line) {
    line >> op;
    for (std::string word; line >> word;) {
      const size_t equals = word.find('=');
      if (equals != std::string::npos) words_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }

  bool has(const std::string& key) const { return words_.contains(key); }
  std::string text(const std::string& key) const { return has(key) ? words_.at(key) : ""; }
  int64_t number(const std::string& key, int64_t fallback) const { return has(key) ? std::stoll(words_.at(key)) : fallback; }

  Dims dims(const std::string& operand) const {
    std::string text = words_.at(operand);
    text = text.substr(0, text.find(':'));
    Dims dims;
    std::stringstream stream(text);
    for (std::string part; std::getline(stream, part, 'x');) dims.push_back(std::stoll(part));
    return dims;
  }

  // "f32" where the row does not say.
  std::string dtype(const std::string& operand) const {
    const std::string text = words_.at(operand);
    const size_t colon = text.find(':');
    return colon == std::string::npos ? "f32" : text.substr(colon + 1);
  }

  std::vector<float> values(const std::string& operand) const {
    std::ifstream file(words_.at("inputs") + "/" + operand, std::ios::binary);
    std::vector<float> data(1);
    for (int64_t dim : dims(operand)) data.resize(data.size() * static_cast<size_t>(dim));
    file.read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(data.size() * sizeof(float)));
    if (!file) throw std::runtime_error("cannot read operand " + operand);
    return data;
  }

  void save(const std::string& output, const float* data, size_t count) const {
    std::ofstream file(words_.at("outputs") + "/" + output, std::ios::binary);
    file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(count * sizeof(float)));
  }

 private:
  std::map<std::string, std::string> words_;
};

struct Pass {
  std::string variant;
  std::function<void()> run;
};
using Passes = std::map<std::string, Pass>;  // by name

inline double clock_runs(const std::function<void()>& run, int64_t iterations) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < iterations; ++i) run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Answers requests to the end of standard input. `prepare` saves the outputs and keeps what the passes need alive.
inline int serve(const std::string& name, const std::function<Passes(const Request&)>& prepare) {
  std::signal(SIGINT, SIG_IGN);  // the bench ends its peers itself
  Passes passes;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "hello") {
      std::cout << "name " << name;
    } else if (verb == "prepare") {
      passes.clear();
      try {
        passes = prepare(Request(words));
        std::cout << "ready";
        for (const auto& [pass, how] : passes) std::cout << " " << pass << "=" << how.variant;
      } catch (const std::exception& e) {
        std::cout << "refused " << e.what();
      }
    } else {
      std::string pass;
      int64_t iterations = 0;
      words >> pass >> iterations;
      std::cout << "seconds " << clock_runs(passes.at(pass).run, iterations);
    }
    std::cout << std::endl;
  }
  return 0;
}

}  // namespace peer
