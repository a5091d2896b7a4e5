#include "compose/variants.hpp"

#include <algorithm>
#include <cmath>

#include "score/note_ngrams.hpp"

namespace euterpe {
namespace {

double product(const SparseVector& a, const SparseVector& b) {
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < a.index.size() && j < b.index.size();) {
    if (a.index[i] == b.index[j])
      sum += double{a.value[i++]} * b.value[j++];
    else if (a.index[i] < b.index[j])
      ++i;
    else
      ++j;
  }
  return sum;
}

/// Place of each piece, 0 = largest.
std::vector<std::size_t> places(const std::vector<RankedVariant>& all, double RankedVariant::*key) {
  std::vector<std::size_t> out(all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const RankedVariant& other : all) out[i] += other.*key > all[i].*key;
  return out;
}

}  // namespace

std::vector<RankedVariant> rank_variants(std::span<const Composition> pieces) {
  std::vector<SparseVector> grams;
  for (const Composition& piece : pieces) grams.push_back(note_ngrams(piece.score));
  std::vector<RankedVariant> out(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    out[i] = {i, -pieces[i].nats_per_token, 0};
    for (std::size_t j = 0; j < pieces.size(); ++j) {
      if (i == j) continue;
      const double norm = std::sqrt(product(grams[i], grams[i]) * product(grams[j], grams[j]));
      out[i].novelty +=
          (norm > 0 ? 1 - product(grams[i], grams[j]) / norm : 0) / static_cast<double>(pieces.size() - 1);
    }
  }
  const auto likely = places(out, &RankedVariant::likelihood), novel = places(out, &RankedVariant::novelty);
  std::stable_sort(out.begin(), out.end(), [&](const RankedVariant& a, const RankedVariant& b) {
    const auto place = [&](const RankedVariant& v) {
      return std::pair(likely[v.index] + novel[v.index], likely[v.index]);
    };
    return place(a) < place(b);
  });
  return out;
}

}  // namespace euterpe
