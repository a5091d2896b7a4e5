#pragma once
#include <string>

namespace euterpe {

/// Version of the libtorch that this program was built with, "1.13.1".
std::string torch_version();

}  // namespace euterpe
