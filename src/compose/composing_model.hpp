#pragma once
/// What Composer asks of a network that composes; one implementation a kind of network.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compose/compose.hpp"
#include "compose/learned_wishes.hpp"
#include "compose/wishes.hpp"

namespace euterpe {

class ComposingModel {
 public:
  virtual ~ComposingModel() = default;
  virtual const std::vector<std::string>& styles() const = 0;
  virtual const std::vector<std::string>& varieties() const = 0;
  /// What it has learned; all else that may be asked is refused before it comes here.
  virtual std::vector<Wish> learned() const = 0;
  /// \param options in their ranges, \param style one of styles(). Of the provenance only what the network alone knows
  /// is set (bars, in_key, chords_kept …). Thread-safe.
  virtual Composition compose(const ComposeOptions& options, const StyleWish& style) const = 0;
  /// The same for several seeds instead of the one in `options`; a network that gains by it writes them side by side.
  virtual std::vector<Composition> compose_variants(const ComposeOptions& options, const StyleWish& style,
                                                    std::span<const std::uint64_t> seeds) const;
};

}  // namespace euterpe
