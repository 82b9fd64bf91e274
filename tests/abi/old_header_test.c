/* tests/abi/old_header_test.c: a program built when the structs were shorter. It declares what its header declared
 * then, and must get what the later fields' defaults promise. */
#include "abi.h"

typedef struct old_conv2d_options { /* before activation */
  uint32_t struct_size;
  int32_t groups;
  int32_t stride_h;
  int32_t stride_w;
  int32_t pad_top;
  int32_t pad_bottom;
  int32_t pad_left;
  int32_t pad_right;
  int32_t dilation_h;
  int32_t dilation_w;
} old_conv2d_options;
NDL_API ndl_status ndl_conv2d_forward(ndl_context context, const old_conv2d_options* options, ndl_tensor x, ndl_tensor weight,
                                      ndl_tensor bias, ndl_tensor residual, ndl_tensor* y);

typedef struct older_conv2d_options { /* groups alone: stride 1, no padding, dilation 1 */
  uint32_t struct_size;
  int32_t groups;
} older_conv2d_options;

int main(void) {
  static const int64_t kImage[] = {1, 2, 2, 1}, kFilter[] = {1, 1, 1, 1};
  static const float kPixels[] = {1, -2, 3, -4}, kWeight[] = {2}, kY[] = {2, -4, 6, -8};
  const old_conv2d_options old = {sizeof(old), 1, 1, 1, 0, 0, 0, 0, 1, 1};
  const older_conv2d_options older = {sizeof(older), 1};
  struct { uint32_t struct_size, reserved; int64_t bytes_in_use, guard; } memory = {16, 0, -1, -1};
  ndl_tensor x = floats(4, kImage, kPixels), w = floats(4, kFilter, kWeight), y = 0;
  ndl_context_options options;
  ndl_context context = 0;
  memset(&options, 0xff, sizeof(options));
  options.struct_size = 16; /* before precision, determinism and workspace_limit: what lies there is not read */
  options.device_type = NDL_DEVICE_TYPE_CPU, options.device_index = 0, options.threads = 1;
  OK(ndl_context_create(&options, &context));
  OK(ndl_conv2d_forward(context, &old, x, w, 0, 0, &y));
  check_floats(__LINE__, y, 4, kY);
  OK(ndl_conv2d_forward(context, (const old_conv2d_options*)(const void*)&older, x, w, 0, 0, &y));
  check_floats(__LINE__, y, 4, kY);
  OK(ndl_memory_get_info((ndl_memory_info*)(void*)&memory));
  CHECK(memory.struct_size == 16 && memory.bytes_in_use > 0 && memory.guard == -1);
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(w)), OK(ndl_tensor_destroy(y)), OK(ndl_context_destroy(context));
  return finish();
}
