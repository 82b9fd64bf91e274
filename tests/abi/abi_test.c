/* tests/abi/abi_test.c: a C99 program against the installed headers: ops both ways, and every kind of misuse.
 * abi_test <section> runs one section. */
#include "abi.h"

#include <pthread.h>

#include "nativedl/nativedl.h"

static ndl_context context;

static const int64_t kImage[] = {1, 3, 3, 1};
static const int64_t kFilter[] = {1, 2, 2, 1};
static const float kPixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const float kWeights[] = {1, 2, 3, 4};
static const ndl_conv2d_options kConv = {sizeof(ndl_conv2d_options), 1, 1, 1, 0, 0, 0, 0, 1, 1, NDL_ACTIVATION_NONE, 0};
static const ndl_max_pool2d_options kPool = {sizeof(ndl_max_pool2d_options), 2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0};

/* conv2d, its activation, and the three gradients, by hand. */
static void test_conv2d(void) {
  static const float kY[] = {37, 47, 67, 77}, kShifted[] = {0, 7, 27, 37}, kBias[] = {-40}, kDy[] = {1, 2, 3, 4};
  static const float kDx[] = {1, 4, 4, 6, 20, 16, 9, 24, 16}, kDb[] = {10};
  static const int64_t kOne[] = {1}, kOutput[] = {1, 2, 2, 1};
  ndl_tensor x = floats(4, kImage, kPixels), w = floats(4, kFilter, kWeights), b = floats(1, kOne, kBias);
  ndl_tensor dy = floats(4, kOutput, kDy), y = 0, dx = 0, dw = 0, db = 0;
  ndl_conv2d_options relu = kConv;
  int64_t dims[8];
  int32_t rank = 0;
  relu.activation = NDL_ACTIVATION_RELU;
  OK(ndl_conv2d_forward(context, &kConv, x, w, 0, 0, &y));
  check_floats(__LINE__, y, 4, kY);
  OK(ndl_tensor_get_dims(y, dims, 8, &rank));
  CHECK(rank == 4 && dims[0] == 1 && dims[1] == 2 && dims[2] == 2 && dims[3] == 1);
  OK(ndl_conv2d_forward(context, &relu, x, w, b, 0, &y)); /* in place of the first result */
  check_floats(__LINE__, y, 4, kShifted);
  OK(ndl_conv2d_backward_input(context, &kConv, dy, w, kImage, 4, &dx));
  check_floats(__LINE__, dx, 9, kDx);
  OK(ndl_conv2d_backward_weight(context, &kConv, x, dy, kFilter, 4, &dw));
  check_floats(__LINE__, dw, 4, kY); /* the same sums, as dy equals w */
  OK(ndl_conv2d_backward_bias(context, dy, &db));
  check_floats(__LINE__, db, 1, kDb);
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(w)), OK(ndl_tensor_destroy(b)), OK(ndl_tensor_destroy(dy));
  OK(ndl_tensor_destroy(y)), OK(ndl_tensor_destroy(dx)), OK(ndl_tensor_destroy(dw)), OK(ndl_tensor_destroy(db));
}

static void test_relu(void) {
  static const float kX[] = {-1, 0, 2, -3}, kY[] = {0, 0, 2, 0}, kDy[] = {5, 6, 7, 8}, kDx[] = {0, 0, 7, 0};
  static const int64_t kFour[] = {4};
  ndl_tensor x = floats(1, kFour, kX), dy = floats(1, kFour, kDy), y = 0, dx = 0;
  ndl_tensor_info info = {sizeof(info), (ndl_dtype)0, (ndl_device_type)0, 0, 0, 0, 0, 0, 0, 0};
  uint64_t version = 0;
  OK(ndl_relu_forward(context, x, &y));
  check_floats(__LINE__, y, 4, kY);
  OK(ndl_relu_backward(context, y, dy, &dx));
  check_floats(__LINE__, dx, 4, kDx);
  OK(ndl_tensor_get_info(x, &info));
  CHECK(info.dtype == NDL_DTYPE_F32 && info.rank == 1 && info.count == 4 && info.byte_count == 16);
  version = info.version;
  OK(ndl_relu_forward(context, x, &x)); /* in place */
  check_floats(__LINE__, x, 4, kY);
  OK(ndl_tensor_get_info(x, &info));
  CHECK(info.version > version);
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(y)), OK(ndl_tensor_destroy(dy)), OK(ndl_tensor_destroy(dx));
}

