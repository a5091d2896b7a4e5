#include "catalog/walk.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

class Walker {
 public:
  Walker(MusicWalk& found, const std::function<bool(const fs::path&)>& wanted) : found_(found), wanted_(wanted) {}

  void enter(const fs::path& root) {
    folders_.push_back(root);
    // Links wait until all real folders have been seen, so that a folder is known by its own path where it has one
    // here.
    while (!folders_.empty() || !links_.empty()) {
      check_interrupt();
      std::deque<fs::path>& queue = folders_.empty() ? links_ : folders_;
      const fs::path folder = std::move(queue.front());
      queue.pop_front();
      list(folder);
    }
  }

 private:
  void list(const fs::path& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return fail(folder, std::strerror(errno));
    if (!entered_.emplace(status.st_dev, status.st_ino).second) return;
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    if (error) return fail(folder, "the folder cannot be read: " + error.message());
    std::vector<fs::directory_entry> sorted;
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) return fail(folder, "the folder cannot be read to its end: " + error.message());
      if (!entries->path().filename().native().starts_with('.')) sorted.push_back(*entries);
    }
    std::sort(sorted.begin(), sorted.end());
    for (const fs::directory_entry& entry : sorted) visit(entry);
  }

  void visit(const fs::directory_entry& entry) {
    std::error_code error;
    const bool link = entry.is_symlink(error);
    const fs::file_status status = entry.status(error);
    if (fs::is_directory(status)) {
      (link ? links_ : folders_).push_back(entry.path());
    } else if (!wanted_(entry.path())) {
      ++found_.skipped;
    } else if (fs::is_regular_file(status)) {
      found_.files.push_back(entry.path());
    } else {
      fail(entry.path(), link && !fs::exists(status) ? "the link leads nowhere" : "this is no regular file");
    }
  }

  void fail(const fs::path& path, std::string cause) { found_.failures.push_back({path.native(), std::move(cause)}); }

  MusicWalk& found_;
  const std::function<bool(const fs::path&)>& wanted_;
  std::deque<fs::path> folders_, links_;
  std::set<std::pair<dev_t, ino_t>> entered_;
};

}  // namespace

MusicWalk walk_music(const std::vector<fs::path>& roots, const std::function<bool(const fs::path&)>& wanted) {
  MusicWalk found;
  Walker walker(found, wanted);
  for (const fs::path& given : roots) {
    fs::path root = fs::absolute(given).lexically_normal();
    if (!root.has_filename()) root = root.parent_path();  // "music/" and "music" are one path
    std::error_code error;
    const fs::file_status status = fs::status(root, error);
    if (!fs::exists(status)) throw Error(Category::not_found, "ingest", given.string() + ": no such file or folder");
    if (fs::is_directory(status))
      walker.enter(root);
    else
      found.files.push_back(root);
  }
  std::sort(found.files.begin(), found.files.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  found.files.erase(std::unique(found.files.begin(), found.files.end()), found.files.end());
  return found;
}

}  // namespace euterpe
