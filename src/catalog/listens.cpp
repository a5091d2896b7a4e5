#include "catalog/listens.hpp"

#include "base/progress.hpp"
#include "catalog/lookup.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kBatch = 20'000;

}  // namespace

ListensSummary ingest_listens(Catalog& catalog, std::istream& log, std::string_view format_name) {
  LogLines lines(log);
  const LogFormat& format = format_name.empty() ? recognize_log(lines) : log_format(format_name);
  const TrackNames names(catalog);
  ListensSummary summary;
  std::vector<Listen> batch;
  const auto flush = [&] {
    const std::size_t added = catalog.add_listens(batch);
    summary.added += added;
    summary.known += batch.size() - added;
    batch.clear();
  };
  Progress progress("listens", 0, "listens");
  static_cast<LogSummary&>(summary) = read_listening_log(lines, format, [&](const LoggedListen& listen) {
    std::string id = names.find(listen.item);
    batch.push_back({std::string(listen.user), id.empty() ? std::string(listen.item) : std::move(id), listen.time});
    if (batch.size() >= kBatch) flush();
    progress.advance();
  });
  flush();
  summary.format = format.name;
  return summary;
}

void relink_listens(Catalog& catalog) {
  catalog.transaction([&] {
    const std::vector<std::string> items = catalog.items();
    if (items.empty()) return;
    const TrackNames names(catalog);
    for (const std::string& item : items)
      if (const std::string id = names.find(item); !id.empty() && id != item) catalog.rename_item(item, id);
  });
}

}  // namespace euterpe
