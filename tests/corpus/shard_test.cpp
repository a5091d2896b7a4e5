#include "corpus/shard.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"

namespace euterpe {
namespace {

Shard small_shard() {
  Shard shard;
  shard.tokenizer = RemiVocabulary::kName;
  shard.vocabulary = RemiVocabulary::size();
  shard.pieces = {{"a/1", "folk", "g1", "train", {1, 2, 3, 4, 5}}, {"a/2", "pop", "g2", "valid", {6, 7, 8}}};
  shard.data = {{{"name", "a"}, {"licence", "MIT"}, {"commercial", true}, {"pieces", 2}}};
  shard.left_out = {{"too short", 3}};
  return shard;
}

class Shards : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::filesystem::path path = folder / "corpus.shard";

  std::vector<std::uint8_t> written() {
    write_shard(path, small_shard());
    return read_file(path);
  }
  /// Reads `bytes` as a shard; the error's category, which must name the file.
  Category refusal(const std::vector<std::uint8_t>& bytes) {
    write_file(path, bytes);
    try {
      read_shard(path);
    } catch (const Error& e) {
      EXPECT_NE(e.detail().find("corpus.shard"), std::string::npos) << e.what();
      return e.category();
    }
    ADD_FAILURE() << "was read";
    return Category::partial;
  }
  /// The shard with another text in its header, lengths and hash of the rest being right.
  std::vector<std::uint8_t> with_header(const std::string& from, const std::string& to) {
    const auto bytes = written();
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + 12, 8);
    std::string header(bytes.begin() + 20, bytes.begin() + 20 + static_cast<std::ptrdiff_t>(length));
    const auto at = header.find(from);
    EXPECT_NE(at, std::string::npos) << header;
    header.replace(at, from.size(), to);
    std::vector<std::uint8_t> out(bytes.begin(), bytes.begin() + 20);
    length = header.size();
    const auto rest = bytes.begin() + 20 + static_cast<std::ptrdiff_t>(bytes.size() - 20 - 16);
    std::memcpy(out.data() + 12, &length, 8);
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), rest, bytes.end());
    return out;
  }
};

TEST_F(Shards, read_back_what_was_written) {
  const Shard shard = small_shard();
  const auto bytes = written();
  const Shard back = read_shard(path);
  EXPECT_EQ(back.tokenizer, shard.tokenizer);
  EXPECT_EQ(back.vocabulary, shard.vocabulary);
  EXPECT_EQ(back.data, shard.data);
  EXPECT_EQ(back.left_out, shard.left_out);
  ASSERT_EQ(back.pieces.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back.pieces[i].id, shard.pieces[i].id);
    EXPECT_EQ(back.pieces[i].style, shard.pieces[i].style);
    EXPECT_EQ(back.pieces[i].group, shard.pieces[i].group);
    EXPECT_EQ(back.pieces[i].split, shard.pieces[i].split);
    EXPECT_EQ(back.pieces[i].tokens, shard.pieces[i].tokens);
  }
  EXPECT_EQ(back.hash, sha256(bytes));
}

TEST_F(Shards, an_unchanged_copy_with_the_same_header_is_read) {
  write_file(path, with_header("a/1", "b/7"));
  EXPECT_EQ(read_shard(path).pieces.front().id, "b/7");
}

TEST_F(Shards, cut_short_anywhere_are_refused) {
  const auto bytes = written();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_EQ(refusal({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)}), Category::bad_input)
        << length;
}

TEST_F(Shards, with_one_byte_too_many_are_refused) {
  auto bytes = written();
  bytes.push_back(0);
  EXPECT_EQ(refusal(bytes), Category::bad_input);
}

TEST_F(Shards, with_a_flipped_byte_in_the_tokens_are_refused) {
  const auto bytes = written();
  for (std::size_t i = bytes.size() - 16; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT_EQ(refusal(damaged), Category::bad_input) << i;
  }
}

TEST_F(Shards, that_are_none_are_refused) {
  EXPECT_EQ(refusal({}), Category::bad_input);
  EXPECT_EQ(refusal(std::vector<std::uint8_t>(100, 'x')), Category::bad_input);
}

TEST_F(Shards, of_a_later_version_are_told_from_broken_ones) {
  auto bytes = written();
  bytes[8] = 2;
  EXPECT_EQ(refusal(bytes), Category::newer_version);
}

TEST_F(Shards, whose_header_lies_are_refused) {
  auto bytes = written();
  for (int i = 12; i < 20; ++i) bytes[static_cast<std::size_t>(i)] = 0xFF;  // a header of 2^64 − 1 bytes
  EXPECT_EQ(refusal(bytes), Category::bad_input);
  EXPECT_EQ(refusal(with_header("\"length\":3", "\"length\":4")), Category::bad_input);
  EXPECT_EQ(refusal(with_header("\"length\":3", "\"length\":9007199254740991")), Category::bad_input);
  EXPECT_EQ(refusal(with_header("\"length\":3", "\"length\":-3")), Category::bad_input);
  EXPECT_EQ(refusal(with_header("\"length\":3", "\"length\":\"3\"")), Category::bad_input);
  EXPECT_EQ(refusal(with_header("\"offset\":5", "\"offset\":0")),
            Category::bad_input);  // the first piece's tokens twice
  EXPECT_EQ(refusal(with_header("\"split\":\"valid\"", "\"split\":\"vali\"")), Category::bad_input);
  EXPECT_EQ(refusal(with_header("\"vocabulary\":" + std::to_string(RemiVocabulary::size()), "\"vocabulary\":5")),
            Category::bad_input);
  EXPECT_EQ(refusal(with_header("\"left_out\"", "\"lost\"")), Category::bad_input);
}

}  // namespace
}  // namespace euterpe
