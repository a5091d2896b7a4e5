#pragma once
/// The one exception type of Euterpe and the one mapping from error category to exit code.
///
/// An Error is the user's or the world's fault: bad input, a missing file, a full disk. A bug of our own is an
/// assertion (EUTERPE_ASSERT), never an Error.
#include <exception>
#include <string>
#include <string_view>

namespace euterpe {

enum class Category {
  usage,          ///< the command line or an option is wrong
  bad_input,      ///< a file or value from outside is malformed
  not_found,      ///< a file, track, user or model does not exist
  io,             ///< reading or writing failed (permissions, disk full)
  unsupported,    ///< understood, but this build or version cannot do it
  newer_version,  ///< the artefact was made by a newer Euterpe
  refused,        ///< allowed technically, but rights or the originality gate say no
  partial,        ///< some items of a batch failed, the others are done
  interrupted,    ///< SIGINT or SIGTERM
};

/// Stable lower-case name ("bad_input"), for logs and JSON.
std::string_view name(Category category);

/// 0 is success and has no category; 1 failure, 2 usage, 3 part of a batch failed, 130 interrupted.
int exit_code(Category category);

class Error : public std::exception {
 public:
  /// \param operation what was being done, in brackets when printed: "read_midi"
  /// \param detail    what is wrong and where in the input: "song.mid: byte 132: expected an event, found 0x80"
  /// \param hint      what the user can do about it, may be empty
  Error(Category category, std::string operation, std::string detail, std::string hint = {});

  const char* what() const noexcept override { return what_.c_str(); }
  Category category() const { return category_; }
  const std::string& operation() const { return operation_; }
  const std::string& detail() const { return detail_; }
  const std::string& hint() const { return hint_; }

  /// The same error with "where: " put before its detail; a batch adds the file's name so.
  Error in(std::string_view where) const;

 private:
  Category category_;
  std::string operation_, detail_, hint_, what_;
};

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace euterpe

/// Checks an invariant of our own code in every build type; failing it is a bug, so it aborts.
#define EUTERPE_ASSERT(expression) \
  ((expression) ? void(0) : ::euterpe::assertion_failed(#expression, __FILE__, __LINE__))
