#pragma once
/// The generator of a dense GAN (Goodfellow et al. 2014), run without libtorch: 100 normal numbers become a picture.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/mlp.hpp"
#include "nn/safetensors.hpp"

namespace euterpe {

inline constexpr std::size_t kMostPicturePixels = std::size_t{1}
                                                  << 16;  ///< 256 × 256: its last matrix then has 256 MiB
inline constexpr std::size_t kDenseNoise = 100;           ///< numbers that a picture is made from
inline constexpr std::array<std::int64_t, 4> kDenseGeneratorWidths{128, 256, 512, 1024};
inline constexpr std::array<std::int64_t, 3> kDenseDiscriminatorWidths{512, 256, 128};
inline constexpr float kDenseLeak = 0.2F;  ///< LeakyReLU's slope below 0

/// 100 → 128 → 256 → 512 → 1024 → tanh, height · width; LeakyReLU in between.
struct DenseGenerator {
  std::size_t height = 0, width = 0;  ///< of a picture
  std::vector<Mlp::Layer> layers;     ///< the last has height · width outputs

  /// Pictures as unsigned bytes, −1 becoming 0 and 1 becoming 255, row-major [count × height × width].
  /// \param noise [count × kDenseNoise]; a picture is the same alone and among others
  std::vector<std::uint8_t> pictures(std::span<const float> noise) const;

  /// Tensors layer.L.weight [outputs × inputs] and layer.L.bias. Error{bad_input} naming the one that is missing,
  /// misshapen or not finite, or if the last layer is not height · width wide.
  static DenseGenerator from(const Safetensors& file, std::size_t height, std::size_t width);
};

}  // namespace euterpe