static void test_max_pool2d(void) {
  static const float kX[] = {1, 4, 3, 2}, kY[] = {4}, kDy[] = {5}, kDx[] = {0, 5, 0, 0};
  static const int64_t kSquare[] = {1, 2, 2, 1}, kOne[] = {1, 1, 1, 1};
  ndl_tensor x = floats(4, kSquare, kX), dy = floats(4, kOne, kDy), y = 0, argmax = 0, dx = 0;
  int32_t index = 0;
  OK(ndl_max_pool2d_forward(context, &kPool, x, &y, &argmax));
  check_floats(__LINE__, y, 1, kY);
  OK(ndl_tensor_read(argmax, 0, &index, 4));
  CHECK(index == 1);
  OK(ndl_max_pool2d_forward(context, &kPool, x, &y, NULL));
  OK(ndl_max_pool2d_backward(context, &kPool, dy, argmax, kSquare, 4, &dx));
  check_floats(__LINE__, dx, 4, kDx);
  index = 4;
  OK(ndl_tensor_write(argmax, 0, &index, 4));
  FAILS(NDL_ERROR_INVALID_DATA, "max_pool2d_backward", "outside", ndl_max_pool2d_backward(context, &kPool, dy, argmax, kSquare, 4, &dx));
  index = 1;
  OK(ndl_tensor_write(argmax, 0, &index, 4));
  OK(ndl_max_pool2d_backward(context, &kPool, dy, argmax, kSquare, 4, &dx));
  check_floats(__LINE__, dx, 4, kDx);
  /* As a place in the window: a byte, another dtype than the options without the field expect. */
  ndl_max_pool2d_options places = kPool;
  uint8_t place = 0;
  places.argmax_in_window = 1;
  FAILS(NDL_ERROR_INVALID_DTYPE, "max_pool2d_backward", "argmax", ndl_max_pool2d_backward(context, &places, dy, argmax, kSquare, 4, &dx));
  OK(ndl_tensor_destroy(argmax)), argmax = 0;
  OK(ndl_max_pool2d_forward(context, &places, x, &y, &argmax));
  OK(ndl_tensor_read(argmax, 0, &place, 1));
  CHECK(place == 1);
  OK(ndl_max_pool2d_backward(context, &places, dy, argmax, kSquare, 4, &dx));
  check_floats(__LINE__, dx, 4, kDx);
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(y)), OK(ndl_tensor_destroy(dy)), OK(ndl_tensor_destroy(dx));
  OK(ndl_tensor_destroy(argmax));
}

