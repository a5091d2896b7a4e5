#pragma once
/// Recordings of known label, heard once for training and evaluation.
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "recognize/audio_heads.hpp"

namespace euterpe {

/// What the listeners of Emotify could choose: the Geneva Emotional Music Scale (Zentner et al. 2008).
const std::vector<std::string>& emotion_labels();

struct LabeledClip {
  std::string file;   ///< relative to the folder, "rock/17.mp3"
  std::string group;  ///< artist: folds never divide a group; the file itself where no artist is known
  int label = 0;      ///< index into AudioClips::labels
  AudioEvidence evidence;
  std::vector<double> votes;  ///< mean over the listeners, in the order of emotion_labels(); empty without any
};

struct AudioClips {
  std::vector<std::string> labels;  ///< the subfolders' names, sorted
  std::vector<LabeledClip> clips;   ///< sorted by file
  std::filesystem::path folder;
  int forbidden = 0;     ///< left out because the file may not be learned from
  bool artists = false;  ///< whether artists.csv says who plays
  bool votes = false;    ///< whether votes.csv says what listeners felt
};

/// Every audio file below folder/LABEL/, at most kAudioExcerpt from its middle. artists.csv (file,artist) gives groups;
/// votes.csv (one row a listener: file and 0 or 1 for each of emotion_labels(), Aljanaki et al. 2015) gives votes.
/// Files are heard side by side on threads(); those that cannot be read or are silent are reported and left out. \param
/// data the folder itself or one that holds it under the name `set` \param forbidden SHA-256 of files to be left out
/// Error{not_found} if there is no such folder; Error{bad_input} for no label, or a broken CSV with its line.
AudioClips read_audio_clips(const std::filesystem::path& data, const std::string& set, const AudioEncoder& encoder,
                            const std::set<std::string>& forbidden = {});

}  // namespace euterpe
