#include "cli/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/output_file.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "catalog/analysis.hpp"
#include "cli/in_order.hpp"
#include "media/decode.hpp"
#include "signal/descriptor_file.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Rows = std::vector<const DescriptorRow*>;

constexpr const char* kUsualStatistics =
    "mfcc,rms,spectral_centroid,spectral_bandwidth,spectral_rolloff,spectral_flatness,spectral_contrast,"
    "zero_crossing_rate,chroma_stft,tonnetz,onset_strength,tempo";
constexpr std::array kQuantileNames{"q05", "q25", "median", "q75", "q95"};

/// A descriptor of a file as it was written.
struct Written {
  const DescriptorRow* row = nullptr;
  std::size_t bins = 0;
  std::uint64_t frames = 0;
  fs::path path;
};

struct Outcome {
  Input input;
  Described heard;
  std::vector<Written> files;
  std::map<const DescriptorRow*, std::vector<DescriptorStatistics::Bin>> statistics;
  std::map<const DescriptorRow*, double> scalars;
  std::map<const DescriptorRow*, std::uint64_t> events;
};

void refuse_scores(const Input& input) {
  std::error_code unknown;
  if (fs::exists(input.path, unknown) && holds_score(input.path))
    throw Error(Category::unsupported, "describe", input.shown + ": a score has no sound to describe",
                "analyze describes it without --descriptors; a recording made of it can be described");
}

/// Where the descriptors of each input go.
class Places {
 public:
  Places(const DescribeCommand& command, const Context& context, const std::vector<Input>& inputs, const Rows& rows)
      : out_(command.out) {
    const bool one = inputs.size() == 1 && rows.size() == 1;
    std::error_code unknown;
    standard_ = command.out.empty() || is_stdout(command.out);
    std::string format = command.format;
    const std::string suffix = out_.extension().string();
    if (format.empty() && standard_ && (context.json || context.jsonl)) format = "json";  // an object a descriptor
    folder_ = !standard_ && (!one || fs::is_directory(out_, unknown) || command.out.ends_with('/') || suffix.empty());
    if (format.empty()) format = standard_ ? "csv" : folder_ ? "npy" : suffix.substr(1);
    format_ = descriptor_format(format);
    const bool lines = format_ == DescriptorFormat::json || format_ == DescriptorFormat::jsonl;
    if (standard_ && !one && (!lines || context.json))
      throw Error(Category::usage, "describe", "several descriptors or files do not go to standard output as one",
                  "name a folder with -o, or use --jsonl or --statistics");
    if (folder_ && fs::exists(out_, unknown) && !fs::is_directory(out_, unknown))
      throw Error(Category::usage, "describe", command.out + ": several files need a folder, and this is none");
    if (!folder_ && !standard_ && suffix != "." + std::string(name(format_)))
      throw Error(Category::usage, "describe",
                  fmt::format("{}: {} is not called {}", command.out, name(format_), suffix),
                  fmt::format("name it {}.{}", out_.stem().string(), name(format_)));
    if (folder_) names_.emplace(inputs);
  }

  bool standard() const { return standard_; }
  DescriptorFormat format() const { return format_; }
  fs::path of(const Input& input, const DescriptorRow& row) const {
    if (standard_) return "-";
    return folder_ ? out_ / fmt::format("{}.{}.{}", names_->stem(input).string(), row.name, name(format_)) : out_;
  }
  /// The parameters, beside tables that cannot say them.
  fs::path sheet(const Input& input) const {
    if (standard_ || format_ == DescriptorFormat::json || format_ == DescriptorFormat::jsonl) return {};
    return folder_ ? out_ / (names_->stem(input).string() + ".descriptors.json")
                   : out_.parent_path() / (out_.stem().string() + ".descriptors.json");
  }

 private:
  fs::path out_;
  bool standard_ = false, folder_ = false;
  DescriptorFormat format_ = DescriptorFormat::npy;
  std::optional<OutputNames> names_;
};

json parameters_for(const DescribeCommand& command, const Input& input, int sample_rate) {
  json parameters = parameters_of(command.options.settings, sample_rate);
  parameters["file"] = input.shown;
  if (command.options.offset > 0) parameters["offset"] = command.options.offset;
  return parameters;
}