/* The fused op, by a weight of 1: its values are those of pooling. */
static void test_conv2d_max_pool2d(void) {
  static const float kX[] = {-1, 4, 3, 2, -5, -6, -7, -8}, kWeight[] = {1}, kY[] = {4, 0}, kDy[] = {5, 7}, kDx[] = {0, 5, 0, 0, 0, 0, 0, 0};
  static const float kDw[] = {20}, kDb[] = {5};
  static const int64_t kImages[] = {2, 2, 2, 1}, kTwo[] = {2, 1, 1, 1}, kOne[] = {1, 1, 1, 1};
  ndl_conv2d_max_pool2d_options options = {sizeof(options), 2, 2, 1, 1, 0, 0, 0, 0, 1, 1, NDL_ACTIVATION_RELU};
  ndl_tensor x = floats(4, kImages, kX), weight = floats(4, kOne, kWeight), dy = floats(4, kTwo, kDy);
  ndl_tensor y = 0, argmax = 0, dx = 0, dw = 0, db = 0;
  uint8_t index[2] = {9, 9};
  OK(ndl_conv2d_max_pool2d_forward(context, &options, x, weight, 0, &y, &argmax));
  check_floats(__LINE__, y, 2, kY);
  OK(ndl_tensor_read(argmax, 0, index, 2));
  CHECK(index[0] == 1 && index[1] == 255);
  OK(ndl_conv2d_max_pool2d_forward(context, &options, x, weight, 0, &y, NULL));
  OK(ndl_conv2d_max_pool2d_backward_input(context, &options, dy, argmax, weight, kImages, 4, &dx));
  check_floats(__LINE__, dx, 8, kDx);
  OK(ndl_conv2d_max_pool2d_backward_weight(context, &options, x, dy, argmax, kOne, 4, &dw));
  check_floats(__LINE__, dw, 1, kDw);
  OK(ndl_conv2d_max_pool2d_backward_bias(context, dy, argmax, &db));
  check_floats(__LINE__, db, 1, kDb);
  index[1] = 4;
  OK(ndl_tensor_write(argmax, 0, index, 2));
  FAILS(NDL_ERROR_INVALID_DATA, "conv2d_max_pool2d_backward_input", "value 4 at position 1",
        ndl_conv2d_max_pool2d_backward_input(context, &options, dy, argmax, weight, kImages, 4, &dx));
  options.pool_h = 16, options.pool_w = 16;
  FAILS(NDL_ERROR_INVALID_ARGUMENT, "conv2d_max_pool2d", "at most 255", ndl_conv2d_max_pool2d_forward(context, &options, x, weight, 0, &y, NULL));
  options.pool_h = 3, options.pool_w = 2;
  FAILS(NDL_ERROR_INVALID_SHAPE, "conv2d_max_pool2d", "2 x 2 pixels", ndl_conv2d_max_pool2d_forward(context, &options, x, weight, 0, &y, NULL));
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(weight)), OK(ndl_tensor_destroy(dy)), OK(ndl_tensor_destroy(y));
  OK(ndl_tensor_destroy(argmax)), OK(ndl_tensor_destroy(dx)), OK(ndl_tensor_destroy(dw)), OK(ndl_tensor_destroy(db));
}

static void test_handles(void) {
  ndl_tensor x = floats(4, kImage, kPixels), gone = floats(4, kImage, kPixels), y = 0;
  ndl_tensor foreign[5];
  ndl_lease lease = 0;
  uint64_t address = 0;
  size_t i;
  OK(ndl_tensor_map(x, NDL_ACCESS_READ, &lease, &address));
  CHECK(*(const float*)(uintptr_t)address == 1.0f);
  OK(ndl_tensor_destroy(gone));
  foreign[0] = gone;                    /* stale */
  foreign[1] = UINT64_MAX;              /* forged */
  foreign[2] = x + (UINT64_C(1) << 32); /* the next slot */
  foreign[3] = context;                 /* of another kind */
  foreign[4] = lease;
  for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); ++i) {
    FAILS(NDL_ERROR_INVALID_HANDLE, "relu_forward", "x is not a live tensor", ndl_relu_forward(context, foreign[i], &y));
    FAILS(NDL_ERROR_INVALID_HANDLE, "tensor_destroy", "no tensor handle", ndl_tensor_destroy(foreign[i]));
    FAILS(NDL_ERROR_INVALID_HANDLE, "tensor_alias", "tensor is not", ndl_tensor_alias(foreign[i], &y));
    y = foreign[i];
    FAILS(NDL_ERROR_INVALID_HANDLE, "relu_forward", "y is not a live tensor", ndl_relu_forward(context, x, &y));
    CHECK(y == foreign[i]);
    y = 0;
  }
  FAILS(NDL_ERROR_INVALID_HANDLE, "relu_forward", "the handle is 0", ndl_relu_forward(context, 0, &y));
  FAILS(NDL_ERROR_INVALID_HANDLE, "relu_forward", "the handle is 0", ndl_relu_forward(0, x, &y));
  FAILS(NDL_ERROR_INVALID_HANDLE, "relu_forward", "no context handle", ndl_relu_forward(x, x, &y));
  FAILS(NDL_ERROR_INVALID_HANDLE, "context_destroy", "no context handle", ndl_context_destroy(x));
  FAILS(NDL_ERROR_INVALID_HANDLE, "lease_release", "no lease handle", ndl_lease_release(x));
  CHECK(y == 0);
  OK(ndl_tensor_destroy(0)), OK(ndl_context_destroy(0)), OK(ndl_lease_release(0));
  /* The lease keeps the memory beyond the tensor. */
  OK(ndl_tensor_destroy(x));
  CHECK(((const float*)(uintptr_t)address)[8] == 9.0f);
  OK(ndl_lease_release(lease));
  FAILS(NDL_ERROR_INVALID_HANDLE, "lease_release", "released before", ndl_lease_release(lease));
  FAILS(NDL_ERROR_INVALID_HANDLE, "tensor_destroy", "destroyed before", ndl_tensor_destroy(x));
}

