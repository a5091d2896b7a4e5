// Whatever audio comes, `analyze`, `ingest` and `prepare` give an answer or a clear error, in bounded memory.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>

#include "catalog/support.hpp"
#include "cli/run_program.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

/// Kilobytes beyond which memory is no longer called bounded: a second of sound has 176 KB as samples at 44.1 kHz, so
/// that ten hours of it would take 6 GB.
constexpr long kBound = 1500L * 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasuresMemory = false;  // the sanitizers' own
#else
constexpr bool kMeasuresMemory = true;
#endif

/// A WAV header for what follows; format 1 = integers, 3 = floating point.
std::string header(int format, int rate, int channels, int bits, std::uint32_t data) {
  const int block = channels * bits / 8;
  using test::little;
  return "RIFF" + little(36 + data, 4) + "WAVEfmt " + little(16, 4) + little(static_cast<std::uint32_t>(format), 2) +
         little(static_cast<std::uint32_t>(channels), 2) + little(static_cast<std::uint32_t>(rate), 4) +
         little(static_cast<std::uint32_t>(rate * block), 4) + little(static_cast<std::uint32_t>(block), 2) +
         little(static_cast<std::uint32_t>(bits), 2) + "data" + little(data, 4);
}

/// `frames` frames of what `sample(frame, channel)` says, as 32-bit floating point.
template <class F>
void write_wav(const fs::path& path, int rate, int channels, std::size_t frames, F&& sample) {
  std::ofstream out(path, std::ios::binary);
  out << header(3, rate, channels, 32, static_cast<std::uint32_t>(frames * static_cast<std::size_t>(channels) * 4));
  for (std::size_t i = 0; i < frames; ++i)
    for (int c = 0; c < channels; ++c) {
      const float v = sample(i, c);
      out.write(reinterpret_cast<const char*>(&v), sizeof v);
    }
}

float tone(std::size_t i, double hertz, int rate) {
  return static_cast<float>(0.3 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
}

/// 8-bit mono at 8 kHz: ten minutes of bursts of a tone, over and over.
void write_long_wav(const fs::path& path, int hours) {
  constexpr int kRate = 8000;
  std::string minutes(static_cast<std::size_t>(kRate) * 600, '\x80');
  for (std::size_t i = 0; i < minutes.size(); ++i) {
    const double t = static_cast<double>(i) / kRate, burst = std::exp(-6 * std::fmod(t, 0.5));
    const double hertz = 110 * std::exp2(static_cast<double>(i / 4000 * 7 % 24) / 12);
    minutes[i] = static_cast<char>(128 + 100 * burst * std::sin(2 * std::numbers::pi * hertz * t));
  }
  std::ofstream out(path, std::ios::binary);
  out << header(1, kRate, 1, 8, static_cast<std::uint32_t>(minutes.size()) * 6U * static_cast<std::uint32_t>(hours));
  for (int i = 0; i < 6 * hours; ++i) out << minutes;
}

/// What becomes of one file. Each run of the program loads all its libraries, so every command hears all files at once.
struct Case {
  const char* name;
  void (*write)(const fs::path& path);
  const char* refusal;   ///< what `analyze`, `ingest` and `prepare` say against it; nullptr: they take it
  const char* left_out;  ///< why `prepare` leaves it out; nullptr: it stays
};

const Case kCases[] = {
    {"empty.wav", [](const fs::path& p) { std::ofstream(p).flush(); }, "empty", "unreadable"},
    {"no_sound.wav", [](const fs::path& p) { std::ofstream(p, std::ios::binary) << header(1, 44100, 2, 16, 0); },
     "no audio", "unreadable"},
    {"text.mp3", [](const fs::path& p) { test::write(p, std::string(5000, 'x')); }, "text", "unreadable"},
    {"silence.wav", [](const fs::path& p) { write_wav(p, 44100, 2, 44100 * 3, [](std::size_t, int) { return 0.F; }); },
     nullptr, "silent"},
    {"tenth.wav",
     [](const fs::path& p) { write_wav(p, 44100, 1, 4410, [](std::size_t i, int) { return tone(i, 440, 44100); }); },
     nullptr, "short"},
    {"nan.wav",
     [](const fs::path& p) {
       write_wav(p, 22050, 1, 22050, [](std::size_t, int) { return std::numeric_limits<float>::quiet_NaN(); });
     },
     nullptr, "silent"},
    {"some_nan.wav",
     [](const fs::path& p) {
       write_wav(p, 22050, 1, 22050 * 2, [](std::size_t i, int) {
         return i % 500 == 0   ? std::numeric_limits<float>::quiet_NaN()
                : i % 777 == 0 ? -std::numeric_limits<float>::infinity()
                               : tone(i, 330, 22050);
       });
     },
     nullptr, nullptr},
    {"telephone.wav",
     [](const fs::path& p) { write_wav(p, 8000, 1, 8000 * 3, [](std::size_t i, int) { return tone(i, 500, 8000); }); },
     nullptr, nullptr},
    {"studio.wav",
     [](const fs::path& p) {
       write_wav(p, 192000, 8, 192000,
                 [](std::size_t i, int c) { return tone(i, 600, 192000) / static_cast<float>(c + 1); });
     },
     nullptr, nullptr},
    {"promises.wav",
     [](const fs::path& p) {
       std::ofstream out(p, std::ios::binary);
       out << header(1, 8000, 1, 8, 4000000000U);
       for (int i = 0; i < 24000; ++i) out << static_cast<char>(128 + 90 * std::sin(0.3 * i));
     },
     nullptr, "broken off"},
};

class BadAudio : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;

  Ran run(std::vector<std::string> arguments) {
    for (const std::string& a :
         {std::string("--catalog"), (folder / "catalog").string(), std::string("--threads"), std::string("1")})
      arguments.push_back(a);
    Ran ran = run_program(arguments);
    EXPECT_LT(ran.code, 128) << arguments[0] << " was killed by a signal: " << ran.err;
    if (kMeasuresMemory) {
      EXPECT_LT(ran.peak_kilobytes, kBound) << arguments[0];
    }
    return ran;
  }
  fs::path in() {
    fs::create_directories(folder / "in");
    return folder / "in";
  }
};

