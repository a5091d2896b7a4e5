#pragma once
/// What is kept: tracks, rights, listens, descriptors, works, claims. The interface; SQLite (WAL) stands behind it now.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace euterpe {

/// A track's key is the SHA-256 of its file's content (64 hex characters); commands accept an unambiguous prefix.
struct TrackRecord {
  std::string id;
  std::string path;           ///< where it was found last, absolute
  std::string kind;           ///< "audio" or "score"
  std::string title, artist, album, isrc, musicbrainz;  ///< attributes, UTF-8, may be empty
  double duration = 0;        ///< seconds
  std::int64_t added = 0;     ///< Unix seconds
};

struct RightsRecord {
  std::string owner;
  std::string licence;        ///< SPDX expression or text
  double share = 1.0;         ///< the owner's part, 0–1
  bool may_train = true, may_recommend = true;
  bool operator==(const RightsRecord&) const = default;
};

struct Listen {
  std::string user, track;    ///< track: a track id, or a foreign item id from a log
  std::int64_t time = 0;      ///< Unix seconds
};

/// What analysis found, one per track. Numbers by name ("tempo_bpm", "loudness_lufs", "key_confidence" …), texts by
/// name ("key" = "A minor"), and the content embedding: raw features (`embedding_space` names their kind and
/// version), which similar_tracks() standardizes over the catalog.
struct Descriptors {
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> texts;
  std::string embedding_space;
  std::vector<float> embedding;
};

/// A composed piece and where it comes from.
struct WorkRecord {
  std::string id;             ///< SHA-256 of the MIDI
  std::string model, model_hash, style, prompt, licence;
  std::uint64_t seed = 0;
  std::string provenance;     ///< JSON
  std::int64_t created = 0;
};

struct ClaimRecord {
  std::int64_t id = 0;        ///< given by add_claim
  std::string track, evidence /* JSON */, state;  ///< open | confirmed | disputed | released
  std::int64_t created = 0;
};

/// What a model said about a track, kept so that it need not be asked again.
struct AnswerRecord {
  std::string task;              ///< what was asked
  std::string model_hash;        ///< of all weights that the answer depends on
  std::string answer;            ///< JSON
  std::vector<float> embedding;  ///< where the answer is a place among other tracks; empty for most
  bool operator==(const AnswerRecord&) const = default;
};

struct IngestFailure {
  std::string path, cause;
};

/// All writes are transactions. Thread-safe: one catalog object may be used by several threads.
/// Several processes may read while one writes. Throws Error{io | bad_input | newer_version | not_found}.
class Catalog {
 public:
  virtual ~Catalog() = default;

  /// Runs `body`: its writes become durable together when it returns, or not at all when it throws. Other threads wait.
  /// May be nested; an inner one that throws takes back its own writes alone.
  virtual void transaction(const std::function<void()>& body) = 0;

  // Tracks
  /// Inserts or, for a known id, updates path only (attributes that the user set are kept). True if new.
  virtual bool put_track(const TrackRecord& track, const Descriptors& descriptors,
                         const std::optional<RightsRecord>& rights = {}) = 0;
  virtual std::optional<TrackRecord> track(std::string_view id_or_prefix) = 0;  ///< ambiguous prefix throws
  virtual std::vector<TrackRecord> tracks() = 0;  ///< ordered by id
  virtual std::optional<Descriptors> descriptors(std::string_view id) = 0;
  virtual void set_descriptors(std::string_view id, const Descriptors& descriptors) = 0;
  /// Large derived data kept per track under a name ("landmarks.v1"); empty optional if absent.
  virtual void put_blob(std::string_view id, std::string_view name, const std::vector<std::uint8_t>& bytes) = 0;
  virtual std::optional<std::vector<std::uint8_t>> blob(std::string_view id, std::string_view name) = 0;

  // Ingest's memory: a file seen with the same size and time of change needs no new hash.
  virtual std::optional<std::string> seen_file(std::string_view path, std::uint64_t size, std::int64_t mtime_ns) = 0;
  virtual void remember_file(std::string_view path, std::uint64_t size, std::int64_t mtime_ns, std::string_view id) = 0;
  virtual void remember_failure(const IngestFailure& failure) = 0;  ///< replaced on the next try, gone on success
  virtual void forget_failure(std::string_view path) = 0;  ///< the file is gone, so nothing is left to retry
  virtual std::vector<IngestFailure> failures() = 0;       ///< by path

  // Rights: a track without a row (and an id of no track) has the defaults.
  virtual RightsRecord rights(std::string_view id) = 0;
  virtual void set_rights(std::string_view id, const RightsRecord& rights) = 0;

  // Listens
  /// Appends; an equal (user, track, time) is stored once. Returns how many were new.
  virtual std::size_t add_listens(const std::vector<Listen>& listens) = 0;
  /// Puts every listen of the item `from` on the item `to` (both names, foreign or ids of tracks); what falls together
  /// by that is kept once. Returns whether anything was called `from`.
  virtual bool rename_item(std::string_view from, std::string_view to) = 0;
  virtual std::vector<std::string> items() = 0;                        ///< what was listened to, sorted
  virtual std::vector<Listen> listens() = 0;                           ///< by user, time, order of arrival
  virtual std::vector<Listen> listens_of(std::string_view user) = 0;   ///< by time, order of arrival
  virtual std::vector<std::string> users() = 0;                        ///< sorted

  // Works and claims
  virtual void put_work(const WorkRecord& work) = 0;  ///< a known id keeps its first record
  virtual std::vector<WorkRecord> works() = 0;
  virtual std::optional<WorkRecord> work(std::string_view id) = 0;
  virtual std::int64_t add_claim(const ClaimRecord& claim) = 0;
  virtual std::vector<ClaimRecord> claims() = 0;

  // Erasure: gone from every table (listens of it included) and from the derived files in folder() (index, kept
  // fit), then the file's free pages are overwritten.
  virtual bool forget_user(std::string_view user) = 0;   ///< false if unknown
  virtual bool forget_track(std::string_view id) = 0;

  // Backup: JSON Lines, one object a row, stable order, so that two exports of equal catalogs are equal byte for byte
  // (times of arrival are left out of the comparison form).
  virtual void export_to(std::ostream& out, bool for_comparison = false) = 0;
  /// All or nothing, adding to what is there: a row that exists already stays as it is. Error{bad_input} names the line.
  virtual void import_from(std::istream& in) = 0;

  /// What is damaged in the store, one line each; empty if it is sound.
  virtual std::vector<std::string> check() = 0;

  virtual std::filesystem::path folder() const = 0;  ///< where indexes and renderings may be kept beside the store

  // Answers of models, by track, task and model hash: those of an older model stand beside those of a newer one.
  virtual void put_answers(std::string_view id, const std::vector<AnswerRecord>& answers) = 0;  ///< replaces equal keys
  virtual std::vector<AnswerRecord> answers(std::string_view id) = 0;  ///< by task, model hash; none for an unknown id
  /// (track id, embedding) of every track with one under this key, by id.
  virtual std::vector<std::pair<std::string, std::vector<float>>> embeddings(std::string_view task,
                                                                             std::string_view model_hash) = 0;
};

/// Opens (and creates or migrates forward) the catalog in `folder` (default: $XDG_DATA_HOME/euterpe or ~/.local/share/euterpe).
std::unique_ptr<Catalog> open_catalog(const std::filesystem::path& folder);

}  // namespace euterpe
