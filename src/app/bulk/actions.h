// The work of each bulk command, behind its arguments.
#pragma once
#include <functional>

#include "app/bulk/arguments.h"

namespace fealty::app::bulk {

struct Session;
using Action = Exit (*)(Session& session, Arguments const& arguments);

Exit upload(Session& s, Arguments const& a);
Exit watch(Session& s, Arguments const& a);
Exit show_status(Session& s, Arguments const& a);
Exit list(Session& s, Arguments const& a);
Exit cancel(Session& s, Arguments const& a);
Exit revert(Session& s, Arguments const& a);
Exit save_results(Session& s, Arguments const& a);
Exit save_source(Session& s, Arguments const& a);
Exit erase(Session& s, Arguments const& a);

// Refuses wrong arguments, reads the key, does the work, and says what went wrong. Gives the exit status.
int run(Action action, Arguments const& arguments, std::vector<std::string> problems);

}  // namespace fealty::app::bulk
