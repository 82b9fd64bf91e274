/* tests/abi/abi.h: checks for the C programs, which use nothing but the installed headers. */
#ifndef NATIVEDL_TEST_ABI_H
#define NATIVEDL_TEST_ABI_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nativedl/base.h"
#include "nativedl/context.h"
#include "nativedl/tensor.h"

static int failures = 0;

static const char* last_error(void) {
  static char text[2048];
  ndl_last_error(text, sizeof(text), NULL);
  return text;
}

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);      \
      ++failures;                                                               \
    }                                                                           \
  } while (0)

#define OK(call) check_status(__LINE__, #call, (call), NDL_OK, "", "")
/* The call fails with this status, and its message holds both texts: the op, and the argument or the remedy. */
#define FAILS(status, op, remedy, call) check_status(__LINE__, #call, (call), status, op, remedy)

static void check_status(int line, const char* call, ndl_status got, ndl_status wanted, const char* op, const char* remedy) {
  const char* message = got == NDL_OK ? "" : last_error();
  if (got == wanted && (wanted == NDL_OK || (strncmp(message, op, strlen(op)) == 0 && strstr(message, remedy) != NULL))) return;
  printf("line %d: %s\n  gave status %d: %s\n  expected status %d, \"%s ... %s\"\n", line, call, (int)got, message, (int)wanted, op, remedy);
  ++failures;
}

#define RANK(dims) ((int32_t)(sizeof(dims) / sizeof((dims)[0])))

static ndl_tensor new_tensor(ndl_dtype dtype, int32_t rank, const int64_t* dims) {
  ndl_tensor_options options = {sizeof(options), (ndl_dtype)0, NDL_DEVICE_TYPE_CPU, 0};
  ndl_tensor tensor = 0;
  options.dtype = dtype;
  OK(ndl_tensor_create(&options, dims, rank, &tensor));
  return tensor;
}

static ndl_tensor floats(int32_t rank, const int64_t* dims, const float* values) {
  ndl_tensor tensor = new_tensor(NDL_DTYPE_F32, rank, dims);
  int64_t count = 1;
  int32_t i;
  for (i = 0; i < rank; ++i) count *= dims[i];
  OK(ndl_tensor_write(tensor, 0, values, count * 4));
  return tensor;
}

static void check_floats(int line, ndl_tensor tensor, int count, const float* expected) {
  float values[64];
  int i;
  OK(ndl_tensor_read(tensor, 0, values, count * 4));
  for (i = 0; i < count; ++i)
    if (values[i] != expected[i]) {
      printf("line %d: element %d is %g, expected %g\n", line, i, (double)values[i], (double)expected[i]);
      ++failures;
    }
}

static int finish(void) {
  ndl_memory_info memory = {sizeof(memory), 0, 0, 0, 0, 0, 0, 0};
  OK(ndl_memory_get_info(&memory));
  CHECK(memory.live_tensors == 0);
  printf(failures == 0 ? "ok\n" : "%d checks failed\n", failures);
  return failures == 0 ? 0 : 1;
}

#endif
