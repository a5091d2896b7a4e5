#pragma once
/// SIGINT and SIGTERM ask long work to stop at its next safe point.

namespace euterpe {

/// Installs the handlers; a second signal ends the process at once.
void install_interrupt_handlers();
bool interrupted();
/// Throws Error{interrupted} if a signal came. Call between the steps of long work.
void check_interrupt();

}  // namespace euterpe
