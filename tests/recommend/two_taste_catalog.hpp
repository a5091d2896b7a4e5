#pragma once
/// A catalog small enough to know what its listeners want.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "catalog/catalog.hpp"

namespace euterpe {

/// A catalog of 40 tracks, two tastes of 20; 60 listeners "a0" … hear 8 tracks of one taste alone. Track k of taste t
/// is id(t, k), and its sound is one of two clusters, by taste.
class TwoTasteCatalog : public ::testing::Test {
 protected:
  TwoTasteCatalog() {
    catalog_ = open_catalog(folder_.path());
    Random random(11);
    for (int taste = 0; taste < 2; ++taste)
      for (int k = 0; k < 20; ++k) add_track(id(taste, k), taste, random);
    std::vector<Listen> listens;
    for (int user = 0; user < 60; ++user) {
      std::vector<int> order(20);
      std::iota(order.begin(), order.end(), 0);
      random.shuffle(order);
      for (int k = 0; k < 8; ++k)
        listens.push_back({"a" + std::to_string(user), id(user % 2, order[static_cast<std::size_t>(k)]), k});
    }
    catalog_->add_listens(listens);
  }

  static std::string id(int taste, int k) { return sha256("track " + std::to_string(taste) + " " + std::to_string(k)); }
  static int taste_of(const std::string& track) {
    for (int k = 0; k < 21; ++k)
      if (track == id(0, k)) return 0;
    return 1;
  }
  void add_track(const std::string& track, int taste, Random& random, const std::string& artist = "") {
    TrackRecord record;
    record.id = track;
    record.path = "/music/" + track;
    record.kind = "audio";
    record.artist = artist;
    record.title = "Title " + track.substr(0, 4);
    Descriptors descriptors;
    descriptors.embedding_space = "test.v1";
    for (int d = 0; d < 8; ++d)
      descriptors.embedding.push_back(static_cast<float>((d % 2 == taste) + 0.1 * random.normal()));
    float norm = 0;
    for (const float v : descriptors.embedding) norm += v * v;
    for (float& v : descriptors.embedding) v /= std::sqrt(norm);
    catalog_->put_track(record, descriptors);
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace euterpe
