#pragma once
/// How the sides of a timbre move together: what tells instruments apart better than each side for itself.
#include <cstddef>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

inline constexpr std::size_t kTimbreCovariance = 840;

/// The logarithm of the covariance matrix of 20 MFCC and their change over four frames (log-Euclidean metric, Arsigny
/// et al. 2006), so that distances between vectors are distances between Gaussians of timbre (cf. Mandel and Ellis
/// 2005); then the coefficients' means, in units of 3. Off-diagonal entries stand once, times √2. Finite for every
/// input; with fewer than six frames the covariance is that of silence.
/// \param mfcc [20 × frames], as FrameDescriptors::mfcc
/// \return [kTimbreCovariance]
std::vector<float> timbre_covariance(const Matrix& mfcc);

}  // namespace euterpe
