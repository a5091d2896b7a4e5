#pragma once
/// What was learned about melodies: weights of the network that scores a pitch candidate (melody.cpp says of what).
///
/// Maximum likelihood of the melody's notes, or of its silence, in 24 songs of POP909's training split (Wang et al.
/// 2020, MIT) played on a sampled piano; each song shifted at random by up to five semitones in the two features of
/// height, so that a high or low voice is no worse a melody. Features are taken as they are: their scale is in the
/// weights.
#include <array>
#include <cstddef>

#include "signal/melody_candidates.hpp"

namespace euterpe::melody_weights {

inline constexpr std::size_t kHidden = 8;

/// [kHidden][kMelodyFeatures]
inline constexpr std::array<std::array<float, kMelodyFeatures>, kHidden> kInput = {{
    {-0.9044F, -1.806F, 1.371F,  0.151F,   0.2832F, 0.5624F,  1.438F,   -0.339F, 0.3298F,  0.08377F, 0.07708F,
     0.2436F,  1.013F,  0.1042F, -0.1394F, 0.6602F, -0.3782F, -0.2449F, 0.4701F, -0.8703F, -0.2436F, -0.1378F,
     -3.585F,  0.1573F, 0.457F,  0.171F,   1.016F,  0.1533F,  -0.2406F, 0.3709F, 1.118F,   -1.117F,  0.07491F},
    {0.5858F, -0.3472F, 0.3789F,  0.3006F,  -0.03399F, -0.4388F,  0.3574F, 0.5341F,   0.1448F,  -0.1048F, -0.3603F,
     0.1231F, -0.3297F, 0.05285F, -0.1684F, -0.2186F,  -0.03564F, -1.24F,  -1.258F,   2.967F,   -1.354F,  -1.912F,
     2.399F,  0.5856F,  -0.5338F, -0.3902F, -0.855F,   -0.2935F,  -1.04F,  -0.08817F, 0.01962F, -0.6135F, -0.1665F},
    {0.6447F, 1.403F,  1.046F,   -0.0173F, 0.4802F,  0.08972F, 0.4882F,   0.4587F,   1.153F,  0.8628F,  -0.06605F,
     0.4201F, 0.1353F, 0.05383F, -0.5256F, 0.1434F,  -0.5959F, -0.05101F, 0.568F,    1.169F,  -0.1681F, 0.6313F,
     2.257F,  -3.284F, -0.5421F, -0.2966F, 0.04974F, -0.378F,  -0.1182F,  -0.09139F, 0.2949F, 0.7088F,  0.1399F},
    {-2.496F, -0.5721F, -0.309F,  -0.2513F, 0.04142F, -0.04271F, -1.158F,  -0.2697F,  0.697F,    0.07828F, 0.1759F,
     0.2181F, -0.184F,  0.03548F, -0.7599F, 0.01049F, 0.5079F,   -0.1778F, 0.834F,    -0.01534F, -0.6267F, 0.2342F,
     -1.306F, -0.6548F, 0.6108F,  0.2233F,  1.324F,   0.2787F,   0.3543F,  -0.07209F, -0.07761F, -1.115F,  0.02524F},
    {-1.793F,  -0.5272F,  -0.06082F, -0.6412F,   -0.2342F, 0.1417F,  -0.4294F, -0.6337F, 0.1948F, -0.4072F, -0.04415F,
     0.08884F, 0.1773F,   0.05799F,  0.06734F,   0.5743F,  0.05651F, 0.2382F,  -0.1829F, 1.27F,   -0.5836F, 0.2175F,
     -1.01F,   -0.07966F, 0.2352F,   -0.001461F, 0.2281F,  -0.7008F, 0.01852F, -1.312F,  0.8358F, -0.5358F, -0.08592F},
    {0.3128F,  -2.24F,   -0.3709F, -0.7247F, 0.2214F,  0.7619F,  -0.4065F, -0.2029F, -0.5206F, 0.3025F, 0.4094F,
     -0.2388F, -0.4138F, 0.08217F, 0.3304F,  -0.2381F, -1.027F,  -0.435F,  0.9607F,  0.1575F,  1.111F,  0.003058F,
     1.877F,   -4.648F,  0.6718F,  -0.495F,  -0.097F,  0.05077F, 0.12F,    0.05755F, 0.7518F,  -3.459F, 0.05149F},
    {3.845F,   -2.346F,   -0.07238F, -0.6388F, -0.128F,  0.6645F,  0.7286F, 0.1657F,   -0.2424F, 0.3492F, -0.645F,
     -0.2448F, -0.08918F, 0.07488F,  -0.2447F, -0.4488F, -0.5384F, 1.508F,  0.9163F,   0.6737F,  0.3751F, -0.4448F,
     0.1561F,  -1.644F,   0.1902F,   0.03761F, -0.3291F, 0.01743F, 0.3847F, -0.02142F, 1.594F,   4.529F,  0.1464F},
    {-2.979F, 0.02165F, -0.2978F,  0.04943F, 1.084F,   0.8511F,  1.567F,   -0.009993F, -0.00483F, 0.8724F, -0.07111F,
     0.2167F, 0.1725F,  -0.02042F, 0.1781F,  -0.777F,  -0.6997F, -0.8226F, -1.019F,    -0.682F,   1.408F,  -0.2112F,
     0.1754F, 0.9519F,  -0.615F,   -1.414F,  -0.9915F, -0.1441F, 0.1276F,  0.01619F,   0.5389F,   1.4F,    -0.2258F},
}};
inline constexpr std::array<float, kHidden> kInputBias = {9.188F, 6.036F,  8.225F,  -4.0F,
                                                          -2.26F, -1.037F, 0.7046F, 6.607F};
inline constexpr std::array<float, kHidden> kOutput = {-1.149F, -1.248F, 2.305F, -1.474F,
                                                       -2.086F, -1.77F,  1.658F, 1.871F};
/// Past the hidden layer.
inline constexpr std::array<float, kMelodyFeatures> kDirect = {
    0.5445F,  -0.7894F, -0.4747F, -1.902F, -0.8583F, -0.3974F, -0.3946F, -0.7837F, 0.2163F,  0.2023F, 0.1996F,
    -0.1621F, -0.2604F, 0.01682F, 0.7044F, 1.149F,   -0.8464F, 0.4918F,  -0.0964F, 0.2678F,  -1.476F, 0.1142F,
    0.8574F,  -0.9702F, 0.7264F,  0.5973F, 1.359F,   0.3599F,  0.1047F,  -1.052F,  -0.1876F, -4.375F, -0.1399F};
inline constexpr float kDirectBias = -12.62F;
/// The score of silence, of the frame's log energy and log salience over their means.
inline constexpr float kSilenceEnergy = -0.009086F, kSilenceSalience = 0.5343F, kSilenceBias = 4.572F;

}  // namespace euterpe::melody_weights
