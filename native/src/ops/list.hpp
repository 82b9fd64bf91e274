// ops/list.hpp: every op of the library, a line per op. What enumerates ops (`info`, the tests, the benchmarks,
// plan files) reads this list through all_passes().
#pragma once

#define NDL_OPS(X)          \
  X(abs)                    \
  X(adadelta)               \
  X(adam)                   \
  X(add)                    \
  X(argmax)                 \
  X(avg_pool2d)             \
  X(batch_norm2d)           \
  X(batch_norm2d_inference) \
  X(broadcast_to)           \
  X(cast)                   \
  X(clip_gradients)         \
  X(concat)                 \
  X(conv2d)                 \
  X(conv2d_max_pool2d)      \
  X(copy)                   \
  X(cross_entropy)          \
  X(divide)                 \
  X(dropout)                \
  X(exp)                    \
  X(fill)                   \
  X(gemm)                   \
  X(global_avg_pool2d)      \
  X(gradient_norm)          \
  X(linear)                 \
  X(log)                    \
  X(log_softmax)            \
  X(max)                    \
  X(max_pool2d)             \
  X(mean)                   \
  X(mse_loss)               \
  X(multiply)               \
  X(normal)                 \
  X(pad)                    \
  X(permute)                \
  X(relu)                   \
  X(sgd)                    \
  X(sigmoid)                \
  X(slice)                  \
  X(softmax)                \
  X(sqrt)                   \
  X(square)                 \
  X(subtract)               \
  X(sum)                    \
  X(tanh)                   \
  X(uniform)