Outcome write_frames(const DescribeCommand& command, const Input& input, const Rows& rows, const Places& places) {
  Outcome outcome;
  outcome.input = input;
  int rate = command.options.settings.sample_rate;
  if (rate == 0) rate = probe_audio(input.path).sample_rate;
  const json parameters = parameters_for(command, input, rate);
  // On standard output one comes after the other; the whole of those before must then be heard first.
  std::vector<std::unique_ptr<DescriptorWriter>> writers(rows.size());
  const auto open = [&](std::size_t i) {
    writers[i] = std::make_unique<DescriptorWriter>(places.of(input, *rows[i]), places.format(), *rows[i], parameters);
  };
  const auto hear = [&](std::span<const DescriptorRow* const> some, std::size_t first) {
    const auto described = describe_file(input.path, some, command.options, [&](std::size_t i, auto values) {
      if (!writers[first + i]) open(first + i);
      writers[first + i]->frame(values);
    });
    for (std::size_t i = first; i < first + some.size(); ++i) {
      const bool refused = std::ranges::any_of(described.refused, [&](const auto& r) { return r.first == rows[i]; });
      if (refused) continue;
      if (!writers[i]) open(i);
      writers[i]->finish();
      outcome.files.push_back({rows[i], writers[i]->bins(), writers[i]->frames(), places.of(input, *rows[i])});
      writers[i].reset();
    }
    outcome.heard = described;
  };
  if (places.standard())
    for (std::size_t i = 0; i < rows.size(); ++i) hear(std::span(rows).subspan(i, 1), i);
  else
    hear(rows, 0);
  if (const fs::path sheet = places.sheet(input); !sheet.empty()) {
    json all = parameters;
    all["duration"] = outcome.heard.seconds;
    all["descriptors"] = json::array();
    for (const Written& w : outcome.files)
      all["descriptors"].push_back({{"name", w.row->name},
                                    {"unit", w.row->unit},
                                    {"bins", w.bins},
                                    {"frames", w.frames},
                                    {"file", w.path.filename().string()}});
    write_file(sheet, all.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  }
  return outcome;
}

Outcome take_statistics(const DescribeCommand& command, const Input& input, const Rows& rows) {
  Outcome outcome;
  outcome.input = input;
  std::vector<DescriptorStatistics> sums(rows.size());
  outcome.heard = describe_file(input.path, rows, command.options, [&](std::size_t i, auto values) {
    if (rows[i]->kind == DescriptorKind::scalar)
      outcome.scalars[rows[i]] = static_cast<double>(values[0]);
    else if (rows[i]->kind == DescriptorKind::events)
      ++outcome.events[rows[i]];
    else
      sums[i].add(values);
  });
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i]->kind == DescriptorKind::frames) outcome.statistics[rows[i]] = sums[i].result();
  return outcome;
}

/// Numbers of one file by the names of their columns, in order.
std::vector<std::pair<std::string, double>> columns_of(const Outcome& outcome, const Rows& rows) {
  std::vector<std::pair<std::string, double>> out;
  for (const DescriptorRow* row : rows) {
    if (const auto at = outcome.scalars.find(row); at != outcome.scalars.end()) out.emplace_back(row->name, at->second);
    if (row->kind == DescriptorKind::events) {
      const auto at = outcome.events.find(row);
      out.emplace_back(fmt::format("{}_count", row->name), at == outcome.events.end() ? 0 : at->second);
    }
    const auto at = outcome.statistics.find(row);
    if (at == outcome.statistics.end()) continue;
    for (std::size_t b = 0; b < at->second.size(); ++b) {
      const DescriptorStatistics::Bin& bin = at->second[b];
      const std::string name = at->second.size() == 1 ? std::string(row->name) : fmt::format("{}_{}", row->name, b);
      out.emplace_back(name + "_mean", bin.mean);
      out.emplace_back(name + "_deviation", bin.deviation);
      out.emplace_back(name + "_min", bin.minimum);
      for (std::size_t q = 0; q < bin.quantiles.size(); ++q)
        out.emplace_back(name + "_" + kQuantileNames[q], bin.quantiles[q]);
      out.emplace_back(name + "_max", bin.maximum);
    }
  }
  return out;
}

