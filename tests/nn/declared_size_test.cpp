#include "nn/declared_size.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/error.hpp"
#include "nn/cnn.hpp"
#include "nn/note_encoder.hpp"

namespace euterpe {
namespace {

Safetensors of_size(std::int64_t n) {
  Safetensors file;
  file.put("stem.weight", {n}, std::vector<float>(static_cast<std::size_t>(n)));
  return file;
}

/// Megabytes that the process has held at most.
long peak() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

TEST(DeclaredSize, IsRefusedWhereTheFileIsFarSmaller) {
  EXPECT_NO_THROW(check_declared_size(of_size(100), 100, "load"));
  EXPECT_NO_THROW(check_declared_size(of_size(100), 0, "load"));
  EXPECT_THROW(check_declared_size(of_size(100), 202, "load"), Error);
  EXPECT_THROW(check_declared_size({}, 1 << 20, "load"), Error);
}

template <typename Make>
void refuses_without_allocating(const Make& make) {
  const long before = peak();
  try {
    make();
    FAIL() << "a lying card was believed";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::bad_input);
    EXPECT_NE(std::string(e.what()).find("declares"), std::string::npos) << e.what();
  }
  EXPECT_LT(peak() - before, 100);
}

TEST(DeclaredSize, ACardThatLiesMakesNoConvolutionalNetwork) {
  const CnnOptions lies{256, 256, {1024, 1024, 1024, 1024, 1024, 1024}, 4096};  // 0.5 GB
  refuses_without_allocating([&] { Cnn(lies, of_size(50)); });
}

TEST(DeclaredSize, ACardThatLiesMakesNoNoteEncoder) {
  const TransformerOptions lies{kNoteVocabulary, 1024, 16, 16, 4096, 256};  // 1.1 GB
  refuses_without_allocating([&] { NoteEncoder(lies, of_size(50)); });
}

}  // namespace
}  // namespace euterpe
