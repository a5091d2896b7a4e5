#pragma once
/// A GAN that learns within seconds.
#include <filesystem>
#include <string>

#include "train/gan.hpp"

namespace euterpe::test {

/// Writes the model to `folder` / `name`, the run beside it.
inline GanTraining tiny_gan_training(const std::filesystem::path& folder, const std::string& name) {
  GanTraining t;
  t.name = name;
  t.folder = folder / (name + ".run");
  t.out = folder / name;
  t.network.width = 12;
  t.network.blocks = 1;
  t.network.voices = 3;
  t.network.noise_piece = t.network.noise_phrase = 4;
  t.network.noise_bar = 2;
  t.critic_width = 12;
  t.batch = 2;
  t.steps = 3;
  return t;
}

}  // namespace euterpe::test
