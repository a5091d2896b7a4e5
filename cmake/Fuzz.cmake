# One libFuzzer target for each format that comes from outside; clang only, preset `fuzz`. Only the reader under test and
# what it needs are compiled, so that the whole of a fuzzer runs under the sanitizers.
option(EUTERPE_FUZZ "Build the fuzzers and nothing else (clang)" OFF)
if(NOT EUTERPE_FUZZ)
  return()
endif()
if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
  message(FATAL_ERROR "libFuzzer needs clang; use the preset: cmake --preset fuzz")
endif()
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(musicxml REQUIRED IMPORTED_TARGET pugixml zlib)

add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -g1)
add_link_options(-fsanitize=address,undefined)
add_library(fuzz_base OBJECT src/base/error.cpp src/base/files.cpp src/base/output_file.cpp)
function(euterpe_fuzzer name)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  add_executable(fuzz_${name} ${CMAKE_SOURCE_DIR}/fuzz/${name}_fuzzer.cpp ${sources})
  target_link_libraries(fuzz_${name} PRIVATE fuzz_base)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()

target_compile_definitions(fuzz_base PRIVATE EUTERPE_SOURCE_MODELS="${CMAKE_SOURCE_DIR}/models")
target_include_directories(fuzz_base PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(fuzz_base PUBLIC fmt::fmt PkgConfig::sodium)

euterpe_fuzzer(midi ${CMAKE_SOURCE_DIR}/src/score/midi*.cpp ${CMAKE_SOURCE_DIR}/src/score/score.cpp
               ${CMAKE_SOURCE_DIR}/src/score/tempo_map.cpp)
euterpe_fuzzer(passage_index ${CMAKE_SOURCE_DIR}/src/score/passage_*.cpp
               ${CMAKE_SOURCE_DIR}/src/score/score_melody.cpp ${CMAKE_SOURCE_DIR}/src/score/score.cpp
               ${CMAKE_SOURCE_DIR}/src/score/tempo_map.cpp)
euterpe_fuzzer(safetensors ${CMAKE_SOURCE_DIR}/src/nn/safetensors.cpp)
euterpe_fuzzer(musicxml ${CMAKE_SOURCE_DIR}/src/score/media_m*.cpp ${CMAKE_SOURCE_DIR}/src/score/musicxml.cpp
               ${CMAKE_SOURCE_DIR}/src/score/midi*.cpp ${CMAKE_SOURCE_DIR}/src/score/unfold.cpp
               ${CMAKE_SOURCE_DIR}/src/score/instrument_names.cpp ${CMAKE_SOURCE_DIR}/src/score/notation.cpp
               ${CMAKE_SOURCE_DIR}/src/score/score.cpp ${CMAKE_SOURCE_DIR}/src/score/tempo_map.cpp)
target_link_libraries(fuzz_musicxml PRIVATE PkgConfig::musicxml)
target_compile_definitions(fuzz_musicxml PRIVATE EUTERPE_VERSION="fuzz")
euterpe_fuzzer(idx ${CMAKE_SOURCE_DIR}/src/corpus/idx.cpp ${CMAKE_SOURCE_DIR}/src/corpus/gunzip.cpp
               ${CMAKE_SOURCE_DIR}/src/corpus/media_gunzip.cpp)
target_link_libraries(fuzz_idx PRIVATE PkgConfig::musicxml)
euterpe_fuzzer(listening_log ${CMAKE_SOURCE_DIR}/src/catalog/listening_log.cpp ${CMAKE_SOURCE_DIR}/src/catalog/log_*.cpp
               ${CMAKE_SOURCE_DIR}/src/base/text.cpp ${CMAKE_SOURCE_DIR}/src/base/interrupt.cpp)
