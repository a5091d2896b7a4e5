#pragma once
/// Runs the program itself, as a user would, and keeps what it said.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"

namespace euterpe {

struct Ran {
  int code = -1;  ///< exit status; 128 + signal if it was killed
  std::string out, err;
  long peak_kilobytes = 0;  ///< most memory that it had at once
};

/// \param environment NAME=VALUE, added to or replacing the test's own
inline Ran run_program(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {}) {
  const TemporaryFolder folder("run program");
  const pid_t child = ::fork();
  if (child == 0) {
    auto redirect = [](const char* path, int flags, int to) { ::dup2(::open(path, flags, 0666), to); };
    redirect("/dev/null", O_RDONLY, STDIN_FILENO);
    redirect((folder / "out").c_str(), O_CREAT | O_WRONLY, STDOUT_FILENO);
    redirect((folder / "err").c_str(), O_CREAT | O_WRONLY, STDERR_FILENO);
    for (const std::string& entry : environment) {
      const auto equals = entry.find('=');
      ::setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
    }
    std::vector<char*> argv{const_cast<char*>(EUTERPE_BINARY)};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(EUTERPE_BINARY, argv.data());
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  ::wait4(child, &status, 0, &used);
  auto read = [&](const char* name) {
    std::ostringstream text;
    text << std::ifstream(folder / name).rdbuf();
    return text.str();
  };
  Ran ran{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read("out"), read("err"), used.ru_maxrss};
  return ran;
}

}  // namespace euterpe