json statistics_json(const Outcome& outcome, const DescribeCommand& command, const Rows& rows) {
  json out = parameters_for(command, outcome.input, outcome.heard.sample_rate);
  out["duration"] = outcome.heard.seconds;
  json& all = out["statistics"] = json::object();
  for (const DescriptorRow* row : rows) {
    if (const auto at = outcome.scalars.find(row); at != outcome.scalars.end()) all[row->name] = at->second;
    if (row->kind == DescriptorKind::events) {
      const auto at = outcome.events.find(row);
      all[row->name] = {{"count", at == outcome.events.end() ? 0 : at->second}};
    }
    const auto at = outcome.statistics.find(row);
    if (at == outcome.statistics.end()) continue;
    json& one = all[row->name] = json::object();
    for (const DescriptorStatistics::Bin& bin : at->second) {
      one["mean"].push_back(bin.mean);  // NaN becomes null
      one["deviation"].push_back(bin.deviation);
      one["min"].push_back(bin.minimum);
      for (std::size_t q = 0; q < bin.quantiles.size(); ++q) one[kQuantileNames[q]].push_back(bin.quantiles[q]);
      one["max"].push_back(bin.maximum);
    }
  }
  return out;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == text.npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

/// The first file says the columns; one that lacks some (another sample rate has fewer bands) leaves them empty.
std::string statistics_csv(const std::vector<Outcome>& all, const Rows& rows) {
  std::vector<std::string> names;
  std::map<std::string, std::size_t> place;
  std::vector<std::vector<std::pair<std::string, double>>> tables;
  for (const Outcome& outcome : all) {
    tables.push_back(columns_of(outcome, rows));
    for (const auto& [column, value] : tables.back())
      if (place.try_emplace(column, names.size()).second) names.push_back(column);
  }
  std::string out = "file,duration";
  for (const std::string& column : names) out += "," + column;
  out += '\n';
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<std::string> cells(names.size());
    for (const auto& [column, value] : tables[i])
      cells[place.at(column)] = std::isnan(value) ? "" : fmt::format("{:.9g}", value);
    out += fmt::format("{},{:.6f}", csv_field(all[i].input.shown), all[i].heard.seconds);
    for (const std::string& cell : cells) out += "," + cell;
    out += '\n';
  }
  return out;
}

void write_statistics(const Context& context, const DescribeCommand& command, const std::vector<Outcome>& all,
                      const Rows& rows) {
  const bool standard = command.out.empty() || is_stdout(command.out);
  std::string format = command.format;
  if (format.empty() && !standard) format = fs::path(command.out).extension().string();
  if (format.starts_with('.')) format.erase(0, 1);
  if (format.empty()) format = context.json ? "json" : context.jsonl ? "jsonl" : "csv";
  std::string text;
  const auto dumped = [&](const json& value, int indent) {
    return value.dump(indent, ' ', false, json::error_handler_t::replace) + "\n";
  };
  switch (descriptor_format(format)) {
    case DescriptorFormat::npy:
      throw Error(Category::usage, "describe", "statistics of several descriptors are no single array",
                  "write them as csv, json or jsonl");
    case DescriptorFormat::csv:
      text = statistics_csv(all, rows);
      break;
    case DescriptorFormat::jsonl:
      for (const Outcome& outcome : all) text += dumped(statistics_json(outcome, command, rows), -1);
      break;
    case DescriptorFormat::json: {
      json list = json::array();
      for (const Outcome& outcome : all) list.push_back(statistics_json(outcome, command, rows));
      text = dumped(all.size() == 1 ? list.front() : json{{"files", list}}, 1);
      break;
    }
  }
  write_file(standard ? "-" : command.out, std::string_view(text));
  if (!standard && !context.json && !context.jsonl) fmt::print("wrote {}\n", command.out);
}

void print_written(const Context& context, const Outcome& outcome, const DescribeCommand& command,
                   const Places& places) {
  if (places.standard()) return;
  if (context.json || context.jsonl) {
    json row = parameters_for(command, outcome.input, outcome.heard.sample_rate);
    row["duration"] = outcome.heard.seconds;
    for (const Written& w : outcome.files)
      row["descriptors"].push_back(
          {{"name", w.row->name}, {"bins", w.bins}, {"frames", w.frames}, {"file", w.path.string()}});
    return print_json_line(row);
  }
  fmt::print("{}\n", outcome.input.shown);
  for (const Written& w : outcome.files)
    fmt::print("  {:<20} {:>12}  {}{}\n", w.row->name, fmt::format("{} × {}", w.bins, w.frames), w.path.string(),
               w.row->streams(command.options.settings) ? "" : "  (the whole at once)");
}

}  // namespace

