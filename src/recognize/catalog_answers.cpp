#include "recognize/catalog_answers.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/similar.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

/// What one model said, {answers, curve}.
Json said_by(const Recognition& found, std::string_view model) {
  std::vector<std::string_view> tasks;
  for (const RecognizerModel& row : recognizer_models())
    if (row.name == model) tasks = row.tasks;
  const auto of_model = [&](const std::vector<Answer>& answers) {
    Json own = Json::array();
    for (const Answer& answer : answers)
      if (std::find(tasks.begin(), tasks.end(), answer.task) != tasks.end()) own.push_back(answer);
    return own;
  };
  Json curve = Json::array();
  for (const Segment& segment : found.curve)
    if (Json own = of_model(segment.answers); !own.empty())
      curve.push_back({{"begin", segment.begin}, {"end", segment.end}, {"answers", std::move(own)}});
  return {{"answers", of_model(found.answers)}, {"curve", std::move(curve)}};
}

/// Puts what a model said into the whole: answers behind those that are there, segments where they begin.
void add(Recognition& whole, const Json& said) {
  for (const Json& answer : said.at("answers")) whole.answers.push_back(answer.get<Answer>());
  for (const Json& row : said.at("curve")) {
    const double begin = row.at("begin").get<double>();
    auto at = whole.curve.begin();
    while (at != whole.curve.end() && at->begin < begin) ++at;
    if (at == whole.curve.end() || at->begin != begin)
      at = whole.curve.insert(at, Segment{begin, row.at("end").get<double>(), {}});
    for (const Json& answer : row.at("answers")) at->answers.push_back(answer.get<Answer>());
  }
}

Error damaged(const TrackRecord& track, const Json::exception& error) {
  return {Category::bad_input, "recognize",
          fmt::format("what the catalog keeps of track {:.12} is damaged: {}", track.id, error.what()),
          "`euterpe catalog forget` the track and ingest it again"};
}

/// From the records of all keys. Error{bad_input} where there is none for this track, as was said before.
Recognition assemble(const std::vector<ModelKey>& keys, const std::map<std::string, AnswerRecord>& records,
                     const TrackRecord& track) {
  try {
    Recognition whole;
    const AnswerRecord& place = records.at(kEmbeddingTask);
    const Json about = Json::parse(place.answer);
    if (about.contains("none"))
      throw Error(Category::bad_input, "recognize", track.path + ": " + about.at("none").get<std::string>());
    whole.kind = about.at("kind").get<std::string>();
    whole.duration = about.at("duration").get<double>();
    whole.warnings = about.at("warnings").get<std::vector<std::string>>();
    whole.embedding = place.embedding;
    whole.embedding_space = place.model_hash;
    for (const ModelKey& key : keys)
      if (key.task != kEmbeddingTask) add(whole, Json::parse(records.at(key.task).answer));
    return whole;
  } catch (const Json::exception& error) {
    throw damaged(track, error);
  }
}

/// The records of what is missing, that there is no answer among them.
std::vector<AnswerRecord> ask(Recognizer& recognizer, const std::vector<ModelKey>& keys,
                              const std::set<std::string>& missing, const fs::path& file) {
  Recognition found;
  std::string none;
  try {
    found = recognizer.recognize(file, missing);
  } catch (const Error& error) {
    if (error.category() != Category::bad_input) throw;
    none = error.detail();
    if (none.starts_with(file.string() + ": ")) none.erase(0, file.string().size() + 2);
  }
  std::vector<AnswerRecord> records;
  for (const ModelKey& key : keys) {
    if (!missing.contains(key.task)) continue;
    if (key.task == kEmbeddingTask) {
      Json about{{"kind", found.kind}, {"duration", found.duration}, {"warnings", found.warnings}};
      if (!none.empty()) about = {{"none", none}};
      records.push_back(
          {key.task, key.hash, about.dump(-1, ' ', false, Json::error_handler_t::replace), found.embedding});
    } else {
      records.push_back({key.task, key.hash, said_by(found, key.task).dump(), {}});
    }
  }
  return records;
}

}  // namespace

