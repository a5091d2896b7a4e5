#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <sstream>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "catalog/catalog.hpp"
#include "evaluate/task.hpp"

extern char** environ;

namespace euterpe {
namespace {
namespace fs = std::filesystem;

constexpr int kKills = 3;

/// This program again, as `euterpe ingest DATA`, for only a process of its own can be killed.
pid_t start_ingest(const fs::path& catalog, const fs::path& data) {
  const std::string catalog_text = catalog.string(), data_text = data.string();
  const char* arguments[] = {"euterpe", "--catalog", catalog_text.c_str(), "-q", "ingest", data_text.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int fd : {STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, const_cast<char**>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) throw Error(Category::io, "evaluate ingest", std::string("posix_spawn: ") + std::strerror(failed));
  return child;
}

struct Ended {
  int status = 0;          ///< exit code, or −signal
  double cpu_seconds = 0;  ///< user and system
};

Ended wait_for(pid_t child) {
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) throw Error(Category::io, "evaluate ingest", std::string("wait4: ") + std::strerror(errno));
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
          seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

std::string exported(const fs::path& folder) {
  std::ostringstream out;
  open_catalog(folder)->export_to(out, true);
  return out.str();
}

}  // namespace

nlohmann::json evaluate_ingest(const EvaluateOptions& options) {
  using Clock = std::chrono::steady_clock;
  const TemporaryFolder scratch("evaluate ingest");
  const fs::path whole = scratch / "whole", killed = scratch / "killed";
  const auto start = Clock::now();
  const Ended run = wait_for(start_ingest(whole, options.data));
  const double wall = std::chrono::duration<double>(Clock::now() - start).count();
  spdlog::info("ingested in {:.0f} s, now with {} kills", wall, kKills);

  // The moments are spread over the time that an uninterrupted run takes; each kill -9 leaves the rest to the next
  // start.
  Random random = Random::stream(options.seed, 0x6b696c6c);
  auto kills = nlohmann::json::array();
  for (int i = 0; i < kKills; ++i) {
    const double after = random.uniform(0.05, 0.3) * wall;
    const pid_t child = start_ingest(killed, options.data);
    std::this_thread::sleep_for(std::chrono::duration<double>(after));
    ::kill(child, SIGKILL);
    const Ended ended = wait_for(child);
    std::size_t tracks = 0;
    if (fs::exists(killed)) tracks = open_catalog(killed)->tracks().size();
    kills.push_back({{"after_seconds", after}, {"ended_by_kill", ended.status == -SIGKILL}, {"tracks_then", tracks}});
  }
  const Ended resumed = wait_for(start_ingest(killed, options.data));

  const auto catalog = open_catalog(whole);
  std::size_t audio = 0, scores = 0;
  double audio_seconds = 0;
  for (const TrackRecord& track : catalog->tracks()) {
    (track.kind == "audio" ? audio : scores) += 1;
    if (track.kind == "audio") audio_seconds += track.duration;
  }
  auto failures = nlohmann::json::array();
  for (const IngestFailure& f : catalog->failures()) failures.push_back({{"path", f.path}, {"cause", f.cause}});
  nlohmann::json out{{"tracks", audio + scores}, {"audio", audio},
                     {"scores", scores},         {"failed", failures},
                     {"exit_code", run.status},  {"exit_code_after_kills", resumed.status},
                     {"kills", kills},           {"same_catalog_after_kills", exported(whole) == exported(killed)},
                     {"wall_seconds", wall},     {"cpu_seconds", run.cpu_seconds}};
  // Scores are read at thousands of times real time, so the rate says something of audio alone.
  if (scores == 0 && run.cpu_seconds > 0) out["audio_times_real_time_per_core"] = audio_seconds / run.cpu_seconds;
  return out;
}

}  // namespace euterpe
