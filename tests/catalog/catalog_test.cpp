#include "catalog/catalog.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"
#include "catalog/lookup.hpp"
#include "catalog/sqlite.hpp"
#include "catalog/sqlite_schema.hpp"
#include "catalog/support.hpp"

namespace euterpe {
namespace {

using test::exported;
using test::id_of;
using test::TemporaryFolder;

TrackRecord song(const std::string& prefix, const std::string& title = "Song") {
  TrackRecord track;
  track.id = id_of(prefix);
  track.path = "/music/" + title + ".wav";
  track.kind = "audio";
  track.title = title;
  track.duration = 12.5;
  return track;
}

Category category_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.category();
  }
  ADD_FAILURE() << "no Error was thrown";
  return Category::usage;
}

/// A catalog with a row of every kind, file names that are no UTF-8 and numbers that are not finite among them.
void fill(Catalog& catalog) {
  Descriptors heard;
  heard.numbers = {{"tempo_bpm", 120.25},
                   {"loudness_lufs", -std::numeric_limits<double>::infinity()},
                   {"odd", std::numeric_limits<double>::quiet_NaN()}};
  heard.texts = {{"key", "A minor"}};
  heard.embedding_space = "audio.v1";
  heard.embedding = {0.6f, -0.8f, 1e-20f};
  TrackRecord first = song("aa", "First");
  first.path = "/music/caf\xE9 \"x\".wav";
  catalog.put_track(first, heard, RightsRecord{"Ann, \"A\"", "CC-BY-4.0", 0.5, false, true});
  catalog.put_track(song("ab", "Second"), {});
  catalog.put_blob(first.id, "landmarks.v1", {0, 1, 2, 250, 255});
  catalog.put_blob(first.id, "empty", {});
  catalog.put_answers(first.id, {{"style", "hash-of-a-model", "{\"values\":[[\"pop\",0.75]]}", {}},
                                 {"embedding", "hash-of-an-encoder", "{}", {0.25f, -1.5f}}});
  catalog.remember_file(first.path, 42, 1'700'000'000'123'456'789, first.id);
  catalog.remember_failure({"/music/bad\xFF.mid", "byte 3: cut short"});
  catalog.add_listens({{"ann", first.id, 30}, {"ann", "foreign", 20}, {"bob", first.id, 10}, {"bob", "foreign", 10}});
  catalog.put_work({id_of("f0"), "folk", "hash", "folk", "prompt", "CC0-1.0", ~0ull, "{\"bars\":16}", 5});
  catalog.add_claim({0, first.id, "{\"score\":9}", "open", 7});
}

TEST(Catalog, ATrackComesBackAsItWasPut) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  const TrackRecord track = catalog->track("aa").value();
  EXPECT_EQ(track.path, "/music/caf\xE9 \"x\".wav");
  EXPECT_EQ(track.duration, 12.5);
  EXPECT_GT(track.added, 1'600'000'000);
  const Descriptors heard = catalog->descriptors(track.id).value();
  EXPECT_EQ(heard.numbers.at("tempo_bpm"), 120.25);
  EXPECT_TRUE(std::isinf(heard.numbers.at("loudness_lufs")));
  EXPECT_TRUE(std::isnan(heard.numbers.at("odd")));
  EXPECT_EQ(heard.texts.at("key"), "A minor");
  EXPECT_EQ(heard.embedding, (std::vector<float>{0.6f, -0.8f, 1e-20f}));
  EXPECT_EQ(catalog->rights(track.id), (RightsRecord{"Ann, \"A\"", "CC-BY-4.0", 0.5, false, true}));
  EXPECT_EQ(catalog->rights(id_of("ab")), RightsRecord{});
  EXPECT_EQ(catalog->blob(track.id, "landmarks.v1"), (std::vector<std::uint8_t>{0, 1, 2, 250, 255}));
  EXPECT_EQ(catalog->blob(track.id, "empty"), std::vector<std::uint8_t>{});
  EXPECT_FALSE(catalog->blob(track.id, "other"));
  EXPECT_EQ(catalog->works().at(0).seed, ~0ull);
  EXPECT_EQ(catalog->claims().at(0).track, track.id);
}

