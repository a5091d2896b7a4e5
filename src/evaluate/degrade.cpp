#include "evaluate/degrade.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/temporary_file.hpp"
#include "corpus/media_effects.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

std::vector<float> through_file(std::vector<float> samples, int rate, std::string_view extension, int bitrate,
                                int rate_out) {
  const TemporaryFile file("degrade", extension);
  encode(file.path(), AudioBuffer{rate, 1, std::move(samples)}, {.bitrate = bitrate});
  return decode(file.path(), {.sample_rate = rate_out, .channels = 1}).samples;
}

double power(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += double{v} * v;
  return x.empty() ? 0 : sum / static_cast<double>(x.size());
}

std::vector<float> white_noise(std::size_t n, Random& random) {
  std::vector<float> noise(n);
  for (float& v : noise) v = static_cast<float>(random.normal());
  return noise;
}

/// Sum of first-order low-passes an octave apart, of equal variance: within a decibel of 1/f from 20 Hz to 10 kHz.
std::vector<float> pink_noise(std::size_t n, Random& random) {
  constexpr double kUnitVariance = std::numbers::sqrt3;
  std::vector<float> noise(n, 0.F);
  for (double corner = 5; corner < 0.5 * kRate; corner *= 2) {
    const double a = std::exp(-2 * std::numbers::pi * corner / kRate);
    const double gain = std::sqrt(1 - a * a);
    double state = random.normal();
    for (float& v : noise) {
      state = a * state + gain * random.uniform(-kUnitVariance, kUnitVariance);
      v += static_cast<float>(state);
    }
  }
  return noise;
}

void add_noise(std::vector<float>& x, std::vector<float> noise, double snr_db) {
  const double level = std::sqrt(power(x) / power(noise) * std::pow(10, -snr_db / 10));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += static_cast<float>(level * noise[i]);
}

/// Second-order low- or high-pass by the bilinear transform, with the given quality.
void biquad(std::vector<float>& x, double hertz, double rate, double quality, bool high) {
  const double k = std::tan(std::numbers::pi * hertz / rate), norm = 1 / (1 + k / quality + k * k);
  const double b0 = (high ? 1 : k * k) * norm, b1 = (high ? -2 : 2) * b0;
  const double a1 = 2 * (k * k - 1) * norm, a2 = (1 - k / quality + k * k) * norm;
  double s1 = 0, s2 = 0;
  for (float& v : x) {
    const double in = v, out = b0 * in + s1;
    s1 = b1 * in - a1 * out + s2;
    s2 = b0 * in - a2 * out;
    v = static_cast<float>(out);
  }
}

float mu_law(float x) {
  constexpr double kMu = 255;
  const double y = std::log1p(kMu * std::min(1.0, std::abs(double{x}))) / std::log1p(kMu);
  const double quantized = std::round(y * 127) / 127;
  return static_cast<float>(std::copysign(std::expm1(quantized * std::log1p(kMu)) / kMu, double{x}));
}

std::vector<float> telephone(std::vector<float> x) {
  constexpr int kPhoneRate = 8000;
  std::vector<float> y = through_file(std::move(x), kRate, ".wav", 0, kPhoneRate);
  for (const double quality : {0.5411961, 1.3065630}) {  // Butterworth of order 4 as two sections
    biquad(y, 300, kPhoneRate, quality, true);
    biquad(y, 3400, kPhoneRate, quality, false);
  }
  for (float& v : y) v = mu_law(v);
  return through_file(std::move(y), kPhoneRate, ".wav", 0, kRate);
}

std::vector<std::string_view> parts(std::string_view name) {
  std::vector<std::string_view> result;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('_', at), name.size());
    result.push_back(name.substr(at, end - at));
    at = end + 1;
  }
  return result;
}

/// "10", "m5" (−5) or, with a unit, "64k" and "5s".
std::optional<double> number(std::string_view text, std::string_view unit) {
  if (!text.ends_with(unit)) return {};
  text.remove_suffix(unit.size());
  const bool minus = text.starts_with('m');
  if (minus) text.remove_prefix(1);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return {};
  return minus ? -value : value;
}

}  // namespace

const std::vector<std::string>& degradation_names() {
  static const std::vector<std::string> names{"clean",          "clean_5s", "mp3_64k", "mp3_32k", "telephone",
                                              "reverb_pink_10", "white_10", "white_0", "pink_10", "pink_0"};
  return names;
}

double excerpt_seconds(std::string_view condition) {
  for (const std::string_view part : parts(condition))
    if (const auto seconds = number(part, "s"); seconds && *seconds > 0) return *seconds;
  return 10;
}

std::vector<float> degrade(std::span<const float> mono, std::string_view condition, std::uint64_t seed,
                           std::span<const float> impulse_response) {
  std::vector<float> x(mono.begin(), mono.end());
  const auto steps = parts(condition);
  const auto unknown = [&](std::string_view step) {
    throw Error(Category::usage, "degrade", fmt::format("condition \"{}\": unknown step \"{}\"", condition, step),
                fmt::format("known conditions: {}", fmt::join(degradation_names(), " ")));
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string_view step = steps[i], next = i + 1 < steps.size() ? steps[i + 1] : std::string_view();
    Random random = Random::stream(seed, i);
    if (step == "clean" || number(step, "s")) {
      continue;
    } else if (step == "telephone") {
      x = telephone(std::move(x));
    } else if (step == "reverb") {
      x = convolve(x, impulse_response);
    } else if (step == "mp3") {
      const auto kilobits = number(next, "k");
      if (!kilobits || *kilobits < 8) unknown(step);
      x = through_file(std::move(x), kRate, ".mp3", static_cast<int>(*kilobits) * 1000, kRate);
      ++i;
    } else if (step == "white" || step == "pink") {
      const auto snr = number(next, "");
      if (!snr) unknown(step);
      add_noise(x, step == "white" ? white_noise(x.size(), random) : pink_noise(x.size(), random), *snr);
      ++i;
    } else {
      unknown(step);
    }
  }
  x.resize(mono.size());
  return x;
}

std::vector<float> load_impulse_response(const std::filesystem::path& path) {
  std::vector<float> h;
  if (path.empty()) {
    constexpr double kDecay = 0.6;  // seconds to −60 dB
    Random random(1);
    h = white_noise(static_cast<std::size_t>(kDecay * kRate), random);
    for (std::size_t i = 0; i < h.size(); ++i)
      h[i] *= static_cast<float>(std::pow(10, -3.0 * static_cast<double>(i) / (kDecay * kRate)));
    h[0] = static_cast<float>(std::sqrt(power(h) * static_cast<double>(h.size())));
    return h;
  }
  h = decode(path, {.sample_rate = kRate, .channels = 1}).samples;
  const auto direct = std::max_element(h.begin(), h.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
  h.erase(h.begin(), direct);
  if (h.empty() || h.front() == 0.F)
    throw Error(Category::bad_input, "impulse_response", path.string() + ": holds nothing but silence");
  return h;
}

}  // namespace euterpe
