#include "recognize/heard_clips.hpp"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "nn/safetensors.hpp"

namespace euterpe {
namespace {

constexpr const char* kFormat = "euterpe heard clips 1";
constexpr std::size_t kFacts = 5, kNoteFacts = 5;
constexpr int kInstruments = kPercussion + 128;

[[noreturn]] void refuse(const std::string& why) { throw Error(Category::bad_input, "read_clips", why); }

/// A stored number that counts something, 0 … most.
int whole(float value, int least, int most, const char* what) {
  if (!(value >= static_cast<float>(least) && value <= static_cast<float>(most)) || value != std::floor(value))
    refuse(std::string(what) + " is out of range");
  return static_cast<int>(value);
}

std::vector<HeardClip> checked_clips(const Safetensors& file, const CnnOptions& options, int styles) {
  constexpr std::int64_t kFactsShape[] = {-1, kFacts}, kNotesShape[] = {-1, kNoteFacts};
  const auto facts = file.floats("facts", kFactsShape), notes = file.floats("notes", kNotesShape);
  const auto tempos = nlohmann::json::parse(file.metadata.at("tempos"));
  std::vector<HeardClip> clips(facts.size() / kFacts);
  const Tensor& levels = file.at("levels");
  if (clips.empty() || !tempos.is_array() || tempos.size() != clips.size()) refuse("clips and tempos do not agree");
  if (levels.dtype != DType::u8 || levels.shape.size() != 3 || levels.shape[1] != 2 ||
      levels.shape[0] != static_cast<std::int64_t>(clips.size()))
    refuse("the levels have another shape");
  const auto size = static_cast<std::size_t>(levels.shape[2]), bands = static_cast<std::size_t>(options.bands);
  const float* note = notes.data();
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const float* f = facts.data() + kFacts * i;
    HeardClip& clip = clips[i];
    clip.frames = static_cast<std::size_t>(whole(f[0], options.frames, 1 << 24, "the number of frames"));
    if (clip.frames * bands != size) refuse("levels and frames do not agree");
    clip.ensemble = whole(f[1], 0, kEnsembles - 1, "the ensemble");
    clip.style = whole(f[2], 0, styles - 1, "the style");
    clip.drum_kit = whole(f[3], -1, 127, "the drum kit");
    clip.tempo = tempos[i].get<double>();
    if (!(clip.tempo > 0 && clip.tempo < 10000)) refuse("the tempo is out of range");
    for (std::size_t v = 0; v < 2; ++v) {
      const auto begin = levels.bytes.begin() + static_cast<std::ptrdiff_t>((2 * i + v) * size);
      clip.levels[v].assign(begin, begin + static_cast<std::ptrdiff_t>(size));
    }
    const auto left = static_cast<std::size_t>(notes.data() + notes.size() - note) / kNoteFacts;
    const auto count = static_cast<std::size_t>(whole(f[4], 0, static_cast<int>(left), "the number of notes"));
    for (std::size_t n = 0; n < count; ++n, note += kNoteFacts) {
      if (!(note[1] >= note[0]) || !std::isfinite(note[0]) || !std::isfinite(note[1])) refuse("a note has no span");
      clip.notes.push_back({note[0], note[1],
                            static_cast<std::uint8_t>(whole(note[2], 0, kInstruments - 1, "an instrument")),
                            static_cast<std::uint8_t>(whole(note[3], 0, 127, "a pitch")),
                            static_cast<std::uint8_t>(whole(note[4], 0, 127, "a velocity"))});
    }
  }
  if (note != notes.data() + notes.size()) refuse("notes are left over");
  return clips;
}

}  // namespace

void write_clips(const std::filesystem::path& path, std::span<const HeardClip> clips, const std::string& recipe) {
  EUTERPE_ASSERT(!clips.empty());
  Safetensors file;
  std::vector<float> facts, notes;
  nlohmann::json tempos = nlohmann::json::array();  // as text, for they are double
  Tensor levels{DType::u8, {static_cast<std::int64_t>(clips.size()), 2, -1}, {}};
  for (const HeardClip& clip : clips) {
    for (const auto& variant : clip.levels) levels.bytes.insert(levels.bytes.end(), variant.begin(), variant.end());
    for (const double fact :
         {static_cast<double>(clip.frames), static_cast<double>(clip.ensemble), static_cast<double>(clip.style),
          static_cast<double>(clip.drum_kit), static_cast<double>(clip.notes.size())})
      facts.push_back(static_cast<float>(fact));
    tempos.push_back(clip.tempo);
    for (const SoundingNote& n : clip.notes)
      for (const float v : {n.begin, n.end, static_cast<float>(n.instrument), static_cast<float>(n.pitch),
                            static_cast<float>(n.velocity)})
        notes.push_back(v);
  }
  levels.shape[2] = static_cast<std::int64_t>(levels.bytes.size() / clips.size() / 2);
  file.tensors["levels"] = std::move(levels);
  file.put("facts", {static_cast<std::int64_t>(clips.size()), kFacts}, facts);
  file.put("notes", {static_cast<std::int64_t>(notes.size() / kNoteFacts), kNoteFacts}, notes);
  file.metadata = {{"format", kFormat}, {"recipe", recipe}, {"tempos", tempos.dump()}};
  write_safetensors(path, file);
}

std::vector<HeardClip> read_clips(const std::filesystem::path& path, const std::string& recipe,
                                  const CnnOptions& options, int styles) {
  const auto again = [&](const std::string& why) {
    spdlog::warn("{}: {}; its clips are rendered again", path.string(), why);
    return std::vector<HeardClip>();
  };
  try {
    const Safetensors file = read_safetensors(path);
    const auto format = file.metadata.find("format"), made = file.metadata.find("recipe");
    if (format == file.metadata.end() || format->second != kFormat) return again("holds no clips of this version");
    if (made == file.metadata.end() || made->second != recipe) return again("was made by another recipe");
    return checked_clips(file, options, styles);
  } catch (const Error& e) {
    return again(e.what());
  } catch (const nlohmann::json::exception& e) {
    return again(e.what());
  } catch (const std::out_of_range&) {
    return again("says nothing of tempos");
  }
}

}  // namespace euterpe
