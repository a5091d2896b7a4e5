#include "compose/compose.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "compose/continuation.hpp"
#include "score/remi_grammar.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

constexpr int kMaxBars = 512;
constexpr int kMaxAttempts = 8;
constexpr int kShortestContext = 64;  // holds any header (36 tokens) and some music
constexpr std::size_t kFewestNotesPerBar = 2;

/// One piece being written: the sequence, what the grammar and the user allow next, and the model's cache.
class Writer {
 public:
  Writer(std::shared_ptr<const TransformerWeights> weights, const ComposeOptions& options, int prompt_bars)
      : decoder_(std::move(weights)),
        sampler_(options.sampling),
        options_(options),
        bars_(options.bars + prompt_bars),
        allowed_(static_cast<std::size_t>(V::size())) {
    if (options.meter) {
      for (std::size_t m = 0; m < remi_meters().size(); ++m)
        if (fmt::format("{}/{}", remi_meters()[m].numerator, remi_meters()[m].denominator) == *options.meter)
          meter_ = static_cast<int>(m);
      if (meter_ < 0)
        throw Error(Category::usage, "compose", fmt::format("unknown meter \"{}\"", *options.meter),
                    "for example 4/4, 3/4 or 6/8");
    }
  }

  void force(Token token) { push(token); }

  /// Draws one token of `kind`, whatever the model would rather say.
  void draw_one(TokenKind kind, Random& random) {
    grammar_.mask(allowed_);
    for (int t = 0; t < V::size(); ++t)
      if (V::kind(static_cast<Token>(t)) != kind) allowed_[static_cast<std::size_t>(t)] = 0;
    push(static_cast<Token>(sampler_.draw(logits_, allowed_, random)));
  }

  /// Draws tokens until Eos. The header's open questions (key, tempo, instruments) are the model's to answer.
  void write(Random& random) {
    while (V::kind(tokens_.back()) != TokenKind::eos) {
      check_interrupt();
      restrict_to_wishes();
      hear_bar_lines();
      double log_probability = 0;
      const auto token = static_cast<Token>(sampler_.draw(wished_, allowed_, random, &log_probability));
      nats_ -= log_probability;
      ++drawn_;
      push(token);
    }
  }

  const std::vector<Token>& tokens() const { return tokens_; }
  double nats_per_token() const { return drawn_ > 0 ? nats_ / static_cast<double>(drawn_) : 0; }

 private:
  void restrict_to_wishes() {
    grammar_.mask(allowed_);
    auto forbid = [&](TokenKind kind) {
      const auto first = allowed_.begin() + V::first(kind);
      std::fill(first, first + V::count(kind), 0);
    };
    auto only = [&](TokenKind kind, int value) {
      const Token keep = V::token(kind, value);
      const auto was = allowed_[keep];
      forbid(kind);
      allowed_[keep] = was;
    };
    if (!grammar_.in_header()) {
      if (options_.tempo) forbid(TokenKind::tempo);
      // One meter throughout: what the user asked for, else that of the first bar.
      only(TokenKind::bar, meter_ >= 0 ? meter_ : grammar_.meter());
      const int left = bars_ - grammar_.bars();
      if (V::kind(tokens_.back()) == TokenKind::bar) {
        if (left < kLeftBars) {  // said, not drawn: the length is the user's wish
          std::fill(allowed_.begin(), allowed_.end(), 0);
          allowed_[V::token(TokenKind::left, left)] = 1;
        } else {
          forbid(TokenKind::left);
        }
      }
      forbid(left > 0 ? TokenKind::eos : TokenKind::bar);
      // The piece is as long as was asked: its last bar sounds, and nothing sounds beyond it.
      if (left == 0 && grammar_.position() < 0) forbid(TokenKind::eos);
      if (grammar_.position() >= 0) {
        const int bar = remi_meters()[static_cast<std::size_t>(grammar_.meter())].grid();
        const int room = (left + 1) * bar - grammar_.position() - held_;
        for (int d = std::max(0, room); d < kMaxDuration; ++d) allowed_[V::token(TokenKind::duration, d)] = 0;
      }
    } else if (meter_ >= 0) {
      only(TokenKind::bar, meter_);
    }
  }

  /// Bar and Eos both say that this bar is done; which of them may come is the user's wish, not the model's. Without
  /// this a model that would rather go on fills the last moments of the piece with notes.
  void hear_bar_lines() {
    wished_.assign(logits_.begin(), logits_.end());
    if (grammar_.in_header()) return;
    float& eos = wished_[V::token(TokenKind::eos)];
    float& bar = wished_[V::token(TokenKind::bar, meter_ >= 0 ? meter_ : grammar_.meter())];
    const float largest = std::max(eos, bar);
    eos = bar = largest + std::log1p(std::exp(std::min(eos, bar) - largest));
  }

