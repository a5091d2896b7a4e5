#pragma once
/// From recordings to a manifest: where they come from, cleaning, doubles, splits.
#include <set>

#include "catalog/catalog.hpp"
#include "corpus/media_audio_defects.hpp"
#include "corpus/media_audio_manifest.hpp"
#include "corpus/media_near_duplicates.hpp"

namespace euterpe {

/// What a split must not divide.
enum class GroupBy { artist, folder, file };
GroupBy group_by(std::string_view name);  ///< Error{usage} listing the names

/// A recording before it is heard.
struct AudioItem {
  std::string id;
  std::filesystem::path path;
  std::string label, group;  ///< group empty: its artist by the tags, else the file itself
  std::string licence;
};

struct AudioSource {
  std::string name, licence;
  bool commercial = true;
  std::vector<AudioItem> items;
  std::map<std::string, int> left_out;  ///< counted before this step, e.g. {"may_train = no", 3}
};

/// Every audio file below the folder, or the one file that is named, whatever its name. The first folder below it is
/// the label; artists.csv (file,artist), where it is there, names the artists. emotify and instruments are known by
/// their layout, also where one class of theirs is named, and bring their licence. Throws Error{not_found} if there is
/// none.
AudioSource audio_source_from_folder(const std::filesystem::path& folder, GroupBy by = GroupBy::artist);
/// The catalog's recordings, by artist; tracks marked may_train = no are never opened, changed files left out.
AudioSource audio_source_from_catalog(Catalog& catalog, GroupBy by = GroupBy::artist);

struct PrepareAudioOptions {
  DefectLimits limits;
  DuplicateOptions duplicates;
  bool keep_near_duplicates = false;  ///< true = off
  std::set<std::string> forbidden;    ///< SHA-256 of files that may not be learned from, see forbidden_tracks()
};

/// Hears every file (in parallel, each in bounded memory), leaves out what cannot be read, what judge() refuses, exact
/// doubles (equal bytes, or equal sound in another wrapping) and near duplicates, of which the one with the longest
/// useful part stays, then the one with the fewest defects, the widest spectrum, the first. What is left out is listed
/// with its reason. Groups are split by hash, see split_of().
AudioManifest prepare_audio(std::span<const AudioSource> sources, const PrepareAudioOptions& options = {});

}  // namespace euterpe