static void test_null_pointers(void) {
  ndl_tensor x = floats(4, kImage, kPixels), w = floats(4, kFilter, kWeights), y = 0;
  const ndl_tensor_options options = {sizeof(options), NDL_DTYPE_F32, NDL_DEVICE_TYPE_CPU, 0};
  const ndl_status bad = NDL_ERROR_INVALID_ARGUMENT;
  uint64_t address = 0;
  FAILS(bad, "conv2d_forward", "options is a null pointer", ndl_conv2d_forward(context, NULL, x, w, 0, 0, &y));
  FAILS(bad, "conv2d_forward", "y is a null pointer", ndl_conv2d_forward(context, &kConv, x, w, 0, 0, NULL));
  FAILS(bad, "conv2d_backward_input", "x_dims is a null pointer", ndl_conv2d_backward_input(context, &kConv, x, w, NULL, 4, &y));
  FAILS(bad, "relu_forward", "y is a null pointer", ndl_relu_forward(context, x, NULL));
  FAILS(bad, "tensor_create", "options is a null pointer", ndl_tensor_create(NULL, kImage, 4, &y));
  FAILS(bad, "tensor_create", "dims is a null pointer", ndl_tensor_create(&options, NULL, 4, &y));
  FAILS(bad, "tensor_create", "tensor is a null pointer", ndl_tensor_create(&options, kImage, 4, NULL));
  FAILS(bad, "tensor_alias", "alias is a null pointer", ndl_tensor_alias(x, NULL));
  FAILS(bad, "tensor_view", "view is a null pointer", ndl_tensor_view(x, 0, kImage, 4, NULL));
  FAILS(bad, "tensor_get_info", "info is a null pointer", ndl_tensor_get_info(x, NULL));
  FAILS(bad, "tensor_get_dims", "dims is a null pointer", ndl_tensor_get_dims(x, NULL, 4, NULL));
  FAILS(bad, "tensor_read", "null pointer", ndl_tensor_read(x, 0, NULL, 4));
  FAILS(bad, "tensor_write", "null pointer", ndl_tensor_write(x, 0, NULL, 4));
  FAILS(bad, "tensor_map", "lease is a null pointer", ndl_tensor_map(x, NDL_ACCESS_READ, NULL, &address));
  FAILS(bad, "tensor_map", "address is a null pointer", ndl_tensor_map(x, NDL_ACCESS_READ, &y, NULL));
  FAILS(bad, "context_create", "context is a null pointer", ndl_context_create(NULL, NULL));
  FAILS(bad, "memory_get_info", "info is a null pointer", ndl_memory_get_info(NULL));
  FAILS(bad, "machine_get_info", "info is a null pointer", ndl_machine_get_info(NULL));
  FAILS(bad, "pass_count", "count is a null pointer", ndl_pass_count(NULL));
  FAILS(bad, "implementation_count", "count is a null pointer", ndl_implementation_count(0, NULL));
  CHECK(y == 0);
  check_floats(__LINE__, x, 9, kPixels);
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(w));
}

