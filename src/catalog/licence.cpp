#include "catalog/licence.hpp"

#include <string>

namespace euterpe {

bool allows_commercial_use(std::string_view licence) {
  std::string words = " ";  // lower case, one blank before, between and after them
  for (const char c : licence) {
    if (c >= 'A' && c <= 'Z')
      words += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      words += c;
    else if (words.back() != ' ')
      words += ' ';
  }
  if (words.back() != ' ') words += ' ';
  if (words == " ") return false;
  for (const char* forbidden : {" nc ", "noncommercial", "non commercial"})
    if (words.find(forbidden) != std::string::npos) return false;
  return true;
}

}  // namespace euterpe
