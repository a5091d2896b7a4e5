#pragma once
/// The demonstration: one catalogue, every service, a table as it goes and a report at the end.
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.hpp"
#include "evaluate/report.hpp"
#include "score/score.hpp"

namespace euterpe {

struct DemoOptions {
  std::filesystem::path music;                 ///< the user's own folder; empty = the composed works are the catalogue
  std::filesystem::path out = "euterpe-demo";  ///< report.html, and all else with `keep`
  bool keep = false;                           ///< keep works, renderings, scratch catalog and trained model
  int works = 60;                              ///< composed, a third in each style
  int listeners = 200;                         ///< simulated
  double train_seconds = 60;
  std::uint64_t seed = 0;
  bool table = true;  ///< print the table; off for --json
};

/// One composed piece.
struct DemoWork {
  std::string style, title;
  Score score;
  std::filesystem::path midi, audio;  ///< audio is empty where it was not rendered
};

/// One recording of the catalogue; its id is empty for a stranger, which no index knows.
struct DemoRecording {
  std::filesystem::path path;
  std::string id, title;
};

struct DemoStep {
  std::string name, what, result;
  double seconds = 0;
};

class Demo {
 public:
  explicit Demo(DemoOptions options);
  ~Demo();  ///< removes the scratch folder unless it is to be kept

  /// Everything in order. Throws the first error; what was made until then goes with the object.
  void run();
  const std::vector<DemoStep>& steps() const { return steps_; }
  std::filesystem::path report_path() const { return options_.out / "report.html"; }

 private:
  /// Runs one step under the clock, prints and keeps its row. `step` returns the result in words.
  void row(const std::string& name, const std::string& what, const std::function<std::string()>& step);

  // demo.cpp: where the music comes from
  std::string compose();
  std::string render();
  std::string ingest_music();
  std::vector<std::filesystem::path> chosen_music() const;
  // demo_services.cpp
  std::string recognize_works();
  std::string recognize_music();
  std::string simulate();
  std::string recommend();
  std::string identify_excerpts();
  std::string train();
  // demo_report.cpp
  void open_report();
  void report_works();
  void report_steps();

  DemoOptions options_;
  std::filesystem::path folder_;  ///< scratch
  std::vector<DemoStep> steps_;
  HtmlReport report_;
  std::unique_ptr<Catalog> catalog_;
  std::vector<DemoWork> works_, strangers_;
  std::vector<std::pair<std::string, std::string>> styled_tracks_;  ///< (track id, style) of the catalogue
  std::vector<std::vector<Listen>> histories_;                      ///< of the simulated listeners, in order of time
};

inline constexpr std::array<const char*, 3> kDemoStyles{"chorale", "folk", "pop"};

}  // namespace euterpe
