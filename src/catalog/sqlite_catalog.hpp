#pragma once
/// The catalog on SQLite, one file `catalog.db` in its folder. Acknowledged means durable: the write-ahead log is
/// flushed at every commit (synchronous = FULL; NORMAL would lose the last commits when the power fails), which batches
/// make cheap.
#include <mutex>

#include "catalog/catalog.hpp"
#include "catalog/sqlite.hpp"

namespace euterpe {

class SqliteCatalog : public Catalog {
 public:
  explicit SqliteCatalog(const std::filesystem::path& folder);

  void transaction(const std::function<void()>& body) override;

  bool put_track(const TrackRecord& track, const Descriptors& descriptors,
                 const std::optional<RightsRecord>& rights) override;
  std::optional<TrackRecord> track(std::string_view id_or_prefix) override;
  std::vector<TrackRecord> tracks() override;
  std::optional<Descriptors> descriptors(std::string_view id) override;
  void set_descriptors(std::string_view id, const Descriptors& descriptors) override;
  void put_blob(std::string_view id, std::string_view name, const std::vector<std::uint8_t>& bytes) override;
  std::optional<std::vector<std::uint8_t>> blob(std::string_view id, std::string_view name) override;

  std::optional<std::string> seen_file(std::string_view path, std::uint64_t size, std::int64_t mtime_ns) override;
  void remember_file(std::string_view path, std::uint64_t size, std::int64_t mtime_ns, std::string_view id) override;
  void remember_failure(const IngestFailure& failure) override;
  void forget_failure(std::string_view path) override;
  std::vector<IngestFailure> failures() override;

  RightsRecord rights(std::string_view id) override;
  void set_rights(std::string_view id, const RightsRecord& rights) override;

  std::size_t add_listens(const std::vector<Listen>& listens) override;
  bool rename_item(std::string_view from, std::string_view to) override;
  std::vector<std::string> items() override;
  std::vector<Listen> listens() override;
  std::vector<Listen> listens_of(std::string_view user) override;
  std::vector<std::string> users() override;

  void put_work(const WorkRecord& work) override;
  std::vector<WorkRecord> works() override;
  std::optional<WorkRecord> work(std::string_view id) override;
  std::int64_t add_claim(const ClaimRecord& claim) override;
  std::vector<ClaimRecord> claims() override;

  bool forget_user(std::string_view user) override;
  bool forget_track(std::string_view id) override;

  void export_to(std::ostream& out, bool for_comparison) override;
  void import_from(std::istream& in) override;
  std::vector<std::string> check() override;
  std::filesystem::path folder() const override { return folder_; }

  void put_answers(std::string_view id, const std::vector<AnswerRecord>& answers) override;
  std::vector<AnswerRecord> answers(std::string_view id) override;
  std::vector<std::pair<std::string, std::vector<float>>> embeddings(std::string_view task,
                                                                     std::string_view model_hash) override;

 private:
  std::optional<std::int64_t> find_key(std::string_view id);
  std::int64_t key_of(std::string_view id);  ///< Error{not_found} for an unknown id
  void put_descriptors(std::int64_t key, const Descriptors& descriptors);
  bool erase(const std::function<bool()>& rows);
  void scrub();

  std::filesystem::path folder_;
  std::recursive_mutex mutex_;  ///< recursive, for transaction() calls back into the other functions
  Database database_;
};

}  // namespace euterpe
