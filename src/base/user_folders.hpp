#pragma once
/// Where a user's own files stand.
#include <filesystem>

namespace euterpe {

/// $XDG_DATA_HOME/euterpe, else ~/.local/share/euterpe (XDG Base Directory Specification 0.8).
/// Error{usage} where neither XDG_DATA_HOME nor HOME is set.
std::filesystem::path user_data_folder();

}  // namespace euterpe