TEST(Catalog, AKnownTrackKeepsItsAttributesAndMoves) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  EXPECT_TRUE(catalog->put_track(song("aa", "Old"), {}));
  TrackRecord again = song("aa", "New");
  EXPECT_FALSE(catalog->put_track(again, {}));
  EXPECT_EQ(catalog->track("aa")->title, "Old");
  EXPECT_EQ(catalog->track("aa")->path, "/music/New.wav");
}

TEST(Catalog, APrefixFindsOneTrackAndRefusesTwo) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  EXPECT_EQ(catalog->track("AB")->title, "Second");
  EXPECT_FALSE(catalog->track("b"));
  EXPECT_FALSE(catalog->track(""));
  EXPECT_FALSE(catalog->track("First"));
  EXPECT_EQ(category_of([&] { catalog->track("a"); }), Category::usage);
  EXPECT_EQ(find_track(*catalog, "First").id, id_of("aa"));
  EXPECT_EQ(find_track(*catalog, "Second.wav").id, id_of("ab"));
  EXPECT_EQ(find_track(*catalog, "/music/x/../Second.wav").id, id_of("ab"));
  EXPECT_EQ(category_of([&] { find_track(*catalog, "Third"); }), Category::not_found);
}

TEST(Lookup, ANameOfHexadecimalDigitsIsNoBeginningOfAnId) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  catalog->put_track(song("001"), {});
  catalog->put_track(song("fa", "001"), {});
  catalog->put_track(song("fb", "deadbeef"), {});
  catalog->put_track(song("deadbeef", "Other"), {});
  catalog->put_track(song("deadbeef1234aa", "Third"), {});
  catalog->put_track(song("deadbeef1234ab", "Fourth"), {});
  EXPECT_EQ(find_track(*catalog, "001").id, id_of("fa"));
  EXPECT_EQ(find_track(*catalog, "deadbeef").id, id_of("fb"));
  EXPECT_EQ(find_track(*catalog, id_of("deadbeef")).title, "Other");
  EXPECT_EQ(find_track(*catalog, "deadbeef0000").title, "Other");  // what the list shows
  EXPECT_EQ(find_track(*catalog, "DEADBEEF0").title, "Other");
  EXPECT_EQ(find_track(*catalog, "00100000").title, "Song");
  EXPECT_EQ(category_of([&] { find_track(*catalog, "0010000"); }), Category::not_found);
  EXPECT_EQ(category_of([&] { find_track(*catalog, "deadbeef1234"); }), Category::usage);
}

TEST(Catalog, AnswersAreKeptByTrackTaskAndModel) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  const std::string a = id_of("aa"), b = id_of("ab");
  catalog->put_track(song("aa"), {});
  catalog->put_track(song("ab"), {});
  const AnswerRecord style{"style", "old", "{\"pop\":0.5}", {}}, newer{"style", "new", "{\"pop\":0.75}", {}};
  const AnswerRecord place{"embedding", "encoder", "{}", {1, -2, 3}};
  catalog->put_answers(a, {style, place});
  catalog->put_answers(a, {newer});
  catalog->put_answers(b, {{"embedding", "another encoder", "{}", {1}}});
  EXPECT_EQ(catalog->answers(a), (std::vector<AnswerRecord>{place, newer, style}));
  const AnswerRecord again{"style", "old", "{}", {}};
  catalog->put_answers(a, {again});
  EXPECT_EQ(catalog->answers(a).back(), again);
  ASSERT_EQ(catalog->embeddings("embedding", "encoder").size(), 1u);
  EXPECT_EQ(catalog->embeddings("embedding", "encoder").front(), std::pair(a, place.embedding));
  EXPECT_TRUE(catalog->answers(id_of("ff")).empty());
  EXPECT_EQ(category_of([&] { catalog->put_answers(id_of("ff"), {style}); }), Category::not_found);
}