/// The object among JSON Lines whose `key` ends with the file's name; null if none does.
json row_of(const std::string& lines, const char* key, const std::string& name) {
  std::istringstream text(lines);
  std::string line;
  while (std::getline(text, line)) {
    const json row = json::parse(line, nullptr, false);
    if (row.is_object() && row.contains(key) && row[key].get<std::string>().ends_with("/" + name)) return row;
  }
  return nullptr;
}

/// The line that speaks of the file.
std::string line_of(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return {};
  const std::size_t begin = text.rfind('\n', at);
  return text.substr(begin == std::string::npos ? 0 : begin, text.find('\n', at) - begin);
}

TEST_F(BadAudio, gets_an_answer_or_an_error_that_names_it_and_the_others_go_on) {
  bool refused = false;
  for (const Case& c : kCases) {
    c.write(in() / c.name);
    refused = refused || c.refusal;
  }
  const Ran analyzed = run({"analyze", in().string(), "--jsonl"});
  const Ran ingested = run({"ingest", in().string(), "--jsonl"});
  const Ran prepared = run({"prepare", "--audio", in().string(), "-o", (folder / "m.jsonl").string(), "--json"});
  ASSERT_TRUE(refused);
  EXPECT_EQ(analyzed.code, 3) << analyzed.err;
  EXPECT_EQ(ingested.code, 3) << ingested.err;
  EXPECT_EQ(prepared.code, 3) << prepared.err;
  const json report = json::parse(prepared.out);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    if (c.refusal) {
      EXPECT_NE(line_of(analyzed.err, c.name).find(c.refusal), std::string::npos) << analyzed.err;
      EXPECT_EQ(row_of(ingested.out, "path", c.name).value("status", ""), "failed") << ingested.out;
      EXPECT_NE(row_of(ingested.out, "path", c.name).dump().find(c.refusal), std::string::npos) << ingested.out;
    } else {
      EXPECT_GE(row_of(analyzed.out, "file", c.name).value("duration", 0.0), 0.1) << analyzed.out << analyzed.err;
      EXPECT_EQ(row_of(ingested.out, "path", c.name).value("status", ""), "new") << ingested.out;
    }
    json left_out;
    for (const json& row : report.at("left_out_clips"))
      if (row.at("id") == "in/" + std::string(c.name)) left_out = row;
    if (!c.left_out) {
      EXPECT_TRUE(left_out.is_null()) << left_out;
      continue;
    }
    ASSERT_FALSE(left_out.is_null());
    EXPECT_EQ(left_out.at("reason"), c.left_out) << left_out;
    if (c.refusal) {
      EXPECT_NE(left_out.at("detail").get<std::string>().find(c.refusal), std::string::npos) << left_out;
    }
  }
  EXPECT_EQ(report.at("mended").at("no numbers"), 1);
  EXPECT_NE((analyzed.out + analyzed.err).find("no number"), std::string::npos) << analyzed.err;
}

TEST_F(BadAudio, that_is_all_there_is_leaves_nothing_to_learn_from) {
  std::ofstream(in() / "empty.wav").flush();
  const Ran prepared = run({"prepare", "--audio", in().string(), "-o", (folder / "m.jsonl").string()});
  EXPECT_EQ(prepared.code, 1);
  EXPECT_NE(prepared.err.find("no recording is left"), std::string::npos) << prepared.err;
  EXPECT_NE(prepared.out.find("empty.wav"), std::string::npos) << prepared.out;
}

TEST_F(BadAudio, of_ten_hours_is_heard_in_a_gigabyte) {
  if (!std::getenv("EUTERPE_LONG_TESTS")) GTEST_SKIP() << "takes minutes: set EUTERPE_LONG_TESTS=1 to run it";
  write_long_wav(in() / "long.wav", 10);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"prepare", "--audio", in().string(), "-o", (folder / "m").string()},
                                             {"ingest", in().string()},
                                             {"analyze", "--annotations", (in() / "long.wav").string()}}) {
    const Ran ran = run(command);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_LT(ran.peak_kilobytes, 1 << 20) << command[0];  // decoded it would take three times as much
    RecordProperty(command[0] + "_megabytes", static_cast<int>(ran.peak_kilobytes / 1024));
  }
}

}  // namespace
}  // namespace euterpe
