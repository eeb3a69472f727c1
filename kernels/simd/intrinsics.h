#pragma once

// gcc 12's own header takes "undefined" registers from variables initialised by themselves, and
// then warns of that wherever the intrinsics are inlined. To be included before <immintrin.h>.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
