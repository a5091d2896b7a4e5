// Export and import: JSON Lines between a head (format and version) and an end (count of rows), so that a file cut
// short is not taken for the whole. Texts that are not UTF-8 (file names) and numbers that are not finite survive as
// well.
#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <cmath>
#include <cstring>
#include <istream>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "catalog/sqlite_catalog.hpp"

namespace euterpe {
namespace {

using Json = nlohmann::json;
using Bytes = std::vector<std::uint8_t>;
constexpr const char* kFormat = "euterpe-catalog";
constexpr int kVersion = 2;  // 2: answers of models
constexpr std::size_t kListensAtOnce = 10'000;

std::string base64(const void* data, std::size_t size) {
  std::string text(sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), static_cast<const unsigned char*>(data), size,
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

Bytes from_base64(const std::string& text) {
  Bytes bytes(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    throw Error(Category::bad_input, "import", "base64 is damaged");
  bytes.resize(size);
  return bytes;
}

Json text_out(const std::string& text) {
  if (is_utf8(text)) return text;
  return Json{{"base64", base64(text.data(), text.size())}};
}

std::string floats_out(const std::vector<float>& values) {
  return base64(values.data(), values.size() * sizeof(float));
}

std::vector<float> floats_in(const Json& value) {
  const Bytes bytes = from_base64(value.get<std::string>());
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

std::string text_in(const Json& value) {
  if (!value.is_object()) return value.get<std::string>();
  const Bytes bytes = from_base64(value.at("base64").get<std::string>());
  return {bytes.begin(), bytes.end()};
}

Json number_out(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double number_in(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const auto text = value.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  throw Error(Category::bad_input, "import", "'" + text + "' is no number");
}

Json rights_out(const RightsRecord& rights) {
  return {{"owner", text_out(rights.owner)},
          {"licence", text_out(rights.licence)},
          {"share", rights.share},
          {"may_train", rights.may_train},
          {"may_recommend", rights.may_recommend}};
}

RightsRecord rights_in(const Json& row) {
  return {text_in(row.at("owner")), text_in(row.at("licence")), row.at("share").get<double>(),
          row.at("may_train").get<bool>(), row.at("may_recommend").get<bool>()};
}

Json track_out(const TrackRecord& track, const Descriptors& descriptors, bool for_comparison) {
  Json row{{"type", "track"},
           {"id", track.id},
           {"path", text_out(track.path)},
           {"kind", text_out(track.kind)},
           {"title", text_out(track.title)},
           {"artist", text_out(track.artist)},
           {"album", text_out(track.album)},
           {"isrc", text_out(track.isrc)},
           {"musicbrainz", text_out(track.musicbrainz)},
           {"duration", number_out(track.duration)},
           {"embedding_space", text_out(descriptors.embedding_space)},
           {"embedding", floats_out(descriptors.embedding)},
           {"numbers", Json::object()},
           {"texts", Json::object()}};
  if (!for_comparison) row["added"] = track.added;
  for (const auto& [name, value] : descriptors.numbers) row["numbers"][name] = number_out(value);
  for (const auto& [name, value] : descriptors.texts) row["texts"][name] = text_out(value);
  return row;
}

TrackRecord track_in(const Json& row) {
  return {row.at("id").get<std::string>(), text_in(row.at("path")),
          text_in(row.at("kind")),         text_in(row.at("title")),
          text_in(row.at("artist")),       text_in(row.at("album")),
          text_in(row.at("isrc")),         text_in(row.at("musicbrainz")),
          number_in(row.at("duration")),   row.value("added", std::int64_t{0})};
}

Descriptors descriptors_in(const Json& row) {
  Descriptors found;
  found.embedding_space = text_in(row.at("embedding_space"));
  found.embedding = floats_in(row.at("embedding"));
  for (const auto& [name, value] : row.at("numbers").items()) found.numbers[name] = number_in(value);
  for (const auto& [name, value] : row.at("texts").items()) found.texts[name] = text_in(value);
  return found;
}

/// What an import carries from row to row: listens are added in batches.
struct Import {
  SqliteCatalog& catalog;
  Database& database;
  std::vector<Listen> listens;

  void flush() {
    catalog.add_listens(listens);
    listens.clear();
  }
  bool exists(std::string_view sql, const std::string& a, const std::string& b = {}) {
    Query query(database, sql);
    return b.empty() ? query.bind(a).step() : query.bind(a, b).step();
  }
};

void import_track(Import& in, const Json& row) {
  const TrackRecord track = track_in(row);
  if (in.exists("SELECT 1 FROM tracks WHERE id = ?", track.id)) return;
  in.catalog.put_track(track, descriptors_in(row), std::nullopt);
}

void import_rights(Import& in, const Json& row) {
  const auto id = row.at("track").get<std::string>();
  if (!in.exists("SELECT 1 FROM rights JOIN tracks ON tracks.key = track WHERE id = ?", id))
    in.catalog.set_rights(id, rights_in(row));
}

void import_blob(Import& in, const Json& row) {
  const auto id = row.at("track").get<std::string>();
  const auto name = text_in(row.at("name"));
  if (!in.exists("SELECT 1 FROM blobs JOIN tracks ON tracks.key = track WHERE id = ? AND name = ?", id, name))
    in.catalog.put_blob(id, name, from_base64(row.at("bytes").get<std::string>()));
}

void import_answer(Import& in, const Json& row) {
  const auto id = row.at("track").get<std::string>();
  AnswerRecord record{text_in(row.at("task")), text_in(row.at("model_hash")), text_in(row.at("answer")),
                      floats_in(row.at("embedding"))};
  Query known(in.database,
              "SELECT 1 FROM answers JOIN tracks ON tracks.key = track WHERE id = ? AND task = ? AND model_hash = ?");
  if (!known.bind(id, record.task, record.model_hash).step()) in.catalog.put_answers(id, {std::move(record)});
}

void import_file(Import& in, const Json& row) {
  const std::string path = text_in(row.at("path"));
  if (in.exists("SELECT 1 FROM files WHERE path = ?", path)) return;
  // A comparison form has no time of change; −1 is no file's, so that the file is hashed again.
  in.catalog.remember_file(path, row.at("size").get<std::uint64_t>(), row.value("mtime_ns", std::int64_t{-1}),
                           row.at("track").get<std::string>());
}

void import_failure(Import& in, const Json& row) {
  const std::string path = text_in(row.at("path"));
  if (!in.exists("SELECT 1 FROM failures WHERE path = ? UNION ALL SELECT 1 FROM files WHERE path = ?", path, path))
    in.catalog.remember_failure({path, text_in(row.at("cause"))});
}

void import_listen(Import& in, const Json& row) {
  in.listens.push_back({text_in(row.at("user")), text_in(row.at("track")), row.at("time").get<std::int64_t>()});
  if (in.listens.size() >= kListensAtOnce) in.flush();
}

void import_work(Import& in, const Json& row) {
  in.catalog.put_work({text_in(row.at("id")), text_in(row.at("model")), text_in(row.at("model_hash")),
                       text_in(row.at("style")), text_in(row.at("prompt")), text_in(row.at("licence")),
                       row.at("seed").get<std::uint64_t>(), text_in(row.at("provenance")),
                       row.value("created", std::int64_t{0})});
}

void import_claim(Import& in, const Json& row) {
  const ClaimRecord claim{row.at("id").get<std::int64_t>(), row.at("track").get<std::string>(),
                          text_in(row.at("evidence")), text_in(row.at("state")), row.value("created", std::int64_t{0})};
  Query known(in.database,
              "SELECT 1 FROM claims JOIN tracks ON tracks.key = track WHERE tracks.id = ? AND evidence = ? AND "
              "state = ? AND (created = ? OR ? = 0)");
  if (known.bind(claim.track, claim.evidence, claim.state, claim.created, claim.created).step()) return;
  const std::int64_t given = in.catalog.add_claim(claim);
  // The old number, which people may have written down, unless another claim has it.
  Query(in.database, "UPDATE OR IGNORE claims SET id = ? WHERE id = ?").bind(claim.id, given).run();
}

struct RowType {
  const char* name;
  void (*import)(Import&, const Json&);
};
constexpr std::array<RowType, 9> kRowTypes{{{"track", import_track},
                                            {"rights", import_rights},
                                            {"blob", import_blob},
                                            {"answer", import_answer},
                                            {"file", import_file},
                                            {"failure", import_failure},
                                            {"listen", import_listen},
                                            {"work", import_work},
                                            {"claim", import_claim}}};

void check_head(const Json& row) {
  if (row.value("type", "") != "head" || row.value("format", "") != kFormat)
    throw Error(Category::bad_input, "import", "this is no catalog export");
  if (row.at("version").get<int>() > kVersion)
    throw Error(
        Category::newer_version, "import",
        fmt::format("the export has version {}, this program reads up to {}", row.at("version").get<int>(), kVersion),
        "update Euterpe");
}

}  // namespace

void SqliteCatalog::export_to(std::ostream& out, bool for_comparison) {
  std::lock_guard lock(mutex_);
  database_.snapshot([&] {
    std::size_t rows = 0;
    const auto write = [&](const Json& row) {
      out << row.dump() << '\n';
      ++rows;
    };
    out << Json{{"type", "head"}, {"format", kFormat}, {"version", kVersion}}.dump() << '\n';
    for (const TrackRecord& track : tracks()) write(track_out(track, descriptors(track.id).value(), for_comparison));
    Query licensed(database_, "SELECT id FROM rights JOIN tracks ON tracks.key = track ORDER BY id");
    while (licensed.step()) {
      Json row = rights_out(rights(licensed.text(0)));
      row["type"] = "rights";
      row["track"] = licensed.text(0);
      write(row);
    }
    Query blobs(database_, "SELECT id, name, bytes FROM blobs JOIN tracks ON tracks.key = track ORDER BY id, name");
    while (blobs.step()) {
      const Bytes bytes = blobs.bytes(2);
      write({{"type", "blob"},
             {"track", blobs.text(0)},
             {"name", text_out(blobs.text(1))},
             {"bytes", base64(bytes.data(), bytes.size())}});
    }
    Query answered(database_,
                   "SELECT id, task, model_hash, answer, answers.embedding FROM answers JOIN tracks ON tracks.key = "
                   "track ORDER BY id, task, model_hash");
    while (answered.step())
      write({{"type", "answer"},
             {"track", answered.text(0)},
             {"task", text_out(answered.text(1))},
             {"model_hash", text_out(answered.text(2))},
             {"answer", text_out(answered.text(3))},
             {"embedding", floats_out(answered.floats(4))}});
    Query files(
        database_,
        "SELECT files.path, size, mtime_ns, id FROM files JOIN tracks ON tracks.key = track ORDER BY files.path");
    while (files.step()) {
      Json row{
          {"type", "file"}, {"path", text_out(files.text(0))}, {"size", files.integer(1)}, {"track", files.text(3)}};
      if (!for_comparison) row["mtime_ns"] = files.integer(2);
      write(row);
    }
    for (const IngestFailure& failure : failures())
      write({{"type", "failure"}, {"path", text_out(failure.path)}, {"cause", text_out(failure.cause)}});
    Query listens(database_,
                  std::string("SELECT listeners.name, items.name, time FROM listens JOIN listeners ON listeners.key = "
                              "listener JOIN items ON items.key = item ORDER BY listeners.name, time, ") +
                      (for_comparison ? "items.name" : "listens.key"));
    while (listens.step())
      write({{"type", "listen"},
             {"user", text_out(listens.text(0))},
             {"track", text_out(listens.text(1))},
             {"time", listens.integer(2)}});
    for (const WorkRecord& work : works()) {
      Json row{{"type", "work"},
               {"id", text_out(work.id)},
               {"model", text_out(work.model)},
               {"model_hash", text_out(work.model_hash)},
               {"style", text_out(work.style)},
               {"prompt", text_out(work.prompt)},
               {"licence", text_out(work.licence)},
               {"seed", work.seed},
               {"provenance", text_out(work.provenance)}};
      if (!for_comparison) row["created"] = work.created;
      write(row);
    }
    for (const ClaimRecord& claim : claims()) {
      Json row{{"type", "claim"},
               {"id", claim.id},
               {"track", claim.track},
               {"evidence", text_out(claim.evidence)},
               {"state", text_out(claim.state)}};
      if (!for_comparison) row["created"] = claim.created;
      write(row);
    }
    out << Json{{"type", "end"}, {"rows", rows}}.dump() << '\n';
  });
  out.flush();
  if (!out) throw Error(Category::io, "export", "the export could not be written whole", "is the disk full?");
}

void SqliteCatalog::import_from(std::istream& input) {
  transaction([&] {
    Import in{*this, database_, {}};
    std::size_t number = 0, rows = 0;
    bool ended = false;
    for (std::string line; std::getline(input, line);) {
      ++number;
      try {
        const Json row = Json::parse(line);
        if (number == 1) {
          check_head(row);
          continue;
        }
        const auto type = row.at("type").get<std::string>();
        if (type == "end") {
          if (row.at("rows").get<std::size_t>() != rows)
            throw Error(Category::bad_input, "import",
                        fmt::format("{} rows stand where {} were written", rows, row.at("rows").get<std::size_t>()));
          ended = true;
          break;
        }
        bool known = false;
        for (const RowType& candidate : kRowTypes) {
          if (type != candidate.name) continue;
          candidate.import(in, row);
          known = true;
        }
        if (!known) throw Error(Category::bad_input, "import", "a row of unknown type '" + type + "'");
        ++rows;
      } catch (const Error& error) {
        throw error.in(fmt::format("line {}", number));
      } catch (const Json::exception& error) {
        throw Error(Category::bad_input, "import", fmt::format("line {}: {}", number, error.what()),
                    "the file is damaged; nothing was imported");
      }
    }
    if (!ended)
      throw Error(Category::bad_input, "import", fmt::format("the export breaks off after line {}", number),
                  "the file was cut short; nothing was imported");
    in.flush();
  });
}

}  // namespace euterpe
