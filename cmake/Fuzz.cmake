# One libFuzzer target for each format that comes from outside; clang only, preset `fuzz`.
option(EUTERPE_FUZZ "Build the fuzzers (clang)" OFF)
if(EUTERPE_FUZZ)
  foreach(name midi safetensors)
    file(GLOB sources ${CMAKE_SOURCE_DIR}/fuzz/${name}_fuzzer.cpp)
    add_executable(fuzz_${name} ${sources})
  endforeach()
endif()