TEST(Catalog, ListensComeInOrderOfTimeAndOnce) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  EXPECT_EQ(catalog->add_listens({{"u", "b", 5}, {"u", "a", 5}, {"u", "c", 1}, {"u", "b", 5}}), 3u);
  EXPECT_EQ(catalog->add_listens({{"u", "a", 5}, {"t", "a", 5}}), 1u);
  std::string order;
  for (const Listen& listen : catalog->listens_of("u")) order += listen.track;
  EXPECT_EQ(order, "cba");  // equal times: as they came
  EXPECT_EQ(catalog->users(), (std::vector<std::string>{"t", "u"}));
  EXPECT_EQ(catalog->listens().front().user, "t");
  EXPECT_TRUE(catalog->listens_of("nobody").empty());
}

TEST(Catalog, ATransactionThatThrowsLeavesNothing) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  const std::string before = exported(*catalog, false);
  EXPECT_EQ(category_of([&] {
              catalog->transaction([&] {
                catalog->put_track(song("cc"), {});
                catalog->add_listens({{"zed", "x", 1}});
                catalog->set_rights(id_of("dd"), {});  // no such track
              });
            }),
            Category::not_found);
  EXPECT_EQ(exported(*catalog, false), before);
}

TEST(Catalog, ImpossibleRightsAreRefused) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  for (const double share : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_EQ(category_of([&] {
                catalog->set_rights(id_of("aa"), {"x", "y", share, true, true});
              }),
              Category::bad_input);
  EXPECT_EQ(category_of([&] { catalog->set_rights(id_of("aa"), {"x\ny", "", 1, true, true}); }), Category::bad_input);
}

TEST(Catalog, SeveralThreadsMayWriteAndReadAtOnce) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        catalog->put_track(song(fmt::format("{:02x}{:02x}", t, i)), {});
        catalog->tracks();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(catalog->tracks().size(), 100u);
  EXPECT_TRUE(catalog->check().empty());
}

TEST(Catalog, AnotherConnectionReadsWhileOneWrites) {
  TemporaryFolder folder;
  const auto writer = open_catalog(folder.path()), reader = open_catalog(folder.path());
  fill(*writer);
  writer->transaction([&] {
    writer->put_track(song("cc"), {});
    EXPECT_EQ(reader->tracks().size(), 2u);
    EXPECT_NO_THROW(exported(*reader));
  });
  EXPECT_EQ(reader->tracks().size(), 3u);
}

TEST(Backup, AnExportImportsIntoAnEqualCatalog) {
  TemporaryFolder a, b;
  const auto from = open_catalog(a.path()), to = open_catalog(b.path());
  fill(*from);
  std::istringstream in(exported(*from, false));
  to->import_from(in);
  EXPECT_EQ(exported(*to, false), exported(*from, false));
  in.clear();
  in.seekg(0);
  to->import_from(in);  // again: nothing doubled
  EXPECT_EQ(exported(*to, false), exported(*from, false));
}

TEST(Backup, AnyBytesSurviveTheRoundTrip) {
  TemporaryFolder a, b;
  const auto from = open_catalog(a.path()), to = open_catalog(b.path());
  Random random(7);
  const auto any_text = [&] {
    std::string text;
    const bool ascii = random.below(2) == 0;
    for (auto n = random.below(20); n > 0; --n) text += static_cast<char>(random.below(ascii ? 128 : 256));
    return text;
  };
  from->transaction([&] {
    for (int i = 0; i < 300; ++i) {
      TrackRecord track = song(fmt::format("{:04x}", i), any_text());
      track.path = any_text();
      Descriptors heard;
      for (auto n = random.below(9); n > 0; --n)
        heard.embedding.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random.next())));
      heard.numbers["x"] = std::bit_cast<double>(random.next());
      heard.texts["y"] = any_text();
      from->put_track(track, heard);
      from->add_listens({{"u" + any_text(), "t" + any_text(), static_cast<std::int64_t>(random.next())}});
    }
  });
  const std::string text = exported(*from, false);
  std::istringstream in(text);
  to->import_from(in);
  EXPECT_EQ(exported(*to, false), text);
  for (const TrackRecord& track : from->tracks()) {
    EXPECT_EQ(to->track(track.id)->path, track.path);
    const double before = from->descriptors(track.id)->numbers["x"], after = to->descriptors(track.id)->numbers["x"];
    EXPECT_TRUE(before == after || (std::isnan(before) && std::isnan(after)));
  }
}

