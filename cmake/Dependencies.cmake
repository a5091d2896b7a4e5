find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)

function(euterpe_pkg name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(euterpe::${name} INTERFACE IMPORTED)
  target_link_libraries(euterpe::${name} INTERFACE PkgConfig::${name})
endfunction()

euterpe_pkg(sodium libsodium)
if(EUTERPE_MEDIA)
  euterpe_pkg(ffmpeg libavformat libavcodec libavfilter libswresample libavutil)
  euterpe_pkg(ebur128 libebur128)
  euterpe_pkg(fluidsynth fluidsynth)
  euterpe_pkg(cairo cairo)
  euterpe_pkg(sqlite sqlite3)
  euterpe_pkg(pugixml pugixml)
  euterpe_pkg(zlib zlib)
  set(musicxml_packages euterpe::pugixml euterpe::zlib)
  set(gzip_packages euterpe::zlib)
endif()

find_package(Torch REQUIRED)

# Debian's libtorch calls whatever provides libblas.so.3. The reference BLAS is thirty times slower than OpenBLAS.
if(NOT DEFINED EUTERPE_BLAS_CHECKED AND TORCH_LIBRARY MATCHES "^/usr/lib")
  execute_process(COMMAND ldconfig -p OUTPUT_VARIABLE cache)
  string(REGEX MATCH "libblas\\.so\\.3[^\n]*=> ([^\n]+)" found "${cache}")
  file(REAL_PATH "${CMAKE_MATCH_1}" blas)
  if(NOT found OR NOT blas MATCHES "openblas|mkl|blis|atlas")
    message(FATAL_ERROR
      "libtorch would run on the reference BLAS (${blas}): 6 GFLOP/s where OpenBLAS gives 200. "
      "Run: apt-get install libopenblas0-openmp")
  endif()
  set(EUTERPE_BLAS_CHECKED "${blas}" CACHE INTERNAL "")
endif()
