#pragma once
/// How the index of passages packs its lists: bytes coded by how frequent they are in their context, with an asymmetric
/// numeral system (Duda 2013; its bytewise form after Giesen's ryg_rans), since that is read several times faster than
/// bit by bit. Encoder and decoder have the same face, so that one function says how a list is coded and both writes
/// and reads it: `code(context, symbol)` returns the symbol, which the decoder does not need to be told.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace euterpe {

class SymbolEncoder {
 public:
  explicit SymbolEncoder(std::size_t contexts) : contexts_(contexts) {}
  std::uint32_t code(std::size_t context, std::uint32_t symbol) {
    symbols_.push_back({static_cast<std::uint8_t>(context), static_cast<std::uint8_t>(symbol)});
    return symbol;
  }
  /// The `count` lower bytes of a value that nothing tells in advance; they lie beside the code.
  std::uint32_t raw(std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) raw_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return value;
  }
  bool failed() const { return false; }
  /// The shares of each context and the code.
  std::vector<std::uint8_t> finish() const;
  const std::vector<std::uint8_t>& raw_bytes() const { return raw_; }

 private:
  struct Symbol {
    std::uint8_t context, value;
  };
  std::size_t contexts_;
  std::vector<Symbol> symbols_;
  std::vector<std::uint8_t> raw_;
};

class SymbolDecoder {
 public:
  /// Any bytes: where they are no code, or end too soon, failed() says so and symbols are 0.
  SymbolDecoder(std::span<const std::uint8_t> code, std::span<const std::uint8_t> raw, std::size_t contexts);
  std::uint32_t code(std::size_t context, std::uint32_t) {
    const std::uint32_t slot = state_ & ((1u << kShareBits) - 1);
    const std::uint8_t symbol = symbols_[(context << kShareBits) | slot];
    const Share of = shares_[(context << 8) | symbol];
    failed_ |= of.share == 0;
    if (failed_) return 0;
    state_ = of.share * (state_ >> kShareBits) + slot - of.start;
    while (state_ < kLowest) {
      if (at_ == code_.size()) {
        failed_ = true;
        return 0;
      }
      state_ = state_ << 8 | code_[at_++];
    }
    return symbol;
  }
  std::uint32_t raw(std::uint32_t, int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      failed_ |= raw_at_ == raw_.size();
      if (!failed_) value |= std::uint32_t{raw_[raw_at_++]} << (8 * i);
    }
    return value;
  }
  bool failed() const { return failed_; }

  static constexpr int kShareBits = 12;
  static constexpr std::uint32_t kLowest = 1u << 23;  ///< of the state between symbols

 private:
  struct Share {
    std::uint16_t share = 0, start = 0;
  };
  std::span<const std::uint8_t> code_, raw_;
  std::size_t at_ = 0, raw_at_ = 0;
  std::uint32_t state_ = 0;
  std::vector<std::uint8_t> symbols_;  ///< [context][lower bits of the state]; 0 where the context never came
  std::vector<Share> shares_;          ///< [context][symbol]
  bool failed_ = false;
};

}  // namespace euterpe
