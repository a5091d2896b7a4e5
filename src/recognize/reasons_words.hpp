#pragma once
/// What named descriptors are called among musicians.
#include <string>
#include <string_view>

namespace euterpe {

/// How a descriptor is spoken of; `more` and `less` complete "it is/has … than most pop".
struct DescriptorWords {
  std::string family;      ///< "brightness", "pulse and tempo" … "other figures" for a name that is not known
  std::string more, less;  ///< "brighter", "darker"; empty if it has no plain words: then it is never shown
  std::string quantity;    ///< "spectral centroid"; of shares what they are of: "of the time"
  std::string unit;        ///< "Hz", "%", may be empty
  int decimals = 0;
  double (*to_unit)(double) = nullptr;  ///< none: the descriptor is in its unit

  bool is_share() const { return unit.starts_with('%'); }
  double in_unit(double value) const;         ///< from the raw descriptor, monotone
  std::string number(double value) const;     ///< of a value in unit, without it: "2,900"
  std::string with_unit(double value) const;  ///< "spectral centroid 2,900 Hz", "88 % of the time"
};

/// Of audio_feature_names(), score_feature_names(), emotion_feature_names(), drum_feature_names(), and of
/// "embedding.N", what a network hears. Any other name is called by itself.
DescriptorWords descriptor_words(std::string_view name);

}  // namespace euterpe