TEST(Backup, WhatIsThereAlreadyStays) {
  TemporaryFolder a, b;
  const auto from = open_catalog(a.path()), to = open_catalog(b.path());
  fill(*from);
  to->put_track(song("aa", "Mine"), {}, RightsRecord{"Me", "", 1, true, false});
  std::istringstream in(exported(*from, false));
  to->import_from(in);
  EXPECT_EQ(to->track("aa")->title, "Mine");
  EXPECT_EQ(to->track("aa")->path, "/music/Mine.wav");
  EXPECT_EQ(to->rights(id_of("aa")).owner, "Me");
  EXPECT_EQ(to->tracks().size(), 2u);
}

TEST(Backup, ADamagedExportChangesNothing) {
  TemporaryFolder a, b;
  const auto from = open_catalog(a.path()), to = open_catalog(b.path());
  fill(*from);
  const std::string whole = exported(*from, false), empty = exported(*to, false);
  const auto refuses = [&](std::string text, Category category) {
    std::istringstream in(std::move(text));
    EXPECT_EQ(category_of([&] { to->import_from(in); }), category);
    EXPECT_EQ(exported(*to, false), empty);
  };
  refuses("", Category::bad_input);
  refuses("{}\n", Category::bad_input);
  refuses(whole.substr(0, whole.size() / 2), Category::bad_input);
  refuses(whole.substr(0, whole.rfind("{", whole.size() - 3)), Category::bad_input);  // the end row is missing
  std::string row_lost = whole;
  const std::size_t second = row_lost.find("{\"bytes\"");
  row_lost.erase(second, row_lost.find('\n', second) + 1 - second);
  refuses(row_lost, Category::bad_input);
  std::string newer = whole;
  newer.replace(newer.find("\"version\":2"), 11, "\"version\":9");
  refuses(newer, Category::newer_version);
}

/// The raw bytes of every file of the catalog.
std::string raw(const std::filesystem::path& folder) {
  std::string all;
  for (const auto& path : walk_files({folder})) all += read_text(path);
  return all;
}

TEST(Forget, AListenerIsGoneFromTheExportAndFromTheRawFiles) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  std::vector<Listen> many;
  for (int i = 0; i < 3000; ++i) many.push_back({fmt::format("listener {}", i % 50), fmt::format("item {}", i), i});
  for (int i = 0; i < 500; ++i) many.push_back({"Wilhelmine Unforgotten", fmt::format("secret taste {}", i), i});
  catalog->add_listens(many);
  ASSERT_NE(raw(folder.path()).find("Wilhelmine"), std::string::npos);
  ASSERT_NE(raw(folder.path()).find("secret taste"), std::string::npos);

  EXPECT_TRUE(catalog->forget_user("Wilhelmine Unforgotten"));
  EXPECT_EQ(exported(*catalog, false).find("Wilhelmine"), std::string::npos);
  EXPECT_EQ(raw(folder.path()).find("Wilhelmine"), std::string::npos);
  EXPECT_EQ(raw(folder.path()).find("secret taste"), std::string::npos);
  EXPECT_EQ(catalog->listens().size(), 3004u);
  EXPECT_FALSE(catalog->forget_user("Wilhelmine Unforgotten"));
  EXPECT_TRUE(catalog->check().empty());
}

