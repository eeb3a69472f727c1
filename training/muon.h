#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"
#include "training/arithmetic.h"

namespace training {

// Muon (Jordan et al. 2024, github.com/KellerJordan/Muon): momentum whose matrix is replaced by the
// nearest matrix with equal singular values, so that every direction moves by as much.
//
//   m  = momentum m + (1 - momentum) g
//   u  = (1 - momentum) g + momentum m                        Nesterov's look ahead
//   w  = (1 - rate decay) w - rate sqrt(max(1, rows / cols)) orthogonal(u)
//
// g is `gradient` * gradient_scale. Results depend on the arguments and the level alone.
struct MuonRates {
  double rate = 0.02;
  double momentum = 0.95;
  double decay = 0.05;
  double gradient_scale = 1;
};

struct MuonMatrix {
  View<float, 2> weight;          // [rows, cols]  updated
  View<const float, 2> gradient;  // [rows, cols]
  View<float, 2> momentum;        // [rows, cols]  updated
};

void muon_step(const MuonMatrix& matrix, const MuonRates& rates, Instructions level,
               Precision precision = Precision::Float);

// x = U V^T of its singular value decomposition, approximately: five Newton-Schulz steps
//   x <- (a + b x x^T + c (x x^T)^2) x,   a, b, c = 3.4445, -4.7750, 2.0315
// after x /= |x|. Singular values end up between 0.7 and 1.2, those far below 1/1000 of |x| lower.
// A matrix of zeros stays zero. The factors of its products are rounded to `precision`: bfloat16,
// as in Jordan's own, moves singular values by about 1/100.
void orthogonalise(View<float, 2> x, Instructions level, Precision precision = Precision::Float);

}  // namespace training
