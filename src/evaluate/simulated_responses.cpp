#include "evaluate/simulated_responses.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/random.hpp"
#include "recommend/ease.hpp"

namespace euterpe {
namespace {

constexpr int kIterations = 20;  // of the power method: the subspace, not each vector, has to settle

/// Orthonormal rows (modified Gram–Schmidt). \param rows [rank × n]; a row that the others span becomes 0
void orthonormalize(std::vector<std::vector<double>>& rows) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t q = 0; q < r; ++q) {
      const double along = std::inner_product(rows[r].begin(), rows[r].end(), rows[q].begin(), 0.);
      for (std::size_t i = 0; i < rows[r].size(); ++i) rows[r][i] -= along * rows[q][i];
    }
    const double norm = std::sqrt(std::inner_product(rows[r].begin(), rows[r].end(), rows[r].begin(), 0.));
    for (double& value : rows[r]) value = norm > 1e-9 ? value / norm : 0;
  }
}

/// The projection of the binary rows `heard` on their `rank` leading right singular vectors, by subspace iteration
/// (Golub and Van Loan, 8.2.4). \return [heard.size() × items]
std::vector<double> low_rank(const std::vector<History>& heard, std::size_t items, int rank, Random& random) {
  std::vector<std::vector<double>> basis(static_cast<std::size_t>(rank), std::vector<double>(items));
  for (auto& row : basis)
    for (double& value : row) value = random.normal();
  const auto along = [&](const History& history, const std::vector<double>& direction) {
    double sum = 0;
    for (const int item : history) sum += direction[static_cast<std::size_t>(item)];
    return sum;
  };
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    orthonormalize(basis);
    for (auto& direction : basis) {
      std::vector<double> next(items, 0.);
      for (const History& history : heard) {
        const double score = along(history, direction);
        for (const int item : history) next[static_cast<std::size_t>(item)] += score;
      }
      direction = std::move(next);
    }
  }
  orthonormalize(basis);
  std::vector<double> projected(heard.size() * items, 0.);
  for (std::size_t u = 0; u < heard.size(); ++u)
    for (const auto& direction : basis) {
      const double score = along(heard[u], direction);
      for (std::size_t i = 0; i < items; ++i) projected[u * items + i] += score * direction[i];
    }
  return projected;
}

/// Takes the means of rows and columns away. \param table [rows × columns]
void center(std::vector<double>& table, std::size_t columns) {
  const std::size_t rows = table.size() / columns;
  std::vector<double> row(rows, 0.), column(columns, 0.);
  double all = 0;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const double value = table[r * columns + c];
      row[r] += value / static_cast<double>(columns);
      column[c] += value / static_cast<double>(rows);
      all += value / static_cast<double>(table.size());
    }
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) table[r * columns + c] += all - row[r] - column[c];
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// The level at which σ(level + x) has the given mean, by bisection.
double level_for(const std::vector<double>& logits, double mean) {
  double low = -50, high = 50;
  for (int step = 0; step < 40; ++step) {
    const double middle = (low + high) / 2;
    double sum = 0;
    for (const double x : logits) sum += sigmoid(middle + x);
    (sum < mean * static_cast<double>(logits.size()) ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

void standardize(std::span<double> values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) squares += (value - mean) * (value - mean) / n;
  const double deviation = squares > 0 ? std::sqrt(squares) : 1;
  for (double& value : values) value = (value - mean) / deviation;
}

SimulatedResponses simulate_responses(const std::vector<History>& histories, int items,
                                      const ResponseSimulation& options) {
  EUTERPE_ASSERT(options.mean > 0 && options.mean < 1 && options.rank > 0 && options.items > 0);
  if (histories.size() < 2 || items < 2)
    throw Error(Category::bad_input, "simulate_responses",
                std::to_string(histories.size()) + " listeners and " + std::to_string(items) +
                    " items: a simulation needs two of each or more");
  const std::vector<float> listeners = count_listeners(histories, items);
  SimulatedResponses result;
  result.users = histories.size();
  result.items =
      best_items(listeners, std::vector<bool>(listeners.size(), false), static_cast<std::size_t>(options.items));
  const std::size_t kept = result.items.size();
  std::vector<int> place(listeners.size(), -1);
  for (std::size_t i = 0; i < kept; ++i) place[static_cast<std::size_t>(result.items[i])] = static_cast<int>(i);
  std::vector<History> heard(histories.size());
  for (std::size_t u = 0; u < histories.size(); ++u)
    for (const int item : latest_distinct(histories[u], histories[u].size()))
      if (place[static_cast<std::size_t>(item)] >= 0) heard[u].push_back(place[static_cast<std::size_t>(item)]);

  Random random(options.seed);
  std::vector<double> taste = low_rank(heard, kept, options.rank, random);
  center(taste, kept);
  standardize(taste);
  std::vector<double> popularity;
  for (const int item : result.items) popularity.push_back(std::log(1 + listeners[static_cast<std::size_t>(item)]));
  standardize(popularity);

  std::vector<double> logits(taste.size());
  for (std::size_t u = 0; u < result.users; ++u) {
    const double own = options.listener * random.normal();
    for (std::size_t i = 0; i < kept; ++i)
      logits[u * kept + i] =
          options.taste * taste[u * kept + i] + options.item * popularity[i] + own + options.pair * random.normal();
  }
  const double level = level_for(logits, options.mean);
  result.probability.reserve(logits.size());
  for (const double x : logits) result.probability.push_back(static_cast<float>(sigmoid(level + x)));
  return result;
}

}  // namespace euterpe
