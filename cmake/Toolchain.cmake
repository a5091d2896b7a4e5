# ccache with precompiled headers needs these sloppiness flags, and GCC -fpch-preprocess.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()

find_program(MOLD mold)
if(MOLD AND NOT EUTERPE_SANITIZE)
  add_link_options(-fuse-ld=mold)
endif()

if(EUTERPE_SANITIZE)
  add_compile_options(-fsanitize=${EUTERPE_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${EUTERPE_SANITIZE})
endif()

# Sanitized code compiles nearly twice as fast at -O1, and its stack traces name more.
if(EUTERPE_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -DNDEBUG")
else()
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
endif()
# x86-64-v2 runs on every x86-64 server of the last fifteen years; hot loops carry AVX2 and AVX-512 clones beside it.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-march=x86-64-v2)
endif()

add_library(euterpe_warnings INTERFACE)
target_compile_options(euterpe_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                       -Wno-missing-field-initializers)
