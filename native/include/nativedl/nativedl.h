/* nativedl/nativedl.h: the whole C ABI. */
#ifndef NATIVEDL_H
#define NATIVEDL_H

#include "nativedl/base.h"
#include "nativedl/context.h"
#include "nativedl/conv.h"
#include "nativedl/elementwise.h"
#include "nativedl/gemm.h"
#include "nativedl/loss.h"
#include "nativedl/norm.h"
#include "nativedl/optimizer.h"
#include "nativedl/pool.h"
#include "nativedl/random.h"
#include "nativedl/reduce.h"
#include "nativedl/shape.h"
#include "nativedl/softmax.h"
#include "nativedl/tensor.h"

#endif