void add_descriptor_options(CLI::App& app, DescribeCommand& command) {
  const char* group = "Descriptors";
  DescriptorSettings& s = command.options.settings;
  app.add_option("--descriptors", command.names,
                 "Write descriptors frame by frame under librosa's names, divided by commas, or all")
      ->type_name("NAMES")
      ->group(group);
  app.add_flag("--statistics", command.statistics,
               "Write mean, deviation and quantiles of the descriptors, a row a file")
      ->group(group);
  app.add_option("--sr", s.sample_rate, "Sample rate, Hz; 0 = the file's own")
      ->check(CLI::Range(0, 384000))
      ->capture_default_str()
      ->group(group);
  app.add_option("--n-fft", s.stft.n_fft, "Samples a frame, even")
      ->check(CLI::Range(32, 1 << 18))
      ->capture_default_str()
      ->group(group);
  app.add_option("--hop-length", s.stft.hop_length, "Samples from frame to frame")
      ->check(CLI::Range(1, 1 << 18))
      ->capture_default_str()
      ->group(group);
  app.add_option("--n-mels", s.mel.n_mels, "Mel bands")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
  app.add_option("--fmin", s.mel.fmin, "Hz where the mel bands begin")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app.add_option("--fmax", s.mel.fmax, "Hz where they end; 0 = half the sample rate")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app.add_option("--n-mfcc", s.n_mfcc, "MFCC, no more than mel bands")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
  app.add_option("--top-db", s.top_db, "Floor below the loudest of the whole, dB; 0 = none, so that MFCC stream")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app.add_option_function<double>(
         "--tuning",
         [&s](double tuning) {
           s.tuned = false;
           s.tuning = tuning;
         },
         "Tuning of chroma in semitones from A = 440 Hz (default: found in the whole recording)")
      ->check(CLI::Range(-0.5, 0.5))
      ->group(group);
  app.add_option("--offset", command.options.offset, "Seconds to skip")->check(CLI::NonNegativeNumber)->group(group);
  app.add_option("--duration", command.options.duration, "Seconds to describe; 0 = to the end")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
}

void list_descriptors(const Context& context) {
  const auto kind_name = [](DescriptorKind kind) {
    return kind == DescriptorKind::frames ? "frames" : kind == DescriptorKind::events ? "events" : "scalar";
  };
  const auto streams = [](const DescriptorRow& row) {
    return !row.strip    ? "whole"
           : row.floored ? "blocks with --top-db 0"
           : row.tuned   ? "blocks with --tuning"
                         : "blocks";
  };
  json all = json::array();
  for (const DescriptorRow& row : descriptor_table()) {
    const json one{{"name", row.name},
                   {"unit", row.unit},
                   {"kind", kind_name(row.kind)},
                   {"heard", streams(row)},
                   {"summary", row.summary}};
    if (context.jsonl)
      print_json_line(one);
    else if (context.json)
      all.push_back(one);
    else
      fmt::print("{:<20} {:<10} {:<7} {:<23} {}\n", row.name, row.unit, kind_name(row.kind), streams(row), row.summary);
  }
  if (context.json && !context.jsonl) print_json(all);
}

void describe_files(const Context& context, const DescribeCommand& command, const std::vector<Input>& inputs) {
  const Rows rows = find_descriptors(command.names.empty() ? kUsualStatistics : command.names);
  std::optional<Places> places;
  std::vector<fs::path> outputs;
  if (!command.statistics) {
    places.emplace(command, context, inputs, rows);
    for (const Input& input : inputs) {
      for (const DescriptorRow* row : rows) outputs.push_back(places->of(input, *row));
      if (const fs::path sheet = places->sheet(input); !sheet.empty()) outputs.push_back(sheet);
    }
  } else if (!command.out.empty()) {
    outputs.emplace_back(command.out);
  }
  refuse_to_overwrite(outputs, inputs);

  std::vector<Outcome> all;
  std::size_t failed = 0, refused = 0;
  std::mutex counting;
  Progress progress("describe", inputs.size(), "files");
  InOrder<Outcome> out(inputs.size(), [&](Outcome& outcome) {
    if (!outcome.heard.warning.empty()) spdlog::warn("{}: {}", outcome.input.shown, outcome.heard.warning);
    for (const auto& [row, why] : outcome.heard.refused)
      spdlog::warn("{}: {} left out: {}", outcome.input.shown, row->name, why);
    refused += outcome.heard.refused.size();
    if (command.statistics)
      all.push_back(std::move(outcome));
    else
      print_written(context, outcome, command, *places);
  });
  const auto one = [&](std::size_t i) {
    std::optional<Outcome> done;
    try {
      refuse_scores(inputs[i]);
      done = command.statistics ? take_statistics(command, inputs[i], rows)
                                : write_frames(command, inputs[i], rows, *places);
    } catch (const Error& thrown) {
      const Error error = told(thrown, inputs[i]);
      if (inputs.size() == 1 || error.category() == Category::interrupted) throw error;
      spdlog::error("{}", error.what());
      const std::lock_guard lock(counting);
      ++failed;
    }
    out.put(i, std::move(done));
    progress.advance();
  };
  if (places && places->standard())
    for (std::size_t i = 0; i < inputs.size(); ++i) one(i);  // one stream of bytes
  else
    parallel_for(inputs.size(), one);
  if (command.statistics && !all.empty()) write_statistics(context, command, all, rows);
  if (failed > 0)
    throw Error(failed == inputs.size() ? Category::bad_input : Category::partial, "describe",
                fmt::format("{} of {} files could not be described", failed, inputs.size()));
  if (refused > 0)
    throw Error(Category::partial, "describe", fmt::format("{} descriptors were left out, see above", refused));
}

}  // namespace euterpe