  void push(Token token) {
    grammar_.push(token);
    tokens_.push_back(token);
    held_ = V::kind(token) == TokenKind::duration ? held_ + V::value(token) + 1 : 0;
    if (decoder_.length() == decoder_.context())
      refill();
    else
      logits_ = decoder_.step(token);
  }

  /// The context is full: the model reads the header again and the last whole bars that fill half of it. Bos stays out,
  /// as in training on passages from the middle of a piece.
  void refill() {
    const auto bars = remi_bars(tokens_);
    std::vector<Token> history;
    for (std::size_t i = 0; i < bars.front(); ++i)
      if (V::kind(tokens_[i]) != TokenKind::bos) history.push_back(tokens_[i]);
    const std::size_t half = static_cast<std::size_t>(decoder_.context()) / 2;
    std::size_t from = bars.back();
    for (std::size_t b = bars.size(); b-- > 0 && tokens_.size() - bars[b] <= half;) from = bars[b];
    // A bar longer than half the context is read from where it still fits.
    const std::size_t room = static_cast<std::size_t>(decoder_.context()) - history.size() - 1;
    from = std::max(from, tokens_.size() - std::min(tokens_.size(), room));
    history.insert(history.end(), tokens_.begin() + static_cast<std::ptrdiff_t>(from), tokens_.end());
    decoder_.rewind(0);
    for (Token t : history) logits_ = decoder_.step(t);
  }

  Decoder decoder_;
  Sampler sampler_;
  const ComposeOptions& options_;
  RemiGrammar grammar_;
  int bars_, meter_ = -1;
  int held_ = 0;  // grid steps that the Duration tokens in a row have said so far
  std::vector<std::uint8_t> allowed_;
  std::vector<Token> tokens_;
  std::span<const float> logits_;
  std::vector<float> wished_;  // logits_ with the bar line's two names made one
  double nats_ = 0;
  std::size_t drawn_ = 0;
};

/// A model that was told a key often settles a fifth away. If the piece sounds in the mode that was asked for, it is
/// moved to the tonic by the shortest way. \return false if it sounds in the other mode or cannot be moved
bool move_to_key(std::vector<Token>& tokens, const KeyEstimate& wish) {
  const KeyEstimate heard = estimate_key(pitch_class_durations(decode_remi(tokens)));
  if (heard.minor != wish.minor) return false;
  const int up = ((wish.tonic - heard.tonic) % 12 + 12) % 12;
  if (up != 0 && !transpose_remi(tokens, up <= 6 ? up : up - 12)) return false;
  for (Token& token : tokens)
    if (V::kind(token) == TokenKind::key) token = V::token(TokenKind::key, wish.tonic + (wish.minor ? 12 : 0));
  return true;
}

int style_index(const std::vector<std::string>& styles, const std::string& asked) {
  const std::string& style = asked.empty() ? styles.front() : asked;
  if (std::find(styles.begin(), styles.end(), style) == styles.end())
    throw Error(Category::usage, "compose", fmt::format("this model does not write \"{}\"", style),
                fmt::format("it writes {}", fmt::join(styles, ", ")));
  return *remi_style(style);
}

}  // namespace

KeyEstimate parse_key(std::string_view text) {
  static constexpr std::string_view kLetters = "C D EF G A B";
  const auto fail = [&]() -> KeyEstimate {
    throw Error(Category::usage, "compose", fmt::format("\"{}\" is no key", text),
                "for example \"C major\", \"F# minor\", \"Bb\" or \"Am\"");
  };
  if (text.empty()) return fail();
  KeyEstimate key;
  const auto letter = kLetters.find(static_cast<char>(std::toupper(static_cast<unsigned char>(text[0]))));
  if (letter == std::string_view::npos || text[0] == ' ') return fail();
  key.tonic = static_cast<int>(letter);
  // A small letter alone means minor ("a"), as in German and in many catalogs.
  key.minor = std::islower(static_cast<unsigned char>(text[0])) && text.size() <= 2;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '#' || text[0] == 'b')) {
    key.tonic = (key.tonic + (text[0] == '#' ? 1 : 11)) % 12;
    text.remove_prefix(1);
  }
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  if (text == "m" || text == "min" || text == "minor")
    key.minor = true;
  else if (text == "M" || text == "maj" || text == "major")
    key.minor = false;
  else if (!text.empty())
    return fail();
  return key;
}