TEST(Forget, ATrackTakesAllThatHangsOnItAlong) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  catalog->put_blob(id_of("aa"), "landmarks.v1", std::vector<std::uint8_t>(50'000, 'Q'));
  ASSERT_NE(raw(folder.path()).find("QQQQQQQQ"), std::string::npos);
  EXPECT_TRUE(catalog->forget_track(id_of("aa")));
  const std::string left = exported(*catalog, false), bytes = raw(folder.path());
  EXPECT_EQ(left.find(id_of("aa")), std::string::npos);
  EXPECT_EQ(left.find("First"), std::string::npos);
  EXPECT_EQ(bytes.find(id_of("aa")), std::string::npos);
  EXPECT_EQ(bytes.find("QQQQQQQQ"), std::string::npos);
  EXPECT_EQ(bytes.find("A minor"), std::string::npos);
  EXPECT_EQ(bytes.find("hash-of-a-model"), std::string::npos);
  EXPECT_TRUE(catalog->answers(id_of("aa")).empty());
  EXPECT_EQ(catalog->listens().size(), 2u);
  EXPECT_TRUE(catalog->claims().empty());
  EXPECT_FALSE(catalog->forget_track(id_of("aa")));
}

TEST(Forget, AComposedTrackLeavesNoRecordOfHowItWasMade) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  catalog->put_work({id_of("aa"), "folk", "hash", "folk", "hidden prompt", "CC0-1.0", 3, "{}", 5});
  EXPECT_TRUE(catalog->forget_track(id_of("aa")));
  const std::string left = exported(*catalog, false);
  EXPECT_EQ(left.find(id_of("aa")), std::string::npos);
  EXPECT_EQ(left.find("hidden prompt"), std::string::npos);
  EXPECT_TRUE(catalog->work(id_of("f0")));  // other works stay
}

TEST(Forget, WhatWasMadeFromTheErasedGoesAndOtherFilesStay) {
  TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  fill(*catalog);
  for (const char* name : {"index/landmarks.idx", "models/recommend.fit", "models/mine/model.safetensors"})
    test::write(folder / name, "ann");
  EXPECT_FALSE(catalog->forget_user("nobody"));
  EXPECT_TRUE(std::filesystem::exists(folder / "index/landmarks.idx"));
  EXPECT_TRUE(catalog->forget_user("ann"));
  EXPECT_FALSE(std::filesystem::exists(folder / "index/landmarks.idx"));
  EXPECT_FALSE(std::filesystem::exists(folder / "models/recommend.fit"));
  EXPECT_TRUE(std::filesystem::exists(folder / "models/mine/model.safetensors"));
}

TEST(Forget, AnErasureThatWasCutShortIsFinishedByTheNextOpening) {
  TemporaryFolder folder;
  open_catalog(folder.path());
  {
    Database database(folder / "catalog.db");
    database.execute("INSERT INTO housekeeping VALUES('scrub', 'pending')");
  }
  const auto catalog = open_catalog(folder.path());
  Database database(folder / "catalog.db");
  EXPECT_EQ(database.scalar("SELECT count(*) FROM housekeeping"), 0);
}

// The tables as version 1 had them, so far as a catalog of one track and one listen needs them filled.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE tracks(key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, kind TEXT NOT NULL,
  title TEXT NOT NULL, artist TEXT NOT NULL, album TEXT NOT NULL, isrc TEXT NOT NULL, musicbrainz TEXT NOT NULL,
  duration REAL NOT NULL, added INTEGER NOT NULL, embedding_space TEXT NOT NULL, embedding BLOB NOT NULL);
CREATE TABLE numbers(track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, name TEXT NOT NULL, value REAL,
  PRIMARY KEY(track, name)) WITHOUT ROWID;
CREATE TABLE texts(track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(track, name)) WITHOUT ROWID;
CREATE TABLE blobs(track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, name TEXT NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY(track, name));
CREATE TABLE rights(track INTEGER PRIMARY KEY REFERENCES tracks ON DELETE CASCADE, owner TEXT NOT NULL,
  licence TEXT NOT NULL, share REAL NOT NULL, may_train INTEGER NOT NULL, may_recommend INTEGER NOT NULL);
