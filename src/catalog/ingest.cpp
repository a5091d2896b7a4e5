#include "catalog/ingest.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/text.hpp"
#include "catalog/listens.hpp"
#include "catalog/walk.hpp"
#include "media/decode.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

using Status = IngestItem::Status;
constexpr std::size_t kWindow = 512;             ///< files that may be ahead of the first one not yet stored
constexpr std::size_t kPendingBytes = 64 << 20;  ///< and the derived data that may wait for it
constexpr std::size_t kBatch = 256;              ///< files in one transaction

struct FileState {
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  bool operator==(const FileState&) const = default;
};

FileState state_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw Error(Category::io, "ingest",
                errno == ENOENT ? "the file vanished during the ingest" : std::string(std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw Error(Category::bad_input, "ingest", "this is no regular file");
  return {static_cast<std::uint64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec};
}

/// One file between its worker and the writer.
struct Outcome {
  IngestItem item;
  FileState state;
  bool unchanged = false;             ///< already remembered: nothing to write
  bool dropped = false;               ///< a signal stopped its analysis
  std::optional<TrackRecord> record;  ///< of a new file
  Analysis analysis;

  std::size_t bytes() const {
    std::size_t sum = sizeof *this;
    for (const auto& [name, blob] : analysis.blobs) sum += blob.size();
    return sum;
  }
};

/// The record that the catalog shall hold of a file; texts made UTF-8, a missing title taken from the file's name.
TrackRecord record_of(const fs::path& path, const std::string& id, const Analysis& analysis) {
  TrackRecord record;
  record.id = id;
  record.path = path.native();
  record.kind = analysis.kind;
  record.title = clean_text(analysis.title);
  if (record.title.empty()) record.title = clean_text(path.stem().native());
  record.artist = clean_text(analysis.artist);
  record.album = clean_text(analysis.album);
  record.isrc = clean_text(analysis.isrc);
  record.duration = analysis.duration;
  return record;
}

/// The error's text without the file's own name in front: the name stands beside the cause already.
std::string cause_of(const Error& error, const fs::path& path) {
  std::string cause = error.detail();
  if (const std::string prefix = path.native() + ": "; cause.starts_with(prefix)) cause.erase(0, prefix.size());
  if (!error.hint().empty()) cause += " (" + error.hint() + ")";
  return cause;
}

class Run {
 public:
  Run(Catalog& catalog, std::vector<fs::path> files, const IngestOptions& options, IngestSummary& summary)
      : catalog_(catalog), files_(std::move(files)), options_(options), summary_(summary), slots_(kWindow) {}

  void operator()() {
    const int wanted = options_.workers > 0 ? options_.workers : threads();
    running_ = std::min<std::size_t>(files_.size(), static_cast<std::size_t>(std::max(1, wanted)));
    std::vector<std::thread> workers;
    for (std::size_t i = running_; i > 0; --i) workers.emplace_back([this] { work(); });
    try {
      write_all();
    } catch (...) {
      stop();
      for (std::thread& worker : workers) worker.join();
      throw;
    }
    for (std::thread& worker : workers) worker.join();
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  // Workers take files in order, so that those taken are always the first ones, and all of them come to an end.
  void work() {
    for (;;) {
      std::size_t index = 0;
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] {
          return stopped_ || next_ == stored_ || (next_ - stored_ < kWindow && pending_ < kPendingBytes);
        });
        if (stopped_ || interrupted() || next_ == files_.size()) break;
        index = next_++;
      }
      Outcome outcome;
      try {
        outcome = process(files_[index]);
      } catch (...) {  // the catalog itself failed
        std::lock_guard lock(mutex_);
        if (!failed_) failed_ = std::current_exception();
        stopped_ = true;
        break;
      }
      std::lock_guard lock(mutex_);
      pending_ += outcome.bytes();
      slots_[index % kWindow] = std::move(outcome);
      if (index == stored_) ready_.notify_one();
    }
    std::lock_guard lock(mutex_);
    --running_;
    ready_.notify_one();
    room_.notify_all();
  }

  Outcome process(const fs::path& path) {
    Outcome outcome;
    outcome.item.path = path;
    try {
      outcome.state = state_of(path);
      if (outcome.state.size == 0) throw Error(Category::bad_input, "ingest", "the file is empty");
      if (auto seen = catalog_.seen_file(path.native(), outcome.state.size, outcome.state.mtime_ns)) {
        outcome.item.status = Status::known;
        outcome.item.track = *seen;
        const auto track = catalog_.track(*seen);
        outcome.unchanged = track && stands(*track, path);
        return outcome;
      }
      outcome.item.track = sha256_file(path);
      if (catalog_.track(outcome.item.track)) {
        outcome.item.status = Status::known;
      } else {
        outcome.analysis = options_.analyze(path);
        outcome.record = record_of(path, outcome.item.track, outcome.analysis);
        outcome.item.warnings = outcome.analysis.warnings;
      }
      if (state_of(path) != outcome.state)
        throw Error(Category::io, "ingest", "the file changed while it was read", "ingest it again");
    } catch (const Error& error) {
      outcome.dropped = error.category() == Category::interrupted;
      fail(outcome, cause_of(error, path));
    } catch (const std::bad_alloc&) {
      fail(outcome, "not enough memory to read it");
    } catch (const std::exception& error) {
      fail(outcome, error.what());
    }
    return outcome;
  }

  /// The track's path is `path`, or still the way to a file of that content, so that the track need not move.
  bool stands(const TrackRecord& track, const fs::path& path) {
    if (track.path == path.native()) return true;
    try {
      const FileState state = state_of(track.path);
      return catalog_.seen_file(track.path, state.size, state.mtime_ns) == track.id;
    } catch (const Error&) {
      return false;  // gone, or no file any more
    }
  }

  static void fail(Outcome& outcome, std::string cause) {
    outcome.item.status = Status::failed;
    outcome.item.track.clear();
    outcome.item.cause = std::move(cause);
    outcome.record.reset();
    outcome.analysis = {};
  }

  void write_all() {
    Progress progress("ingest", files_.size(), "files");
    for (;;) {
      std::vector<Outcome> batch;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return slots_[stored_ % kWindow].has_value() || running_ == 0; });
        for (auto* slot = &slots_[stored_ % kWindow]; slot->has_value() && batch.size() < kBatch;
             slot = &slots_[++stored_ % kWindow]) {
          pending_ -= (*slot)->bytes();
          batch.push_back(std::move(**slot));
          slot->reset();
        }
        room_.notify_all();
        if (batch.empty()) return;  // all workers have ended
      }
      if (std::any_of(batch.begin(), batch.end(), [](const Outcome& o) { return !o.unchanged; }))
        catalog_.transaction([&] {
          for (Outcome& outcome : batch) store(outcome);
        });
      for (const Outcome& outcome : batch) count(outcome);
      progress.advance(batch.size());
      if (summary_.failed) progress.note(std::to_string(summary_.failed) + " failed");
    }
  }

  void store(Outcome& outcome) {
    IngestItem& item = outcome.item;
    if (outcome.dropped) return;
    if (item.status == Status::failed) return catalog_.remember_failure({item.path.native(), item.cause});
    if (outcome.record) {
      // An equal file earlier in this batch, or another process, may have brought the track in meanwhile.
      if (catalog_.track(item.track)) {
        item.status = Status::known;
      } else {
        catalog_.put_track(*outcome.record, outcome.analysis.descriptors);
        for (const auto& [name, bytes] : outcome.analysis.blobs) catalog_.put_blob(item.track, name, bytes);
      }
    }
    if (item.status == Status::known) {
      std::optional<TrackRecord> kept = catalog_.track(item.track);
      if (kept && !stands(*kept, item.path)) {
        kept->path = item.path.native();
        catalog_.put_track(*kept, {});
      }
    }
    if (!outcome.unchanged)
      catalog_.remember_file(item.path.native(), outcome.state.size, outcome.state.mtime_ns, item.track);
  }

  void count(const Outcome& outcome) {
    if (outcome.dropped) return;
    const IngestItem& item = outcome.item;
    if (item.status == Status::added) {
      ++summary_.added;
      summary_.music_seconds += outcome.analysis.duration;
    } else if (item.status == Status::known) {
      ++summary_.known;
    } else {
      ++summary_.failed;
      summary_.failures.push_back({item.path.native(), item.cause});
    }
    if (options_.on_item) options_.on_item(item);
  }

  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    room_.notify_all();
  }

  Catalog& catalog_;
  const std::vector<fs::path> files_;
  const IngestOptions& options_;
  IngestSummary& summary_;

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::vector<std::optional<Outcome>> slots_;  ///< ring: file i waits in slot i mod kWindow
  std::size_t next_ = 0, stored_ = 0, pending_ = 0, running_ = 0;
  bool stopped_ = false;
  std::exception_ptr failed_;
};