Composer::Composer(const Model& model) : model_(model) {
  const auto& card = model.card;
  if (card.value("task", "") != "compose" || card.value("network", "") != "transformer" ||
      card.value("tokenizer", "") != V::kName)
    throw Error(Category::bad_input, "compose",
                fmt::format("{} does not compose (its card says task \"{}\")", model.name, card.value("task", "")));
  const TransformerOptions options = transformer_options(card.value("options", nlohmann::json::object()));
  if (options.vocabulary != V::size())
    throw Error(
        Category::bad_input, "compose",
        fmt::format("{} has {} tokens, this program's tokenizer {}", model.name, options.vocabulary, V::size()));
  if (options.context < kShortestContext)
    throw Error(Category::bad_input, "compose",
                fmt::format("{} sees {} tokens, {} are the least", model.name, options.context, kShortestContext));
  styles_ = card.value("styles", std::vector<std::string>{"none"});
  std::erase_if(styles_, [](const std::string& s) { return !remi_style(s); });
  if (styles_.empty()) throw Error(Category::bad_input, "compose", model.name + ": its card names no known style");
  weights_ = std::make_shared<TransformerWeights>(options, model.weights());
}

Composition Composer::compose(const ComposeOptions& options) const {
  if (options.bars < 1 || options.bars > kMaxBars)
    throw Error(Category::usage, "compose",
                fmt::format("{} bars asked for, 1 to {} can be written", options.bars, kMaxBars));
  if (options.tempo && !(*options.tempo >= 30 && *options.tempo <= 240))
    throw Error(Category::usage, "compose",
                fmt::format("tempo {} is outside 30 to 240 quarter notes a minute", *options.tempo));
  const int style = style_index(styles_, options.style);

  std::vector<Token> header{V::token(TokenKind::bos), V::token(TokenKind::style, style)};
  int prompt_bars = 0;
  ComposeOptions wishes = options;
  if (options.prompt) {
    RemiOptions remi;
    remi.style = std::string(remi_styles()[static_cast<std::size_t>(style)]);
    remi.velocities = false;
    remi.key = options.key ? *options.key : estimate_key(pitch_class_durations(*options.prompt));
    header = encode_remi(*options.prompt, remi);
    header.pop_back();  // Eos
    std::erase_if(header, [](Token t) { return V::kind(t) == TokenKind::left; });
    prompt_bars = static_cast<int>(remi_bars(header).size());
    const Token last_bar = header[remi_bars(header).back()];
    const MeterChoice meter = remi_meters()[static_cast<std::size_t>(V::value(last_bar))];
    wishes.meter = fmt::format("{}/{}", meter.numerator, meter.denominator);
    wishes.tempo = 120.0;  // the piece's own tempo goes on: no Tempo token is drawn
  } else {
    if (options.key) header.push_back(V::token(TokenKind::key, options.key->tonic + (options.key->minor ? 12 : 0)));
  }

  Composition out;
  bool in_key = true;
  for (;; ++out.attempts) {
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(out.attempts));
    Writer writer(weights_, wishes, prompt_bars);
    for (Token t : header) writer.force(t);
    if (!options.prompt && options.tempo) {
      // Key stands between Style and Tempo, and with Tempo said it could no longer be chosen.
      if (!options.key) writer.draw_one(TokenKind::key, random);
      writer.force(V::token(TokenKind::tempo, tempo_step(*options.tempo)));
    }
    writer.write(random);
    out.tokens = writer.tokens();
    out.nats_per_token = writer.nats_per_token();
    in_key = options.prompt || !options.key || move_to_key(out.tokens, *options.key);
    Score written = decode_remi(out.tokens);
    // Tokens know tempo in steps of three per cent; the wish is exact.
    if (!options.prompt && options.tempo)
      written.tempos = {{0, static_cast<std::uint32_t>(std::lround(60e6 / *options.tempo))}};
    if (options.prompt) written = continuation(*options.prompt, written, prompt_bars);
    const std::size_t before = options.prompt ? options.prompt->note_count() : 0;
    out.score = std::move(written);
    const bool full = out.score.note_count() >= before + kFewestNotesPerBar * static_cast<std::size_t>(options.bars);
    if ((full && in_key) || out.attempts == kMaxAttempts) break;
  }

  auto licences = nlohmann::json::array();
  for (const auto& source : model_.card.value("data", nlohmann::json::array()))
    licences.push_back({{"name", source.value("name", "")}, {"licence", source.value("licence", "")}});
  out.provenance = {{"model", model_.name},
                    {"model_hash", model_.hash},
                    {"style", remi_styles()[static_cast<std::size_t>(style)]},
                    {"seed", options.seed},
                    {"bars", options.bars},
                    {"temperature", options.sampling.temperature},
                    {"top_k", options.sampling.top_k},
                    {"top_p", options.sampling.top_p},
                    {"min_p", options.sampling.min_p},
                    {"learned_from", licences},
                    {"commercial", model_.card.value("commercial", false)},
                    {"nats_per_token", out.nats_per_token},
                    {"attempts", out.attempts}};
  if (options.key) {
    out.provenance["key"] = options.key->name();
    out.provenance["in_key"] = in_key;
  }
  if (options.tempo) out.provenance["tempo"] = *options.tempo;
  if (options.meter) out.provenance["meter"] = *options.meter;
  return out;
}

}  // namespace euterpe
