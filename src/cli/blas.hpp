#pragma once
/// Which BLAS the program really runs on: on Debian libtorch calls whatever provides libblas.so.3.
#include <string>

namespace euterpe {

/// File and version, as "OpenBLAS 0.3.21 … (/usr/lib/…/libopenblasp-r0.3.21.so)"; "none" if no sgemm is linked.
std::string blas_name();

/// Empty if all is well, else what is slow and what to do about it.
std::string blas_problem();

}  // namespace euterpe