static void test_structs(void) {
  struct {
    ndl_conv2d_options known;
    int64_t later;
  } newer;
  const uint32_t sizes[] = {0, 4, 7, 9, sizeof(kConv) - 4, 0x7ffffff8, UINT32_MAX};
  ndl_tensor x = floats(4, kImage, kPixels), w = floats(4, kFilter, kWeights), y = 0;
  ndl_conv2d_options conv = kConv;
  ndl_max_pool2d_options pool = kPool;
  ndl_tensor_options tensor = {sizeof(tensor), NDL_DTYPE_F32, NDL_DEVICE_TYPE_CPU, 0};
  ndl_context_options options = {sizeof(options), NDL_DEVICE_TYPE_CPU, 0, 0, NDL_PRECISION_STANDARD, NDL_DETERMINISM_REQUIRED, 0};
  ndl_memory_info memory = {0, 0, 0, 0, 0, 0, 0, 0};
  ndl_context other = 0;
  const ndl_status bad = NDL_ERROR_INVALID_ARGUMENT;
  size_t i;
  for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
    conv.struct_size = pool.struct_size = tensor.struct_size = options.struct_size = sizes[i];
    FAILS(bad, "conv2d_forward", "sizeof(the struct)", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
    FAILS(bad, "max_pool2d_forward", "sizeof(the struct)", ndl_max_pool2d_forward(context, &pool, x, &y, NULL));
    FAILS(bad, "tensor_create", "sizeof(the struct)", ndl_tensor_create(&tensor, kImage, 4, &y));
    FAILS(bad, "context_create", "sizeof(the struct)", ndl_context_create(&options, &other));
  }
  for (i = 0; i < 3; ++i) {
    memory.struct_size = sizes[i];
    FAILS(bad, "memory_get_info", "sizeof(the struct)", ndl_memory_get_info(&memory));
  }
  /* A program built against a newer header. */
  memset(&newer, 0, sizeof(newer));
  newer.known = kConv;
  newer.known.struct_size = sizeof(newer);
  OK(ndl_conv2d_forward(context, &newer.known, x, w, 0, 0, &y));
  newer.later = 1;
  FAILS(bad, "conv2d_forward", "set it to 0", ndl_conv2d_forward(context, &newer.known, x, w, 0, 0, &y));
  conv = kConv;
  conv.reserved = 1;
  FAILS(bad, "conv2d_forward", "set it to 0", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  /* Enums and option values. */
  conv = kConv;
  conv.activation = (ndl_activation)0;
  FAILS(bad, "conv2d_forward", "options.activation is 0", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  conv.activation = (ndl_activation)99;
  FAILS(bad, "conv2d_forward", "from 1 (none) to", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  conv = kConv, conv.stride_h = 0;
  FAILS(bad, "conv2d", "at least 1", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  conv = kConv, conv.dilation_w = -1;
  FAILS(bad, "conv2d", "at least 1", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  conv = kConv, conv.pad_left = -1;
  FAILS(bad, "conv2d", "negative", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  conv = kConv, conv.groups = 0;
  FAILS(bad, "conv2d", "at least 1", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  conv = kConv, conv.groups = 2;
  FAILS(NDL_ERROR_INVALID_SHAPE, "conv2d", "groups", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  tensor.struct_size = sizeof(tensor), tensor.dtype = (ndl_dtype)0;
  FAILS(bad, "tensor_create", "options.dtype is 0", ndl_tensor_create(&tensor, kImage, 4, &w));
  tensor.dtype = (ndl_dtype)9;
  FAILS(bad, "tensor_create", "from 1 (f32) to", ndl_tensor_create(&tensor, kImage, 4, &w));
  tensor.dtype = NDL_DTYPE_F32, tensor.device_index = 1;
  FAILS(NDL_ERROR_NO_DEVICE, "tensor_create", "use cpu:0", ndl_tensor_create(&tensor, kImage, 4, &w));
  options.struct_size = sizeof(options), options.precision = (ndl_precision)0;
  FAILS(bad, "context_create", "options.precision is 0", ndl_context_create(&options, &other));
  options.precision = NDL_PRECISION_STRICT, options.threads = -1;
  FAILS(bad, "context_create", "threads is -1", ndl_context_create(&options, &other));
  options.threads = 1, options.workspace_limit = -1;
  FAILS(bad, "context_create", "workspace_limit is -1", ndl_context_create(&options, &other));
  options.workspace_limit = 0, options.device_index = 3;
  FAILS(NDL_ERROR_NO_DEVICE, "context_create", "cpu:3", ndl_context_create(&options, &other));
  CHECK(other == 0);
  OK(ndl_conv2d_forward(context, &kConv, x, w, 0, 0, &y));
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(w)), OK(ndl_tensor_destroy(y));
}

static void test_shapes(void) {
  static const int64_t kNegative[] = {1, -3, 3, 1}, kHuge[] = {INT64_MAX, INT64_MAX}, kHidden[] = {0, INT64_MAX, INT64_MAX};
  static const int64_t kNine[] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, kWrong[] = {1, 2, 2, 2}, kTall[] = {1, 4, 1, 1};
  const ndl_tensor_options options = {sizeof(options), NDL_DTYPE_F32, NDL_DEVICE_TYPE_CPU, 0};
  const ndl_status shape = NDL_ERROR_INVALID_SHAPE;
  ndl_tensor x = floats(4, kImage, kPixels), w = floats(4, kFilter, kWeights), y = 0, other = 0, flat = 0;
  ndl_conv2d_options conv = kConv;
  uint8_t byte = 0;
  FAILS(shape, "tensor_create", "no dimension may be negative", ndl_tensor_create(&options, kNegative, 4, &y));
  FAILS(shape, "tensor_create", "overflows", ndl_tensor_create(&options, kHuge, 2, &y));
  FAILS(shape, "tensor_create", "overflows", ndl_tensor_create(&options, kHidden, 3, &y));
  FAILS(shape, "tensor_create", "give 0..8", ndl_tensor_create(&options, kNine, 9, &y));
  FAILS(shape, "tensor_create", "give 0..8", ndl_tensor_create(&options, kNine, -1, &y));
  FAILS(shape, "tensor_view", "does not fit", ndl_tensor_view(x, 1, kImage, 4, &y));
  FAILS(shape, "tensor_view", "does not fit", ndl_tensor_view(x, -1, kFilter, 4, &y));
  FAILS(shape, "tensor_view", "does not fit", ndl_tensor_view(x, INT64_MAX, kFilter, 4, &y));
  FAILS(shape, "tensor_view", "give 0..8", ndl_tensor_view(x, 0, kNine, 9, &y));
  FAILS(NDL_ERROR_INVALID_ARGUMENT, "tensor_read", "inside", ndl_tensor_read(x, 33, &byte, 4));
  FAILS(NDL_ERROR_INVALID_ARGUMENT, "tensor_read", "inside", ndl_tensor_read(x, -1, &byte, 1));
  FAILS(NDL_ERROR_INVALID_ARGUMENT, "tensor_write", "inside", ndl_tensor_write(x, 36, &byte, 1));
  FAILS(NDL_ERROR_INVALID_ARGUMENT, "tensor_write", "inside", ndl_tensor_write(x, INT64_MAX, &byte, INT64_MAX));
  FAILS(NDL_ERROR_INVALID_ARGUMENT, "tensor_map", "READ (1)", ndl_tensor_map(x, (ndl_access)0, &y, &y));
  /* Operands that do not fit together. */
  flat = floats(1, kImage + 1, kPixels);
  FAILS(shape, "conv2d", "[n, h, w, c]", ndl_conv2d_forward(context, &kConv, flat, w, 0, 0, &y));
  FAILS(shape, "conv2d", "larger than the padded", ndl_conv2d_forward(context, &kConv, w, x, 0, 0, &y));
  FAILS(shape, "conv2d", "bias", ndl_conv2d_forward(context, &kConv, x, w, flat, 0, &y));
  FAILS(shape, "conv2d", "residual", ndl_conv2d_forward(context, &kConv, x, w, 0, x, &y));
  FAILS(shape, "relu_backward", "must be equal", ndl_relu_backward(context, x, w, &y));
  FAILS(shape, "conv2d_backward_input", "dy", ndl_conv2d_backward_input(context, &kConv, x, w, kImage, 4, &y));
  FAILS(shape, "conv2d_backward_input: x_dims", "negative", ndl_conv2d_backward_input(context, &kConv, x, w, kNegative, 4, &y));
  FAILS(shape, "conv2d_backward_input: x_dims", "give 0..8", ndl_conv2d_backward_input(context, &kConv, x, w, kNine, 9, &y));
  FAILS(shape, "conv2d_backward_input: x_dims", "give 0..8", ndl_conv2d_backward_input(context, &kConv, x, w, kNine, INT32_MIN, &y));
  FAILS(shape, "conv2d_backward_input: x_dims", "overflows", ndl_conv2d_backward_input(context, &kConv, x, w, kHuge, 2, &y));
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = INT32_MAX;
  FAILS(shape, "conv2d_forward: y", "overflows", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  conv = kConv, conv.dilation_h = INT32_MAX;
  FAILS(shape, "conv2d", "larger than the padded", ndl_conv2d_forward(context, &conv, x, w, 0, 0, &y));
  /* Outputs given, of the wrong shape, dtype, or memory. */
  other = new_tensor(NDL_DTYPE_F32, 4, kWrong);
  y = other;
  FAILS(shape, "conv2d_forward", "it must have [1, 2, 2, 1]", ndl_conv2d_forward(context, &kConv, x, w, 0, 0, &y));
  CHECK(y == other);
  OK(ndl_tensor_destroy(other));
  other = new_tensor(NDL_DTYPE_F64, 4, kFilter);
  y = other;
  FAILS(NDL_ERROR_INVALID_DTYPE, "conv2d_forward", "it must be f32", ndl_conv2d_forward(context, &kConv, x, w, 0, 0, &y));
  y = 0;
  FAILS(NDL_ERROR_INVALID_DTYPE, "conv2d", "cast", ndl_conv2d_forward(context, &kConv, x, other, 0, 0, &y));
  OK(ndl_tensor_destroy(other));
  other = new_tensor(NDL_DTYPE_U8, 4, kFilter);
  FAILS(NDL_ERROR_INVALID_DTYPE, "relu", "f32 or f64", ndl_relu_forward(context, other, &y));
  OK(ndl_tensor_destroy(other));
  y = w;
  FAILS(NDL_ERROR_OVERLAP, "conv2d_forward", "memory of its own", ndl_conv2d_forward(context, &kConv, x, w, 0, 0, &y));
  OK(ndl_tensor_view(x, 1, kTall, 4, &other));
  OK(ndl_tensor_view(x, 2, kTall, 4, &y));
  FAILS(NDL_ERROR_OVERLAP, "relu_forward", "the very same memory", ndl_relu_forward(context, other, &y));
  OK(ndl_tensor_destroy(y)), OK(ndl_tensor_destroy(other));
  y = x, other = x;
  FAILS(shape, "max_pool2d_forward", "it must have", ndl_max_pool2d_forward(context, &kPool, x, &y, &other));
  check_floats(__LINE__, x, 9, kPixels);
  check_floats(__LINE__, w, 4, kWeights);
  y = 0;
  OK(ndl_conv2d_forward(context, &kConv, x, w, 0, 0, &y));
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(w)), OK(ndl_tensor_destroy(y)), OK(ndl_tensor_destroy(flat));
}

static void test_lists(void) {
  char text[8] = "xxxxxxx";
  int64_t length = -1;
  int32_t passes = 0, count = 0, pass, i;
  const ndl_status bad = NDL_ERROR_INVALID_ARGUMENT;
  CHECK(ndl_abi_version() == NDL_ABI_VERSION);
  OK(ndl_pass_count(&passes));
  CHECK(passes > 0);
  for (pass = 0; pass < passes; ++pass) {
    OK(ndl_implementation_count(pass, &count));
    CHECK(count > 0);
    for (i = 0; i < count; ++i) {
      char name[128] = "";
      OK(ndl_implementation_name(pass, i, name, sizeof(name), NULL));
      OK(ndl_implementation_obstacle(pass, i, NULL, 0, &length));
      CHECK(strchr(name, ':') != NULL);
      CHECK(i < count - 1 || (strcmp(name, "cpu:ref") == 0 && length == 0)); /* the reference is last and runs anywhere */
    }
  }
  OK(ndl_pass_name(0, text, 4, &length)); /* cut, with its zero; the length is the whole */
  CHECK(strlen(text) == 3 && length > 3 && text[4] == 'x');
  OK(ndl_pass_name(0, NULL, 0, NULL));
  FAILS(bad, "there is no pass", "there are", ndl_pass_name(-1, text, 8, NULL));
  FAILS(bad, "there is no pass", "there are", ndl_pass_name(passes, text, 8, NULL));
  FAILS(bad, "", "has no implementation", ndl_implementation_name(0, 99, text, 8, NULL));
  FAILS(bad, "context_set_implementation", "ndl_pass_name", ndl_context_set_implementation(context, "no_such_pass", "cpu:ref"));
  FAILS(bad, "context_set_implementation", "it has cpu:", ndl_context_set_implementation(context, "relu_forward", "cpu:none"));
}

/* A thread runs convolutions while this one calls with the same context, until it is told that it is busy. */
static ndl_tensor big_x, big_w;
static pthread_mutex_t stop_mutex = PTHREAD_MUTEX_INITIALIZER;
static int stop = 0;

static int stopping(int now) {
  int result;
  pthread_mutex_lock(&stop_mutex);
  result = stop = stop || now;
  pthread_mutex_unlock(&stop_mutex);
  return result;
}

static void* convolve(void* unused) {
  while (!stopping(0)) {
    ndl_tensor y = 0;
    const ndl_status status = ndl_conv2d_forward(context, &kConv, big_x, big_w, 0, 0, &y);
    CHECK(status == NDL_OK || status == NDL_ERROR_CONTEXT_BUSY);
    if (status == NDL_OK) CHECK(ndl_tensor_destroy(y) == NDL_OK);
  }
  return unused;
}

static void test_busy(void) {
  static const int64_t kBigX[] = {4, 64, 64, 32}, kBigW[] = {32, 3, 3, 32};
  ndl_tensor x = floats(4, kImage, kPixels), y = 0;
  ndl_status status = NDL_OK;
  pthread_t thread;
  int tries;
  big_x = new_tensor(NDL_DTYPE_F32, 4, kBigX), big_w = new_tensor(NDL_DTYPE_F32, 4, kBigW);
  CHECK(pthread_create(&thread, NULL, convolve, NULL) == 0);
  for (tries = 0; tries < 100000000 && status != NDL_ERROR_CONTEXT_BUSY; ++tries) status = ndl_relu_forward(context, x, &y);
  FAILS(NDL_ERROR_CONTEXT_BUSY, "relu_forward", "each thread its own", status);
  stopping(1);
  pthread_join(thread, NULL);
  OK(ndl_relu_forward(context, x, &y));
  check_floats(__LINE__, y, 9, kPixels);
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(y)), OK(ndl_tensor_destroy(big_x)), OK(ndl_tensor_destroy(big_w));
}

/* Under NATIVEDL_CPU=sse4, which ctest sets on x86. */
static void test_lowered(void) {
  const char* wide = "cpu:vector:avx2";
  ndl_tensor x = floats(4, kImage, kPixels), y = 0;
  char text[2048];
  OK(ndl_machine_describe(text, sizeof(text), NULL));
  CHECK(strstr(text, "\ninstruction set: sse4\n") != NULL);
  OK(ndl_context_set_implementation(context, "relu_forward", wide));
  FAILS(NDL_ERROR_NO_DEVICE, "relu_forward", "NATIVEDL_CPU", ndl_relu_forward(context, x, &y));
  OK(ndl_context_set_implementation(context, "relu_forward", NULL));
  OK(ndl_relu_forward(context, x, &y));
  OK(ndl_context_last_implementation(context, text, sizeof(text), NULL));
  CHECK(strcmp(text, "cpu:vector:sse4") == 0);
  OK(ndl_tensor_destroy(x)), OK(ndl_tensor_destroy(y));
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } kSections[] = {{"conv2d", test_conv2d},   {"relu", test_relu},     {"max_pool2d", test_max_pool2d}, {"handles", test_handles},
                   {"null", test_null_pointers}, {"structs", test_structs}, {"shapes", test_shapes},       {"lists", test_lists},
                   {"busy", test_busy},       {"lowered", test_lowered}, {"conv2d_max_pool2d", test_conv2d_max_pool2d}};
  size_t i;
  for (i = 0; i < sizeof(kSections) / sizeof(kSections[0]); ++i)
    if (argc == 2 && strcmp(argv[1], kSections[i].name) == 0) {
      OK(ndl_context_create(NULL, &context));
      kSections[i].run();
      OK(ndl_context_destroy(context));
      return finish();
    }
  printf("usage: abi_test <section>\n");
  return 2;
}
