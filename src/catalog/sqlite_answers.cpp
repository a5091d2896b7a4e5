// What models said of the tracks of the SQLite store.
#include "catalog/sqlite_catalog.hpp"

namespace euterpe {

void SqliteCatalog::put_answers(std::string_view id, const std::vector<AnswerRecord>& answers) {
  transaction([&] {
    const std::int64_t key = key_of(id);
    for (const AnswerRecord& record : answers)
      Query(database_,
            "INSERT INTO answers VALUES(?, ?, ?, ?, ?) ON CONFLICT(track, task, model_hash) DO UPDATE SET "
            "answer = excluded.answer, embedding = excluded.embedding")
          .bind(key, record.task, record.model_hash, record.answer, record.embedding)
          .run();
  });
}

std::vector<AnswerRecord> SqliteCatalog::answers(std::string_view id) {
  std::lock_guard lock(mutex_);
  std::vector<AnswerRecord> all;
  Query query(database_,
              "SELECT task, model_hash, answer, answers.embedding FROM answers JOIN tracks ON tracks.key = track "
              "WHERE id = ? ORDER BY task, model_hash");
  for (query.bind(id); query.step();) all.push_back({query.text(0), query.text(1), query.text(2), query.floats(3)});
  return all;
}

std::vector<std::pair<std::string, std::vector<float>>> SqliteCatalog::embeddings(std::string_view task,
                                                                                  std::string_view model_hash) {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::vector<float>>> all;
  Query query(database_,
              "SELECT id, answers.embedding FROM answers JOIN tracks ON tracks.key = track "
              "WHERE task = ? AND model_hash = ? AND length(answers.embedding) > 0 ORDER BY id");
  for (query.bind(task, model_hash); query.step();) all.emplace_back(query.text(0), query.floats(1));
  return all;
}

}  // namespace euterpe
