#pragma once
/// EUTERPE_HOT in front of a function compiles it for AVX-512, AVX2 and the baseline, chosen when the program is loaded.
/// Sanitizers and other compilers get the baseline only: their ifunc resolvers run before the sanitizer is ready.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define EUTERPE_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define EUTERPE_HOT
#endif