/// Failures of an earlier try that mean nothing any more: the file is gone, or the folder can be read now.
void drop_stale_failures(Catalog& catalog, const MusicWalk& walk) {
  std::set<std::string> current;
  for (const IngestFailure& failure : walk.failures) current.insert(failure.path);
  catalog.transaction([&] {
    for (const IngestFailure& failure : catalog.failures()) {
      std::error_code error;
      const fs::file_status status = fs::symlink_status(failure.path, error);
      const bool gone = !fs::exists(status) && status.type() != fs::file_type::unknown;
      if (gone || (fs::is_directory(failure.path, error) && !current.contains(failure.path)))
        catalog.forget_failure(failure.path);
    }
    for (const IngestFailure& failure : walk.failures) catalog.remember_failure(failure);
  });
}

}  // namespace

IngestSummary ingest(Catalog& catalog, const std::vector<fs::path>& paths, const IngestOptions& options) {
  IngestSummary summary;
  const auto music = [](const fs::path& path) { return is_audio_name(path) || is_score_name(path); };
  MusicWalk walk = walk_music(paths, options.wanted ? options.wanted : music);
  drop_stale_failures(catalog, walk);
  summary.skipped = walk.skipped;
  summary.failed = walk.failures.size();
  summary.failures = walk.failures;
  if (options.on_item)
    for (const IngestFailure& failure : walk.failures)
      options.on_item({failure.path, Status::failed, {}, failure.cause, {}});
  Run(catalog, std::move(walk.files), options, summary)();
  relink_listens(catalog);
  std::sort(summary.failures.begin(), summary.failures.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  summary.interrupted = interrupted();
  return summary;
}

}  // namespace euterpe