CREATE TABLE files(path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE failures(path TEXT PRIMARY KEY, cause TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE listeners(key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE items(key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE listens(key INTEGER PRIMARY KEY, listener INTEGER NOT NULL REFERENCES listeners,
  item INTEGER NOT NULL REFERENCES items, time INTEGER NOT NULL, UNIQUE(listener, time, item));
CREATE TABLE works(id TEXT PRIMARY KEY, model TEXT NOT NULL, model_hash TEXT NOT NULL, style TEXT NOT NULL,
  prompt TEXT NOT NULL, licence TEXT NOT NULL, seed INTEGER NOT NULL, provenance TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE claims(id INTEGER PRIMARY KEY AUTOINCREMENT, track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
  evidence TEXT NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL);
INSERT INTO tracks VALUES(1, 'aa00000000000000000000000000000000000000000000000000000000000000', '/a.mid', 'score',
  'A', '', '', '', '', 3.5, 1600000000, 'score.v1', x'0000803f');
INSERT INTO numbers VALUES(1, 'tempo_bpm', 90);
INSERT INTO listeners VALUES(1, 'ann');
INSERT INTO items VALUES(1, 'aa00000000000000000000000000000000000000000000000000000000000000');
INSERT INTO listens VALUES(1, 1, 1, 77);
PRAGMA application_id = 0x45555450; PRAGMA user_version = 1;
)sql";

TEST(Migration, AFileOfVersion1ComesForwardWithItsRows) {
  TemporaryFolder folder;
  Database(folder / "catalog.db").execute(kVersion1);
  const auto catalog = open_catalog(folder.path());
  EXPECT_EQ(catalog->track("aa")->title, "A");
  EXPECT_EQ(catalog->descriptors(id_of("aa"))->numbers.at("tempo_bpm"), 90);
  EXPECT_EQ(catalog->descriptors(id_of("aa"))->embedding, std::vector<float>{1.0f});
  EXPECT_EQ(catalog->listens_of("ann").at(0).time, 77);
  EXPECT_EQ(Database(folder / "catalog.db").scalar("PRAGMA user_version"), catalog_schema_version());
  EXPECT_TRUE(catalog->forget_user("ann"));  // needs the table of version 2
}

TEST(Migration, ANewerFileIsLeftAlone) {
  TemporaryFolder folder;
  open_catalog(folder.path());
  Database(folder / "catalog.db").execute("PRAGMA user_version = 9999");
  EXPECT_EQ(category_of([&] { open_catalog(folder.path()); }), Category::newer_version);
  EXPECT_EQ(Database(folder / "catalog.db").scalar("PRAGMA user_version"), 9999);
}

TEST(Migration, AFileOfSomethingElseIsRefused) {
  TemporaryFolder other, garbage;
  Database(other / "catalog.db").execute("CREATE TABLE recipes(name TEXT)");
  EXPECT_EQ(category_of([&] { open_catalog(other.path()); }), Category::bad_input);
  test::write(garbage / "catalog.db", std::string(5000, 'x'));
  EXPECT_EQ(category_of([&] { open_catalog(garbage.path()); }), Category::bad_input);
}

TEST(Check, DamageInTheFileIsFound) {
  TemporaryFolder folder;
  {
    const auto catalog = open_catalog(folder.path());
    fill(*catalog);
    EXPECT_TRUE(catalog->check().empty());
  }
  Database(folder / "catalog.db")
      .execute(
          "PRAGMA foreign_keys = OFF; INSERT INTO numbers VALUES(99, 'x', 1); UPDATE tracks SET embedding = x'01'");
  EXPECT_EQ(open_catalog(folder.path())->check().size(), 3u);  // one lost row, two embeddings
}

}  // namespace
}  // namespace euterpe