std::string content_id(Catalog& catalog, const fs::path& file) {
  struct stat info {};
  const std::string path = fs::absolute(file).lexically_normal().native();
  if (::stat(path.c_str(), &info) == 0) {
    const std::int64_t changed = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    if (auto id = catalog.seen_file(path, static_cast<std::uint64_t>(info.st_size), changed)) return *id;
  }
  return sha256_file(file);
}

TrackRecognition recognize_track(Recognizer& recognizer, Catalog& catalog, const TrackRecord& track,
                                 const fs::path& file) {
  const bool score = track.kind == "score";
  const std::vector<ModelKey> keys = recognizer.keys(score);
  std::map<std::string, AnswerRecord> records;
  for (AnswerRecord& record : catalog.answers(track.id))
    for (const ModelKey& key : keys)
      if (key == ModelKey{record.task, record.model_hash}) records.insert_or_assign(key.task, std::move(record));
  std::set<std::string> missing;
  for (const ModelKey& key : keys)
    if (!records.contains(key.task)) missing.insert(key.task);
  // That there is no answer was said by those who were asked then.
  const auto place = records.find(kEmbeddingTask);
  if (!missing.empty() && place != records.end() && place->second.embedding.empty()) missing.insert(kEmbeddingTask);

  if (!missing.empty()) {
    if (content_id(catalog, file) != track.id)
      throw Error(Category::bad_input, "recognize", file.string() + ": has changed since it was ingested",
                  "run `euterpe ingest` on it again");
    std::vector<AnswerRecord> fresh = ask(recognizer, keys, missing, file);
    catalog.put_answers(track.id, fresh);
    for (AnswerRecord& record : fresh) {
      const std::string task = record.task;
      records.insert_or_assign(task, std::move(record));
    }
  }
  TrackRecognition result{assemble(keys, records, track), missing.empty()};
  recognizer.select(result.recognition);
  if (result.recognition.answers.empty())
    throw Error(Category::bad_input, "recognize", file.string() + ": nothing that is asked can be told of it");
  return result;
}

StoredAnswers stored_answers(Recognizer& recognizer, Catalog& catalog, const TrackRecord& track) {
  std::vector<ModelKey> keys;
  try {
    keys = recognizer.keys(track.kind == "score");
  } catch (const Error& error) {
    if (error.category() != Category::not_found) throw;
  }
  StoredAnswers stored;
  std::map<std::string, AnswerRecord> records;
  for (AnswerRecord& record : catalog.answers(track.id)) {
    const bool at_hand = std::find(keys.begin(), keys.end(), ModelKey{record.task, record.model_hash}) != keys.end();
    if (at_hand)
      records.insert_or_assign(record.task, std::move(record));
    else
      ++stored.others;
  }
  try {
    for (const ModelKey& key : keys) {
      const auto at = records.find(key.task);
      if (at == records.end()) continue;
      const Json said = Json::parse(at->second.answer);
      if (key.task == kEmbeddingTask)
        stored.none = said.value("none", "");
      else
        for (const Json& answer : said.at("answers")) stored.answers.push_back(answer.get<Answer>());
    }
  } catch (const Json::exception& error) {
    throw damaged(track, error);
  }
  return stored;
}

std::vector<std::pair<std::string, double>> similar_recognized(Catalog& catalog, const Recognition& recognition,
                                                               std::size_t k, const std::string& self) {
  auto all =
      nearest_embeddings(catalog.embeddings(kEmbeddingTask, recognition.embedding_space), recognition.embedding, k + 1);
  std::erase_if(all, [&](const auto& track) { return track.first == self; });
  if (all.size() > k) all.resize(k);
  return all;
}

}  // namespace euterpe
