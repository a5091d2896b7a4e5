#pragma once
/// Units typed at API edges: `Seconds{1.5}`, `Hertz{440}`, `Ticks{960}`; `1.5_s`, `440_Hz` in code that reads better so.
#include <compare>
#include <cstdint>

namespace euterpe {

template <class Tag, class T>
struct Unit {
  T value{};
  constexpr Unit() = default;
  constexpr explicit Unit(T v) : value(v) {}
  constexpr auto operator<=>(const Unit&) const = default;
  constexpr Unit operator+(Unit o) const { return Unit(value + o.value); }
  constexpr Unit operator-(Unit o) const { return Unit(value - o.value); }
  constexpr Unit operator*(T k) const { return Unit(value * k); }
};

using Seconds = Unit<struct SecondsTag, double>;
using Hertz = Unit<struct HertzTag, double>;
using Ticks = Unit<struct TicksTag, std::int64_t>;

inline namespace literals {
constexpr Seconds operator""_s(long double v) { return Seconds(static_cast<double>(v)); }
constexpr Seconds operator""_s(unsigned long long v) { return Seconds(static_cast<double>(v)); }
constexpr Hertz operator""_Hz(long double v) { return Hertz(static_cast<double>(v)); }
constexpr Hertz operator""_Hz(unsigned long long v) { return Hertz(static_cast<double>(v)); }
}  // namespace literals

}  // namespace euterpe
